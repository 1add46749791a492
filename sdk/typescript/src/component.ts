/** The component's side: the exports of the contract over one strategy. `sandpit plugin build`
 * writes the module that calls `handlers`; nothing else does. */

import { OwnOrder, type Session } from "./context.js";
import { Decimal, type WireDecimal } from "./decimal.js";
import { type Level, log, setWriter } from "./log.js";
import type { Intent, Order, OrderEvent, OrderKind, OrderUpdate } from "./orders.js";
import { kebab } from "./parameters.js";
import type { BookLevel, Budget, Data, Position, StopReason, Trade, TradingState } from "./records.js";
import { Refused, type Strategy, type StrategyClass } from "./strategy.js";
import type * as wire from "./wire.js";

/** Lines of a trace in the log. */
const TRACE_LINES_MAX = 40;

const number = (value: WireDecimal): Decimal => Decimal.fromWire(value);
const sent = (value: Decimal): WireDecimal => value.toWire();
const sentOrNone = (value: Decimal | undefined) => (value === undefined ? undefined : sent(value));

// ---------------------------------------------------------------- what is said

function dataKind(data: Data): unknown {
  switch (data.kind) {
    case "bars":
      return { tag: "bars", val: BigInt(data.seconds) * 1_000_000_000n };
    case "depth":
      return { tag: "depth", val: data.levels };
    default:
      return { tag: data.kind };
  }
}

function describeParameters(strategy: StrategyClass): unknown[] {
  return Object.entries(strategy.parameters).map(([property, parameter]) => {
    const convert: (value: unknown) => unknown =
      parameter.kind === "integer"
        ? (value) => BigInt(value as number)
        : parameter.kind === "decimal"
          ? (value) => sent(value as Decimal)
          : (value) => value;
    const bounds = {
      default: convert(parameter.default),
      ...(parameter.min !== undefined && { min: convert(parameter.min) }),
      ...(parameter.max !== undefined && { max: convert(parameter.max) }),
      ...(parameter.options !== undefined && { options: [...parameter.options] }),
      ...(parameter.maxBytes !== undefined && { maxBytes: parameter.maxBytes }),
    };
    const val = parameter.kind === "boolean" ? parameter.default : bounds;
    return {
      name: kebab(property),
      summary: parameter.summary,
      type: { tag: parameter.kind, val },
    };
  });
}

function sentKind(kind: OrderKind | undefined): unknown {
  switch (kind?.type) {
    case undefined:
    case "market":
      return { tag: "market" };
    case "limit":
      return { tag: "limit", val: sent(kind.price) };
    case "stop":
    case "take-profit":
      return { tag: kind.type, val: sent(kind.trigger) };
    case "stop-limit":
      return { tag: "stop-limit", val: { trigger: sent(kind.trigger), limit: sent(kind.limit) } };
    case "trailing-stop":
      return {
        tag: "trailing-stop",
        val:
          "distance" in kind
            ? { tag: "price", val: sent(kind.distance) }
            : { tag: "basis-points", val: kind.basisPoints },
      };
  }
}

function sentPlace(tag: bigint, order: Order): unknown {
  const { timeInForce = "gtc" } = order;
  return {
    tag,
    instrument: order.instrument,
    side: order.side,
    quantity: sent(order.quantity),
    kind: sentKind(order.kind),
    timeInForce:
      typeof timeInForce === "string" ? { tag: timeInForce } : { tag: "gtd", val: timeInForce.until },
    postOnly: order.postOnly ?? false,
    reduceOnly: order.reduceOnly ?? false,
  };
}

function sentIntent(intent: Intent): unknown {
  switch (intent.type) {
    case "place":
      return { tag: "place", val: sentPlace(intent.tag, intent.order) };
    case "target-position": {
      const { tag, instrument, quantity, limit } = intent;
      const val = { tag, instrument, quantity: sent(quantity), limit: sentOrNone(limit) };
      return { tag: "target-position", val };
    }
    case "amend": {
      const { tag, quantity, price } = intent;
      return {
        tag: "amend",
        val: { tag, quantity: sentOrNone(quantity), price: sentOrNone(price) },
      };
    }
    case "cancel":
      return { tag: "cancel", val: intent.tag };
    case "cancel-all":
      return { tag: "cancel-all", val: intent.instrument };
    case "bracket":
      return {
        tag: "bracket",
        val: {
          entry: sentPlace(intent.tags.entry, intent.entry),
          stopLossTag: intent.tags.stopLoss,
          stopLoss: sent(intent.stopLoss),
          takeProfitTag: intent.tags.takeProfit,
          takeProfit: sent(intent.takeProfit),
        },
      };
    case "set-timer":
      return { tag: "set-timer", val: { id: intent.id, at: intent.at, every: intent.every } };
    case "cancel-timer":
      return { tag: "cancel-timer", val: intent.id };
  }
}

// ---------------------------------------------------------------- what is told

/** A trade whose numbers become decimals when they are first asked for. */
class LazyTrade implements Trade {
  #price: Decimal | undefined;
  #quantity: Decimal | undefined;

  constructor(readonly told: wire.Trade) {}

  get instrument(): number {
    return this.told.instrument;
  }

  get time(): bigint {
    return this.told.time;
  }

  get price(): Decimal {
    return (this.#price ??= number(this.told.price));
  }

  get quantity(): Decimal {
    return (this.#quantity ??= number(this.told.quantity));
  }

  get aggressor(): Trade["aggressor"] {
    return this.told.aggressor;
  }

  get history(): boolean {
    return this.told.history;
  }
}

function position(told: wire.Position): Position {
  return {
    instrument: told.instrument,
    time: told.time,
    quantity: number(told.quantity),
    entryPrice: number(told.entryPrice),
    realizedPnl: number(told.realizedPnl),
  };
}

function budget(told: wire.Budget): Budget {
  return {
    time: told.time,
    balance: number(told.balance),
    equity: number(told.equity),
    fees: number(told.fees),
  };
}

function values(told: wire.Argument[]): Map<string, unknown> {
  return new Map(
    told.map(({ name, value }): [string, unknown] => {
      switch (value.tag) {
        case "decimal":
          return [name, number(value.val)];
        case "integer":
          return [name, Number(value.val)];
        default:
          return [name, value.val];
      }
    }),
  );
}

function toldKind(told: wire.OrderKind): OrderKind {
  switch (told.tag) {
    case "market":
      return { type: "market" };
    case "limit":
      return { type: "limit", price: number(told.val) };
    case "stop":
    case "take-profit":
      return { type: told.tag, trigger: number(told.val) };
    case "stop-limit":
      return { type: "stop-limit", trigger: number(told.val.trigger), limit: number(told.val.limit) };
    case "trailing-stop":
      return told.val.tag === "price"
        ? { type: "trailing-stop", distance: number(told.val.val) }
        : { type: "trailing-stop", basisPoints: told.val.val };
  }
}

function session(told: wire.Session): Session {
  return {
    mode: told.mode,
    time: told.time,
    seed: told.seed,
    instruments: told.instruments.map((each) => ({
      ...each,
      priceTick: number(each.priceTick),
      quantityStep: number(each.quantityStep),
      minQuantity: number(each.minQuantity),
      maxQuantity: number(each.maxQuantity),
      minNotional: number(each.minNotional),
      multiplier: number(each.multiplier),
      makerFee: number(each.makerFee),
      takerFee: number(each.takerFee),
    })),
    arguments: values(told.arguments),
    budget: budget(told.budget),
    currency: told.currency,
    tradingState: told.tradingState,
    positions: told.positions.map(position),
    orders: told.orders.map((each) => {
      const { tag, instrument, side, quantity, kind, reduceOnly } = each;
      const own = new OwnOrder(tag, instrument, side, number(quantity), toldKind(kind), reduceOnly);
      own.filled = number(each.filled);
      own.state = "working";
      return own;
    }),
    restored: told.restored,
  };
}

function orderEvent(told: wire.OrderEvent): OrderEvent {
  switch (told.tag) {
    case "denied":
    case "change-refused":
      return { type: told.tag, code: told.val.code, message: told.val.message };
    case "rejected":
      return { type: "rejected", reason: told.val };
    case "filled": {
      const { tradeId, price, quantity, fee, liquidity } = told.val;
      return {
        type: "filled",
        tradeId,
        price: number(price),
        quantity: number(quantity),
        fee: number(fee),
        liquidity,
      };
    }
    default:
      return { type: told.tag };
  }
}

function levels(
  prices: ArrayLike<bigint>,
  quantities: ArrayLike<bigint>,
  told: wire.Depth,
): BookLevel[] {
  return Array.from(prices, (price, at) => ({
    price: new Decimal(price, told.priceScale),
    quantity: new Decimal(quantities[at] ?? 0n, told.quantityScale),
  }));
}

// ---------------------------------------------------------------- the exports

/** An error would trap without a word; this way its trace is in the strategy's log. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (problem) {
    if (problem instanceof Refused) {
      // The contract's own error: a reason for the operator.
      throw problem.message;
    }
    const trace = problem instanceof Error ? `${problem}\n${problem.stack ?? ""}` : String(problem);
    for (const line of trace.split("\n").slice(0, TRACE_LINES_MAX)) {
      if (line !== "") {
        log.error(line);
      }
    }
    throw problem;
  }
}

/** What the contract's exports are. */
export function handlers(
  strategyClass: StrategyClass,
  about: { name: string; version: string; summary: string },
  write: (level: Level, message: string) => void,
): Record<string, (...told: never[]) => unknown> {
  let live: Strategy = new strategyClass();
  /** One event: now, the handler, and whether intents wait. */
  const event = (time: bigint, history: boolean, work: () => void): boolean =>
    guarded(() => {
      live._at(time, history);
      work();
      return live._hasIntents;
    });
  return {
    describe: () =>
      guarded(() => ({
        ...about,
        parameters: describeParameters(strategyClass),
        subscriptions: strategyClass.subscriptions.map(dataKind),
        warmUp: strategyClass.subscriptions.flatMap((data) =>
          "history" in data && data.history ? [{ kind: dataKind(data), count: data.history }] : [],
        ),
        stateSchema: strategyClass.stateSchema,
      })),
    start: (told: wire.Session) =>
      guarded(() => {
        setWriter(write);
        live = new strategyClass();
        live._start(session(told));
        return live._hasIntents;
      }),
    onTrade: (told: wire.Trade) =>
      event(told.time, told.history, () => live.onTrade(new LazyTrade(told))),
    onQuote: (told: wire.Quote) =>
      event(told.time, told.history, () =>
        live.onQuote({
          ...told,
          bidPrice: number(told.bidPrice),
          bidQuantity: number(told.bidQuantity),
          askPrice: number(told.askPrice),
          askQuantity: number(told.askQuantity),
        }),
      ),
    onBar: (told: wire.Bar) =>
      event(told.time, told.history, () =>
        live.onBar({
          ...told,
          open: number(told.open),
          high: number(told.high),
          low: number(told.low),
          close: number(told.close),
          volume: number(told.volume),
        }),
      ),
    onDepth: (told: wire.Depth) =>
      event(told.time, false, () =>
        live.onDepth({
          instrument: told.instrument,
          time: told.time,
          bids: levels(told.bidPrices, told.bidQuantities, told),
          asks: levels(told.askPrices, told.askQuantities, told),
        }),
      ),
    onOrder: (told: wire.OrderUpdate) =>
      event(told.time, false, () => {
        const update: OrderUpdate = {
          ...told,
          event: orderEvent(told.event),
          quantity: number(told.quantity),
          filled: number(told.filled),
        };
        live._noteOrder(update);
        live.onOrder(update);
      }),
    onPosition: (told: wire.Position) =>
      event(told.time, false, () => {
        live._setPosition(position(told));
        live.onPosition(position(told));
      }),
    onBudget: (told: wire.Budget) =>
      event(told.time, false, () => {
        live._setBudget(budget(told));
        live.onBudget(budget(told));
      }),
    onTimer: (id: number, time: bigint) => event(time, false, () => live.onTimer(id)),
    onTradingState: (state: TradingState, time: bigint) =>
      event(time, false, () => {
        live._setTradingState(state);
        live.onTradingState(state);
      }),
    onParameters: (told: wire.Argument[]) =>
      guarded(() => {
        live._changeParameters(values(told));
        return live._hasIntents;
      }),
    takeIntents: () => guarded(() => live._takeIntents().map(sentIntent)),
    save: () => guarded(() => live.save()),
    stop: (reason: StopReason) => guarded(() => live.stop(reason)),
  };
}
