//! Keys from every source, against servers of our own that check what the real ones check.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![expect(clippy::print_stderr, reason = "what is not checked is said")]

mod aws;
mod azure;
mod canary;
mod files;
mod google;
mod keeper;
mod keyring;
mod process;
mod real;
mod scan;
mod signing;
mod support;
mod tls;
mod vault;
