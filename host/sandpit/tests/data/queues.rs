//! A maker on the recorded books, under each queue model: the books are never lost, nothing fills
//! but what traded or was offered, and the conservative queue gives least.

use std::collections::BTreeMap;

use sandpit_core::{
    account::Account,
    engine::{Alert, EngineConfig, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, OrderTag, PluginId, RunId},
    instrument::Instrument,
    intent::{Intent, Place, PlaceKind, TimeInForce},
    market::{Book, DataKind, MarketData, MarketEvent, Side},
    matching::{FillModel, QueueModel, Split},
    num::{Money, Price, Quantity},
    order::{Fill, Order},
    plugin::{CallCost, DepthView, Fault, PluginEvent, PluginPort, Subscriptions},
    risk::{Limits, OffTick, RiskRules},
    simulation::{Observer, Simulation, SimulationConfig},
    time::{Nanos, UnixNanos},
};

use crate::recorded::{Imported, imported, recorded};

/// Changes of the book from one pair of orders to the next.
const PERIOD: u64 = 100;
/// Changes of the book that a pair is left to wait.
const PATIENCE: u64 = 90;

/// Joins the best bid and the best ask now and then and leaves again, whatever has filled: so its
/// orders are the same under every model.
struct Clockwork {
    rules: Instrument,
    changes: u64,
}

impl Clockwork {
    fn place(&self, side: Side, price: Price) -> Intent {
        // A hundred smallest orders.
        let quantity = Quantity(100 * self.rules.quantity_step().0);
        Intent::Place(Place {
            tag: self.tag(side),
            instrument: 0,
            side,
            quantity: self.rules.quantity_decimal(quantity),
            kind: PlaceKind::Limit(self.rules.price_decimal(price)),
            time_in_force: TimeInForce::Gtc,
            post_only: true,
            reduce_only: false,
        })
    }

    fn tag(&self, side: Side) -> OrderTag {
        OrderTag(2 * (self.changes / PERIOD) + u64::from(side == Side::Sell))
    }

    fn depth(&mut self, view: &DepthView, intents: &mut Vec<Intent>) {
        match (self.changes % PERIOD, view.bids.first(), view.asks.first()) {
            (0, Some((bid, _)), Some((ask, _))) => {
                intents.push(self.place(Side::Buy, *bid));
                intents.push(self.place(Side::Sell, *ask));
            }
            (PATIENCE, ..) => {
                intents.push(Intent::Cancel(self.tag(Side::Buy)));
                intents.push(Intent::Cancel(self.tag(Side::Sell)));
            }
            _ => {}
        }
        self.changes += 1;
    }
}

impl PluginPort for Clockwork {
    fn call(
        &mut self,
        _: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        if let PluginEvent::Depth(view) = event {
            self.depth(view, intents);
        }
        Ok(CallCost::default())
    }
}

/// What filled, by tag, and in the last step.
#[derive(Default)]
struct Fills {
    orders: u64,
    by_tag: BTreeMap<u64, i64>,
    step: Vec<(Side, Fill)>,
}

impl Observer for Fills {
    fn submitted(&mut self, _: &Order, _: UnixNanos) {
        self.orders += 1;
    }

    fn filled(&mut self, order: &Order, fill: &Fill, _: UnixNanos, _: &Account) {
        assert!(fill.maker, "it only makes: {order:?}");
        *self.by_tag.entry(order.tag.0).or_default() += fill.quantity.0;
        self.step.push((order.side, *fill));
    }

    fn alert(&mut self, alert: &Alert, time: UnixNanos) {
        panic!("the book is followed from its snapshot on, at {time}: {alert:?}");
    }
}

fn simulation(rules: &Instrument, queue: QueueModel) -> Simulation {
    let plugin = PluginConfig {
        budget: Money(10i128.pow(27)),
        instruments: vec![InstrumentId(0)],
        subscriptions: Subscriptions { kinds: vec![DataKind::Depth(1)] },
        limits: Limits::unlimited(),
    };
    Simulation::new(SimulationConfig {
        engine: EngineConfig {
            run: RunId(1),
            instruments: vec![rules.clone()],
            plugins: vec![plugin],
            account_limits: Limits::unlimited(),
            risk: RiskRules::default(),
            off_tick: OffTick::Deny,
            venue: VenueCapabilities::ALL,
            recovery: None,
        },
        fill_model: FillModel { queue, ..FillModel::default() },
        order_latency: Nanos(0),
        report_latency: Nanos(0),
    })
}

/// How much of `event` and of the book could have filled an order of `side` at `price`.
fn fillable(event: &MarketEvent, book: &Book, side: Side, price: Price) -> i64 {
    let reaches = |at: Price| match side {
        Side::Buy => at <= price,
        Side::Sell => at >= price,
    };
    match &event.data {
        MarketData::Trade(trade) if reaches(trade.price) => trade.quantity.0,
        MarketData::Trade(_) => 0,
        _ if side == Side::Buy => {
            book.asks().take_while(|(at, _)| reaches(*at)).map(|(_, shown)| shown.0).sum()
        }
        _ => book.bids().take_while(|(at, _)| reaches(*at)).map(|(_, shown)| shown.0).sum(),
    }
}

fn play(it: &Imported, queue: QueueModel) -> Fills {
    let mut reader = it.reader();
    let rules = reader.header().instruments[0].clone();
    let mut simulation = simulation(&rules, queue);
    let mut maker = Clockwork { rules, changes: 0 };
    let (mut fills, mut book) = (Fills::default(), Book::default());
    let mut filled = 0;
    for event in &mut reader {
        let event = event.unwrap();
        if let MarketData::Depth(update) = &event.data {
            book.apply(update).unwrap();
        }
        simulation.step(event.clone(), &mut maker, &mut fills).unwrap();
        for side in [Side::Buy, Side::Sell] {
            let own: Vec<_> = fills.step.iter().filter(|(of, _)| *of == side).collect();
            let sum: i64 = own.iter().map(|(_, fill)| fill.quantity.0).sum();
            if let Some((_, fill)) = own.first() {
                let most = fillable(&event, &book, side, fill.price);
                assert!(sum <= most, "{sum} of {most}: {event:?} {fill:?}");
            }
            filled += sum;
        }
        fills.step.clear();
    }
    assert_eq!(fills.by_tag.values().sum::<i64>(), filled);
    let held = simulation.engine().account().net_quantity(InstrumentId(0));
    assert_eq!(simulation.exchange().position(PluginId(0), InstrumentId(0)), held);
    fills
}

#[test]
fn a_maker_on_recorded_books() {
    // The spot capture goes on through midnight, on the book of the first day.
    for (name, next) in [
        ("binance-spot-btcusdt-20240808.gz", Some("binance-spot-btcusdt-20240809.gz")),
        ("binance-usdm-btcusdt-20240808.gz", None),
    ] {
        let next = next.and_then(|next| recorded(&format!("streams/{next}")));
        let Some(it) = imported(&format!("streams/{name}"), |options| options.inputs.extend(next))
        else {
            continue;
        };
        let conservative = play(&it, QueueModel::Conservative);
        assert!(conservative.orders > 20, "{name}: {}", conservative.orders);
        for split in [Split::Power(1), Split::Power(3), Split::Log] {
            let probable = play(&it, QueueModel::Probable(split));
            assert_eq!(probable.orders, conservative.orders, "the same orders");
            for (tag, least) in &conservative.by_tag {
                let likely = probable.by_tag.get(tag).copied().unwrap_or_default();
                assert!(likely >= *least, "{name}, {split:?}, order {tag}: {likely} < {least}");
            }
            let sum = |fills: &Fills| fills.by_tag.values().sum::<i64>();
            println!(
                "  {name}: {} orders, filled {} conservative, {} {split:?}",
                probable.orders,
                sum(&conservative),
                sum(&probable),
            );
        }
        assert!(!conservative.by_tag.is_empty(), "{name}: nothing filled, so nothing was shown");
    }
}
