/** Running figures of a price in plain numbers. For signals only: none of them is money. */

/** Exponential moving average with weight 2 / (length + 1), seeded with the first value. */
export class Ema {
  /** The average; zero before the first value. */
  value = 0;
  readonly #weight: number;
  #missing: number;
  #seeded = false;

  constructor(length: number) {
    const values = Math.max(1, length);
    this.#weight = 2 / (values + 1);
    this.#missing = values;
  }

  /** Takes in a value and says the average. */
  update(value: number): number {
    this.value = this.#seeded ? this.#weight * value + (1 - this.#weight) * this.value : value;
    this.#seeded = true;
    if (this.#missing > 0) {
      this.#missing -= 1;
    }
    return this.value;
  }

  /** Whether it has seen as many values as it is long. */
  get isWarm(): boolean {
    return this.#missing === 0;
  }
}
