//! Books, money and rules of the exchange, without sockets.

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    market::{MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal, Price, Quantity, Rate},
    time::UnixNanos,
};

use super::{feed::FeedMap, *};
use crate::{
    config::{AccountConfig, KeyConfig, Secret, SymbolConfig},
    order::NewOrder,
    refusal::Refusal,
    words::{Expiry, Kind, Stp, Tif},
};

fn n(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn account(name: &str) -> AccountConfig {
    AccountConfig {
        name: name.to_owned(),
        balances: [("BTC".to_owned(), n("10")), ("USDT".to_owned(), n("10000"))].into(),
        fees_in_bnb: false,
        keys: vec![KeyConfig {
            hmac_secret: Some(Secret::new("s")),
            ..KeyConfig::new(format!("{name}key"))
        }],
    }
}

/// Two accounts, BTCUSDT, ticks of 0.01, fees of a thousandth.
fn exchange() -> Exchange {
    let symbols: Vec<SymbolConfig> = Config::default().with_defaults(&[]).symbols;
    let accounts = vec![account("alice"), account("bob")];
    let config = Config { symbols, accounts, ..Config::default() };
    Exchange::new(&config).unwrap()
}

const ALICE: usize = 0;
const BOB: usize = 1;

fn order(name: &str, side: Side, kind: Kind, quantity: &str, price: &str) -> NewOrder {
    NewOrder {
        symbol: 0,
        client_id: name.to_owned(),
        side,
        kind,
        tif: Tif::Gtc,
        quantity: n(quantity),
        quote_quantity: Amount::ZERO,
        price: n(price),
        stop: Amount::ZERO,
        trailing_delta: None,
        iceberg: None,
        stp: None,
        strategy: (None, None),
    }
}

fn buy(name: &str, quantity: &str, price: &str) -> NewOrder {
    order(name, Side::Buy, Kind::Limit, quantity, price)
}

fn sell(name: &str, quantity: &str, price: &str) -> NewOrder {
    order(name, Side::Sell, Kind::Limit, quantity, price)
}

/// Free and locked of an asset.
fn has(exchange: &Exchange, account: usize, asset: &str) -> (String, String) {
    let at = exchange.assets.iter().position(|name| name == asset).unwrap();
    let account = &exchange.accounts[account];
    (account.free(at).to_string(), account.locked(at).to_string())
}

fn owned(text: (&str, &str)) -> (String, String) {
    (text.0.to_owned(), text.1.to_owned())
}

/// Every report since the last time: name, execution, status.
fn reports(exchange: &mut Exchange) -> Vec<String> {
    let events = exchange.take_events();
    let reports = events.iter().filter_map(|event| match event {
        Event::Report(report) => Some(format!(
            "{} {} {}",
            report.order.new.client_id,
            report.kind.as_str(),
            report.order.status.as_str()
        )),
        _ => None,
    });
    reports.collect()
}

/// Locks are what open orders need, and nothing was made or lost beside fees.
fn check_books(exchange: &Exchange) {
    for (account, own) in exchange.accounts.iter().enumerate() {
        for asset in 0..exchange.assets.len() {
            let locked = exchange.open[account].iter().map(|id| &exchange.orders[id]);
            let locked = locked
                .filter(|order| exchange.lock_asset(order.new.symbol, order.new.side) == asset)
                .fold(Amount::ZERO, |sum, order| sum + order.locked);
            assert_eq!(own.locked(asset), locked, "{} of {}", exchange.assets[asset], own.name);
            assert!(own.free(asset) >= Amount::ZERO);
        }
    }
    for market in &exchange.markets {
        for side in [Side::Buy, Side::Sell] {
            let mut shown = Amount::ZERO;
            for order in exchange.orders.values().filter(|order| order.status.is_open()) {
                if order.new.side == side && order.is_working() {
                    shown += order.shown;
                }
            }
            let levels = market.book.levels(side, usize::MAX);
            let total = levels.iter().fold(Amount::ZERO, |sum, (price, quantity)| {
                sum + *quantity - market.book.external(side, *price)
            });
            if market.symbol.rules.name == "BTCUSDT" {
                assert_eq!(total, shown);
            }
        }
        if let (Some((bid, _)), Some((ask, _))) = market.best() {
            assert!(bid < ask, "crossed: {bid} {ask}");
        }
    }
}

#[test]
fn two_users_trade_at_the_makers_price_and_pay_fees_in_what_they_get() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
    assert_eq!(has(&exchange, ALICE, "BTC"), owned(("9.00000000", "1.00000000")));
    let placed = exchange.place(BOB, buy("b", "3", "101"), 2).unwrap();
    assert_eq!(placed.fills.len(), 1);
    assert_eq!(placed.fills[0].price, n("100"));
    assert_eq!(placed.order.status, Status::PartiallyFilled);
    assert_eq!(has(&exchange, ALICE, "USDT"), owned(("10099.90000000", "0.00000000")));
    assert_eq!(has(&exchange, BOB, "BTC"), owned(("10.99900000", "0.00000000")));
    // Paid 100 for one, and two are locked at their own price.
    assert_eq!(has(&exchange, BOB, "USDT"), owned(("9698.00000000", "202.00000000")));
    assert_eq!(
        reports(&mut exchange),
        ["a NEW NEW", "b NEW NEW", "b TRADE PARTIALLY_FILLED", "a TRADE FILLED"]
    );
    check_books(&exchange);
    let which = Which { symbol: 0, id: None, name: Some("b".to_owned()) };
    exchange.cancel(BOB, &which, "c", 3).unwrap();
    assert_eq!(has(&exchange, BOB, "USDT"), owned(("9900.00000000", "0.00000000")));
    assert_eq!(exchange.cancel(BOB, &which, "c", 3), Err(Refusal::unknown_order()));
    check_books(&exchange);
}

#[test]
fn refusals_change_nothing() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
    exchange.take_events();
    let mut refuse = |new: NewOrder, code: i32, text: &str| {
        let refusal = exchange.place(ALICE, new, 2).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_ref()), (code, text));
        assert_eq!(exchange.take_events(), []);
    };
    refuse(sell("a", "1", "100"), -2010, "Duplicate order sent.");
    refuse(buy("b", "101", "100"), -2010, "Account has insufficient balance for requested action.");
    let maker = order("m", Side::Buy, Kind::LimitMaker, "1", "100");
    refuse(maker, -2010, "Order would immediately match and take.");
    refuse(buy("p", "1", "100.001"), -1013, "Filter failure: PRICE_FILTER");
    let market = NewOrder {
        quantity: Amount::ZERO,
        quote_quantity: n("50"),
        ..order("q", Side::Sell, Kind::Market, "1", "0")
    };
    refuse(market, -2010, "Order book liquidity is less than symbol minimum quantity.");
}

#[test]
fn market_orders_and_times_in_force_end_as_the_venue_says() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
    exchange.place(ALICE, sell("b", "1", "200"), 1).unwrap();
    let fok = NewOrder { tif: Tif::Fok, ..buy("fok", "3", "200") };
    assert_eq!(exchange.place(BOB, fok, 2).unwrap().order.status, Status::Expired);
    let ioc = NewOrder { tif: Tif::Ioc, ..buy("ioc", "2", "100") };
    let ioc = exchange.place(BOB, ioc, 2).unwrap();
    assert_eq!((ioc.order.status, ioc.order.executed), (Status::Expired, n("1")));
    let quote = NewOrder {
        quantity: Amount::ZERO,
        quote_quantity: n("50"),
        ..order("q", Side::Buy, Kind::Market, "1", "0")
    };
    let quote = exchange.place(BOB, quote, 2).unwrap();
    assert_eq!((quote.order.status, quote.order.executed), (Status::Filled, n("0.25")));
    let more = exchange.place(BOB, order("m", Side::Buy, Kind::Market, "5", "0"), 2).unwrap();
    assert_eq!((more.order.status, more.order.executed), (Status::Expired, n("0.75")));
    check_books(&exchange);
}

#[test]
fn trades_with_oneself_are_prevented_in_every_mode() {
    let check = |mode: Stp, expected: &[&str]| {
        let mut exchange = exchange();
        exchange.place(ALICE, sell("maker", "2", "100"), 1).unwrap();
        exchange.take_events();
        let taker = NewOrder { stp: Some(mode), ..buy("taker", "3", "100") };
        let placed = exchange.place(ALICE, taker, 2).unwrap();
        assert_eq!(placed.prevented.len(), usize::from(mode != Stp::None));
        assert_eq!(reports(&mut exchange)[1..], *expected, "{mode:?}");
        check_books(&exchange);
    };
    check(Stp::None, &["taker TRADE PARTIALLY_FILLED", "maker TRADE FILLED"]);
    check(Stp::ExpireTaker, &["taker TRADE_PREVENTION EXPIRED_IN_MATCH"]);
    check(Stp::ExpireMaker, &["maker TRADE_PREVENTION EXPIRED_IN_MATCH"]);
    let both =
        ["maker TRADE_PREVENTION EXPIRED_IN_MATCH", "taker TRADE_PREVENTION EXPIRED_IN_MATCH"];
    check(Stp::ExpireBoth, &both);
    let decrement = ["maker TRADE_PREVENTION EXPIRED_IN_MATCH", "taker TRADE_PREVENTION NEW"];
    check(Stp::Decrement, &decrement);
}

#[test]
fn an_iceberg_goes_to_the_back_when_its_part_is_gone() {
    let mut exchange = exchange();
    let iceberg = NewOrder { iceberg: Some(n("1")), ..sell("ice", "3", "100") };
    exchange.place(ALICE, iceberg, 1).unwrap();
    exchange.place(ALICE, sell("plain", "1", "100"), 2).unwrap();
    assert_eq!(exchange.markets[0].book.quantity(Side::Sell, n("100")), n("2"));
    exchange.place(BOB, buy("b", "1.5", "100"), 3).unwrap();
    let executed = |exchange: &Exchange, id: u64| exchange.orders[&id].executed.to_string();
    assert_eq!([executed(&exchange, 1), executed(&exchange, 2)], ["1.00000000", "0.50000000"]);
    check_books(&exchange);
    exchange.place(BOB, buy("c", "2.5", "100"), 4).unwrap();
    assert_eq!([executed(&exchange, 1), executed(&exchange, 2)], ["3.00000000", "1.00000000"]);
    check_books(&exchange);
}

#[test]
fn an_amend_keeps_the_place_and_frees_what_is_no_longer_needed() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "2", "100"), 1).unwrap();
    exchange.place(BOB, sell("b", "2", "100"), 2).unwrap();
    let which = Which { symbol: 0, id: Some(1), name: None };
    assert_eq!(exchange.amend(ALICE, &which, "x", n("3"), 3), Err(Refusal::amend_increase()));
    let amended = exchange.amend(ALICE, &which, "x", n("1"), 3).unwrap();
    assert_eq!((amended.original_name.as_str(), amended.order.new.client_id.as_str()), ("a", "x"));
    assert_eq!(has(&exchange, ALICE, "BTC"), owned(("9.00000000", "1.00000000")));
    check_books(&exchange);
    let taker = exchange.place(BOB, NewOrder { stp: Some(Stp::None), ..buy("t", "1", "100") }, 4);
    assert_eq!(taker.unwrap().order.status, Status::Filled);
    assert_eq!(exchange.orders[&1].status, Status::Filled);
    assert_eq!(exchange.orders[&2].executed, Amount::ZERO);
}

#[test]
fn a_stop_waits_fires_and_trades() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
    exchange.place(BOB, buy("b", "1", "100"), 1).unwrap();
    exchange.place(ALICE, buy("bid", "5", "90"), 1).unwrap();
    let stop = NewOrder { stop: n("95"), ..order("stop", Side::Sell, Kind::StopLoss, "1", "0") };
    let wrong = NewOrder { stop: n("100"), ..stop.clone() };
    assert_eq!(exchange.place(BOB, wrong, 2), Err(Refusal::would_trigger()));
    let placed = exchange.place(BOB, stop, 2).unwrap();
    assert!(placed.order.waits());
    exchange.take_events();
    exchange.place(BOB, sell("hit", "1", "90"), 3).unwrap();
    assert_eq!(
        reports(&mut exchange),
        [
            "hit NEW NEW",
            "hit TRADE FILLED",
            "bid TRADE PARTIALLY_FILLED",
            "stop NEW NEW",
            "stop TRADE FILLED",
            "bid TRADE PARTIALLY_FILLED",
        ]
    );
    check_books(&exchange);
}

fn oco(exchange: &mut Exchange) -> Result<u64, Refusal> {
    let above = order("above", Side::Sell, Kind::LimitMaker, "2", "110");
    let below = NewOrder { stop: n("95"), ..order("below", Side::Sell, Kind::StopLoss, "2", "0") };
    let list = NewList {
        symbol: 0,
        client_id: "list".to_owned(),
        working: None,
        legs: vec![above, below],
    };
    exchange.place_list(BOB, list, 2).map(|(list, _)| list.id)
}

#[test]
fn of_a_pair_one_ends_the_other_and_money_is_locked_once() {
    let start = || {
        let mut exchange = exchange();
        exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
        exchange.place(BOB, buy("b", "1", "100"), 1).unwrap();
        exchange.place(ALICE, buy("bid", "5", "90"), 1).unwrap();
        oco(&mut exchange).unwrap();
        assert_eq!(has(&exchange, BOB, "BTC").1, "2.00000000");
        assert_eq!(oco(&mut exchange), Err(Refusal::duplicate_order()));
        exchange.take_events();
        check_books(&exchange);
        exchange
    };
    // The upper one trades.
    let mut exchange = start();
    exchange.place(ALICE, buy("t", "0.5", "110"), 3).unwrap();
    assert_eq!(
        reports(&mut exchange)[1..],
        ["t TRADE FILLED", "below EXPIRED EXPIRED", "above TRADE PARTIALLY_FILLED"]
    );
    assert_eq!(has(&exchange, BOB, "BTC").1, "1.50000000");
    check_books(&exchange);
    // The lower one is triggered.
    let mut exchange = start();
    exchange.place(BOB, sell("hit", "1", "90"), 3).unwrap();
    let told = reports(&mut exchange);
    assert_eq!(told[3..5], ["above EXPIRED EXPIRED", "below NEW NEW"]);
    assert_eq!(exchange.orders[&5].status, Status::Filled);
    check_books(&exchange);
    // One is canceled.
    let mut exchange = start();
    let which = Which { symbol: 0, id: Some(4), name: None };
    assert_eq!(exchange.cancel(BOB, &which, "c", 3).unwrap().len(), 2);
    assert!(exchange.lists[&1].done);
    check_books(&exchange);
}

#[test]
fn a_filled_entry_places_its_pair_and_a_canceled_one_takes_it_along() {
    let place = |exchange: &mut Exchange| {
        let working = buy("in", "1", "100");
        let above = order("above", Side::Sell, Kind::LimitMaker, "0.9", "110");
        let below = NewOrder {
            stop: n("90"),
            ..order("below", Side::Sell, Kind::StopLossLimit, "0.9", "89")
        };
        let list = NewList {
            symbol: 0,
            client_id: "l".to_owned(),
            working: Some(working),
            legs: vec![above, below],
        };
        exchange.place_list(BOB, list, 1).unwrap();
    };
    let mut exchange = exchange();
    place(&mut exchange);
    assert_eq!(exchange.orders[&2].status, Status::PendingNew);
    exchange.place(ALICE, sell("s", "1", "100"), 2).unwrap();
    assert_eq!([2, 3].map(|id| exchange.orders[&id].status), [Status::New; 2]);
    assert_eq!(has(&exchange, BOB, "BTC").1, "0.90000000");
    check_books(&exchange);

    let mut exchange = self::exchange();
    place(&mut exchange);
    let which = Which { symbol: 0, id: Some(1), name: None };
    exchange.cancel(BOB, &which, "c", 2).unwrap();
    assert_eq!([1, 2, 3].map(|id| exchange.orders[&id].status), [Status::Canceled; 3]);
    check_books(&exchange);
}

#[test]
fn a_trailing_stop_follows_the_price() {
    let mut exchange = exchange();
    let print = |exchange: &mut Exchange, price: &str, at: u64| {
        let name = format!("s{at}");
        exchange.place(ALICE, sell(&name, "0.1", price), at).unwrap();
        exchange.place(BOB, buy(&name, "0.1", price), at).unwrap();
    };
    print(&mut exchange, "100", 1);
    let trailing = NewOrder {
        trailing_delta: Some(100),
        ..order("t", Side::Sell, Kind::StopLossLimit, "1", "50")
    };
    exchange.place(BOB, trailing, 2).unwrap();
    for (price, at) in [("110", 3), ("109", 4)] {
        print(&mut exchange, price, at);
        assert!(exchange.orders[&3].waits(), "{price}");
    }
    print(&mut exchange, "108.9", 5);
    assert!(exchange.orders[&3].is_working());
    check_books(&exchange);
}

fn feed(exchange: &Exchange) -> FeedMap {
    let d = |text: &str| text.parse::<Decimal>().unwrap();
    let instrument = Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "tape".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: d("0.1"),
        quantity_step: d("0.001"),
        min_quantity: d("0.001"),
        max_quantity: d("100"),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    });
    FeedMap::new(exchange, &[instrument.unwrap()]).unwrap()
}

fn event(data: MarketData) -> MarketEvent {
    let time = UnixNanos(1);
    MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data }
}

fn quote(bid: i64, ask: i64) -> MarketEvent {
    event(MarketData::Quote(Quote {
        bid_price: Price(bid),
        bid_quantity: Quantity(1_000),
        ask_price: Price(ask),
        ask_quantity: Quantity(2_000),
    }))
}

fn print(price: i64, quantity: i64, aggressor: Side) -> MarketEvent {
    let (price, quantity) = (Price(price), Quantity(quantity));
    event(MarketData::Trade(Trade { price, quantity, aggressor: Some(aggressor), id: 7 }))
}

#[test]
fn liquidity_from_outside_is_taken_once_and_fills_who_rests() {
    let mut exchange = exchange();
    let map = feed(&exchange);
    exchange.market(&map, &quote(1_000, 1_001), 1);
    let taken = exchange.place(ALICE, buy("a", "3", "100.1"), 2).unwrap();
    assert_eq!(taken.order.executed, n("2"));
    // The same said again is nothing new; the rest of the order is the best bid now.
    exchange.market(&map, &quote(1_000, 1_001), 3);
    assert_eq!(exchange.orders[&1].executed, n("2"));
    // The offer comes to its price.
    exchange.market(&map, &quote(990, 1_000), 4);
    assert_eq!(exchange.orders[&1].executed, n("3"));
    assert_eq!(exchange.orders[&1].quote_executed, n("300.3"));
    check_books(&exchange);
}

#[test]
fn a_print_fills_who_is_first_and_what_is_left_is_public() {
    let mut exchange = exchange();
    let map = feed(&exchange);
    exchange.market(&map, &quote(1_000, 1_001), 1);
    exchange.place(ALICE, buy("at", "1", "100"), 2).unwrap();
    exchange.take_events();
    // One stands before it.
    exchange.market(&map, &print(1_000, 600, Side::Sell), 3);
    assert_eq!(exchange.orders[&1].executed, Amount::ZERO);
    exchange.market(&map, &print(1_000, 600, Side::Sell), 4);
    assert_eq!(exchange.orders[&1].executed, n("0.2"));
    // Through its price: all of it, at its own price.
    exchange.market(&map, &print(999, 5_000, Side::Sell), 5);
    assert_eq!(exchange.orders[&1].status, Status::Filled);
    assert_eq!(exchange.orders[&1].quote_executed, n("100"));
    let trades = &exchange.markets[0].trades;
    let sum = trades.iter().fold(Amount::ZERO, |sum, trade| sum + trade.quantity);
    assert_eq!(sum, n("6.2"), "all that the source printed, and no more");
    check_books(&exchange);
}

#[test]
fn diffs_follow_each_other_and_make_the_same_book() {
    let mut exchange = exchange();
    let mut book = BTreeMap::new();
    let mut last = None;
    for step in 0..200u64 {
        let price = format!("{}", 90 + step * 7 % 20);
        let name = format!("o{step}");
        let new =
            if step % 3 == 0 { sell(&name, "0.1", &price) } else { buy(&name, "0.1", &price) };
        let _ = exchange.place(usize::from(step % 2 == 0), new, step);
        check_books(&exchange);
        if step % 5 == 4
            && let Some(diff) = exchange.markets[0].take_diff(0)
        {
            assert!(diff.first <= diff.last && last.is_none_or(|last| diff.first == last + 1));
            last = Some(diff.last);
            for (side, levels) in [(Side::Buy, diff.bids), (Side::Sell, diff.asks)] {
                for (price, quantity) in levels {
                    if quantity.is_zero() {
                        book.remove(&(side, price));
                    } else {
                        book.insert((side, price), quantity);
                    }
                }
            }
            for side in [Side::Buy, Side::Sell] {
                let mut theirs: Vec<_> = book
                    .iter()
                    .filter(|((own, _), _)| *own == side)
                    .map(|((_, price), quantity)| (*price, *quantity))
                    .collect();
                if side == Side::Buy {
                    theirs.reverse();
                }
                assert_eq!(theirs, exchange.markets[0].book.levels(side, 1_000));
            }
        }
    }
}

#[test]
fn a_firing_stop_without_money_expires() {
    let mut exchange = exchange();
    exchange.place(ALICE, sell("a", "1", "100"), 1).unwrap();
    exchange.place(BOB, buy("b", "1", "100"), 1).unwrap();
    let stop = NewOrder { stop: n("110"), ..order("stop", Side::Buy, Kind::StopLoss, "80", "0") };
    exchange.place(BOB, stop, 2).unwrap();
    exchange.place(ALICE, sell("far", "5", "500"), 2).unwrap();
    exchange.place(ALICE, sell("near", "0.1", "110"), 2).unwrap();
    exchange.take_events();
    exchange.place(BOB, buy("hit", "0.1", "110"), 3).unwrap();
    let stop = &exchange.orders[&3];
    assert_eq!((stop.status, stop.executed), (Status::Expired, n("5")));
    check_books(&exchange);
    let ended = exchange.take_events().into_iter().any(|event| {
        matches!(event, Event::Report(report)
        if report.order.id == 3 && report.expiry == Some(Expiry::InsufficientLiquidity))
    });
    assert!(ended);
}
