//! The report as one HTML file that needs nothing else: no network, no fonts, no libraries. Its
//! policy forbids any script but its own, by hash. Names and texts that come from plugins, files
//! or venues are hostile: all of them pass [`text`] or [`name`].

mod tables;

use std::fmt::Write as _;

use self::tables::{num, signed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    axes::Span,
    calendar,
    charts::{Shape, TimeChart, Unit, bars, esc},
    figures::{self, Tone},
    heatmap,
    model::{InstrumentActivity, Report, ScopeSection},
    numbers::{self, count},
    receipt::Receipt,
    returns::as_f64,
    value::{Amount, Stat},
};

const STYLE: &str = include_str!("template/style.css");
const SCRIPT: &str = include_str!("template/script.js");

/// Scopes whose charts are drawn: the account and the first plugins.
const SCOPES_DRAWN_MAX: usize = 13;
/// Characters of a text of several lines.
const TEXT_CHARS_MAX: usize = 4_096;

/// The report as one HTML file, with its receipt where there is one.
#[must_use]
pub fn render_html(report: &Report, receipt: Option<&Receipt>) -> String {
    let mut page = Page::new(report);
    page.head();
    page.warnings();
    page.scopes();
    page.alerts();
    page.trades();
    page.plugins();
    page.run(receipt);
    page.finish()
}

/// A foreign name, harmless.
fn name(text: &str) -> String {
    esc(&numbers::name(text))
}

/// A foreign text of one or more lines, harmless.
fn text(text: &str) -> String {
    esc(&numbers::clean(text, TEXT_CHARS_MAX, true))
}

struct Page<'a> {
    report: &'a Report,
    span: Span,
    charts: Vec<Value>,
    body: String,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report) -> Self {
        let time = |time: Option<super::value::Time>| time.map_or(0, |time| time.0.0);
        let span = Span { from: time(report.market.first), to: time(report.market.last) };
        Self { report, span, charts: Vec::new(), body: String::new() }
    }

    fn title(&self) -> String {
        let names = self.report.plugins.iter().map(|p| numbers::name(&p.name)).collect::<Vec<_>>();
        if names.is_empty() { "Backtest".to_owned() } else { names.join(", ") }
    }

    fn head(&mut self) {
        let report = self.report;
        let seconds = Stat::new(Some(as_f64(self.span.to.saturating_sub(self.span.from)) / 1e9));
        let symbols = report
            .market
            .instruments
            .iter()
            .map(|i| format!("{} <span class=dim>{}</span>", name(&i.symbol), name(&i.venue)));
        let period = match (report.market.first, report.market.last) {
            (Some(first), Some(last)) => format!(
                "{} to {} UTC <span class=dim>({})</span>",
                calendar::readable(first.0),
                calendar::readable(last.0),
                numbers::duration(seconds),
            ),
            _ => "no market events".to_owned(),
        };
        let _ = write!(
            self.body,
            "<header><p class=kind>Sandpit backtest</p><h1>{}</h1><p>{}</p><p>{period} · {} events · amounts in {}</p></header>",
            esc(&self.title()),
            symbols.collect::<Vec<_>>().join(", "),
            count(report.market.events.total()),
            name(&report.run.currency),
        );
    }

    fn warnings(&mut self) {
        if self.report.warnings.is_empty() {
            return;
        }
        self.body.push_str("<aside class=warnings><h2>Warnings</h2><ul>");
        for warning in &self.report.warnings {
            let _ = write!(self.body, "<li>{}</li>", text(warning));
        }
        self.body.push_str("</ul></aside>");
    }

    /// The account and each plugin, one under the other; the script makes tabs of them.
    fn scopes(&mut self) {
        let report = self.report;
        let mut scopes = vec![("Account".to_owned(), &report.account)];
        if let [only] = report.plugins.as_slice() {
            scopes = vec![(numbers::name(&only.name), &only.scope)];
        } else {
            scopes.extend(report.plugins.iter().map(|p| (numbers::name(&p.name), &p.scope)));
        }
        if scopes.len() > 1 {
            self.body.push_str("<nav class=tabs hidden>");
            for (at, (name, scope)) in scopes.iter().enumerate() {
                let _ = write!(
                    self.body,
                    "<button data-tab={at}>{}<small class={}>{}</small></button>",
                    esc(name),
                    tone_of(scope.metrics.net_pnl),
                    numbers::percent(scope.metrics.total_return, true),
                );
            }
            self.body.push_str("</nav>");
        }
        let many = scopes.len() > 1;
        for (at, (name, scope)) in scopes.into_iter().enumerate() {
            let _ = write!(self.body, "<section class=scope data-scope={at}>");
            if many {
                let _ = write!(self.body, "<h2 class=scope-name>{}</h2>", esc(&name));
            }
            self.tiles(scope);
            if at < SCOPES_DRAWN_MAX {
                self.scope_charts(scope);
            }
            self.figures(scope);
            self.body.push_str("</section>");
        }
    }

    fn tiles(&mut self, scope: &ScopeSection) {
        let m = &scope.metrics;
        let below = Stat::new(m.max_drawdown_fraction.get().map(|fraction| -fraction));
        let currency = name(&self.report.run.currency);
        let net = format!("{} <small>{currency}</small>", numbers::money(m.net_pnl, true));
        let tiles = [
            ("Net PnL", net, tone_of(m.net_pnl)),
            ("Return", numbers::percent(m.total_return, true), tone_of(m.net_pnl)),
            ("Max drawdown", numbers::percent(below, false), ""),
            ("Sharpe", numbers::number(m.sharpe, 2), ""),
            ("Profit factor", numbers::number(m.profit_factor, 2), ""),
            ("Win rate", numbers::percent(m.win_rate, false), ""),
            ("Trades", count(m.trades), ""),
            ("Fees", numbers::money(m.fees, false), ""),
        ];
        self.body.push_str("<div class=tiles>");
        for (label, value, tone) in tiles {
            let _ = write!(
                self.body,
                "<div><span>{label}</span><strong class=\"{tone}\">{value}</strong></div>"
            );
        }
        self.body.push_str("</div>");
    }

    fn chart(&mut self, chart: &TimeChart<'_>) {
        let (html, data) = chart.render(self.span, self.charts.len());
        self.body.push_str(&html);
        self.charts.push(data);
    }

    fn scope_charts(&mut self, scope: &ScopeSection) {
        self.body.push_str("<div class=charts><div class=\"card wide\">");
        self.chart(&TimeChart {
            title: "Equity",
            height: 240,
            unit: Unit::Number,
            ink: "equity",
            shape: Shape::Line,
            curve: &scope.equity,
            fills: None,
            base: Some(scope.metrics.start_equity.to_f64()),
            labelled: false,
        });
        self.chart(&TimeChart {
            title: "Drawdown",
            height: 110,
            unit: Unit::Percent,
            ink: "drawdown",
            shape: Shape::Area,
            curve: &scope.drawdown,
            fills: None,
            base: None,
            labelled: true,
        });
        self.body.push_str("</div>");
        for activity in &scope.instruments {
            self.instrument(activity);
        }
        if scope.metrics.fills > 0 {
            self.body.push_str("<div class=card>");
            self.chart(&TimeChart {
                title: "Fees paid so far",
                height: 160,
                unit: Unit::Number,
                ink: "fees",
                shape: Shape::Area,
                curve: &scope.fees,
                fills: None,
                base: None,
                labelled: true,
            });
            self.body.push_str("</div>");
        }
        if scope.metrics.trades > 0 {
            let chart = bars("Net PnL of trades", &scope.trade_pnl, 160);
            let _ = write!(self.body, "<div class=card>{chart}</div>");
        }
        let map = heatmap::render(scope);
        if !map.is_empty() {
            let _ = write!(self.body, "<div class=\"card wide\">{map}</div>");
        }
        self.body.push_str("</div>");
    }

    fn instrument(&mut self, activity: &InstrumentActivity) {
        let Some(instrument) = self.report.market.instruments.get(usize::from(activity.instrument))
        else {
            return;
        };
        let symbol = numbers::name(&instrument.symbol);
        self.body.push_str("<div class=\"card wide\">");
        self.chart(&TimeChart {
            title: &format!("{symbol} price and fills"),
            height: 240,
            unit: Unit::Number,
            ink: "price",
            shape: Shape::Line,
            curve: &instrument.price,
            fills: Some(&activity.fills),
            base: None,
            labelled: false,
        });
        self.chart(&TimeChart {
            title: &format!("{symbol} position"),
            height: 90,
            unit: Unit::Number,
            ink: "position",
            shape: Shape::Steps,
            curve: &activity.position,
            fills: None,
            base: None,
            labelled: true,
        });
        self.body.push_str("</div>");
    }

    fn figures(&mut self, scope: &ScopeSection) {
        self.body.push_str("<div class=groups>");
        for group in figures::groups(&scope.metrics) {
            let _ = write!(self.body, "<div class=card><h3>{}</h3><dl>", group.title);
            for figure in group.figures {
                let tone = match figure.tone {
                    Tone::Plain => "",
                    Tone::Good => "good",
                    Tone::Bad => "bad",
                };
                let _ = write!(
                    self.body,
                    "<div><dt>{}</dt><dd class=\"{tone}\">{}</dd></div>",
                    figure.label, figure.value
                );
            }
            self.body.push_str("</dl></div>");
        }
        self.body.push_str("</div>");
        if !scope.positions.is_empty() {
            let rows = scope.positions.iter().map(|row| {
                vec![
                    name(&row.symbol),
                    num(&numbers::group_decimal(&row.quantity)),
                    num(&numbers::money(row.cost, false)),
                    num(&numbers::money(row.value, false)),
                    signed(row.unrealized_pnl),
                ]
            });
            let head = ["Instrument", "Quantity", "Cost", "Value", "Unrealized PnL"];
            self.table("Open positions at the end", &head, rows.collect());
        }
    }

    fn finish(self) -> String {
        let data = json!({ "from": as_f64(self.span.from) / 1e6, "length": as_f64(self.span.to.saturating_sub(self.span.from)) / 1e6, "charts": self.charts });
        // In a script element only `<` could end it; numbers alone are in here, but be sure.
        let data = data.to_string().replace('<', "\\u003c");
        let policy = format!(
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            base64(&Sha256::digest(SCRIPT.as_bytes()))
        );
        format!(
            "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta http-equiv=Content-Security-Policy content=\"{policy}\">\n\
             <meta name=viewport content=\"width=device-width,initial-scale=1\">\n<meta name=color-scheme content=\"light dark\">\n<meta name=referrer content=no-referrer>\n\
             <title>{} – Sandpit backtest</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>{}</main>\n\
             <script type=\"application/json\" id=data>{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
            esc(&self.title()),
            self.body,
        )
    }
}

fn tone_of(amount: Amount) -> &'static str {
    match amount.0.cmp(&sandpit_core::num::Money::ZERO) {
        std::cmp::Ordering::Less => "bad",
        std::cmp::Ordering::Equal => "even",
        std::cmp::Ordering::Greater => "good",
    }
}

/// Standard alphabet, padded; for the hash in the page's policy.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or(0);
            text.push(if at <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_others_write_it() {
        for (bytes, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        for part in [STYLE, SCRIPT] {
            for word in
                ["http:", "https:", "//cdn", "url(", "@import", "fetch(", "innerHTML", "eval("]
            {
                assert!(!part.contains(word), "{word}");
            }
        }
    }
}
