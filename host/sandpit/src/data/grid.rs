//! How fine the numbers of a file are, for instruments without rules.

use std::collections::BTreeMap;

use sandpit_core::num::scale_needed;
use sandpit_journal::tape::INSTRUMENTS_MAX;
use sandpit_venue::binance::stream::NumberKind;

use super::row::{RawData, RawEvent};

/// Digits of the largest raw price and quantity (10^15, exclusive).
pub(super) const RAW_DIGITS_MAX: u8 = 15;

/// What the data says of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) venue: Option<String>,
    pub(super) price_scale: u8,
    pub(super) quantity_scale: u8,
    /// Digits before the point of the largest price and quantity.
    pub(super) price_digits: u8,
    pub(super) quantity_digits: u8,
    /// In the order in which instruments first came.
    pub(super) order: usize,
}

/// Reads numbers as text and remembers how fine they are, per instrument.
#[derive(Debug, Default)]
pub(super) struct GridFinder {
    pub(super) found: BTreeMap<String, Found>,
    last: String,
}

impl GridFinder {
    pub(super) fn take(&mut self, event: &RawEvent<'_>) {
        if matches!(event.data, RawData::Nothing(_)) {
            return;
        }
        let name = event.name.unwrap_or_default();
        if self.found.len() > INSTRUMENTS_MAX {
            return;
        }
        if self.last != name || !self.found.contains_key(name) {
            let order = self.found.len();
            name.clone_into(&mut self.last);
            self.found
                .entry(name.to_owned())
                .or_insert_with(|| Found { order, ..Found::default() });
        }
        let Some(found) = self.found.get_mut(name) else {
            return;
        };
        if found.venue.is_none() {
            found.venue = event.venue.map(str::to_owned);
        }
        found.data(&event.data);
    }
}

impl Found {
    fn data(&mut self, data: &RawData<'_>) {
        match data {
            RawData::Trade { price, quantity, .. } => self.both(price, quantity),
            RawData::Quote { bid, ask, quantities } => {
                self.price(bid);
                self.price(ask);
                if let Some((bid, ask)) = quantities {
                    self.quantity(bid);
                    self.quantity(ask);
                }
            }
            RawData::Bar { prices, volume, .. } => {
                prices.iter().for_each(|price| self.price(price));
                volume.iter().for_each(|volume| self.quantity(volume));
            }
            RawData::Depth { bids, asks, .. } => {
                bids.iter().chain(*asks).for_each(|(price, quantity)| self.both(price, quantity));
            }
            RawData::Mark { mark } | RawData::Funding { mark, .. } => self.price(mark),
            RawData::Binance(message) => message.numbers(&mut |kind, text| match kind {
                NumberKind::Price => self.price(text.as_bytes()),
                NumberKind::Quantity => self.quantity(text.as_bytes()),
            }),
            RawData::Nothing(_) => {}
        }
    }

    fn both(&mut self, price: &[u8], quantity: &[u8]) {
        self.price(price);
        self.quantity(quantity);
    }

    fn price(&mut self, text: &[u8]) {
        widen(text, &mut self.price_scale, &mut self.price_digits);
    }

    fn quantity(&mut self, text: &[u8]) {
        widen(text, &mut self.quantity_scale, &mut self.quantity_digits);
    }
}

/// What is no number, or fits no grid, is refused when it is read for the tape.
fn widen(text: &[u8], scale: &mut u8, digits: &mut u8) {
    let whole = text.iter().take_while(|byte| **byte != b'.').filter(|byte| byte.is_ascii_digit());
    let before_point = whole.skip_while(|byte| **byte == b'0').count();
    let before_point = u8::try_from(before_point).ok().filter(|count| *count <= RAW_DIGITS_MAX);
    if let (Ok(after_point), Some(before_point)) = (scale_needed(text), before_point) {
        *scale = (*scale).max(after_point);
        *digits = (*digits).max(before_point);
    }
}
