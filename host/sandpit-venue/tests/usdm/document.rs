//! The tables of docs/venues/binance-usdm.md are those of the code. With `UPDATE_EXPECT=1` in the
//! environment they are written anew.

use std::{fmt::Write, fs, path::PathBuf};

use sandpit_venue::binance::{
    request::Security,
    usdm::{endpoint::ENDPOINTS, error_code::ErrorCode},
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
        writeln!(
            table,
            "| {} | {rest} | {websocket} | {signed} | {} | {} |",
            endpoint.name, cost.weight, cost.orders
        )
        .unwrap();
    }
    table
}

fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/venues/binance-usdm.md")
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
    for (mark, table) in [("error codes", error_codes()), ("requests", requests())] {
        expected = put(&expected, mark, &table);
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(document(), &expected).unwrap();
    } else {
        assert!(text == expected, "run the tests with UPDATE_EXPECT=1 to write the tables anew");
    }
}
