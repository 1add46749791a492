//! The head of a tape: its instruments with all their rules, and where it is from.

use std::path::Path;

use sandpit_core::{
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
};
use serde::{Deserialize, Serialize};

use super::{HEADER_BYTES_MAX, INSTRUMENTS_MAX, SOURCE_BYTES_MAX, TapeError};

/// Whose clock stamped the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapeClock {
    /// The recording host's, on arrival. Latency from the venue to here is in the tape already.
    Host,
    /// The venue's own.
    Venue,
}

/// What a tape says about itself.
#[derive(Clone, Debug)]
pub struct TapeHeader {
    /// The instruments; an event's id is an index here.
    pub instruments: Vec<Instrument>,
    /// Whose clock stamped the events.
    pub clock: TapeClock,
    /// Where the data is from, for people.
    pub source: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderOnDisk {
    clock: TapeClock,
    source: String,
    instruments: Vec<InstrumentOnDisk>,
}

/// All of an [`InstrumentSpec`]; numbers as text, so that they are exact. The journal writes
/// instruments in this form, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentOnDisk {
    pub(crate) symbol: String,
    pub(crate) venue: String,
    pub(crate) kind: String,
    pub(crate) base: String,
    pub(crate) quote: String,
    pub(crate) price_tick: String,
    pub(crate) quantity_step: String,
    pub(crate) min_quantity: String,
    pub(crate) max_quantity: String,
    pub(crate) min_notional: String,
    pub(crate) multiplier: String,
    pub(crate) maker_fee: String,
    pub(crate) taker_fee: String,
}

impl TapeHeader {
    pub(super) fn to_json(&self, path: &Path) -> Result<Vec<u8>, TapeError> {
        let refuse = |problem| TapeError::Header { path: path.to_owned(), problem };
        self.check_bounds().map_err(refuse)?;
        let on_disk = HeaderOnDisk {
            clock: self.clock,
            source: self.source.clone(),
            instruments: self.instruments.iter().map(|i| instrument_out(i.spec())).collect(),
        };
        let json = serde_json::to_vec(&on_disk).map_err(|_| refuse("it is no JSON"))?;
        match u32::try_from(json.len()) {
            Ok(length) if length <= HEADER_BYTES_MAX => Ok(json),
            _ => Err(refuse("it has too many bytes")),
        }
    }

    pub(super) fn from_json(json: &[u8], path: &Path) -> Result<Self, TapeError> {
        let refuse = |problem| TapeError::Header { path: path.to_owned(), problem };
        let on_disk: HeaderOnDisk = serde_json::from_slice(json)
            .map_err(|_| refuse("its JSON has not the right fields"))?;
        let mut instruments = Vec::with_capacity(on_disk.instruments.len().min(INSTRUMENTS_MAX));
        for text in on_disk.instruments.into_iter().take(INSTRUMENTS_MAX + 1) {
            let spec = instrument_in(text)
                .ok_or_else(|| refuse("an instrument has a malformed number or kind"))?;
            let instrument = Instrument::new(spec)
                .map_err(|source| TapeError::Instruments { path: path.to_owned(), source })?;
            instruments.push(instrument);
        }
        let header = Self { instruments, clock: on_disk.clock, source: on_disk.source };
        header.check_bounds().map_err(refuse)?;
        Ok(header)
    }

    fn check_bounds(&self) -> Result<(), &'static str> {
        if self.instruments.is_empty() {
            return Err("it has no instrument");
        }
        if self.instruments.len() > INSTRUMENTS_MAX {
            return Err("it has more than 1,024 instruments");
        }
        if self.source.len() > SOURCE_BYTES_MAX {
            return Err("its note of the source has more than 4,096 bytes");
        }
        let mut names: Vec<_> =
            self.instruments.iter().map(|i| (&i.spec().venue, &i.spec().symbol)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err("it has one instrument twice");
        }
        Ok(())
    }
}

const KINDS: [(InstrumentKind, &str); 3] = [
    (InstrumentKind::Spot, "spot"),
    (InstrumentKind::Perpetual, "perpetual"),
    (InstrumentKind::Future, "future"),
];

pub(crate) fn instrument_out(spec: &InstrumentSpec) -> InstrumentOnDisk {
    let kind = KINDS.iter().find(|(kind, _)| *kind == spec.kind).map_or("spot", |(_, name)| name);
    InstrumentOnDisk {
        symbol: spec.symbol.clone(),
        venue: spec.venue.clone(),
        kind: kind.to_owned(),
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        price_tick: spec.price_tick.to_string(),
        quantity_step: spec.quantity_step.to_string(),
        min_quantity: spec.min_quantity.to_string(),
        max_quantity: spec.max_quantity.to_string(),
        min_notional: spec.min_notional.to_string(),
        multiplier: spec.multiplier.to_string(),
        maker_fee: spec.maker_fee.to_decimal().to_string(),
        taker_fee: spec.taker_fee.to_decimal().to_string(),
    }
}

pub(crate) fn instrument_in(text: InstrumentOnDisk) -> Option<InstrumentSpec> {
    let number = |text: &str| text.parse::<Decimal>().ok();
    let rate = |text: &str| Rate::from_decimal(number(text)?);
    Some(InstrumentSpec {
        kind: KINDS.iter().find(|(_, name)| *name == text.kind)?.0,
        price_tick: number(&text.price_tick)?,
        quantity_step: number(&text.quantity_step)?,
        min_quantity: number(&text.min_quantity)?,
        max_quantity: number(&text.max_quantity)?,
        min_notional: number(&text.min_notional)?,
        multiplier: number(&text.multiplier)?,
        maker_fee: rate(&text.maker_fee)?,
        taker_fee: rate(&text.taker_fee)?,
        symbol: text.symbol,
        venue: text.venue,
        base: text.base,
        quote: text.quote,
    })
}
