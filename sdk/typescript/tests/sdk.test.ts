/** Numbers, parameters and book-keeping, without WebAssembly. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { choice, dec, decimal, integer, Random, Strategy, type Trade } from "../src/index.js";
import { Harness } from "../src/testing.js";

test("decimals keep their digits", () => {
  assert.equal(dec("12.340").toString(), "12.340");
  assert.equal(dec("-0.05").toString(), "-0.05");
  assert.equal(dec("0.1").add("0.2").toString(), "0.3");
  assert.equal(dec("13887.5").mul("0.003").toString(), "41.6625");
  assert.ok(dec("1.0").eq(1));
  assert.equal(dec("9007199254740993").sub(1).toString(), "9007199254740992");
  assert.equal(dec("0.1").toNumber(), 0.1);
});

test("what is not exact is no decimal", () => {
  for (const wrong of ["", ".", "1e3", "0x1", " 1", "NaN", "1.", "1_000"]) {
    assert.throws(() => dec(wrong), SyntaxError);
  }
  assert.throws(() => dec(0.1), TypeError);
  assert.throws(() => dec(2 ** 53), TypeError);
  assert.throws(() => (dec(1) as unknown as number) < 2, TypeError);
});

test("roundings have names", () => {
  const halves = (rounding: Parameters<typeof rounded>[1]) => [rounded(-3, rounding), rounded(3, rounding)].join(" ");
  const rounded = (value: number, rounding: "floor" | "ceiling" | "toward-zero" | "away-from-zero" | "half-even" | "half-away-from-zero") =>
    dec(value).divRounded(2, 0, rounding).toString();
  assert.equal(halves("floor"), "-2 1");
  assert.equal(halves("ceiling"), "-1 2");
  assert.equal(halves("toward-zero"), "-1 1");
  assert.equal(halves("away-from-zero"), "-2 2");
  assert.equal(halves("half-even"), "-2 2");
  assert.equal(halves("half-away-from-zero"), "-2 2");
  assert.equal(rounded(5, "half-even"), "2");
  assert.equal(dec("101.37").roundToStep("0.25", "ceiling").toString(), "101.50");
  assert.throws(() => dec(1).divRounded(0, 0, "floor"), RangeError);
});

test("the wire has 64 bits and 18 digits after the point", () => {
  assert.deepEqual(dec("1.50").toWire(), { mantissa: 150n, scale: 2 });
  assert.deepEqual(dec("1.0000000000000000000").toWire(), { mantissa: 1n, scale: 0 });
  assert.throws(() => dec("9223372036854775808").toWire(), RangeError);
});

test("the sequence of a seed is that of the other languages", () => {
  const random = new Random(1_234_567n);
  assert.deepEqual(
    [random.nextU64(), random.nextU64(), random.nextU64()],
    [6457827717110365317n, 3203168211198807973n, 9817491932198370423n],
  );
});

const parameters = {
  fastLength: integer({ default: 3, min: 1, max: 5, summary: "Length" }),
  share: decimal({ default: "0.5", min: 0, max: 1, summary: "Share" }),
  side: choice({ default: "long", options: ["long", "both"], summary: "Side" }),
};

class Quoter extends Strategy<typeof parameters> {
  static override parameters = parameters;

  override onTrade(trade: Trade): void {
    if (this.orders.length === 0) {
      const { instrument } = trade;
      const kind = { type: "limit", price: dec(9) } as const;
      this.place({ instrument, side: "buy", quantity: dec(2), kind });
    }
  }
}

test("values come from the operator, within their bounds", () => {
  const market = new Harness(Quoter, { parameters: { fastLength: 4, share: "0.25" } });
  assert.equal(market.strategy.params.fastLength, 4);
  assert.ok(market.strategy.params.share.eq("0.25"));
  assert.equal(market.strategy.params.side, "long");
  assert.throws(() => new Harness(Quoter, { parameters: { fastLength: 6 } }), RangeError);
  assert.throws(() => market.set({ fastLength: 2 }), /only when it is started/);
  assert.equal(market.strategy.params.fastLength, 4);
  assert.throws(() => integer({ default: 0, min: 1, max: 5, summary: "x" }), RangeError);
});

test("the host's word on an order wins", () => {
  const market = new Harness(Quoter);
  market.trade(10);
  const [order] = market.strategy.orders;
  assert.ok(order !== undefined);
  assert.equal(order.state, "working");
  market.fill(order.tag, { quantity: 1 });
  assert.equal(market.position().toString(), "1");
  market.strategy.amend(order.tag, { price: dec(8) });
  assert.ok(order.amending);
  const told = { time: 1n, tag: order.tag, instrument: 0, side: "buy", quantity: dec(2), filled: dec(1), closed: false } as const;
  market.strategy._noteOrder({ ...told, event: { type: "change-refused", code: 118, message: "" } });
  assert.ok(order.amending);
  market.strategy._noteOrder({ ...told, event: { type: "change-refused", code: 1, message: "" } });
  assert.ok(!order.amending);
  assert.equal(order.price?.toString(), "9");
  market.fill(order.tag);
  assert.equal(market.strategy.order(order.tag), undefined);
  assert.equal(market.position().toString(), "2");
});
