/**
 * A market in a unit test, without WebAssembly.
 *
 *     const market = new Harness(MyStrategy, { parameters: { dip: "0.05" } });
 *     market.trade("100");
 *     market.trade("90");
 *     assert.equal(market.position().toString(), "1");
 *
 * Market orders and target positions fill at once at the last price, without fees; what waits for a
 * price stays open until `fill`, `cancel` or `deny` is called. That is a stand for the strategy's
 * own logic, not a model of the market: `sandpit backtest` has that.
 */

/// <reference path="./node.d.ts" />

import type { OwnOrder } from "./context.js";
import { Decimal, type Exact } from "./decimal.js";
import { type Level, takeLog } from "./log.js";
import type { Intent, Order, OrderEvent } from "./orders.js";
import { kebab } from "./parameters.js";
import type { Aggressor, Instrument, InstrumentId, OrderTag, SavedState, Side, StopReason } from "./records.js";
import type { Strategy, StrategyClass } from "./strategy.js";

const SECOND = 1_000_000_000n;

/** An instrument with plain rules; say what shall be otherwise. */
export function plainInstrument(changes: Partial<Instrument> = {}): Instrument {
  return {
    id: 0,
    symbol: "BTCUSDT",
    venue: "harness",
    kind: "spot",
    base: "BTC",
    quote: "USDT",
    priceTick: Decimal.from("0.01"),
    quantityStep: Decimal.from("0.00000001"),
    minQuantity: Decimal.from("0.00000001"),
    maxQuantity: Decimal.from(1_000_000),
    minNotional: Decimal.ZERO,
    multiplier: Decimal.ONE,
    makerFee: Decimal.ZERO,
    takerFee: Decimal.ZERO,
    ...changes,
  };
}

/** One strategy in a session of its own. */
export class Harness<S extends Strategy<any>> {
  /** The strategy itself. */
  readonly strategy: S;
  /** All that was asked for, oldest first. */
  readonly intents: Intent[] = [];
  #time = SECOND;
  #last = new Map<InstrumentId, Decimal>();
  #trades = 0;
  #values: Map<string, unknown>;

  constructor(
    strategyClass: StrategyClass & { new (): S },
    setting: {
      /** By the name of the property; the default where it is not said. */
      parameters?: Record<string, unknown>;
      instruments?: Instrument[];
      budget?: Exact;
      seed?: bigint;
      restored?: SavedState;
    } = {},
  ) {
    takeLog();
    const said = setting.parameters ?? {};
    for (const property of Object.keys(said)) {
      if (!(property in strategyClass.parameters)) {
        throw new TypeError(`the strategy has no parameter ${property}`);
      }
    }
    this.#values = new Map(
      Object.entries(strategyClass.parameters).map(([property, parameter]) => [
        kebab(property),
        parameter.check(property, said[property] ?? parameter.default),
      ]),
    );
    const money = Decimal.from(setting.budget ?? 1_000_000);
    this.strategy = new strategyClass() as S;
    this.strategy._start({
      mode: "backtest",
      time: this.#time,
      seed: setting.seed ?? 0n,
      instruments: setting.instruments ?? [plainInstrument()],
      arguments: this.#values,
      budget: { time: this.#time, balance: money, equity: money, fees: Decimal.ZERO },
      currency: "USDT",
      tradingState: "active",
      positions: [],
      orders: [],
      restored: setting.restored,
    });
    this.#carryOut();
  }

  // -------------------------------------------------------------- the market

  /** A trade, one second after what was before. */
  trade(
    price: Exact,
    more: { quantity?: Exact; instrument?: InstrumentId; aggressor?: Aggressor; history?: boolean } = {},
  ): void {
    const { quantity = 1, instrument = 0, aggressor = "unknown", history = false } = more;
    const time = this.#tick(history);
    this.#last.set(instrument, Decimal.from(price));
    this.strategy.onTrade({
      instrument,
      time,
      price: Decimal.from(price),
      quantity: Decimal.from(quantity),
      aggressor,
      history,
    });
    this.#carryOut();
  }

  /** A change of the best bid and ask. */
  quote(bid: Exact, ask: Exact, more: { quantity?: Exact; instrument?: InstrumentId } = {}): void {
    const { instrument = 0 } = more;
    const each = Decimal.from(more.quantity ?? 1);
    const time = this.#tick();
    this.#last.set(instrument, Decimal.from(bid));
    this.strategy.onQuote({
      instrument,
      time,
      bidPrice: Decimal.from(bid),
      bidQuantity: each,
      askPrice: Decimal.from(ask),
      askQuantity: each,
      history: false,
    });
    this.#carryOut();
  }

  /** A bar that closes now. */
  bar(
    close: Exact,
    more: {
      open?: Exact;
      high?: Exact;
      low?: Exact;
      volume?: Exact;
      seconds?: number;
      instrument?: InstrumentId;
      history?: boolean;
    } = {},
  ): void {
    const { seconds = 60, instrument = 0, history = false } = more;
    const end = Decimal.from(close);
    const open = Decimal.from(more.open ?? close);
    this.#time += BigInt(seconds - 1) * SECOND;
    const time = this.#tick(history);
    this.#last.set(instrument, end);
    this.strategy.onBar({
      instrument,
      time,
      interval: BigInt(seconds) * SECOND,
      open,
      high: Decimal.from(more.high ?? (open.gt(end) ? open : end)),
      low: Decimal.from(more.low ?? (open.lt(end) ? open : end)),
      close: end,
      volume: Decimal.from(more.volume ?? 1),
      history,
    });
    this.#carryOut();
  }

  /** A timer, one second after what was before. */
  timer(id: number): void {
    this.#tick();
    this.strategy.onTimer(id);
    this.#carryOut();
  }

  // -------------------------------------------------------------- own orders

  /** An open order trades: at its own price and for all that is left, unless said. */
  fill(tag: OrderTag, more: { price?: Exact; quantity?: Exact } = {}): void {
    const order = this.#open(tag);
    const price = more.price ?? order.price ?? this.#lastOf(order.instrument);
    const { instrument, side, quantity, filled } = order;
    const much = Decimal.from(more.quantity ?? order.remaining);
    this.#fill(tag, instrument, side, quantity, filled, Decimal.from(price), much);
    this.#carryOut();
  }

  /** An open order is canceled. */
  cancel(tag: OrderTag): void {
    this.#end(this.#open(tag), { type: "canceled" });
    this.#carryOut();
  }

  /** The host refuses an order that is on its way. */
  deny(tag: OrderTag, code: number, message = ""): void {
    this.#end(this.#open(tag), { type: "denied", code, message });
    this.#carryOut();
  }

  /** The signed quantity of the own position. */
  position(instrument: InstrumentId = 0): Decimal {
    return this.strategy.position(instrument).quantity;
  }

  // -------------------------------------------------------------- the rest

  /** The operator changes parameters. */
  set(parameters: Record<string, unknown>): void {
    const held = (this.strategy.constructor as unknown as StrategyClass).parameters;
    const values = new Map(this.#values);
    for (const [property, value] of Object.entries(parameters)) {
      const parameter = held[property];
      if (parameter === undefined) {
        throw new TypeError(`the strategy has no parameter ${property}`);
      }
      values.set(kebab(property), parameter.check(property, value));
    }
    this.strategy._changeParameters(values);
    this.#values = values;
    this.#carryOut();
  }

  /** Ends the session. */
  stop(reason: StopReason = "finished"): void {
    this.strategy.stop(reason);
  }

  /** Lines of the strategy's log since this was last asked. */
  log(): [Level, string][] {
    return takeLog();
  }

  // -------------------------------------------------------------- inside

  #tick(history = false): bigint {
    this.#time += SECOND;
    this.strategy._at(this.#time, history);
    return this.#time;
  }

  #lastOf(instrument: InstrumentId): Decimal {
    const last = this.#last.get(instrument);
    if (last === undefined) {
      throw new Error("a market order before the first price");
    }
    return last;
  }

  #open(tag: OrderTag): OwnOrder {
    const order = this.strategy.order(tag);
    if (order === undefined) {
      throw new RangeError(`there is no open order ${tag}`);
    }
    return order;
  }

  #end(order: OwnOrder, event: OrderEvent): void {
    const { tag, instrument, side, quantity, filled } = order;
    this.#news(tag, instrument, side, event, quantity, filled, true);
  }

  #news(
    tag: OrderTag,
    instrument: InstrumentId,
    side: Side,
    event: OrderEvent,
    quantity: Decimal,
    filled: Decimal,
    closed: boolean,
  ): void {
    const time = this.#time;
    this.strategy._at(time, false);
    const update = { time, tag, instrument, side, event, quantity, filled, closed };
    this.strategy._noteOrder(update);
    this.strategy.onOrder(update);
  }

  #fill(
    tag: OrderTag,
    instrument: InstrumentId,
    side: Side,
    quantity: Decimal,
    filled: Decimal,
    price: Decimal,
    much: Decimal,
  ): void {
    this.#trades += 1;
    const event: OrderEvent = {
      type: "filled",
      tradeId: String(this.#trades),
      price,
      quantity: much,
      fee: Decimal.ZERO,
      liquidity: "taker",
    };
    const total = filled.add(much);
    this.#news(tag, instrument, side, event, quantity, total, total.gte(quantity));
    const held = this.strategy.position(instrument);
    // Not an average over several fills: a stand, as the module says.
    const entryPrice = held.quantity.isZero ? Decimal.ZERO : price;
    const position = { ...held, time: this.#time, entryPrice };
    this.strategy._setPosition(position);
    this.strategy.onPosition(position);
  }

  /** Does what was asked for, and what is asked for on the way. */
  #carryOut(): void {
    for (let taken = this.strategy._takeIntents(); taken.length > 0; ) {
      this.intents.push(...taken);
      for (const intent of taken) {
        this.#carryOutOne(intent);
      }
      taken = this.strategy._takeIntents();
    }
  }

  #carryOutOne(intent: Intent): void {
    switch (intent.type) {
      case "place":
        this.#work(intent.tag, intent.order);
        break;
      case "bracket":
        this.#work(intent.tags.entry, intent.entry);
        break;
      case "target-position": {
        const { tag, instrument } = intent;
        const difference = intent.quantity.sub(this.position(instrument));
        if (!difference.isZero) {
          const side = difference.isPositive ? "buy" : "sell";
          const much = difference.abs();
          this.#fill(tag, instrument, side, much, Decimal.ZERO, this.#lastOf(instrument), much);
        }
        break;
      }
      case "cancel": {
        const order = this.strategy.order(intent.tag);
        if (order !== undefined) {
          this.#end(order, { type: "canceled" });
        }
        break;
      }
      case "cancel-all":
        for (const order of this.strategy.orders) {
          if (intent.instrument === undefined || order.instrument === intent.instrument) {
            this.#end(order, { type: "canceled" });
          }
        }
        break;
      case "amend": {
        const order = this.strategy.order(intent.tag);
        if (order !== undefined) {
          const total = intent.quantity ?? order.quantity;
          const { tag, instrument, side, filled } = order;
          this.#news(tag, instrument, side, { type: "amended" }, total, filled, false);
        }
        break;
      }
      default:
        break;
    }
  }

  #work(tag: OrderTag, order: Order): void {
    const { instrument, side, quantity } = order;
    this.#news(tag, instrument, side, { type: "accepted" }, quantity, Decimal.ZERO, false);
    if ((order.kind ?? { type: "market" }).type === "market") {
      this.#fill(tag, instrument, side, quantity, Decimal.ZERO, this.#lastOf(instrument), quantity);
    }
  }
}
