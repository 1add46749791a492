//! Events on their way into the guest: lowered to the contract's records, one export a kind.

use sandpit_core::{market::MarketData, plugin::PluginEvent};
use wasmtime::Store;

use super::{Allowance, Instance, State, arm, guest};
use crate::convert;

impl Instance {
    /// Lowers the event and enters the guest. Says whether intents are waiting. It is one function
    /// wherever it is called from: how much stack a guest has left depends on the frame that enters
    /// it, and a guest that recurses to the end of it has to get there at the same call everywhere.
    #[inline(never)]
    pub(super) fn deliver(
        &mut self,
        event: &PluginEvent,
        allowed: Allowance,
    ) -> wasmtime::Result<bool> {
        let Self { store, strategy, grids, .. } = self;
        let guest = guest(strategy);
        match event {
            PluginEvent::Market { event, history } => {
                store.data_mut().log.set_time(event.time);
                match &event.data {
                    MarketData::Trade(trade) => {
                        let trade = convert::trade(event, trade, *history, grids)?;
                        arm(store, allowed)?;
                        guest.call_on_trade(store, trade)
                    }
                    MarketData::Quote(quote) => {
                        let quote = convert::quote(event, quote, *history, grids)?;
                        arm(store, allowed)?;
                        guest.call_on_quote(store, quote)
                    }
                    MarketData::Bar(bar) => {
                        let bar = convert::bar(event, bar, *history, grids)?;
                        arm(store, allowed)?;
                        guest.call_on_bar(store, bar)
                    }
                    // Guests see books, not changes of books: those come as `PluginEvent::Depth`.
                    // Of marks and fundings this contract does not tell.
                    MarketData::Depth(_) | MarketData::Mark(_) | MarketData::Funding(_) => {
                        arm(store, allowed).map(|()| false)
                    }
                }
            }
            _ => self.deliver_own(event, allowed),
        }
    }

    /// The events that are not the market's own.
    fn deliver_own(&mut self, event: &PluginEvent, allowed: Allowance) -> wasmtime::Result<bool> {
        let Self { store, strategy, grids, .. } = self;
        let guest = guest(strategy);
        let now = |store: &mut Store<State>, time| {
            store.data_mut().log.set_time(time);
            arm(store, allowed)
        };
        match event {
            PluginEvent::Market { .. } => Ok(false),
            PluginEvent::Depth(view) => {
                convert::fill_depth(&mut self.depth, view, grids)?;
                now(store, view.time)?;
                guest.call_on_depth(store, &self.depth)
            }
            PluginEvent::Order(update) => {
                let wire = convert::order_update(update, grids)?;
                now(store, update.time)?;
                guest.call_on_order(store, &wire)
            }
            PluginEvent::Position(view) => {
                let wire = convert::position(view, grids)?;
                now(store, view.time)?;
                guest.call_on_position(store, wire)
            }
            PluginEvent::Budget(view) => {
                let wire = convert::budget(view);
                now(store, view.time)?;
                guest.call_on_budget(store, wire)
            }
            PluginEvent::Timer { id, time } => {
                now(store, *time)?;
                guest.call_on_timer(store, id.0, time.0)
            }
            PluginEvent::TradingState { state, time } => {
                now(store, *time)?;
                guest.call_on_trading_state(store, convert::trading_state(*state), time.0)
            }
        }
    }
}

/// The export that an event goes to.
pub(crate) const fn export_of(event: &PluginEvent) -> &'static str {
    match event {
        PluginEvent::Market { event, .. } => match event.data {
            MarketData::Trade(_) => "on-trade",
            MarketData::Quote(_) => "on-quote",
            MarketData::Bar(_) => "on-bar",
            MarketData::Depth(_) => "on-depth",
            MarketData::Mark(_) | MarketData::Funding(_) => "no export",
        },
        PluginEvent::Depth(_) => "on-depth",
        PluginEvent::Order(_) => "on-order",
        PluginEvent::Position(_) => "on-position",
        PluginEvent::Budget(_) => "on-budget",
        PluginEvent::Timer { .. } => "on-timer",
        PluginEvent::TradingState { .. } => "on-trading-state",
    }
}
