//! The operator's weights as shares.

use std::{collections::BTreeMap, sync::Arc};

use sandpit_sdk::{Decimal, Instrument, InstrumentId, Rounding};

/// Digits of a share. Rounded down, so that the sum is never above 1.
const SHARE_DIGITS: u8 = 9;

/// Reads `BTCUSDT=2 ETHUSDT=1`, or gives all instruments the same share where nothing is said.
pub(super) fn shares(
    text: &str,
    instruments: &[Arc<Instrument>],
) -> Result<BTreeMap<InstrumentId, Decimal>, String> {
    let mut weights = BTreeMap::new();
    for word in text.split_whitespace() {
        let wrong = || format!("`{word}` is not like BTCUSDT=2");
        let (symbol, weight) = word.split_once('=').ok_or_else(wrong)?;
        let found = instruments.iter().find(|each| each.symbol == symbol);
        let id = found.ok_or_else(|| format!("{symbol} is not in the session"))?.id;
        let weight: Decimal = weight.parse().map_err(|_| wrong())?;
        if weight.is_negative() || weights.insert(id, weight).is_some() {
            return Err(format!("{symbol} needs one weight that is not negative"));
        }
    }
    if weights.is_empty() {
        weights = instruments.iter().map(|each| (each.id, Decimal::ONE)).collect();
    }
    let total = weights.values().copied().sum();
    let share = |weight: Decimal| weight.checked_div(total, SHARE_DIGITS, Rounding::Floor);
    weights
        .into_iter()
        .map(|(id, weight)| Some((id, share(weight)?)))
        .collect::<Option<_>>()
        .ok_or_else(|| "the weights sum to nothing".to_owned())
}
