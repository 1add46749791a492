//! Rows of separated values, and the mapping that says which column is what.

use std::str::FromStr;

use sandpit_core::{
    market::Side,
    time::{Nanos, UnixNanos},
};

use super::{FIELDS_MAX, MappingError, RowProblem, TimeFormat};

/// A column, by its name in the header or by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// As the header writes it, in any case.
    Name(String),
    /// From 0.
    Index(usize),
}

/// Which column is what, in a file that no other format describes.
///
/// As text: `kind=trades,time=timestamp,price=price,quantity=size,side=signed`. Keys: `kind`
/// (`trades`, `quotes`, `bars`, `marks`, `fundings`), `time`, `time-format` (`auto`, `s`, `ms`, `us`, `ns`, `text` or a
/// `strftime` pattern), `symbol`, `separator` (a character, `tab` or `comma`), `header` (`yes` or
/// `no`), and by kind: `price`, `quantity`, `side` (a column, or `signed` where a negative quantity
/// is a sell), `id`; `bid`, `ask`, `bid-quantity`, `ask-quantity`; `open`, `high`, `low`, `close`,
/// `volume`, `interval-s`, `stamp` (`open` or `close`); `mark`, and `rate` of a funding. A column is a name or a number from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvMapping {
    /// Between the fields.
    pub separator: u8,
    /// Whether the first line names the columns.
    pub header: bool,
    /// When.
    pub time: Column,
    /// How the time is written.
    pub time_format: TimeFormat,
    /// Which instrument; one for the whole file where there is none.
    pub symbol: Option<Column>,
    /// The rest, by kind.
    pub columns: CsvColumns,
}

/// The columns of a kind of data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CsvColumns {
    /// Trades.
    Trades {
        /// Price.
        price: Column,
        /// Quantity.
        quantity: Column,
        /// Who was the aggressor.
        side: SideFrom,
        /// The venue's number of the trade.
        id: Option<Column>,
    },
    /// Best bid and ask.
    Quotes {
        /// Best bid.
        bid: Column,
        /// Best ask.
        ask: Column,
        /// Quantities of both.
        quantities: Option<(Column, Column)>,
    },
    /// Bars.
    Bars {
        /// Open, high, low, close.
        prices: [Column; 4],
        /// Traded quantity.
        volume: Option<Column>,
        /// Length; the least distance of two stamps among the first rows where not given.
        interval: Option<Nanos>,
        /// Which end the stamp is.
        stamp: BarStamp,
    },
    /// Mark prices.
    Marks {
        /// The mark price; finer than the tick is rounded down to it.
        mark: Column,
    },
    /// Fundings of a perpetual.
    Fundings {
        /// The rate, a fraction.
        rate: Column,
        /// The mark price; finer than the tick is rounded down to it.
        mark: Column,
    },
}

/// Where the aggressor of a trade is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideFrom {
    /// Nowhere.
    Nowhere,
    /// In a column: `buy`, `b`, `bid`, `sell`, `s`, `ask`; empty or `unknown` for neither.
    Column(Column),
    /// A negative quantity is a sell.
    Sign,
}

/// Which end of a bar its stamp is. On the tape it is always the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarStamp {
    /// The beginning, as venues write it.
    #[default]
    Open,
    /// The end.
    Close,
}

impl FromStr for Column {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Index))
    }
}

impl FromStr for CsvMapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut parts = Parts(Vec::new());
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let pair = part.split_once('=').filter(|(key, _)| KEYS.contains(key));
            let (key, value) = pair.ok_or_else(|| MappingError::Malformed(part.to_owned()))?;
            parts.0.push((key, value));
        }
        parts.mapping()
    }
}

const KEYS: [&str; 24] = [
    "kind",
    "time",
    "time-format",
    "symbol",
    "separator",
    "header",
    "price",
    "quantity",
    "side",
    "id",
    "bid",
    "ask",
    "bid-quantity",
    "ask-quantity",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "interval-s",
    "stamp",
    "mark",
    "rate",
    "unit",
];

struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl Parts<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn column(&self, key: &str) -> Option<Column> {
        let text = self.get(key)?;
        Some(text.parse().map_or_else(|_| Column::Name(text.to_owned()), Column::Index))
    }

    fn needed(&self, key: &'static str) -> Result<Column, MappingError> {
        self.column(key).ok_or(MappingError::Missing(key))
    }

    fn mapping(&self) -> Result<CsvMapping, MappingError> {
        let malformed = |key: &str, value: &str| MappingError::Malformed(format!("{key}={value}"));
        let separator = match self.get("separator") {
            None | Some("comma") => b',',
            Some("tab") => b'\t',
            Some(text) => match text.as_bytes() {
                [byte] => *byte,
                _ => return Err(malformed("separator", text)),
            },
        };
        let header = match self.get("header") {
            None | Some("yes") => true,
            Some("no") => false,
            Some(text) => return Err(malformed("header", text)),
        };
        let columns = match self.get("kind") {
            Some("trades") => self.trades()?,
            Some("quotes") => self.quotes()?,
            Some("bars") => self.bars()?,
            Some("marks") => CsvColumns::Marks { mark: self.needed("mark")? },
            Some("fundings") => {
                CsvColumns::Fundings { rate: self.needed("rate")?, mark: self.needed("mark")? }
            }
            Some(text) => return Err(malformed("kind", text)),
            None => return Err(MappingError::Missing("kind")),
        };
        let format = self.get("time-format").or_else(|| self.get("unit")).unwrap_or("auto");
        Ok(CsvMapping {
            separator,
            header,
            time: self.needed("time")?,
            time_format: format.parse()?,
            symbol: self.column("symbol"),
            columns,
        })
    }

    fn trades(&self) -> Result<CsvColumns, MappingError> {
        let side = match self.get("side") {
            None => SideFrom::Nowhere,
            Some("signed") => SideFrom::Sign,
            Some(_) => SideFrom::Column(self.needed("side")?),
        };
        Ok(CsvColumns::Trades {
            price: self.needed("price")?,
            quantity: self.needed("quantity")?,
            side,
            id: self.column("id"),
        })
    }

    fn quotes(&self) -> Result<CsvColumns, MappingError> {
        let quantities = match (self.column("bid-quantity"), self.column("ask-quantity")) {
            (Some(bid), Some(ask)) => Some((bid, ask)),
            (None, None) => None,
            (None, _) => return Err(MappingError::Missing("bid-quantity")),
            (_, None) => return Err(MappingError::Missing("ask-quantity")),
        };
        Ok(CsvColumns::Quotes { bid: self.needed("bid")?, ask: self.needed("ask")?, quantities })
    }

    fn bars(&self) -> Result<CsvColumns, MappingError> {
        let malformed = |key: &str, value: &str| MappingError::Malformed(format!("{key}={value}"));
        let interval = match self.get("interval-s") {
            None => None,
            Some(text) => Some(
                text.parse::<u64>()
                    .ok()
                    .filter(|seconds| *seconds > 0)
                    .and_then(|seconds| seconds.checked_mul(Nanos::SECOND.0))
                    .map(Nanos)
                    .ok_or_else(|| malformed("interval-s", text))?,
            ),
        };
        let stamp = match self.get("stamp") {
            None | Some("open") => BarStamp::Open,
            Some("close") => BarStamp::Close,
            Some(text) => return Err(malformed("stamp", text)),
        };
        let prices = [
            self.needed("open")?,
            self.needed("high")?,
            self.needed("low")?,
            self.needed("close")?,
        ];
        Ok(CsvColumns::Bars { prices, volume: self.column("volume"), interval, stamp })
    }
}

/// The fields of one row; the room is used again for the next.
#[derive(Debug, Default)]
pub(super) struct Fields {
    ranges: Vec<(usize, usize)>,
    /// Text of a row that has quoted fields, without the quotes.
    unquoted: Vec<u8>,
}

impl Fields {
    /// Splits a row; a quoted field can hold separators and doubled quotes, but no line end.
    pub(super) fn split<'a>(
        &'a mut self,
        line: &'a [u8],
        separator: u8,
    ) -> Result<Row<'a>, RowProblem> {
        self.ranges.clear();
        if memchr::memchr(b'"', line).is_some() {
            self.split_quoted(line, separator)?;
            return Ok(Row { text: &self.unquoted, ranges: &self.ranges });
        }
        let mut start = 0;
        for end in memchr::memchr_iter(separator, line) {
            self.push(start, end)?;
            start = end + 1;
        }
        self.push(start, line.len())?;
        Ok(Row { text: line, ranges: &self.ranges })
    }

    fn split_quoted(&mut self, line: &[u8], separator: u8) -> Result<(), RowProblem> {
        self.unquoted.clear();
        let (mut start, mut quoted, mut bytes) = (0, false, line.iter().peekable());
        while let Some(byte) = bytes.next() {
            match *byte {
                b'"' if quoted && bytes.peek() == Some(&&b'"') => {
                    bytes.next();
                    self.unquoted.push(b'"');
                }
                b'"' => quoted = !quoted,
                byte if byte == separator && !quoted => {
                    self.push(start, self.unquoted.len())?;
                    start = self.unquoted.len();
                }
                byte => self.unquoted.push(byte),
            }
        }
        if quoted {
            return Err(RowProblem::malformed("row, since a quote is not closed", line));
        }
        self.push(start, self.unquoted.len())
    }

    fn push(&mut self, start: usize, end: usize) -> Result<(), RowProblem> {
        if self.ranges.len() >= FIELDS_MAX {
            return Err(RowProblem::Columns {
                found: FIELDS_MAX + 1,
                expected: format!("{FIELDS_MAX} at most"),
            });
        }
        self.ranges.push((start, end));
        Ok(())
    }
}

/// One row, split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    text: &'a [u8],
    ranges: &'a [(usize, usize)],
}

impl<'a> Row<'a> {
    pub(super) const fn len(&self) -> usize {
        self.ranges.len()
    }

    /// A field without spaces around it; empty where there is none.
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        let range = self.ranges.get(index).and_then(|(start, end)| self.text.get(*start..*end));
        range.unwrap_or_default().trim_ascii()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Refuses a row that has not exactly so many fields.
    pub(super) fn expect(&self, expected: usize) -> Result<(), RowProblem> {
        if self.len() == expected {
            return Ok(());
        }
        Err(RowProblem::Columns { found: self.len(), expected: expected.to_string() })
    }
}

/// A whole number that is an id.
pub(super) fn read_id(text: &[u8]) -> Result<u64, RowProblem> {
    sandpit_core::num::raw_at_scale(text, 0)
        .ok()
        .and_then(|id| u64::try_from(id).ok())
        .ok_or_else(|| RowProblem::malformed("id", text))
}

/// A side as files write it.
pub(super) fn read_side(text: &[u8]) -> Result<Option<Side>, RowProblem> {
    let is = |names: &[&str]| names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(text));
    if is(&["buy", "b", "bid"]) {
        Ok(Some(Side::Buy))
    } else if is(&["sell", "s", "ask"]) {
        Ok(Some(Side::Sell))
    } else if is(&["", "unknown"]) {
        Ok(None)
    } else {
        Err(RowProblem::malformed("side", text))
    }
}

/// UTF-8, which names of instruments are.
pub(super) fn read_name(text: &[u8]) -> Result<&str, RowProblem> {
    std::str::from_utf8(text)
        .ok()
        .filter(|name| !name.is_empty())
        .ok_or_else(|| RowProblem::malformed("symbol", text))
}

/// The end of a bar.
pub(super) fn bar_end(stamp: UnixNanos, interval: Nanos, which: BarStamp) -> UnixNanos {
    match which {
        BarStamp::Open => stamp.plus(interval),
        BarStamp::Close => stamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        let mut fields = Fields::default();
        let row = fields.split(line.as_bytes(), b',').unwrap();
        row.iter().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect()
    }

    #[test]
    fn splits_rows() {
        assert_eq!(split("a, b ,,c"), ["a", "b", "", "c"]);
        assert_eq!(split(""), [""]);
        assert_eq!(split(r#""a,b",c,"say ""x""""#), ["a,b", "c", r#"say "x""#]);
        let mut fields = Fields::default();
        assert!(fields.split(b"\"a,b", b',').is_err());
        assert!(fields.split(&b",".repeat(FIELDS_MAX), b',').is_err());
    }

    #[test]
    fn reads_a_mapping() {
        let mapping: CsvMapping =
            "kind=trades,time=0,price=px,quantity=size,side=signed,unit=ms,separator=;,header=no"
                .parse()
                .unwrap();
        assert_eq!((mapping.separator, mapping.header), (b';', false));
        assert_eq!(mapping.time_format, TimeFormat::Milliseconds);
        assert_eq!(mapping.time, Column::Index(0));
        let CsvColumns::Trades { price, side, .. } = mapping.columns else { panic!() };
        assert_eq!((price, side), (Column::Name("px".to_owned()), SideFrom::Sign));
    }

    #[test]
    fn refuses_a_mapping_with_its_reason() {
        let check = |text: &str, expected: MappingError| {
            assert_eq!(text.parse::<CsvMapping>(), Err(expected), "{text}");
        };
        check("", MappingError::Missing("kind"));
        check("kind=bars,time=0,open=1,high=2,low=3", MappingError::Missing("close"));
        check("kind=ticks", MappingError::Malformed("kind=ticks".to_owned()));
        check("prize=1", MappingError::Malformed("prize=1".to_owned()));
        check(
            "kind=quotes,time=0,bid=1,ask=2,bid-quantity=3",
            MappingError::Missing("ask-quantity"),
        );
        check(
            "kind=trades,price=1,quantity=2,time=0,unit=days",
            MappingError::Malformed("days".to_owned()),
        );
    }
}
