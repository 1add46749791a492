import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness } from "sandpit/testing";
import BreakoutStates from "./strategy.js";

function entering(): { market: Harness<BreakoutStates>; entry: bigint } {
  const market = new Harness(BreakoutStates, { parameters: { window: 3, cooling: 2 } });
  for (const close of [100, 101, 99, 100]) {
    market.bar(close);
  }
  const [order] = market.strategy.orders;
  assert.ok(order !== undefined);
  return { market, entry: order.tag };
}

test("an entry works one tick above the range", () => {
  const { market, entry } = entering();
  assert.equal(market.strategy.state, "entering");
  assert.equal(market.strategy.order(entry)?.price?.toString(), "101.01");
});

test("it goes once around through all states", () => {
  const { market, entry } = entering();
  market.fill(entry);
  assert.equal(market.strategy.state, "holding");
  const [stop] = market.strategy.orders;
  assert.ok(stop !== undefined);
  assert.equal(stop.reduceOnly, true);
  assert.equal(stop.kind?.type, "trailing-stop");
  market.fill(stop.tag, { price: 100 });
  assert.equal(market.strategy.state, "cooling");
  assert.ok(market.position().isZero);
  market.bar(100);
  assert.equal(market.strategy.state, "cooling");
  market.bar(100);
  assert.equal(market.strategy.state, "watching");
});

test("an entry that is denied cools it down", () => {
  const { market, entry } = entering();
  market.deny(entry, 101);
  assert.equal(market.strategy.state, "cooling");
});

test("a stop that is lost is replaced by the market", () => {
  const { market, entry } = entering();
  market.fill(entry);
  const [stop] = market.strategy.orders;
  assert.ok(stop !== undefined);
  market.cancel(stop.tag);
  assert.ok(market.position().isZero);
  assert.equal(market.strategy.state, "cooling");
  assert.match(market.log().map(([, line]) => line).join("\n"), /leaving at the market/);
});
