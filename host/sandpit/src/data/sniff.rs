//! What a file is, told by its name and its first lines.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicU64},
};

use sandpit_core::{num::scale_needed, time::Nanos};

use super::{
    BarStamp, Column, CsvColumns, CsvMapping, DataError, Format, SideFrom, TimeFormat,
    csv::Fields,
    lines::{Flow, for_each_line},
};

/// Lines that are looked at.
const SAMPLE_LINES: usize = 200;
/// Of those, how many are tried as rows of a dump.
const ROWS_TRIED: usize = 10;
/// Rows of a CSV file, split; the first may be a header.
type Rows = Vec<Vec<String>>;

/// What was recognised.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) format: Format,
    pub(super) mapping: Option<CsvMapping>,
    /// In words.
    pub(super) recognised: String,
}

/// Finds out what is not given.
pub(super) fn plan(
    path: &Path,
    format: Option<Format>,
    mapping: Option<&CsvMapping>,
) -> Result<Plan, DataError> {
    let format = format.or_else(|| mapping.map(|_| Format::Csv));
    if let Some(format) = format.filter(|format| *format != Format::Csv) {
        return Ok(Plan { format, mapping: None, recognised: format!("{format}, as asked for") });
    }
    let sample = sample(path)?;
    let unrecognised =
        |hint: &str| DataError::Unrecognised { path: path.to_owned(), hint: hint.to_owned() };
    let Some(first) = sample.first() else {
        return Err(unrecognised("it is empty"));
    };
    if format.is_none()
        && let Some(plan) = known(path, first, &sample)
    {
        return Ok(plan);
    }
    let separator = mapping.map_or_else(|| separator_of(first), |mapping| mapping.separator);
    let rows = split(&sample, separator);
    if let Some(mapping) = mapping {
        let mut mapping = mapping.clone();
        let words = complete(&mut mapping, &rows);
        let recognised = format!("csv by the given mapping{words}");
        return Ok(Plan { format: Format::Csv, mapping: Some(mapping), recognised });
    }
    let (mut mapping, words) = guess(&rows, separator).ok_or_else(|| {
        let shown: String = first.chars().take(80).collect();
        let hint = "give the format, or a mapping such as \
            `kind=trades,time=0,price=1,quantity=2,header=no`; it begins with";
        unrecognised(&format!("{hint} `{shown}`"))
    })?;
    let more = complete(&mut mapping, &rows);
    let recognised = format!("csv, {words}{more}");
    Ok(Plan { format: Format::Csv, mapping: Some(mapping), recognised })
}

fn sample(path: &Path) -> Result<Vec<String>, DataError> {
    let mut sample = Vec::new();
    for_each_line(path, &Arc::new(AtomicU64::new(0)), &mut |line| {
        if let Ok(bytes) = line.bytes
            && !bytes.is_empty()
        {
            sample.push(String::from_utf8_lossy(bytes).into_owned());
        }
        Ok(if sample.len() < SAMPLE_LINES { Flow::More } else { Flow::Stop })
    })?;
    Ok(sample)
}

/// Formats that describe themselves.
fn known(path: &Path, first: &str, sample: &[String]) -> Option<Plan> {
    let plan = |format: Format, words: &str| {
        Some(Plan { format, mapping: None, recognised: format!("{format}, by {words}") })
    };
    let receive_time = first.split_once(' ').map(|(stamp, _)| stamp);
    if receive_time.is_some_and(|s| s.len() >= 18 && s.bytes().all(|b| b.is_ascii_digit())) {
        return plan(Format::BinanceRaw, "its lines of a receive time and a message");
    }
    if first.starts_with("{\"Item\"") || first.starts_with("{\"Reconnecting\"") {
        return plan(Format::BarterNdjson, "its lines of JSON");
    }
    if first.starts_with("exchange,symbol,timestamp,local_timestamp") {
        return plan(Format::Tardis, "its header");
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // The first may be a header, and one may be bad.
    if let Some(format) = sample.iter().take(ROWS_TRIED).find_map(|row| dump(row)) {
        return plan(format, "its columns");
    }
    if first.starts_with("id,price") && name.contains("-trades-") {
        return plan(Format::BinanceTrades, "its name and header");
    }
    if name.contains("-aggTrades-") { plan(Format::BinanceAggTrades, "its name") } else { None }
}

/// Binance's dumps, by the sort of each column.
fn dump(row: &str) -> Option<Format> {
    let fields: Vec<_> = row.split(',').collect();
    let flag = |index: usize| {
        fields.get(index).is_some_and(|field| {
            ["true", "false"].iter().any(|flag| field.eq_ignore_ascii_case(flag))
        })
    };
    let numbers =
        |count: usize| fields.iter().take(count).all(|f| scale_needed(f.as_bytes()).is_ok());
    match fields.len() {
        6 | 7 if numbers(5) && flag(5) => Some(Format::BinanceTrades),
        7 | 8 if numbers(6) && flag(6) => Some(Format::BinanceAggTrades),
        12 if numbers(12) => Some(Format::BinanceKlines),
        _ => None,
    }
}

fn separator_of(line: &str) -> u8 {
    let count = |byte: u8| line.bytes().filter(|b| *b == byte).count();
    *[b',', b';', b'\t', b'|']
        .iter()
        .max_by_key(|byte| (count(**byte), **byte == b','))
        .unwrap_or(&b',')
}

fn split(sample: &[String], separator: u8) -> Rows {
    let mut fields = Fields::default();
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    sample
        .iter()
        .filter_map(|line| {
            Some(fields.split(line.as_bytes(), separator).ok()?.iter().map(text).collect())
        })
        .collect()
}

/// Names that columns have, in lower case and without `_`, `-` and spaces.
const TIME: [&str; 10] = [
    "timestamp",
    "time",
    "date",
    "datetime",
    "ts",
    "opentime",
    "unix",
    "timestampms",
    "transacttime",
    "eventtime",
];
const SYMBOL: [&str; 4] = ["symbol", "instrument", "ticker", "pair"];
const PRICE: [&str; 3] = ["price", "px", "tradeprice"];
const QUANTITY: [&str; 8] =
    ["quantity", "size", "amount", "qty", "volume", "vol", "lastsize", "tradesize"];
const SIDE: [&str; 4] = ["side", "direction", "takerside", "aggressor"];
const ID: [&str; 3] = ["id", "tradeid", "aggtradeid"];
const BID: [&str; 3] = ["bid", "bidprice", "bestbid"];
const ASK: [&str; 4] = ["ask", "askprice", "bestask", "offer"];
const BID_QUANTITY: [&str; 4] = ["bidsize", "bidquantity", "bidamount", "bidqty"];
const ASK_QUANTITY: [&str; 4] = ["asksize", "askquantity", "askamount", "askqty"];

/// A mapping for a file without one.
fn guess(rows: &Rows, separator: u8) -> Option<(CsvMapping, String)> {
    let first = rows.first()?;
    let starts_with_letter = |field: &String| field.starts_with(|c: char| c.is_alphabetic());
    if !first.iter().any(starts_with_letter) {
        return histdata(first, separator);
    }
    let find = |names: &[&str]| {
        let plain = |field: &String| field.to_lowercase().replace(['_', '-', ' '], "");
        names.iter().find_map(|name| first.iter().find(|field| plain(field) == *name))
    };
    let column = |names: &[&str]| find(names).map(|name| Column::Name(name.clone()));
    let bars = [["open"], ["high"], ["low"], ["close"]].map(|names| column(&names));
    let (columns, words) = if let [Some(open), Some(high), Some(low), Some(close)] = bars {
        let columns = CsvColumns::Bars {
            prices: [open, high, low, close],
            volume: column(&QUANTITY),
            interval: None,
            stamp: BarStamp::Open,
        };
        (columns, "bars by its header, stamped with their beginning".to_owned())
    } else if let (Some(bid), Some(ask)) = (column(&BID), column(&ASK)) {
        let quantities = column(&BID_QUANTITY).zip(column(&ASK_QUANTITY));
        (CsvColumns::Quotes { bid, ask, quantities }, "quotes by its header".to_owned())
    } else {
        let (price, quantity) = (column(&PRICE)?, find(&QUANTITY)?);
        let at = first.iter().position(|field| field == quantity)?;
        let signed = rows.iter().skip(1).any(|row| row.get(at).is_some_and(|q| q.starts_with('-')));
        let (side, words) = match column(&SIDE) {
            Some(column) => (SideFrom::Column(column), "with sides"),
            None if signed => (SideFrom::Sign, "where a negative quantity is a sell"),
            None => (SideFrom::Nowhere, "without sides"),
        };
        let quantity = Column::Name(quantity.clone());
        let columns = CsvColumns::Trades { price, quantity, side, id: column(&ID) };
        (columns, format!("trades by its header, {words}"))
    };
    let time = column(&TIME)?;
    let symbol = column(&SYMBOL);
    let time_format = TimeFormat::Auto;
    Some((CsvMapping { separator, header: true, time, time_format, symbol, columns }, words))
}

/// `20200101 170000065,1.121200,1.121720,0`: quotes as histdata.com writes them.
fn histdata(row: &[String], separator: u8) -> Option<(CsvMapping, String)> {
    let is_stamp = |text: &String| {
        let digits =
            |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        text.split_once(' ').is_some_and(|(day, time)| digits(day, 8) && digits(time, 9))
    };
    if row.len() != 4 || !row.first().is_some_and(is_stamp) {
        return None;
    }
    let columns =
        CsvColumns::Quotes { bid: Column::Index(1), ask: Column::Index(2), quantities: None };
    let mapping = CsvMapping {
        separator,
        header: false,
        time: Column::Index(0),
        time_format: TimeFormat::Text,
        symbol: None,
        columns,
    };
    Some((mapping, "quotes of time, bid, ask without a header".to_owned()))
}

/// Finds the length of bars where it is not given: the least distance of two stamps in a row.
fn complete(mapping: &mut CsvMapping, rows: &Rows) -> String {
    let CsvColumns::Bars { interval: interval @ None, .. } = &mut mapping.columns else {
        return String::new();
    };
    let column = match &mapping.time {
        Column::Index(index) => Some(*index),
        Column::Name(name) => rows
            .first()
            .and_then(|header| header.iter().position(|field| field.eq_ignore_ascii_case(name))),
    };
    let stamps: Vec<_> = rows
        .iter()
        .skip(usize::from(mapping.header))
        .filter_map(|row| mapping.time_format.read(row.get(column?)?.as_bytes()).ok())
        .collect();
    let steps = stamps.windows(2).filter_map(|pair| Some(pair.get(1)?.since(*pair.first()?)));
    let Some(least) = steps.filter(|step| *step > Nanos(0)).min() else {
        return String::new();
    };
    *interval = Some(least);
    format!(", of {} s by the distance of their stamps", least.0 / Nanos::SECOND.0)
}
