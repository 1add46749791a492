/**
 * Write Sandpit strategies in TypeScript or JavaScript.
 *
 * A strategy is a class that derives from `Strategy` and is the default export of its module: it is
 * told what the market did and what became of its orders, and asks for things through its own
 * methods. It can only wish; the host decides.
 *
 * Prices, quantities and money are `Decimal`; a `number` is for signals. There is no clock, no file
 * and no network: time arrives in events, and random numbers come from `this.random`, the same in
 * every run of the same seed.
 *
 * What lives here: the base class, parameters, exact numbers, the records of the contract, the log,
 * signals, and (as `sandpit/testing`) a harness for unit tests that needs no WebAssembly. What does
 * not: anything of the host.
 */

export * from "./decimal.js";
export * from "./records.js";
export * from "./orders.js";
export { choice, decimal, flag, integer, text } from "./parameters.js";
export type { Parameter, Parameters, Values } from "./parameters.js";
export { log } from "./log.js";
export type { Level } from "./log.js";
export { Random } from "./random.js";
export { Ema } from "./signals.js";
export { OwnOrder } from "./context.js";
export type { OrderState } from "./context.js";
export { Refused, Strategy } from "./strategy.js";
