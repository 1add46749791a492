/** Orders as a strategy wishes them, what it hears of them, and all that it can ask for. */

import type { Decimal } from "./decimal.js";
import type {
  Duration,
  InstrumentId,
  Liquidity,
  OrderTag,
  Side,
  Timestamp,
} from "./records.js";

/** Kind of an order with its prices. */
export type OrderKind =
  /** At once at any price. */
  | { type: "market" }
  /** At this price or better. */
  | { type: "limit"; price: Decimal }
  /** Market once the last price reaches the trigger: at or above it for a buy. */
  | { type: "stop"; trigger: Decimal }
  /** Limit once the last price reaches the trigger. */
  | { type: "stop-limit"; trigger: Decimal; limit: Decimal }
  /** Market once the last price reaches the trigger: at or below it for a buy. */
  | { type: "take-profit"; trigger: Decimal }
  /** A stop that follows the market at a distance in the quote asset. */
  | { type: "trailing-stop"; distance: Decimal }
  /** The same by hundredths of a percent of the best price: 1 to 9,999. */
  | { type: "trailing-stop"; basisPoints: number };

/** How long an order works: until canceled, at once or not, all or nothing, until a time. */
export type TimeInForce = "gtc" | "ioc" | "fok" | { until: Timestamp };

/** Wish for one order: a market order, good till canceled, unless said otherwise. */
export interface Order {
  instrument: InstrumentId;
  side: Side;
  /** Greater than zero and a multiple of the instrument's step. */
  quantity: Decimal;
  kind?: OrderKind;
  timeInForce?: TimeInForce;
  /** Only as maker: it is rejected where it would trade at once. Limit orders only. */
  postOnly?: boolean;
  /** Only to shrink the position. */
  reduceOnly?: boolean;
}

/** Names of the three orders of a bracket. */
export interface BracketTags {
  entry: OrderTag;
  stopLoss: OrderTag;
  takeProfit: OrderTag;
}

/** All that a strategy can ask for. */
export type Intent =
  | { type: "place"; tag: OrderTag; order: Order }
  | { type: "amend"; tag: OrderTag; quantity: Decimal | undefined; price: Decimal | undefined }
  | { type: "cancel"; tag: OrderTag }
  | { type: "cancel-all"; instrument: InstrumentId | undefined }
  | {
      type: "target-position";
      tag: OrderTag;
      instrument: InstrumentId;
      quantity: Decimal;
      limit: Decimal | undefined;
    }
  | {
      type: "bracket";
      tags: BracketTags;
      entry: Order;
      stopLoss: Decimal;
      takeProfit: Decimal;
    }
  | { type: "set-timer"; id: number; at: Timestamp; every: Duration | undefined }
  | { type: "cancel-timer"; id: number };

/** What happened to an own order. */
export type OrderEvent =
  /** The venue has it. */
  | { type: "accepted" }
  /** The host refused the intent; there is no order. */
  | { type: "denied"; code: number; message: string }
  /** The venue refused the order, in its words. */
  | { type: "rejected"; reason: string }
  | { type: "triggered" }
  | { type: "amended" }
  /** A change or a cancel was refused; the order works on as it was. */
  | { type: "change-refused"; code: number; message: string }
  | {
      type: "filled";
      tradeId: string;
      price: Decimal;
      quantity: Decimal;
      /** Positive is paid, negative is a rebate. */
      fee: Decimal;
      liquidity: Liquidity;
    }
  | { type: "canceled" }
  | { type: "expired" }
  /** Its fate is not known; the host asks the venue and tells. Do not place it again. */
  | { type: "unknown" };

/** News of an own order. */
export interface OrderUpdate {
  readonly time: Timestamp;
  readonly tag: OrderTag;
  readonly instrument: InstrumentId;
  readonly side: Side;
  readonly event: OrderEvent;
  /** Total of the order after this event. */
  readonly quantity: Decimal;
  readonly filled: Decimal;
  /** No more can happen to it, save for a fill that was under way. */
  readonly closed: boolean;
}

/** A positive quantity with a side's sign. */
export function signed(side: Side, quantity: Decimal): Decimal {
  return side === "buy" ? quantity : quantity.neg();
}

/** The price that an amendment changes: the limit, or the trigger where there is no limit. */
export function priceOf(kind: OrderKind | undefined): Decimal | undefined {
  switch (kind?.type) {
    case "limit":
      return kind.price;
    case "stop":
    case "take-profit":
      return kind.trigger;
    case "stop-limit":
      return kind.limit;
    default:
      return undefined;
  }
}

/** The same kind with another `priceOf`. */
export function withPrice(kind: OrderKind | undefined, price: Decimal): OrderKind | undefined {
  switch (kind?.type) {
    case "limit":
      return { type: "limit", price };
    case "stop":
    case "take-profit":
      return { type: kind.type, trigger: price };
    case "stop-limit":
      return { type: "stop-limit", trigger: kind.trigger, limit: price };
    default:
      return kind;
  }
}
