//! The report on a terminal. Plain text of any width from 40 columns on; colours only where asked.

use std::fmt::Write as _;

use super::{
    calendar,
    figures::{self, Tone},
    model::{PluginSection, Report, ScopeSection},
    numbers::{self, count},
    returns::as_f64,
    value::Stat,
};

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// Columns of the terminal; at least [`Self::WIDTH_MIN`] is used.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
}

impl TextStyle {
    /// Columns below which nothing gets narrower.
    pub const WIDTH_MIN: usize = 40;
    /// Columns beyond which nothing gets wider.
    pub const WIDTH_MAX: usize = 160;
    /// What fits anywhere: 80 columns without colours.
    pub const PLAIN: Self = Self { width: 80, color: false };
}

/// The report as plain text of 80 columns.
#[must_use]
pub fn render_text(report: &Report) -> String {
    render_text_styled(report, TextStyle::PLAIN)
}

/// The report as text.
#[must_use]
pub fn render_text_styled(report: &Report, style: TextStyle) -> String {
    let width = style.width.clamp(TextStyle::WIDTH_MIN, TextStyle::WIDTH_MAX);
    let mut page = Page { text: String::new(), width, color: style.color };
    page.head(report);
    page.figures(report);
    page.denials(&report.plugins);
    page.positions(report);
    page.resources(report);
    page.faults(&report.plugins);
    page.alerts(report);
    page.warnings(&report.warnings);
    page.text
}

struct Page {
    text: String,
    width: usize,
    color: bool,
}

#[derive(Clone, Copy)]
enum Ink {
    Plain,
    Bold,
    Dim,
    Green,
    Red,
    Yellow,
}

impl From<Tone> for Ink {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Plain => Self::Plain,
            Tone::Good => Self::Green,
            Tone::Bad => Self::Red,
        }
    }
}

/// A cell: text, ink, and on which side of its column it stands.
struct Cell {
    text: String,
    ink: Ink,
    right: bool,
}

fn left(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), ink: Ink::Plain, right: false }
}

fn right(text: impl Into<String>) -> Cell {
    Cell { text: text.into(), ink: Ink::Plain, right: true }
}

/// Columns a text takes. Wide characters of foreign names may shift a line; nothing breaks.
fn columns(text: &str) -> usize {
    text.chars().count()
}

impl Page {
    fn ink(&self, text: &str, ink: Ink) -> String {
        let code = match ink {
            _ if !self.color => return text.to_owned(),
            Ink::Plain => return text.to_owned(),
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Green => "32",
            Ink::Red => "31",
            Ink::Yellow => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// A paragraph, broken at spaces.
    fn paragraph(&mut self, text: &str, indent: usize, ink: Ink) {
        let room = self.width - indent;
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
                let inked = self.ink(&line, ink);
                self.line(&format!("{:indent$}{inked}", ""));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let inked = self.ink(&line, ink);
        self.line(&format!("{:indent$}{inked}", ""));
    }

    fn title(&mut self, text: &str) {
        let inked = self.ink(text, Ink::Bold);
        self.line("");
        self.line(&inked);
    }

    fn head(&mut self, report: &Report) {
        let names = report.plugins.iter().map(|p| numbers::name(&p.name)).collect::<Vec<_>>();
        let title = format!("Backtest of {}", names.join(", "));
        self.paragraph(&title, 0, Ink::Bold);
        if let (Some(first), Some(last)) = (report.market.first, report.market.last) {
            let seconds = as_f64(last.0.since(first.0).0) / 1e9;
            let period = format!(
                "{} to {} UTC ({}), {} events",
                calendar::readable(first.0),
                calendar::readable(last.0),
                numbers::duration(Stat::new(Some(seconds))),
                count(report.market.events.total()),
            );
            self.paragraph(&period, 0, Ink::Plain);
        }
        let symbols = report
            .market
            .instruments
            .iter()
            .map(|i| format!("{} ({})", numbers::name(&i.symbol), numbers::name(&i.venue)))
            .collect::<Vec<_>>();
        let currency = numbers::name(&report.run.currency);
        self.paragraph(&format!("{}; amounts in {currency}", symbols.join(", ")), 0, Ink::Plain);
    }

    fn figures(&mut self, report: &Report) {
        let mut scopes = report
            .plugins
            .iter()
            .map(|plugin| (numbers::name(&plugin.name), &plugin.scope))
            .collect::<Vec<_>>();
        if scopes.len() != 1 {
            scopes.insert(0, ("Account".to_owned(), &report.account));
        }
        /// Columns of a label and of a figure with the space before it.
        const LABEL: usize = 24;
        const FIGURE: usize = 16;
        let fit = ((self.width - LABEL) / FIGURE).max(1);
        for block in scopes.chunks(fit) {
            self.figure_block(block, LABEL, FIGURE);
        }
    }

    fn figure_block(&mut self, block: &[(String, &ScopeSection)], label: usize, figure: usize) {
        let groups = block.iter().map(|(_, s)| figures::groups(&s.metrics)).collect::<Vec<_>>();
        self.line("");
        let mut head = format!("{:label$}", "");
        for (name, _) in block {
            let name = numbers::clean(name, figure - 3, false);
            let inked = self.ink(&name, Ink::Bold);
            let _ = write!(head, "{:pad$}{inked}", "", pad = figure.saturating_sub(columns(&name)));
        }
        self.line(&head);
        let Some(first) = groups.first() else { return };
        for (at, group) in first.iter().enumerate() {
            let inked = self.ink(group.title, Ink::Dim);
            self.line(&inked);
            for (row, figure_row) in group.figures.iter().enumerate() {
                let mut line = format!("  {:pad$}", figure_row.label, pad = label - 2);
                for scope in &groups {
                    let cell = &scope[at].figures[row];
                    let inked = self.ink(&cell.value, cell.tone.into());
                    let pad = figure.saturating_sub(columns(&cell.value)).max(1);
                    let _ = write!(line, "{:pad$}{inked}", "");
                }
                self.line(&line);
            }
        }
    }

    /// Columns as wide as their widest cell; the last one is cut where the line would be too long.
    fn table(&mut self, rows: &[Vec<Cell>]) {
        let count = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths = (0..count)
            .map(|at| rows.iter().filter_map(|r| r.get(at)).map(|c| columns(&c.text)).max())
            .map(|width| width.unwrap_or(0))
            .collect::<Vec<_>>();
        for row in rows {
            let mut line = String::from("  ");
            let mut used = 2;
            for (cell, width) in row.iter().zip(&widths) {
                let room = self.width.saturating_sub(used);
                if room < 4 {
                    break;
                }
                let width = (*width).min(room);
                let text = if columns(&cell.text) > width {
                    numbers::clean(&cell.text, width - 1, false)
                } else {
                    cell.text.clone()
                };
                let pad = width - columns(&text).min(width);
                let inked = self.ink(&text, cell.ink);
                let _ = if cell.right {
                    write!(line, "{:pad$}{inked}  ", "")
                } else {
                    write!(line, "{inked}{:pad$}  ", "")
                };
                used += width + 2;
            }
            self.line(&line);
        }
    }

    fn denials(&mut self, plugins: &[PluginSection]) {
        if plugins.iter().all(|plugin| plugin.denials.is_empty()) {
            return;
        }
        self.title("Denied intents");
        let rows = plugins.iter().flat_map(|plugin| {
            plugin.denials.iter().map(|denial| {
                vec![
                    right(count(denial.count)),
                    left(numbers::name(&plugin.name)),
                    left(denial.code.to_string()),
                    left(&*denial.name),
                ]
            })
        });
        self.table(&rows.collect::<Vec<_>>());
    }

    fn positions(&mut self, report: &Report) {
        let positions = &report.account.positions;
        if positions.is_empty() {
            return;
        }
        self.title("Open positions");
        let rows = positions.iter().map(|row| {
            let figure = numbers::money(row.unrealized_pnl, true);
            vec![
                left(numbers::name(&row.symbol)),
                right(numbers::group_decimal(&row.quantity)),
                right(format!("value {}", numbers::money(row.value, false))),
                right(format!("unrealized {figure}")),
            ]
        });
        self.table(&rows.collect::<Vec<_>>());
    }

    fn resources(&mut self, report: &Report) {
        self.title("Plugins");
        let head = ["", "calls", "fuel a call", "fuel max", "memory", "p50", "p99"];
        let mut rows = vec![
            head.iter()
                .map(|t| Cell { text: (*t).to_owned(), ink: Ink::Dim, right: true })
                .collect(),
        ];
        for (at, plugin) in report.plugins.iter().enumerate() {
            let used = &plugin.resources;
            let mean = used.fuel_total.checked_div(used.calls).unwrap_or(0);
            let mut row = vec![
                left(numbers::name(&plugin.name)),
                right(count(used.calls)),
                right(count(mean)),
                right(count(used.fuel_max)),
                right(
                    used.memory_peak_bytes.map_or_else(|| numbers::NONE.to_owned(), numbers::bytes),
                ),
            ];
            if let Some(latency) = report.machine.as_ref().and_then(|m| m.plugins.get(at)) {
                row.extend([latency.p50_ns, latency.p99_ns].map(|ns| right(numbers::nanos(ns))));
            }
            rows.push(row);
        }
        self.table(&rows);
        if let Some(machine) = &report.machine {
            let memory =
                machine.memory_peak_bytes.map(|b| format!(", {} of memory", numbers::bytes(b)));
            let line = format!(
                "{} on this machine, {} events a second{}",
                numbers::duration(machine.wall_seconds),
                numbers::number(machine.events_per_second, 0),
                memory.unwrap_or_default(),
            );
            self.paragraph(&line, 2, Ink::Dim);
        }
    }

    fn faults(&mut self, plugins: &[PluginSection]) {
        /// Faults of a plugin that a terminal shows, and characters of each.
        const SHOWN_MAX: usize = 3;
        const DETAIL_CHARS_MAX: usize = 400;
        for plugin in plugins.iter().filter(|plugin| plugin.faults_total > 0) {
            let total = count(plugin.faults_total);
            self.title(&format!("Faults of {}: {total}", numbers::name(&plugin.name)));
            for fault in plugin.faults.iter().take(SHOWN_MAX) {
                let at = calendar::readable(fault.time.0);
                self.paragraph(&format!("{at} {}", fault.code), 2, Ink::Red);
                for line in numbers::clean(&fault.detail, DETAIL_CHARS_MAX, true).lines() {
                    self.paragraph(line, 4, Ink::Plain);
                }
            }
        }
    }

    fn alerts(&mut self, report: &Report) {
        /// Alerts that a terminal shows, and characters of each.
        const SHOWN_MAX: usize = 5;
        const ALERT_CHARS_MAX: usize = 400;
        if report.alerts_total == 0 {
            return;
        }
        self.title(&format!("Alerts: {}", count(report.alerts_total)));
        for alert in report.alerts.iter().take(SHOWN_MAX) {
            let text = numbers::clean(&alert.text, ALERT_CHARS_MAX, false);
            let at = calendar::readable(alert.time.0);
            self.paragraph(&format!("{at} {text}"), 2, Ink::Red);
        }
    }

    fn warnings(&mut self, warnings: &[String]) {
        /// Characters of a warning.
        const WARNING_CHARS_MAX: usize = 1_000;
        if warnings.is_empty() {
            return;
        }
        self.title("Warnings");
        for warning in warnings {
            let clean = numbers::clean(warning, WARNING_CHARS_MAX, false);
            self.paragraph(&format!("- {clean}"), 2, Ink::Yellow);
        }
    }
}
