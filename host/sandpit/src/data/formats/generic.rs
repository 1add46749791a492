//! Separated values, by a mapping.

use std::path::Path;

use sandpit_core::{market::Side, time::Nanos};

use super::RowParser;
use crate::data::{
    Column, CsvColumns, CsvMapping, DataError, MappingError, RowProblem, SideFrom,
    csv::{Fields, Row, bar_end, read_id, read_name, read_side},
    row::{Out, RawData, RawEvent, Refusal},
};

#[derive(Debug)]
pub(super) struct GenericCsv {
    mapping: CsvMapping,
    fields: Fields,
    path: std::path::PathBuf,
    /// Column numbers, once the header or the first row has been seen.
    resolved: Option<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    /// Fields of every row.
    width: usize,
    time: usize,
    symbol: Option<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Trades { price: usize, quantity: usize, side: Aggressor, id: Option<usize> },
    Quotes { bid: usize, ask: usize, quantities: Option<(usize, usize)> },
    Bars { prices: [usize; 4], volume: Option<usize> },
    Marks { mark: usize },
    Fundings { rate: usize, mark: usize },
}

#[derive(Clone, Copy, Debug)]
enum Aggressor {
    Nowhere,
    Column(usize),
    Sign,
}

impl GenericCsv {
    pub(super) fn new(mapping: CsvMapping) -> Self {
        Self { mapping, fields: Fields::default(), path: std::path::PathBuf::new(), resolved: None }
    }
}

impl RowParser for GenericCsv {
    fn begin(&mut self, name: &Path) {
        name.clone_into(&mut self.path);
        self.resolved = None;
    }

    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal> {
        let row = self.fields.split(line, self.mapping.separator)?;
        let Some(resolved) = &self.resolved else {
            let resolved = resolve(&self.mapping, row)
                .map_err(|source| DataError::Mapping { path: self.path.clone(), source })?;
            let take_row = !self.mapping.header;
            let resolved = self.resolved.insert(resolved);
            return if take_row { take(&self.mapping, resolved, row, out) } else { Ok(()) };
        };
        take(&self.mapping, resolved, row, out)
    }
}

fn resolve(mapping: &CsvMapping, first: Row<'_>) -> Result<Resolved, MappingError> {
    let find = |column: &Column| match column {
        Column::Index(index) if *index < first.len() => Ok(*index),
        Column::Index(index) => Err(MappingError::NoSuchColumn(index.to_string())),
        Column::Name(name) if !mapping.header => Err(MappingError::NameWithoutHeader(name.clone())),
        Column::Name(name) => first
            .iter()
            .position(|field| field.eq_ignore_ascii_case(name.as_bytes()))
            .ok_or_else(|| MappingError::NoSuchColumn(name.clone())),
    };
    let maybe = |column: &Option<Column>| column.as_ref().map(find).transpose();
    let kind = match &mapping.columns {
        CsvColumns::Trades { price, quantity, side, id } => Kind::Trades {
            price: find(price)?,
            quantity: find(quantity)?,
            side: match side {
                SideFrom::Nowhere => Aggressor::Nowhere,
                SideFrom::Sign => Aggressor::Sign,
                SideFrom::Column(column) => Aggressor::Column(find(column)?),
            },
            id: maybe(id)?,
        },
        CsvColumns::Quotes { bid, ask, quantities } => Kind::Quotes {
            bid: find(bid)?,
            ask: find(ask)?,
            quantities: match quantities {
                Some((bid, ask)) => Some((find(bid)?, find(ask)?)),
                None => None,
            },
        },
        CsvColumns::Bars { prices: [open, high, low, close], volume, .. } => Kind::Bars {
            prices: [find(open)?, find(high)?, find(low)?, find(close)?],
            volume: maybe(volume)?,
        },
        CsvColumns::Marks { mark } => Kind::Marks { mark: find(mark)? },
        CsvColumns::Fundings { rate, mark } => {
            Kind::Fundings { rate: find(rate)?, mark: find(mark)? }
        }
    };
    Ok(Resolved {
        width: first.len(),
        time: find(&mapping.time)?,
        symbol: maybe(&mapping.symbol)?,
        kind,
    })
}

fn take(
    mapping: &CsvMapping,
    resolved: &Resolved,
    row: Row<'_>,
    out: Out<'_>,
) -> Result<(), Refusal> {
    row.expect(resolved.width)?;
    let mut time = mapping.time_format.read(row.get(resolved.time))?;
    let name = resolved.symbol.map(|index| read_name(row.get(index))).transpose()?;
    let data = match &resolved.kind {
        Kind::Trades { price, quantity, side, id } => {
            let mut quantity = row.get(*quantity);
            let aggressor = match side {
                Aggressor::Nowhere => None,
                Aggressor::Column(index) => read_side(row.get(*index))?,
                Aggressor::Sign => Some(match quantity.strip_prefix(b"-") {
                    Some(positive) => {
                        quantity = positive;
                        Side::Sell
                    }
                    None => Side::Buy,
                }),
            };
            let id = id.map_or(Ok(0), |index| read_id(row.get(index)))?;
            RawData::Trade { price: row.get(*price), quantity, aggressor, id }
        }
        Kind::Quotes { bid, ask, quantities } => RawData::Quote {
            bid: row.get(*bid),
            ask: row.get(*ask),
            quantities: quantities.map(|(bid, ask)| (row.get(bid), row.get(ask))),
        },
        Kind::Bars { prices, volume } => {
            let CsvColumns::Bars { interval, stamp, .. } = &mapping.columns else {
                return Err(RowProblem::Bar.into());
            };
            let interval = interval.unwrap_or(Nanos(0));
            time = bar_end(time, interval, *stamp);
            let volume = volume.map(|index| row.get(index));
            RawData::Bar { interval, prices: prices.map(|index| row.get(index)), volume }
        }
        Kind::Marks { mark } => RawData::Mark { mark: row.get(*mark) },
        Kind::Fundings { rate, mark } => {
            RawData::Funding { rate: row.get(*rate), mark: row.get(*mark) }
        }
    };
    out(RawEvent { name, venue: None, host_time: None, venue_time: Some(time), data })
}
