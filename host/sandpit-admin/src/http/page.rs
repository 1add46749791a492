//! The page: files of this crate, in the program. There is no build step, and nothing is fetched
//! from elsewhere.

pub(super) const HTML: &[u8] = include_bytes!("../../page/index.html");
pub(super) const STYLE: &[u8] = include_bytes!("../../page/app.css");
pub(super) const SCRIPT: &[u8] = include_bytes!("../../page/app.js");
pub(super) const ICON: &[u8] = include_bytes!("../../page/icon.svg");
