/** What a strategy knows and can ask for: book-keeping of its own orders and positions. The base
 * class of strategies stands on it; the host's word always wins. */

import { Decimal, type Exact } from "./decimal.js";
import {
  type BracketTags,
  type Intent,
  type Order,
  type OrderKind,
  type OrderUpdate,
  priceOf,
  signed,
  withPrice,
} from "./orders.js";
import { Random } from "./random.js";
import type {
  Budget,
  Duration,
  Instrument,
  InstrumentId,
  Mode,
  OrderTag,
  Position,
  SavedState,
  Side,
  Timestamp,
  TradingState,
} from "./records.js";

/** Code of a refusal because another change is under way: that one is still to be answered. */
const CHANGE_PENDING = 118;

/** Where an own order stands: asked for; at the venue; triggered there; not known. */
export type OrderState = "pending" | "working" | "triggered" | "unknown";

/** An own order that is open. */
export class OwnOrder {
  filled = Decimal.ZERO;
  state: OrderState = "pending";
  /** An amendment was asked for and not answered yet. */
  amending = false;
  /** A cancel was asked for and not answered yet. */
  canceling = false;
  /** @internal The price that the amendment under way asks for. */
  amendedPrice: Decimal | undefined;

  constructor(
    readonly tag: OrderTag,
    readonly instrument: InstrumentId,
    readonly side: Side,
    /** Total. */
    public quantity: Decimal,
    /** `undefined` where the host made the order: an exit of a bracket, or of a target position. */
    public kind?: OrderKind,
    readonly reduceOnly = false,
  ) {}

  /** What has not traded yet. */
  get remaining(): Decimal {
    return this.quantity.sub(this.filled);
  }

  /** The limit price, or the trigger where there is no limit. */
  get price(): Decimal | undefined {
    return priceOf(this.kind);
  }

  /** Whether it may be amended now: the venue has it, and no change is under way. */
  get isChangeable(): boolean {
    const atVenue = this.state === "working" || this.state === "triggered";
    return atVenue && !this.amending && !this.canceling;
  }
}

/** What a session begins with. */
export interface Session {
  mode: Mode;
  time: Timestamp;
  seed: bigint;
  instruments: Instrument[];
  arguments: ReadonlyMap<string, unknown>;
  budget: Budget;
  currency: string;
  tradingState: TradingState;
  positions: Position[];
  orders: OwnOrder[];
  restored: SavedState | undefined;
}

function flat(instrument: InstrumentId, time: Timestamp): Position {
  const zero = Decimal.ZERO;
  return { instrument, time, quantity: zero, entryPrice: zero, realizedPnl: zero };
}

/** The session as the strategy knows it. Its public members are inherited by `Strategy`. */
export abstract class Context {
  #session: Session | undefined;
  #time: Timestamp = 0n;
  #isHistory = false;
  #random = new Random(0n);
  #budget: Budget | undefined;
  #tradingState: TradingState = "active";
  #byId = new Map<InstrumentId, Instrument>();
  #positions = new Map<InstrumentId, Position>();
  #orders = new Map<OrderTag, OwnOrder>();
  #nextTag = 1n;
  #intents: Intent[] = [];

  // -------------------------------------------------------------- what is known

  /** Now: the time of the event that is being handled. */
  get time(): Timestamp {
    return this.#time;
  }

  /** Whether the event that is being handled is warm-up history. */
  get isHistory(): boolean {
    return this.#isHistory;
  }

  /** Backtest, paper, testnet or live. */
  get mode(): Mode {
    return this.#begun().mode;
  }

  /** The session's seed: the same for the same run. */
  get seed(): bigint {
    return this.#begun().seed;
  }

  /** Random numbers that are the same in every run of the same seed. */
  get random(): Random {
    return this.#random;
  }

  /** All instruments of the session, in the order of their ids. */
  get instruments(): readonly Instrument[] {
    return this.#begun().instruments;
  }

  /** The account's currency. */
  get currency(): string {
    return this.#begun().currency;
  }

  /** The own share of the account, as last told. */
  get budget(): Budget {
    return this.#budget ?? this.#begun().budget;
  }

  /** What the host lets through. */
  get tradingState(): TradingState {
    return this.#tradingState;
  }

  /** The instrument of this id. */
  instrument(id: InstrumentId): Instrument {
    const found = this.#byId.get(id);
    if (found === undefined) {
      throw new RangeError(`the session has no instrument ${id}`);
    }
    return found;
  }

  /** The instrument of this symbol. */
  findInstrument(symbol: string): Instrument | undefined {
    return this.instruments.find((each) => each.symbol === symbol);
  }

  /** The own position, fills of the event that is being handled included. */
  position(instrument: InstrumentId): Position {
    const found = this.#positions.get(instrument);
    if (found === undefined) {
      throw new RangeError(`the session has no instrument ${instrument}`);
    }
    return found;
  }

  /** All own positions, flat ones included, in the order of their instruments. */
  get positions(): Position[] {
    return this.instruments.map((each) => this.position(each.id));
  }

  /** The signed quantity that the own position will have once the own market orders on their way
   * have filled. Orders that wait for a price do not count. */
  positionInFlight(instrument: InstrumentId): Decimal {
    let quantity = this.position(instrument).quantity;
    for (const order of this.#orders.values()) {
      if (order.instrument === instrument && order.kind?.type === "market") {
        quantity = quantity.add(signed(order.side, order.remaining));
      }
    }
    return quantity;
  }

  /** The own open orders, in the order of their tags; those on their way included. */
  get orders(): OwnOrder[] {
    return [...this.#orders.values()].sort((a, b) => (a.tag < b.tag ? -1 : 1));
  }

  /** The own open order of this tag; `undefined` once it is over. */
  order(tag: OrderTag): OwnOrder | undefined {
    return this.#orders.get(tag);
  }

  // -------------------------------------------------------------- what is asked for

  /** Asks for a market order to buy. */
  buy(instrument: InstrumentId, quantity: Exact): OrderTag {
    return this.place({ instrument, side: "buy", quantity: Decimal.from(quantity) });
  }

  /** Asks for a market order to sell. */
  sell(instrument: InstrumentId, quantity: Exact): OrderTag {
    return this.place({ instrument, side: "sell", quantity: Decimal.from(quantity) });
  }

  /** Asks for an order. Its tag is its name in `order` and in the news of it. */
  place(order: Order): OrderTag {
    const tag = this.#mint();
    if (this.#emit({ type: "place", tag, order })) {
      this.#ask(tag, order);
    }
    return tag;
  }

  /** Asks for an entry with its exits: the stop's trigger and the take-profit's limit price. The
   * host places the exits as the entry fills; when one fills the other is canceled. */
  bracket(entry: Order, stopLoss: Exact, takeProfit: Exact): BracketTags {
    const tags = { entry: this.#mint(), stopLoss: this.#mint(), takeProfit: this.#mint() };
    const exits = { stopLoss: Decimal.from(stopLoss), takeProfit: Decimal.from(takeProfit) };
    if (this.#emit({ type: "bracket", tags, entry, ...exits })) {
      this.#ask(tags.entry, entry);
    }
    return tags;
  }

  /** Asks for a position of this signed quantity: the host sends the difference as a market order,
   * or as a limit order at `limit`, or none where it is below the minimum. */
  targetPosition(instrument: InstrumentId, quantity: Exact, limit?: Exact): OrderTag {
    const tag = this.#mint();
    // Whether an order comes of it, and which, is the host's to say.
    this.#emit({
      type: "target-position",
      tag,
      instrument,
      quantity: Decimal.from(quantity),
      limit: limit === undefined ? undefined : Decimal.from(limit),
    });
    return tag;
  }

  /** Asks for a change of a working order: a new total quantity (the filled part included), a new
   * limit price (the trigger where there is no limit), or both. */
  amend(tag: OrderTag, change: { quantity?: Decimal; price?: Decimal }): void {
    const { quantity, price } = change;
    const order = this.#orders.get(tag);
    // While another change is under way it will be refused, so it does not count.
    const asked = this.#emit({ type: "amend", tag, quantity, price });
    if (asked && order !== undefined && !order.amending && !order.canceling) {
      order.amending = true;
      order.amendedPrice = price;
    }
  }

  /** Asks for the end of an order. */
  cancel(tag: OrderTag): void {
    const order = this.#orders.get(tag);
    if (this.#emit({ type: "cancel", tag }) && order !== undefined) {
      order.canceling = true;
    }
  }

  /** Asks for the end of all own orders, of one instrument or of all. */
  cancelAll(instrument?: InstrumentId): void {
    if (this.#emit({ type: "cancel-all", instrument })) {
      for (const order of this.#orders.values()) {
        if (instrument === undefined || order.instrument === instrument) {
          order.canceling = true;
        }
      }
    }
  }

  /** Asks to be woken once, this long from now. Takes the place of a timer of the same id. */
  setTimer(id: number, after: Duration): void {
    this.#emit({ type: "set-timer", id, at: this.#time + after, every: undefined });
  }

  /** Asks to be woken at `first` and again after each `every`, at least 1 ms. */
  setTimerEvery(id: number, first: Timestamp, every: Duration): void {
    this.#emit({ type: "set-timer", id, at: first, every });
  }

  /** Asks not to be woken by a timer any more. */
  cancelTimer(id: number): void {
    this.#emit({ type: "cancel-timer", id });
  }

  #begun(): Session {
    if (this.#session === undefined) {
      throw new Error("the session has not begun");
    }
    return this.#session;
  }

  #mint(): OrderTag {
    const tag = this.#nextTag;
    this.#nextTag += 1n;
    return tag;
  }

  #emit(intent: Intent): boolean {
    if (this.#isHistory) {
      return false;
    }
    this.#intents.push(intent);
    return true;
  }

  #ask(tag: OrderTag, order: Order): void {
    const kind = order.kind ?? { type: "market" };
    const { instrument, side, quantity, reduceOnly } = order;
    // A tag in use: the host will deny the new order, the old one works on.
    if (!this.#orders.has(tag)) {
      this.#orders.set(tag, new OwnOrder(tag, instrument, side, quantity, kind, reduceOnly));
    }
  }

  // -------------------------------------------------------------- for component and harness

  /** @internal */
  _begin(session: Session): void {
    session.instruments.sort((a, b) => a.id - b.id);
    this.#session = session;
    this.#random = new Random(session.seed);
    this.#budget = session.budget;
    this.#tradingState = session.tradingState;
    this.#byId = new Map(session.instruments.map((each) => [each.id, each]));
    this.#positions = new Map(session.instruments.map((each) => [each.id, flat(each.id, session.time)]));
    this.#orders = new Map(session.orders.map((order) => [order.tag, order]));
    this.#intents = [];
    // Tags go on after the largest that is in use.
    this.#nextTag = session.orders.reduce((last, each) => (each.tag > last ? each.tag : last), 0n) + 1n;
    this._at(session.time, false);
    for (const position of session.positions) {
      this._setPosition(position);
    }
  }

  /** @internal */
  _at(time: Timestamp, history: boolean): void {
    this.#time = time;
    this.#isHistory = history;
  }

  /** @internal */
  get _hasIntents(): boolean {
    return this.#intents.length > 0;
  }

  /** @internal Forgets what was asked for after so many. */
  _forgetIntents(after: number): void {
    this.#intents.length = after;
  }

  /** @internal */
  get _intentCount(): number {
    return this.#intents.length;
  }

  /** @internal */
  _takeIntents(): Intent[] {
    const taken = this.#intents;
    this.#intents = [];
    return taken;
  }

  /** @internal */
  _setPosition(position: Position): void {
    if (this.#positions.has(position.instrument)) {
      this.#positions.set(position.instrument, position);
    }
  }

  /** @internal */
  _setBudget(budget: Budget): void {
    this.#budget = budget;
  }

  /** @internal */
  _setTradingState(state: TradingState): void {
    this.#tradingState = state;
  }

  /** @internal */
  _noteOrder(update: OrderUpdate): void {
    this.#updateOrder(update);
    // The position itself is told next; until then it must not lack what the order has.
    const held = this.#positions.get(update.instrument);
    if (update.event.type === "filled" && held !== undefined) {
      const quantity = held.quantity.add(signed(update.side, update.event.quantity));
      this.#positions.set(update.instrument, { ...held, quantity });
    }
  }

  #updateOrder(update: OrderUpdate): void {
    if (update.closed) {
      this.#orders.delete(update.tag);
      return;
    }
    let order = this.#orders.get(update.tag);
    if (order === undefined) {
      // Made by the host.
      order = new OwnOrder(update.tag, update.instrument, update.side, update.quantity);
      this.#orders.set(update.tag, order);
    }
    order.quantity = update.quantity;
    order.filled = update.filled;
    switch (update.event.type) {
      case "accepted":
      case "filled":
        // The venue spoke of it, so it has it.
        order.state = order.state === "triggered" ? "triggered" : "working";
        break;
      case "triggered":
      case "unknown":
        order.state = update.event.type;
        break;
      case "amended":
        order.amending = false;
        if (order.amendedPrice !== undefined) {
          order.kind = withPrice(order.kind, order.amendedPrice);
          order.amendedPrice = undefined;
        }
        break;
      case "change-refused":
        // Answers come in the order of the asking, and an amendment is never asked for after a
        // cancel.
        if (update.event.code !== CHANGE_PENDING) {
          if (order.amending) {
            order.amending = false;
          } else {
            order.canceling = false;
          }
        }
        break;
      default:
        break;
    }
  }
}
