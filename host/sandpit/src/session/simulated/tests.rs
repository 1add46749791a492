//! The venue against a twin that was never closed.

use super::*;
use crate::synthetic::{self, Options, SplitMix64};
use sandpit_core::{
    ids::RunId,
    matching::FillModel,
    order::{Fill, Report},
};

use sandpit_journal::tape::TapeError;

/// The synthetic market, one hour of it.
struct Made(synthetic::Market);

impl MarketSource for Made {
    fn next_event(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        Ok(self.0.next())
    }
}

fn market(minutes: u64) -> Box<dyn MarketSource> {
    let length = sandpit_core::time::Nanos(minutes * 60 * 1_000_000_000);
    Box::new(Made(synthetic::Market::new(Options { seed: 11, length })))
}

fn spec() -> VenueSpec {
    VenueSpec {
        instruments: synthetic::instruments().unwrap(),
        model: FillModel::default(),
        budgets: vec![Money(0)],
        tapes: vec!["made".to_owned()],
        locks_balance: false,
        synced: false,
    }
}

fn open(path: &Path) -> (PaperVenue, u64) {
    PaperVenue::open_keeping(path, &spec(), market(60), &mut |_| {}, Keep::ALL).unwrap()
}

const fn name(sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(0), run: RunId(9) }
}

fn order(sequence: u64, side: Side, kind: OrderKind, until: TimeInForce) -> Order {
    Order {
        id: name(sequence),
        tag: OrderTag(sequence),
        instrument: InstrumentId(0),
        side,
        quantity: Quantity(100),
        kind,
        time_in_force: until,
        post_only: false,
        reduce_only: false,
    }
}

/// All that a venue knows, as text.
fn memory(venue: &PaperVenue) -> String {
    let account = venue.account();
    let orders: Vec<_> = account.orders().collect();
    let fills: Vec<_> = account.fills().collect();
    let (cash, held) = (account.cash(), account.positions());
    format!("{orders:#?}\n{fills:#?}\n{cash} {held:?} {}", account.duplicates())
}

/// Something that a trader does, by chance.
fn act(
    dice: &mut SplitMix64,
    sequence: u64,
    venue: &mut PaperVenue,
    last: i64,
    out: &mut Vec<Report>,
) {
    let now = venue.now().plus(sandpit_core::time::Nanos(dice.next_u64() % 1_000));
    let side = if dice.next_u64().is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let near = last + i64::try_from(dice.next_u64() % 40).unwrap() - 20;
    let any = name(dice.next_u64() % sequence.max(1));
    let limit = OrderKind::Limit(Price(near));
    let request = match dice.next_u64() % 8 {
        0 => Request::Cancel(CancelOrder { order: any, instrument: InstrumentId(0) }),
        1 => Request::Amend(AmendOrder {
            order: any,
            instrument: InstrumentId(0),
            quantity: None,
            price: Some(Price(near)),
        }),
        2 => {
            let until = now.plus(sandpit_core::time::Nanos(dice.next_u64() % 60_000_000_000 + 1));
            Request::Submit(order(sequence, side, limit, TimeInForce::Gtd(until)))
        }
        3 => Request::Submit(order(sequence, side, OrderKind::Market, TimeInForce::Gtc)),
        4 => Request::Submit(order(any.sequence, side, limit, TimeInForce::Gtc)),
        _ => Request::Submit(order(sequence, side, limit, TimeInForce::Gtc)),
    };
    venue.receive(request, now, out).unwrap();
}

#[test]
fn a_venue_that_is_opened_again_still_has_all_that_it_ever_said() {
    let folder = tempfile::tempdir().unwrap();
    let (steady, closed) = (folder.path().join("steady.log"), folder.path().join("closed.log"));
    let (mut twin, _) = open(&steady);
    let (mut venue, _) = open(&closed);
    let (mut dice, mut chance) = (SplitMix64::new(3), SplitMix64::new(4));
    let (mut said, mut twin_said, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let (mut restarts, mut last) = (0, 600_000);
    for sequence in 0.. {
        // The market is told to somebody only where the venue has remembered that.
        let Some(event) = twin.publish(&mut twin_said).unwrap() else { break };
        assert_eq!(venue.publish(&mut said).unwrap().as_ref(), Some(&event));
        if let MarketData::Trade(trade) = &event.data
            && event.instrument.0 == 0
        {
            last = trade.price.0;
        }
        if chance.next_u64().is_multiple_of(4) {
            let mut same = dice.clone();
            act(&mut dice, sequence, &mut twin, last, &mut twin_said);
            act(&mut same, sequence, &mut venue, last, &mut said);
        }
        assert_eq!(said, twin_said);
        told.append(&mut said);
        twin_said.clear();
        if chance.next_u64().is_multiple_of(97) {
            venue.remember().unwrap();
            drop(venue);
            restarts += 1;
            // Half a write more than there was.
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().append(true).open(&closed).unwrap();
            file.write_all(&[9, 0, 0, 0, 1]).unwrap();
            let (again, cut) = open(&closed);
            assert_eq!(cut, 5);
            assert_eq!(memory(&again), memory(&twin));
            assert_eq!((again.now(), again.position()), (twin.now(), twin.position()));
            venue = again;
        }
    }
    let fills = told.iter().filter(|report| matches!(report.kind, ReportKind::Filled(_))).count();
    assert!(restarts > 20 && fills > 100, "{restarts} restarts, {fills} fills");
    assert_eq!(memory(&venue), memory(&twin));
    assert!(twin.account().duplicates() > 10);
}

#[test]
fn what_was_said_is_in_the_log_before_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venue.log");
    let (mut venue, _) = open(&path);
    let mut out = Vec::new();
    for _ in 0..100 {
        venue.publish(&mut out).unwrap();
    }
    let until = TimeInForce::Gtd(venue.now().plus(sandpit_core::time::Nanos(5)));
    let far = order(1, Side::Buy, OrderKind::Limit(Price(1_000)), until);
    venue.receive(Request::Submit(far), venue.now(), &mut out).unwrap();
    let near = order(2, Side::Buy, OrderKind::Limit(Price(599_000)), TimeInForce::Gtc);
    venue.receive(Request::Submit(near), venue.now(), &mut out).unwrap();
    // Nobody was told of what happened since: it may be forgotten.
    out.clear();
    let at = venue.now();
    venue.expire(at.plus(sandpit_core::time::Nanos(5)), &mut out).unwrap();
    assert!(matches!(out[..], [Report { kind: ReportKind::Expired, .. }]), "{out:?}");
    drop(venue);
    let (mut venue, _) = open(&path);
    let asked = QueryOrder { order: name(1), instrument: InstrumentId(0) };
    let answer = venue.query(asked, UnixNanos(0), &mut Vec::new()).unwrap();
    let state = answer.found.map(|order| order.state);
    assert_eq!(state, Some(sandpit_core::engine::VenueOrderState::Expired));
}

#[test]
fn somebody_else_s_trades_are_in_the_books_and_in_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venue.log");
    let (mut venue, _) = open(&path);
    let mut out = Vec::new();
    for _ in 0..200 {
        venue.publish(&mut out).unwrap();
    }
    let (btc, quantity) = (InstrumentId(0), Quantity(30));
    venue.trade_externally(btc, Side::Sell, quantity, None).unwrap();
    venue.trade_externally(btc, Side::Buy, quantity, Some(Price(1_000))).unwrap();
    for _ in 0..200 {
        venue.publish(&mut out).unwrap();
    }
    assert_eq!(out, []);
    let since = Reconcile { since: UnixNanos(0) };
    let snapshot = venue.snapshot(since, venue.now(), &mut out).unwrap();
    assert_eq!(snapshot.positions, [(btc, Quantity(-30))]);
    assert!(snapshot.open.is_empty() && snapshot.external_orders.len() == 1, "{snapshot:?}");
    let traded: i64 = snapshot.fills.iter().map(|fill| fill.fill.quantity.0).sum();
    assert!(traded == 30 && snapshot.fills.iter().all(|fill| fill.order.is_none()));
    drop(venue);
    let (mut venue, _) = open(&path);
    assert_eq!(venue.snapshot(since, UnixNanos(0), &mut out).unwrap(), snapshot);
    let third = venue.trade_externally(btc, Side::Buy, quantity, None).unwrap();
    assert_eq!(third.sequence, 3, "names go on");
}

#[test]
fn a_market_that_is_shorter_than_its_log_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("venue.log");
    let (mut venue, _) = open(&path);
    while venue.publish(&mut Vec::new()).unwrap().is_some() {}
    venue.remember().unwrap();
    drop(venue);
    let short = PaperVenue::open(&path, &spec(), market(30), &mut |_| {});
    assert!(matches!(short, Err(VenueError::MarketTooShort { .. })));
}

#[test]
fn the_oldest_closed_orders_and_fills_are_forgotten_and_open_ones_never() {
    let keep = Keep { closed_orders_max: 2, fills_max: 2 };
    let mut books = Books::new(&synthetic::instruments().unwrap(), keep);
    for sequence in 1..=5 {
        let order = order(sequence, Side::Buy, OrderKind::Market, TimeInForce::Gtc);
        assert!(books.submitted(&order));
        let fill = Fill {
            trade_id: sandpit_core::ids::TradeId(sequence),
            price: Price(600_000),
            quantity: order.quantity,
            fee: Money::ZERO,
            maker: false,
        };
        // The first one stays open.
        if sequence > 1 {
            let time = UnixNanos(sequence);
            books.report(&Report { order: order.id, time, kind: ReportKind::Filled(fill) });
        }
    }
    let known: Vec<_> = books.all().map(|booked| booked.order.id.sequence).collect();
    assert_eq!(known, [1, 4, 5]);
    let fills: Vec<_> = books.fills_since(UnixNanos(5)).iter().map(|f| f.time.0).collect();
    assert_eq!((fills, books.all_fills().count()), (vec![5], 2));
    assert_eq!(books.positions(), [(InstrumentId(0), Quantity(400))], "the sum stays");
}
