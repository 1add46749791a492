/** What the market did and what the strategy has. Times are nanoseconds since 1970 as `bigint`. */

import { type Decimal, Decimal as D, type Rounding } from "./decimal.js";

/** Nanoseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = bigint;
/** A length of time in nanoseconds. */
export type Duration = bigint;
/** An instrument of the session. */
export type InstrumentId = number;
/** The strategy's own name for one of its orders. */
export type OrderTag = bigint;

export type Side = "buy" | "sell";
export type Aggressor = "buyer" | "seller" | "unknown";
export type Liquidity = "maker" | "taker";
export type InstrumentKind = "spot" | "perpetual" | "future";
export type TradingState = "active" | "reducing" | "halted";
export type Mode = "backtest" | "paper" | "testnet" | "live";
export type StopReason = "finished" | "operator" | "swapped";

/** Market data that is wanted. `history` is how many of the last before the session, at most
 * 10,000. */
export type Data =
  | { kind: "trades"; history?: number }
  | { kind: "quotes"; history?: number }
  | { kind: "bars"; seconds: number; history?: number }
  | { kind: "depth"; levels: number };

/** One trade on the venue. */
export interface Trade {
  readonly instrument: InstrumentId;
  /** When the host saw it. Never goes back. */
  readonly time: Timestamp;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly aggressor: Aggressor;
  /** It happened before the session: what is asked for while it is handled is forgotten. */
  readonly history: boolean;
}

/** The best bid and ask. A side without liquidity has quantity zero, and its price then means
 * nothing. */
export interface Quote {
  readonly instrument: InstrumentId;
  readonly time: Timestamp;
  readonly bidPrice: Decimal;
  readonly bidQuantity: Decimal;
  readonly askPrice: Decimal;
  readonly askQuantity: Decimal;
  readonly history: boolean;
}

/** One completed bar, told at its close and never before. */
export interface Bar {
  readonly instrument: InstrumentId;
  /** The end of the bar, exclusive. */
  readonly time: Timestamp;
  readonly interval: Duration;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  /** Zero where the source does not say. */
  readonly volume: Decimal;
  readonly history: boolean;
}

/** One level of a book. */
export interface BookLevel {
  readonly price: Decimal;
  readonly quantity: Decimal;
}

/** The best levels of the book, best first. */
export interface Depth {
  readonly instrument: InstrumentId;
  readonly time: Timestamp;
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

/** What the venue trades and its rules. */
export interface Instrument {
  readonly id: InstrumentId;
  readonly symbol: string;
  readonly venue: string;
  readonly kind: InstrumentKind;
  readonly base: string;
  readonly quote: string;
  readonly priceTick: Decimal;
  readonly quantityStep: Decimal;
  readonly minQuantity: Decimal;
  readonly maxQuantity: Decimal;
  readonly minNotional: Decimal;
  readonly multiplier: Decimal;
  readonly makerFee: Decimal;
  readonly takerFee: Decimal;
}

/** The own position in one instrument; other strategies' are invisible. */
export interface Position {
  readonly instrument: InstrumentId;
  readonly time: Timestamp;
  /** Signed: negative is short. */
  readonly quantity: Decimal;
  /** Zero when flat. */
  readonly entryPrice: Decimal;
  /** Since the session's start, without fees. */
  readonly realizedPnl: Decimal;
}

/** The own share of the account, in its currency. */
export interface Budget {
  readonly time: Timestamp;
  readonly balance: Decimal;
  readonly equity: Decimal;
  readonly fees: Decimal;
}

/** What an earlier instance saved. */
export interface SavedState {
  readonly version: string;
  readonly schema: number;
  readonly data: Uint8Array;
}

/** The middle between bid and ask, exact; `undefined` where a side is empty. */
export function mid(quote: Quote): Decimal | undefined {
  return quote.bidQuantity.isPositive && quote.askQuantity.isPositive
    ? quote.bidPrice.add(quote.askPrice).mul("0.5")
    : undefined;
}

/** The nearest price that the venue takes, as `rounding` says. */
export function roundPrice(instrument: Instrument, price: Decimal, rounding: Rounding): Decimal {
  return price.roundToStep(instrument.priceTick, rounding);
}

/** The largest quantity that the venue takes and that is not above `quantity`: zero where it would
 * be below the minimum. */
export function roundQuantity(instrument: Instrument, quantity: Decimal): Decimal {
  const rounded = quantity.roundToStep(instrument.quantityStep, "floor");
  if (rounded.lt(instrument.minQuantity)) {
    return D.ZERO;
  }
  return rounded.gt(instrument.maxQuantity) ? instrument.maxQuantity : rounded;
}
