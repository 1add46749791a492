//! Venue tests as text: one line an event in, one line a report out.
//!
//! ```text
//! trade 100 x5             a print; `buy` or `sell` at the end says who demanded
//! quote 99x5 101x3         best bid and ask
//! book 99x5,98x4 101x2     a snapshot of the book; `change` in its place is an update
//! bar 100 110 95 105 x40   open, high, low, close, volume
//! mark 100                 the venue's mark price
//! funding 0.01 100         rate and mark
//! fund 1000                money for the first plugin's margin account; `FUND` for the second's
//! a: buy 3 @ 99            order `a`; `@ market`, `stop 105`, `take 95`, `stop 105 @ 106`,
//!                          `trail 3`; then any of ioc fok post reduce gtd:5
//!                          a capital letter is an order of the second plugin
//! pair s p sell 3 stop 95 and sell 3 @ 105   orders `s` and `p`, of which one ends the other
//! cancel-all · lock-balances
//! cancel a · amend a 5 @ 98 · amend a 5 · clock 7
//! ```

use std::fmt::Write as _;

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::TimeInForce,
    market::{Bar, DepthUpdate, Funding, Levels, MarketData, MarketEvent, Quote, Side, Trade},
    matching::{Exchange, FillModel, Liquidation},
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Order, OrderKind, Report, ReportKind, TrailingOffset},
    time::{Nanos, UnixNanos},
};

const INSTRUMENT: InstrumentId = InstrumentId(0);

pub(crate) fn instrument() -> Instrument {
    instrument_with_step(1)
}

pub(crate) fn instrument_with_step(step: i64) -> Instrument {
    let one = Decimal::new(1, 0);
    let step = Decimal::new(step, 0);
    Instrument::new(InstrumentSpec {
        symbol: "TEST".into(),
        venue: "nowhere".into(),
        kind: InstrumentKind::Perpetual,
        base: "TST".into(),
        quote: "USD".into(),
        price_tick: one,
        quantity_step: step,
        min_quantity: step,
        max_quantity: Decimal::new(1_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: one,
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    })
    .unwrap()
}

/// Runs a script; orders are named by letters.
pub(crate) fn run(model: FillModel, script: &str) -> String {
    run_on(instrument(), model, script)
}

pub(crate) fn run_on(rules: Instrument, model: FillModel, script: &str) -> String {
    let mut venue = Exchange::new(&[rules], model);
    let mut out = String::new();
    let mut time = 0;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        time += 1;
        let mut reports = Vec::new();
        step(&mut venue, line, UnixNanos(time), &mut reports);
        for report in reports {
            show(&report, &mut out);
        }
        for liquidation in venue.take_liquidations() {
            show_liquidation(&liquidation, &mut out);
        }
    }
    let _ = writeln!(out, "{} open", venue.open_orders());
    out
}

fn step(venue: &mut Exchange, line: &str, now: UnixNanos, reports: &mut Vec<Report>) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["pair", stop, profit, ref orders @ ..] => {
            let and = orders.iter().position(|word| *word == "and").unwrap();
            let stop = parse_order(stop, &orders[..and]);
            venue.submit_pair(stop, parse_order(profit, &orders[and + 1..]), now, reports);
        }
        ["cancel-all"] => venue.cancel_all(INSTRUMENT, now, reports),
        ["lock-balances"] => venue.lock_balances(),
        ["cancel", name] => venue.cancel(INSTRUMENT, id(name), now, reports),
        ["amend", name, quantity] => {
            venue.amend((INSTRUMENT, id(name)), Some(number(quantity)), None, now, reports);
        }
        ["amend", name, quantity, "@", at] => {
            venue.amend(
                (INSTRUMENT, id(name)),
                Some(number(quantity)),
                Some(price(at)),
                now,
                reports,
            );
        }
        ["fund", amount] => venue.fund(PluginId(0), money(amount)),
        ["FUND", amount] => venue.fund(PluginId(1), money(amount)),
        ["clock", at] => venue.expire(UnixNanos(at.parse().unwrap()), reports),
        [name, ref order @ ..] if name.ends_with(':') => {
            venue.submit(parse_order(name.trim_end_matches(':'), order), now, reports);
        }
        _ => {
            let data = market(&words);
            venue.market(
                &MarketEvent { instrument: INSTRUMENT, time: now, venue_time: now, data },
                reports,
            );
        }
    }
}

fn market(words: &[&str]) -> MarketData {
    match words {
        ["trade", at, quantity, who @ ..] => MarketData::Trade(Trade {
            price: price(at),
            quantity: number(&quantity[1..]),
            aggressor: who.first().map(|who| if *who == "buy" { Side::Buy } else { Side::Sell }),
            id: 0,
        }),
        ["quote", bid, ask] => {
            let ((bid_price, bid_quantity), (ask_price, ask_quantity)) = (level(bid), level(ask));
            MarketData::Quote(Quote { bid_price, bid_quantity, ask_price, ask_quantity })
        }
        [what @ ("book" | "change"), bids, asks] => MarketData::Depth(Box::new(DepthUpdate {
            snapshot: *what == "book",
            first_sequence: 0,
            last_sequence: 0,
            previous_sequence: 0,
            bids: levels(bids),
            asks: levels(asks),
        })),
        ["bar", open, high, low, close, volume] => MarketData::Bar(Bar {
            interval: Nanos(1),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: number(&volume[1..]),
        }),
        ["mark", at] => MarketData::Mark(price(at)),
        ["funding", rate, mark] => MarketData::Funding(Funding {
            rate: Rate::from_decimal(rate.parse().unwrap()).unwrap(),
            mark: price(mark),
        }),
        other => panic!("unknown line {other:?}"),
    }
}

pub(crate) fn money(text: &str) -> Money {
    Money::from_decimal(text.parse().unwrap()).unwrap()
}

pub(crate) fn rate(text: &str) -> Rate {
    Rate::from_decimal(text.parse().unwrap()).unwrap()
}

fn parse_order(name: &str, words: &[&str]) -> Order {
    let (side, quantity, rest) = (words[0], words[1], &words[2..]);
    let (kind, flags) = match rest {
        ["@", "market", flags @ ..] => (OrderKind::Market, flags),
        ["@", at, flags @ ..] => (OrderKind::Limit(price(at)), flags),
        ["stop", trigger, "@", at, flags @ ..] => {
            (OrderKind::StopLimit { trigger: price(trigger), limit: price(at) }, flags)
        }
        ["stop", at, flags @ ..] => (OrderKind::Stop(price(at)), flags),
        ["take", at, flags @ ..] => (OrderKind::TakeProfit(price(at)), flags),
        ["trail", points, flags @ ..] if points.ends_with("bp") => {
            let points = points.trim_end_matches("bp").parse().unwrap();
            (OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)), flags)
        }
        ["trail", by, flags @ ..] => {
            (OrderKind::TrailingStop(TrailingOffset::Price(price(by))), flags)
        }
        other => panic!("unknown kind {other:?}"),
    };
    let mut order = Order {
        id: id(name),
        tag: OrderTag(0),
        instrument: INSTRUMENT,
        side: if side == "buy" { Side::Buy } else { Side::Sell },
        quantity: number(quantity),
        kind,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    };
    for flag in flags {
        match *flag {
            "ioc" => order.time_in_force = TimeInForce::Ioc,
            "fok" => order.time_in_force = TimeInForce::Fok,
            "post" => order.post_only = true,
            "reduce" => order.reduce_only = true,
            until => {
                let until = until.strip_prefix("gtd:").unwrap().parse().unwrap();
                order.time_in_force = TimeInForce::Gtd(UnixNanos(until));
            }
        }
    }
    order
}

/// A letter; a capital one is an order of the second plugin.
fn id(name: &str) -> ClientOrderId {
    let letter = name.bytes().next().unwrap();
    ClientOrderId {
        sequence: u64::from(letter),
        plugin: PluginId(u16::from(letter.is_ascii_uppercase())),
        run: RunId(0),
    }
}

fn price(text: &str) -> Price {
    Price(text.parse().unwrap())
}

fn number(text: &str) -> Quantity {
    Quantity(text.parse().unwrap())
}

fn level(text: &str) -> (Price, Quantity) {
    let (at, quantity) = text.split_once('x').unwrap();
    (price(at), number(quantity))
}

fn levels(text: &str) -> Levels {
    text.split(',').filter(|level| *level != "-").map(level).collect()
}

fn show(report: &Report, out: &mut String) {
    let name = char::from(u8::try_from(report.order.sequence).unwrap());
    let what = match &report.kind {
        ReportKind::Accepted(_) => "accepted".into(),
        ReportKind::Rejected(reason) => format!("rejected: {reason}"),
        ReportKind::Filled(fill) => {
            let role = if fill.maker { "maker" } else { "taker" };
            format!("fills {} @ {} {role}", fill.quantity.0, fill.price.0)
        }
        ReportKind::Amended { quantity, kind } => format!("amended to {} {kind:?}", quantity.0),
        ReportKind::AmendRejected(reason) | ReportKind::CancelRejected(reason) => {
            format!("refused: {reason}")
        }
        other => format!("{other:?}").to_lowercase(),
    };
    let _ = writeln!(out, "{name} {what}");
}

fn show_liquidation(liquidation: &Liquidation, out: &mut String) {
    let Liquidation { plugin, side, fill, .. } = liquidation;
    let _ = writeln!(
        out,
        "plugin {} liquidated: {side:?} {} @ {}, fee {}",
        plugin.0, fill.quantity.0, fill.price.0, fill.fee
    );
}
