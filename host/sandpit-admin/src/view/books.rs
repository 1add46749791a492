//! What a session shows of its books: orders, positions, profit and loss, risk. Prices, quantities
//! and amounts of money are exact decimals as text; nothing here is a float.

use serde::{Deserialize, Serialize};

use super::{LockView, PluginView, StatusView};

/// All that is seen at a glance, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverviewView {
    /// The session itself.
    pub session: StatusView,
    /// Its plugins, in the order of their numbers.
    pub plugins: Vec<PluginView>,
    /// Open orders, oldest first: at most [`OverviewView::ORDERS_MAX`].
    pub orders: Vec<OrderView>,
    /// Positions that are not flat.
    pub positions: Vec<PositionView>,
    /// How the account stands.
    pub pnl: PnlView,
    /// What is let through, and why not.
    pub risk: RiskView,
}

impl OverviewView {
    /// Open orders that are shown at a glance; `orders` has all of them.
    pub const ORDERS_MAX: usize = 100;
}

/// An open order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Our own id of it.
    pub id: String,
    /// Whose.
    pub plugin: String,
    /// Symbol of the instrument.
    pub instrument: String,
    /// `buy` or `sell`.
    pub side: String,
    /// `market`, `limit`, `stop` and so on.
    pub kind: String,
    /// Limit price, where it has one.
    pub price: Option<String>,
    /// Price at which it is triggered, where it waits for one.
    pub trigger: Option<String>,
    /// How much in all.
    pub quantity: String,
    /// How much of that has traded.
    pub filled: String,
    /// Where it is on its way.
    pub state: String,
    /// Whether it can only shrink a position.
    pub reduce_only: bool,
}

/// A position of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionView {
    /// Whose.
    pub plugin: String,
    /// Symbol of the instrument.
    pub instrument: String,
    /// Signed.
    pub quantity: String,
    /// What it cost for each, where it is not flat.
    pub average_price: Option<String>,
    /// The price that it is valued at, where one is known.
    pub mark: Option<String>,
    /// What it is worth at that, signed.
    pub value: String,
    /// Profit or loss if it were closed at that.
    pub unrealized: String,
    /// Profit or loss of what was closed.
    pub realized: String,
    /// Fees paid.
    pub fees: String,
}

/// How a session stands, in the account's currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PnlView {
    /// The currency of every amount here.
    pub currency: String,
    /// All plugins together.
    pub account: ScopePnlView,
    /// Each of them.
    pub plugins: Vec<ScopePnlView>,
}

/// How the account or a plugin stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopePnlView {
    /// The plugin's name; `None` is the account.
    pub plugin: Option<String>,
    /// Balance plus unrealized.
    pub equity: String,
    /// What was given plus realized, less fees and funding.
    pub balance: String,
    /// Profit or loss of what was closed.
    pub realized: String,
    /// Profit or loss of what is open.
    pub unrealized: String,
    /// Fees paid.
    pub fees: String,
    /// Funding paid.
    pub funding: String,
    /// Change of the equity since the session's day began, once that is known.
    pub today: Option<String>,
    /// What may be lost in a day.
    pub today_loss_max: Option<String>,
    /// What is lost since the highest equity, once that is known.
    pub drawdown: Option<String>,
    /// What may be lost since then.
    pub drawdown_max: Option<String>,
}

/// What is let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskView {
    /// Of the account.
    pub account: ScopeRiskView,
    /// Of each plugin.
    pub plugins: Vec<ScopeRiskView>,
    /// Orders of which it is not known what became of them.
    pub orders_in_doubt: u64,
}

/// What is let through for the account or a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRiskView {
    /// The plugin's name; `None` is the account.
    pub plugin: Option<String>,
    /// `active`, `reducing` or `halted`.
    pub trading_state: String,
    /// Its locks.
    pub locks: Vec<LockView>,
}
