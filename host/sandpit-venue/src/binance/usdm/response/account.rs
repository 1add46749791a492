//! Answers about the account.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::binance::{
    text::Text,
    usdm::words::{MarginType, PositionSide},
};

/// One position.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionRecord<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Which of the symbol's positions.
    pub position_side: PositionSide,
    /// Signed quantity.
    pub position_amt: &'a str,
    /// Average price of entry; absent in the account's own list.
    #[serde(borrow, default)]
    pub entry_price: Option<&'a str>,
    /// What it is valued at; absent there, too.
    #[serde(borrow, default)]
    pub mark_price: Option<&'a str>,
    /// Where it would be liquidated; absent there, too.
    #[serde(borrow, default)]
    pub liquidation_price: Option<&'a str>,
    /// When it last changed.
    pub update_time: i64,
}

/// Of one asset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance<'a> {
    /// Asset.
    #[serde(borrow)]
    pub asset: Text<'a>,
    /// What there is, without open wins and losses.
    #[serde(rename = "walletBalance", alias = "balance")]
    pub wallet_balance: &'a str,
    /// What is free.
    pub available_balance: &'a str,
}

/// Which account balances are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases {
    /// The venue's own code for the account; `None` where no balance says it, or two say different
    /// ones.
    pub account: Option<String>,
}

impl<'de> Deserialize<'de> for Aliases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            #[serde(borrow, default)]
            account_alias: Option<Text<'a>>,
        }
        let mut named = Vec::<Wire<'_>>::deserialize(deserializer)?
            .into_iter()
            .map(|one| one.account_alias.map(|alias| alias.to_string()));
        let account = named.next().flatten().filter(|alias| !alias.is_empty());
        let same = named.all(|other| other == account);
        Ok(Self { account: account.filter(|_| same) })
    }
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAnswer<'a> {
    /// What there is, without open wins and losses.
    pub total_wallet_balance: &'a str,
    /// Open wins and losses.
    pub total_unrealized_profit: &'a str,
    /// What is free.
    pub available_balance: &'a str,
    /// Assets.
    #[serde(borrow)]
    pub assets: Vec<Balance<'a>>,
    /// Positions.
    #[serde(borrow)]
    pub positions: Vec<PositionRecord<'a>>,
}

/// What the account may do and how it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is one setting of the venue")]
pub struct AccountConfig {
    /// Whether it may trade.
    pub can_trade: bool,
    /// Whether money can come in.
    #[serde(default)]
    pub can_deposit: bool,
    /// Whether money can go out.
    #[serde(default)]
    pub can_withdraw: bool,
    /// Hedge mode.
    pub dual_side_position: bool,
    /// Whether all assets are margin of all positions.
    pub multi_assets_margin: bool,
}

/// Leverage and margin mode of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SymbolConfig<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// What a position can lose.
    pub margin_type: MarginType,
    /// Leverage.
    pub leverage: u32,
}

/// A leverage that was set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LeverageAnswer<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Leverage.
    pub leverage: u32,
}

/// Whether the account is in hedge mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PositionMode {
    /// Hedge mode.
    pub dual_side_position: bool,
}

/// Whether all assets are margin of all positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetsMode {
    /// Multi-assets mode.
    pub multi_assets_margin: bool,
}

/// The largest leverage up to a notional.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bracket {
    /// Which, from 1.
    pub bracket: u32,
    /// The largest leverage.
    pub initial_leverage: u32,
}

/// A symbol's brackets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Brackets<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// From the smallest notional on.
    pub brackets: Vec<Bracket>,
}

impl Brackets<'_> {
    /// The largest leverage that the symbol has at all.
    #[must_use]
    pub fn leverage_max(&self) -> u32 {
        self.brackets.iter().map(|bracket| bracket.initial_leverage).max().unwrap_or(0)
    }
}

/// Rates of fees on a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommissionAnswer<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// For making.
    pub maker_commission_rate: &'a str,
    /// For taking.
    pub taker_commission_rate: &'a str,
}

/// One row of what the account got and paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomeRecord<'a> {
    /// Symbol; nothing for what belongs to none.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Of what.
    #[serde(borrow)]
    pub income_type: Text<'a>,
    /// How much; negative where it was paid.
    pub income: &'a str,
    /// In which asset.
    #[serde(borrow)]
    pub asset: Text<'a>,
    /// When.
    pub time: i64,
}

/// The key by which own events are listened to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenKey<'a> {
    /// Letters and digits.
    #[serde(borrow)]
    pub listen_key: Text<'a>,
}

/// Mark price and funding of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PremiumIndex<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Mark price.
    pub mark_price: &'a str,
    /// Index.
    pub index_price: &'a str,
    /// Rate of the funding that comes next; nothing where there is none.
    pub last_funding_rate: &'a str,
    /// When that is.
    pub next_funding_time: i64,
    /// As of when.
    pub time: i64,
}

/// One funding that was paid.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FundingRecord<'a> {
    /// Symbol.
    #[serde(borrow)]
    pub symbol: Text<'a>,
    /// Rate.
    pub funding_rate: &'a str,
    /// When.
    pub funding_time: i64,
}

/// An answer of which only that it is whole matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whole;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
