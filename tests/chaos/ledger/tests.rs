//! Books that are equal, and books that are not: every kind of difference is found.

use std::path::Path;

use sandpit_core::{
    engine::{News, Origin, Record},
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TradeId, VenueOrderId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    num::{Decimal as CoreDecimal, Money, Price, Quantity, Rate},
    order::{Fill, Order, OrderKind, Transition},
    risk::Purpose,
    time::UnixNanos,
};
use sandpit_journal::journal::{Journal, JournalOptions, Tables};

use super::*;
use crate::{
    client::Client,
    stage::{Exchange, Skew, config},
};

const SYMBOL: &str = "BTCUSDT";

fn tables() -> Tables {
    let instrument = Instrument::new(InstrumentSpec {
        symbol: SYMBOL.to_owned(),
        venue: "binance".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: CoreDecimal::new(1, 2),
        quantity_step: CoreDecimal::new(1, 5),
        min_quantity: CoreDecimal::new(1, 5),
        max_quantity: CoreDecimal::new(9_000, 0),
        min_notional: CoreDecimal::new(5, 0),
        multiplier: CoreDecimal::new(1, 0),
        maker_fee: Rate(10),
        taker_fee: Rate(10),
    });
    Tables {
        instruments: vec![instrument.unwrap()],
        plugins: vec!["one".to_owned()],
        budgets: vec![Money::from_scaled(1_000, 0).unwrap()],
        currency: "USDT".to_owned(),
    }
}

fn id(sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(0), run: RunId(1) }
}

/// A number of the exchange in units of its last digit here.
fn raw(number: Decimal, digits: u32) -> i64 {
    let scaled = number * Decimal::from(10u64.pow(digits));
    i64::try_from(i128::try_from(scaled).unwrap()).unwrap()
}

/// What a host writes that hears everything.
fn records(venue: &VenueBooks) -> Vec<Record> {
    let mut records = Vec::new();
    for sequence in 1..=4 {
        let Some(there) = venue.orders.get(&id(sequence).to_string()) else { continue };
        let fills: Vec<_> =
            venue.fills.iter().filter(|(_, f)| f.order == id(sequence).to_string()).collect();
        let side = if sequence.is_multiple_of(2) { Side::Buy } else { Side::Sell };
        let order = Order {
            id: id(sequence),
            tag: OrderTag(sequence),
            instrument: InstrumentId(0),
            side,
            quantity: Quantity(raw(there.quantity, 5)),
            kind: OrderKind::Limit(Price(6_000_100)),
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            reduce_only: false,
        };
        let (purpose, origin) = (Purpose::Plain, Origin::Venue);
        records.push(Record::Submitted { order: order.clone(), purpose, replaces: None });
        let news = News::VenueId(VenueOrderId(there.id));
        let (by, to) = (Transition::Accept, OrderState::Accepted);
        records.push(Record::Moved { order: order.id, by, to, news, origin });
        for ((symbol, trade), there) in fills {
            let fee = venue.fee_in_quote(symbol, there).unwrap();
            let fill = Fill {
                trade_id: TradeId(*trade),
                price: Price(raw(there.price, 2)),
                quantity: Quantity(raw(there.quantity, 5)),
                fee: Money::from_decimal(fee.normalize().to_string().parse().unwrap()).unwrap(),
                maker: there.maker,
            };
            let order = order.clone();
            records.push(Record::Filled { order, fill, time: UnixNanos(1), origin });
        }
        if there.status != "NEW" {
            let state = stands(&there.status, there.executed).unwrap();
            let filled = Quantity(raw(there.executed, 5));
            records.push(Record::Closed { order, state, filled });
        }
    }
    records
}

fn host_books(records: &[Record]) -> HostBooks {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), records);
    HostBooks::from_journal(folder.path())
}

fn write(folder: &Path, records: &[Record]) {
    let path = folder.join("main.journal");
    let mut journal = Journal::open(path, &tables(), &JournalOptions::default()).unwrap();
    for (at, record) in (1..).zip(records) {
        journal.append(UnixNanos(at), [record]).unwrap();
    }
}

/// A sell that is filled in two parts as a maker, a buy that takes, one that is canceled, one that
/// stands; and an order of somebody else on the same account.
async fn traded() -> VenueBooks {
    let exchange = Exchange::start(config(), None, Skew::of(3)).await;
    let (host, other) =
        (Client::new(exchange.address, "host"), Client::new(exchange.address, "other"));
    let place = async |client: &Client, side: &str, quantity: &str, price: &str, name: &str| {
        let query = format!(
            "symbol={SYMBOL}&side={side}&type=LIMIT&timeInForce=GTC&quantity={quantity}&price={price}&newClientOrderId={name}"
        );
        let answer = client.signed("POST", "/api/v3/order", &query).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    place(&host, "SELL", "0.5", "60001", &id(1).to_string()).await;
    place(&other, "BUY", "0.2", "60001", "x1").await;
    place(&other, "BUY", "0.3", "60001", "x2").await;
    place(&other, "SELL", "0.12345", "60000.01", "x3").await;
    place(&host, "BUY", "0.12345", "60002", &id(2).to_string()).await;
    place(&host, "SELL", "0.1", "61000", &id(3).to_string()).await;
    let query = format!("symbol={SYMBOL}&origClientOrderId={}", id(3));
    assert_eq!(host.signed("DELETE", "/api/v3/order", &query).await.status, 200);
    place(&host, "BUY", "0.1", "59000", &id(4).to_string()).await;
    place(&host, "BUY", "0.1", "58000", "by-hand").await;
    VenueBooks::ask(&host, &[SYMBOL]).await
}

#[tokio::test]
async fn equal_books_have_no_difference_and_every_other_one_does() {
    let venue = traded().await;
    assert_eq!((venue.orders.len(), venue.fills.len()), (4, 3));
    let start = [("BTC", 1_000), ("ETH", 1_000), ("USDT", 10_000_000)];
    let start = start.map(|(asset, total)| (asset.to_owned(), Decimal::from(total)));
    assert_eq!(astray(&venue, &start.clone().into()), Vec::<String>::new());
    let records = records(&venue);
    let host = host_books(&records);
    assert_eq!(differences(&host, &venue), Vec::<String>::new());
    assert_eq!(host.positions[SYMBOL].to_string(), "-0.37655");
    assert_eq!(host.symbols().into_iter().collect::<Vec<_>>(), [SYMBOL]);

    let wrong = |what: &str, change: &dyn Fn(&mut HostBooks)| {
        let mut books = host.clone();
        change(&mut books);
        let found = differences(&books, &venue);
        assert!(found.iter().any(|line| line.contains(what)), "{what}: {found:?}");
    };
    let name = id(1).to_string();
    wrong("is not there", &|books| {
        let order = books.orders[&name].clone();
        books.orders.insert("sp-9-0-1".to_owned(), order);
    });
    wrong("is there alone", &|books| drop(books.orders.remove(&name)));
    wrong("is still Unknown", &|books| {
        books.orders.get_mut(&name).unwrap().state = OrderState::Unknown;
    });
    wrong("and there VenueOrder", &|books| {
        books.orders.get_mut(&name).unwrap().executed -= Decimal::new(1, 5);
    });
    wrong("and there VenueOrder", &|books| {
        books.orders.get_mut(&name).unwrap().state = OrderState::Canceled;
    });
    wrong("was not booked", &|books| drop(books.fills.pop_first()));
    wrong("was booked and is not there", &|books| {
        let fill = books.fills.values().next().unwrap().clone();
        books.fills.insert((SYMBOL.to_owned(), 9_999_999), fill);
    });
    wrong("with fee", &|books| {
        books.fills.values_mut().next().unwrap().fee += Decimal::new(1, 18);
    });
    wrong("positions", &|books| {
        *books.positions.get_mut(SYMBOL).unwrap() += Decimal::new(1, 8);
    });
    wrong("cash", &|books| books.cash += Decimal::new(1, 18));
    let more = start.map(|(asset, total)| (asset, total + Decimal::ONE));
    assert_eq!(astray(&venue, &more.into()).len(), 3);
}

#[tokio::test]
async fn a_trade_that_is_booked_twice_is_found() {
    let venue = traded().await;
    let mut records = records(&venue);
    let again = records.iter().find(|record| matches!(record, Record::Filled { .. }));
    let again = again.unwrap().clone();
    records.push(again);
    let found = differences(&host_books(&records), &venue);
    assert!(found.iter().any(|line| line.contains("booked twice")), "{found:?}");
    assert!(found.iter().any(|line| line.starts_with("cash")), "{found:?}");
}
