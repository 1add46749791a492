//! The tables of docs/venues/binance.md are those of the code. With `UPDATE_EXPECT=1` in the
//! environment they are written anew.

#![expect(clippy::unwrap_used, reason = "a test that unwraps in vain has failed")]

use std::{fmt::Write, fs, path::PathBuf};

use sandpit_venue::binance::{
    error_code::ErrorCode,
    filters::FilterKind,
    request::{ENDPOINTS, Pool, Security},
};

fn error_codes() -> String {
    let mut table = String::from("| code | name | class | meaning |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let (number, name) = (code.code().unsigned_abs(), code.name());
        writeln!(table, "| −{number} | `{name}` | {:?} | {} |", code.class(), code.meaning())
            .unwrap();
    }
    table
}

fn requests() -> String {
    let mut table = String::from(
        "| what | REST | WebSocket API | signed | weight | orders |\n|---|---|---|---|---|---|\n",
    );
    for endpoint in &ENDPOINTS {
        let rest = endpoint
            .rest
            .map_or("—".to_owned(), |(method, path)| format!("`{} {path}`", method.as_str()));
        let websocket = endpoint.websocket.map_or("—".to_owned(), |method| format!("`{method}`"));
        let signed = match endpoint.security {
            Security::Public => "no",
            Security::Signed => "yes",
            Security::AlwaysSigned => "always",
            Security::Session => "logged in",
            Security::Keyed => "key only",
        };
        let cost = endpoint.cost;
        let mut weight = cost.weight.to_string();
        if cost.weight_confirmed != cost.weight {
            write!(weight, ", {} when done", cost.weight_confirmed).unwrap();
        }
        if cost.pool == Pool::Sapi {
            weight.push_str(" (wallet)");
        }
        writeln!(
            table,
            "| {} | {rest} | {websocket} | {signed} | {weight} | {} |",
            endpoint.name, cost.orders
        )
        .unwrap();
    }
    table
}

fn filters() -> String {
    let names: Vec<_> = FilterKind::ALL.iter().map(|kind| format!("`{}`", kind.name())).collect();
    format!("{}.\n", names.join(", "))
}

fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/venues/binance.md")
}

/// Puts a table between its marks.
fn put(text: &str, mark: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no mark {mark}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no end of {mark}"));
    format!("{before}{begin}{table}{end}{after}")
}

#[test]
fn tables_are_those_of_the_code() {
    let text = fs::read_to_string(document()).unwrap();
    let mut expected = text.clone();
    for (mark, table) in
        [("error codes", error_codes()), ("requests", requests()), ("filters", filters())]
    {
        expected = put(&expected, mark, &table);
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(document(), &expected).unwrap();
    } else {
        assert!(text == expected, "run the tests with UPDATE_EXPECT=1 to write the tables anew");
    }
}
