//! What the world may look at.

use alloc::vec::Vec;

use crate::{
    account::Account,
    engine::{Engine, EngineConfig, Flaws, Lock},
    ids::{InstrumentId, PluginId},
    market::MarketState,
    num::Quantity,
    order::{Order, OrderState},
    plugin::{BudgetView, OpenOrderView, PositionView, TradingState},
    time::UnixNanos,
};

impl<F: Flaws> Engine<F> {
    /// What the engine was made of.
    #[must_use]
    pub const fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// Positions, cash and PnL.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// What is known of a market.
    #[must_use]
    pub fn market_of(&self, instrument: InstrumentId) -> &MarketState {
        self.market_state(instrument)
    }

    /// The latest time that was said.
    #[must_use]
    pub const fn now(&self) -> UnixNanos {
        self.now
    }

    /// When the engine wants to be told the time.
    #[must_use]
    pub fn next_wake(&self) -> Option<UnixNanos> {
        let wakes = [
            self.timers.next(),
            self.feed.next_bar_end(),
            self.next_lock_end(),
            self.held.next_expiry(),
            self.deadlines.next(),
            self.doubts.next(),
            self.reconcile_next,
            // Nothing is closed before the books are compared.
            self.flatten_next.filter(|_| self.reconciled),
            self.risk.protection.next(),
        ];
        wakes.into_iter().flatten().min()
    }

    /// What is let through for a plugin: the tighter of its own and the account's state.
    #[must_use]
    pub fn trading_state(&self, plugin: PluginId) -> TradingState {
        self.scope_state(Some(plugin)).state().max(self.account_state.state())
    }

    /// What is let through for the account.
    #[must_use]
    pub fn account_trading_state(&self) -> TradingState {
        self.account_state.state()
    }

    /// The locks of a plugin, or of the account.
    pub fn locks(&self, plugin: Option<PluginId>) -> impl Iterator<Item = &Lock> {
        self.scope_state(plugin).locks()
    }

    /// How many orders are of unknown fate, or otherwise in doubt.
    #[must_use]
    pub fn orders_in_doubt(&self) -> usize {
        self.doubts.ids().count()
    }

    /// What the account holds of an instrument beyond what we do, signed.
    #[must_use]
    pub fn external_position(&self, instrument: InstrumentId) -> Quantity {
        self.external[usize::from(instrument.0)][0]
    }

    /// The open orders with their states and what is filled of them, in the order of their birth.
    pub fn orders(&self) -> impl Iterator<Item = (&Order, OrderState, Quantity)> {
        self.orders.iter().map(|tracked| (&tracked.order, tracked.state, tracked.filled))
    }

    /// How many orders are open.
    #[must_use]
    pub const fn open_orders(&self) -> u32 {
        self.orders.account_open()
    }

    /// A plugin's open orders, as a session tells of them.
    #[must_use]
    pub fn open_orders_of(&self, plugin: PluginId) -> Vec<OpenOrderView> {
        self.orders
            .of_plugin(plugin)
            .map(|tracked| OpenOrderView {
                tag: tracked.order.tag,
                instrument: tracked.order.instrument,
                side: tracked.order.side,
                kind: tracked.order.kind,
                quantity: tracked.order.quantity,
                filled: tracked.filled,
                reduce_only: tracked.order.reduce_only,
            })
            .collect()
    }

    /// A plugin's positions in the instruments of its session.
    #[must_use]
    pub fn positions_of(&self, plugin: PluginId) -> Vec<PositionView> {
        self.config.plugins[usize::from(plugin.0)]
            .instruments
            .iter()
            .map(|instrument| self.position_view(plugin, *instrument))
            .collect()
    }

    /// A plugin's share of the account.
    #[must_use]
    pub fn budget_of(&self, plugin: PluginId) -> BudgetView {
        let share = self.account.sub_account(plugin);
        BudgetView {
            time: self.now,
            balance: share.balance(),
            equity: share.equity(),
            fees: share.fees(),
        }
    }

    pub(super) fn position_view(&self, plugin: PluginId, instrument: InstrumentId) -> PositionView {
        let position = self.account.sub_account(plugin).position(instrument);
        PositionView {
            instrument,
            time: self.now,
            quantity: position.quantity,
            cost: position.cost,
            realized_pnl: position.realized,
        }
    }
}
