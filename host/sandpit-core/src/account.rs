//! Who has what: netting positions, sub-accounts (one plugin's share), the account.

use alloc::vec::Vec;

use crate::{
    ids::{InstrumentId, PluginId},
    num::{Money, Quantity},
};

/// A netting position of one sub-account in one instrument.
///
/// Invariant: `realized + cost` is the sum of the signed notionals of all fills with its sign
/// turned, to the last digit; a rounding in the split between the two never leaves the position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Signed.
    pub quantity: Quantity,
    /// Signed notional at which the open part was entered; zero when flat.
    pub cost: Money,
    /// Realized PnL, without fees.
    pub realized: Money,
    /// Fees paid, rebates taken off.
    pub fees: Money,
    /// Funding paid, what was received taken off.
    pub funding: Money,
    /// Value of the open part at the last mark, signed.
    pub value: Money,
}

impl Position {
    /// Unrealized PnL at the last mark.
    #[must_use]
    pub fn unrealized(&self) -> Money {
        self.value - self.cost
    }

    /// Books a fill. `quantity` and `notional` are signed (positive for a buy).
    ///
    /// A fill against the position realizes the closed part of `cost` in proportion, rounded
    /// half-even at 18 digits; the rest stays in `cost`, so nothing is lost.
    pub fn fill(&mut self, quantity: Quantity, notional: Money, fee: Money) {
        let held = self.quantity.0;
        self.fees += fee;
        self.quantity += quantity;
        if held == 0 || (held > 0) == (quantity.0 > 0) {
            self.cost += notional;
            return;
        }
        if quantity.abs() <= Quantity(held).abs() {
            let closed_cost = share(self.cost, quantity.abs().0, Quantity(held).abs().0);
            self.realized += -notional - closed_cost;
            self.cost -= closed_cost;
        } else {
            // Through zero: all of the old part is closed, the rest opens the other way.
            let closing = share(notional, Quantity(held).abs().0, quantity.abs().0);
            self.realized += -closing - self.cost;
            self.cost = notional - closing;
        }
    }
}

/// `amount × part / whole`, rounded half-even; exact where `part` equals `whole`.
fn share(amount: Money, part: i64, whole: i64) -> Money {
    if part == whole {
        return amount;
    }
    // Quotient and remainder by `whole` first: the product then stays far below an i128.
    let (part, whole) = (i128::from(part), i128::from(whole));
    let (units, rest) = (amount.0.div_euclid(whole), amount.0.rem_euclid(whole));
    let scaled = rest * part;
    let floor = units * part + scaled.div_euclid(whole);
    let left = scaled.rem_euclid(whole);
    Money(match (2 * left).cmp(&whole) {
        core::cmp::Ordering::Less => floor,
        core::cmp::Ordering::Greater => floor + 1,
        core::cmp::Ordering::Equal => floor + (floor & 1),
    })
}

/// One plugin's share of the account.
#[derive(Clone, Debug)]
pub struct SubAccount {
    budget: Money,
    positions: Vec<Position>,
    realized: Money,
    fees: Money,
    funding: Money,
    unrealized: Money,
}

impl SubAccount {
    fn new(budget: Money, instruments: usize) -> Self {
        Self {
            budget,
            positions: alloc::vec![Position::default(); instruments],
            realized: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            unrealized: Money::ZERO,
        }
    }

    /// What it was given.
    #[must_use]
    pub const fn budget(&self) -> Money {
        self.budget
    }

    /// Its position, flat where it never had one.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> &Position {
        &self.positions[usize::from(instrument.0)]
    }

    /// All its positions, by instrument.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Realized PnL over all instruments, without fees.
    #[must_use]
    pub const fn realized(&self) -> Money {
        self.realized
    }

    /// Fees paid over all instruments.
    #[must_use]
    pub const fn fees(&self) -> Money {
        self.fees
    }

    /// Funding paid over all instruments.
    #[must_use]
    pub const fn funding(&self) -> Money {
        self.funding
    }

    /// Unrealized PnL at the last marks.
    #[must_use]
    pub const fn unrealized(&self) -> Money {
        self.unrealized
    }

    /// Budget plus realized PnL minus fees and funding.
    #[must_use]
    pub fn balance(&self) -> Money {
        self.budget + self.realized - self.fees - self.funding
    }

    /// Balance plus unrealized PnL.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.balance() + self.unrealized
    }

    fn change(&mut self, instrument: InstrumentId, change: impl FnOnce(&mut Position)) {
        let position = &mut self.positions[usize::from(instrument.0)];
        let before = *position;
        change(position);
        self.realized += position.realized - before.realized;
        self.fees += position.fees - before.fees;
        self.funding += position.funding - before.funding;
        self.unrealized += position.unrealized() - before.unrealized();
    }
}

/// All sub-accounts of one venue account, in one currency.
#[derive(Clone, Debug)]
pub struct Account {
    sub_accounts: Vec<SubAccount>,
    balance: Money,
    unrealized: Money,
}

impl Account {
    /// One sub-account for each budget, all flat in all of `instruments` instruments.
    #[must_use]
    pub fn new(budgets: &[Money], instruments: usize) -> Self {
        let sub_accounts =
            budgets.iter().map(|budget| SubAccount::new(*budget, instruments)).collect();
        let balance = budgets.iter().copied().sum();
        Self { sub_accounts, balance, unrealized: Money::ZERO }
    }

    /// Takes in one more share, flat in all of `instruments` instruments.
    pub(crate) fn add(&mut self, budget: Money, instruments: usize) {
        self.sub_accounts.push(SubAccount::new(budget, instruments));
        self.balance += budget;
    }

    /// One plugin's share.
    #[must_use]
    pub fn sub_account(&self, plugin: PluginId) -> &SubAccount {
        &self.sub_accounts[usize::from(plugin.0)]
    }

    /// All shares, by plugin.
    #[must_use]
    pub fn sub_accounts(&self) -> &[SubAccount] {
        &self.sub_accounts
    }

    /// Sum of all balances.
    #[must_use]
    pub const fn balance(&self) -> Money {
        self.balance
    }

    /// Sum of all equities.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.balance + self.unrealized
    }

    /// Changes one position, and the sums with it.
    fn change(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        change: impl FnOnce(&mut Position),
    ) {
        let share = &mut self.sub_accounts[usize::from(plugin.0)];
        let (balance, unrealized) = (share.balance(), share.unrealized);
        share.change(instrument, change);
        self.balance += share.balance() - balance;
        self.unrealized += share.unrealized - unrealized;
    }

    /// Signed quantity over all plugins.
    #[must_use]
    pub fn net_quantity(&self, instrument: InstrumentId) -> Quantity {
        Quantity(self.sub_accounts.iter().map(|s| s.position(instrument).quantity.0).sum())
    }

    /// Books a fill of signed `quantity` and `notional`; `value` is that of the position after it
    /// at the current mark.
    pub fn fill(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        quantity: Quantity,
        notional: Money,
        fee: Money,
    ) {
        self.change(plugin, instrument, |position| {
            position.fill(quantity, notional, fee);
        });
    }

    /// Books funding of a perpetual, paid (positive) or received.
    pub fn fund(&mut self, plugin: PluginId, instrument: InstrumentId, amount: Money) {
        self.change(plugin, instrument, |position| {
            position.funding += amount;
        });
    }

    /// Sets a position as an earlier journal left it, valued at its cost until there is a mark.
    pub(crate) fn carry(
        &mut self,
        plugin: PluginId,
        instrument: InstrumentId,
        (quantity, cost): (Quantity, Money),
        [realized, fees, funding]: [Money; 3],
    ) {
        self.change(plugin, instrument, |position| {
            *position = Position { quantity, cost, realized, fees, funding, value: cost };
        });
    }

    /// Values a plugin's open position anew.
    pub fn mark(&mut self, plugin: PluginId, instrument: InstrumentId, value: Money) {
        self.change(plugin, instrument, |position| {
            position.value = value;
        });
    }
}
