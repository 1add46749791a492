//! What is kept of a session: everything that goes to and comes from the honest plugin and what
//! the host's books say of it, as text; of attackers, what they came to.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use sandpit_core::{
    account::Account,
    engine::{Alert, Record},
    ids::{InstrumentId, PluginId, TradeId},
    intent::Intent,
    num::Quantity,
    order::{Fill, Order, OrderState},
    plugin::{OrderUpdateKind, PluginEvent, PluginPort, TradingState},
    risk::Denial,
    simulation::Observer,
    time::UnixNanos,
};
use sandpit_plugin::{AnyPlugins, CallCost, Fault, LogLine, LogSink};

use crate::stage::{HONEST, Seen};

/// Events that attackers were told of that are kept.
const TOLD_MAX: usize = 4_096;

/// Log lines of one plugin, or of several.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn sink(&self) -> Box<dyn LogSink> {
        let lines = Arc::clone(&self.0);
        Box::new(move |line: &LogLine<'_>| {
            let mut lines = lines.lock().unwrap();
            lines.push(format!("{:?} {} {}", line.level, line.time.0, line.text));
        })
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Plugins, and what goes to and comes from the honest one.
pub(crate) struct Port {
    pub(crate) plugins: AnyPlugins,
    pub(crate) honest: String,
    pub(crate) told: Vec<PluginEvent>,
    pub(crate) calls: u64,
}

impl PluginPort for Port {
    fn call(
        &mut self,
        plugin: PluginId,
        event: &PluginEvent,
        intents: &mut Vec<Intent>,
    ) -> Result<CallCost, Fault> {
        let before = intents.len();
        let answer = self.plugins.call(plugin, event, intents);
        if plugin == HONEST {
            let event = without_venue_numbers(event);
            let _ = writeln!(self.honest, "{event:?} -> {answer:?} {:?}", &intents[before..]);
        } else {
            self.calls += 1;
            if self.told.len() < TOLD_MAX {
                self.told.push(event.clone());
            }
        }
        answer
    }
}

/// The venue counts its executions over everybody, as venues do: the number says nothing of us.
fn without_venue_numbers(event: &PluginEvent) -> PluginEvent {
    let mut event = event.clone();
    if let PluginEvent::Order(update) = &mut event
        && let OrderUpdateKind::Filled(fill) = &mut update.kind
    {
        fill.trade_id = TradeId(0);
    }
    event
}

/// What the host's own books have of a session.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) honest: String,
    pub(crate) honest_orders: usize,
    pub(crate) seen: Seen,
}

impl Observer for Books {
    fn recorded(&mut self, record: &Record, _: UnixNanos) {
        if let Record::Asked { plugin, .. } = record
            && *plugin != HONEST
        {
            self.seen.asked += 1;
        }
    }

    fn submitted(&mut self, order: &Order, time: UnixNanos) {
        if order.plugin() == HONEST {
            self.honest_orders += 1;
            let _ = writeln!(self.honest, "{} submitted {}", time.0, of_order(order));
        } else {
            self.seen.submitted.push(order.clone());
        }
    }

    fn filled(&mut self, order: &Order, fill: &Fill, time: UnixNanos, account: &Account) {
        if order.plugin() == HONEST {
            let Fill { price, quantity, fee, maker, .. } = fill;
            let books = account.sub_account(HONEST);
            let (balance, equity) = (books.balance(), books.equity());
            let _ = writeln!(
                self.honest,
                "{} filled {} {price:?} {quantity:?} {fee:?} {maker} {balance:?} {equity:?}",
                time.0,
                of_order(order)
            );
        } else {
            self.seen.fills += 1;
        }
    }

    fn closed(&mut self, order: &Order, state: OrderState, filled: Quantity, time: UnixNanos) {
        if order.plugin() == HONEST {
            let order = of_order(order);
            let _ = writeln!(self.honest, "{} closed {order} {state:?} {filled:?}", time.0);
        } else if state == OrderState::Canceled {
            self.seen.canceled += 1;
        }
    }

    fn denied(
        &mut self,
        plugin: PluginId,
        _: Option<InstrumentId>,
        denial: &Denial,
        time: UnixNanos,
    ) {
        if plugin == HONEST {
            let denial = match denial {
                // The other order's number counts over all plugins.
                Denial::SelfTrade { .. } => "SelfTrade".to_owned(),
                denial => format!("{denial:?}"),
            };
            let _ = writeln!(self.honest, "{} denied {denial}", time.0);
        } else {
            *self.seen.denials.entry(denial.code()).or_default() += 1;
        }
    }

    fn called(&mut self, plugin: PluginId, cost: CallCost) {
        if plugin == HONEST {
            let _ = writeln!(self.honest, "{cost:?}");
        }
    }

    fn faulted(&mut self, plugin: PluginId, fault: &Fault, time: UnixNanos) {
        if plugin == HONEST {
            let _ = writeln!(self.honest, "{} {fault:?}", time.0);
        } else if !self.seen.faults.contains(fault) {
            // Whoever is at fault outside an event is told of its new state, and answers with the
            // same fault.
            self.seen.faults.push(fault.clone());
        }
    }

    fn alert(&mut self, alert: &Alert, _: UnixNanos) {
        self.seen.alerts.push(alert.clone());
    }

    fn trading_state(&mut self, plugin: PluginId, state: TradingState, time: UnixNanos) {
        if plugin == HONEST {
            let _ = writeln!(self.honest, "{} {state:?}", time.0);
        }
    }
}

/// An order without the host's number of it, which counts over all plugins.
fn of_order(order: &Order) -> String {
    let Order { tag, instrument, side, quantity, kind, time_in_force, .. } = order;
    let flags = (order.post_only, order.reduce_only);
    format!("{tag:?} {instrument:?} {side:?} {quantity:?} {kind:?} {time_in_force:?} {flags:?}")
}
