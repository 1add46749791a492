//! `[account]` and `[plugins.limits]`: what a scope may risk, before the instruments' grids are
//! known. Shapes and meaning; the way back to TOML is
//! `render`'s.

mod render;

use std::{collections::BTreeMap, ops::Range};

use sandpit_core::{
    num::{Decimal, Money},
    plugin::TradingState,
    risk::{
        BasisPoints, BreachPolicy, Guards, LossGuard, LossLimit, OrderToFill, ProtectiveStop,
        RampStage, Rates, Sides, StreakGuard, Unlock, VelocityGuard,
    },
    time::Nanos,
};
use serde::Deserialize;
use toml::Spanned;

pub(super) use render::render;

use super::{ConfigError, number::Number};

type Misplaced = (Range<usize>, ConfigError);

/// What a scope may risk, before the instruments' grids are known. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoneyLimits {
    /// Distance of prices from the mark.
    pub price_collar_max: Option<BasisPoints>,
    /// Silence of a market after which its prices do not count.
    pub market_age_max: Option<Nanos>,
    /// Notional of one order.
    pub order_notional_max: Option<Money>,
    /// Number of open orders.
    pub open_orders_max: Option<u32>,
    /// Orders, changes and cancels in a time.
    pub rates: Rates,
    /// Notional of the position in one instrument.
    pub position_notional_max: Option<Money>,
    /// Notional of all positions. A plugin's is its budget where the operator says nothing.
    pub gross_notional_max: Option<Money>,
    /// Signed sum of all positions.
    pub net_notional_max: Option<Money>,
    /// Notional of all positions, as a share of the equity.
    pub leverage_max: Option<BasisPoints>,
    /// Notional of one position, as a share of the equity.
    pub concentration_max: Option<BasisPoints>,
    /// Whether a position may be negative.
    pub short_allowed: Option<bool>,
    /// Sides that may open or grow a position.
    pub sides_allowed: Sides,
    /// Symbols in which a position may be opened or grow; `None` is all.
    pub instruments_allowed: Option<Vec<String>>,
    /// By symbol: quantity of one order and of the position.
    pub instruments: BTreeMap<String, QuantityLimits>,
    /// What locks the scope when too much is lost.
    pub guards: Guards,
    /// The host's own stop of every position.
    pub protective_stop: Option<ProtectiveStop>,
    /// Shares of the limits that are given bit by bit.
    pub ramp: Vec<RampStage>,
}

/// What a scope may risk in one instrument, in its units. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuantityLimits {
    /// Quantity of one order.
    pub order_quantity_max: Option<Decimal>,
    /// Quantity of the position.
    pub position_quantity_max: Option<Decimal>,
}

/// The limits as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    price_collar_bp_max: Option<Spanned<u32>>,
    market_age_ms_max: Option<u64>,
    order_notional_max: Option<Spanned<Number>>,
    open_orders_max: Option<u32>,
    orders_per_second_max: Option<Spanned<u32>>,
    orders_per_minute_max: Option<Spanned<u32>>,
    amends_per_second_max: Option<Spanned<u32>>,
    amends_per_minute_max: Option<Spanned<u32>>,
    cancels_per_second_max: Option<Spanned<u32>>,
    cancels_per_minute_max: Option<Spanned<u32>>,
    order_to_fill: Option<Spanned<OrderToFillFile>>,
    position_notional_max: Option<Spanned<Number>>,
    gross_notional_max: Option<Spanned<Number>>,
    net_notional_max: Option<Spanned<Number>>,
    leverage_bp_max: Option<Spanned<u32>>,
    concentration_bp_max: Option<Spanned<u32>>,
    short_allowed: Option<bool>,
    sides_allowed: Option<SidesFile>,
    instruments_allowed: Option<Vec<String>>,
    #[serde(default)]
    instruments: BTreeMap<String, QuantitiesFile>,
    daily_loss: Option<Spanned<GuardFile>>,
    drawdown: Option<Spanned<GuardFile>>,
    losing_streak: Option<Spanned<GuardFile>>,
    pnl_velocity: Option<Spanned<GuardFile>>,
    protective_stop: Option<Spanned<StopFile>>,
    #[serde(default)]
    ramp: Vec<Spanned<StageFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuantitiesFile {
    order_quantity_max: Option<Spanned<Number>>,
    position_quantity_max: Option<Spanned<Number>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderToFillFile {
    ratio_max: u32,
    orders_min: u32,
    window_minutes: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SidesFile {
    Both,
    Buy,
    Sell,
}

/// A guard. Which of its numbers it needs depends on which guard it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuardFile {
    amount: Option<Number>,
    basis_points: Option<u32>,
    losses_max: Option<u32>,
    minutes: Option<u16>,
    state: Option<StateFile>,
    #[serde(default)]
    flatten: bool,
    unlock: Option<UnlockFile>,
    unlock_after_minutes: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StateFile {
    Reducing,
    Halted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UnlockFile {
    Person,
    NextSession,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopFile {
    basis_points: Option<u32>,
    amount: Option<Number>,
    trailing_bp: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StageFile {
    basis_points: u32,
    #[serde(default)]
    days: u16,
}

fn misplaced(span: Range<usize>, message: impl Into<String>) -> Misplaced {
    (span, ConfigError::new(message))
}

fn positive(value: Option<Spanned<Number>>) -> Result<Option<Decimal>, Misplaced> {
    let Some(value) = value else { return Ok(None) };
    match value.get_ref().0 {
        number if number > Decimal::ZERO => Ok(Some(number)),
        _ => Err(misplaced(value.span(), "a limit must be greater than zero")),
    }
}

fn amount(value: Option<Spanned<Number>>) -> Result<Option<Money>, Misplaced> {
    let Some(value) = value else { return Ok(None) };
    let span = value.span();
    to_money(value.get_ref().0).map(Some).map_err(|message| misplaced(span, message))
}

fn to_money(number: Decimal) -> Result<Money, String> {
    Money::from_decimal(number)
        .filter(|amount| *amount > Money::ZERO)
        .ok_or_else(|| format!("{number} is not an amount greater than zero"))
}

fn points(value: Option<Spanned<u32>>) -> Result<Option<BasisPoints>, Misplaced> {
    let Some(value) = value else { return Ok(None) };
    let span = value.span();
    to_points(*value.get_ref()).map(Some).map_err(|message| misplaced(span, message))
}

fn to_points(points: u32) -> Result<BasisPoints, String> {
    let max = BasisPoints::MAX.0;
    let within = (1..=max).contains(&points);
    within.then_some(BasisPoints(points)).ok_or_else(|| format!("basis points are 1 to {max}"))
}

fn rate(value: Option<Spanned<u32>>) -> Result<Option<u32>, Misplaced> {
    match value {
        Some(value) if !(1..=Rates::MAX).contains(value.get_ref()) => {
            Err(misplaced(value.span(), format!("a rate is 1 to {}", Rates::MAX)))
        }
        value => Ok(value.map(Spanned::into_inner)),
    }
}

fn minutes(count: u32) -> Nanos {
    Nanos(u64::from(count) * 60 * Nanos::SECOND.0)
}

impl LimitsFile {
    pub(super) fn resolve(self) -> Result<MoneyLimits, Misplaced> {
        let mut instruments = BTreeMap::new();
        for (symbol, quantities) in self.instruments {
            let quantities = QuantityLimits {
                order_quantity_max: positive(quantities.order_quantity_max)?,
                position_quantity_max: positive(quantities.position_quantity_max)?,
            };
            instruments.insert(symbol, quantities);
        }
        let daily_loss = self.daily_loss.as_ref();
        let drawdown = self.drawdown.as_ref();
        Ok(MoneyLimits {
            price_collar_max: points(self.price_collar_bp_max)?,
            market_age_max: self.market_age_ms_max.map(Nanos::from_millis),
            order_notional_max: amount(self.order_notional_max)?,
            open_orders_max: self.open_orders_max,
            rates: Rates {
                orders_per_second_max: rate(self.orders_per_second_max)?,
                orders_per_minute_max: rate(self.orders_per_minute_max)?,
                amends_per_second_max: rate(self.amends_per_second_max)?,
                amends_per_minute_max: rate(self.amends_per_minute_max)?,
                cancels_per_second_max: rate(self.cancels_per_second_max)?,
                cancels_per_minute_max: rate(self.cancels_per_minute_max)?,
                order_to_fill_max: self.order_to_fill.as_ref().map(order_to_fill).transpose()?,
            },
            position_notional_max: amount(self.position_notional_max)?,
            gross_notional_max: amount(self.gross_notional_max)?,
            net_notional_max: amount(self.net_notional_max)?,
            leverage_max: points(self.leverage_bp_max)?,
            concentration_max: points(self.concentration_bp_max)?,
            short_allowed: self.short_allowed,
            sides_allowed: match self.sides_allowed {
                Some(SidesFile::Buy) => Sides::Buy,
                Some(SidesFile::Sell) => Sides::Sell,
                Some(SidesFile::Both) | None => Sides::Both,
            },
            instruments_allowed: self.instruments_allowed,
            instruments,
            guards: Guards {
                daily_loss: daily_loss.map(|g| loss(g, Unlock::NextSession)).transpose()?,
                drawdown: drawdown.map(|g| loss(g, Unlock::Person)).transpose()?,
                losing_streak: self.losing_streak.as_ref().map(streak).transpose()?,
                pnl_velocity: self.pnl_velocity.as_ref().map(velocity).transpose()?,
            },
            protective_stop: self.protective_stop.as_ref().map(stop).transpose()?,
            ramp: ramp(&self.ramp)?,
        })
    }
}

fn order_to_fill(file: &Spanned<OrderToFillFile>) -> Result<OrderToFill, Misplaced> {
    /// A day.
    const WINDOW_MINUTES_MAX: u32 = 24 * 60;
    let said = file.get_ref();
    if said.ratio_max == 0 || !(1..=WINDOW_MINUTES_MAX).contains(&said.window_minutes) {
        let message = format!(
            "order_to_fill needs a ratio_max of at least 1 and 1 to {WINDOW_MINUTES_MAX} window_minutes"
        );
        return Err(misplaced(file.span(), message));
    }
    Ok(OrderToFill {
        ratio_max: said.ratio_max,
        orders_min: said.orders_min,
        window: minutes(said.window_minutes),
    })
}

fn policy(file: &Spanned<GuardFile>, unlock: Unlock) -> Result<BreachPolicy, Misplaced> {
    let said = file.get_ref();
    let unlock = match (said.unlock, said.unlock_after_minutes) {
        (Some(_), Some(_)) => {
            return Err(misplaced(
                file.span(),
                "a lock ends by `unlock` or `unlock_after_minutes`",
            ));
        }
        (_, Some(0)) => return Err(misplaced(file.span(), "a lock lasts at least a minute")),
        (_, Some(count)) => Unlock::After(minutes(count)),
        (Some(UnlockFile::Person), None) => Unlock::Person,
        (Some(UnlockFile::NextSession), None) => Unlock::NextSession,
        (None, None) => unlock,
    };
    let state = match said.state {
        Some(StateFile::Halted) => TradingState::Halted,
        Some(StateFile::Reducing) | None => TradingState::Reducing,
    };
    Ok(BreachPolicy { state, flatten: said.flatten, unlock })
}

fn loss_limit(file: &Spanned<GuardFile>) -> Result<LossLimit, Misplaced> {
    let said = file.get_ref();
    let at = |message| misplaced(file.span(), message);
    match (said.amount, said.basis_points) {
        (Some(amount), None) => to_money(amount.0).map(LossLimit::Amount).map_err(at),
        (None, Some(points)) => to_points(points).map(LossLimit::Share).map_err(at),
        _ => Err(at("a loss is an `amount` or so many `basis_points`".to_owned())),
    }
}

/// What a guard of another kind would say.
fn refuse(file: &Spanned<GuardFile>, said: bool, key: &str) -> Result<(), Misplaced> {
    if said { Err(misplaced(file.span(), format!("this guard has no `{key}`"))) } else { Ok(()) }
}

fn loss(file: &Spanned<GuardFile>, unlock: Unlock) -> Result<LossGuard, Misplaced> {
    refuse(file, file.get_ref().losses_max.is_some(), "losses_max")?;
    refuse(file, file.get_ref().minutes.is_some(), "minutes")?;
    Ok(LossGuard { limit: loss_limit(file)?, policy: policy(file, unlock)? })
}

fn streak(file: &Spanned<GuardFile>) -> Result<StreakGuard, Misplaced> {
    let said = file.get_ref();
    refuse(file, said.amount.is_some(), "amount")?;
    refuse(file, said.basis_points.is_some(), "basis_points")?;
    refuse(file, said.minutes.is_some(), "minutes")?;
    let losses_max = said.losses_max.filter(|count| *count > 0);
    let losses_max = losses_max
        .ok_or_else(|| misplaced(file.span(), "it needs a `losses_max` of at least 1"))?;
    Ok(StreakGuard { losses_max, policy: policy(file, Unlock::Person)? })
}

fn velocity(file: &Spanned<GuardFile>) -> Result<VelocityGuard, Misplaced> {
    let said = file.get_ref();
    refuse(file, said.losses_max.is_some(), "losses_max")?;
    let max = VelocityGuard::MINUTES_MAX;
    let within = said.minutes.filter(|minutes| (1..=max).contains(minutes));
    let minutes =
        within.ok_or_else(|| misplaced(file.span(), format!("it needs 1 to {max} `minutes`")))?;
    Ok(VelocityGuard { limit: loss_limit(file)?, minutes, policy: policy(file, Unlock::Person)? })
}

fn stop(file: &Spanned<StopFile>) -> Result<ProtectiveStop, Misplaced> {
    let said = file.get_ref();
    let at = |message| misplaced(file.span(), message);
    match (said.basis_points, said.amount, said.trailing_bp) {
        (Some(points), None, None) if points < BasisPoints::WHOLE.0 => {
            to_points(points).map(ProtectiveStop::Share).map_err(at)
        }
        (None, Some(amount), None) => to_money(amount.0).map(ProtectiveStop::Amount).map_err(at),
        (None, None, Some(points)) if (1..=9_999).contains(&points) => {
            Ok(ProtectiveStop::Trailing(points))
        }
        _ => {
            Err(at("a stop is at `basis_points` or `trailing_bp` of 1 to 9999, or at an `amount`"
                .to_owned()))
        }
    }
}

fn ramp(stages: &[Spanned<StageFile>]) -> Result<Vec<RampStage>, Misplaced> {
    let mut ramp: Vec<RampStage> = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let said = stage.get_ref();
        let grows = ramp.last().is_none_or(|before| before.share.0 < said.basis_points);
        let within = (1..=BasisPoints::WHOLE.0).contains(&said.basis_points);
        let last = index + 1 == stages.len();
        if index >= RampStage::STAGES_MAX || !grows || !within || (!last && said.days == 0) {
            let message = format!(
                "a ramp has at most {} stages, each of more basis_points than the one before, up to \
                 10000, and all but the last with days",
                RampStage::STAGES_MAX
            );
            return Err(misplaced(stage.span(), message));
        }
        ramp.push(RampStage { share: BasisPoints(said.basis_points), days: said.days });
    }
    Ok(ramp)
}
