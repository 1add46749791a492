//! Records there and back, and what hostile ones come to.

use sandpit_core::{
    ids::{InstrumentId, OrderTag, TimerId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::Intent,
    market::{MarketData, MarketEvent, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    plugin::{BudgetView, PluginEvent, TradingState},
    time::UnixNanos,
};

use super::{Answered, CallRecord, Life, RecordedAsk, digest_of};
use crate::{
    describe::{Argument, Value},
    limits::Limits,
    session::{Mode, SavedState, Session, StopReason},
};

fn instrument() -> Instrument {
    Instrument::new(InstrumentSpec {
        symbol: "BTCUSDT".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::new(9_000, 0),
        min_notional: Decimal::new(5, 0),
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(1),
        taker_fee: Rate(2),
    })
    .unwrap()
}

fn start() -> RecordedAsk {
    let time = UnixNanos(7);
    let argument = Argument { name: "fast".to_owned(), value: Value::Integer(10) };
    let session = Session {
        mode: Mode::Paper,
        time,
        seed: 9,
        instruments: Vec::new(),
        arguments: vec![argument],
        positions: Vec::new(),
        orders: Vec::new(),
        currency: "USDT".to_owned(),
        budget: BudgetView { time, balance: Money(1), equity: Money(2), fees: Money(3) },
        trading_state: TradingState::Reducing,
        restored: Some(SavedState { version: "1.0.0".to_owned(), schema: 2, data: vec![5; 9] }),
    };
    RecordedAsk::Start {
        instruments: vec![(InstrumentId(3), instrument())],
        session: Box::new(session),
    }
}

fn trade() -> RecordedAsk {
    let data = MarketData::Trade(Trade {
        price: Price(100),
        quantity: Quantity(3),
        aggressor: None,
        id: 4,
    });
    let (instrument, time) = (InstrumentId(3), UnixNanos(8));
    let event = MarketEvent { instrument, time, venue_time: time, data };
    RecordedAsk::Event(PluginEvent::Market { event, history: true })
}

fn records() -> Vec<CallRecord> {
    let intents = [Intent::Cancel(OrderTag(1)), Intent::CancelTimer(TimerId(2))];
    let limits = Limits { fuel_per_call_max: 77, ..Limits::default().reproducible() };
    let done = Answered::Done { fuel: 6, intents: 2, digest: digest_of(&intents) };
    let idle = Answered::Done { fuel: 5, intents: 0, digest: [0; 32] };
    let saved = Answered::Saved { bytes: 9, digest: [3; 32] };
    let parameters = RecordedAsk::Parameters { arguments: Vec::new(), time: UnixNanos(9) };
    let call = |ask, answer| CallRecord::Call { life: 2, ask, answer };
    vec![
        CallRecord::Begin { life: 2, what: Life { run: 1 << 40, component: [8; 32], limits } },
        call(start(), done),
        call(trade(), idle),
        call(parameters, Answered::Refused("no".to_owned())),
        call(RecordedAsk::Save, saved),
        CallRecord::Untaken { life: 2 },
        CallRecord::Gap { life: 2 },
        call(RecordedAsk::Stop(StopReason::Swapped), Answered::Fault("trap".to_owned())),
    ]
}

#[test]
fn every_record_is_read_as_it_was_written() {
    for record in records() {
        let bytes = record.to_bytes().unwrap();
        let read = CallRecord::read(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{record:?}"));
        assert_eq!(read.to_bytes().unwrap(), bytes);
    }
}

#[test]
fn a_record_that_is_cut_or_changed_is_an_error_or_another_record_and_no_panic() {
    for record in records() {
        let bytes = record.to_bytes().unwrap();
        for length in 0..bytes.len() {
            assert!(CallRecord::read(&bytes[..length]).is_err(), "{record:?} of {length} bytes");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(read) = CallRecord::read(&changed) {
                    assert_ne!(format!("{read:?}"), format!("{record:?}"), "byte {at}");
                }
            }
        }
    }
}

#[test]
fn intents_have_a_digest_of_their_own_and_none_has_none() {
    assert_eq!(digest_of(&[]), [0; 32]);
    let (one, two) = (Intent::Cancel(OrderTag(1)), Intent::Cancel(OrderTag(2)));
    assert_ne!(digest_of(&[one.clone(), two.clone()]), digest_of(&[two, one]));
}
