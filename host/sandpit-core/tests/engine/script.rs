//! Engine tests as text: one line an event in, one line an effect out.
//!
//! ```text
//! trade 100            a trade at 100
//! p0 buy 2 @ 99 #1     plugin 0 places a limit order with tag 1; `@ market` for a market order
//! p0 cancel #1         p0 cancel-all · p0 amend #1 3 @ 98 · p0 target -2 #5
//! p0 bracket buy 2 @ 99 #1 stop 95 #2 take 105 #3
//! p0 stop sell 2 @ 95 #4   p0 take sell 2 @ 105 #4 · p0 stop-limit sell 2 @ 95 94 #4
//! p0 trail sell 2 by 3 #4  p0 trail sell 2 bp 100 #4 · p0 until 5 stop sell 2 @ 95 #4
//! p0 until 5 buy 2 @ 99 #4 p0 ioc buy 2 @ 99 #4 · p0 fok buy 2 @ market #4
//! p0 exit sell 2 @ 99 #4   a reduce-only limit order
//! v 1 accepted         the venue on the run's first order: accepted, rejected, canceled, lost,
//!                      cancel-rejected, amended 3 @ 98, fill 2 @ 99 t7 (trade 7)
//! state p0 reducing    state account halted · kill · kill flatten · fault p0 · clock 5
//! restarted p0         quarantine p0 · quarantine p0 flatten
//! flatten p0           unlock account kill-switch · lose-journal · reconnected
//! status 1 none        the venue's answer about an order: see `answers`
//! books net 3          the venue's books: see `answers`
//! ```

use std::fmt::Write as _;

use sandpit_core::{
    engine::{
        Command, Effect, Engine, EngineConfig, Event, LockReason, PluginConfig, Record,
        RecoveryConfig, VenueCapabilities, VenueEvent,
    },
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId, TimerId, TradeId, VenueOrderId},
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    intent::{Amend, Bracket, Intent, Place, PlaceKind, TargetPosition, TimeInForce, WishedOffset},
    market::{DataKind, MarketData, MarketEvent, Side, Trade},
    num::{Decimal, Money, Price, Quantity, Rate},
    order::{Fill, OrderKind, Report, ReportKind},
    plugin::{Fault, FaultCode, OrderUpdateKind, PluginEvent, Subscriptions, TradingState},
    risk::{Limits, OffTick, RiskRules},
    time::{Nanos, UnixNanos},
};

use crate::answers;

/// Spot-like test instrument: tick 1, step 1.
pub(crate) fn instrument() -> Instrument {
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    Instrument::new(InstrumentSpec {
        symbol: "TEST".into(),
        venue: "nowhere".into(),
        kind: InstrumentKind::Perpetual,
        base: "TST".into(),
        quote: "USD".into(),
        price_tick: number("1"),
        quantity_step: number("1"),
        min_quantity: number("1"),
        max_quantity: number("1000"),
        min_notional: number("10"),
        multiplier: number("1"),
        maker_fee: Rate(0),
        taker_fee: Rate::from_decimal(number("0.001")).unwrap(),
    })
    .unwrap()
}

/// An engine of two plugins with these limits each, and for the account.
pub(crate) fn engine(plugin: Limits, account: Limits, off_tick: OffTick) -> Engine {
    Engine::new(config(plugin, account, off_tick))
}

/// An engine whose venue can fail and keeps only what it says.
pub(crate) fn fragile(limits: Limits, venue: VenueCapabilities) -> EngineConfig {
    let config = config(limits, Limits::unlimited(), OffTick::Deny);
    EngineConfig { venue, recovery: Some(RecoveryConfig::default()), ..config }
}

/// Two plugins with these limits each, and the account with those.
pub(crate) fn config(plugin: Limits, account: Limits, off_tick: OffTick) -> EngineConfig {
    let config = PluginConfig {
        budget: Money::from_decimal(Decimal::new(1_000, 0)).unwrap(),
        instruments: vec![InstrumentId(0)],
        subscriptions: Subscriptions { kinds: vec![DataKind::Trades] },
        limits: plugin,
    };
    EngineConfig {
        run: RunId(1),
        instruments: vec![instrument()],
        plugins: vec![config.clone(), config],
        account_limits: account,
        off_tick,
        risk: RiskRules::default(),
        venue: VenueCapabilities::ALL,
        recovery: None,
    }
}

/// Runs a script and returns its effects, without the market events that plugins are told.
pub(crate) fn run(engine: &mut Engine, script: &str) -> String {
    let mut time = engine.now().0;
    let mut out = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        time += 1;
        let mut effects = Vec::new();
        engine.step(parse(line, time), &mut effects);
        for effect in effects {
            show(&effect, &mut out);
        }
    }
    out
}

/// The state after a script, in one line a plugin.
pub(crate) fn holdings(engine: &Engine) -> String {
    let mut out = String::new();
    for (index, share) in engine.account().sub_accounts().iter().enumerate() {
        let position = share.position(InstrumentId(0));
        let _ = writeln!(
            out,
            "p{index}: holds {} cost {} realized {} fees {} equity {}",
            position.quantity.0,
            position.cost,
            share.realized(),
            share.fees(),
            share.equity()
        );
    }
    out
}

pub(crate) fn parse(line: &str, time: u64) -> Event {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["trade", price] => Event::Market(MarketEvent {
            instrument: InstrumentId(0),
            time: UnixNanos(time),
            venue_time: UnixNanos(time),
            data: MarketData::Trade(Trade {
                price: instrument().price(price.parse().unwrap()).unwrap(),
                quantity: instrument().quantity(Decimal::new(1, 0)).unwrap(),
                aggressor: None,
                id: 0,
            }),
        }),
        ["coarse", "trade", price] => Event::Market(MarketEvent {
            instrument: InstrumentId(1),
            time: UnixNanos(time),
            venue_time: UnixNanos(time),
            data: MarketData::Trade(Trade {
                price: Price(price.parse().unwrap()),
                quantity: Quantity(2),
                aggressor: None,
                id: 0,
            }),
        }),
        ["clock", ms] => Event::Clock(UnixNanos(ms.parse::<u64>().unwrap() * 1_000_000)),
        ["v", order, ref what @ ..] => Event::Report(Report {
            order: order_id(order),
            time: UnixNanos(time),
            kind: report(what),
        }),
        ["state", "account", state] => {
            Event::Command(Command::SetAccountState(trading_state(state)))
        }
        ["state", plugin, state] => {
            Event::Command(Command::SetPluginState(plugin_id(plugin), trading_state(state)))
        }
        ["kill"] => Event::Command(Command::Kill { flatten: false }),
        ["kill", "flatten"] => Event::Command(Command::Kill { flatten: true }),
        ["lose-journal"] => Event::Command(Command::LoseJournal),
        ["flatten", plugin] => Event::Command(Command::Flatten(Some(plugin_id(plugin)))),
        ["unlock", scope, reason] => {
            let reason = LockReason::ALL.into_iter().find(|known| known.name() == reason).unwrap();
            let plugin = (scope != "account").then(|| plugin_id(scope));
            Event::Command(Command::Unlock(plugin, reason))
        }
        ["reconnected"] => Event::Venue(VenueEvent::Reconnected(UnixNanos(time))),
        ["status", order, ref what @ ..] => answers::status(order_id(order), what, time),
        ["books", ref what @ ..] => answers::books(what, time),
        ["fault", plugin] => {
            let fault = Fault { code: FaultCode::Trap, detail: String::new() };
            Event::Command(Command::Fault(plugin_id(plugin), fault))
        }
        ["restarted", plugin] => Event::Command(Command::Restarted(plugin_id(plugin))),
        ["quarantine", plugin] => {
            Event::Command(Command::Quarantine { plugin: plugin_id(plugin), flatten: false })
        }
        ["quarantine", plugin, "flatten"] => {
            Event::Command(Command::Quarantine { plugin: plugin_id(plugin), flatten: true })
        }
        [plugin, ref what @ ..] => {
            Event::Intents { plugin: plugin_id(plugin), intents: vec![intent(what)] }
        }
        [] => unreachable!("blank lines are filtered"),
    }
}

/// Ids carry their plugin; scripts name orders by their place in the run, plugin 0 unless `1:3`.
pub(crate) fn order_id(text: &str) -> ClientOrderId {
    let (plugin, sequence) = text.split_once(':').unwrap_or(("0", text));
    ClientOrderId {
        sequence: sequence.parse().unwrap(),
        plugin: PluginId(plugin.parse().unwrap()),
        run: RunId(1),
    }
}

fn plugin_id(text: &str) -> PluginId {
    PluginId(text.strip_prefix('p').unwrap().parse().unwrap())
}

fn tag(text: &str) -> OrderTag {
    OrderTag(text.strip_prefix('#').unwrap().parse().unwrap())
}

fn side(text: &str) -> Side {
    if text == "buy" { Side::Buy } else { Side::Sell }
}

fn trading_state(text: &str) -> TradingState {
    match text {
        "active" => TradingState::Active,
        "reducing" => TradingState::Reducing,
        _ => TradingState::Halted,
    }
}

fn place(side_word: &str, quantity: &str, price: &str, tag_word: &str) -> Place {
    Place {
        tag: tag(tag_word),
        instrument: 0,
        side: side(side_word),
        quantity: quantity.parse().unwrap(),
        kind: match price {
            "market" => PlaceKind::Market,
            price => PlaceKind::Limit(price.parse().unwrap()),
        },
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
    }
}

#[expect(clippy::too_many_lines, reason = "one table of words")]
fn intent(words: &[&str]) -> Intent {
    match words {
        ["cancel", order] => Intent::Cancel(tag(order)),
        ["cancel-all"] => Intent::CancelAll(None),
        ["amend", order, quantity, "@", price] => Intent::Amend(Amend {
            tag: tag(order),
            quantity: (*quantity != "-").then(|| quantity.parse().unwrap()),
            price: (*price != "-").then(|| price.parse().unwrap()),
        }),
        ["target", quantity, order] => Intent::TargetPosition(TargetPosition {
            tag: tag(order),
            instrument: 0,
            quantity: quantity.parse().unwrap(),
            limit: None,
        }),
        ["timer", id, at_ms] => Intent::SetTimer {
            id: TimerId(id.parse().unwrap()),
            at: UnixNanos(at_ms.parse::<u64>().unwrap() * 1_000_000),
            every: None,
        },
        ["timer", id, at_ms, "every", nanos] => Intent::SetTimer {
            id: TimerId(id.parse().unwrap()),
            at: UnixNanos(at_ms.parse::<u64>().unwrap() * 1_000_000),
            every: Some(Nanos(nanos.parse().unwrap())),
        },
        [
            "bracket",
            side,
            quantity,
            "@",
            price,
            order,
            "stop",
            stop,
            stop_tag,
            "take",
            take,
            take_tag,
        ] => Intent::Bracket(Bracket {
            entry: place(side, quantity, price, order),
            stop_loss_tag: tag(stop_tag),
            stop_loss: stop.parse().unwrap(),
            take_profit_tag: tag(take_tag),
            take_profit: take.parse().unwrap(),
        }),
        ["stop", side, quantity, "@", trigger, order] => Intent::Place(Place {
            kind: PlaceKind::Stop(trigger.parse().unwrap()),
            ..place(side, quantity, "market", order)
        }),
        ["take", side, quantity, "@", trigger, order] => Intent::Place(Place {
            kind: PlaceKind::TakeProfit(trigger.parse().unwrap()),
            ..place(side, quantity, "market", order)
        }),
        ["stop-limit", side, quantity, "@", trigger, limit, order] => Intent::Place(Place {
            kind: PlaceKind::StopLimit {
                trigger: trigger.parse().unwrap(),
                limit: limit.parse().unwrap(),
            },
            ..place(side, quantity, "market", order)
        }),
        ["trail", side, quantity, "by", distance, order] => Intent::Place(Place {
            kind: PlaceKind::TrailingStop(WishedOffset::Price(distance.parse().unwrap())),
            ..place(side, quantity, "market", order)
        }),
        ["trail", side, quantity, "bp", points, order] => Intent::Place(Place {
            kind: PlaceKind::TrailingStop(WishedOffset::BasisPoints(points.parse().unwrap())),
            ..place(side, quantity, "market", order)
        }),
        ["until", ms, "stop", side, quantity, "@", trigger, order] => Intent::Place(Place {
            kind: PlaceKind::Stop(trigger.parse().unwrap()),
            time_in_force: TimeInForce::Gtd(UnixNanos(ms.parse::<u64>().unwrap() * 1_000_000)),
            ..place(side, quantity, "market", order)
        }),
        ["until", ms, side, quantity, "@", price, order] => Intent::Place(Place {
            time_in_force: TimeInForce::Gtd(UnixNanos(ms.parse::<u64>().unwrap() * 1_000_000)),
            ..place(side, quantity, price, order)
        }),
        ["ioc", side, quantity, "@", price, order] => Intent::Place(Place {
            time_in_force: TimeInForce::Ioc,
            ..place(side, quantity, price, order)
        }),
        ["fok", side, quantity, "@", price, order] => Intent::Place(Place {
            time_in_force: TimeInForce::Fok,
            ..place(side, quantity, price, order)
        }),
        ["post", side, quantity, "@", price, order] => {
            Intent::Place(Place { post_only: true, ..place(side, quantity, price, order) })
        }
        ["coarse", side, quantity, "@", price, order] => {
            Intent::Place(Place { instrument: 1, ..place(side, quantity, price, order) })
        }
        ["exit", side, quantity, "@", price, order] => {
            Intent::Place(Place { reduce_only: true, ..place(side, quantity, price, order) })
        }
        ["elsewhere", order] => {
            Intent::Place(Place { instrument: 7, ..place("buy", "1", "100", order) })
        }
        [side, quantity, "@", price, order] => Intent::Place(place(side, quantity, price, order)),
        other => panic!("unknown intent {other:?}"),
    }
}

pub(crate) fn report(words: &[&str]) -> ReportKind {
    let rules = instrument();
    let price = |text: &str| rules.price(text.parse().unwrap()).unwrap();
    let quantity = |text: &str| rules.quantity(text.parse().unwrap()).unwrap();
    match words {
        ["accepted"] => ReportKind::Accepted(VenueOrderId(1)),
        ["rejected"] => ReportKind::Rejected("no".into()),
        ["canceled"] => ReportKind::Canceled,
        ["expired"] => ReportKind::Expired,
        ["triggered"] => ReportKind::Triggered,
        ["lost"] => ReportKind::Lost,
        ["cancel-rejected"] => ReportKind::CancelRejected("no".into()),
        ["amend-rejected"] => ReportKind::AmendRejected("no".into()),
        ["amended", total, "@", limit] => {
            ReportKind::Amended { quantity: quantity(total), kind: OrderKind::Limit(price(limit)) }
        }
        ["amended-stop", total, "@", trigger] => {
            ReportKind::Amended { quantity: quantity(total), kind: OrderKind::Stop(price(trigger)) }
        }
        ["fill", part, "@", at, trade] => {
            let notional = rules.notional(price(at), quantity(part)).unwrap();
            ReportKind::Filled(Fill {
                trade_id: TradeId(trade.strip_prefix('t').unwrap().parse().unwrap()),
                price: price(at),
                quantity: quantity(part),
                fee: rules.fee(notional, false),
                maker: false,
            })
        }
        other => panic!("unknown report {other:?}"),
    }
}

pub(crate) fn show(effect: &Effect, out: &mut String) {
    let line = match effect {
        Effect::Submit(order) => {
            let order = order.get();
            format!(
                "submit {} {:?} {} {:?}",
                order.id.sequence, order.side, order.quantity.0, order.kind
            )
        }
        Effect::SubmitPair { stop, profit } => {
            let (stop, profit) = (stop.get(), profit.get());
            format!(
                "submit pair {} {} {:?} {} {:?} {:?}",
                stop.id.sequence,
                profit.id.sequence,
                stop.side,
                stop.quantity.0,
                stop.kind,
                profit.kind
            )
        }
        Effect::CancelAll(instrument) => format!("cancel-all {}", instrument.0),
        Effect::Cancel(cancel) => format!("cancel {}", cancel.order.sequence),
        Effect::Amend(amend) => {
            let amend = amend.get();
            let quantity = amend.quantity.map(|quantity| quantity.0);
            let price = amend.price.map(|price| price.0);
            format!("amend {} quantity {quantity:?} price {price:?}", amend.order.sequence)
        }
        Effect::CallPlugin { plugin, event } => match event {
            PluginEvent::Order(update) => {
                let what = match &update.kind {
                    OrderUpdateKind::Denied(code) => format!("denied {}", code.name()),
                    OrderUpdateKind::ChangeDenied(code) => format!("change denied {}", code.name()),
                    OrderUpdateKind::Filled(fill) => format!("filled {}", fill.quantity.0),
                    OrderUpdateKind::Rejected(_) => "rejected".into(),
                    OrderUpdateKind::ChangeRejected(_) => "change rejected".into(),
                    other => format!("{other:?}").to_lowercase(),
                };
                format!("tell p{} #{} {what}", plugin.0, update.tag.0)
            }
            PluginEvent::TradingState { state, .. } => format!("tell p{} {state:?}", plugin.0),
            PluginEvent::Timer { id, .. } => format!("tell p{} timer {}", plugin.0, id.0),
            _ => return,
        },
        Effect::Record(Record::Alert(alert)) => format!("alert {alert:?}"),
        Effect::Record(Record::Closed { order, state, filled }) => {
            format!("closed {} {state} filled {}", order.id.sequence, filled.0)
        }
        Effect::Record(Record::Denied { denial, .. }) => format!("denied {denial:?}"),
        Effect::Query(query) => format!("query {}", query.order.sequence),
        Effect::Reconcile(_) => "reconcile".into(),
        Effect::Record(_) => return,
    };
    let _ = writeln!(out, "{line}");
}
