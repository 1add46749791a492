//! Whatever the market and the orders are: nothing is offered twice, no order gets more than it
//! asked for or a worse price than its limit, and every order ends once or is open.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, PluginId, TradeId},
    intent::TimeInForce,
    market::{MarketData, MarketEvent, Side},
    matching::{BarPath, Beyond, Exchange, FillModel, QueueModel, Split, Touch, TriggerSource},
    num::{Price, Quantity},
    order::{Fill, Order, Report, ReportKind},
    time::UnixNanos,
};

use crate::{
    dice::{Dice, Market},
    script::instrument,
};

const INSTRUMENT: InstrumentId = InstrumentId(0);

/// What the venue has said so far, checked as it says it.
#[derive(Default)]
struct Ledger {
    open: BTreeMap<ClientOrderId, (Order, i64)>,
    over: BTreeSet<ClientOrderId>,
    trades: BTreeSet<TradeId>,
    held: BTreeMap<PluginId, i64>,
    fills: u64,
}

impl Ledger {
    fn hear(&mut self, report: &Report) {
        let id = report.order;
        let known = self.open.contains_key(&id);
        match &report.kind {
            ReportKind::Rejected(_) => {
                let (_, filled) = self.open.remove(&id).expect("it was sent");
                assert_eq!(filled, 0, "what is rejected did not trade");
            }
            ReportKind::Canceled | ReportKind::Expired => {
                assert!(known, "an order ends once");
                self.open.remove(&id);
                self.over.insert(id);
            }
            ReportKind::Filled(fill) => self.fill(id, fill),
            ReportKind::Amended { quantity, kind } => {
                let (order, filled) = self.open.get_mut(&id).expect("it was open");
                assert!(quantity.0 > *filled);
                (order.quantity, order.kind) = (*quantity, *kind);
            }
            ReportKind::Accepted(_) | ReportKind::Triggered => assert!(known),
            ReportKind::AmendRejected(_) | ReportKind::CancelRejected(_) => {}
            ReportKind::Lost => panic!("nothing is lost in a simulation"),
        }
    }

    fn fill(&mut self, id: ClientOrderId, fill: &Fill) {
        self.fills += 1;
        assert!(self.trades.insert(fill.trade_id), "a trade has one number");
        let (order, filled) = self.open.get_mut(&id).expect("only open orders trade");
        assert!(fill.quantity > Quantity::ZERO);
        *filled += fill.quantity.0;
        assert!(*filled <= order.quantity.0, "no more than asked: {order:?}");
        if let Some(limit) = order.kind.limit() {
            let worse = match order.side {
                Side::Buy => fill.price > limit,
                Side::Sell => fill.price < limit,
            };
            assert!(!worse, "no worse than the limit: {order:?} {fill:?}");
        }
        assert!(fill.maker || !order.post_only, "post-only never takes");
        let held = self.held.entry(id.plugin).or_default();
        let before = *held;
        *held += order.side.signed(fill.quantity).0;
        if order.reduce_only {
            assert!(held.abs() < before.abs(), "reduce-only shrinks");
            assert!(*held == 0 || (*held > 0) == (before > 0), "and never flips");
        }
        if *filled == order.quantity.0 {
            self.open.remove(&id);
            self.over.insert(id);
        }
    }
}

/// What is left of what the market offered.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    /// Of the last print or bar: to either side.
    print: i64,
    /// Of what is shown: to buyers and to sellers.
    shown: [i64; 2],
    /// The sides as they were last shown.
    sides: [(Price, Quantity); 2],
}

struct Run {
    market: Market,
    beyond: bool,
    venue: Exchange,
    ledger: Ledger,
    offered: Offered,
    now: u64,
    sent: Vec<ClientOrderId>,
}

impl Run {
    fn new(market: Market, model: FillModel) -> Self {
        Self {
            market,
            beyond: model.beyond != Beyond::Nothing,
            venue: Exchange::new(&[instrument()], model),
            ledger: Ledger::default(),
            offered: Offered::default(),
            now: 0,
            sent: Vec::new(),
        }
    }

    fn play(market: Market, model: FillModel, numbers: Vec<u16>) -> Self {
        let (mut run, mut dice) = (Self::new(market, model), Dice::new(numbers));
        // Where something is shown it is shown from the start, so that prints are for makers.
        match market {
            Market::Quotes => run.tell(MarketData::Quote(dice.quote(market))),
            Market::Book => run.tell(MarketData::Depth(Box::new(dice.depth(market)))),
            Market::Trades | Market::Bars | Market::Hostile => {}
        }
        while dice.are_left() {
            run.step(&mut dice);
        }
        run
    }

    fn step(&mut self, dice: &mut Dice) {
        self.now += 1;
        let (now, mut reports) = (UnixNanos(self.now), Vec::new());
        self.venue.expire(now, &mut reports);
        self.hear(&reports, false);
        match dice.roll(9) {
            0..=3 => {
                let data = dice.market(self.market);
                self.tell(data);
            }
            4..=6 => {
                let order = dice.order(self.now, self.market);
                self.submit(&order);
            }
            7 => {
                let order = (INSTRUMENT, dice.pick(&self.sent));
                let (quantity, price) = dice.change(self.market);
                let mut reports = Vec::new();
                self.venue.amend(order, quantity, price, now, &mut reports);
                self.hear(&reports, false);
            }
            _ => {
                let mut reports = Vec::new();
                let id = dice.pick(&self.sent);
                self.venue.cancel(INSTRUMENT, id, now, &mut reports);
                self.hear(&reports, false);
            }
        }
        assert_eq!(self.ledger.open.len(), self.venue.open_orders());
    }

    fn tell(&mut self, data: MarketData) {
        let printed = matches!(data, MarketData::Trade(_) | MarketData::Bar(_));
        self.offer(&data);
        let time = UnixNanos(self.now);
        let event = MarketEvent { instrument: INSTRUMENT, time, venue_time: time, data };
        let mut reports = Vec::new();
        self.venue.market(&event, &mut reports);
        self.hear(&reports, printed);
    }

    fn submit(&mut self, order: &Order) {
        let mut reports = Vec::new();
        self.sent.push(order.id);
        self.ledger.open.insert(order.id, (order.clone(), 0));
        self.venue.submit(order.clone(), UnixNanos(self.now), &mut reports);
        self.hear(&reports, false);
        let immediate = matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        if immediate && !order.kind.is_conditional() {
            assert!(!self.ledger.open.contains_key(&order.id), "{order:?} stays");
        }
        let filled: i64 = reports.iter().filter_map(filled).sum();
        if order.time_in_force == TimeInForce::Fok {
            let whole = filled == 0 || filled == order.quantity.0;
            assert!(whole, "all or nothing: {order:?} got {filled}");
        }
    }

    fn offer(&mut self, data: &MarketData) {
        let sum = |levels: &[(Price, Quantity)]| -> i64 {
            levels.iter().fold(0, |sum, (_, shown)| sum.saturating_add(shown.0))
        };
        let offered = &mut self.offered;
        match data {
            MarketData::Trade(trade) => offered.print = trade.quantity.0,
            MarketData::Bar(bar) => offered.print = bar.volume.0,
            MarketData::Quote(quote) => {
                let asks = (quote.ask_price, quote.ask_quantity);
                for (side, now) in
                    [asks, (quote.bid_price, quote.bid_quantity)].into_iter().enumerate()
                {
                    if offered.sides[side] != now {
                        (offered.sides[side], offered.shown[side]) = (now, now.1.0);
                    }
                }
            }
            MarketData::Depth(update) => offered.shown = [sum(&update.asks), sum(&update.bids)],
            MarketData::Mark(_) | MarketData::Funding(_) => {}
        }
    }

    fn hear(&mut self, reports: &[Report], printed: bool) {
        for report in reports {
            let open = self.ledger.open.get(&report.order);
            let side = open.map_or(Side::Buy, |(order, _)| order.side);
            self.ledger.hear(report);
            let ReportKind::Filled(fill) = &report.kind else {
                continue;
            };
            // Nobody counted what is beyond the shown; the other rules hold there as well.
            if self.market == Market::Hostile || (self.beyond && !fill.maker) {
                continue;
            }
            // What is shown serves takers, and makers whose price it comes to; prints serve makers
            // that they hit, and takers where nothing is shown.
            let shows = matches!(self.market, Market::Quotes | Market::Book);
            let source = if shows && !(printed && fill.maker) {
                &mut self.offered.shown[usize::from(side == Side::Sell)]
            } else {
                &mut self.offered.print
            };
            *source -= fill.quantity.0;
            assert!(*source >= 0, "offered twice: {report:?}");
        }
    }
}

fn filled(report: &Report) -> Option<i64> {
    match &report.kind {
        ReportKind::Filled(fill) => Some(fill.quantity.0),
        _ => None,
    }
}

fn models() -> impl Strategy<Value = FillModel> {
    let touch = prop_oneof![Just(Touch::Never), Just(Touch::Always)];
    let queue = prop_oneof![
        Just(QueueModel::Conservative),
        (1..=Split::POWER_MAX).prop_map(|n| QueueModel::Probable(Split::Power(n))),
        Just(QueueModel::Probable(Split::Log)),
    ];
    let triggers = prop_oneof![
        Just(TriggerSource::Last),
        Just(TriggerSource::Mark),
        Just(TriggerSource::Quotes)
    ];
    let bars =
        prop_oneof![Just(BarPath::NearerFirst), Just(BarPath::LowFirst), Just(BarPath::HighFirst)];
    let beyond = prop_oneof![
        3 => Just(Beyond::Nothing),
        1 => (1u16..10_000).prop_map(|basis_points| Beyond::Levels { basis_points }),
    ];
    (touch, queue, triggers, bars, beyond).prop_map(|(touch, queue, triggers, bars, beyond)| {
        FillModel { touch, queue, triggers, bars, beyond, ..FillModel::default() }
    })
}

fn numbers() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..1_500)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn with_trades(model in models(), numbers in numbers()) {
        Run::play(Market::Trades, model, numbers);
    }

    #[test]
    fn with_quotes(model in models(), numbers in numbers()) {
        Run::play(Market::Quotes, model, numbers);
    }

    #[test]
    fn with_a_book(model in models(), numbers in numbers()) {
        Run::play(Market::Book, model, numbers);
    }

    #[test]
    fn with_bars(model in models(), numbers in numbers()) {
        Run::play(Market::Bars, model, numbers);
    }

    #[test]
    fn with_anything_at_all(model in models(), numbers in numbers()) {
        Run::play(Market::Hostile, model, numbers);
    }
}

#[test]
fn the_random_runs_do_trade() {
    let mut runner = TestRunner::deterministic();
    for market in [Market::Trades, Market::Quotes, Market::Book, Market::Bars, Market::Hostile] {
        let (mut fills, mut over) = (0, 0);
        for _ in 0..20 {
            let numbers = numbers().new_tree(&mut runner).unwrap().current();
            let run = Run::play(market, FillModel::default(), numbers);
            fills += run.ledger.fills;
            over += run.ledger.over.len();
        }
        assert!(
            fills > 100 && over > 100,
            "{market:?}: only {fills} fills and {over} ends, so the rules would hold of nothing"
        );
    }
}
