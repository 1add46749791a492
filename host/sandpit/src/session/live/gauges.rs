//! The picture of a line as single figures, each with a name: `limits[].used` of one limit is
//! `line_limits_used{kind="…",window_seconds="…"}`.

use sandpit_venue::gauges::Gauges;
use serde_json::Value;

use crate::session::venue::Count;

const PREFIX: &str = "line";
const HELP: &str = "A figure of the line to the venue.";

/// All figures there are; an age of nothing has none.
pub(super) fn flat(gauges: &Gauges) -> Vec<Count> {
    let mut flat = Vec::new();
    // Plain fields of numbers and texts cannot fail to be written.
    if let Ok(Value::Object(groups)) = serde_json::to_value(gauges) {
        for (name, group) in groups {
            put(&format!("{PREFIX}_{name}"), &group, &mut flat);
        }
    }
    flat
}

fn put(name: &str, value: &Value, flat: &mut Vec<Count>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                put(&format!("{name}_{field}"), value, flat);
            }
        }
        Value::Array(lines) => lines.iter().for_each(|line| put_line(name, line, flat)),
        Value::Bool(is) => flat.push((name.to_owned(), HELP, u64::from(*is))),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => flat.push((name.to_owned(), HELP, value)),
            // Figures are never negative: how far behind has a name of its own.
            (None, Some(negative)) => {
                let name = name.replace("_offset_", "_offset_behind_");
                flat.push((name, HELP, negative.unsigned_abs()));
            }
            (None, None) => {}
        },
        Value::String(_) | Value::Null => {}
    }
}

/// One of several of a kind: what tells it from the others are its labels.
fn put_line(name: &str, line: &Value, flat: &mut Vec<Count>) {
    let Value::Object(fields) = line else { return };
    let is_label = |field: &str, value: &Value| value.is_string() || field == "window_seconds";
    let mut labels = Vec::new();
    for (field, value) in fields.iter().filter(|(field, value)| is_label(field, value)) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        labels.push(format!("{field}=\"{text}\""));
    }
    let labels = labels.join(",");
    for (field, value) in fields.iter().filter(|(field, value)| !is_label(field, value)) {
        if let Some(value) = value.as_u64() {
            flat.push((format!("{name}_{field}{{{labels}}}"), HELP, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use sandpit_venue::gauges::LimitGauge;

    use super::*;

    #[test]
    fn every_figure_has_a_name() {
        let mut gauges = Gauges::default();
        gauges.requests.orders.sent_total = 7;
        gauges.clock.offset_nanos = -5;
        gauges.market.up = true;
        let limit = LimitGauge { kind: "weight", window_seconds: 60, used: 3, left: 4, most: 7 };
        gauges.limits.push(limit);
        let flat = flat(&gauges);
        let of = |name: &str| flat.iter().find(|one| one.0 == name).map(|one| one.2);
        assert_eq!(of("line_requests_orders_sent_total"), Some(7));
        assert_eq!(of("line_clock_offset_behind_nanos"), Some(5));
        assert_eq!(of("line_clock_offset_nanos"), None);
        assert_eq!(of("line_market_up"), Some(1));
        assert_eq!(of("line_limits_used{kind=\"weight\",window_seconds=\"60\"}"), Some(3));
        assert_eq!(of("line_market_heard_age_nanos"), None, "nothing was heard yet");
        let names: std::collections::BTreeSet<_> = flat.iter().map(|one| &one.0).collect();
        assert_eq!(names.len(), flat.len());
    }
}
