//! The tables of `docs/operators/limits.md`, made from what the program knows. A test fails when
//! that file or `docs/operators/plugins.md` says something else; `UPDATE_EXPECT=1` writes them anew.

use std::fmt::Write as _;

use sandpit_core::risk::DenialCode;

/// Key, what it bounds, and what it says no with.
const LIMITS: &[(&str, &str, &str)] = &[
    (
        "price_collar_bp_max",
        "distance of a limit price or trigger from the mark; above it or below, and for orders that shrink a position, too",
        "price-outside-collar",
    ),
    (
        "market_age_ms_max",
        "silence of an instrument's market; orders that only shrink a position pass",
        "market-data-stale",
    ),
    ("order_notional_max", "notional of one order", "order-notional-above-max"),
    (
        "open_orders_max",
        "open orders, those of unknown fate among them; the host's own stops count for the account alone",
        "open-orders-above-max",
    ),
    ("orders_per_second_max", "new orders in any second", "order-rate-above-max"),
    ("orders_per_minute_max", "new orders in any minute", "order-rate-above-max"),
    ("amends_per_second_max", "changes in any second", "amend-rate-above-max"),
    ("amends_per_minute_max", "changes in any minute", "amend-rate-above-max"),
    (
        "cancels_per_second_max",
        "cancels in any second; they pass, and above this new orders and changes do not",
        "cancel-rate-above-max",
    ),
    ("cancels_per_minute_max", "the same in any minute", "cancel-rate-above-max"),
    (
        "order_to_fill",
        "orders for each fill (`ratio_max`) in `window_minutes`, from `orders_min` orders on",
        "order-to-fill-above-max",
    ),
    (
        "position_notional_max",
        "notional of the position in one instrument, in the worst case",
        "position-notional-above-max",
    ),
    (
        "gross_notional_max",
        "sum of the notionals of all positions, in the worst case; a plugin's is its budget unless said",
        "gross-notional-above-max",
    ),
    (
        "net_notional_max",
        "signed sum of the same, with all buys filled or all sells; it binds orders that shrink one leg of a hedge, too",
        "net-notional-above-max",
    ),
    ("leverage_bp_max", "gross as a share of the equity", "leverage-above-max"),
    ("concentration_bp_max", "one position as a share of the equity", "concentration-above-max"),
    ("short_allowed", "whether a position may be negative", "short-not-allowed"),
    ("sides_allowed", "sides that may open or grow a position", "side-not-allowed"),
    (
        "instruments_allowed",
        "instruments in which a position may be opened or grow",
        "instrument-not-allowed",
    ),
    ("instruments.SYMBOL.order_quantity_max", "quantity of one order", "order-quantity-above-max"),
    (
        "instruments.SYMBOL.position_quantity_max",
        "quantity of the position, in the worst case",
        "position-quantity-above-max",
    ),
    ("daily_loss", "loss since the session's day began, realized and not", "lock `daily-loss`"),
    ("drawdown", "loss since the highest equity", "lock `drawdown`"),
    ("losing_streak", "losing round trips in a row, from flat to flat", "lock `losing-streak`"),
    (
        "pnl_velocity",
        "loss within `minutes`, from the highest equity in them",
        "lock `pnl-velocity`",
    ),
    ("protective_stop", "the host's own stop of every position", ""),
    ("ramp", "the share of these limits that is given, by days without a breach", ""),
];

/// All limits of a scope as a table of Markdown.
#[must_use]
pub fn limits_table() -> String {
    let mut table = String::from("| key | bounds | says no with |\n|---|---|---|\n");
    for (key, bounds, denial) in LIMITS {
        let denial = match *denial {
            "" => String::new(),
            lock if lock.starts_with("lock") => lock.to_owned(),
            name => format!("`{name}`"),
        };
        let _ = writeln!(table, "| `{key}` | {bounds} | {denial} |");
    }
    table
}

/// All denial codes as a table of Markdown.
#[must_use]
pub fn denials_table() -> String {
    let mut table = String::from(
        "| code | name | what a plugin is told | whose | the journal has | what to do |\n|---|---|---|---|---|---|\n",
    );
    for code in DenialCode::ALL {
        let _ = writeln!(
            table,
            "| {} | `{}` | {} | {} | {} | {} |",
            code.number(),
            code.name(),
            code.message(),
            code.by().words(),
            code.data(),
            code.advice()
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Overrides, REFERENCE, command_refusals_table, faults_table, parse, sandbox_table,
        totals_table,
    };
    use std::{collections::BTreeSet, env, fs, path::Path};

    /// `text` with `table` between its markers.
    fn replaced(text: &str, name: &str, table: &str) -> String {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = text.split_once(&begin).expect("the document has the marker");
        let (_, after) = rest.split_once(&end).expect("the document has the closing marker");
        format!("{before}{begin}\n{table}\n{end}{after}")
    }

    /// Whether a document has these tables; or writes them into it.
    fn check(document: &str, tables: &[(&str, String)]) {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators").join(document);
        let text = fs::read_to_string(&path).unwrap();
        let expected =
            tables.iter().fold(text.clone(), |text, (name, table)| replaced(&text, name, table));
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &expected).unwrap();
            return;
        }
        let message = format!("docs/operators/{document} is old: UPDATE_EXPECT=1 writes it anew");
        assert!(text == expected, "{message}");
    }

    #[test]
    fn the_documents_say_what_the_program_knows() {
        check("limits.md", &[("limits", limits_table()), ("denials", denials_table())]);
        check(
            "plugins.md",
            &[
                ("sandbox", sandbox_table()),
                ("totals", totals_table()),
                ("faults", faults_table()),
                ("refusals", command_refusals_table()),
            ],
        );
    }

    #[test]
    fn every_key_is_in_the_table_and_in_the_reference() {
        let config = parse(Path::new("reference.toml"), REFERENCE, &Overrides::default()).unwrap();
        let account = toml::from_str::<toml::Table>(&config.canonical()).unwrap();
        let account = account["account"].as_table().unwrap();
        let mut said: BTreeSet<String> =
            account.keys().filter(|key| *key != "instruments").cloned().collect();
        let symbols = account["instruments"].as_table().unwrap();
        let of_one = symbols["BTCUSDT"].as_table().unwrap();
        said.extend(of_one.keys().map(|key| format!("instruments.SYMBOL.{key}")));
        // What is both is what nobody has to say.
        said.insert("sides_allowed".to_owned());
        let known: BTreeSet<_> = LIMITS.iter().map(|(key, ..)| (*key).to_owned()).collect();
        assert_eq!(said, known);
    }

    #[test]
    fn limits_say_no_with_codes_that_exist() {
        for (key, _, denial) in LIMITS {
            let known = DenialCode::ALL.iter().any(|code| code.name() == *denial);
            assert!(known || denial.is_empty() || denial.starts_with("lock"), "{key}: {denial}");
        }
    }
}
