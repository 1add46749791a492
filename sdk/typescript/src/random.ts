/** Random numbers that are the same in every run of the same seed. `Math.random` is the same in
 * every run whatever the seed, so use these. */

const MASK = 2n ** 64n - 1n;

/** SplitMix64: for jitter and sampling, not for secrets. The same sequence as in the other
 * languages' SDKs. */
export class Random {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = seed & MASK;
  }

  /** Any 64 bits. */
  nextU64(): bigint {
    this.#state = (this.#state + 0x9e3779b97f4a7c15n) & MASK;
    let bits = this.#state;
    bits = ((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    bits = ((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return bits ^ (bits >> 31n);
  }

  /** A number from 0 up to but not including 1, in steps of 2^-53. */
  next(): number {
    return Number(this.nextU64() >> 11n) / 2 ** 53;
  }

  /** A number from 0 up to but not including `bound`; 0 where `bound` is 0. */
  below(bound: bigint): bigint {
    return (this.nextU64() * bound) >> 64n;
  }
}
