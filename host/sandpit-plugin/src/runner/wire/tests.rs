//! Frames there and back, and frames that somebody bent on the way. All chance comes from a seed.

#![expect(clippy::cast_possible_truncation, reason = "chance is cut to what is needed")]

use std::time::Duration;

use sandpit_core::{
    ids::{InstrumentId, OrderTag, TimerId, TradeId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::{Bar, DataKind, MarketData, MarketEvent, Quote, Side, Trade},
    num::{Decimal, Money, Price, Quantity},
    order::{Fill, OrderKind, TrailingOffset},
    plugin::{
        BudgetView, DepthView, Fault, FaultCode, OpenOrderView, OrderUpdate, OrderUpdateKind,
        PluginEvent, PositionView, TradingState,
    },
    risk::DenialCode,
    time::{Nanos, UnixNanos},
};

use super::*;
use crate::{
    describe::{Argument, Description, Parameter, ParameterKind, Value, WarmUp},
    engine::EngineSettings,
    limits::Limits,
    log::LogLevel,
    port::Usage,
    session::{Mode, SavedState, Session, StopReason},
};

/// Frames of each test: a second or two.
const FRAMES: u32 = 60_000;

/// Chance from a seed.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.bits() >> 11) % end
    }

    fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn i64(&mut self) -> i64 {
        let value = self.bits().cast_signed();
        [0, 1, -1, i64::MIN, i64::MAX, value, value >> 40][self.index(7)]
    }

    fn text(&mut self) -> String {
        ["", "x", "größer", "\u{1f600}\u{1f600}", "a b-c"][self.index(5)].to_owned()
    }

    fn decimal(&mut self) -> Decimal {
        Decimal::new(self.i64(), self.below(19) as u8)
    }

    fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.coin().then(|| make(self))
    }

    fn side(&mut self) -> Side {
        if self.coin() { Side::Buy } else { Side::Sell }
    }

    fn place(&mut self) -> Place {
        Place {
            tag: OrderTag(self.bits()),
            instrument: self.bits() as u32,
            side: self.side(),
            quantity: self.decimal(),
            kind: match self.below(7) {
                0 => PlaceKind::Market,
                1 => PlaceKind::Limit(self.decimal()),
                2 => PlaceKind::Stop(self.decimal()),
                3 => PlaceKind::StopLimit { trigger: self.decimal(), limit: self.decimal() },
                4 => PlaceKind::TakeProfit(self.decimal()),
                5 => PlaceKind::TrailingStop(WishedOffset::Price(self.decimal())),
                _ => PlaceKind::TrailingStop(WishedOffset::BasisPoints(self.bits() as u32)),
            },
            time_in_force: match self.below(4) {
                0 => TimeInForce::Gtc,
                1 => TimeInForce::Ioc,
                2 => TimeInForce::Fok,
                _ => TimeInForce::Gtd(UnixNanos(self.bits())),
            },
            post_only: self.coin(),
            reduce_only: self.coin(),
        }
    }

    fn intent(&mut self) -> Intent {
        let tag = OrderTag(self.bits());
        match self.below(8) {
            0 => Intent::Place(self.place()),
            1 => {
                let (quantity, price) = (self.some(Self::decimal), self.some(Self::decimal));
                Intent::Amend(Amend { tag, quantity, price })
            }
            2 => Intent::Cancel(tag),
            3 => Intent::CancelAll(self.some(|chance| chance.bits() as u32)),
            4 => Intent::TargetPosition(TargetPosition {
                tag,
                instrument: self.bits() as u32,
                quantity: self.decimal(),
                limit: self.some(Self::decimal),
            }),
            5 => Intent::Bracket(Bracket {
                entry: self.place(),
                stop_loss_tag: tag,
                stop_loss: self.decimal(),
                take_profit_tag: OrderTag(self.bits()),
                take_profit: self.decimal(),
            }),
            6 => Intent::SetTimer {
                id: TimerId(self.bits() as u32),
                at: UnixNanos(self.bits()),
                every: self.some(|chance| Nanos(chance.bits())),
            },
            _ => Intent::CancelTimer(TimerId(self.bits() as u32)),
        }
    }

    fn money(&mut self) -> Money {
        Money(i128::from(self.i64()) * i128::from(self.i64()))
    }

    fn levels(&mut self) -> Vec<(Price, Quantity)> {
        (0..self.below(51)).map(|_| (Price(self.i64()), Quantity(self.i64()))).collect()
    }

    fn order_kind(&mut self) -> OrderUpdateKind {
        let code = DenialCode::ALL[self.index(DenialCode::ALL.len())];
        match self.below(11) {
            0 => OrderUpdateKind::Accepted,
            1 => OrderUpdateKind::Denied(code),
            2 => OrderUpdateKind::Rejected(self.text()),
            3 => OrderUpdateKind::Triggered,
            4 => OrderUpdateKind::Amended,
            5 => OrderUpdateKind::ChangeDenied(code),
            6 => OrderUpdateKind::ChangeRejected(self.text()),
            7 => OrderUpdateKind::Filled(Fill {
                trade_id: TradeId(self.bits()),
                price: Price(self.i64()),
                quantity: Quantity(self.i64()),
                fee: self.money(),
                maker: self.coin(),
            }),
            8 => OrderUpdateKind::Canceled,
            9 => OrderUpdateKind::Expired,
            _ => OrderUpdateKind::Unknown,
        }
    }

    fn state(&mut self) -> TradingState {
        [TradingState::Active, TradingState::Reducing, TradingState::Halted][self.index(3)]
    }

    fn position(&mut self) -> PositionView {
        PositionView {
            instrument: InstrumentId(self.bits() as u16),
            time: UnixNanos(self.bits()),
            quantity: Quantity(self.i64()),
            cost: self.money(),
            realized_pnl: self.money(),
        }
    }

    fn budget(&mut self) -> BudgetView {
        let time = UnixNanos(self.bits());
        BudgetView { time, balance: self.money(), equity: self.money(), fees: self.money() }
    }

    fn event(&mut self) -> PluginEvent {
        let (instrument, time) = (InstrumentId(self.bits() as u16), UnixNanos(self.bits()));
        match self.below(9) {
            0..=2 => {
                let data = match self.below(3) {
                    0 => MarketData::Trade(Trade {
                        price: Price(self.i64()),
                        quantity: Quantity(self.i64()),
                        aggressor: self.some(Self::side),
                        id: self.bits(),
                    }),
                    1 => MarketData::Quote(Quote {
                        bid_price: Price(self.i64()),
                        bid_quantity: Quantity(self.i64()),
                        ask_price: Price(self.i64()),
                        ask_quantity: Quantity(self.i64()),
                    }),
                    _ => MarketData::Bar(Bar {
                        interval: Nanos(self.bits()),
                        open: Price(self.i64()),
                        high: Price(self.i64()),
                        low: Price(self.i64()),
                        close: Price(self.i64()),
                        volume: Quantity(self.i64()),
                    }),
                };
                let venue_time = UnixNanos(self.bits());
                let event = MarketEvent { instrument, time, venue_time, data };
                PluginEvent::Market { event, history: self.coin() }
            }
            3 => PluginEvent::Depth(Box::new(DepthView {
                instrument,
                time,
                bids: self.levels(),
                asks: self.levels(),
            })),
            4 => PluginEvent::Order(OrderUpdate {
                time,
                tag: OrderTag(self.bits()),
                instrument,
                side: self.side(),
                kind: self.order_kind(),
                quantity: Quantity(self.i64()),
                filled: Quantity(self.i64()),
                closed: self.coin(),
            }),
            5 => PluginEvent::Position(self.position()),
            6 => PluginEvent::Budget(self.budget()),
            7 => PluginEvent::Timer { id: TimerId(self.bits() as u32), time },
            _ => PluginEvent::TradingState { state: self.state(), time },
        }
    }

    fn open_order(&mut self) -> OpenOrderView {
        let price = Price(self.i64());
        OpenOrderView {
            tag: OrderTag(self.bits()),
            instrument: InstrumentId(self.bits() as u16),
            side: self.side(),
            kind: match self.below(7) {
                0 => OrderKind::Market,
                1 => OrderKind::Limit(price),
                2 => OrderKind::Stop(price),
                3 => OrderKind::StopLimit { trigger: price, limit: Price(self.i64()) },
                4 => OrderKind::TakeProfit(price),
                5 => OrderKind::TrailingStop(TrailingOffset::Price(price)),
                _ => OrderKind::TrailingStop(TrailingOffset::BasisPoints(self.bits() as u16)),
            },
            quantity: Quantity(self.i64()),
            filled: Quantity(self.i64()),
            reduce_only: self.coin(),
        }
    }

    fn argument(&mut self) -> Argument {
        let value = match self.below(4) {
            0 => Value::Boolean(self.coin()),
            1 => Value::Integer(self.i64()),
            2 => Value::Decimal(self.decimal()),
            _ => Value::Text(self.text()),
        };
        Argument { name: self.text(), value }
    }

    fn session(&mut self) -> Session<'static> {
        Session {
            mode: [Mode::Backtest, Mode::Paper, Mode::Testnet, Mode::Live][self.index(4)],
            time: UnixNanos(self.bits()),
            seed: self.bits(),
            instruments: Vec::new(),
            arguments: (0..self.below(4)).map(|_| self.argument()).collect(),
            positions: (0..self.below(4)).map(|_| self.position()).collect(),
            orders: (0..self.below(4)).map(|_| self.open_order()).collect(),
            currency: self.text(),
            budget: self.budget(),
            trading_state: self.state(),
            restored: self.some(|chance| SavedState {
                version: chance.text(),
                schema: chance.bits() as u32,
                data: (0..chance.below(40)).map(|_| chance.bits() as u8).collect(),
            }),
        }
    }

    pub(super) fn request(&mut self) -> Request<'static> {
        match self.below(8) {
            0 => Request::Setup(Setup {
                name: self.text(),
                memory_bytes_max: self.bits(),
                core_bytes_max: self.bits(),
                spin: Duration::from_nanos(self.bits()),
            }),
            1 => Request::Load(Load {
                name: "größer",
                limits: Limits { fuel_per_call_max: self.bits(), ..Limits::default() },
                settings: EngineSettings { debug_lines: self.coin(), core_dumps: self.coin() },
                component: [7; 32],
                code: b"code",
            }),
            2 => Request::Start(Box::new(requests::Start {
                instruments: vec![(InstrumentId(3), instrument())],
                session: self.session(),
            })),
            3 => Request::Call(self.event()),
            4 => Request::Parameters {
                time: UnixNanos(self.bits()),
                arguments: (0..self.below(5)).map(|_| self.argument()).collect(),
            },
            5 => Request::Save,
            6 => Request::Dump,
            _ => Request::Stop(
                [StopReason::Finished, StopReason::Operator, StopReason::Swapped][self.index(3)],
            ),
        }
    }

    pub(super) fn answer(&mut self) -> (Answer, Vec<Intent>) {
        let answer = match self.below(7) {
            0 => Answer::Hello(vec![
                Wall::standing(WallName::Seccomp),
                Wall::missing(WallName::Landlock, "none"),
            ]),
            1 => Answer::Described(
                vec![Wall::standing(WallName::SealedCode)],
                Box::new(description()),
            ),
            2 => Answer::Refused { reason: self.text() },
            3 => Answer::Saved((0..self.below(60)).map(|_| self.bits() as u8).collect()),
            4 => Answer::Fault {
                fault: Fault { code: FaultCode::Trap, detail: self.text() },
                dump_bytes: self.index(1_000),
            },
            5 => Answer::Dumped((0..self.below(60)).map(|_| self.bits() as u8).collect()),
            _ => {
                let intents = (0..self.below(9)).map(|_| self.intent()).collect();
                return (Answer::Done { fuel: self.below(1_000) }, intents);
            }
        };
        (answer, Vec::new())
    }
}

fn instrument() -> sandpit_core::instrument::Instrument {
    use sandpit_core::{
        instrument::{Instrument, InstrumentKind, InstrumentSpec},
        num::Rate,
    };
    Instrument::new(InstrumentSpec {
        symbol: "XBTUSD".to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Perpetual,
        base: "XBT".to_owned(),
        quote: "USD".to_owned(),
        price_tick: Decimal::new(5, 1),
        quantity_step: Decimal::new(1, 0),
        min_quantity: Decimal::new(1, 0),
        max_quantity: Decimal::new(1_000_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(-1),
        taker_fee: Rate(500_000_000),
    })
    .unwrap()
}

/// With every kind of parameter, and texts that escaping made longer than a guest may write them.
fn description() -> Description {
    let parameter = |name: &str, kind| Parameter {
        name: name.to_owned(),
        summary: "\\u{1b}".repeat(250),
        kind,
    };
    let decimal = |mantissa| Decimal::new(mantissa, 2);
    Description {
        name: "ema-cross".to_owned(),
        version: "1.2.3".to_owned(),
        summary: format!("{}\nloses", "\\u{1b}".repeat(1_000)),
        parameters: vec![
            parameter("a", ParameterKind::Boolean { default: true }),
            parameter("b", ParameterKind::Integer { default: 2, min: 1, max: 3 }),
            parameter(
                "c",
                ParameterKind::Decimal { default: decimal(2), min: decimal(1), max: decimal(3) },
            ),
            parameter(
                "d",
                ParameterKind::Choice {
                    default: "x".into(),
                    options: vec!["x".into(), "y".into()],
                },
            ),
            parameter("e", ParameterKind::Text { default: "t".into(), bytes_max: 9 }),
        ],
        subscriptions: vec![DataKind::Trades, DataKind::Bars(Nanos::SECOND), DataKind::Depth(5)],
        warm_up: vec![WarmUp { kind: DataKind::Quotes, count: 10 }],
        state_schema: 7,
    }
}

/// Bounds that let everything through that [`Chance::answer`] makes.
fn generous() -> Bounds {
    let limits = Limits { fuel_per_call_max: 1_000, ..Limits::default() };
    Bounds::widest(&limits)
}

fn head(frame: &[u8], limit: usize) -> Result<Header, WireError> {
    Header::read(frame.first_chunk().ok_or(WireError::Truncated)?, limit)
}

#[test]
fn requests_come_through_whole() {
    let mut chance = Chance(88_172_645_463_325_252);
    let mut out = Writer::default();
    for number in 0..FRAMES / 4 {
        let request = chance.request();
        request.put(&mut out, number).unwrap();
        let head = head(out.bytes(), REQUEST_BYTES_MAX).unwrap();
        assert_eq!((head.sequence, head.length), (number, out.bytes().len() - HEADER_BYTES));
        let read = read_request(head, &out.bytes()[HEADER_BYTES..]).unwrap();
        assert_eq!(format!("{read:?}"), format!("{request:?}"));
    }
}

#[test]
fn answers_come_through_whole() {
    let mut chance = Chance(7_664_345_821_815_920_749);
    let (mut out, bounds) = (Writer::default(), generous());
    for number in 0..FRAMES / 4 {
        let (answer, intents) = chance.answer();
        let lines = (0..chance.below(4)).map(|_| (LogLevel::Warn, "größer")).collect();
        let extras = match answer {
            Answer::Hello(_) => Extras::default(),
            _ => {
                let usage = Usage {
                    memory_bytes: 1_000,
                    lines_cut: chance.bits(),
                    lines_dropped: chance.bits(),
                    ..Usage::default()
                };
                Extras { usage, lines }
            }
        };
        put_answer(&mut out, number, &answer, &intents, &extras).unwrap();
        let head = head(out.bytes(), bounds.frame_bytes_max).unwrap();
        let mut read = Vec::new();
        let body = &out.bytes()[HEADER_BYTES..];
        let (again, also) = read_answer(head, body, &bounds, &mut read).unwrap();
        assert_eq!(again, answer);
        assert_eq!(also, extras);
        // By form, not by value: 1.0 must not come back as 1.
        assert_eq!(format!("{read:?}"), format!("{intents:?}"));
    }
}

/// Whatever comes, the answer is an answer or an error, `intents` stays within its bound, and
/// nothing is kept of what was refused.
#[test]
fn bent_answers_are_errors_and_nothing_else() {
    let mut chance = Chance(1_442_695_040_888_963_407);
    let mut out = Writer::default();
    let limits = Limits { fuel_per_call_max: 1_000, ..Limits::default() };
    let bounds = Bounds::of_call(&limits, false);
    let (mut taken, mut refused) = (0u32, 0u32);
    for number in 0..FRAMES {
        let (answer, intents) = chance.answer();
        let extras = Extras { lines: vec![(LogLevel::Info, "line"); 3], ..Extras::default() };
        put_answer(&mut out, number, &answer, &intents, &extras).unwrap();
        let mut frame = out.bytes().to_vec();
        bend(&mut chance, &mut frame);
        let kept = vec![Intent::CancelTimer(TimerId(1))];
        let mut read = kept.clone();
        let Ok(head) = head(&frame, bounds.frame_bytes_max) else {
            refused += 1;
            continue;
        };
        assert!(head.length <= bounds.frame_bytes_max);
        let body = frame.get(HEADER_BYTES..).unwrap_or_default();
        let body = &body[..head.length.min(body.len())];
        match read_answer(head, body, &bounds, &mut read) {
            Ok((_, extras)) => {
                assert!(read.len() <= kept.len() + limits.intents_per_call_max);
                assert!(extras.lines.iter().all(|(_, text)| text.len() <= 1_024));
                taken += 1;
            }
            Err(_) => {
                assert_eq!(read, kept);
                refused += 1;
            }
        }
    }
    // Both happen, or this bends too much or too little.
    assert!(taken > FRAMES / 50 && refused > FRAMES / 50, "{taken} taken, {refused} refused");
}

#[test]
fn noise_is_an_error_and_nothing_else() {
    let mut chance = Chance(3_202_034_522_624_059_733);
    let bounds = Bounds::of_load(&Limits::default());
    for _ in 0..FRAMES {
        let body: Vec<u8> =
            (0..chance.below(200)).map(|_| chance.bits() as u8 >> chance.below(8)).collect();
        let kind = Kind::ALL[chance.index(Kind::ALL.len())];
        let head = Header { length: body.len(), sequence: 0, kind };
        let mut intents = Vec::new();
        if read_answer(head, &body, &bounds, &mut intents).is_err() {
            assert!(intents.is_empty());
        }
        // A runner reads with the same care.
        let _ = read_request(head, &body);
    }
}

/// Flips, cuts, repeats and overwrites a few bytes.
fn bend(chance: &mut Chance, frame: &mut Vec<u8>) {
    for _ in 0..chance.below(4) {
        if frame.is_empty() {
            return;
        }
        let at = chance.index(frame.len());
        match chance.below(6) {
            0 => frame[at] ^= 1 << chance.below(8),
            1 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][chance.index(5)],
            2 => frame.truncate(at),
            3 => frame.insert(at, chance.bits() as u8),
            4 => {
                let end = (at + 4).min(frame.len());
                frame[at..end].fill(0xff);
            }
            _ => {
                let again = frame[at..].to_vec();
                frame.extend(again);
            }
        }
    }
}
