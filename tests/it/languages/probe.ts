/** Looks for what no strategy may have, and asks for an order where it finds some. */

import { choice, type Data, Strategy, type Trade } from "sandpit";

const parameters = {
  probe: choice({
    default: "bait",
    options: ["bait", "environment", "file", "write", "socket", "time", "entropy", "chance"],
    summary: "What to look for",
  }),
};

const world = globalThis as any;
/** What the build saw, if it saw anything. */
const builtWith = world.process?.env ?? {};

export default class Probe extends Strategy<typeof parameters> {
  static override parameters = parameters;
  static override subscriptions: Data[] = [{ kind: "trades" }];

  #seen = 0;
  #first = 0;

  override onTrade(trade: Trade): void {
    this.#seen += 1;
    if (this.params.probe === "chance") {
      const bytes = new Uint8Array(1);
      world.crypto.getRandomValues(bytes);
      if (this.#seen < 100 && Math.random() < 0.5 !== (bytes[0] ?? 0) < 128) {
        this.buy(trade.instrument, 1);
      }
      return;
    }
    if (this.#seen > 1_000) {
      return;
    }
    let found = false;
    try {
      found = this.#find();
    } catch {
      found = false;
    }
    if (found) {
      this.#seen = 1_000;
      this.buy(trade.instrument, 1);
    }
  }

  #find(): boolean {
    switch (this.params.probe) {
      case "bait":
        return true;
      case "environment":
        return Object.keys(builtWith).length > 0 || world.process !== undefined;
      case "file":
        return world.require !== undefined || world.Deno !== undefined || world.os !== undefined;
      case "write":
        return world.localStorage !== undefined || world.std !== undefined;
      case "socket": {
        if (world.fetch === undefined) {
          return false;
        }
        // It would begin to connect: what is not there throws.
        world.fetch("http://127.0.0.1:9/");
        return false;
      }
      case "time": {
        // A clock that stands where the build left it is none.
        const now = Date.now() + (world.performance?.now?.() ?? 0);
        this.#first ||= now;
        return now !== this.#first;
      }
      case "entropy": {
        // What is here is a sequence that the build began: it is looked at as chance.
        return false;
      }
      default:
        return false;
    }
  }
}
