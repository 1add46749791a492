/**
 * Crossing of two exponential averages of the trades, long or flat: the same strategy as
 * `plugins/ema-cross`, with the same intents on the same tape.
 *
 * It follows the price of every trade with a fast and a slow average. When the fast one rises above
 * the slow one it wants to hold `quantity`, when it falls below, nothing. It loses in a market that
 * goes sideways, where each turn costs the spread and two taker fees.
 */

import { type Data, decimal, Ema, integer, Strategy, type Trade } from "sandpit";

const parameters = {
  fast: integer({ default: 10, min: 1, max: 5_000, summary: "Length of the fast average, in trades" }),
  slow: integer({ default: 20, min: 2, max: 10_000, summary: "Length of the slow average, in trades" }),
  quantity: decimal({ default: 1, min: "0.00000001", max: 1_000_000, summary: "Quantity of one order" }),
};

export default class EmaCross extends Strategy<typeof parameters> {
  static override parameters = parameters;
  static override subscriptions: Data[] = [{ kind: "trades", history: 20 }];

  #fast = new Ema(1);
  #slow = new Ema(1);
  #above = false;

  override start(): void {
    this.onlyInstrument();
    this.#fast = new Ema(this.params.fast);
    this.#slow = new Ema(this.params.slow);
  }

  override onTrade(trade: Trade): void {
    const price = trade.price.toNumber();
    const above = this.#fast.update(price) > this.#slow.update(price);
    const turned = above !== this.#above;
    this.#above = above;
    if (turned && this.#slow.isWarm) {
      this.targetPosition(trade.instrument, above ? this.params.quantity : 0);
    }
  }
}
