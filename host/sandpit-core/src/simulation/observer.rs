//! What a run shows to whoever writes its report. The run itself keeps nothing that grows with
//! the length of the tape.

use crate::{
    account::Account,
    engine::{Alert, Record},
    ids::{InstrumentId, PluginId},
    market::MarketEvent,
    num::Quantity,
    order::{Fill, Order, OrderState},
    plugin::{CallCost, Fault, TradingState},
    risk::Denial,
    time::UnixNanos,
};

/// Is told of everything that a report needs, in the order in which it happens. All methods do
/// nothing unless overridden.
pub trait Observer {
    /// The market moved and everything was marked; comes after the consequences of the event at
    /// zero latency.
    fn market(&mut self, event: &MarketEvent, account: &Account) {
        let _ = (event, account);
    }

    /// Something happened that a journal would remember.
    fn recorded(&mut self, record: &Record, time: UnixNanos) {
        let _ = (record, time);
    }

    /// An order was approved and sent.
    fn submitted(&mut self, order: &Order, time: UnixNanos) {
        let _ = (order, time);
    }

    /// An order traded; `account` is as it is after it. A liquidation is told as the fill of an
    /// order that was never submitted, with the sequence number 0.
    fn filled(&mut self, order: &Order, fill: &Fill, time: UnixNanos, account: &Account) {
        let _ = (order, fill, time, account);
    }

    /// An order ended in this state with so much filled.
    fn closed(&mut self, order: &Order, state: OrderState, filled: Quantity, time: UnixNanos) {
        let _ = (order, state, filled, time);
    }

    /// An intent was denied.
    fn denied(
        &mut self,
        plugin: PluginId,
        instrument: Option<InstrumentId>,
        denial: &Denial,
        time: UnixNanos,
    ) {
        let _ = (plugin, instrument, denial, time);
    }

    /// A plugin was called.
    fn called(&mut self, plugin: PluginId, cost: CallCost) {
        let _ = (plugin, cost);
    }

    /// A plugin is at fault.
    fn faulted(&mut self, plugin: PluginId, fault: &Fault, time: UnixNanos) {
        let _ = (plugin, fault, time);
    }

    /// Something happened that a person must look at.
    fn alert(&mut self, alert: &Alert, time: UnixNanos) {
        let _ = (alert, time);
    }

    /// The trading state of a plugin changed.
    fn trading_state(&mut self, plugin: PluginId, state: TradingState, time: UnixNanos) {
        let _ = (plugin, state, time);
    }
}

/// An observer that looks away.
impl Observer for () {}
