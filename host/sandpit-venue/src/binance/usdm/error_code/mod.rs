//! What an error of USDⓈ-M futures means. Its codes are a table of their own: −2021, −2022 and
//! others say here what they do not say on Spot. How an answer is judged by them is shared with
//! Spot ([`super::super::error_code`]).
//!
//! What a status of 503 means is in its words, by the document: "Unknown error, please check your
//! request or try again later." leaves a doubt; "Service Unavailable." and −1008 were not done. The
//! words "Internal error; unable to process your request. Please try again." are called a failure
//! there, and −1001 elsewhere, where it is none that proves anything: here they leave a doubt.
//!
//! Sources: the official documents of USDⓈ-M futures, "Error Codes" and "General Info" ("HTTP 503
//! Status: Message Variants & Handling"), as of 2026-05-28. −4116 is an answer to a name that an
//! open order has; since no name is sent twice here, it says that the order is there, and it is
//! found out.

use crate::binance::error_code::Class;

mod table;

pub use table::ErrorCode;

/// What a code means; one that is not in the table refuses.
#[must_use]
pub fn class(code: i32) -> Class {
    ErrorCode::of(code).map_or(Class::Rejected, ErrorCode::class)
}

/// Whether a status of 500 and above says, by the document, that nothing was done.
pub(in crate::binance) fn says_not_done(status: u16, code: i32, message: &str) -> bool {
    /// 100 % failure, by the document.
    const UNAVAILABLE: &str = "Service Unavailable.";
    let throttled = code == ErrorCode::RequestThrottled.code();
    status == 503 && (throttled || message == UNAVAILABLE)
}

/// Whether a refusal says that the order which was to be canceled, changed or asked about is not
/// there: over, or never arrived.
#[must_use]
pub fn says_no_such_order(code: i32) -> bool {
    class(code) == Class::NotFound
}

#[cfg(test)]
mod tests;
