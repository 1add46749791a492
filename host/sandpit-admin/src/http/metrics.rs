//! How everything is, for Prometheus: the text format, base units, and names by its conventions.
//! Every label is a name of the operator's or of ours, so there are no more series than those.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use super::state::State;
use crate::{LimitView, OverviewView, PluginView, ScopePnlView, Trading};

/// What a plugin can be doing.
const STATES: [&str; 8] = [
    "starting",
    "running",
    "paused",
    "restarting",
    "swapping",
    "probation",
    "quarantined",
    "unloaded",
];
const TRADING: [Trading; 3] = [Trading::Active, Trading::Reducing, Trading::Halted];
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Everything, as it is exposed.
pub(super) fn render(overview: &OverviewView, state: &State) -> String {
    let mut out = Exposition(String::new());
    session(&mut out, overview);
    money(&mut out, overview);
    plugins(&mut out, &overview.plugins);
    line(&mut out, overview);
    server(&mut out, state);
    out.0
}

/// The text under way.
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let _ = match labels.is_empty() {
            true => writeln!(self.0, "{name} {value}"),
            false => writeln!(self.0, "{name}{{{}}} {value}", labels.join(",")),
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.value(name, &[], &value.to_string());
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Nanoseconds as seconds, exactly.
fn seconds(nanos: u64) -> String {
    format!("{}.{:09}", nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND)
}

fn flag(is: bool) -> &'static str {
    if is { "1" } else { "0" }
}

fn session(out: &mut Exposition, overview: &OverviewView) {
    let session = &overview.session;
    out.family("sandpit_info", "gauge", "The host: its version and mode.");
    let labels = [("version", session.version.as_str()), ("mode", session.mode.as_str())];
    out.value("sandpit_info", &labels, "1");
    out.family(
        "sandpit_trading_state",
        "gauge",
        "1 for what is let through, of the account (no plugin) and of each plugin.",
    );
    let scopes = std::iter::once(&overview.risk.account).chain(&overview.risk.plugins);
    for scope in scopes {
        let plugin = scope.plugin.as_deref().unwrap_or_default();
        for state in TRADING {
            let labels = [("plugin", plugin), ("state", state.name())];
            let is = scope.trading_state == state.name();
            out.value("sandpit_trading_state", &labels, flag(is));
        }
    }
    out.family("sandpit_locks", "gauge", "Locks of the account (no plugin) and of each plugin.");
    let scopes = std::iter::once(&overview.risk.account).chain(&overview.risk.plugins);
    for scope in scopes {
        let plugin = [("plugin", scope.plugin.as_deref().unwrap_or_default())];
        out.value("sandpit_locks", &plugin, &scope.locks.len().to_string());
    }
    out.one("sandpit_open_orders", "gauge", "Open orders.", session.open_orders);
    out.one(
        "sandpit_orders_in_doubt",
        "gauge",
        "Orders of which it is not known what became of them.",
        overview.risk.orders_in_doubt,
    );
    out.one("sandpit_journal_rows_total", "counter", "Rows of the journal.", session.journal_rows);
}

fn money(out: &mut Exposition, overview: &OverviewView) {
    type Of = fn(&ScopePnlView) -> Option<&String>;
    let families: [(&str, &str, Of); 8] = [
        ("sandpit_equity", "Balance plus unrealized PnL.", |it| Some(&it.equity)),
        ("sandpit_balance", "What was given plus realized PnL less costs.", |it| Some(&it.balance)),
        ("sandpit_realized_pnl", "PnL of what was closed.", |it| Some(&it.realized)),
        ("sandpit_unrealized_pnl", "PnL of what is open.", |it| Some(&it.unrealized)),
        ("sandpit_fees_paid", "Fees paid, rebates taken off.", |it| Some(&it.fees)),
        ("sandpit_today_pnl", "Change of the equity since the day began.", |it| it.today.as_ref()),
        ("sandpit_drawdown", "Loss since the highest equity.", |it| it.drawdown.as_ref()),
        ("sandpit_daily_loss_max", "What may be lost in a day.", |it| it.today_loss_max.as_ref()),
    ];
    let pnl = &overview.pnl;
    for (name, help, of) in families {
        out.family(name, "gauge", &format!("{help} In the account's currency; no plugin: all."));
        for scope in std::iter::once(&pnl.account).chain(&pnl.plugins) {
            let Some(value) = of(scope) else { continue };
            let plugin = scope.plugin.as_deref().unwrap_or_default();
            out.value(name, &[("plugin", plugin), ("currency", &pnl.currency)], value);
        }
    }
}

fn plugins(out: &mut Exposition, plugins: &[PluginView]) {
    out.family("sandpit_plugin_state", "gauge", "1 for what a plugin is doing.");
    for plugin in plugins {
        for state in STATES {
            let labels = [("plugin", plugin.name.as_str()), ("state", state)];
            out.value("sandpit_plugin_state", &labels, flag(plugin.state.name() == state));
        }
    }
    type Of = fn(&PluginView) -> Option<u64>;
    let families: [(&str, &str, &str, Of); 9] = [
        ("sandpit_plugin_calls_total", "counter", "Events told.", |it| Some(it.calls)),
        ("sandpit_plugin_intents_total", "counter", "Wishes.", |it| Some(it.intents)),
        ("sandpit_plugin_restarts_total", "counter", "Restarts after a fault.", |it| {
            Some(it.restarts)
        }),
        ("sandpit_plugin_swaps_total", "counter", "Swaps of its component.", |it| Some(it.swaps)),
        ("sandpit_plugin_faults_total", "counter", "Faults.", |it| Some(it.faults.total)),
        (
            "sandpit_plugin_log_lines_dropped_total",
            "counter",
            "Log lines beyond its budget.",
            |it| Some(it.log_lines_dropped),
        ),
        ("sandpit_plugin_queue_events", "gauge", "Events that wait for it.", |it| {
            Some(it.queue.waiting)
        }),
        ("sandpit_plugin_conflated_total", "counter", "Quotes replaced before told.", |it| {
            Some(it.queue.conflated)
        }),
        ("sandpit_plugin_memory_bytes", "gauge", "Memory that it has.", |it| it.memory_bytes),
    ];
    for (name, kind, help, of) in families {
        out.family(name, kind, help);
        for plugin in plugins {
            if let Some(value) = of(plugin) {
                out.value(name, &[("plugin", &plugin.name)], &value.to_string());
            }
        }
    }
    out.family("sandpit_plugin_call_seconds", "summary", "How long calls take: a sample of them.");
    for plugin in plugins {
        let latency = &plugin.latency;
        let quantiles =
            [("0.5", latency.median_ns), ("0.99", latency.p99_ns), ("1", latency.max_ns)];
        for (quantile, nanos) in quantiles {
            let labels = [("plugin", plugin.name.as_str()), ("quantile", quantile)];
            out.value("sandpit_plugin_call_seconds", &labels, &seconds(nanos));
        }
        let samples = latency.samples.to_string();
        out.value("sandpit_plugin_call_seconds_count", &[("plugin", &plugin.name)], &samples);
    }
    limits(out, plugins);
}

fn limits(out: &mut Exposition, plugins: &[PluginView]) {
    type Of = fn(&LimitView) -> Option<u64>;
    let families: [(&str, &str, &str, Of); 3] = [
        ("sandpit_plugin_limit_max", "gauge", "A limit, in its own unit.", |it| Some(it.max)),
        ("sandpit_plugin_limit_peak", "gauge", "The most used of it.", |it| it.peak.or(it.used)),
        ("sandpit_plugin_limit_reached_total", "counter", "How often it was reached.", |it| {
            Some(it.reached)
        }),
    ];
    for (name, kind, help, of) in families {
        out.family(name, kind, help);
        for plugin in plugins {
            for limit in &plugin.limits {
                let Some(value) = of(limit) else { continue };
                let labels = [("plugin", plugin.name.as_str()), ("limit", limit.key.as_str())];
                out.value(name, &labels, &value.to_string());
            }
        }
    }
}

fn line(out: &mut Exposition, overview: &OverviewView) {
    let Some(line) = &overview.session.line else { return };
    out.family("sandpit_venue_up", "gauge", "1 where a part of the line to the venue stands.");
    for (part, is) in [("all", line.live), ("orders", line.orders), ("markets", line.markets)] {
        out.value("sandpit_venue_up", &[("part", part)], flag(is));
    }
    let mut families: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    for (name, value) in &line.counts {
        let (family, labels) = name.split_at(name.find('{').unwrap_or(name.len()));
        if is_name(family) && is_labels(labels) {
            families.entry(family).or_default().push((labels, *value));
        }
    }
    for (family, values) in families {
        let kind = if family.ends_with("_total") { "counter" } else { "gauge" };
        let base = family.strip_suffix("_nanos");
        let name = match base {
            Some(base) => format!("sandpit_venue_{base}_seconds"),
            None => format!("sandpit_venue_{family}"),
        };
        out.family(&name, kind, "A count of the line to the venue and its protocol.");
        for (labels, value) in values {
            let value = if base.is_some() { seconds(value) } else { value.to_string() };
            out.value(&format!("{name}{labels}"), &[], &value);
        }
    }
}

/// Whether it is a name of the format's.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Whether these are labels as our protocols write them: nothing in them needs an escape.
fn is_labels(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.,=\"".contains(&byte);
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return text.is_empty();
    };
    inner.bytes().all(allowed)
        && inner.split(',').all(|label| {
            let parts = label
                .split_once("=\"")
                .and_then(|(name, rest)| Some((name, rest.strip_suffix('"')?)));
            parts.is_some_and(|(name, value)| is_name(name) && !value.contains('"'))
        })
}

fn server(out: &mut Exposition, state: &State) {
    let counts = &state.counts;
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let families = [
        ("sandpit_http_requests_total", "Requests to this server.", &counts.requests),
        ("sandpit_http_refused_total", "Requests that were refused.", &counts.refused),
        (
            "sandpit_http_unauthorized_total",
            "Requests without a right token.",
            &counts.unauthorized,
        ),
        ("sandpit_http_slow_readers_total", "Watchers that did not read.", &counts.slow_readers),
        (
            "sandpit_http_connections_refused_total",
            "Connections beyond the bound.",
            &counts.connections_refused,
        ),
    ];
    for (name, help, count) in families {
        out.one(name, "counter", help, of(count));
    }
    out.one("sandpit_http_watchers", "gauge", "Watchers of events.", state.hub.len() as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_and_labels_are_escaped() {
        assert_eq!(seconds(1_500_000_001), "1.500000001");
        assert_eq!(seconds(0), "0.000000000");
        let mut out = Exposition(String::new());
        assert!(is_labels("") && is_labels("{lane=\"kill\",seconds=\"60\"}"));
        for wrong in ["{", "{}", "{a}", "{a=b}", "{a=\"b\"c\"}", "{a=\"b\n\"}", "x", "{A=\"b\"}"] {
            assert!(!is_labels(wrong), "{wrong}");
        }
        out.value("x", &[("a", "b\"\\\n")], "1");
        assert_eq!(out.0, "x{a=\"b\\\"\\\\\\n\"} 1\n");
    }
}
