"""The strategy's own log: lines to the host, or to a list where there is no host."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class Level(Enum):
    """How much a line matters."""

    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3


#: Lines that are kept where there is no host; later ones are dropped.
SINK_LINES_MAX = 10_000

_lines: list[tuple[Level, str]] = []


def _keep(level: Level, message: str) -> None:
    if len(_lines) < SINK_LINES_MAX:
        _lines.append((level, message))


_write: Callable[[Level, str], None] = _keep


def set_writer(write: Callable[[Level, str], None]) -> None:
    """Says where lines go. For the component and the harness."""
    global _write
    _write = write


def take() -> list[tuple[Level, str]]:
    """What was written since this was last asked, where there is no host. For tests."""
    taken = list(_lines)
    _lines.clear()
    return taken


def log(level: Level, message: str) -> None:
    """Writes one line to the strategy's log."""
    _write(level, message)


def debug(message: str) -> None:
    """Writes a line for those who look for a fault."""
    _write(Level.DEBUG, message)


def info(message: str) -> None:
    """Writes a line for those who look on."""
    _write(Level.INFO, message)


def warn(message: str) -> None:
    """Writes a line that somebody should read."""
    _write(Level.WARN, message)


def error(message: str) -> None:
    """Writes a line that somebody must read."""
    _write(Level.ERROR, message)
