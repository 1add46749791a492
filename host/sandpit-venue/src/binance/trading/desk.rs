//! What is known around messages: the instruments with their rules, worths of assets, and whose an
//! order's number is.

use std::collections::{BTreeMap, VecDeque};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId},
    instrument::Instrument,
    num::Decimal,
    time::UnixNanos,
};

use crate::binance::{
    filters::{Filter, SymbolRules},
    response::Desk,
};

/// Orders' numbers that are remembered with whose they are; the oldest is forgotten first, and
/// asked about again where it is needed.
const NUMBERS_MAX: usize = 16_384;

/// An instrument as this venue knows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// As the core has it.
    pub instrument: Instrument,
    /// Its rules.
    pub rules: SymbolRules,
}

/// A worth, and when it was found out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    pub(super) rate: Decimal,
    pub(super) at: UnixNanos,
}

/// See the head of this module.
#[derive(Debug)]
pub(super) struct Book {
    listed: Vec<Listed>,
    pub(super) exchange_filters: Vec<Filter>,
    by_symbol: BTreeMap<String, InstrumentId>,
    /// What one unit of the first is worth in the second.
    pub(super) worths: BTreeMap<(String, String), Worth>,
    /// `None` for somebody else's.
    numbers: BTreeMap<(InstrumentId, u64), Option<ClientOrderId>>,
    number_order: VecDeque<(InstrumentId, u64)>,
}

impl Book {
    pub(super) fn new(listed: Vec<Listed>, exchange_filters: Vec<Filter>) -> Self {
        let by_symbol = listed
            .iter()
            .enumerate()
            .filter_map(|(at, one)| {
                let id = InstrumentId(u16::try_from(at).ok()?);
                Some((one.instrument.spec().symbol.clone(), id))
            })
            .collect();
        Self {
            listed,
            exchange_filters,
            by_symbol,
            worths: BTreeMap::new(),
            numbers: BTreeMap::new(),
            number_order: VecDeque::new(),
        }
    }

    pub(super) fn get(&self, id: InstrumentId) -> Option<&Listed> {
        self.listed.get(usize::from(id.0))
    }

    pub(super) fn id(&self, symbol: &str) -> Option<InstrumentId> {
        self.by_symbol.get(symbol).copied()
    }

    pub(super) fn symbol(&self, id: InstrumentId) -> Option<&str> {
        self.get(id).map(|one| one.instrument.spec().symbol.as_str())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        let ids = (0..=u16::MAX).map(InstrumentId);
        ids.zip(self.listed.iter().map(|one| &one.instrument))
    }

    pub(super) fn note_number(
        &mut self,
        instrument: InstrumentId,
        number: u64,
        order: Option<ClientOrderId>,
    ) {
        let key = (instrument, number);
        if self.numbers.insert(key, order).is_none() {
            self.number_order.push_back(key);
            if self.number_order.len() > NUMBERS_MAX
                && let Some(oldest) = self.number_order.pop_front()
            {
                self.numbers.remove(&oldest);
            }
        }
    }

    /// Whose an order is by the venue's number; the outer `None` where that is not known.
    pub(super) fn whose(
        &self,
        instrument: InstrumentId,
        number: u64,
    ) -> Option<Option<ClientOrderId>> {
        self.numbers.get(&(instrument, number)).copied()
    }
}

impl Desk for Book {
    fn instrument(&self, symbol: &str) -> Option<(InstrumentId, &Instrument)> {
        let id = self.id(symbol)?;
        self.get(id).map(|one| (id, &one.instrument))
    }

    fn fee_rate(&self, asset: &str, quote: &str) -> Option<Decimal> {
        self.worths.get(&(asset.to_owned(), quote.to_owned())).map(|worth| worth.rate)
    }
}
