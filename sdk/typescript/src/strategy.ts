/** The base class of strategies. */

import { Context, type Session } from "./context.js";
import type { OrderUpdate } from "./orders.js";
import { type Parameters, type Values, valuesOf } from "./parameters.js";
import type {
  Bar,
  Budget,
  Data,
  Depth,
  Instrument,
  Position,
  Quote,
  SavedState,
  StopReason,
  Trade,
  TradingState,
} from "./records.js";

/** Throw it in `start` to refuse a session, or in `onParameters` to keep the old parameters, with a
 * reason for the operator. */
export class Refused extends Error {}

/** What the class of a strategy has. */
export interface StrategyClass {
  new (): Strategy;
  readonly parameters: Parameters;
  readonly subscriptions: readonly Data[];
  readonly stateSchema: number;
}

/**
 * A strategy. Every handler that is left out does nothing.
 *
 * What `this` says of orders, positions, budget and time includes the event that is being handled.
 * What is asked for through it takes effect after the handler has returned.
 *
 * An error that is not caught ends the strategy: its trace goes to the log, what was asked for in
 * that call is dropped, and the host decides what becomes of orders and positions.
 */
export abstract class Strategy<P extends Parameters = Parameters> extends Context {
  /** What the operator may set. */
  static parameters: Parameters = {};
  /** Market data that is wanted. What is not asked for is never told. */
  static subscriptions: readonly Data[] = [];
  /** Number of the layout of what `save` returns. */
  static stateSchema = 0;

  #params: Values<P> | undefined;

  /** The values that the operator gave. */
  get params(): Values<P> {
    if (this.#params === undefined) {
      throw new Error("parameters have values once the session begins");
    }
    return this.#params;
  }

  // -------------------------------------------------------------- to be written

  /** Begins a session: instruments and parameters are there. `restored` is what an earlier instance
   * saved. Throw `Refused` where this session cannot be traded. */
  start(_restored: SavedState | undefined): void {}

  /** A trade on the venue. */
  onTrade(_trade: Trade): void {}

  /** The best bid or ask changed. */
  onQuote(_quote: Quote): void {}

  /** A bar is complete. */
  onBar(_bar: Bar): void {}

  /** The book changed. */
  onDepth(_depth: Depth): void {}

  /** News of an own order. */
  onOrder(_update: OrderUpdate): void {}

  /** The own position changed. */
  onPosition(_position: Position): void {}

  /** The own balance changed. */
  onBudget(_budget: Budget): void {}

  /** A timer. */
  onTimer(_id: number): void {}

  /** What the host lets through has changed. */
  onTradingState(_state: TradingState): void {}

  /** The operator changed parameters: `this.params` are the new ones. Throw `Refused` to keep the
   * old ones, as this does. */
  onParameters(_old: Values<P>): void {
    throw new Refused("this strategy takes up new parameters only when it is started");
  }

  /** State for a hot swap or a restart. */
  save(): Uint8Array {
    return new Uint8Array(0);
  }

  /** The last call. */
  stop(_reason: StopReason): void {}

  // -------------------------------------------------------------- help

  /** The session's one instrument; refuses the session where there are more or none. */
  onlyInstrument(): Instrument {
    const [only, ...more] = this.instruments;
    if (only === undefined || more.length > 0) {
      const found = this.instruments.length;
      throw new Refused(`needs exactly one instrument, the session has ${found}`);
    }
    return only;
  }

  // -------------------------------------------------------------- for component and harness

  /** @internal */
  _start(session: Session): void {
    this._begin(session);
    this.#params = this.#valuesOf(session.arguments);
    this.start(session.restored);
  }

  /** @internal */
  _changeParameters(given: ReadonlyMap<string, unknown>): void {
    const old = this.params;
    const asked = this._intentCount;
    this.#params = this.#valuesOf(given);
    try {
      this.onParameters(old);
    } catch (problem) {
      this.#params = old;
      this._forgetIntents(asked);
      throw problem;
    }
  }

  #valuesOf(given: ReadonlyMap<string, unknown>): Values<P> {
    try {
      return valuesOf((this.constructor as unknown as StrategyClass).parameters as P, given);
    } catch (problem) {
      throw new Refused(problem instanceof Error ? problem.message : String(problem));
    }
  }
}
