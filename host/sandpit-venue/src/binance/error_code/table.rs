//! The table: every code of the official document "Error codes for Binance", with −2021, −2022 and
//! −2038, which it describes in its text.

use super::Class;

macro_rules! table {
    ($($(#[doc = $meaning:literal])* $variant:ident = $code:literal $name:literal $class:ident,)+) => {
        /// An error code of the venue.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $($(#[doc = $meaning])* $variant,)+
        }

        impl ErrorCode {
            /// All of them, in the document's order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number.
            #[must_use]
            pub const fn code(self) -> i32 {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The venue's name of it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it means for the request.
            #[must_use]
            pub const fn class(self) -> Class {
                match self {
                    $(Self::$variant => Class::$class,)+
                }
            }

            /// In a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($meaning),*).trim_ascii(),)+
                }
            }

            /// The code with this number; `None` for one that is not known here.
            #[must_use]
            pub const fn of(code: i32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(in crate::binance) use table;

table! {
    /// An unknown error while processing.
    Unknown = -1000 "UNKNOWN" Unknown,
    /// An internal error; the request could not be processed.
    Disconnected = -1001 "DISCONNECTED" Unknown,
    /// Not authorised for this request.
    Unauthorized = -1002 "UNAUTHORIZED" KeyProblem,
    /// Too much weight or too many requests.
    TooManyRequests = -1003 "TOO_MANY_REQUESTS" RateLimited,
    /// An unexpected answer inside the venue; execution status unknown.
    UnexpectedResp = -1006 "UNEXPECTED_RESP" Unknown,
    /// A timeout inside the venue; execution status unknown.
    Timeout = -1007 "TIMEOUT" Unknown,
    /// Overloaded; it does not say what became of the request.
    ServerBusy = -1008 "SERVER_BUSY" Unknown,
    /// Refused by the matching engine; the message says why.
    ErrorMsgReceived = -1010 "ERROR_MSG_RECEIVED" Rejected,
    /// Refused before the matching engine, mostly by a filter.
    InvalidMessage = -1013 "INVALID_MESSAGE" Rejected,
    /// Unsupported combination.
    UnknownOrderComposition = -1014 "UNKNOWN_ORDER_COMPOSITION" BadRequest,
    /// Too many new orders.
    TooManyOrders = -1015 "TOO_MANY_ORDERS" RateLimited,
    /// The service is going away; it does not say what became of the request.
    ServiceShuttingDown = -1016 "SERVICE_SHUTTING_DOWN" Unknown,
    /// Not supported.
    UnsupportedOperation = -1020 "UNSUPPORTED_OPERATION" BadRequest,
    /// Outside `recvWindow`, or more than a second ahead.
    InvalidTimestamp = -1021 "INVALID_TIMESTAMP" ClockSkew,
    /// The signature is wrong.
    InvalidSignature = -1022 "INVALID_SIGNATURE" KeyProblem,
    /// FIX: the sender is in use.
    CompIdInUse = -1033 "COMP_ID_IN_USE" Session,
    /// Too many connections or attempts.
    TooManyConnections = -1034 "TOO_MANY_CONNECTIONS" RateLimited,
    /// FIX: log out to close.
    LoggedOut = -1035 "LOGGED_OUT" Session,
    /// Illegal characters in a parameter.
    IllegalChars = -1100 "ILLEGAL_CHARS" BadRequest,
    /// Too many parameters, or one twice.
    TooManyParameters = -1101 "TOO_MANY_PARAMETERS" BadRequest,
    /// A parameter is missing or malformed.
    MandatoryParamEmptyOrMalformed = -1102 "MANDATORY_PARAM_EMPTY_OR_MALFORMED" BadRequest,
    /// An unknown parameter.
    UnknownParam = -1103 "UNKNOWN_PARAM" BadRequest,
    /// Parameters that were not read.
    UnreadParameters = -1104 "UNREAD_PARAMETERS" BadRequest,
    /// An empty parameter.
    ParamEmpty = -1105 "PARAM_EMPTY" BadRequest,
    /// A parameter that does not belong there.
    ParamNotRequired = -1106 "PARAM_NOT_REQUIRED" BadRequest,
    /// A parameter overflowed.
    ParamOverflow = -1108 "PARAM_OVERFLOW" BadRequest,
    /// Too many digits.
    BadPrecision = -1111 "BAD_PRECISION" BadRequest,
    /// No orders on the book.
    NoDepth = -1112 "NO_DEPTH" Rejected,
    /// `timeInForce` does not belong there.
    TifNotRequired = -1114 "TIF_NOT_REQUIRED" BadRequest,
    /// Invalid `timeInForce`.
    InvalidTif = -1115 "INVALID_TIF" BadRequest,
    /// Invalid type.
    InvalidOrderType = -1116 "INVALID_ORDER_TYPE" BadRequest,
    /// Invalid side.
    InvalidSide = -1117 "INVALID_SIDE" BadRequest,
    /// The new client order id is empty.
    EmptyNewClOrdId = -1118 "EMPTY_NEW_CL_ORD_ID" BadRequest,
    /// The original client order id is empty.
    EmptyOrgClOrdId = -1119 "EMPTY_ORG_CL_ORD_ID" BadRequest,
    /// Invalid interval.
    BadInterval = -1120 "BAD_INTERVAL" BadRequest,
    /// Invalid symbol.
    BadSymbol = -1121 "BAD_SYMBOL" BadRequest,
    /// Invalid `symbolStatus`.
    InvalidSymbolstatus = -1122 "INVALID_SYMBOLSTATUS" BadRequest,
    /// The listen key does not exist.
    InvalidListenKey = -1125 "INVALID_LISTEN_KEY" Session,
    /// The interval asked for is too long.
    MoreThanXxHours = -1127 "MORE_THAN_XX_HOURS" BadRequest,
    /// These parameters do not go together.
    OptionalParamsBadCombo = -1128 "OPTIONAL_PARAMS_BAD_COMBO" BadRequest,
    /// Invalid data in a parameter.
    InvalidParameter = -1130 "INVALID_PARAMETER" BadRequest,
    /// `strategyType` is too small.
    BadStrategyType = -1134 "BAD_STRATEGY_TYPE" BadRequest,
    /// Invalid JSON.
    InvalidJson = -1135 "INVALID_JSON" BadRequest,
    /// Invalid ticker type.
    InvalidTickerType = -1139 "INVALID_TICKER_TYPE" BadRequest,
    /// Invalid `cancelRestrictions`.
    InvalidCancelRestrictions = -1145 "INVALID_CANCEL_RESTRICTIONS" BadRequest,
    /// A symbol twice.
    DuplicateSymbols = -1151 "DUPLICATE_SYMBOLS" BadRequest,
    /// Invalid SBE header.
    InvalidSbeHeader = -1152 "INVALID_SBE_HEADER" BadRequest,
    /// Unsupported SBE schema.
    UnsupportedSchemaId = -1153 "UNSUPPORTED_SCHEMA_ID" BadRequest,
    /// SBE is not enabled.
    SbeDisabled = -1155 "SBE_DISABLED" BadRequest,
    /// The type is not supported in a pair.
    OcoOrderTypeRejected = -1158 "OCO_ORDER_TYPE_REJECTED" BadRequest,
    /// An iceberg must be good till canceled.
    OcoIcebergqtyTimeinforce = -1160 "OCO_ICEBERGQTY_TIMEINFORCE" BadRequest,
    /// The SBE schema is too old.
    DeprecatedSchema = -1161 "DEPRECATED_SCHEMA" BadRequest,
    /// A buying pair has its limit below.
    BuyOcoLimitMustBeBelow = -1165 "BUY_OCO_LIMIT_MUST_BE_BELOW" BadRequest,
    /// A selling pair has its limit above.
    SellOcoLimitMustBeAbove = -1166 "SELL_OCO_LIMIT_MUST_BE_ABOVE" BadRequest,
    /// One order of a pair must be conditional.
    BothOcoOrdersCannotBeLimit = -1168 "BOTH_OCO_ORDERS_CANNOT_BE_LIMIT" BadRequest,
    /// FIX: invalid tag.
    InvalidTagNumber = -1169 "INVALID_TAG_NUMBER" Session,
    /// FIX: the tag is not of this message.
    TagNotDefinedInMessage = -1170 "TAG_NOT_DEFINED_IN_MESSAGE" Session,
    /// FIX: a tag twice.
    TagAppearsMoreThanOnce = -1171 "TAG_APPEARS_MORE_THAN_ONCE" Session,
    /// FIX: a tag out of order.
    TagOutOfOrder = -1172 "TAG_OUT_OF_ORDER" Session,
    /// FIX: fields of a group out of order.
    GroupFieldsOutOfOrder = -1173 "GROUP_FIELDS_OUT_OF_ORDER" Session,
    /// FIX: a component is wrong.
    InvalidComponent = -1174 "INVALID_COMPONENT" Session,
    /// FIX: sequence numbers must be reset.
    ResetSeqNumSupport = -1175 "RESET_SEQ_NUM_SUPPORT" Session,
    /// FIX: logged in already.
    AlreadyLoggedIn = -1176 "ALREADY_LOGGED_IN" Session,
    /// FIX: garbled.
    GarbledMessage = -1177 "GARBLED_MESSAGE" Session,
    /// FIX: wrong sender.
    BadSenderCompid = -1178 "BAD_SENDER_COMPID" Session,
    /// FIX: wrong sequence number.
    BadSeqNum = -1179 "BAD_SEQ_NUM" Session,
    /// FIX: the first message must log in.
    ExpectedLogon = -1180 "EXPECTED_LOGON" Session,
    /// Too many messages.
    TooManyMessages = -1181 "TOO_MANY_MESSAGES" RateLimited,
    /// Conflicting fields.
    ParamsBadCombo = -1182 "PARAMS_BAD_COMBO" BadRequest,
    /// FIX: not in this session.
    NotAllowedInDropCopySessions = -1183 "NOT_ALLOWED_IN_DROP_COPY_SESSIONS" Session,
    /// FIX: not on this server.
    DropCopySessionNotAllowed = -1184 "DROP_COPY_SESSION_NOT_ALLOWED" Session,
    /// FIX: only drop copy on this server.
    DropCopySessionRequired = -1185 "DROP_COPY_SESSION_REQUIRED" Session,
    /// FIX: not in this session.
    NotAllowedInOrderEntrySessions = -1186 "NOT_ALLOWED_IN_ORDER_ENTRY_SESSIONS" Session,
    /// FIX: not in this session.
    NotAllowedInMarketDataSessions = -1187 "NOT_ALLOWED_IN_MARKET_DATA_SESSIONS" Session,
    /// FIX: wrong count of a group.
    IncorrectNumInGroupCount = -1188 "INCORRECT_NUM_IN_GROUP_COUNT" Session,
    /// FIX: an entry twice.
    DuplicateEntriesInAGroup = -1189 "DUPLICATE_ENTRIES_IN_A_GROUP" Session,
    /// FIX: wrong subscription id.
    InvalidRequestId = -1190 "INVALID_REQUEST_ID" Session,
    /// Too many subscriptions.
    TooManySubscriptions = -1191 "TOO_MANY_SUBSCRIPTIONS" Session,
    /// Invalid unit of time.
    InvalidTimeUnit = -1194 "INVALID_TIME_UNIT" BadRequest,
    /// A buying pair has its stop above.
    BuyOcoStopLossMustBeAbove = -1196 "BUY_OCO_STOP_LOSS_MUST_BE_ABOVE" BadRequest,
    /// A selling pair has its stop below.
    SellOcoStopLossMustBeBelow = -1197 "SELL_OCO_STOP_LOSS_MUST_BE_BELOW" BadRequest,
    /// A buying pair takes its profit below.
    BuyOcoTakeProfitMustBeBelow = -1198 "BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW" BadRequest,
    /// A selling pair takes its profit above.
    SellOcoTakeProfitMustBeAbove = -1199 "SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE" BadRequest,
    /// Invalid `pegPriceType`.
    InvalidPegPriceType = -1210 "INVALID_PEG_PRICE_TYPE" BadRequest,
    /// Invalid `pegOffsetType`.
    InvalidPegOffsetType = -1211 "INVALID_PEG_OFFSET_TYPE" BadRequest,
    /// The symbol is not in the status asked for.
    SymbolDoesNotMatchStatus = -1220 "SYMBOL_DOES_NOT_MATCH_STATUS" BadRequest,
    /// Invalid SBE field.
    InvalidSbeMessageField = -1221 "INVALID_SBE_MESSAGE_FIELD" BadRequest,
    /// The working order must buy.
    OpoWorkingMustBeBuy = -1222 "OPO_WORKING_MUST_BE_BUY" BadRequest,
    /// The pending orders must sell.
    OpoPendingMustBeSell = -1223 "OPO_PENDING_MUST_BE_SELL" BadRequest,
    /// The working order lacks a parameter.
    WorkingParamRequired = -1224 "WORKING_PARAM_REQUIRED" BadRequest,
    /// The pending orders have a parameter too many.
    PendingParamNotRequired = -1225 "PENDING_PARAM_NOT_REQUIRED" BadRequest,
    /// A new order was refused; the message says why.
    NewOrderRejected = -2010 "NEW_ORDER_REJECTED" Rejected,
    /// A cancel was refused; the message says why.
    CancelRejected = -2011 "CANCEL_REJECTED" Rejected,
    /// There is no such order.
    NoSuchOrder = -2013 "NO_SUCH_ORDER" NotFound,
    /// This is no key.
    BadApiKeyFmt = -2014 "BAD_API_KEY_FMT" KeyProblem,
    /// Wrong key, address or permission.
    RejectedMbxKey = -2015 "REJECTED_MBX_KEY" KeyProblem,
    /// No trading window for the symbol.
    NoTradingWindow = -2016 "NO_TRADING_WINDOW" Rejected,
    /// One half of a cancel-replace failed.
    CancelReplacePartiallyFailed = -2021 "ORDER_CANCEL_REPLACE_PARTIALLY_FAILED" Halves,
    /// Both halves of a cancel-replace failed.
    CancelReplaceFailed = -2022 "ORDER_CANCEL_REPLACE_FAILED" Halves,
    /// Ended without a fill more than 90 days ago.
    OrderArchived = -2026 "ORDER_ARCHIVED" NotFound,
    /// Own events are on already.
    SubscriptionActive = -2035 "SUBSCRIPTION_ACTIVE" Session,
    /// Own events are off already.
    SubscriptionInactive = -2036 "SUBSCRIPTION_INACTIVE" Session,
    /// An amend was refused; the message says why.
    OrderAmendRejected = -2038 "ORDER_AMEND_REJECTED" Rejected,
    /// Client order id and order id do not belong together.
    ClientOrderIdInvalid = -2039 "CLIENT_ORDER_ID_INVALID" BadRequest,
    /// Too many subscriptions on this connection.
    MaximumSubscriptionIds = -2042 "MAXIMUM_SUBSCRIPTION_IDS" Session,
}
