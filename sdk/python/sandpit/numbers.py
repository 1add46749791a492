"""Exact numbers: Python's own `decimal.Decimal`, set up so that nothing is lost unseen.

Sums, differences and products of prices, quantities and rates are exact: there is room for 76
digits, and an operation that would need more raises `decimal.Inexact`. So does `/` where the
quotient has no end: `divide` names its digits and its rounding. A float that meets a decimal
raises `TypeError` or `decimal.FloatOperation`.
"""

from __future__ import annotations

import decimal
from decimal import Decimal
from enum import Enum

#: Digits that a number may have.
DIGITS_MAX = 76
#: Digits after the point that the contract allows.
WIRE_SCALE_MAX = 18
#: Largest mantissa of the contract.
WIRE_MANTISSA_MAX = 2**63 - 1

_CONTEXT = decimal.Context(
    prec=DIGITS_MAX,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-10_000,
    Emax=10_000,
    traps=[
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.Underflow,
        decimal.Inexact,
        decimal.FloatOperation,
    ],
)
_ROUNDING_CONTEXT = decimal.Context(prec=DIGITS_MAX, Emin=-10_000, Emax=10_000)


class Rounding(Enum):
    """Where a value goes that lies between two representable ones."""

    FLOOR = decimal.ROUND_FLOOR
    CEILING = decimal.ROUND_CEILING
    TOWARD_ZERO = decimal.ROUND_DOWN
    AWAY_FROM_ZERO = decimal.ROUND_UP
    HALF_EVEN = decimal.ROUND_HALF_EVEN
    HALF_AWAY_FROM_ZERO = decimal.ROUND_HALF_UP


def use_exact_context() -> None:
    """Makes the rules of this module those of the running thread. A component does it at its
    start, the test harness too."""
    decimal.setcontext(_CONTEXT.copy())


def to_decimal(value: Decimal | int | str) -> Decimal:
    """A decimal from a number that is exact. A float is not: it raises `TypeError`."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise TypeError(f"{value!r} is not exact: give a Decimal, an int or a string")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def round_to(value: Decimal, digits: int, rounding: Rounding) -> Decimal:
    """The nearest value with at most `digits` digits after the point."""
    if -value.as_tuple().exponent <= digits:
        return value
    return value.quantize(Decimal((0, (1,), -digits)), rounding.value, _ROUNDING_CONTEXT)


def divide(value: Decimal, by: Decimal, digits: int, rounding: Rounding) -> Decimal:
    """The quotient with `digits` digits after the point, rounded once."""
    if by == 0:
        raise ZeroDivisionError(f"{value} cannot be divided by zero")
    (above, below), (by_above, by_below) = value.as_integer_ratio(), by.as_integer_ratio()
    numerator, denominator = above * by_below * 10**digits, below * by_above
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    floor, rest = divmod(numerator, denominator)
    up = rest != 0 and _goes_up(rounding, floor, 2 * rest - denominator)
    return Decimal(floor + up).scaleb(-digits, _ROUNDING_CONTEXT)


def _goes_up(rounding: Rounding, floor: int, beyond_half: int) -> bool:
    negative = floor < 0
    match rounding:
        case Rounding.FLOOR:
            return False
        case Rounding.CEILING:
            return True
        case Rounding.TOWARD_ZERO:
            return negative
        case Rounding.AWAY_FROM_ZERO:
            return not negative
    if beyond_half != 0:
        return beyond_half > 0
    return floor % 2 == 1 if rounding is Rounding.HALF_EVEN else not negative


def round_to_step(value: Decimal, step: Decimal, rounding: Rounding) -> Decimal:
    """The nearest multiple of `step`: a price to its tick, a quantity to its step."""
    if step <= 0:
        raise ValueError(f"a step must be greater than zero, not {step}")
    return divide(value, step, 0, rounding) * step


def from_wire(mantissa: int, scale: int) -> Decimal:
    """From the contract's form, with the scale kept."""
    return Decimal(mantissa).scaleb(-scale, _ROUNDING_CONTEXT)


def to_wire(value: Decimal | int) -> tuple[int, int]:
    """Mantissa and scale as the contract carries them. A value with too many digits raises here,
    where the trace still shows who made it."""
    number = to_decimal(value)
    found = _split(number)
    if found is None:
        # Trailing zeros are no reason to fail.
        found = _split(number.normalize(_ROUNDING_CONTEXT))
    if found is None:
        raise ValueError(f"{number} has too many digits; round it to the instrument's step")
    return found


def _split(number: Decimal) -> tuple[int, int] | None:
    exponent = number.as_tuple().exponent
    scale = max(0, -exponent)
    if scale > WIRE_SCALE_MAX or exponent > WIRE_SCALE_MAX:
        return None
    mantissa = int(number.scaleb(scale, _ROUNDING_CONTEXT))
    return (mantissa, scale) if -WIRE_MANTISSA_MAX - 1 <= mantissa <= WIRE_MANTISSA_MAX else None
