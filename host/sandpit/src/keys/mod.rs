//! Keys of a run: from what the configuration says to keys that sign, looked after while a session
//! runs. Where a key comes from is `sandpit_secrets`' business, what it signs and whether the venue
//! takes it `sandpit_venue`'s; here the two are put together.
//!
//! `place` finds a key, `opened` holds those of one session, `watchman` is the thread that asks for
//! new ones, `rights` says what a key may be able to do, `ledger` which account uses which key on this
//! machine, `cover` the last net under what is printed, and the process around it.
//!
//! Not here: what a session does with a new key (`session`), and what is typed (`cli`).
//!
//! **Architecture invariant:** a key that is not proven at the venue signs nothing but its proof. What
//! is signed with the old one ends with the old one.

mod cover;
mod error;
mod ledger;
mod opened;
mod place;
mod rights;
mod watchman;

pub use cover::{mask, protect_process};
pub use error::KeysError;
pub(crate) use ledger::{Ledger, LedgerError};
pub use opened::SessionKeys;
pub(crate) use opened::{KeySigner, fingerprint};
pub(crate) use place::{Place, mode_name};
pub(crate) use rights::{Judged, judge};
pub(crate) use watchman::{Candidate, Happened, Looked, Order, Said, Watchman};
