//! USDⓈ-M futures: the machine against a fake venue with a virtual clock, recorded payloads, hostile
//! bytes, and the tables of the document.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

mod document;
mod fake;
mod hostile;
mod machine;
mod payloads;
