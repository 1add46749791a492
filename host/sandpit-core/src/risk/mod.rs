//! What may be sent. Risk turns a plugin's wish into an [`Approved`] order or a coded [`Denial`];
//! nothing else can make an `Approved`. Two scopes are asked, the plugin's and the account's, and
//! the tighter wins. Cancels are not asked about: they always pass.

mod approved;
mod check;
mod denial;
mod form;
mod limits;

pub use approved::Approved;
pub use check::{Exposure, Purpose};
pub use denial::{Denial, DenialCode, Scope};
pub use form::OffTick;
pub use limits::{InstrumentLimits, Limits};

pub(crate) use check::{Candidate, ScopeView, approve, approve_change};
pub(crate) use form::{form, form_limit, form_quantity, form_trigger};
