//! Counting what the rows of a period say, per plugin. Positions are kept with the core's own
//! reckoning, from the first row on, so that a realized profit here is the one that the engine had.

use std::collections::BTreeMap;

use sandpit_core::{
    account::Position,
    engine::{Alert, Record},
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Money, Quantity},
    order::Fill,
    time::UnixNanos,
};
use sandpit_journal::journal::Tables;

use super::month::{LockNote, ScopeFigures};

/// Figures of every plugin, and of the account last.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    tables: &'a Tables,
    positions: BTreeMap<(PluginId, InstrumentId), Position>,
    figures: Vec<ScopeFigures>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(tables: &'a Tables) -> Self {
        let names = tables.plugins.iter().map(String::as_str).chain(["account"]);
        let figures = names.map(ScopeFigures::new).collect();
        Self { tables, positions: BTreeMap::new(), figures }
    }

    pub(super) fn into_figures(self) -> Vec<ScopeFigures> {
        self.figures
    }

    /// Changes the figures of a plugin and of the account.
    fn count(&mut self, plugin: Option<PluginId>, mut change: impl FnMut(&mut ScopeFigures)) {
        let account = self.figures.len().saturating_sub(1);
        if let Some(figures) = plugin
            .map(|plugin| usize::from(plugin.0))
            .filter(|index| *index < account)
            .and_then(|index| self.figures.get_mut(index))
        {
            change(figures);
        }
        if let Some(figures) = self.figures.last_mut() {
            change(figures);
        }
    }

    /// Takes a record in; it counts where `counts` says so, and moves positions in any case.
    pub(super) fn take(&mut self, at: UnixNanos, record: &Record, counts: bool) {
        self.move_position(record, counts);
        if !counts {
            return;
        }
        match record {
            Record::Submitted { order, .. } | Record::Held { order, .. } => {
                self.count(Some(order.plugin()), |it| it.orders += 1);
            }
            Record::Denied { plugin, denial, .. } => {
                let name = denial.code().name();
                self.count(Some(*plugin), |it| add(&mut it.denials, name));
            }
            Record::Faulted(plugin, fault) => {
                let name = fault.code.name();
                self.count(Some(*plugin), |it| add(&mut it.faults, name));
            }
            Record::Alert(alert) => {
                let (plugin, name) = named(alert);
                self.count(plugin, |it| add(&mut it.alerts, name));
            }
            Record::Locked { plugin, lock } => {
                let note = LockNote {
                    at,
                    scope: self.scope(*plugin),
                    reason: lock.reason.name().to_owned(),
                    ended: false,
                };
                self.count(*plugin, |it| it.locks.push(note.clone()));
            }
            Record::Unlocked { plugin, reason } => {
                let note = LockNote {
                    at,
                    scope: self.scope(*plugin),
                    reason: reason.name().to_owned(),
                    ended: true,
                };
                self.count(*plugin, |it| it.locks.push(note.clone()));
            }
            _ => {}
        }
    }

    fn scope(&self, plugin: Option<PluginId>) -> String {
        let name = plugin.and_then(|plugin| self.tables.plugins.get(usize::from(plugin.0)));
        name.map_or_else(|| "account".to_owned(), Clone::clone)
    }

    fn move_position(&mut self, record: &Record, counts: bool) {
        match record {
            Record::Filled { order, fill, .. } => {
                self.fill(order.plugin(), order.instrument, order.side, fill, counts);
                if counts {
                    self.count(Some(order.plugin()), |it| it.fills += 1);
                }
            }
            Record::Liquidated { plugin, instrument, side, fill, .. } => {
                self.fill(*plugin, *instrument, *side, fill, counts);
                if counts {
                    self.count(Some(*plugin), |it| it.liquidations += 1);
                }
            }
            Record::Funded { plugin, amount, .. } if counts => {
                self.count(Some(*plugin), |it| it.funding += *amount);
            }
            Record::CarriedPosition {
                plugin,
                instrument,
                quantity,
                cost,
                realized,
                fees,
                funding,
            } => {
                let position = Position {
                    quantity: *quantity,
                    cost: *cost,
                    realized: *realized,
                    fees: *fees,
                    funding: *funding,
                    value: Money::ZERO,
                };
                self.positions.insert((*plugin, *instrument), position);
            }
            _ => {}
        }
    }

    fn fill(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        side: Side,
        fill: &Fill,
        counts: bool,
    ) {
        let signed = match side {
            Side::Buy => fill.quantity,
            Side::Sell => Quantity(fill.quantity.0.saturating_neg()),
        };
        let rules = self.tables.instruments.get(usize::from(instrument.0));
        let notional = rules.and_then(|rules| rules.notional(fill.price, signed));
        let notional = notional.unwrap_or(Money::ZERO);
        let position = self.positions.entry((plugin, instrument)).or_default();
        let before = position.realized;
        position.fill(signed, notional, fill.fee);
        let realized = position.realized - before;
        if counts {
            self.count(Some(plugin), |it| {
                it.volume += notional.abs();
                it.fees += fill.fee;
                it.realized += realized;
            });
        }
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}

/// Whose an alert is, and its name.
const fn named(alert: &Alert) -> (Option<PluginId>, &'static str) {
    match alert {
        Alert::ImpossibleReport(order, ..) => (Some(order.plugin), "impossible-report"),
        Alert::Overfilled(order, _) => (Some(order.plugin), "overfilled"),
        Alert::StrangeReport(order) => (Some(order.plugin), "strange-report"),
        Alert::BookLost(..) => (None, "book-lost"),
        Alert::NumberOverflow(_) => (None, "number-overflow"),
        Alert::Killed(_) => (None, "killed"),
        Alert::Liquidated(plugin, _) => (Some(*plugin), "liquidated"),
        Alert::Quarantined(plugin) => (Some(*plugin), "quarantined"),
        Alert::OrderVanished(order) => (Some(order.plugin), "order-vanished"),
        Alert::ExternalPosition(..) => (None, "external-position"),
        Alert::CannotFlatten(plugin) => (Some(*plugin), "cannot-flatten"),
        Alert::LimitBreached { plugin, .. } => (*plugin, "limit-breached"),
        Alert::CancelsAboveRate { plugin } => (*plugin, "cancels-above-rate"),
        Alert::SelfTradePattern { .. } => (None, "self-trade-pattern"),
        Alert::Unprotected { plugin, .. } => (Some(*plugin), "unprotected"),
    }
}
