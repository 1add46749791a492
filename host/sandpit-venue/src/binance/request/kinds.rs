//! Words that are sent.

use sandpit_core::time::Nanos;

macro_rules! sent {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// The venue's word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    )+};
}

pub(in crate::binance) use sent;

sent! {
    /// How long an order works.
    Tif {
        /// Until canceled.
        Gtc = "GTC",
        /// At once, the rest ends.
        Ioc = "IOC",
        /// At once and whole.
        Fok = "FOK",
    }

    /// How much the venue answers to a new order.
    ResponseType {
        /// That it was taken.
        Ack = "ACK",
        /// Where it stands.
        Result = "RESULT",
        /// Where it stands, with its fills.
        Full = "FULL",
    }

    /// What happens where an order would trade with one of the same account.
    SelfTradePrevention {
        /// It trades.
        None = "NONE",
        /// The newer one ends.
        ExpireTaker = "EXPIRE_TAKER",
        /// The older one ends.
        ExpireMaker = "EXPIRE_MAKER",
        /// Both end.
        ExpireBoth = "EXPIRE_BOTH",
        /// Both shrink by the smaller one.
        Decrement = "DECREMENT",
        /// The quantity moves between accounts.
        Transfer = "TRANSFER",
    }

    /// Only if the order stands so, it is canceled.
    CancelRestriction {
        /// Nothing is filled.
        OnlyNew = "ONLY_NEW",
        /// Something is filled.
        OnlyPartiallyFilled = "ONLY_PARTIALLY_FILLED",
    }

    /// What a cancel-replace does where the cancel fails.
    CancelReplaceMode {
        /// Nothing more.
        StopOnFailure = "STOP_ON_FAILURE",
        /// The new order is tried all the same.
        AllowFailure = "ALLOW_FAILURE",
    }

    /// What a cancel-replace does where the count of orders is used up.
    RateLimitExceededMode {
        /// Nothing.
        DoNothing = "DO_NOTHING",
        /// The cancel alone.
        CancelOnly = "CANCEL_ONLY",
    }

    /// Length of a bar.
    KlineInterval {
        /// 1 second.
        Second1 = "1s",
        /// 1 minute.
        Minute1 = "1m",
        /// 3 minutes.
        Minute3 = "3m",
        /// 5 minutes.
        Minute5 = "5m",
        /// 15 minutes.
        Minute15 = "15m",
        /// 30 minutes.
        Minute30 = "30m",
        /// 1 hour.
        Hour1 = "1h",
        /// 2 hours.
        Hour2 = "2h",
        /// 4 hours.
        Hour4 = "4h",
        /// 6 hours.
        Hour6 = "6h",
        /// 8 hours.
        Hour8 = "8h",
        /// 12 hours.
        Hour12 = "12h",
        /// 1 day.
        Day1 = "1d",
        /// 3 days.
        Day3 = "3d",
        /// 1 week, from Monday.
        Week1 = "1w",
    }
}

impl KlineInterval {
    /// All of them. Months are absent on purpose: they have no one length.
    pub const ALL: [Self; 15] = [
        Self::Second1,
        Self::Minute1,
        Self::Minute3,
        Self::Minute5,
        Self::Minute15,
        Self::Minute30,
        Self::Hour1,
        Self::Hour2,
        Self::Hour4,
        Self::Hour6,
        Self::Hour8,
        Self::Hour12,
        Self::Day1,
        Self::Day3,
        Self::Week1,
    ];

    /// How long it is.
    #[must_use]
    pub const fn nanos(self) -> Nanos {
        let seconds = match self {
            Self::Second1 => 1,
            Self::Minute1 => 60,
            Self::Minute3 => 180,
            Self::Minute5 => 300,
            Self::Minute15 => 900,
            Self::Minute30 => 1_800,
            Self::Hour1 => 3_600,
            Self::Hour2 => 7_200,
            Self::Hour4 => 14_400,
            Self::Hour6 => 21_600,
            Self::Hour8 => 28_800,
            Self::Hour12 => 43_200,
            Self::Day1 => 86_400,
            Self::Day3 => 259_200,
            Self::Week1 => 604_800,
        };
        Nanos::from_millis(seconds * 1_000)
    }

    /// The one of this length, if there is one.
    #[must_use]
    pub fn of(length: Nanos) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.nanos() == length)
    }
}
