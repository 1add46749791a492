//! What an operator sees of a session's books: orders, positions, profit and loss, risk, in the
//! words of the admin interface. It only looks.

use std::collections::BTreeMap;

use sandpit_core::{
    engine::EquitySample,
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    market::Side,
    num::Money,
    order::{Order, OrderKind, OrderState},
    risk::{Guards, LossLimit},
};

use super::{host::Host, look};
use crate::{
    admin::{
        OrderView, OverviewView, PnlView, PositionView, RiskView, ScopePnlView, ScopeRiskView,
    },
    config::RunConfig,
};

/// All at a glance.
pub(super) fn overview(host: &Host, config: &RunConfig) -> OverviewView {
    let list = look::list(host, config);
    OverviewView {
        session: list.session,
        plugins: list.plugins,
        orders: orders(host, None).take(OverviewView::ORDERS_MAX).collect(),
        positions: positions(host, None),
        pnl: pnl(host, config),
        risk: risk(host),
    }
}

/// Open orders, of all plugins or of one, oldest first.
pub(super) fn orders(
    host: &Host,
    plugin: Option<PluginId>,
) -> impl Iterator<Item = OrderView> + '_ {
    let rules = &host.engine.config().instruments;
    let orders = host.engine.orders();
    orders.filter(move |(order, ..)| plugin.is_none_or(|plugin| order.plugin() == plugin)).map(
        |(order, state, filled)| {
            let instrument = &rules[usize::from(order.instrument.0)];
            OrderView {
                id: order.id.to_string(),
                plugin: host.roster.name(order.plugin()).to_owned(),
                instrument: instrument.spec().symbol.clone(),
                side: side_name(order.side).to_owned(),
                kind: kind_name(order.kind).to_owned(),
                price: order.kind.limit().map(|it| instrument.price_decimal(it).to_string()),
                trigger: trigger(order, instrument),
                quantity: instrument.quantity_decimal(order.quantity).to_string(),
                filled: instrument.quantity_decimal(filled).to_string(),
                state: state_name(state).to_owned(),
                reduce_only: order.reduce_only,
            }
        },
    )
}

fn trigger(order: &Order, instrument: &Instrument) -> Option<String> {
    order.kind.trigger().map(|trigger| instrument.price_decimal(trigger).to_string())
}

/// Positions that are not flat, of all plugins or of one.
pub(super) fn positions(host: &Host, plugin: Option<PluginId>) -> Vec<PositionView> {
    let wanted = host.roster.ids().filter(|id| plugin.is_none_or(|plugin| plugin == *id));
    let rules = &host.engine.config().instruments;
    wanted
        .flat_map(|id| (0u16..).zip(rules).map(move |(at, rules)| (id, InstrumentId(at), rules)))
        .filter_map(|(id, instrument, rules)| position(host, id, instrument, rules))
        .collect()
}

fn position(
    host: &Host,
    plugin: PluginId,
    instrument: InstrumentId,
    rules: &Instrument,
) -> Option<PositionView> {
    let position = host.engine.account().sub_account(plugin).position(instrument);
    if position.quantity.0 == 0 {
        return None;
    }
    let mark = host.engine.market_of(instrument).mark();
    Some(PositionView {
        plugin: host.roster.name(plugin).to_owned(),
        instrument: rules.spec().symbol.clone(),
        quantity: rules.quantity_decimal(position.quantity).to_string(),
        average_price: Some(rules.average_price(position.cost, position.quantity).to_string()),
        mark: mark.map(|mark| rules.price_decimal(mark).to_string()),
        value: position.value.to_string(),
        unrealized: position.unrealized().to_string(),
        realized: position.realized.to_string(),
        fees: position.fees.to_string(),
    })
}

/// How the account and its plugins stand.
pub(super) fn pnl(host: &Host, config: &RunConfig) -> PnlView {
    let account = host.engine.account();
    let samples = &host.tally.equity;
    let sum = |amount: fn(&sandpit_core::account::SubAccount) -> Money| {
        account.sub_accounts().iter().map(amount).sum::<Money>()
    };
    let whole = Standing {
        equity: account.equity(),
        balance: account.balance(),
        realized: sum(|share| share.realized()),
        unrealized: sum(|share| share.unrealized()),
        fees: sum(|share| share.fees()),
        funding: sum(|share| share.funding()),
    };
    let plugins = host.roster.ids().map(|id| {
        let share = account.sub_account(id);
        let standing = Standing {
            equity: share.equity(),
            balance: share.balance(),
            realized: share.realized(),
            unrealized: share.unrealized(),
            fees: share.fees(),
            funding: share.funding(),
        };
        let guards = host.roster.get(id).map(|member| &member.run.limits.guards);
        let name = host.roster.name(id).to_owned();
        standing.view(Some(name), samples.get(&Some(id)), guards)
    });
    PnlView {
        currency: host.currency.clone(),
        account: whole.view(None, samples.get(&None), Some(&config.account_limits.guards)),
        plugins: plugins.collect(),
    }
}

struct Standing {
    equity: Money,
    balance: Money,
    realized: Money,
    unrealized: Money,
    fees: Money,
    funding: Money,
}

impl Standing {
    fn view(
        &self,
        plugin: Option<String>,
        sample: Option<&EquitySample>,
        guards: Option<&Guards>,
    ) -> ScopePnlView {
        let lost_max = |from: Option<Money>, limit: Option<LossLimit>| match limit? {
            LossLimit::Amount(amount) => Some(amount),
            LossLimit::Share(points) => from.map(|from| points.of(from.abs())),
        };
        let day_start = sample.map(|sample| sample.day_start);
        let peak = sample.map(|sample| sample.peak.max(self.equity));
        let daily = guards.and_then(|guards| guards.daily_loss).map(|guard| guard.limit);
        let drawdown = guards.and_then(|guards| guards.drawdown).map(|guard| guard.limit);
        let text = |amount: Option<Money>| amount.map(|amount| amount.to_string());
        ScopePnlView {
            plugin,
            equity: self.equity.to_string(),
            balance: self.balance.to_string(),
            realized: self.realized.to_string(),
            unrealized: self.unrealized.to_string(),
            fees: self.fees.to_string(),
            funding: self.funding.to_string(),
            today: text(day_start.map(|start| self.equity - start)),
            today_loss_max: text(lost_max(day_start, daily)),
            drawdown: text(peak.map(|peak| peak - self.equity)),
            drawdown_max: text(lost_max(peak, drawdown)),
        }
    }
}

/// What is let through.
pub(super) fn risk(host: &Host) -> RiskView {
    let engine = &host.engine;
    let plugins = host.roster.ids().map(|id| ScopeRiskView {
        plugin: Some(host.roster.name(id).to_owned()),
        trading_state: look::state_name(engine.trading_state(id)).to_owned(),
        locks: engine.locks(Some(id)).map(look::lock).collect(),
    });
    RiskView {
        account: ScopeRiskView {
            plugin: None,
            trading_state: look::state_name(engine.account_trading_state()).to_owned(),
            locks: engine.locks(None).map(look::lock).collect(),
        },
        plugins: plugins.collect(),
        orders_in_doubt: engine.orders_in_doubt() as u64,
    }
}

/// The last sample of each scope's equity.
pub(super) type Samples = BTreeMap<Option<PluginId>, EquitySample>;

/// A side's name.
pub(super) const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit(_) => "limit",
        OrderKind::Stop(_) => "stop",
        OrderKind::StopLimit { .. } => "stop-limit",
        OrderKind::TakeProfit(_) => "take-profit",
        OrderKind::TrailingStop(_) => "trailing-stop",
    }
}

const fn state_name(state: OrderState) -> &'static str {
    match state {
        OrderState::Initialized => "initialized",
        OrderState::Denied => "denied",
        OrderState::Emulated => "emulated",
        OrderState::Submitted => "submitted",
        OrderState::Accepted => "accepted",
        OrderState::Rejected => "rejected",
        OrderState::PendingUpdate => "pending-update",
        OrderState::PendingCancel => "pending-cancel",
        OrderState::Canceled => "canceled",
        OrderState::Expired => "expired",
        OrderState::Triggered => "triggered",
        OrderState::PartiallyFilled => "partially-filled",
        OrderState::Filled => "filled",
        OrderState::Unknown => "unknown",
    }
}
