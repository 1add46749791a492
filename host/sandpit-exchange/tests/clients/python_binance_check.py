"""Trades on the exchange with python-binance. Arguments: port, key, secret."""

import sys

from binance.client import Client
from binance.exceptions import BinanceAPIException

PORT, KEY, SECRET = sys.argv[1:4]
BASE = f"http://127.0.0.1:{PORT}"


def told(what):
    print("ok", what, flush=True)


client = Client(KEY, SECRET, ping=False)
client.API_URL = f"{BASE}/api"
client.MARGIN_API_URL = f"{BASE}/sapi"

client.ping()
assert client.get_symbol_info("BTCUSDT")["quoteAsset"] == "USDT"
told("exchange info")
order = client.order_limit_sell(symbol="BTCUSDT", quantity="0.5", price="150")
assert order["status"] == "NEW", order
told("order_limit_sell")
assert client.get_order_book(symbol="BTCUSDT")["asks"]
assert client.get_order(symbol="BTCUSDT", orderId=order["orderId"])["origQty"] == "0.50000000"
assert client.get_open_orders(symbol="BTCUSDT")
told("get_open_orders")
canceled = client.cancel_order(symbol="BTCUSDT", orderId=order["orderId"])
assert canceled["status"] == "CANCELED", canceled
told("cancel_order")
assert any(row["asset"] == "BTC" for row in client.get_account()["balances"])
assert client.get_asset_balance("USDT")["asset"] == "USDT"
client.get_my_trades(symbol="BTCUSDT")
client.get_recent_trades(symbol="BTCUSDT")
client.get_klines(symbol="BTCUSDT", interval="1m")
assert client.get_system_status()["status"] == 0
assert client.get_account_api_permissions()["enableReading"]
told("account")
try:
    client.order_limit_buy(symbol="BTCUSDT", quantity="1000", price="150")
    raise AssertionError("bought without money")
except BinanceAPIException as error:
    assert error.code == -2010, error
    told("refusals")
print("done", flush=True)
