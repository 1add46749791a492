//! How the exchange says no: HTTP status, code and text, as the venue does.
//!
//! Sources: the official documents "Error codes for Binance" and "Rest API" (HTTP return codes).

use std::borrow::Cow;

use serde_json::{Value, json};

/// A refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: i32,
    pub(crate) message: Cow<'static, str>,
    /// Both halves of a cancel-replace, or when to come back.
    pub(crate) data: Option<Value>,
    /// Seconds for `Retry-After`.
    pub(crate) retry_after_s: Option<u64>,
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $text:literal;)+) => {
        impl Refusal {
            $($(#[$doc])* pub(crate) const fn $name() -> Self {
                Self::fixed($status, $code, $text)
            })+
        }
    };
}

fixed! {
    bad_symbol = 400 -1121 "Invalid symbol.";
    bad_interval = 400 -1120 "Invalid interval.";
    bad_tif = 400 -1115 "Invalid timeInForce.";
    bad_type = 400 -1116 "Invalid orderType.";
    bad_side = 400 -1117 "Invalid side.";
    bad_json = 400 -1135 "Invalid JSON Request";
    duplicate_parameter = 400 -1101 "Duplicate values for a parameter detected.";
    too_many_parameters = 400 -1101 "Too many parameters sent for this endpoint.";
    outside_window = 400 -1021 "Timestamp for this request is outside of the recvWindow.";
    ahead = 400 -1021 "Timestamp for this request was 1000ms ahead of the server's time.";
    window_too_long = 400 -1131 "recvWindow must be less than 60000.";
    bad_signature = 400 -1022 "Signature for this request is not valid.";
    key_format = 401 -2014 "API-key format invalid.";
    bad_key = 401 -2015 "Invalid API-key, IP, or permissions for action.";
    combination = 400 -1014 "Unsupported order combination.";
    bad_cancel_restrictions =
        400 -1145 "Invalid cancelRestrictions";
    optional_combination = 400 -1128 "Combination of optional parameters invalid.";
    bad_strategy_type = 400 -1134 "strategyType was less than 1000000.";
    too_long_ago = 400 -1127 "More than 24 hours between startTime and endTime.";
    no_such_order = 400 -2013 "Order does not exist.";
    no_such_list = 400 -2013 "Order list does not exist.";
    unknown_order = 400 -2011 "Unknown order sent.";
    cancel_restricted = 400 -2011 "Order was not canceled due to cancel restrictions.";
    duplicate_order = 400 -2010 "Duplicate order sent.";
    insufficient_balance =
        400 -2010 "Account has insufficient balance for requested action.";
    would_trigger = 400 -2010 "Order would trigger immediately.";
    would_take = 400 -2010 "Order would immediately match and take.";
    bad_list_prices =
        400 -2010 "The relationship of the prices for the orders is not correct.";
    closed = 400 -2010 "Market is closed.";
    cancel_closed = 400 -2011 "Market is closed.";
    amend_closed = 400 -2038 "Market is closed.";
    bad_mode = 400 -1130 "Data sent for parameter 'orderRateLimitExceededMode' is not valid.";
    empty_book =
        400 -2010 "Order book liquidity is less than symbol minimum quantity.";
    nothing_worth = 400 -1013 "Price * QTY is zero or less.";
    iceberg_too_large = 400 -1013 "IcebergQty exceeds QTY.";
    stp_not_allowed =
        400 -1013 "This symbol does not allow the specified self-trade prevention mode.";
    amend_increase = 400 -2038 "Order amend (quantity increase) is not supported.";
    amend_nothing = 400 -2038 "The requested action would change no state; rejecting";
    amend_unknown = 400 -2038 "Unknown order sent.";
    amend_duplicate = 400 -2038 "Duplicate order sent.";
    list_type = 400 -1158 "Order type not supported in OCO.";
    list_no_trigger = 400 -1168 "At least one OCO order must be contingent.";
    buy_limit_below = 400 -1165 "A limit order in a buy OCO must be below.";
    sell_limit_above = 400 -1166 "A limit order in a sell OCO must be above.";
    buy_stop_above = 400 -1196 "A stop loss order in a buy OCO must be above.";
    sell_stop_below = 400 -1197 "A stop loss order in a sell OCO must be below.";
    buy_profit_below = 400 -1198 "A take profit order in a buy OCO must be below.";
    sell_profit_above = 400 -1199 "A take profit order in a sell OCO must be above.";
    subscribed = 400 -2035 "User Data Stream subscription already active.";
    not_subscribed = 400 -2036 "User Data Stream subscription not active.";
    not_logged_on =
        401 -2015 "Invalid API-key, IP, or permissions for action.";
    ed25519_only =
        400 -4056 "HMAC-SHA-256 API key is not supported.";
    unknown_method = 404 -1000 "Unknown method.";
    gone = 410 -1000 "This endpoint is no longer available. Subscribe to the user data stream on the WebSocket API.";
    not_found = 404 -1000 "Path not found.";
    too_many_open = 503 -1008 "Server is currently overloaded with other requests. Please try again in a few minutes.";
}

impl Refusal {
    const fn fixed(status: u16, code: i32, message: &'static str) -> Self {
        Self { status, code, message: Cow::Borrowed(message), data: None, retry_after_s: None }
    }

    fn said(code: i32, message: String) -> Self {
        Self { message: Cow::Owned(message), ..Self::fixed(400, code, "") }
    }

    /// A parameter that must be there and is not, or makes no sense.
    pub(crate) fn mandatory(name: &str) -> Self {
        let text =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::said(-1102, text)
    }

    /// One of two must be there.
    pub(crate) fn one_of(a: &str, b: &str) -> Self {
        let text = format!("Param '{a}' or '{b}' must be sent, but both were empty/null!");
        Self::said(-1102, text)
    }

    /// A value that is not allowed.
    pub(crate) fn invalid(name: &str) -> Self {
        Self::said(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    /// Characters that are not allowed.
    pub(crate) fn illegal(name: &str, range: &str) -> Self {
        let text =
            format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
        Self::said(-1100, text)
    }

    /// A parameter that does not belong there.
    pub(crate) fn not_required(name: &str) -> Self {
        Self::said(-1106, format!("Parameter '{name}' sent when not required."))
    }

    /// A parameter without a value.
    pub(crate) fn empty(name: &str) -> Self {
        Self::said(-1105, format!("Parameter '{name}' was empty."))
    }

    /// Too many digits after the point.
    pub(crate) fn precision(name: &str) -> Self {
        Self::said(-1111, format!("Parameter '{name}' has too much precision."))
    }

    /// Parameters that nobody reads.
    pub(crate) fn unread(read: usize, sent: usize) -> Self {
        let text = format!(
            "Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
        );
        Self::said(-1104, text)
    }

    /// A filter.
    pub(crate) fn filter(name: &str) -> Self {
        Self::said(-1013, format!("Filter failure: {name}"))
    }

    /// Too much was asked.
    pub(crate) fn too_much(status: u16, code: i32, message: String, retry_after_s: u64) -> Self {
        let status_fixed = Self::fixed(status, code, "");
        Self { message: Cow::Owned(message), retry_after_s: Some(retry_after_s), ..status_fixed }
    }

    /// The same with another code: the venue has one for each request.
    pub(crate) fn with_code(self, code: i32) -> Self {
        Self { code, ..self }
    }

    /// One half of a cancel-replace was done.
    pub(crate) fn replace_in_part(data: Value) -> Self {
        let fixed = Self::fixed(409, -2021, "Order cancel-replace partially failed.");
        Self { data: Some(data), ..fixed }
    }

    /// A cancel-replace that could place nothing: too many orders.
    pub(crate) fn replace_limited(data: Value) -> Self {
        Self { status: 429, ..Self::replace_in_part(data) }
    }

    /// Neither half of a cancel-replace was done.
    pub(crate) fn replace_failed(data: Value) -> Self {
        let fixed = Self::fixed(400, -2022, "Order cancel-replace failed.");
        Self { data: Some(data), ..fixed }
    }

    /// The body of an answer.
    pub(crate) fn body(&self) -> Value {
        match &self.data {
            Some(data) => json!({"code": self.code, "msg": self.message, "data": data}),
            None => json!({"code": self.code, "msg": self.message}),
        }
    }
}
