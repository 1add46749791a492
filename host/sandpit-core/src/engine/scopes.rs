//! Plugin and account as risk looks at them.

use crate::{
    engine::{Engine, Flaws},
    ids::{ClientOrderId, InstrumentId, PluginId},
    num::Money,
    plugin::TradingState,
    risk::{Denial, Exposure, Limits, Scope, ScopeView},
};

impl<F: Flaws> Engine<F> {
    /// Both scopes for an order of `instrument`, without the order `except`, which is about to
    /// change.
    pub(super) fn scopes(
        &self,
        plugin: PluginId,
        instrument: InstrumentId,
        except: Option<ClientOrderId>,
    ) -> Result<[ScopeView<'_>; 2], Denial> {
        let (at, of) = (usize::from(instrument.0), usize::from(plugin.0));
        let (own_all, account_all) =
            (self.orders.plugin_exposures(plugin), self.orders.account_exposures());
        let (mut own, mut account) = (own_all[at], account_all[at]);
        if let Some(tracked) = except.and_then(|id| self.orders.get(id)) {
            let (side, reduce_only) = (tracked.order.side, tracked.order.reduce_only);
            own.work(side, reduce_only, -tracked.working());
            account.follow(&own_all[at], &own);
        }
        let limits = &self.config.plugins[of].limits;
        Ok([
            ScopeView {
                scope: Scope::Plugin,
                limits,
                state: self.scope_state(Some(plugin)).state(),
                exposure: own,
                other_gross: self.other_gross(Scope::Plugin, limits, own_all, instrument)?,
                open_orders: self.orders.plugin_open(plugin),
            },
            ScopeView {
                scope: Scope::Account,
                limits: &self.config.account_limits,
                // Until the venue has shown its books, nobody knows what there is to risk.
                state: if self.reconciled {
                    self.account_state.state()
                } else {
                    TradingState::Halted
                },
                exposure: account,
                other_gross: self.other_gross(
                    Scope::Account,
                    &self.config.account_limits,
                    account_all,
                    instrument,
                )?,
                open_orders: self.orders.account_open(),
            },
        ])
    }

    /// Sum of the worst cases in all instruments but one; zero where no limit asks for it.
    fn other_gross(
        &self,
        scope: Scope,
        limits: &Limits,
        exposures: &[Exposure],
        except: InstrumentId,
    ) -> Result<Money, Denial> {
        let mut gross = Money::ZERO;
        if limits.gross_notional_max.is_none() {
            return Ok(gross);
        }
        for ((index, exposure), rules) in (0u16..).zip(exposures).zip(&self.config.instruments) {
            let worst = exposure.worst_abs(scope);
            if InstrumentId(index) == except || worst.is_zero() {
                continue;
            }
            // Something works or is held, so it has had a price; a limit order's own price is not
            // known here, and without any mark nothing can be said.
            let mark = self.markets[usize::from(index)].mark().ok_or(Denial::NoMarketPrice)?;
            gross += rules.notional(mark, worst).ok_or(Denial::NumberOverflow)?;
        }
        Ok(gross)
    }
}
