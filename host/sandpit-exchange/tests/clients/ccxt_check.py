"""Trades on the exchange with ccxt, REST and WebSocket. Arguments: port, then keys and secrets of
two accounts. Prints one line for each thing that works; any failure ends it."""

import asyncio
import sys

import ccxt
import ccxt.pro

PORT, KEY, SECRET, OTHER_KEY, OTHER_SECRET = sys.argv[1:6]
BASE = f"127.0.0.1:{PORT}"
SYMBOL = "BTC/USDT"
WAIT_S = 30


def told(what):
    print("ok", what, flush=True)


def point(client):
    """To the exchange on loopback instead of the venue."""
    for name, url in client.urls["api"].items():
        if isinstance(url, str):
            client.urls["api"][name] = url.replace("https://api.binance.com", f"http://{BASE}")
    if "ws" in client.urls["api"]:
        client.urls["api"]["ws"]["spot"] = f"ws://{BASE}/ws/spot"
        client.urls["api"]["ws"]["ws-api"]["spot"] = f"ws://{BASE}/ws-api/v3"
    return client


def options(key, secret):
    return {
        "apiKey": key,
        "secret": secret,
        "enableRateLimit": False,
        "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
    }


def rest():
    alice = point(ccxt.binance(options(KEY, SECRET)))
    bob = point(ccxt.binance(options(OTHER_KEY, OTHER_SECRET)))
    markets = alice.load_markets()
    bob.load_markets()
    assert markets[SYMBOL]["precision"]["price"] == 0.01, markets[SYMBOL]
    assert "USDT" in alice.fetch_currencies()
    told("load_markets")
    assert alice.fetch_time() > 0
    assert alice.fetch_status()["status"] == "ok"
    told("fetch_status")
    order = alice.create_order(SYMBOL, "limit", "sell", 1, 100)
    assert order["status"] == "open", order
    told("create_order")
    book = alice.fetch_order_book(SYMBOL)
    assert book["asks"] == [[100.0, 1.0]], book
    told("fetch_order_book")
    edited = alice.edit_order(order["id"], SYMBOL, "limit", "sell", 2, 101)
    assert edited["amount"] == 2 and edited["price"] == 101, edited
    told("edit_order")
    wish = {"symbol": "BTCUSDT", "orderId": edited["id"], "newQty": "1.5"}
    # ccxt signs it, but has no method of that name.
    amended = alice.request("order/amend/keepPriority", ["private"], "PUT", wish)
    assert amended["amendedOrder"]["qty"] == "1.50000000", amended
    told("amend keep priority")
    taken = bob.create_order(SYMBOL, "market", "buy", 0.5)
    assert taken["status"] == "closed" and taken["average"] == 101, taken
    told("create_order market")
    assert alice.fetch_order(edited["id"], SYMBOL)["filled"] == 0.5
    assert len(alice.fetch_open_orders(SYMBOL)) == 1
    assert len(alice.fetch_orders(SYMBOL)) == 2
    told("fetch_orders")
    assert alice.cancel_order(edited["id"], SYMBOL)["status"] == "canceled"
    try:
        alice.cancel_order(edited["id"], SYMBOL)
        raise AssertionError("canceled twice")
    except ccxt.OrderNotFound:
        told("cancel_order")
    balance = bob.fetch_balance()
    assert balance["BTC"]["free"] == 10.4995, balance["BTC"]
    assert balance["USDT"]["total"] == 99949.5, balance["USDT"]
    told("fetch_balance")
    trades = bob.fetch_my_trades(SYMBOL)
    assert trades[0]["fee"] == {"currency": "BTC", "cost": 0.0005}, trades
    assert alice.fetch_trades(SYMBOL)[0]["price"] == 101
    told("fetch_trades")
    assert alice.fetch_ticker(SYMBOL)["last"] == 101
    assert alice.fetch_ohlcv(SYMBOL, "1m")[0][4] == 101
    told("fetch_ticker")
    try:
        alice.create_order(SYMBOL, "limit", "buy", 1000, 101)
        raise AssertionError("bought without money")
    except ccxt.InsufficientFunds:
        told("insufficient funds")
    stop = bob.create_order(SYMBOL, "limit", "sell", 1, 95, {"stopPrice": 96})
    assert stop["stopPrice"] == 96 or stop["triggerPrice"] == 96, stop
    assert len(bob.cancel_all_orders(SYMBOL)) == 1
    told("stop and cancel_all_orders")


async def streams():
    alice = point(ccxt.pro.binance(options(KEY, SECRET)))
    bob = point(ccxt.pro.binance(options(OTHER_KEY, OTHER_SECRET)))
    try:
        await asyncio.gather(alice.load_markets(), bob.load_markets())
        trades = asyncio.create_task(alice.watch_trades(SYMBOL))
        orders = asyncio.create_task(alice.watch_orders(SYMBOL))
        balance = asyncio.create_task(bob.watch_balance())
        book = asyncio.create_task(alice.watch_order_book(SYMBOL))
        candles = asyncio.create_task(alice.watch_ohlcv(SYMBOL, "1m"))
        ticker = asyncio.create_task(alice.watch_ticker(SYMBOL))
        own = asyncio.create_task(bob.watch_my_trades(SYMBOL))
        # Places until all of them have heard of it: subscriptions take their time.
        waiting = [trades, orders, balance, book, candles, ticker, own]
        for _ in range(WAIT_S):
            await alice.create_order(SYMBOL, "limit", "sell", 0.1, 102)
            await bob.create_order(SYMBOL, "limit", "buy", 0.1, 102)
            done, _ = await asyncio.wait(waiting, timeout=1)
            if len(done) == len(waiting):
                break
        assert trades.result()[0]["price"] == 102
        told("watch_trades")
        assert orders.result()[0]["symbol"] == SYMBOL
        told("watch_orders")
        assert balance.result()["BTC"]["total"] > 10
        told("watch_balance")
        assert "asks" in book.result()
        told("watch_order_book")
        assert candles.result()[-1][4] == 102
        told("watch_ohlcv")
        assert ticker.result()["last"] == 102
        told("watch_ticker")
        assert own.result()[0]["price"] == 102
        told("watch_my_trades")
        placed = await alice.create_order_ws(SYMBOL, "limit", "sell", 1, 120)
        assert placed["status"] == "open", placed
        told("create_order_ws")
        canceled = await alice.cancel_order_ws(placed["id"], SYMBOL)
        assert canceled["status"] == "canceled", canceled
        told("cancel_order_ws")
        await alice.fetch_open_orders_ws(SYMBOL)
        told("fetch_open_orders_ws")
    finally:
        await asyncio.gather(alice.close(), bob.close())


rest()
asyncio.run(asyncio.wait_for(streams(), 4 * WAIT_S))
print("done", flush=True)
