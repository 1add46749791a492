//! Pages of own trades.

use crate::binance::{
    request::TRADES_MAX,
    response::{Answer as _, TradeRecord},
};

/// Pages that are read for one question: a million trades.
pub(super) const PAGES_MAX: usize = 1_000;

/// Whether a page is full, so that there may be more.
pub(super) fn is_full(page: &[TradeRecord<'_>]) -> bool {
    u32::try_from(page.len()).is_ok_and(|trades| trades >= TRADES_MAX)
}

/// Where the next page begins, whether there is one or not.
pub(super) fn after(page: &[TradeRecord<'_>]) -> Option<u64> {
    let last = page.iter().map(|trade| trade.id).max()?;
    u64::try_from(last).ok()?.checked_add(1)
}

/// Where the next page begins; `None` where there is none.
pub(super) fn next_page(page: &[TradeRecord<'_>]) -> Option<u64> {
    if is_full(page) { after(page) } else { None }
}

/// All trades of pages that could be read before.
pub(super) fn read_all(pages: &[Vec<u8>]) -> Vec<TradeRecord<'_>> {
    pages.iter().filter_map(|page| Vec::decode(page).ok()).flatten().collect()
}
