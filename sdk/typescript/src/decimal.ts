/**
 * The exact number of strategies. Prices, quantities and money are this; a `number` is for signals
 * alone. Sums, differences and products are exact, whatever their size. A quotient names its digits
 * and its rounding, so there is no plain division.
 */

/** Where a value goes that lies between two representable ones. */
export type Rounding =
  | "floor"
  | "ceiling"
  | "toward-zero"
  | "away-from-zero"
  | "half-even"
  | "half-away-from-zero";

/** What is exact enough to become a decimal: a `number` only where it is a whole one. */
export type Exact = Decimal | bigint | number | string;

/** Digits after the point that the contract allows. */
const WIRE_SCALE_MAX = 18;
const WIRE_MIN = -(2n ** 63n);
const WIRE_MAX = 2n ** 63n - 1n;

/** The contract's own form of a number. */
export interface WireDecimal {
  mantissa: bigint;
  scale: number;
}

function pow10(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** `numerator / denominator` as `rounding` says. */
function divRound(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (denominator < 0n) {
    [numerator, denominator] = [-numerator, -denominator];
  }
  let floor = numerator / denominator;
  if (numerator % denominator === 0n) {
    return floor;
  }
  const negative = numerator < 0n;
  if (negative) {
    floor -= 1n;
  }
  const beyondHalf = 2n * (numerator - floor * denominator) - denominator;
  let up: boolean;
  switch (rounding) {
    case "floor":
      up = false;
      break;
    case "ceiling":
      up = true;
      break;
    case "toward-zero":
      up = negative;
      break;
    case "away-from-zero":
      up = !negative;
      break;
    case "half-even":
      up = beyondHalf > 0n || (beyondHalf === 0n && abs(floor) % 2n === 1n);
      break;
    case "half-away-from-zero":
      up = beyondHalf > 0n || (beyondHalf === 0n && !negative);
      break;
  }
  return up ? floor + 1n : floor;
}

/** An exact decimal number: `mantissa` x 10^-`scale`. Immutable. */
export class Decimal {
  static readonly ZERO = new Decimal(0n, 0);
  static readonly ONE = new Decimal(1n, 0);

  constructor(
    /** All digits, signed. */
    readonly mantissa: bigint,
    /** Digits after the point. */
    readonly scale: number,
  ) {
    if (!Number.isInteger(scale) || scale < 0) {
      throw new RangeError(`${scale} is no number of digits`);
    }
  }

  /** From what is exact. A `number` that is not whole throws: write it as text. */
  static from(value: Exact): Decimal {
    if (value instanceof Decimal) {
      return value;
    }
    if (typeof value === "bigint") {
      return new Decimal(value, 0);
    }
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) {
        throw new TypeError(`${value} is not exact: write it as text, "${value}"`);
      }
      return new Decimal(BigInt(value), 0);
    }
    const parts = /^([+-]?)(\d*)(?:\.(\d+))?$/.exec(value);
    const whole = parts?.[2] ?? "";
    const fraction = parts?.[3] ?? "";
    if (parts === null || whole + fraction === "") {
      throw new SyntaxError(`"${value}" is not a plain decimal number`);
    }
    const digits = BigInt(whole + fraction);
    return new Decimal(parts[1] === "-" ? -digits : digits, fraction.length);
  }

  /** From the contract's form, with the scale kept. */
  static fromWire(wire: WireDecimal): Decimal {
    return new Decimal(wire.mantissa, wire.scale);
  }

  /** The decimal nearest to a `number` with `scale` digits after the point: for turning a signal
   * into a price or a size. */
  static fromNumber(value: number, scale: number): Decimal {
    return Decimal.from(value.toFixed(scale));
  }

  /** As the contract carries it. A value with too many digits throws here, where the trace still
   * shows who made it. */
  toWire(): WireDecimal {
    const fits = (each: Decimal) =>
      each.scale <= WIRE_SCALE_MAX && each.mantissa >= WIRE_MIN && each.mantissa <= WIRE_MAX;
    const sent = fits(this) ? this : this.normalized();
    if (!fits(sent)) {
      throw new RangeError(`${this} has too many digits; round it to the instrument's step`);
    }
    return { mantissa: sent.mantissa, scale: sent.scale };
  }

  /** The sum. */
  add(other: Exact): Decimal {
    const [a, b, scale] = this.aligned(Decimal.from(other));
    return new Decimal(a + b, scale);
  }

  /** The difference. */
  sub(other: Exact): Decimal {
    const [a, b, scale] = this.aligned(Decimal.from(other));
    return new Decimal(a - b, scale);
  }

  /** The product. */
  mul(other: Exact): Decimal {
    const by = Decimal.from(other);
    return new Decimal(this.mantissa * by.mantissa, this.scale + by.scale);
  }

  /** The same with the other sign. */
  neg(): Decimal {
    return new Decimal(-this.mantissa, this.scale);
  }

  /** Without its sign. */
  abs(): Decimal {
    return new Decimal(abs(this.mantissa), this.scale);
  }

  /** The quotient with `scale` digits after the point. */
  divRounded(other: Exact, scale: number, rounding: Rounding): Decimal {
    const by = Decimal.from(other);
    if (by.mantissa === 0n) {
      throw new RangeError(`${this} cannot be divided by zero`);
    }
    const shift = scale + by.scale - this.scale;
    const numerator = shift >= 0 ? this.mantissa * pow10(shift) : this.mantissa;
    const denominator = shift >= 0 ? by.mantissa : by.mantissa * pow10(-shift);
    return new Decimal(divRound(numerator, denominator, rounding), scale);
  }

  /** The nearest value with at most `scale` digits after the point. */
  round(scale: number, rounding: Rounding): Decimal {
    return this.scale <= scale
      ? this
      : new Decimal(divRound(this.mantissa, pow10(this.scale - scale), rounding), scale);
  }

  /** The nearest multiple of `step`: a price to its tick, a quantity to its step. */
  roundToStep(step: Exact, rounding: Rounding): Decimal {
    const by = Decimal.from(step);
    if (by.mantissa <= 0n) {
      throw new RangeError(`a step must be greater than zero, not ${by}`);
    }
    return this.divRounded(by, 0, rounding).mul(by);
  }

  /** The same value without trailing zeros after the point. */
  normalized(): Decimal {
    let { mantissa, scale } = this;
    while (scale > 0 && mantissa % 10n === 0n) {
      mantissa /= 10n;
      scale -= 1;
    }
    return new Decimal(mantissa, scale);
  }

  /** Less than zero, zero or greater, as this is less than, equal to or greater than the other. By
   * value: 1.0 equals 1. */
  compare(other: Exact): number {
    const [a, b] = this.aligned(Decimal.from(other));
    return a < b ? -1 : a > b ? 1 : 0;
  }

  eq(other: Exact): boolean {
    return this.compare(other) === 0;
  }

  lt(other: Exact): boolean {
    return this.compare(other) < 0;
  }

  lte(other: Exact): boolean {
    return this.compare(other) <= 0;
  }

  gt(other: Exact): boolean {
    return this.compare(other) > 0;
  }

  gte(other: Exact): boolean {
    return this.compare(other) >= 0;
  }

  get isZero(): boolean {
    return this.mantissa === 0n;
  }

  get isPositive(): boolean {
    return this.mantissa > 0n;
  }

  get isNegative(): boolean {
    return this.mantissa < 0n;
  }

  /** The nearest `number`. For signals only: what comes of it is no longer exact. */
  toNumber(): number {
    return Number(this.mantissa) / 10 ** this.scale;
  }

  /** All digits, with as many after the point as the scale says. */
  toString(): string {
    const digits = abs(this.mantissa).toString().padStart(this.scale + 1, "0");
    const sign = this.mantissa < 0n ? "-" : "";
    const point = digits.length - this.scale;
    return this.scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** Comparing with `<` would compare texts: use `lt`, `gt`, `compare`. */
  valueOf(): never {
    throw new TypeError("compare and add decimals with their methods, not with operators");
  }

  private aligned(other: Decimal): [bigint, bigint, number] {
    const scale = Math.max(this.scale, other.scale);
    return [
      scale === this.scale ? this.mantissa : this.mantissa * pow10(scale - this.scale),
      scale === other.scale ? other.mantissa : other.mantissa * pow10(scale - other.scale),
      scale,
    ];
  }
}

/** An exact decimal: `dec("0.001")`, `dec(3)`. */
export function dec(value: Exact): Decimal {
  return Decimal.from(value);
}
