//! A session and its plugins as text. What a strategy had a say in is shown without what could
//! steer a terminal.

use std::fmt::Write as _;

use crate::admin::{
    FaultView, KeyView, LimitView, LineView, ListView, LockView, PluginView, StatusView, WallView,
    short_hash,
};

/// Lines of a back-trace that people are shown; `--json` has all.
const BACKTRACE_LINES: usize = 12;
/// Spaces between two columns.
const GAP: &str = "  ";
/// What is shown where there is nothing.
const NONE: &str = "-";

/// Text that cannot steer a terminal: its lines stay lines.
pub(super) fn plain(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// All plugins: the session in a line, then a table.
pub(super) fn list(list: &ListView) -> String {
    let mut text = headline(&list.session);
    text.push('\n');
    let head = [
        "plugin",
        "state",
        "trading",
        "version",
        "component",
        "faults",
        "restarts",
        "waiting",
        "memory",
        "cpu",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(list.plugins.iter().map(row));
    text.push_str(&table(&rows));
    text
}

fn row(plugin: &PluginView) -> [String; 10] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    [
        plain(&plugin.name),
        plugin.state.name().to_owned(),
        plain(&plugin.trading_state),
        or_none(plugin.version.as_deref().map(plain)),
        or_none(plugin.component.as_deref().map(|hash| plain(&short_hash(hash)))),
        plugin.faults.total.to_string(),
        plugin.restarts.to_string(),
        plugin.queue.waiting.to_string(),
        or_none(plugin.memory_bytes.map(bytes)),
        or_none(plugin.cpu_share_bp.map(percent)),
    ]
}

/// Columns as wide as what is in them.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:<width$}{GAP}");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The session in a line, and its locks.
fn headline(status: &StatusView) -> String {
    let mut text = format!(
        "{} session, sandpit {}, process {}, run {}: {} at {}\n",
        plain(&status.mode),
        plain(&status.version),
        status.process,
        status.run,
        plain(&status.trading_state),
        plain(&status.now),
    );
    text.push_str(&locks(&status.locks));
    text
}

fn locks(locks: &[LockView]) -> String {
    let mut text = String::new();
    for lock in locks {
        let until = lock.until.as_deref().unwrap_or("a person ends it");
        let _ = writeln!(
            text,
            "  locked: {} ({}) until {}",
            plain(&lock.reason),
            plain(&lock.state),
            plain(until),
        );
    }
    text
}

/// The line to an exchange.
fn line(line: &LineView) -> String {
    let word = |up: bool| if up { "up" } else { "down" };
    let mut text = format!(
        "  line: the account's events {}, the markets {}\n",
        word(line.orders),
        word(line.markets)
    );
    if let Some(waiting) = &line.waiting {
        let _ = writeln!(text, "  {}", plain(waiting));
    }
    // All of them are in the JSON; people are shown what happened at all.
    for (name, count) in
        line.counts.iter().filter(|(name, count)| **count > 0 && !name.contains("_bucket{"))
    {
        let _ = writeln!(text, "    {} {count}", plain(name));
    }
    text
}

/// The session.
pub(super) fn status(status: &StatusView) -> String {
    let mut text = headline(status);
    let _ = writeln!(
        text,
        "  plugins {}, open orders {}, rows of the journal {}",
        status.plugins, status.open_orders, status.journal_rows,
    );
    if let Some(it) = &status.line {
        text.push_str(&line(it));
    }
    for it in &status.keys {
        text.push_str(&key(it));
    }
    if status.masked > 0 {
        let _ = writeln!(
            text,
            "  something like a key was masked {} times in what this host printed: please report it",
            status.masked
        );
    }
    if !status.limits.is_empty() {
        text.push_str("Over all plugins:\n");
        text.push_str(&limits(&status.limits));
    }
    text
}

/// A key, by what may be shown of it.
fn key(key: &KeyView) -> String {
    let mut text = format!("  key {}: {}, {}", key.role, plain(&key.source), plain(&key.name));
    let _ = write!(text, " (fingerprint {})", plain(&key.fingerprint));
    if let Some(version) = &key.version {
        let _ = write!(text, ", version {}", plain(version));
    }
    if let Some(days) = key.age_days {
        let _ = write!(text, ", {days} days old");
    }
    if let Some(until) = &key.lent_until {
        let _ = write!(text, ", lent until {}", plain(until));
    }
    text.push('\n');
    if let Some(problem) = &key.problem {
        let _ = writeln!(text, "    no other can be had: {}", plain(problem));
    }
    text
}

/// One plugin.
pub(super) fn plugin(plugin: &PluginView) -> String {
    let mut text = format!("{}: {}\n", plain(&plugin.name), plain(&plugin.state.words()));
    text.push_str(&locks(&plugin.locks));
    let optional = |text: Option<&str>| text.map_or_else(|| NONE.to_owned(), plain);
    let path = plugin.component_path.as_ref().map(|path| path.display().to_string());
    let isolation = match plugin.process {
        Some(process) => format!("{}, process {process}", plain(&plugin.isolation)),
        None => plain(&plugin.isolation),
    };
    let rows = [
        ("trading", plain(&plugin.trading_state)),
        ("version", optional(plugin.version.as_deref())),
        ("component", optional(plugin.component.as_deref())),
        ("from", optional(path.as_deref())),
        ("before it", optional(plugin.previous_component.as_deref())),
        ("runs in", isolation),
        (
            "faults",
            format!(
                "{}; {} of {} in the window; {} restarts, {} swaps",
                plugin.faults.total,
                plugin.faults.in_window,
                plugin.faults.in_window_max,
                plugin.restarts,
                plugin.swaps,
            ),
        ),
        (
            "queue",
            format!(
                "{} wait, the oldest for {} ms; {} conflated",
                plugin.queue.waiting, plugin.queue.lag_ms, plugin.queue.conflated,
            ),
        ),
        (
            "uses",
            format!(
                "memory {}, processor {}",
                plugin.memory_bytes.map_or_else(|| NONE.to_owned(), bytes),
                plugin.cpu_share_bp.map_or_else(|| NONE.to_owned(), percent),
            ),
        ),
        (
            "did",
            format!(
                "{} calls, {} intents; {} log lines dropped",
                plugin.calls, plugin.intents, plugin.log_lines_dropped,
            ),
        ),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<10} {value}");
    }
    if !plugin.parameters.is_empty() {
        text.push_str("Parameters:\n");
        for (name, value) in &plugin.parameters {
            let _ = writeln!(text, "  {:<16} {}", plain(name), plain(value));
        }
    }
    if !plugin.limits.is_empty() {
        text.push_str("Limits:\n");
        text.push_str(&limits(&plugin.limits));
    }
    text.push_str(&walls(&plugin.walls));
    text.push_str(&faults(plugin));
    text
}

fn limits(limits: &[LimitView]) -> String {
    let shown = |value: Option<u64>| value.map_or_else(|| NONE.to_owned(), |v| v.to_string());
    let head = ["", "limit", "max", "used", "peak", "reached"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(limits.iter().map(|limit| {
        [
            String::new(),
            plain(&limit.key),
            limit.max.to_string(),
            shown(limit.used),
            shown(limit.peak),
            limit.reached.to_string(),
        ]
    }));
    table(&rows)
}

fn walls(walls: &[WallView]) -> String {
    if walls.is_empty() {
        return String::new();
    }
    let standing: Vec<_> =
        walls.iter().filter(|wall| wall.stands).map(|wall| plain(&wall.name)).collect();
    let mut text = format!("Walls that stand: {}\n", standing.join(", "));
    for wall in walls.iter().filter(|wall| !wall.stands) {
        let reason = wall.reason.as_deref().unwrap_or("nobody says why");
        let _ = writeln!(text, "  MISSING {}: {}", plain(&wall.name), plain(reason));
    }
    text
}

fn faults(plugin: &PluginView) -> String {
    let mut text = String::new();
    if !plugin.faults.by_code.is_empty() {
        let counts = plugin.faults.by_code.iter();
        let counts: Vec<_> = counts.map(|of| format!("{} {}", of.count, plain(&of.code))).collect();
        let _ = writeln!(text, "Faults: {}", counts.join(", "));
    }
    if let Some(FaultView { code, at, detail, backtrace, core_dump }) = &plugin.faults.last {
        let _ = writeln!(text, "Last fault: {} at {}", plain(code), plain(at));
        for line in detail.lines() {
            let _ = writeln!(text, "  {}", plain(line));
        }
        for frame in backtrace.iter().take(BACKTRACE_LINES) {
            let _ = writeln!(text, "    in {}", plain(frame));
        }
        if backtrace.len() > BACKTRACE_LINES {
            let _ = writeln!(text, "    and {} more", backtrace.len() - BACKTRACE_LINES);
        }
        if let Some(path) = core_dump {
            let _ = writeln!(text, "  its memory is in {}", path.display());
        }
    }
    text
}

fn bytes(bytes: u64) -> String {
    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    match bytes {
        0..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => format!("{} MiB", bytes.div_ceil(MIB)),
    }
}

/// Hundredths of a percent.
fn percent(basis_points: u64) -> String {
    format!("{}.{:02} %", basis_points / 100, basis_points % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{FaultCount, FaultsView, PluginState, QueueView};

    fn ema() -> PluginView {
        PluginView {
            name: "ema".to_owned(),
            state: PluginState::Probation { until: "2026-01-01T00:05:00Z".to_owned() },
            trading_state: "active".to_owned(),
            component: Some("0123456789abcdef".repeat(4)),
            version: Some("1.2.0\u{1b}[31m".to_owned()),
            isolation: "process".to_owned(),
            process: Some(77),
            walls: vec![
                WallView { name: "seccomp".to_owned(), stands: true, reason: None },
                WallView {
                    name: "landlock".to_owned(),
                    stands: false,
                    reason: Some("this kernel does not have it".to_owned()),
                },
            ],
            limits: vec![LimitView {
                key: "memory_bytes_max".to_owned(),
                max: 67_108_864,
                used: Some(131_072),
                peak: None,
                reached: 2,
            }],
            faults: FaultsView {
                total: 3,
                in_window: 1,
                in_window_max: 5,
                by_code: vec![FaultCount { code: "trap".to_owned(), count: 3 }],
                last: Some(FaultView {
                    code: "trap".to_owned(),
                    at: "2026-01-01T00:00:01Z".to_owned(),
                    detail: "unreachable\nin on-trade".to_owned(),
                    backtrace: (0..14).map(|frame| format!("ema::step{frame}")).collect(),
                    core_dump: Some("/srv/state/dumps/ema-1.core".into()),
                }),
            },
            restarts: 2,
            queue: QueueView { waiting: 4, lag_ms: 7, conflated: 99 },
            memory_bytes: Some(3 << 20),
            cpu_share_bp: Some(105),
            ..PluginView::default()
        }
    }

    #[test]
    fn a_session_is_a_line_and_a_table() {
        let session = StatusView {
            mode: "paper".to_owned(),
            version: "0.1.0".to_owned(),
            process: 12,
            run: 5,
            now: "2026-01-01T00:00:02Z".to_owned(),
            trading_state: "halted".to_owned(),
            locks: vec![LockView {
                reason: "kill-switch".to_owned(),
                state: "halted".to_owned(),
                until: None,
            }],
            ..StatusView::default()
        };
        let grid = PluginView { name: "a-longer-name".to_owned(), ..PluginView::default() };
        let text = list(&ListView { session, plugins: vec![ema(), grid] });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..2],
            [
                "paper session, sandpit 0.1.0, process 12, run 5: halted at 2026-01-01T00:00:02Z",
                "  locked: kill-switch (halted) until a person ends it",
            ]
        );
        assert!(lines[3].starts_with("plugin         state"), "{text}");
        assert!(
            lines[4].starts_with("ema            probation  active   1.2.0\u{fffd}[31m  "),
            "{text}"
        );
        assert!(
            lines[4].contains("0123456789ab  3       2         4        3 MiB   1.05 %"),
            "{text}"
        );
        assert!(lines[5].starts_with("a-longer-name  starting"), "{text}");
    }

    #[test]
    fn a_plugin_shows_what_it_is_held_to_and_what_went_wrong() {
        let text = plugin(&ema());
        for line in [
            "ema: on probation until 2026-01-01T00:05:00Z",
            "  runs in    process, process 77",
            "  faults     3; 1 of 5 in the window; 2 restarts, 0 swaps",
            "  queue      4 wait, the oldest for 7 ms; 99 conflated",
            "  memory_bytes_max  67108864  131072  -     2",
            "Walls that stand: seccomp",
            "  MISSING landlock: this kernel does not have it",
            "Faults: 3 trap",
            "Last fault: trap at 2026-01-01T00:00:01Z",
            "  unreachable",
            "    in ema::step11",
            "    and 2 more",
            "  its memory is in /srv/state/dumps/ema-1.core",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn a_key_is_shown_by_what_may_be_shown() {
        let key = KeyView {
            role: "to trade".to_owned(),
            source: "env://main/live".to_owned(),
            name: "abcd\u{2026}".to_owned(),
            fingerprint: "0123456789abcdef".to_owned(),
            age_days: Some(91),
            problem: Some("the exchange does not know it".to_owned()),
            ..KeyView::default()
        };
        let text = status(&StatusView { keys: vec![key], masked: 2, ..StatusView::default() });
        assert!(
            text.contains(
                "  key to trade: env://main/live, abcd\u{2026} (fingerprint 0123456789abcdef), 91 days old\n    \
                 no other can be had: the exchange does not know it\n  something like a key was masked 2 times"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_a_strategy_says_does_not_steer_the_terminal() {
        assert!(!plugin(&ema()).contains('\u{1b}'));
        assert_eq!(plain("a\u{1b}[2J\r\nb\u{9b}"), "a\u{fffd}[2J\u{fffd}\nb\u{fffd}");
    }

    #[test]
    fn amounts_are_rounded_up() {
        assert_eq!(
            (bytes(1), bytes(1 << 20), bytes((1 << 20) + 1)),
            ("1 KiB".into(), "1 MiB".into(), "2 MiB".into())
        );
        assert_eq!((percent(5), percent(2_500)), ("0.05 %".to_owned(), "25.00 %".to_owned()));
    }
}
