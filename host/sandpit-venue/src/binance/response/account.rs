//! Answers about the account, the key, the connection and the venue itself.

use serde::Deserialize;

use crate::binance::text::Text;

/// Of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balance<'a> {
    /// Asset.
    #[serde(borrow)]
    pub asset: Text<'a>,
    /// What is free.
    pub free: &'a str,
    /// What open orders hold.
    pub locked: &'a str,
}

/// Rates of fees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CommissionRates<'a> {
    /// For making.
    pub maker: &'a str,
    /// For taking.
    pub taker: &'a str,
    /// On top, for buying.
    pub buyer: &'a str,
    /// On top, for selling.
    pub seller: &'a str,
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAnswer<'a> {
    /// Rates of fees; absent in old answers.
    #[serde(borrow, default)]
    pub commission_rates: Option<CommissionRates<'a>>,
    /// Whether it may trade.
    pub can_trade: bool,
    /// Whether it may withdraw.
    pub can_withdraw: bool,
    /// Whether it may deposit.
    pub can_deposit: bool,
    /// Whether its orders must say how they prevent self-trades.
    #[serde(default)]
    pub require_self_trade_prevention: bool,
    /// When it last changed.
    pub update_time: i64,
    /// `SPOT`.
    #[serde(borrow)]
    pub account_type: Text<'a>,
    /// What it has.
    #[serde(borrow)]
    pub balances: Vec<Balance<'a>>,
    /// Which symbols it may trade.
    #[serde(borrow, default)]
    pub permissions: Vec<Text<'a>>,
    /// Its number; absent in old answers.
    #[serde(default)]
    pub uid: Option<u64>,
}

/// Rates of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Commission<'a> {
    /// For making.
    pub maker: &'a str,
    /// For taking.
    pub taker: &'a str,
}

/// Rebate for fees that are paid in the venue's own asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionDiscount<'a> {
    /// Whether the account wants it.
    pub enabled_for_account: bool,
    /// Whether the symbol has it.
    pub enabled_for_symbol: bool,
    /// The asset.
    #[serde(borrow, default)]
    pub discount_asset: Option<Text<'a>>,
    /// What is left of the rate.
    #[serde(borrow, default)]
    pub discount: Option<&'a str>,
}

/// Rates of fees on a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionAnswer<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The common ones.
    #[serde(borrow)]
    pub standard_commission: Commission<'a>,
    /// On top.
    #[serde(borrow, default)]
    pub special_commission: Option<Commission<'a>>,
    /// On top.
    #[serde(borrow, default)]
    pub tax_commission: Option<Commission<'a>>,
    /// Rebate.
    #[serde(borrow)]
    pub discount: CommissionDiscount<'a>,
}

/// Rates of fees on a symbol, as the wallet tells them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeFee<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// For making.
    pub maker_commission: &'a str,
    /// For taking.
    pub taker_commission: &'a str,
}

/// One own trade.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TradeRecord<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// The venue's number of it, unique within the symbol.
    pub id: i64,
    /// The order's number. Its name is not here.
    pub order_id: u64,
    /// Price.
    pub price: &'a str,
    /// Quantity.
    pub qty: &'a str,
    /// Fee.
    pub commission: &'a str,
    /// In which asset.
    #[serde(borrow)]
    pub commission_asset: Text<'a>,
    /// When.
    pub time: i64,
    /// Whether we bought.
    pub is_buyer: bool,
    /// Whether we made.
    pub is_maker: bool,
}

/// What the venue's clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    /// Milliseconds since 1970.
    pub server_time: i64,
}

/// What a key may do. A permission that the answer does not name is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is one permission of the venue")]
pub struct ApiRestrictions {
    /// Whether it works from given addresses only.
    pub ip_restrict: bool,
    /// When it was made, in milliseconds since 1970.
    pub create_time: i64,
    /// Read.
    pub enable_reading: bool,
    /// Withdraw.
    pub enable_withdrawals: bool,
    /// Move to other accounts.
    #[serde(default)]
    pub enable_internal_transfer: bool,
    /// Borrow.
    #[serde(default)]
    pub enable_margin: bool,
    /// Trade futures.
    #[serde(default)]
    pub enable_futures: bool,
    /// Move between wallets.
    #[serde(default)]
    pub permits_universal_transfer: bool,
    /// Trade options.
    #[serde(default)]
    pub enable_vanilla_options: bool,
    /// Trade by FIX.
    #[serde(default)]
    pub enable_fix_api_trade: bool,
    /// Read by FIX.
    #[serde(default)]
    pub enable_fix_read_only: bool,
    /// Trade spot.
    pub enable_spot_and_margin_trading: bool,
    /// Trade on portfolio margin.
    #[serde(default)]
    pub enable_portfolio_margin_trading: bool,
}

/// Whether the venue is under maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SystemStatus<'a> {
    /// 0: normal, 1: maintenance.
    pub status: u32,
    /// In words.
    #[serde(rename = "msg", borrow)]
    pub message: Text<'a>,
}

impl SystemStatus<'_> {
    /// Whether it is normal.
    #[must_use]
    pub const fn is_normal(&self) -> bool {
        self.status == 0
    }
}

/// The connection is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogonAnswer<'a> {
    /// With which key.
    #[serde(borrow)]
    pub api_key: Text<'a>,
    /// Since when.
    pub authorized_since: i64,
    /// Since when it is open.
    pub connected_since: i64,
    /// The venue's time.
    pub server_time: i64,
}

/// Own events are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeAnswer {
    /// Number of the subscription; absent before 2025.
    #[serde(default)]
    pub subscription_id: Option<u64>,
}
