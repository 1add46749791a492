/**
 * Parameters: what the operator may set. Name, type, default, bounds and text are said once.
 *
 *     const parameters = {
 *       fast: integer({ default: 10, min: 1, max: 5_000, summary: "Length, in trades" }),
 *     };
 *     class Mine extends Strategy<typeof parameters> {
 *       static override parameters = parameters;
 *     }
 *
 * While a session runs, `this.params.fast` is the value that the operator gave.
 */

import { type Exact, Decimal } from "./decimal.js";

/** One parameter whose value is a `T`. */
export interface Parameter<T> {
  readonly kind: "boolean" | "integer" | "decimal" | "choice" | "text";
  readonly default: T;
  /** What it does, for people: at most 256 bytes. */
  readonly summary: string;
  readonly min?: T;
  readonly max?: T;
  readonly options?: readonly string[];
  readonly maxBytes?: number;
  /** The value, if it is within the bounds; says what is wrong with it where it is not. */
  check(name: string, value: unknown): T;
}

/** Parameters by the name of their property. */
export type Parameters = Readonly<Record<string, Parameter<never> | Parameter<any>>>;

/** The values of parameters. */
export type Values<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

function refuse(name: string, wanted: string, value: unknown): never {
  throw new RangeError(`parameter \`${name}\` must be ${wanted}, not ${String(value)}`);
}

function made<T>(parameter: Parameter<T>): Parameter<T> {
  if (parameter.summary === "" || byteLength(parameter.summary) > 256) {
    throw new RangeError("a parameter needs a summary of at most 256 bytes");
  }
  parameter.check("default", parameter.default);
  return parameter;
}

/** Bytes of a text in UTF-8. */
function byteLength(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** A parameter that is true or false. */
export function flag(said: { default: boolean; summary: string }): Parameter<boolean> {
  return made({
    kind: "boolean",
    ...said,
    check: (name, value) =>
      typeof value === "boolean" ? value : refuse(name, "true or false", value),
  });
}

/** A parameter that is a whole number, at most 2^53 from zero; bounds are inclusive. */
export function integer(said: {
  default: number;
  min?: number;
  max?: number;
  summary: string;
}): Parameter<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = said;
  return made({
    kind: "integer",
    ...said,
    min,
    max,
    check(name, value) {
      if (typeof value !== "number" || !Number.isSafeInteger(value)) {
        return refuse(name, "an integer", value);
      }
      return value >= min && value <= max ? value : refuse(name, `from ${min} to ${max}`, value);
    },
  });
}

/** A parameter that is an exact number; bounds are inclusive. Say fractions as text: "0.001". */
export function decimal(said: {
  default: Exact;
  min: Exact;
  max: Exact;
  summary: string;
}): Parameter<Decimal> {
  const [min, max] = [Decimal.from(said.min), Decimal.from(said.max)];
  return made({
    kind: "decimal",
    default: Decimal.from(said.default),
    min,
    max,
    summary: said.summary,
    check(name, value) {
      const given = Decimal.from(value as Exact);
      return given.gte(min) && given.lte(max)
        ? given
        : refuse(name, `from ${min.toString()} to ${max.toString()}`, given.toString());
    },
  });
}

/** A parameter that is one of a few words. */
export function choice<const T extends string>(said: {
  default: NoInfer<T>;
  options: readonly T[];
  summary: string;
}): Parameter<T> {
  return made({
    kind: "choice",
    default: said.default as T,
    options: said.options,
    summary: said.summary,
    check: (name, value) =>
      said.options.find((option) => option === value) ??
      refuse(name, `one of ${said.options.join(", ")}`, value),
  });
}

/** A parameter that is free text. */
export function text(said: {
  default: string;
  maxBytes?: number;
  summary: string;
}): Parameter<string> {
  const maxBytes = said.maxBytes ?? 256;
  return made({
    kind: "text",
    ...said,
    maxBytes,
    check(name, value) {
      if (typeof value !== "string") {
        return refuse(name, "text", value);
      }
      return byteLength(value) <= maxBytes ? value : refuse(name, `at most ${maxBytes} bytes`, value);
    },
  });
}

/** `fastLength` as `fast-length`: the name that the operator sees. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/_/g, "-");
}

/** The values of all parameters out of what the host gives, by kebab name. */
export function valuesOf<P extends Parameters>(
  parameters: P,
  given: ReadonlyMap<string, unknown>,
): Values<P> {
  const values: Record<string, unknown> = {};
  for (const [property, parameter] of Object.entries(parameters)) {
    const name = kebab(property);
    if (!given.has(name)) {
      throw new RangeError(`parameter \`${name}\` has no value`);
    }
    values[property] = parameter.check(name, given.get(name));
  }
  return values as Values<P>;
}
