import assert from "node:assert/strict";
import { test } from "node:test";

import { Harness } from "sandpit/testing";
import EmaCross from "./strategy.js";

test("holds while the fast average is above the slow one", () => {
  const market = new Harness(EmaCross, { parameters: { fast: 2, slow: 4, quantity: 3 } });
  for (const price of [100, 99, 98, 97]) {
    market.trade(price);
  }
  assert.equal(market.position().toString(), "0");
  market.trade(110);
  assert.equal(market.position().toString(), "3");
  for (const price of [90, 80]) {
    market.trade(price);
  }
  assert.ok(market.position().isZero);
});

test("only watches history", () => {
  const market = new Harness(EmaCross, { parameters: { fast: 2, slow: 4 } });
  for (const price of [100, 99, 98, 97, 110]) {
    market.trade(price, { history: true });
  }
  assert.deepEqual(market.intents, []);
});
