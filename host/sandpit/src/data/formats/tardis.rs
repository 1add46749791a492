//! The CSV data sets of Tardis. Source: "Downloadable CSV files" in its documentation. Every file
//! has a header; stamps are in microseconds, the venue's and the recorder's.
//!
//! Rows of `incremental_book_L2` are single levels; those of one message have one
//! `local_timestamp`, and a snapshot replaces the book. Ids that are not numbers become zero.

use std::path::Path;

use sandpit_core::time::UnixNanos;

use super::RowParser;
use crate::data::{
    RowProblem, TimeFormat,
    csv::{Fields, Row, read_name, read_side},
    row::{LevelText, Out, RawData, RawEvent, Refusal},
};

const SEPARATOR: u8 = b',';
/// Levels of one message that are gathered; more than any venue's book that a tape takes.
const GATHERED_LEVELS_MAX: usize = 20_000;

#[derive(Debug, Default)]
pub(super) struct Tardis {
    fields: Fields,
    columns: Option<Columns>,
    gathered: Gathered,
}

#[derive(Debug)]
struct Columns {
    width: usize,
    exchange: usize,
    symbol: usize,
    timestamp: usize,
    local_timestamp: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Trades { id: usize, side: usize, price: usize, amount: usize },
    Quotes { bid: (usize, usize), ask: (usize, usize) },
    Snapshots { bids: Vec<(usize, usize)>, asks: Vec<(usize, usize)> },
    Changes { is_snapshot: usize, side: usize, price: usize, amount: usize },
}

/// The levels of one message of a book.
#[derive(Debug, Default)]
struct Gathered {
    symbol: String,
    exchange: String,
    host: UnixNanos,
    venue: UnixNanos,
    snapshot: bool,
    bids: Vec<(Vec<u8>, Vec<u8>)>,
    asks: Vec<(Vec<u8>, Vec<u8>)>,
}

impl RowParser for Tardis {
    fn begin(&mut self, _name: &Path) {
        self.columns = None;
    }

    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal> {
        let row = self.fields.split(line, SEPARATOR)?;
        let Some(columns) = &self.columns else {
            self.columns = Some(Columns::find(row).ok_or_else(|| {
                let field = "header of a known Tardis data set (trades, quotes, book_ticker, \
                    book_snapshot, incremental_book_L2)";
                RowProblem::malformed(field, line)
            })?);
            return Ok(());
        };
        row.expect(columns.width)?;
        let exchange = read_name(row.get(columns.exchange))?;
        let symbol = read_name(row.get(columns.symbol))?;
        let venue = TimeFormat::Microseconds.read(row.get(columns.timestamp))?;
        let host = TimeFormat::Microseconds.read(row.get(columns.local_timestamp))?;
        let mut put = |data: RawData<'_>| {
            out(RawEvent {
                name: Some(symbol),
                venue: Some(exchange),
                host_time: Some(host),
                venue_time: Some(venue),
                data,
            })
        };
        match &columns.kind {
            Kind::Trades { id, side, price, amount } => put(RawData::Trade {
                price: row.get(*price),
                quantity: row.get(*amount),
                aggressor: read_side(row.get(*side))?,
                id: std::str::from_utf8(row.get(*id))
                    .ok()
                    .and_then(|id| id.parse().ok())
                    .unwrap_or(0),
            }),
            Kind::Quotes { bid, ask } => {
                let (bid, bid_quantity) = level(row, *bid);
                let (ask, ask_quantity) = level(row, *ask);
                put(RawData::Quote { bid, ask, quantities: Some((bid_quantity, ask_quantity)) })
            }
            Kind::Snapshots { bids, asks } => {
                let side = |columns: &[(usize, usize)]| {
                    let levels = columns.iter().map(|pair| (row.get(pair.0), row.get(pair.1)));
                    // A book of fewer levels leaves the others empty.
                    levels.filter(|(price, _)| !price.is_empty()).collect::<Vec<_>>()
                };
                put(RawData::Depth { snapshot: true, bids: &side(bids), asks: &side(asks) })
            }
            Kind::Changes { is_snapshot, side, price, amount } => {
                let snapshot = read_flag(row.get(*is_snapshot))?;
                let is_bid = read_flag_of_side(row.get(*side))?;
                let level = (row.get(*price).to_vec(), row.get(*amount).to_vec());
                self.gathered.belongs(symbol, exchange, host, snapshot, out)?;
                self.gathered.venue = venue;
                self.gathered.add(is_bid, level)
            }
        }
    }

    fn end(&mut self, out: Out<'_>) -> Result<(), Refusal> {
        self.gathered.give(out)
    }
}

/// An empty side of a quote has neither price nor amount.
fn level<'a>(row: Row<'a>, (price, amount): (usize, usize)) -> LevelText<'a> {
    let empty_as_zero = |text: &'a [u8]| {
        if text.is_empty() { b"0".as_slice() } else { text }
    };
    (empty_as_zero(row.get(price)), empty_as_zero(row.get(amount)))
}

fn read_flag(text: &[u8]) -> Result<bool, RowProblem> {
    match text {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(RowProblem::malformed("is_snapshot flag", text)),
    }
}

fn read_flag_of_side(text: &[u8]) -> Result<bool, RowProblem> {
    match text {
        b"bid" => Ok(true),
        b"ask" => Ok(false),
        _ => Err(RowProblem::malformed("side of a book", text)),
    }
}

impl Columns {
    fn find(header: Row<'_>) -> Option<Self> {
        let at = |name: &str| header.iter().position(|field| field == name.as_bytes());
        let levels = |side: &str| {
            (0usize..)
                .map_while(|n| {
                    Some((at(&format!("{side}[{n}].price"))?, at(&format!("{side}[{n}].amount"))?))
                })
                .collect::<Vec<_>>()
        };
        let kind = if let Some(is_snapshot) = at("is_snapshot") {
            Kind::Changes {
                is_snapshot,
                side: at("side")?,
                price: at("price")?,
                amount: at("amount")?,
            }
        } else if at("asks[0].price").is_some() {
            Kind::Snapshots { bids: levels("bids"), asks: levels("asks") }
        } else if let (Some(bid), Some(ask)) = (at("bid_price"), at("ask_price")) {
            Kind::Quotes { bid: (bid, at("bid_amount")?), ask: (ask, at("ask_amount")?) }
        } else {
            Kind::Trades {
                id: at("id")?,
                side: at("side")?,
                price: at("price")?,
                amount: at("amount")?,
            }
        };
        Some(Self {
            width: header.len(),
            exchange: at("exchange")?,
            symbol: at("symbol")?,
            timestamp: at("timestamp")?,
            local_timestamp: at("local_timestamp")?,
            kind,
        })
    }
}

impl Gathered {
    /// Begins the next message where this row does not belong to the one that is gathered.
    fn belongs(
        &mut self,
        symbol: &str,
        exchange: &str,
        host: UnixNanos,
        snapshot: bool,
        out: Out<'_>,
    ) -> Result<(), Refusal> {
        let same = self.symbol == symbol
            && self.exchange == exchange
            && self.host == host
            && self.snapshot == snapshot;
        if same {
            return Ok(());
        }
        let given = self.give(out);
        symbol.clone_into(&mut self.symbol);
        exchange.clone_into(&mut self.exchange);
        self.host = host;
        self.snapshot = snapshot;
        given
    }

    fn add(&mut self, is_bid: bool, level: (Vec<u8>, Vec<u8>)) -> Result<(), Refusal> {
        if self.bids.len() + self.asks.len() >= GATHERED_LEVELS_MAX {
            return Err(RowProblem::Levels.into());
        }
        if is_bid { &mut self.bids } else { &mut self.asks }.push(level);
        Ok(())
    }

    fn give(&mut self, out: Out<'_>) -> Result<(), Refusal> {
        if self.bids.is_empty() && self.asks.is_empty() {
            return Ok(());
        }
        let (bids, asks) = (std::mem::take(&mut self.bids), std::mem::take(&mut self.asks));
        out(RawEvent {
            name: Some(&self.symbol),
            venue: Some(&self.exchange),
            host_time: Some(self.host),
            venue_time: Some(self.venue),
            data: RawData::Depth {
                snapshot: self.snapshot,
                bids: &texts(&bids),
                asks: &texts(&asks),
            },
        })
    }
}

fn texts(levels: &[(Vec<u8>, Vec<u8>)]) -> Vec<LevelText<'_>> {
    levels.iter().map(|(price, quantity)| (price.as_slice(), quantity.as_slice())).collect()
}
