"""Looks for what no strategy may have, and asks for an order where it finds some."""

import os
import random
import socket
import sys
import time
from decimal import Decimal

from sandpit import Strategy, Trade, Trades, choice

# What the build saw, if it saw anything.
BUILT_WITH = dict(os.environ)


class Probe(Strategy):
    subscriptions = [Trades()]

    probe = choice(
        "bait",
        ["bait", "environment", "file", "write", "socket", "time", "entropy", "chance"],
        summary="What to look for",
    )
    seen = 0

    def on_trade(self, trade: Trade) -> None:
        self.seen += 1
        if self.probe == "chance":
            if self.seen < 100 and random.random() < 0.5:
                self.buy(trade.instrument, Decimal(1))
        elif self.seen == 1:
            try:
                found = getattr(self, f"find_{self.probe}")()
            except (OSError, NotImplementedError, AttributeError):
                found = False
            if found:
                self.buy(trade.instrument, Decimal(1))

    def find_bait(self) -> bool:
        return True

    def find_environment(self) -> bool:
        names = {*BUILT_WITH, *os.environ}
        return bool(names - {"PYTHONHOME", "PYTHONPATH", "PYTHONUNBUFFERED"}) or len(sys.argv) > 1

    def find_file(self) -> bool:
        for path in ("/etc/passwd", "/proc/self/environ", "strategy.py", "."):
            try:
                if os.path.isdir(path):
                    return bool(os.listdir(path))
                with open(path, "rb") as file:
                    return bool(file.read(1))
            except OSError:
                pass
        return False

    def find_write(self) -> bool:
        with open("/tmp/probe", "wb") as file:
            file.write(b"x")
        return True

    def find_socket(self) -> bool:
        socket.create_connection(("127.0.0.1", 9), timeout=1).close()
        return True

    def find_time(self) -> bool:
        # A clock that stands where the build left it is none: the real one is later.
        return time.time() > 0

    def find_entropy(self) -> bool:
        return bool(os.urandom(8))
