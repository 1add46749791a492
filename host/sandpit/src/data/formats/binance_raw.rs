//! A capture of Binance's streams: `<receive time in ns> <message>` a line, REST snapshots of the
//! book among them. The codec is `sandpit_venue`'s; here is the line around it.

use std::{collections::BTreeSet, path::Path};

use sandpit_venue::binance::stream::StreamMessage;

use super::RowParser;
use crate::data::{
    RowProblem, TimeFormat,
    row::{Out, RawData, RawEvent, Refusal},
};

#[derive(Debug, Default)]
pub(super) struct BinanceRaw {
    /// Symbols that have been seen; a snapshot does not say of which it is.
    symbols: BTreeSet<String>,
}

impl RowParser for BinanceRaw {
    fn begin(&mut self, _name: &Path) {}

    fn row(&mut self, line: &[u8], out: Out<'_>) -> Result<(), Refusal> {
        let (stamp, message) = memchr::memchr(b' ', line)
            .and_then(|space| line.split_at_checked(space))
            .ok_or_else(|| RowProblem::malformed("receive time and message", line))?;
        let received = TimeFormat::Nanoseconds.read(stamp)?;
        let message = StreamMessage::parse(message).map_err(|error| RowProblem::message(&error))?;
        if let Some(symbol) = message.symbol().filter(|symbol| !self.symbols.contains(*symbol)) {
            self.symbols.insert(symbol.to_owned());
        }
        let name = match message.symbol() {
            Some(symbol) => Some(symbol),
            None if self.symbols.len() > 1 => {
                let problem =
                    "a snapshot does not say of which symbol it is, and there are several";
                return Err(RowProblem::Message(problem.to_owned()).into());
            }
            None => self.symbols.first().map(String::as_str),
        };
        out(RawEvent {
            name,
            venue: None,
            host_time: Some(received),
            venue_time: None,
            data: RawData::Binance(&message),
        })
    }
}
