//! What USDⓈ-M futures answer and tell: bytes to typed messages. The same rules and bounds as on
//! Spot ([`crate::binance::response`]); market streams are shared ([`crate::binance::stream`]).
//!
//! Sources: the official documents of USDⓈ-M futures, each endpoint's and each event's own page.

mod account;
mod event;
mod info;
mod order;

pub use account::{
    AccountAnswer, AccountConfig, Aliases, AssetsMode, Balance, Bracket, Brackets,
    CommissionAnswer, FundingRecord, IncomeRecord, LeverageAnswer, ListenKey, PositionMode,
    PositionRecord, PremiumIndex, SymbolConfig, Whole,
};
pub use event::{
    AccountUpdate, AlgoUpdate, AssetsUpdate, CalledPosition, ConfigUpdate, EventBalance,
    EventPosition, LeverageUpdate, MarginCall, OrderUpdate, TriggerReject, UserEvent,
};
pub use info::{Bounds, ExchangeInfo, Filter, RulesError, SymbolInfo};
pub use order::{AlgoCanceled, AlgoRecord, CountdownAnswer, DoneAnswer, OrderRecord, UserTrade};

use crate::binance::response::{Answer, DecodeError, MESSAGE_BYTES_MAX, answers, decode};

answers! {
    "an order": OrderRecord<'a>,
    "orders": Vec<OrderRecord<'a>>,
    "a conditional order": AlgoRecord<'a>,
    "conditional orders": Vec<AlgoRecord<'a>>,
    "the end of a conditional order": AlgoCanceled<'a>,
    "that it was done": DoneAnswer<'a>,
    "a countdown": CountdownAnswer<'a>,
    "own trades of futures": Vec<UserTrade<'a>>,
    "positions": Vec<PositionRecord<'a>>,
    "balances": Vec<Balance<'a>>,
    "the account of balances": Aliases,
    "an account of futures": AccountAnswer<'a>,
    "an account's settings": AccountConfig,
    "settings of symbols": Vec<SymbolConfig<'a>>,
    "a leverage": LeverageAnswer<'a>,
    "a position mode": PositionMode,
    "an assets mode": AssetsMode,
    "leverage brackets": Vec<Brackets<'a>>,
    "rates of fees of futures": CommissionAnswer<'a>,
    "income": Vec<IncomeRecord<'a>>,
    "a listen key": ListenKey<'a>,
    "a premium index": PremiumIndex<'a>,
    "fundings": Vec<FundingRecord<'a>>,
    "an answer": Whole,
}
