//! Words that are sent.

use crate::binance::request::sent;

sent! {
    /// How long an order works, where no time is given.
    Tif {
        /// Until canceled.
        Gtc = "GTC",
        /// At once, the rest ends.
        Ioc = "IOC",
        /// At once and whole.
        Fok = "FOK",
        /// Until canceled, and only as maker.
        Gtx = "GTX",
    }
    /// How much the venue answers to a new order.
    ResponseType {
        /// That it was taken.
        Ack = "ACK",
        /// Where it stands.
        Result = "RESULT",
    }
    /// Which price a trigger is compared with.
    WorkingType {
        /// The last price.
        Contract = "CONTRACT_PRICE",
        /// The mark price.
        Mark = "MARK_PRICE",
    }
    /// What happens where an order would trade with one of the same account.
    SelfTradePrevention {
        /// The newer one ends.
        ExpireTaker = "EXPIRE_TAKER",
        /// The older one ends.
        ExpireMaker = "EXPIRE_MAKER",
        /// Both end.
        ExpireBoth = "EXPIRE_BOTH",
    }
    /// What a position can lose.
    MarginMode {
        /// All of the account's balance.
        Cross = "CROSSED",
        /// Its own margin.
        Isolated = "ISOLATED",
    }
    /// What income is of.
    IncomeType {
        /// Funding.
        FundingFee = "FUNDING_FEE",
        /// Fees.
        Commission = "COMMISSION",
        /// What trades won or lost.
        RealizedPnl = "REALIZED_PNL",
    }
}
