//! The lists that grow with a run: every fill, order and trade goes straight to a CSV file and
//! into one running SHA-256, and is then forgotten.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use sandpit_core::{
    account::SubAccount,
    instrument::Instrument,
    intent::TimeInForce,
    market::Side,
    num::{Decimal, Quantity},
    order::{Fill, Order, OrderKind, TrailingOffset},
    time::UnixNanos,
};
use sha2::{Digest, Sha256};

use super::{calendar, round_trips::ClosedTrade, value::hex};

/// Name of the file with every fill.
pub const FILLS_FILE: &str = "fills.csv";
/// Name of the file with every order.
pub const ORDERS_FILE: &str = "orders.csv";
/// Name of the file with every closed trade.
pub const TRADES_FILE: &str = "trades.csv";

const FILLS_HEADER: &str = "time,plugin,instrument,order,trade_id,side,price,quantity,fee,liquidity,position_after,balance_after\n";
const ORDERS_HEADER: &str = "submitted,closed,plugin,instrument,order,tag,side,kind,limit,trigger,quantity,filled,time_in_force,post_only,reduce_only,state\n";
const TRADES_HEADER: &str = "opened,closed,plugin,instrument,side,quantity_max,entry_price,exit_price,fills,gross_pnl,fees,net_pnl,mae,mfe\n";

/// Where the lines go.
pub(crate) struct Streams {
    files: Option<Files>,
    hash: Sha256,
    line: Vec<u8>,
    failure: Option<io::Error>,
}

struct Files {
    fills: BufWriter<File>,
    orders: BufWriter<File>,
    trades: BufWriter<File>,
}

#[derive(Clone, Copy)]
enum Target {
    Fills,
    Orders,
    Trades,
}

/// The names that a line mentions, ready for a CSV cell.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) instrument: &'a str,
}

impl Streams {
    /// To files in `folder`, or to the hash alone.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let open = |folder: &Path| -> io::Result<Files> {
            let create = |name: &str, header: &str| -> io::Result<BufWriter<File>> {
                let mut file = BufWriter::new(File::create(folder.join(name))?);
                file.write_all(header.as_bytes())?;
                Ok(file)
            };
            Ok(Files {
                fills: create(FILLS_FILE, FILLS_HEADER)?,
                orders: create(ORDERS_FILE, ORDERS_HEADER)?,
                trades: create(TRADES_FILE, TRADES_HEADER)?,
            })
        };
        Ok(Self {
            files: folder.map(open).transpose()?,
            hash: Sha256::new(),
            line: Vec::with_capacity(256),
            failure: None,
        })
    }

    pub(crate) fn fill(
        &mut self,
        names: Names<'_>,
        instrument: &Instrument,
        order: &Order,
        fill: &Fill,
        time: UnixNanos,
        after: (Quantity, &SubAccount),
    ) {
        self.write(Target::Fills, |line| {
            writeln!(
                line,
                "{},{},{},{},{},{},{},{},{},{},{},{}",
                calendar::iso(time),
                names.plugin,
                names.instrument,
                order.id,
                fill.trade_id.0,
                side_name(order.side),
                instrument.price_decimal(fill.price),
                instrument.quantity_decimal(fill.quantity),
                fill.fee,
                if fill.maker { "maker" } else { "taker" },
                instrument.quantity_decimal(after.0),
                after.1.balance(),
            )
        });
    }

    pub(crate) fn order(
        &mut self,
        names: Names<'_>,
        instrument: &Instrument,
        order: &Order,
        submitted: Option<UnixNanos>,
        end: OrderEnd<'_>,
    ) {
        self.write(Target::Orders, |line| {
            let price = |price: Option<_>| {
                price.map_or_else(String::new, |p| instrument.price_decimal(p).to_string())
            };
            writeln!(
                line,
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                submitted.map_or_else(String::new, calendar::iso),
                end.closed.map_or_else(String::new, calendar::iso),
                names.plugin,
                names.instrument,
                order.id,
                order.tag.0,
                side_name(order.side),
                kind_name(order.kind),
                price(order.kind.limit()),
                trigger(order.kind, instrument),
                instrument.quantity_decimal(order.quantity),
                instrument.quantity_decimal(end.filled),
                time_in_force(order.time_in_force),
                order.post_only,
                order.reduce_only,
                end.state,
            )
        });
    }

    pub(crate) fn trade(&mut self, names: Names<'_>, instrument: &Instrument, trade: &ClosedTrade) {
        self.write(Target::Trades, |line| {
            writeln!(
                line,
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                calendar::iso(trade.opened),
                calendar::iso(trade.closed),
                names.plugin,
                names.instrument,
                position_name(trade.side),
                instrument.quantity_decimal(trade.quantity_max),
                average_price(trade.entry.average(instrument.price_scale())),
                average_price(trade.exit.average(instrument.price_scale())),
                trade.fills,
                trade.gross,
                trade.fees,
                trade.net(),
                trade.adverse,
                trade.favorable,
            )
        });
    }

    fn write(&mut self, target: Target, put: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        self.line.clear();
        // Writing to a Vec cannot fail; a failure of a file is kept and told at the end.
        let mut done = put(&mut self.line);
        // A letter in front keeps lines of different lists apart.
        self.hash.update(match target {
            Target::Fills => b"F",
            Target::Orders => b"O",
            Target::Trades => b"T",
        });
        self.hash.update(&self.line);
        if let (Some(files), None) = (&mut self.files, &self.failure) {
            let file = match target {
                Target::Fills => &mut files.fills,
                Target::Orders => &mut files.orders,
                Target::Trades => &mut files.trades,
            };
            done = done.and_then(|()| file.write_all(&self.line));
        }
        if let Err(error) = done {
            self.failure.get_or_insert(error);
        }
    }

    /// Flushes the files; gives the hash of all lines.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if let Some(files) = &mut self.files {
            files.fills.flush()?;
            files.orders.flush()?;
            files.trades.flush()?;
        }
        Ok(hex(&self.hash.finalize()))
    }
}

/// How an order ended.
#[derive(Clone, Copy)]
pub(crate) struct OrderEnd<'a> {
    /// When; `None` while it is open.
    pub(crate) closed: Option<UnixNanos>,
    /// How much of it traded.
    pub(crate) filled: Quantity,
    /// Name of its last state.
    pub(crate) state: &'a str,
}

/// Text for a CSV cell: quoted, without control characters, and with an apostrophe in front of
/// what a spreadsheet would take for a formula.
pub(crate) fn csv_cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    let clean = text.chars().filter(|c| !c.is_control()).collect::<String>();
    format!("\"{guard}{}\"", clean.replace('"', "\"\""))
}

/// An average from [`super::round_trips::Leg::average`] as text; empty where there is none.
pub(crate) fn average_price(average: Option<(i128, u8)>) -> String {
    average
        .and_then(|(mantissa, scale)| Some(Decimal::new(i64::try_from(mantissa).ok()?, scale)))
        .map_or_else(String::new, |decimal| decimal.normalized().to_string())
}

/// `long` or `short`.
pub(crate) const fn position_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "long",
        Side::Sell => "short",
    }
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

const fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit(_) => "limit",
        OrderKind::Stop(_) => "stop",
        OrderKind::StopLimit { .. } => "stop-limit",
        OrderKind::TakeProfit(_) => "take-profit",
        OrderKind::TrailingStop(_) => "trailing-stop",
    }
}

fn trigger(kind: OrderKind, instrument: &Instrument) -> String {
    match kind {
        OrderKind::TrailingStop(TrailingOffset::Price(offset)) => {
            format!("offset {}", instrument.price_decimal(offset))
        }
        OrderKind::TrailingStop(TrailingOffset::BasisPoints(points)) => {
            format!("offset {points} bp")
        }
        _ => kind
            .trigger()
            .map_or_else(String::new, |price| instrument.price_decimal(price).to_string()),
    }
}

fn time_in_force(time_in_force: TimeInForce) -> String {
    match time_in_force {
        TimeInForce::Gtc => "gtc".to_owned(),
        TimeInForce::Ioc => "ioc".to_owned(),
        TimeInForce::Fok => "fok".to_owned(),
        TimeInForce::Gtd(until) => format!("gtd {}", calendar::iso(until)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(csv_cell("a,b \"c\"\r\n"), "\"a,b \"\"c\"\"\"");
        assert_eq!(csv_cell("=cmd()"), "\"'=cmd()\"");
        assert_eq!(average_price(Some((138_735_000, 5))), "1387.35");
        assert_eq!(average_price(None), "");
    }
}
