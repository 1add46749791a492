/** The contract's own records, as the component's bindings hand them over: fields in camel case,
 * variants as `{ tag, val }`, options as `undefined`, 64 bits as `bigint`. */

import type { WireDecimal } from "./decimal.js";
import type {
  Aggressor,
  InstrumentKind,
  Liquidity,
  Mode,
  Side,
  TradingState,
} from "./records.js";

export type Tagged<T extends string, V = undefined> = { tag: T; val: V };

export interface Trade {
  instrument: number;
  time: bigint;
  price: WireDecimal;
  quantity: WireDecimal;
  aggressor: Aggressor;
  history: boolean;
}

export interface Quote {
  instrument: number;
  time: bigint;
  bidPrice: WireDecimal;
  bidQuantity: WireDecimal;
  askPrice: WireDecimal;
  askQuantity: WireDecimal;
  history: boolean;
}

export interface Bar {
  instrument: number;
  time: bigint;
  interval: bigint;
  open: WireDecimal;
  high: WireDecimal;
  low: WireDecimal;
  close: WireDecimal;
  volume: WireDecimal;
  history: boolean;
}

export interface Depth {
  instrument: number;
  time: bigint;
  priceScale: number;
  quantityScale: number;
  bidPrices: ArrayLike<bigint>;
  bidQuantities: ArrayLike<bigint>;
  askPrices: ArrayLike<bigint>;
  askQuantities: ArrayLike<bigint>;
}

export interface Instrument {
  id: number;
  symbol: string;
  venue: string;
  kind: InstrumentKind;
  base: string;
  quote: string;
  priceTick: WireDecimal;
  quantityStep: WireDecimal;
  minQuantity: WireDecimal;
  maxQuantity: WireDecimal;
  minNotional: WireDecimal;
  multiplier: WireDecimal;
  makerFee: WireDecimal;
  takerFee: WireDecimal;
}

export type Value =
  | Tagged<"boolean", boolean>
  | Tagged<"integer", bigint>
  | Tagged<"decimal", WireDecimal>
  | Tagged<"text", string>;

export interface Argument {
  name: string;
  value: Value;
}

export interface Position {
  instrument: number;
  time: bigint;
  quantity: WireDecimal;
  entryPrice: WireDecimal;
  realizedPnl: WireDecimal;
}

export interface Budget {
  time: bigint;
  balance: WireDecimal;
  equity: WireDecimal;
  fees: WireDecimal;
}

export type OrderKind =
  | Tagged<"market">
  | Tagged<"limit" | "stop" | "take-profit", WireDecimal>
  | Tagged<"stop-limit", { trigger: WireDecimal; limit: WireDecimal }>
  | Tagged<"trailing-stop", Tagged<"price", WireDecimal> | Tagged<"basis-points", number>>;

export interface OpenOrder {
  tag: bigint;
  instrument: number;
  side: Side;
  kind: OrderKind;
  quantity: WireDecimal;
  filled: WireDecimal;
  reduceOnly: boolean;
}

export interface Session {
  mode: Mode;
  time: bigint;
  seed: bigint;
  instruments: Instrument[];
  arguments: Argument[];
  positions: Position[];
  orders: OpenOrder[];
  budget: Budget;
  currency: string;
  tradingState: TradingState;
  restored?: { version: string; schema: number; data: Uint8Array };
}

export interface Denial {
  code: number;
  message: string;
}

export interface Fill {
  tradeId: string;
  price: WireDecimal;
  quantity: WireDecimal;
  fee: WireDecimal;
  liquidity: Liquidity;
}

export type OrderEvent =
  | Tagged<"accepted" | "triggered" | "amended" | "canceled" | "expired" | "unknown">
  | Tagged<"denied" | "change-refused", Denial>
  | Tagged<"rejected", string>
  | Tagged<"filled", Fill>;

export interface OrderUpdate {
  time: bigint;
  tag: bigint;
  instrument: number;
  side: Side;
  event: OrderEvent;
  quantity: WireDecimal;
  filled: WireDecimal;
  closed: boolean;
}
