//! A venue whose answers get lost, a host that ends and starts again, and every set of things that
//! a venue may lack: once the faults are over, both books are the same, nothing is in doubt, and
//! nothing works past its time. Meanwhile no id is sent twice, and where a working sell locks what
//! it sells, no more is for sale than there is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::{prelude::*, strategy::ValueTree};
use sandpit_core::{
    engine::{
        AccountFill, Effect, Engine, EngineConfig, Event, OrderStatus, Record, RecoveryConfig,
        VenueCapabilities, VenueEvent, VenueOrder, VenueOrderState, VenueSnapshot,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TimeInForce},
    market::{MarketData, MarketEvent, Side, Trade},
    matching::{Exchange, FillModel},
    num::{Decimal, Price, Quantity},
    order::{Order, OrderState, Report, ReportKind},
    risk::{BasisPoints, Limits, ProtectiveStop},
    time::{Nanos, UnixNanos},
};

use crate::random::{INSTRUMENTS, PLUGINS, config, venue};

const MS: u64 = 1_000_000;

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    /// It arrived, and its answer did not.
    AnswerLost,
    NeverArrived,
}

/// What happened in a run.
#[derive(Debug, Default)]
struct Counts {
    pairs: u64,
    renewed: u64,
    lost_pairs: u64,
    stops_alone: u64,
    restarts: u64,
    fills: u64,
    locked: u64,
    expired: u64,
}

struct World {
    config: EngineConfig,
    engine: Engine,
    journal: Vec<(UnixNanos, Record)>,
    exchange: Exchange,
    /// What the venue knows of every order that it has had.
    truth: BTreeMap<ClientOrderId, VenueOrder>,
    orders: BTreeMap<ClientOrderId, Order>,
    sent: BTreeSet<ClientOrderId>,
    inbox: VecDeque<Event>,
    now: u64,
    dice: Vec<u16>,
    at: usize,
    quiet: bool,
    /// Each plugin has one bracket at a time and never touches its exits.
    loyal: bool,
    counts: Counts,
}

impl World {
    fn new(venue: VenueCapabilities, dice: Vec<u16>) -> Self {
        let mut config = config(Nanos(0), venue).engine;
        config.recovery = Some(RecoveryConfig {
            grace: Nanos(500 * MS),
            query_every: Nanos(100 * MS),
            query_every_max: Nanos(1_000 * MS),
            reconcile_every: Nanos(3_000 * MS),
        });
        for plugin in &mut config.plugins {
            plugin.limits = Limits { open_orders_max: 8, ..Limits::unlimited() };
            if dice[0].is_multiple_of(3) {
                plugin.limits.protective_stop = Some(ProtectiveStop::Share(BasisPoints(200)));
            }
        }
        let mut exchange = Exchange::new(&config.instruments, FillModel::default());
        if venue.locks_balance {
            exchange.lock_balances();
        }
        Self {
            engine: Engine::new(config.clone()),
            exchange,
            config,
            journal: Vec::new(),
            truth: BTreeMap::new(),
            orders: BTreeMap::new(),
            sent: BTreeSet::new(),
            inbox: VecDeque::new(),
            now: 1_000 * MS,
            dice,
            at: 0,
            quiet: false,
            loyal: false,
            counts: Counts::default(),
        }
    }

    fn roll(&mut self) -> u16 {
        self.at += 1;
        self.dice[self.at % self.dice.len()].rotate_left(u32::try_from(self.at % 16).unwrap_or(0))
    }

    fn fate(&mut self) -> Fate {
        match self.roll() % 12 {
            _ if self.quiet => Fate::Done,
            0 => Fate::AnswerLost,
            1 => Fate::NeverArrived,
            _ => Fate::Done,
        }
    }

    /// Carries out what the engine asks for.
    fn step(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.engine.step(event, &mut effects);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Record(record) => self.write(record),
                Effect::Submit(order) => self.submit(order.into_inner()),
                Effect::SubmitPair { stop, profit } => {
                    self.submit_pair(stop.into_inner(), profit.into_inner());
                }
                Effect::Cancel(cancel) => {
                    let (id, instrument) = (cancel.order, cancel.instrument);
                    self.ask(&[id], |exchange, now, out| exchange.cancel(instrument, id, now, out));
                }
                Effect::CancelAll(instrument) => {
                    self.ask(&[], |exchange, now, out| exchange.cancel_all(instrument, now, out));
                }
                Effect::Amend(amend) => {
                    let change = amend.into_inner();
                    let place = (change.instrument, change.order);
                    self.ask(&[change.order], |exchange, now, out| {
                        exchange.amend(place, change.quantity, change.price, now, out);
                    });
                }
                Effect::Query(query) => self.answer(query.order),
                Effect::Reconcile(_) => self.show_books(),
                Effect::CallPlugin { .. } => {}
            }
        }
    }

    fn write(&mut self, record: Record) {
        match &record {
            Record::Paired { .. } => self.counts.pairs += 1,
            Record::Replacing { order, .. } => {
                let pairs = self.journal.iter().filter_map(|(_, record)| match record {
                    Record::Paired { stop, profit } => Some([*stop, *profit]),
                    _ => None,
                });
                self.counts.renewed += u64::from(pairs.flatten().any(|id| id == *order));
            }
            Record::Held { replaces: Some(_), .. } => self.counts.stops_alone += 1,
            Record::Filled { .. } => self.counts.fills += 1,
            Record::Denied { denial, .. } => {
                self.counts.locked += u64::from(denial.code().name() == "balance-locked");
            }
            Record::Moved { to: OrderState::Expired, .. } => self.counts.expired += 1,
            _ => {}
        }
        self.journal.push((UnixNanos(self.now), record));
    }

    fn submit(&mut self, order: Order) {
        assert!(self.sent.insert(order.id), "an id is sent once: {order:?}");
        let gtd = matches!(order.time_in_force, TimeInForce::Gtd(_));
        assert!(!gtd || self.config.venue.gtd, "the venue has no such order: {order:?}");
        self.known(&order);
        let id = order.id;
        self.ask(&[id], |exchange, now, out| exchange.submit(order, now, out));
    }

    fn submit_pair(&mut self, stop: Order, profit: Order) {
        let venue = self.config.venue;
        assert!(venue.oco && venue.stop, "the venue has no pairs");
        assert_eq!(stop.quantity, profit.quantity);
        for order in [&stop, &profit] {
            assert!(self.sent.insert(order.id), "an id is sent once: {order:?}");
            self.known(order);
        }
        let ids = [stop.id, profit.id];
        self.ask(&ids, |exchange, now, out| exchange.submit_pair(stop, profit, now, out));
    }

    fn known(&mut self, order: &Order) {
        self.orders.insert(order.id, order.clone());
    }

    /// A request. What it calls forth at the venue happens in any case where it arrives.
    fn ask(
        &mut self,
        ids: &[ClientOrderId],
        request: impl FnOnce(&mut Exchange, UnixNanos, &mut Vec<Report>),
    ) {
        let fate = self.fate();
        let mut reports = Vec::new();
        if fate != Fate::NeverArrived {
            request(&mut self.exchange, UnixNanos(self.now), &mut reports);
        }
        for report in &reports {
            self.hear(report);
        }
        if fate == Fate::Done {
            self.inbox.extend(reports.into_iter().map(Event::Report));
            return;
        }
        self.counts.lost_pairs += u64::from(ids.len() == 2);
        // What is not the answer comes on the stream, unless it was lost with it.
        if self.roll().is_multiple_of(2) {
            let on_stream = |report: &Report| {
                !matches!(report.kind, ReportKind::CancelRejected(_) | ReportKind::AmendRejected(_))
            };
            self.inbox.extend(reports.into_iter().filter(on_stream).map(Event::Report));
        }
        // Of a pair the client says it of both, or of one.
        let told = if self.roll().is_multiple_of(2) { ids.len() } else { ids.len().min(1) };
        for id in &ids[..told] {
            let time = UnixNanos(self.now);
            self.inbox.push_back(Event::Report(Report {
                order: *id,
                time,
                kind: ReportKind::Lost,
            }));
        }
    }

    /// Keeps the venue's own books.
    fn hear(&mut self, report: &Report) {
        let id = report.order;
        if let ReportKind::Accepted(venue_id) = report.kind {
            let sent = &self.orders[&id];
            let order = VenueOrder {
                order: id,
                instrument: sent.instrument,
                venue_id,
                state: VenueOrderState::Working,
                quantity: sent.quantity,
                kind: sent.kind,
                fills: Vec::new(),
            };
            self.truth.insert(id, order);
        }
        let Some(order) = self.truth.get_mut(&id) else { return };
        match &report.kind {
            ReportKind::Filled(fill) => {
                order.fills.push((*fill, report.time));
                let filled: i64 = order.fills.iter().map(|(fill, _)| fill.quantity.0).sum();
                if filled == order.quantity.0 {
                    order.state = VenueOrderState::Filled;
                }
            }
            ReportKind::Canceled => order.state = VenueOrderState::Canceled,
            ReportKind::Expired => order.state = VenueOrderState::Expired,
            ReportKind::Triggered => order.state = VenueOrderState::Triggered,
            ReportKind::Amended { quantity, kind } => {
                (order.quantity, order.kind) = (*quantity, *kind);
            }
            _ => {}
        }
    }

    /// What the venue says of an order; some answers never come.
    fn answer(&mut self, id: ClientOrderId) {
        if self.fate() != Fate::Done {
            return;
        }
        let found = self.truth.get(&id).cloned();
        let status = OrderStatus { order: id, time: UnixNanos(self.now), found };
        self.inbox.push_back(Event::Venue(VenueEvent::Status(status)));
    }

    fn show_books(&mut self) {
        let net = |id: InstrumentId| {
            let all = (0..PLUGINS).map(|plugin| self.exchange.position(PluginId(plugin), id).0);
            (id, Quantity(all.sum()))
        };
        let fills = self.truth.values().flat_map(|order| {
            order.fills.iter().map(|(fill, time)| AccountFill {
                order: Some(order.order),
                instrument: order.instrument,
                side: self.orders[&order.order].side,
                fill: *fill,
                time: *time,
            })
        });
        let books = VenueSnapshot {
            time: UnixNanos(self.now),
            open: self.truth.values().filter(|order| order.state.is_open()).cloned().collect(),
            fills: fills.collect(),
            external_orders: Vec::new(),
            positions: (0..INSTRUMENTS).map(|id| net(InstrumentId(id))).collect(),
        };
        self.inbox.push_back(Event::Venue(VenueEvent::Snapshot(books)));
    }
}

impl World {
    /// The market moves, and the venue's orders with it.
    fn trade(&mut self) {
        let id = InstrumentId(self.roll() % INSTRUMENTS);
        let price = Price(950 + 5 * i64::from(self.roll() % 21));
        let time = UnixNanos(self.now);
        let data = MarketData::Trade(Trade {
            price,
            quantity: Quantity(1 + i64::from(self.roll() % 20)),
            aggressor: None,
            id: 0,
        });
        let event = MarketEvent { instrument: id, time, venue_time: time, data };
        let mut reports = Vec::new();
        self.exchange.expire(time, &mut reports);
        self.exchange.market(&event, &mut reports);
        for report in reports {
            self.hear(&report);
            // Now and then the stream loses something, and nobody says so.
            if self.quiet || !self.roll().is_multiple_of(25) {
                self.inbox.push_back(Event::Report(report));
            }
        }
        self.step(Event::Market(event));
    }

    fn intent(&mut self, plugin: PluginId, idle: bool) -> Intent {
        let price = 950 + 5 * i64::from(self.roll() % 21);
        let number = |mantissa: i64| Decimal::new(mantissa, 1);
        let tag = u64::from(self.roll() % 6);
        let side = if self.roll().is_multiple_of(4) { Side::Sell } else { Side::Buy };
        let kind = match self.roll() % 6 {
            0 | 1 => PlaceKind::Market,
            2..=4 => PlaceKind::Limit(number(price)),
            _ => PlaceKind::Stop(number(price)),
        };
        let anywhere = self.roll() % INSTRUMENTS;
        let instrument = u32::from(if self.loyal { plugin.0 } else { anywhere });
        let place = Place {
            tag: OrderTag(tag),
            instrument,
            side,
            quantity: number(1 + i64::from(self.roll() % 20)),
            kind,
            time_in_force: match self.roll() % 4 {
                0 => TimeInForce::Gtd(UnixNanos(self.now + u64::from(self.roll() % 3_000) * MS)),
                _ => TimeInForce::Gtc,
            },
            post_only: false,
            reduce_only: self.roll().is_multiple_of(7),
        };
        // Exits on their sides of the entry; of a market order that is the mark.
        let mark = self.engine.market_of(InstrumentId(u16::try_from(place.instrument).unwrap()));
        let mark = mark.mark().map_or(1_000, |mark| mark.0);
        let entry = if matches!(kind, PlaceKind::Market) { mark } else { price };
        let (near, far) = (i64::from(self.roll() % 4) + 1, i64::from(self.roll() % 4) + 1);
        match self.roll() % 10 {
            _ if self.loyal && !idle => Intent::Cancel(OrderTag(tag)),
            _ if self.loyal => Intent::Bracket(Self::bracket(place, entry, near, far)),
            0 => Intent::Cancel(OrderTag(tag)),
            1 => Intent::Cancel(OrderTag(tag + 100)),
            2 => Intent::Cancel(OrderTag(tag + 200)),
            3 => Intent::Amend(Amend {
                tag: OrderTag(tag + 100 * u64::from(self.roll() % 3)),
                quantity: self.roll().is_multiple_of(3).then_some(place.quantity),
                price: Some(number(price)),
            }),
            4 | 5 => Intent::Place(place),
            6 if self.roll().is_multiple_of(8) => Intent::CancelAll(None),
            _ => Intent::Bracket(Self::bracket(place, entry, near, far)),
        }
    }

    /// An entry with exits so many ticks away.
    fn bracket(entry: Place, price: i64, near: i64, far: i64) -> Bracket {
        let sign = if entry.side == Side::Buy { 5 } else { -5 };
        let OrderTag(tag) = entry.tag;
        Bracket {
            entry: Place { reduce_only: false, ..entry },
            stop_loss_tag: OrderTag(tag + 100),
            stop_loss: Decimal::new(price - sign * near, 1),
            take_profit_tag: OrderTag(tag + 200),
            take_profit: Decimal::new(price + sign * far, 1),
        }
    }

    /// Takes in some of what was said, in its order.
    fn read(&mut self, most: usize) {
        for _ in 0..most {
            let Some(mut event) = self.inbox.pop_front() else {
                return;
            };
            if let Event::Report(report) = &mut event {
                report.time = report.time.max(UnixNanos(self.now));
            }
            self.step(event);
            self.check();
        }
    }

    fn restart(&mut self) {
        self.counts.restarts += 1;
        let mut engine = Engine::new(self.config.clone());
        for (at, record) in &self.journal {
            engine.replay(*at, record).expect("what was written down can be read");
        }
        assert_eq!(engine.carry(), self.engine.carry(), "a restart remembers everything");
        self.engine = engine;
        // What was said meanwhile is lost.
        self.inbox.clear();
        let mut effects = Vec::new();
        self.engine.resume(UnixNanos(self.now), &mut effects);
        self.carry_out(effects);
    }

    /// Whether the stop beside a take-profit of this tag has done a part of its work.
    fn stop_traded(&self, plugin: PluginId, profit: u64) -> bool {
        let records = self.journal.iter().rev().map(|(_, record)| record);
        let of_bracket = records.take_while(|record| {
            !matches!(record, Record::Planned { entry, plan }
                if entry.plugin == plugin && plan.take_profit_tag.0 == profit)
        });
        of_bracket.into_iter().any(|record| {
            matches!(record, Record::Filled { order, .. }
                if order.plugin() == plugin && order.tag.0 == profit - 100)
        })
    }

    fn check(&self) {
        if !self.config.venue.locks_balance {
            return;
        }
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let there = (0..PLUGINS).map(|plugin| self.exchange.position(PluginId(plugin), id).0);
            let (held, for_sale) = (there.sum::<i64>(), self.exchange.working(id, Side::Sell).0);
            assert!(for_sale <= held, "{for_sale} of {id:?} for sale of {held}");
        }
    }

    /// Faults are over: time goes on until everything is settled.
    fn settle(&mut self) {
        self.quiet = true;
        for _ in 0..60 {
            self.now += 500 * MS;
            self.step(Event::Clock(UnixNanos(self.now)));
            self.trade();
            self.read(10_000);
            let last = &self.journal[self.journal.len().saturating_sub(16)..];
            assert!(
                self.inbox.is_empty(),
                "it never comes to rest: {last:?} {:?}",
                self.inbox.back()
            );
        }
    }
}

fn play(venue: VenueCapabilities, dice: Vec<u16>, steps: usize, loyal: bool) -> World {
    let mut world = World::new(venue, dice);
    world.loyal = loyal;
    world.restart();
    for _ in 0..steps {
        world.now += u64::from(world.roll() % 200) * MS;
        world.step(Event::Clock(UnixNanos(world.now)));
        world.trade();
        let plugin = PluginId(world.roll() % PLUGINS);
        let idle = world.engine.open_orders_of(plugin).is_empty();
        if world.roll().is_multiple_of(3) && (!loyal || idle || world.roll().is_multiple_of(6)) {
            let intents = vec![world.intent(plugin, idle)];
            world.step(Event::Intents { plugin, intents });
        }
        world.check();
        let most = usize::from(world.roll() % 5);
        world.read(most);
        if world.roll().is_multiple_of(60) {
            world.restart();
        }
        world.check();
    }
    world.settle();
    world
}

/// After the faults.
fn compare(world: &World) {
    let engine = &world.engine;
    assert_eq!(engine.orders_in_doubt(), 0, "nothing is in doubt");
    for plugin in (0..PLUGINS).map(PluginId) {
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let held = engine.account().sub_account(plugin).position(id).quantity;
            assert_eq!(held, world.exchange.position(plugin, id), "{plugin:?} {id:?}");
        }
    }
    let there = world.truth.values().filter(|order| order.state.is_open());
    let there: BTreeSet<_> = there.map(|order| order.order).collect();
    let open: BTreeMap<_, _> =
        engine.orders().map(|(order, state, _)| (order.id, (order, state))).collect();
    for id in &there {
        assert!(open.contains_key(id), "{id} works there, and nobody knows");
    }
    let now = engine.now();
    for (id, (order, state)) in &open {
        let sent = world.sent.contains(id);
        assert!(
            there.contains(id) || !sent || *state == OrderState::Triggered,
            "{order:?} {state}"
        );
        assert_ne!(*state, OrderState::Unknown, "{order:?}");
        assert_ne!(*state, OrderState::PendingCancel, "{order:?}");
        assert!(
            !matches!(order.time_in_force, TimeInForce::Gtd(until) if until < now),
            "its time is over: {order:?}"
        );
    }
}

/// Sets in which pairs and locks are likely.
fn spot() -> impl Strategy<Value = VenueCapabilities> {
    (venue(), any::<[bool; 3]>()).prop_map(|(some, [oco, stop, locks])| VenueCapabilities {
        oco: some.oco || oco,
        stop: some.stop || stop || oco,
        locks_balance: some.locks_balance || locks,
        ..some
    })
}

fn dice() -> impl Strategy<Value = (Vec<u16>, usize)> {
    (prop::collection::vec(any::<u16>(), 64..512), 20..400usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn after_the_faults_both_books_are_the_same((dice, steps) in dice(), venue in spot()) {
        compare(&play(venue, dice, steps, false));
    }

    /// While nobody touches a bracket's exits, a take-profit never works without its stop, unless
    /// that has traded.
    #[test]
    fn no_take_profit_is_left_without_its_stop((dice, steps) in dice(), venue in spot()) {
        let world = play(venue, dice, steps, true);
        compare(&world);
        for plugin in (0..PLUGINS).map(PluginId) {
            // Of a position that something else has closed nothing needs a stop.
            let held = world.engine.account().sub_account(plugin).position(InstrumentId(plugin.0));
            if held.quantity.is_zero() {
                continue;
            }
            let open = world.engine.open_orders_of(plugin);
            let tags: BTreeSet<_> = open.iter().map(|order| order.tag.0).collect();
            for profit in tags.iter().filter(|tag| **tag >= 200) {
                let stands = tags.contains(&(profit - 100));
                prop_assert!(stands || world.stop_traded(plugin, *profit), "{plugin:?} {open:?}");
            }
        }
    }
}

#[test]
fn the_rough_runs_do_what_they_are_to_show() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut all = Counts::default();
    for _ in 0..100 {
        let (dice, steps) = dice().new_tree(&mut runner).unwrap().current();
        let venue = spot().new_tree(&mut runner).unwrap().current();
        let counts = play(venue, dice, steps, false).counts;
        all.pairs += counts.pairs;
        all.renewed += counts.renewed;
        all.lost_pairs += counts.lost_pairs;
        all.stops_alone += counts.stops_alone;
        all.restarts += counts.restarts;
        all.fills += counts.fills;
        all.locked += counts.locked;
        all.expired += counts.expired;
    }
    let least = [
        all.pairs,
        all.renewed,
        all.lost_pairs,
        all.stops_alone,
        all.restarts,
        all.fills,
        all.locked,
        all.expired,
    ];
    assert!(least.iter().all(|count| *count >= 20), "{all:?}");
}
