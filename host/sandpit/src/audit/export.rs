//! Rows for other programs: CSV for spreadsheets, JSON lines for the rest. The chain is verified on
//! the way, so what was exported is what was written.

use std::{
    io::{self, Write},
    str::FromStr,
};

use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{Head, JournalReader, RawRow};
use serde_json::{Value, json, value::RawValue};

use super::{AuditError, Chosen, Names, Picker};
use crate::report::calendar;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line of columns each, the first with their names.
    Csv,
    /// One JSON object each.
    JsonLines,
}

impl FromStr for Format {
    type Err = AuditError;

    fn from_str(text: &str) -> Result<Self, AuditError> {
        match text {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            other => Err(AuditError::Options(format!("`{other}` is neither csv nor jsonl"))),
        }
    }
}

/// What an export was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Rows that were written.
    pub rows: u64,
    /// The journal's last row when it was read.
    pub head: Head,
}

/// Columns of a CSV export.
const COLUMNS: [&str; 10] =
    ["seq", "step", "time", "at_ns", "kind", "plugin", "symbol", "order_id", "body", "hash"];

/// Writes the chosen rows of one file of a journal.
///
/// # Errors
/// The journal is not sound (what stands before the broken row has been written), or the output
/// says no.
pub fn export(
    reader: &JournalReader,
    chosen: &Chosen,
    format: Format,
    output: &mut impl Write,
) -> Result<Exported, AuditError> {
    let picker = Picker::new(chosen, reader)?;
    let mut entries = reader.entries();
    let mut exported = Exported { rows: 0, head: Head::NONE };
    if format == Format::Csv {
        line(output, &COLUMNS.map(str::to_owned)).map_err(AuditError::Write)?;
    }
    while let Some(row) = entries.next_raw()? {
        exported.head = Head { seq: row.seq, hash: row.hash };
        if !picker.takes(&row) {
            continue;
        }
        match format {
            Format::Csv => line(output, &cells(&row, picker.names())),
            Format::JsonLines => object(output, &row, picker.names()),
        }
        .map_err(AuditError::Write)?;
        exported.rows += 1;
    }
    output.flush().map_err(AuditError::Write)?;
    Ok(exported)
}

fn time(row: &RawRow) -> String {
    calendar::iso(UnixNanos(u64::try_from(row.at).unwrap_or(0)))
}

fn cells(row: &RawRow, names: &Names) -> [String; 10] {
    [
        row.seq.to_string(),
        row.step.to_string(),
        time(row),
        row.at.to_string(),
        harmless(&row.kind),
        harmless(names.plugin(row.plugin)),
        harmless(names.symbol(row.instrument)),
        harmless(row.order_id.as_deref().unwrap_or_default()),
        harmless(&row.body),
        row.hash.to_string(),
    ]
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// One line of CSV (RFC 4180): a cell with a comma, a quote or a line break is quoted.
fn line(output: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            output.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n', '\r']) {
            write!(output, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            output.write_all(cell.as_bytes())?;
        }
    }
    output.write_all(b"\r\n")
}

fn object(output: &mut impl Write, row: &RawRow, names: &Names) -> io::Result<()> {
    let name = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let body: &RawValue = serde_json::from_str(&row.body)?;
    let head = json!({
        "seq": row.seq,
        "step": row.step,
        "time": time(row),
        "at_ns": row.at,
        "kind": row.kind,
        "plugin": name(names.plugin(row.plugin)),
        "symbol": name(names.symbol(row.instrument)),
        "order_id": row.order_id,
        "hash": row.hash.to_string(),
    });
    // The body stays as it was written, digit for digit.
    let head = head.to_string();
    let open = head.strip_suffix('}').unwrap_or(&head);
    writeln!(output, "{open},\"body\":{}}}", body.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_text() {
        let written = |cells: &[&str]| {
            let mut output = Vec::new();
            let cells: Vec<String> = cells.iter().map(|cell| harmless(cell)).collect();
            line(&mut output, &cells).unwrap();
            String::from_utf8(output).unwrap()
        };
        assert_eq!(
            written(&["a", "b,c", "d\"e", "f\ng", ""]),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\",\r\n"
        );
        assert_eq!(
            written(&["=1+1", "+x", "-x", "@x", "\tx", "=\"a\",b"]),
            "'=1+1,'+x,'-x,'@x,'\tx,\"'=\"\"a\"\",b\"\r\n"
        );
        assert_eq!(written(&["x=1"]), "x=1\r\n");
    }
}
