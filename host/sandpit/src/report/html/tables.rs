//! The tables of the page: trades, denials, plugins, and what ran.

use std::fmt::Write as _;

use super::{Page, name, text, tone_of};
use crate::report::{
    calendar,
    model::{Ending, PluginSection},
    numbers::{self, count},
    receipt::Receipt,
    returns::as_f64,
    value::{Amount, Stat},
};

/// Trades in the table; `trades.csv` has them all.
const TRADE_ROWS_MAX: usize = 250;

/// How a cell that stands to the right begins.
const NUM: &str = "<span class=\"num";

/// A cell that stands to the right.
pub(super) fn num(html: &str) -> String {
    format!("{NUM}\">{html}</span>")
}

pub(super) fn signed(amount: Amount) -> String {
    format!("{NUM} {}\">{}</span>", tone_of(amount), numbers::money(amount, true))
}

impl Page<'_> {
    /// A table in a card. Cells are HTML: whoever calls has escaped them.
    pub(super) fn table(&mut self, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
        let _ = write!(
            self.body,
            "<section class=card><h3>{title}</h3><div class=scroll><table><thead><tr>"
        );
        for (at, cell) in head.iter().enumerate() {
            // A head stands where its figures do.
            let figures =
                rows.first().and_then(|row| row.get(at)).is_some_and(|c| c.starts_with(NUM));
            let class = if figures { " class=num" } else { "" };
            let _ = write!(self.body, "<th{class}>{cell}</th>");
        }
        self.body.push_str("</tr></thead><tbody>");
        for row in rows {
            self.body.push_str("<tr>");
            for cell in row {
                let _ = write!(self.body, "<td>{cell}</td>");
            }
            self.body.push_str("</tr>");
        }
        self.body.push_str("</tbody></table></div></section>");
    }

    pub(super) fn alerts(&mut self) {
        let report = self.report;
        if report.alerts_total == 0 {
            return;
        }
        let rows = report
            .alerts
            .iter()
            .map(|alert| vec![calendar::readable(alert.time.0), text(&alert.text)])
            .collect();
        let title = format!("Alerts <small>{} in all</small>", count(report.alerts_total));
        self.table(&title, &["Time (UTC)", "What"], rows);
    }

    pub(super) fn trades(&mut self) {
        let report = self.report;
        if report.trades.is_empty() {
            return;
        }
        let shown = report.trades.iter().rev().take(TRADE_ROWS_MAX);
        let rows = shown.map(|trade| {
            let plugin = report.plugins.get(usize::from(trade.plugin));
            let instrument = report.market.instruments.get(usize::from(trade.instrument));
            vec![
                calendar::readable(trade.closed.0),
                plugin.map_or_else(String::new, |p| name(&p.name)),
                instrument.map_or_else(String::new, |i| name(&i.symbol)),
                text(&trade.side),
                num(&text(&numbers::group_decimal(&trade.quantity))),
                num(&text(&numbers::group_decimal(&trade.entry_price))),
                num(&text(&numbers::group_decimal(&trade.exit_price))),
                signed(trade.net_pnl),
                num(&numbers::money(trade.fees, false)),
                num(&numbers::money(trade.mae, false)),
                num(&numbers::money(trade.mfe, false)),
                num(&numbers::duration(Stat::new(Some(
                    as_f64(trade.closed.0.since(trade.opened.0).0) / 1e9,
                )))),
            ]
        });
        let rows = rows.collect::<Vec<_>>();
        let all = report.account.metrics.trades;
        let title = if all > u64::try_from(rows.len()).unwrap_or(u64::MAX) {
            format!(
                "Trades <small>the last {} of {}; all are in trades.csv</small>",
                rows.len(),
                count(all)
            )
        } else {
            "Trades <small>newest first</small>".to_owned()
        };
        let head = [
            "Closed (UTC)",
            "Plugin",
            "Instrument",
            "Side",
            "Quantity",
            "Entry",
            "Exit",
            "Net PnL",
            "Fees",
            "MAE",
            "MFE",
            "Held",
        ];
        self.table(&title, &head, rows);
    }

    pub(super) fn plugins(&mut self) {
        let plugins = &self.report.plugins;
        let denials = plugins.iter().flat_map(|plugin| {
            plugin.denials.iter().map(|denial| {
                vec![
                    name(&plugin.name),
                    num(&denial.code.to_string()),
                    text(&denial.name),
                    text(&denial.message),
                    num(&count(denial.count)),
                ]
            })
        });
        let denials = denials.collect::<Vec<_>>();
        if !denials.is_empty() {
            let head = ["Plugin", "Code", "Name", "Meaning", "Count"];
            self.table("Denied intents", &head, denials);
        }
        self.resources();
        for plugin in plugins.iter().filter(|p| p.faults_total > 0 || p.states_total > 0) {
            self.faults(plugin);
        }
    }

    fn resources(&mut self) {
        let report = self.report;
        let timed = report.machine.as_ref().is_some_and(|machine| !machine.plugins.is_empty());
        let mut head = vec![
            "Plugin",
            "Version",
            "Calls",
            "Fuel a call",
            "Fuel max",
            "Fuel in all",
            "Memory peak",
        ];
        if timed {
            head.extend(["Call p50", "Call p99", "Call max"]);
        }
        let rows = report.plugins.iter().enumerate().map(|(at, plugin)| {
            let used = &plugin.resources;
            let mean = used.fuel_total.checked_div(used.calls).unwrap_or(0);
            let memory =
                used.memory_peak_bytes.map_or_else(|| numbers::NONE.to_owned(), numbers::bytes);
            let mut row = vec![name(&plugin.name), name(&plugin.version)];
            row.extend([used.calls, mean, used.fuel_max, used.fuel_total].map(|n| num(&count(n))));
            row.push(num(&memory));
            if timed {
                let latency = report.machine.as_ref().and_then(|m| m.plugins.get(at).copied());
                let latency = latency.unwrap_or_default();
                row.extend(
                    [latency.p50_ns, latency.p99_ns, latency.max_ns]
                        .map(|ns| num(&numbers::nanos(ns))),
                );
            }
            row
        });
        self.table("Plugins", &head, rows.collect());
    }

    fn faults(&mut self, plugin: &PluginSection) {
        let _ = write!(
            self.body,
            "<section class=card><h3>{}: faults and trading state</h3>",
            name(&plugin.name)
        );
        for state in &plugin.states {
            let at = calendar::readable(state.time.0);
            let _ = write!(self.body, "<p>{at} UTC <b>{}</b></p>", text(&state.state));
        }
        for (at, fault) in plugin.faults.iter().enumerate() {
            let open = if at == 0 { " open" } else { "" };
            let _ = write!(
                self.body,
                "<details{open}><summary>{} UTC <b class=bad>{}</b></summary><pre>{}</pre></details>",
                calendar::readable(fault.time.0),
                text(&fault.code),
                text(&fault.detail),
            );
        }
        let listed = u64::try_from(plugin.faults.len()).unwrap_or(u64::MAX);
        if plugin.faults_total > listed {
            let more = count(plugin.faults_total - listed);
            let _ = write!(self.body, "<p>and {more} more faults</p>");
        }
        self.body.push_str("</section>");
    }

    pub(super) fn run(&mut self, receipt: Option<&Receipt>) {
        let run = &self.report.run;
        let ending = match &run.ending {
            Ending::Completed => "at the end of the data".to_owned(),
            Ending::Interrupted => "stopped by the operator".to_owned(),
            Ending::Failed(error) => format!("failed: {}", text(error)),
        };
        let mut rows = vec![
            ("Engine", name(&run.engine_version)),
            ("Ended", ending),
            ("Seed", run.seed.to_string()),
            ("Latency to the venue", numbers::nanos(run.latency_ns)),
        ];
        for instrument in &self.report.market.instruments {
            let fees = format!(
                "{}: maker {}, taker {}",
                name(&instrument.symbol),
                text(&instrument.maker_fee),
                text(&instrument.taker_fee)
            );
            rows.push(("Fee rates", fees));
        }
        if let Some(machine) = &self.report.machine {
            let memory =
                machine.memory_peak_bytes.map(|b| format!(", {} of memory", numbers::bytes(b)));
            let speed = format!(
                "{}, {} events a second{}",
                numbers::duration(machine.wall_seconds),
                numbers::number(machine.events_per_second, 0),
                memory.unwrap_or_default()
            );
            rows.push(("On this machine", speed));
        }
        let mut hashes = vec![("Configuration".to_owned(), text(&run.config_sha256))];
        for tape in &run.tapes {
            hashes.push((format!("Tape {}", name(&tape.name)), text(&tape.sha256)));
        }
        for plugin in &self.report.plugins {
            let hash = plugin.component_sha256.as_deref().unwrap_or("native code");
            hashes.push((format!("Component {}", name(&plugin.name)), text(hash)));
        }
        hashes.push(("Fills, orders and trades".to_owned(), text(&self.report.stream_sha256)));
        if let Some(receipt) = receipt {
            hashes.push(("Result".to_owned(), text(&receipt.result_sha256)));
        }
        self.body.push_str("<div class=pair><section class=card><h3>Run</h3><dl>");
        for (label, value) in rows {
            let _ = write!(self.body, "<div><dt>{label}</dt><dd>{value}</dd></div>");
        }
        self.body.push_str("</dl></section><section class=card><h3>Receipt <small>SHA-256; <code>sandpit report verify</code> runs it again</small></h3><dl class=hashes>");
        for (label, value) in hashes {
            let _ = write!(self.body, "<div><dt>{label}</dt><dd><code>{value}</code></dd></div>");
        }
        self.body.push_str("</dl></section></div>");
    }
}
