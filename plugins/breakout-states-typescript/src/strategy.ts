/**
 * A breakout as a state machine, each state a type of its own.
 *
 * `watching` -> `entering`: the range of the last `window` bars is known, a buy stop works above it.
 * `entering` -> `holding`: the stop has filled; a trailing stop follows the market.
 * `holding`  -> `cooling`: the trailing stop has filled.
 * `cooling`  -> `watching`: so many bars have passed.
 *
 * What an order's news means depends on the state alone, and the compiler holds every state to
 * answering each of them. It loses in ranges that are broken for a moment only.
 */

import {
  type Bar,
  type Data,
  Decimal,
  decimal,
  integer,
  log,
  type OrderTag,
  type OrderUpdate,
  roundPrice,
  Strategy,
} from "sandpit";

const parameters = {
  window: integer({ default: 20, min: 2, max: 500, summary: "Bars that the range is of" }),
  cooling: integer({ default: 10, min: 0, max: 500, summary: "Bars without an entry after an exit" }),
  trail: integer({ default: 50, min: 1, max: 9_999, summary: "Distance of the stop, in basis points" }),
  quantity: decimal({
    default: "0.01",
    min: "0.00000001",
    max: 1_000_000,
    summary: "Quantity of one order",
  }),
};

type State =
  | { name: "watching" }
  | { name: "entering"; entry: OrderTag; trigger: Decimal }
  | { name: "holding"; stop: OrderTag }
  | { name: "cooling"; bars: number };

export default class BreakoutStates extends Strategy<typeof parameters> {
  static override parameters = parameters;
  static override subscriptions: Data[] = [{ kind: "bars", seconds: 60, history: 20 }];

  #state: State = { name: "watching" };
  #highs: Decimal[] = [];

  override start(): void {
    this.onlyInstrument();
  }

  /** Where it stands: for tests and the log. */
  get state(): State["name"] {
    return this.#state.name;
  }

  override onBar(bar: Bar): void {
    if (!bar.history) {
      this.#go(this.#afterBar(this.#state, bar));
    }
    this.#highs.push(bar.high);
    if (this.#highs.length > this.params.window) {
      this.#highs.shift();
    }
  }

  override onOrder(update: OrderUpdate): void {
    this.#go(this.#afterOrder(this.#state, update));
  }

  #afterBar(state: State, bar: Bar): State {
    switch (state.name) {
      case "watching": {
        const trigger = this.#trigger(bar);
        if (trigger === undefined) {
          return state;
        }
        const entry = this.place({
          instrument: bar.instrument,
          side: "buy",
          quantity: this.params.quantity,
          kind: { type: "stop", trigger },
        });
        return { name: "entering", entry, trigger };
      }
      case "entering": {
        const trigger = this.#trigger(bar);
        if (trigger !== undefined && !trigger.eq(state.trigger) && this.order(state.entry)?.isChangeable) {
          this.amend(state.entry, { price: trigger });
          return { ...state, trigger };
        }
        return state;
      }
      case "holding":
        return state;
      case "cooling":
        return state.bars > 1 ? { name: "cooling", bars: state.bars - 1 } : { name: "watching" };
    }
  }

  #afterOrder(state: State, update: OrderUpdate): State {
    switch (state.name) {
      case "watching":
      case "cooling":
        return state;
      case "entering": {
        if (update.tag !== state.entry || !update.closed) {
          return state;
        }
        if (update.filled.isZero) {
          return this.#cool();
        }
        const stop = this.place({
          instrument: update.instrument,
          side: "sell",
          quantity: update.filled,
          kind: { type: "trailing-stop", basisPoints: this.params.trail },
          reduceOnly: true,
        });
        return { name: "holding", stop };
      }
      case "holding": {
        if (update.tag !== state.stop || !update.closed) {
          return state;
        }
        const left = this.position(update.instrument).quantity;
        if (left.isPositive) {
          // The stop is gone and the position is not: out at the market.
          log.warn(`the stop ended as ${update.event.type}; leaving at the market`);
          return { name: "holding", stop: this.sell(update.instrument, left) };
        }
        return this.#cool();
      }
    }
  }

  #cool(): State {
    return { name: "cooling", bars: this.params.cooling };
  }

  /** One tick above the range; `undefined` until it is known, or while the close is there. */
  #trigger(bar: Bar): Decimal | undefined {
    if (this.#highs.length < this.params.window) {
      return undefined;
    }
    const instrument = this.instrument(bar.instrument);
    const top = this.#highs.reduce((a, b) => (a.gt(b) ? a : b), bar.high);
    const trigger = roundPrice(instrument, top, "ceiling").add(instrument.priceTick);
    return bar.close.lt(trigger) ? trigger : undefined;
  }

  #go(next: State): void {
    if (next.name !== this.#state.name) {
      log.debug(`${this.#state.name} -> ${next.name}`);
    }
    this.#state = next;
  }
}
