//! Plugin and account as risk looks at them, and what it keeps of each.

use alloc::vec::Vec;

use crate::{
    engine::{
        Alert, Effect, Engine, EngineConfig, Flaws, News, PluginConfig, Record, guards::Rounds,
        protection::Protection,
    },
    ids::{ClientOrderId, InstrumentId, PluginId},
    market::Side,
    num::{Money, Price, Quantity},
    order::{Order, OrderKind, OrderState, Transition},
    plugin::TradingState,
    risk::{
        Denial, Exposure, Limits, MarketView, Pattern, Purpose, RampState, Resting, Scope,
        ScopeView, Seen, SelfTrade, Throttle, Watch,
    },
    time::UnixNanos,
};

/// What risk keeps of one scope. Changed by `apply` alone.
#[derive(Clone, Debug)]
pub(crate) struct ScopeRisk {
    /// The limits that count: the operator's, or the share of them that the ramp gives.
    pub(crate) limits: Limits,
    pub(crate) ramp: RampState,
    pub(crate) watch: Watch,
    pub(crate) throttle: Throttle,
    /// When a guard of it was last breached.
    pub(crate) breached_at: Option<UnixNanos>,
}

impl ScopeRisk {
    fn new(limits: &Limits, budget: Money) -> Self {
        let ramp = RampState::default();
        let limits = limits.scaled(ramp.share(&limits.ramp));
        Self {
            ramp,
            watch: Watch::new(limits.guards, budget),
            throttle: Throttle::new(&limits.rates),
            breached_at: None,
            limits,
        }
    }
}

/// What risk keeps beside the orders and the account.
#[derive(Clone, Debug)]
pub(crate) struct Risk {
    plugins: Vec<ScopeRisk>,
    account: ScopeRisk,
    /// Where our own orders rest; `None` where they may meet.
    pub(crate) resting: Option<Resting>,
    pub(crate) pattern: Option<Pattern>,
    /// Trading to and fro that ended with the latest fill.
    pub(crate) seen: Option<Seen>,
    pub(crate) protection: Protection,
    pub(crate) rounds: Rounds,
    /// Scopes whose equity is sampled.
    pub(crate) sampled: Vec<Option<PluginId>>,
    /// When a minute or a day begins that has not been sampled.
    pub(crate) sample_next: UnixNanos,
    /// Whether everything that is held is known to have a price.
    pub(crate) marked: bool,
}

/// Whether the equity of a scope with these limits is sampled. A journal wants to know how everybody
/// stood; a backtest only what guards and ramps need.
const fn is_sampled(config: &EngineConfig, limits: &Limits) -> bool {
    config.recovery.is_some() || limits.guards.watch_equity() || !limits.ramp.is_empty()
}

impl Risk {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let rules = &config.risk;
        let scopes = config.plugins.iter().map(|plugin| (&plugin.limits, plugin.budget));
        let total = config.plugins.iter().map(|plugin| plugin.budget).sum();
        let plugins: Vec<_> =
            scopes.map(|(limits, budget)| ScopeRisk::new(limits, budget)).collect();
        let account = ScopeRisk::new(&config.account_limits, total);
        let ids = (0u16..).zip(&config.plugins).map(|(id, p)| (Some(PluginId(id)), &p.limits));
        let sampled = ids.chain([(None, &config.account_limits)]);
        let sampled =
            sampled.filter(|(_, limits)| is_sampled(config, limits)).map(|(id, _)| id).collect();
        let allowed = rules.self_trade == SelfTrade::Allow;
        let streaks = plugins.iter().chain([&account]).map(|scope| &scope.limits.guards);
        let counts = streaks.into_iter().any(|guards| guards.losing_streak.is_some());
        Self {
            resting: (!allowed).then(|| Resting::new(config.instruments.len())),
            pattern: rules.pattern.map(Pattern::new),
            seen: None,
            protection: Protection::default(),
            rounds: Rounds::new(counts),
            plugins,
            account,
            sampled,
            sample_next: UnixNanos(0),
            marked: false,
        }
    }

    /// Takes in one more plugin.
    pub(crate) fn add(&mut self, config: &EngineConfig, id: PluginId, plugin: &PluginConfig) {
        let scope = ScopeRisk::new(&plugin.limits, plugin.budget);
        if scope.limits.guards.losing_streak.is_some() {
            self.rounds.count();
        }
        self.plugins.push(scope);
        self.account.watch.give(plugin.budget);
        if is_sampled(config, &plugin.limits) {
            // The account comes last, as in an engine that has had all plugins from the start.
            let account = self.sampled.iter().position(Option::is_none);
            self.sampled.insert(account.unwrap_or(self.sampled.len()), Some(id));
        }
    }

    pub(crate) fn scope(&self, plugin: Option<PluginId>) -> &ScopeRisk {
        match plugin {
            Some(plugin) => &self.plugins[usize::from(plugin.0)],
            None => &self.account,
        }
    }

    pub(crate) fn scope_mut(&mut self, plugin: Option<PluginId>) -> &mut ScopeRisk {
        match plugin {
            Some(plugin) => &mut self.plugins[usize::from(plugin.0)],
            None => &mut self.account,
        }
    }

    /// The plugin's and the account's.
    pub(crate) fn both(&mut self, plugin: PluginId) -> [&mut ScopeRisk; 2] {
        [&mut self.plugins[usize::from(plugin.0)], &mut self.account]
    }
}

/// Sums over all instruments but one.
#[derive(Clone, Copy)]
struct Others {
    gross: Money,
    /// Signed, with all buys filled, and with all sells.
    net: [Money; 2],
}

impl<F: Flaws> Engine<F> {
    /// Both scopes for an order of `instrument`, without the order `except`, which is about to
    /// change.
    pub(super) fn scopes(
        &self,
        plugin: PluginId,
        instrument: InstrumentId,
        except: Option<ClientOrderId>,
    ) -> Result<[ScopeView<'_>; 2], Denial> {
        let at = usize::from(instrument.0);
        let (own_all, account_all) =
            (self.orders.plugin_exposures(plugin), self.orders.account_exposures());
        let (mut own, mut account) = (own_all[at], account_all[at]);
        let changed = except.and_then(|id| self.orders.get(id));
        if let Some(tracked) = changed.filter(|t| t.purpose != Purpose::Protective) {
            own.work(tracked.order.side, tracked.is_bound(), -tracked.reserved());
            account.follow(&own_all[at], &own);
        }
        let view = |scope, of: Option<PluginId>, exposure, all, equity, open_orders| {
            let risk = self.risk.scope(of);
            let others = self.others(scope, &risk.limits, all, instrument)?;
            Ok(ScopeView {
                scope,
                limits: &risk.limits,
                // Until the venue has shown its books, nobody knows what there is to risk.
                state: if of.is_some() || self.reconciled {
                    self.scope_state(of).state()
                } else {
                    TradingState::Halted
                },
                exposure,
                other_gross: others.gross,
                other_net: others.net,
                equity,
                open_orders,
                throttle: &risk.throttle,
            })
        };
        let equity = self.account.sub_account(plugin).equity();
        let open = self.orders.plugin_open(plugin);
        Ok([
            view(Scope::Plugin, Some(plugin), own, own_all, equity, open)?,
            view(
                Scope::Account,
                None,
                account,
                account_all,
                self.account.equity(),
                self.orders.account_open(),
            )?,
        ])
    }

    /// Sums of the worst cases in all instruments but one; zero where no limit asks for them.
    fn others(
        &self,
        scope: Scope,
        limits: &Limits,
        exposures: &[Exposure],
        except: InstrumentId,
    ) -> Result<Others, Denial> {
        let mut others = Others { gross: Money::ZERO, net: [Money::ZERO; 2] };
        let asks_net = limits.net_notional_max.is_some();
        if !limits.ask_gross() && !asks_net {
            return Ok(others);
        }
        for ((index, exposure), rules) in (0u16..).zip(exposures).zip(&self.config.instruments) {
            let worst = exposure.worst_abs(scope);
            if InstrumentId(index) == except || worst.is_zero() {
                continue;
            }
            // Something works or is held, so it has had a price; a limit order's own price is not
            // known here, and without any mark nothing can be said.
            let mark = self.markets[usize::from(index)].mark().ok_or(Denial::NoMarketPrice)?;
            let notional =
                |quantity: Quantity| rules.notional(mark, quantity).ok_or(Denial::NumberOverflow);
            others.gross += notional(worst)?;
            if asks_net {
                others.net[0] += notional(exposure.worst(Side::Buy, scope))?;
                others.net[1] += notional(exposure.worst(Side::Sell, scope))?;
            }
        }
        Ok(others)
    }

    pub(super) fn market_view(&self, instrument: InstrumentId) -> MarketView {
        let market = self.market_state(instrument);
        MarketView { mark: market.mark(), age: self.now.since(market.time()), now: self.now }
    }

    /// What is done where `order` would meet another order of the account. Whether it is to end
    /// before it is sent.
    ///
    /// What the host sends to shrink a position does not wait for others: they make way for it.
    pub(super) fn prevent_self_trade(
        &mut self,
        order: &Order,
        purpose: Purpose,
        effects: &mut Vec<Effect>,
    ) -> Result<bool, Denial> {
        if self.risk.resting.is_none() {
            return Ok(false);
        }
        let rule = match self.config.risk.self_trade {
            _ if purpose.is_host() => SelfTrade::CancelOldest,
            rule => rule,
        };
        loop {
            let making_way =
                |id| id == order.id || (rule == SelfTrade::CancelOldest && self.is_to_end(id));
            let Some(reach) = self.reach(order) else {
                return Ok(false);
            };
            let met = self.risk.resting.as_ref().and_then(|resting| {
                resting.met_by(order.instrument, order.side, reach, making_way)
            });
            match (met, rule) {
                (None, _) | (_, SelfTrade::Allow) => return Ok(false),
                (Some(other), SelfTrade::CancelOldest) => self.cancel(other, effects),
                (Some(_), SelfTrade::CancelNewest) if purpose == Purpose::Plain => return Ok(true),
                (Some(other), _) => return Err(Denial::SelfTrade { other }),
            }
        }
    }

    /// Tells a person when a plugin, or all together, cancel more than is allowed.
    pub(super) fn alert_of_cancels(&mut self, plugin: PluginId, effects: &mut Vec<Effect>) {
        let now = self.now;
        for scope in [Some(plugin), None] {
            if self.risk.scope_mut(scope).throttle.alerts(now) {
                let alert = Alert::CancelsAboveRate { plugin: scope };
                self.commit(Record::Alert(alert), effects);
            }
        }
    }

    /// Whether a change would make an order meet another one; as for a new order.
    pub(super) fn prevent_in_change(
        &mut self,
        id: ClientOrderId,
        kind: OrderKind,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        let Some(tracked) = self.orders.get(id) else {
            return Ok(());
        };
        let (order, purpose) = (Order { kind, ..tracked.order.clone() }, tracked.purpose);
        // Where a new order would be canceled, a change is not made.
        let purpose = if purpose == Purpose::Plain { Purpose::Entry } else { purpose };
        self.prevent_self_trade(&order, purpose, effects).map(drop)
    }

    /// How far an order reaches into the book. A market order takes the best price that is shown;
    /// one that waits for a trigger reaches nowhere yet.
    fn reach(&self, order: &Order) -> Option<Price> {
        match order.kind {
            OrderKind::Limit(limit) => Some(limit),
            OrderKind::Market => {
                let market = self.market_state(order.instrument);
                let quote = market.quote().map(|quote| (quote.bid_price, quote.ask_price));
                let book = market.book().best().map(|((bid, _), (ask, _))| (bid, ask));
                let shown = book.or(quote).map(|(bid, ask)| match order.side {
                    Side::Buy => ask,
                    Side::Sell => bid,
                });
                shown.or_else(|| market.mark())
            }
            _ => None,
        }
    }

    /// Counts a new order into the pace of its scopes. What the host sends on its own account is
    /// nobody's pace.
    pub(super) fn note_order(
        &mut self,
        order: &Order,
        purpose: Purpose,
        is_new: bool,
        at: UnixNanos,
    ) {
        if purpose == Purpose::Protective {
            self.risk.protection.opened(order, at);
        }
        self.note_resting(order.id);
        if is_new && !purpose.is_host() {
            for scope in self.risk.both(order.plugin()) {
                scope.throttle.note_order(at);
            }
        }
    }

    /// Counts what a plugin asks of the venue about an order that works there.
    pub(super) fn note_request(&mut self, id: ClientOrderId, by: Transition, at: UnixNanos) {
        let Some(tracked) = self.orders.get(id).filter(|t| t.purpose.is_told()) else {
            return;
        };
        let own = !tracked.purpose.is_host() && tracked.state != OrderState::Emulated;
        for scope in self.risk.both(id.plugin) {
            match by {
                Transition::AskUpdate if own => scope.throttle.note_amend(at),
                Transition::AskCancel => scope.throttle.note_cancel(at),
                _ => {}
            }
        }
    }

    pub(super) fn note_fill(&mut self, id: ClientOrderId, at: UnixNanos) {
        if self.orders.get_any(id).is_some_and(|tracked| !tracked.purpose.is_host()) {
            for scope in self.risk.both(id.plugin) {
                scope.throttle.note_fill(at);
            }
        }
    }

    /// Follows a move of an order in the book of our own.
    pub(super) fn follow_resting(&mut self, id: ClientOrderId, by: Transition, news: &News) {
        match (by, news) {
            (Transition::AskUpdate, News::Asked { price: Some(price), .. }) => {
                if let Some(resting) = &mut self.risk.resting {
                    resting.may_move(id, *price);
                }
            }
            (Transition::AskUpdate | Transition::AskCancel | Transition::Lose, _) => {}
            // A fill, or that a cancel was refused, is no answer to a change.
            (Transition::Update, _)
            | (Transition::ChangeRejected, News::Nothing | News::Reason(_)) => {
                if let Some(resting) = &mut self.risk.resting {
                    resting.answered(id);
                }
                self.note_resting(id);
            }
            _ => self.note_resting(id),
        }
    }

    /// Notes where an order rests by now.
    pub(super) fn note_resting(&mut self, id: ClientOrderId) {
        let Some(resting) = &mut self.risk.resting else {
            return;
        };
        let Some(tracked) = self.orders.get(id).filter(|t| t.state != OrderState::Emulated) else {
            return resting.remove(id);
        };
        let order = &tracked.order;
        match order.kind {
            OrderKind::Limit(price) => resting.put(id, order.instrument, order.side, price),
            OrderKind::StopLimit { limit, .. }
                if tracked.state == OrderState::Triggered || resting.contains(id) =>
            {
                resting.put(id, order.instrument, order.side, limit);
            }
            _ => {}
        }
    }
}
