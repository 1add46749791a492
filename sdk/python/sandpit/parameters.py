"""Parameters: what the operator may set, as attributes of the strategy's class.

    fast = integer(10, min=1, max=5_000, summary="Length of the fast average, in trades")

Name, type, default, bounds and text are said once. While a session runs, `self.fast` is the value
that the operator gave, within the bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from .numbers import to_decimal, to_wire

#: Parameters that a strategy may have.
PARAMETERS_MAX = 64
#: Bytes of a summary, and of a text parameter.
TEXT_BYTES_MAX = 256
#: Options of a choice.
OPTIONS_MAX = 32

_INTEGER_MIN, _INTEGER_MAX = -(2**63), 2**63 - 1


class Parameter:
    """One parameter; its subclasses are the types."""

    kind = ""

    def __init__(self, default: Any, summary: str) -> None:
        if not summary or len(summary.encode()) > TEXT_BYTES_MAX:
            raise ValueError("a parameter needs a summary of at most 256 bytes")
        self.default = default
        self.summary = summary
        self.name = ""
        self.attribute = ""

    def __set_name__(self, _: type, attribute: str) -> None:
        self.attribute = attribute
        self.name = attribute.replace("_", "-").lower()
        self.check(self.default)

    def check(self, value: Any) -> Any:
        """The value, if it is within the bounds."""
        raise NotImplementedError

    def refuse(self, wanted: str, value: Any) -> ValueError:
        return ValueError(f"parameter `{self.name}` must be {wanted}, not {value}")


class Flag(Parameter):
    kind = "boolean"

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse("true or false", value)
        return value


class Integer(Parameter):
    kind = "integer"

    def __init__(self, default: int, summary: str, low: int, high: int) -> None:
        super().__init__(default, summary)
        self.min, self.max = low, high

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse("an integer", value)
        if not self.min <= value <= self.max:
            raise self.refuse(f"from {self.min} to {self.max}", value)
        return value


class Number(Parameter):
    kind = "decimal"

    def __init__(self, default: Decimal, summary: str, low: Decimal, high: Decimal) -> None:
        super().__init__(default, summary)
        self.min, self.max = low, high
        for value in (default, low, high):
            to_wire(value)

    def check(self, value: Any) -> Decimal:
        number = to_decimal(value)
        if not self.min <= number <= self.max:
            raise self.refuse(f"from {self.min} to {self.max}", number)
        return number


class Choice(Parameter):
    kind = "choice"

    def __init__(self, default: str, summary: str, options: Sequence[str]) -> None:
        super().__init__(default, summary)
        if not 1 <= len(options) <= OPTIONS_MAX:
            raise ValueError("a choice has 1 to 32 options")
        self.options = list(options)

    def check(self, value: Any) -> str:
        if value not in self.options:
            raise self.refuse(f"one of {', '.join(self.options)}", value)
        return value


class Text(Parameter):
    kind = "text"

    def __init__(self, default: str, summary: str, max_bytes: int) -> None:
        super().__init__(default, summary)
        if not 0 <= max_bytes <= TEXT_BYTES_MAX:
            raise ValueError("`max_bytes` is at most 256")
        self.max_bytes = max_bytes

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.refuse("text", value)
        if len(value.encode()) > self.max_bytes:
            raise self.refuse(f"at most {self.max_bytes} bytes", value)
        return value


# What follows says the type of the value, not of the object: that is what an editor shows for
# `self.fast`, as with `dataclasses.field`.


def flag(default: bool, *, summary: str) -> bool:
    """A parameter that is true or false."""
    return Flag(default, summary)  # type: ignore[return-value]


def integer(
    default: int, *, min: int = _INTEGER_MIN, max: int = _INTEGER_MAX, summary: str
) -> int:
    """A parameter that is a whole number; bounds are inclusive."""
    return Integer(default, summary, min, max)  # type: ignore[return-value]


def number(
    default: Decimal | int | str,
    *,
    min: Decimal | int | str,
    max: Decimal | int | str,
    summary: str,
) -> Decimal:
    """A parameter that is an exact number; bounds are inclusive. Say fractions as text: "0.001"."""
    low, high = to_decimal(min), to_decimal(max)
    return Number(to_decimal(default), summary, low, high)  # type: ignore[return-value]


def choice(default: str, options: Sequence[str], *, summary: str) -> str:
    """A parameter that is one of a few words."""
    return Choice(default, summary, options)  # type: ignore[return-value]


def text(default: str, *, max_bytes: int = TEXT_BYTES_MAX, summary: str) -> str:
    """A parameter that is free text."""
    return Text(default, summary, max_bytes)  # type: ignore[return-value]
