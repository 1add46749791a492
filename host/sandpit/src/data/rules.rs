//! The rules of instruments: given, or found in the data where they are not.

use std::{collections::BTreeMap, fs, path::Path};

use sandpit_core::{
    instrument::{Instrument, InstrumentError, InstrumentKind, InstrumentSpec},
    num::{Decimal, ParseDecimalError, Rate},
};
use sandpit_journal::tape::INSTRUMENTS_MAX;
use serde::Deserialize;

use super::grid::{Found, GridFinder, RAW_DIGITS_MAX};

/// Bytes of a file of rules.
const RULES_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The finest step that is taken from data: what venues write at most.
const FOUND_SCALE_MAX: u8 = 9;
/// Quote assets by which a symbol is split, longer ones before those that they end with.
const QUOTE_ASSETS: [&str; 16] = [
    "FDUSD", "USDT", "USDC", "BUSD", "USD", "EUR", "GBP", "JPY", "TRY", "BRL", "AUD", "CHF", "CAD",
    "BTC", "ETH", "BNB",
];

/// Rules of one instrument. What is `None` is found in the data or has its default: no minimum
/// notional, multiplier 1, no fees, spot, the largest quantity that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportRules {
    /// The symbol on the tape.
    pub symbol: Option<String>,
    /// The name in the file, where it is another.
    pub name_in_file: Option<String>,
    /// The venue's name.
    pub venue: Option<String>,
    /// Kind.
    pub kind: Option<InstrumentKind>,
    /// Base asset.
    pub base: Option<String>,
    /// Quote asset.
    pub quote: Option<String>,
    /// Prices are multiples of this.
    pub price_tick: Option<Decimal>,
    /// Quantities are multiples of this.
    pub quantity_step: Option<Decimal>,
    /// Least quantity of an order.
    pub min_quantity: Option<Decimal>,
    /// Largest quantity of an order.
    pub max_quantity: Option<Decimal>,
    /// Least notional of an order.
    pub min_notional: Option<Decimal>,
    /// Units of the base asset in one contract.
    pub multiplier: Option<Decimal>,
    /// Fee rate for making liquidity.
    pub maker_fee: Option<Decimal>,
    /// Fee rate for taking liquidity.
    pub taker_fee: Option<Decimal>,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file has more bytes than rules need.
    #[error("`{path}` has more than {RULES_BYTES_MAX} bytes")]
    TooLong {
        /// Which file.
        path: String,
    },
    /// Not the TOML or JSON that is expected.
    #[error("`{path}` is not in the right form: {problem}")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// A number that is none.
    #[error("{field} cannot be used")]
    Number {
        /// Which.
        field: &'static str,
        /// Why.
        #[source]
        source: ParseDecimalError,
    },
    /// Rules that are no instrument.
    #[error("the rules contradict each other or their bounds")]
    Instrument(#[from] InstrumentError),
    /// A fee that is out of bounds.
    #[error("the fee {fee} is finer than 10^-12 or larger than 1,000")]
    Fee {
        /// As given.
        fee: Decimal,
    },
    /// The data and the rules do not name the same instruments.
    #[error("{0}")]
    Names(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    instruments: Vec<RulesOnDisk>,
}

/// Decimals are strings, since a float is not exact.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesOnDisk {
    symbol: Option<String>,
    name_in_file: Option<String>,
    venue: Option<String>,
    kind: Option<KindOnDisk>,
    base: Option<String>,
    quote: Option<String>,
    price_tick: Option<String>,
    quantity_step: Option<String>,
    min_quantity: Option<String>,
    max_quantity: Option<String>,
    min_notional: Option<String>,
    multiplier: Option<String>,
    maker_fee: Option<String>,
    taker_fee: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindOnDisk {
    Spot,
    Perpetual,
    Future,
}

impl ImportRules {
    /// Reads rules from a TOML or, by its name, JSON file: a list `instruments` of tables whose
    /// keys are the fields of [`ImportRules`], numbers as strings.
    ///
    /// # Errors
    /// The file cannot be read, has unknown keys, or numbers that are none.
    pub fn load(path: &Path) -> Result<Vec<Self>, RulesError> {
        let shown = path.display().to_string();
        let io_error = |source| RulesError::Io { path: shown.clone(), source };
        if fs::metadata(path).map_err(io_error)?.len() > RULES_BYTES_MAX {
            return Err(RulesError::TooLong { path: shown });
        }
        let text = fs::read_to_string(path).map_err(io_error)?;
        let malformed = |problem: String| RulesError::Malformed { path: shown.clone(), problem };
        let is_json =
            path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let file: RulesFile = if is_json {
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?
        } else {
            toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?
        };
        file.instruments.into_iter().map(Self::from_disk).collect()
    }

    fn from_disk(disk: RulesOnDisk) -> Result<Self, RulesError> {
        let number = |field, text: Option<String>| {
            text.map(|text| {
                text.parse::<Decimal>().map_err(|source| RulesError::Number { field, source })
            })
            .transpose()
        };
        Ok(Self {
            kind: disk.kind.map(|kind| match kind {
                KindOnDisk::Spot => InstrumentKind::Spot,
                KindOnDisk::Perpetual => InstrumentKind::Perpetual,
                KindOnDisk::Future => InstrumentKind::Future,
            }),
            price_tick: number("price_tick", disk.price_tick)?,
            quantity_step: number("quantity_step", disk.quantity_step)?,
            min_quantity: number("min_quantity", disk.min_quantity)?,
            max_quantity: number("max_quantity", disk.max_quantity)?,
            min_notional: number("min_notional", disk.min_notional)?,
            multiplier: number("multiplier", disk.multiplier)?,
            maker_fee: number("maker_fee", disk.maker_fee)?,
            taker_fee: number("taker_fee", disk.taker_fee)?,
            symbol: disk.symbol,
            name_in_file: disk.name_in_file,
            venue: disk.venue,
            base: disk.base,
            quote: disk.quote,
        })
    }

    /// Whether the data has to be read once before, to find what these rules do not say.
    pub(super) const fn is_complete(&self) -> bool {
        self.price_tick.is_some()
            && self.quantity_step.is_some()
            && (self.symbol.is_some() || self.name_in_file.is_some())
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.name_in_file.iter().chain(&self.symbol)
    }

    fn instrument(
        &self,
        name: &str,
        found: &Found,
        venue: &str,
        notes: &mut Vec<String>,
    ) -> Result<Instrument, RulesError> {
        let symbol = self.symbol.as_deref().unwrap_or(name);
        let (base, quote) = self.assets(symbol, notes);
        // As fine as the data, as far as its largest number leaves room.
        let unit = |scale: u8, digits: u8| {
            Decimal::new(1, scale.min(FOUND_SCALE_MAX).min(RAW_DIGITS_MAX.saturating_sub(digits)))
        };
        let price_tick = self.price_tick.unwrap_or_else(|| {
            let tick = unit(found.price_scale, found.price_digits);
            notes.push(format!("{symbol}: no price tick was given; the data needs {tick}"));
            tick
        });
        let quantity_step = self.quantity_step.unwrap_or_else(|| {
            let step = unit(found.quantity_scale, found.quantity_digits);
            notes.push(format!("{symbol}: no quantity step was given; the data needs {step}"));
            step
        });
        // The largest multiple of the step within the bound of raw quantities.
        let steps = Instrument::QUANTITY_MAX / quantity_step.mantissa.max(1);
        let largest = Decimal::new(steps * quantity_step.mantissa.max(1), quantity_step.scale);
        let fee = |fee: Option<Decimal>| {
            let fee = fee.unwrap_or(Decimal::ZERO);
            Rate::from_decimal(fee).ok_or(RulesError::Fee { fee })
        };
        Ok(Instrument::new(InstrumentSpec {
            symbol: symbol.to_owned(),
            venue: self.venue.as_deref().or(found.venue.as_deref()).unwrap_or(venue).to_owned(),
            kind: self.kind.unwrap_or(InstrumentKind::Spot),
            base,
            quote,
            price_tick,
            quantity_step,
            min_quantity: self.min_quantity.unwrap_or(quantity_step),
            max_quantity: self.max_quantity.unwrap_or(largest),
            min_notional: self.min_notional.unwrap_or(Decimal::ZERO),
            multiplier: self.multiplier.unwrap_or(Decimal::new(1, 0)),
            maker_fee: fee(self.maker_fee)?,
            taker_fee: fee(self.taker_fee)?,
        })?)
    }

    fn assets(&self, symbol: &str, notes: &mut Vec<String>) -> (String, String) {
        let (base, quote) = split_symbol(symbol);
        if self.base.is_none() || self.quote.is_none() {
            let shown =
                (self.base.as_ref().unwrap_or(&base), self.quote.as_ref().unwrap_or(&quote));
            notes.push(format!("{symbol}: taken as {} priced in {}", shown.0, shown.1));
        }
        (self.base.clone().unwrap_or(base), self.quote.clone().unwrap_or(quote))
    }
}

/// `BTCUSDT` and `BTC-USDT` are BTC and USDT; what is not known is priced in USD.
fn split_symbol(symbol: &str) -> (String, String) {
    let upper = symbol.to_uppercase();
    let upper = upper
        .split_once('_')
        .filter(|(head, _)| head.len() > 5)
        .map_or(upper.as_str(), |(head, _)| head);
    for quote in QUOTE_ASSETS {
        let base = upper.strip_suffix(quote).map(|base| base.trim_end_matches(['-', '_', '/']));
        if let Some(base) =
            base.filter(|base| (1..=Instrument::ASSET_BYTES_MAX).contains(&base.len()))
        {
            return (base.to_owned(), quote.to_owned());
        }
    }
    let mut base = String::new();
    for letter in symbol.chars() {
        if base.len() + letter.len_utf8() > Instrument::ASSET_BYTES_MAX {
            break;
        }
        base.push(letter);
    }
    (base, "USD".to_owned())
}

/// The instruments of an import, and which name in the files is which.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) instruments: Vec<Instrument>,
    pub(super) names: BTreeMap<String, u16>,
    pub(super) notes: Vec<String>,
}

/// Puts rules and data together. `default_name` is the symbol where neither says one.
pub(super) fn resolve(
    rules: &[ImportRules],
    finder: &GridFinder,
    default_name: &str,
    venue: &str,
) -> Result<Resolved, RulesError> {
    let mut resolved =
        Resolved { instruments: Vec::new(), names: BTreeMap::new(), notes: Vec::new() };
    let mut found: Vec<_> = finder.found.iter().collect();
    found.sort_by_key(|(_, found)| found.order);
    if rules.len().max(found.len()) > INSTRUMENTS_MAX {
        return Err(RulesError::Names(format!(
            "there are more than {INSTRUMENTS_MAX} instruments"
        )));
    }
    if rules.is_empty() {
        for (name, found) in found {
            resolved.add(&ImportRules::default(), name, found, default_name, venue)?;
        }
        return Ok(resolved);
    }
    for rule in rules {
        let nameless = rule.names().next().is_none();
        if nameless && (rules.len() > 1 || found.len() > 1) {
            let names: Vec<_> = found.iter().take(10).map(|(name, _)| name.as_str()).collect();
            let problem = "rules without a symbol fit data of one instrument only; the data has";
            return Err(RulesError::Names(format!("{problem} {}", names.join(", "))));
        }
        let by_name =
            || rule.names().find_map(|name| found.iter().find(|(found, _)| *found == name));
        // Files that name no instrument are of the only one that there are rules for.
        let alone =
            || found.first().filter(|(name, _)| rules.len() == 1 && (nameless || name.is_empty()));
        match by_name().or_else(alone) {
            Some((name, found)) => resolved.add(rule, name, found, default_name, venue)?,
            None => {
                let name = rule.names().next().cloned().unwrap_or_default();
                resolved.add(rule, &name, &Found::default(), default_name, venue)?;
            }
        }
    }
    Ok(resolved)
}

impl Resolved {
    fn add(
        &mut self,
        rule: &ImportRules,
        name: &str,
        found: &Found,
        default_name: &str,
        venue: &str,
    ) -> Result<(), RulesError> {
        let id = u16::try_from(self.instruments.len()).unwrap_or(u16::MAX);
        let symbol = if name.is_empty() { default_name } else { name };
        self.instruments.push(rule.instrument(symbol, found, venue, &mut self.notes)?);
        for name in rule.names().map(String::as_str).chain([name]) {
            self.names.insert(name.to_owned(), id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_symbols() {
        for (symbol, base, quote) in [
            ("BTCUSDT", "BTC", "USDT"),
            ("XBTUSD", "XBT", "USD"),
            ("eth-btc", "ETH", "BTC"),
            ("BTCUSD_PERP", "BTC", "USD"),
            ("ETHUSDT_240329", "ETH", "USDT"),
            ("EUR/USD", "EUR", "USD"),
            ("a-file-of-unknown-things", "a-file-of-unknow", "USD"),
        ] {
            assert_eq!(split_symbol(symbol), (base.to_owned(), quote.to_owned()), "{symbol}");
        }
    }
}
