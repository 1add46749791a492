//! From the engine's records to what alerts are fed with: numbers become names, prices become
//! decimals. Pure; who reads the records, and when, is the session's.
//!
//! Not here: what is no record (lines, beats, clocks, disks, ages of keys, the market's volume).

use sandpit_alerts::{
    Name, Severity, Text,
    rules::{Observation, OrderOutcome},
};
use sandpit_core::{
    engine::{Alert, Lock, LockReason, Record},
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    num::Price,
    order::Transition,
};

use crate::report::alert_words;

/// The account, where it is not a plugin's affair.
const ACCOUNT: &str = "account";

/// Whom the numbers in records mean.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Instruments; an id is an index here.
    pub instruments: &'a [Instrument],
    /// Plugins; an id is an index here.
    pub plugins: &'a [String],
}

impl Names<'_> {
    fn plugin(&self, id: PluginId) -> Name {
        let name = self.plugins.get(usize::from(id.0));
        name.map_or_else(|| Name::from(format!("plugin {}", id.0)), |name| Name::new(name))
    }

    fn scope(&self, plugin: Option<PluginId>) -> Name {
        plugin.map_or_else(|| Name::from(ACCOUNT), |plugin| self.plugin(plugin))
    }

    fn symbol(&self, id: InstrumentId) -> Name {
        let rules = self.instruments.get(usize::from(id.0));
        rules.map_or_else(
            || Name::from(format!("instrument {}", id.0)),
            |rules| Name::new(&rules.spec().symbol),
        )
    }
}

/// What a record says to those who watch, if anything. `reference` is what a price should be about:
/// the mark or the last price of the instrument when the order was sent.
#[must_use]
pub fn observation(
    record: &Record,
    names: Names<'_>,
    reference: impl Fn(InstrumentId) -> Option<Price>,
) -> Option<Observation> {
    Some(match record {
        Record::Filled { order, fill, .. } => {
            let rules = names.instruments.get(usize::from(order.instrument.0))?;
            Observation::Fill {
                instrument: names.symbol(order.instrument),
                plugin: names.plugin(order.plugin()),
                price: rules.price_decimal(fill.price),
                quantity: rules.quantity_decimal(fill.quantity),
                reference: reference(order.instrument).map(|price| rules.price_decimal(price)),
            }
        }
        Record::Moved { order, by, .. } => Observation::Order {
            plugin: names.plugin(order.plugin),
            outcome: match by {
                Transition::Accept => OrderOutcome::Accepted,
                Transition::Reject => OrderOutcome::Rejected,
                Transition::Lose => OrderOutcome::Unknown,
                _ => return None,
            },
        },
        Record::Equity { plugin, sample } => {
            Observation::Equity { scope: names.scope(*plugin), equity: sample.equity }
        }
        Record::Locked { plugin, lock } => locked(names, *plugin, *lock, true)?,
        Record::Unlocked { plugin, reason } => unlocked(names, *plugin, *reason)?,
        Record::Reconciled { mended, .. } => Observation::Reconcile {
            account: Name::from(ACCOUNT),
            differences: *mended,
            text: Text::from("the books were mended by the venue's word"),
        },
        Record::External { instrument, position, buying, selling } => {
            let kinds = [position, buying, selling];
            let count = kinds.iter().filter(|quantity| !quantity.is_zero()).count();
            Observation::ForeignOrders {
                account: Name::from(format!("{ACCOUNT} {}", names.symbol(*instrument))),
                count: u32::try_from(count).unwrap_or(u32::MAX),
                text: Text::from("a position, buys or sells; they count in the account's limits"),
            }
        }
        Record::Alert(alert) => engine(alert, names)?,
        _ => return None,
    })
}

fn locked(
    names: Names<'_>,
    plugin: Option<PluginId>,
    lock: Lock,
    is_locked: bool,
) -> Option<Observation> {
    let scope = names.scope(plugin);
    let until = match lock.unlock_at {
        Some(at) => format!("until {}", sandpit_alerts::stamp::rfc3339(at)),
        None => "until a person ends it".to_owned(),
    };
    let text = if is_locked { until } else { "it has ended".to_owned() };
    Some(match (lock.reason, plugin) {
        // It runs again by itself; what comes of it is a quarantine.
        (LockReason::Fault, _) => return None,
        (LockReason::KillSwitch, None) => {
            Observation::KillSwitch { is_on: is_locked, by: Name::from("an operator or the host") }
        }
        (LockReason::Quarantine, Some(_)) => Observation::Quarantine {
            plugin: scope,
            is_quarantined: is_locked,
            text: Text::from(text),
        },
        (reason, _) => Observation::Lock {
            scope,
            lock: Name::from(reason.name()),
            is_locked,
            text: Text::from(text),
        },
    })
}

fn unlocked(names: Names<'_>, plugin: Option<PluginId>, reason: LockReason) -> Option<Observation> {
    let lock = Lock {
        reason,
        state: sandpit_core::plugin::TradingState::Active,
        since: sandpit_core::time::UnixNanos::default(),
        unlock_at: None,
    };
    locked(names, plugin, lock, false)
}

/// What the engine says. What has a record of its own is not said twice.
fn engine(alert: &Alert, names: Names<'_>) -> Option<Observation> {
    let words = alert_words(alert, names.instruments, names.plugins);
    let order = |id: &dyn std::fmt::Display| Name::from(id.to_string());
    let (code, about, severity) = match alert {
        Alert::Killed(_) | Alert::Quarantined(_) | Alert::ExternalPosition(..) => return None,
        Alert::LimitBreached { plugin, reason, .. } => {
            return Some(Observation::Limit {
                scope: names.scope(*plugin),
                limit: Name::from(reason.name()),
                is_breached: true,
                text: Text::from(words),
            });
        }
        Alert::ImpossibleReport(_, id, _) => {
            ("impossible-report", names.symbol(*id), Severity::Critical)
        }
        Alert::Overfilled(_, id) => ("overfilled", names.symbol(*id), Severity::Critical),
        Alert::NumberOverflow(id) => ("number-overflow", names.symbol(*id), Severity::Critical),
        Alert::Liquidated(_, id) => ("liquidated", names.symbol(*id), Severity::Critical),
        Alert::CannotFlatten(plugin) => {
            ("cannot-flatten", names.plugin(*plugin), Severity::Critical)
        }
        Alert::Unprotected { plugin, .. } => {
            ("unprotected", names.plugin(*plugin), Severity::Critical)
        }
        Alert::StrangeReport(id) => ("strange-report", order(id), Severity::Warning),
        Alert::OrderVanished(id) => ("order-vanished", order(id), Severity::Warning),
        Alert::BookLost(id, _) => ("book-lost", names.symbol(*id), Severity::Warning),
        Alert::CancelsAboveRate { plugin } => {
            ("cancels-above-rate", names.scope(*plugin), Severity::Warning)
        }
        Alert::SelfTradePattern { instrument, .. } => {
            ("self-trade-pattern", names.symbol(*instrument), Severity::Warning)
        }
    };
    let (code, text) = (Name::from(code), Text::from(words));
    Some(Observation::Engine { code, about, severity, text })
}

#[cfg(test)]
mod tests {
    use sandpit_core::{num::Money, time::UnixNanos};

    use super::*;

    fn seen(record: &Record) -> Option<Observation> {
        let plugins = ["ema".to_owned()];
        observation(record, Names { instruments: &[], plugins: &plugins }, |_| None)
    }

    fn lock(reason: LockReason, plugin: Option<PluginId>) -> Record {
        let lock = Lock {
            reason,
            state: sandpit_core::plugin::TradingState::Halted,
            since: UnixNanos(0),
            unlock_at: None,
        };
        Record::Locked { plugin, lock }
    }

    #[test]
    fn locks_are_what_they_are_for() {
        let ema = Some(PluginId(0));
        let kill = seen(&lock(LockReason::KillSwitch, None)).unwrap();
        assert!(matches!(kill, Observation::KillSwitch { is_on: true, .. }), "{kill:?}");
        let shut = seen(&lock(LockReason::Quarantine, ema)).unwrap();
        assert!(matches!(&shut, Observation::Quarantine { plugin, is_quarantined: true, .. }
            if plugin.as_str() == "ema"));
        let loss = seen(&lock(LockReason::DailyLoss, ema)).unwrap();
        assert!(matches!(&loss, Observation::Lock { lock, is_locked: true, .. }
            if lock.as_str() == "daily-loss"));
        assert_eq!(seen(&lock(LockReason::Fault, ema)), None);
        let end = seen(&Record::Unlocked { plugin: ema, reason: LockReason::DailyLoss }).unwrap();
        assert!(matches!(end, Observation::Lock { is_locked: false, .. }));
    }

    #[test]
    fn what_has_a_record_of_its_own_is_said_once() {
        assert_eq!(seen(&Record::Alert(Alert::Quarantined(PluginId(0)))), None);
        let limit = Record::Alert(Alert::LimitBreached {
            plugin: None,
            reason: LockReason::Drawdown,
            value: Money(2),
            limit: Money(1),
        });
        assert!(matches!(seen(&limit), Some(Observation::Limit { is_breached: true, .. })));
        // A number that nobody knows is a name all the same.
        let flat = seen(&Record::Alert(Alert::CannotFlatten(PluginId(9)))).unwrap();
        assert!(matches!(&flat, Observation::Engine { about, severity: Severity::Critical, .. }
            if about.as_str() == "plugin 9"));
    }
}
