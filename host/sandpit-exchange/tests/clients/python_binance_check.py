"""Trades on the exchange with python-binance, REST and WebSocket. Arguments: port, then keys and
secrets of two accounts. Prints one line for each thing that works; any failure ends it."""

import asyncio
import sys

from binance import AsyncClient, BinanceSocketManager
from binance.client import Client
from binance.exceptions import BinanceAPIException

PORT, KEY, SECRET, OTHER_KEY, OTHER_SECRET = sys.argv[1:6]
HOST = f"127.0.0.1:{PORT}"
SYMBOL = "BTCUSDT"
WAIT_S = 30


def told(what):
    print("ok", what, flush=True)


def connect(key, secret):
    client = Client(key, secret, ping=False)
    client.API_URL = f"http://{HOST}/api"
    client.MARGIN_API_URL = f"http://{HOST}/sapi"
    return client


def rest():
    client, other = connect(KEY, SECRET), connect(OTHER_KEY, OTHER_SECRET)
    client.ping()
    info = client.get_symbol_info(SYMBOL)
    assert info["quoteAsset"] == "USDT" and info["status"] == "TRADING", info
    assert client.get_exchange_info()["rateLimits"]
    told("exchange info")
    order = client.order_limit_sell(symbol=SYMBOL, quantity="0.5", price="150")
    assert order["status"] == "NEW", order
    told("order_limit_sell")
    assert client.get_order_book(symbol=SYMBOL)["asks"] == [["150.00000000", "0.50000000"]]
    told("get_order_book")
    wish = {"symbol": SYMBOL, "orderId": order["orderId"], "newQty": "0.4"}
    # It signs it, but has no method of that name.
    amended = client._put("order/amend/keepPriority", True, data=wish)
    assert amended["amendedOrder"]["qty"] == "0.40000000", amended
    told("amend keep priority")
    replaced = client.cancel_replace_order(
        symbol=SYMBOL,
        side="SELL",
        type="LIMIT",
        timeInForce="GTC",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=order["orderId"],
        quantity="0.3",
        price="151",
    )
    assert replaced["newOrderResult"] == "SUCCESS", replaced
    order = replaced["newOrderResponse"]
    told("cancel_replace_order")
    taken = other.order_market_buy(symbol=SYMBOL, quantity="0.1")
    assert taken["status"] == "FILLED" and taken["fills"][0]["price"] == "151.00000000", taken
    told("order_market_buy")
    assert client.get_symbol_ticker(symbol=SYMBOL)["price"] == "151.00000000"
    assert client.get_orderbook_ticker(symbol=SYMBOL)["askQty"] == "0.20000000"
    assert client.get_ticker(symbol=SYMBOL)["count"] == 1
    assert client.get_avg_price(symbol=SYMBOL)["price"] == "151.00000000"
    told("tickers")
    queried = client.get_order(symbol=SYMBOL, orderId=order["orderId"])
    assert queried["executedQty"] == "0.10000000", queried
    assert [row["orderId"] for row in client.get_open_orders(symbol=SYMBOL)] == [order["orderId"]]
    assert len(client.get_all_orders(symbol=SYMBOL)) == 2
    told("get_all_orders")
    canceled = client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])
    assert canceled["status"] == "CANCELED", canceled
    told("cancel_order")
    assert client.get_asset_balance("BTC")["free"] == "9.90000000"
    assert any(row["asset"] == "BTC" for row in client.get_account()["balances"])
    told("balances")
    assert client.get_my_trades(symbol=SYMBOL)[0]["commission"] == "0.01510000"
    assert client.get_recent_trades(symbol=SYMBOL)[0]["qty"] == "0.10000000"
    assert client.get_klines(symbol=SYMBOL, interval="1m")[-1][4] == "151.00000000"
    told("trades")
    assert client.get_system_status()["status"] == 0
    assert client.get_account_api_permissions()["enableReading"]
    told("system status and permissions")
    pair = client.create_oco_order(
        symbol=SYMBOL,
        side="SELL",
        quantity="0.1",
        aboveType="LIMIT_MAKER",
        abovePrice="160",
        belowType="STOP_LOSS",
        belowStopPrice="140",
    )
    assert len(pair["orderReports"]) == 2, pair
    told("create_oco_order")
    try:
        client.order_limit_buy(symbol=SYMBOL, quantity="1000", price="150")
        raise AssertionError("bought without money")
    except BinanceAPIException as error:
        assert error.code == -2010, error
    told("refusals")


class Here(AsyncClient):
    API_URL = f"http://{HOST}/api"
    WS_API_URL = f"ws://{HOST}/ws-api/v3"


class Streams(BinanceSocketManager):
    STREAM_URL = f"ws://{HOST}/"


async def until(socket, is_it):
    while True:
        message = await socket.recv()
        if is_it(message):
            return message


async def streams():
    client = await Here.create(KEY, SECRET)
    other = connect(OTHER_KEY, OTHER_SECRET)
    try:
        manager = Streams(client)
        async with manager.trade_socket(SYMBOL) as trades, manager.user_socket() as own:
            placed = await client.ws_create_order(
                symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="GTC", quantity="1", price="152"
            )
            assert placed["status"] == "NEW", placed
            told("ws_create_order")
            report = await until(own, lambda event: event.get("e") == "executionReport")
            assert report["i"] == placed["orderId"], report
            told("watch orders")
            await asyncio.to_thread(other.order_market_buy, symbol=SYMBOL, quantity="0.25")
            trade = await until(trades, lambda event: event.get("e") == "trade")
            assert trade["q"] == "0.25000000", trade
            told("watch trades")
            await until(own, lambda event: event.get("x") == "TRADE")
            position = await until(own, lambda event: event.get("e") == "outboundAccountPosition")
            assert {row["a"] for row in position["B"]} == {"BTC", "USDT"}, position
            told("watch balance")
            book = await client.ws_get_order_book(symbol=SYMBOL)
            assert book["asks"][0] == ["152.00000000", "0.75000000"], book
            told("ws_get_order_book")
            canceled = await client.ws_cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
            assert canceled["status"] == "CANCELED", canceled
            told("ws_cancel_order")
    finally:
        await client.close_connection()


rest()
asyncio.run(asyncio.wait_for(streams(), 4 * WAIT_S))
print("done", flush=True)
