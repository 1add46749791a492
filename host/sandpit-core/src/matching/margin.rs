//! Margin: what a position needs behind it, what a plugin has, and the news of a liquidation.
//!
//! One plugin's share is one cross-margin account: cash (its funds, realized PnL, funding, minus
//! fees) plus the unrealized PnL of all its instruments with margin. What it paid for instruments
//! without margin is gone from the cash and is no collateral.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Money, Rate, div_round_half_even},
    order::Fill,
    time::UnixNanos,
};

/// Maintenance margin of a part of a position's notional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginTier {
    /// The part above this notional, up to the next tier's.
    pub from: Money,
    /// Fraction of that part.
    pub rate: Rate,
}

/// Margin rules of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginRules {
    leverage_max: u16,
    liquidation_fee: Rate,
    tiers: Vec<MarginTier>,
}

/// Why numbers are no margin rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarginError {
    /// Not 1 to [`MarginRules::LEVERAGE_MAX`].
    #[error("leverage_max must be 1 to 1,000")]
    Leverage,
    /// Not 0 to 1.
    #[error("the liquidation fee must be 0 to 1")]
    Fee,
    /// No tier, or more than [`MarginRules::TIERS_MAX`].
    #[error("there must be 1 to 64 tiers of maintenance margin")]
    Count,
    /// The first tier does not begin at zero, or one does not begin above the one before.
    #[error("the first tier must begin at 0 and each one above the one before")]
    Order,
    /// A rate that is not positive, is below the one before, or is not below the initial margin.
    #[error(
        "rates of maintenance margin must be above 0, must not fall, and the first must be below 1/leverage_max"
    )]
    Rate,
}

impl MarginRules {
    /// The largest leverage.
    pub const LEVERAGE_MAX: u16 = 1_000;
    /// Tiers of one instrument.
    pub const TIERS_MAX: usize = 64;

    /// Checks the rules: initial margin is notional / `leverage_max`.
    ///
    /// # Errors
    /// See [`MarginError`].
    pub fn new(
        leverage_max: u16,
        liquidation_fee: Rate,
        tiers: Vec<MarginTier>,
    ) -> Result<Self, MarginError> {
        /// All of an amount.
        const WHOLE: i64 = 1_000_000_000_000;
        if !(1..=Self::LEVERAGE_MAX).contains(&leverage_max) {
            return Err(MarginError::Leverage);
        }
        if !(0..=WHOLE).contains(&liquidation_fee.0) {
            return Err(MarginError::Fee);
        }
        let first = tiers.first().ok_or(MarginError::Count)?;
        if tiers.len() > Self::TIERS_MAX {
            return Err(MarginError::Count);
        }
        let rises = |pair: &[MarginTier]| pair[0].from < pair[1].from;
        if first.from != Money::ZERO || !tiers.windows(2).all(rises) {
            return Err(MarginError::Order);
        }
        let holds = |pair: &[MarginTier]| pair[0].rate <= pair[1].rate;
        let below_initial = first.rate.0.saturating_mul(i64::from(leverage_max)) < WHOLE;
        let fits = tiers.iter().all(|tier| (1..=WHOLE).contains(&tier.rate.0));
        if !below_initial || !fits || !tiers.windows(2).all(holds) {
            return Err(MarginError::Rate);
        }
        Ok(Self { leverage_max, liquidation_fee, tiers })
    }

    /// The largest leverage of a new position.
    #[must_use]
    pub const fn leverage_max(&self) -> u16 {
        self.leverage_max
    }

    /// Fraction of the notional that a liquidation costs.
    #[must_use]
    pub const fn liquidation_fee(&self) -> Rate {
        self.liquidation_fee
    }

    /// Tiers of maintenance margin, lowest first.
    #[must_use]
    pub fn tiers(&self) -> &[MarginTier] {
        &self.tiers
    }

    /// What must be there to open a position of this notional.
    #[must_use]
    pub fn initial(&self, notional: Money) -> Money {
        Money(div_round_half_even(notional.abs().0, i128::from(self.leverage_max)))
    }

    /// What must be there to keep a position of this notional: of each tier's part its rate. The
    /// same as notional × rate − maintenance amount in the tables that venues publish.
    #[must_use]
    pub fn maintenance(&self, notional: Money) -> Money {
        let notional = notional.abs();
        let ends = self.tiers.iter().skip(1).map(|tier| tier.from).chain([notional]);
        self.tiers
            .iter()
            .zip(ends)
            .take_while(|(tier, _)| tier.from < notional)
            .map(|(tier, end)| tier.rate.of(end.min(notional) - tier.from))
            .sum()
    }
}

/// A part of a position that the venue closed because its margin was used up. Its order is the
/// venue's own: no client order id belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// Whose position.
    pub plugin: PluginId,
    /// Of what.
    pub instrument: InstrumentId,
    /// Side of the closing.
    pub side: Side,
    /// The execution; its fee is the liquidation fee.
    pub fill: Fill,
    /// When.
    pub time: UnixNanos,
}

/// What one instrument adds to a plugin's margin account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stake {
    /// Cash and unrealized PnL.
    pub(super) equity: Money,
    /// Initial margin of the position with all orders that could grow it.
    pub(super) initial: Money,
    /// Maintenance margin of the position.
    pub(super) maintenance: Money,
}

/// One plugin's margin account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wallet {
    pub(super) funds: Money,
    /// Sum over instruments.
    sum: Stake,
}

impl Wallet {
    pub(super) fn equity(&self) -> Money {
        self.funds + self.sum.equity
    }

    /// Whether initial margin may become this in one instrument that has `stake` now. Less is
    /// always allowed.
    pub(super) fn affords(&self, stake: &Stake, initial: Money) -> bool {
        let needed = self.sum.initial - stake.initial + initial;
        initial <= stake.initial || needed <= self.equity()
    }

    fn is_used_up(&self) -> bool {
        self.sum.maintenance > Money::ZERO && self.equity() <= self.sum.maintenance
    }
}

/// All margin accounts of a venue.
#[derive(Clone, Debug, Default)]
pub(super) struct Wallets {
    /// Whether any instrument has margin rules. Nothing is counted otherwise.
    pub(super) enabled: bool,
    wallets: BTreeMap<PluginId, Wallet>,
    /// Whose margin was seen to be used up, to be liquidated before the venue goes on.
    due: Vec<PluginId>,
}

impl Wallets {
    pub(super) fn fund(&mut self, plugin: PluginId, amount: Money) {
        self.wallets.entry(plugin).or_default().funds += amount;
    }

    /// A plugin that was never funded has nothing.
    pub(super) fn of(&self, plugin: PluginId) -> Wallet {
        self.wallets.get(&plugin).copied().unwrap_or_default()
    }

    /// One instrument's part has changed.
    pub(super) fn restake(&mut self, plugin: PluginId, before: &Stake, now: &Stake) {
        let wallet = self.wallets.entry(plugin).or_default();
        wallet.sum.equity += now.equity - before.equity;
        wallet.sum.initial += now.initial - before.initial;
        wallet.sum.maintenance += now.maintenance - before.maintenance;
        if wallet.is_used_up() && !self.due.contains(&plugin) {
            self.due.push(plugin);
        }
    }

    /// Those who are due, in the order in which it was seen.
    pub(super) fn take_due(&mut self) -> Vec<PluginId> {
        core::mem::take(&mut self.due)
    }

    /// They have been seen to.
    pub(super) fn settle(&mut self) {
        self.due.clear();
    }

    pub(super) fn is_used_up(&self, plugin: PluginId) -> bool {
        self.wallets.get(&plugin).is_some_and(Wallet::is_used_up)
    }
}
