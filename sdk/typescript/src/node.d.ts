/** The little of Node's test runner that unit tests of strategies use, so that an editor knows it
 * without a package. A strategy itself has nothing of Node. */

declare module "node:test" {
  export function test(name: string, work: () => void | Promise<void>): void;
}

declare module "node:assert/strict" {
  interface Assert {
    equal(actual: unknown, expected: unknown, message?: string): void;
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    deepEqual(actual: unknown, expected: unknown, message?: string): void;
    ok(value: unknown, message?: string): asserts value;
    match(actual: string, expected: RegExp, message?: string): void;
    throws(work: () => void, expected?: RegExp | (new (...of: never[]) => Error)): void;
  }
  const assert: Assert;
  export default assert;
}
