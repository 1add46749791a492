//! The figures of a scope as labelled lines, the same for the terminal and the HTML file.

use super::{
    model::{Metrics, ReturnPeriod},
    numbers::{NONE, count, duration, money, number, percent},
    value::{Amount, Stat},
};

/// Whether a figure is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Bad,
}

impl Tone {
    fn of(amount: Amount) -> Self {
        match amount.0.cmp(&sandpit_core::num::Money::ZERO) {
            std::cmp::Ordering::Less => Self::Bad,
            std::cmp::Ordering::Equal => Self::Plain,
            std::cmp::Ordering::Greater => Self::Good,
        }
    }
}

/// One labelled figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) tone: Tone,
}

/// Figures that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) figures: Vec<Figure>,
}

fn plain(label: &'static str, value: String) -> Figure {
    Figure { label, value, tone: Tone::Plain }
}

fn signed(label: &'static str, amount: Amount) -> Figure {
    Figure { label, value: money(amount, true), tone: Tone::of(amount) }
}

fn maybe(label: &'static str, amount: Option<Amount>) -> Figure {
    amount.map_or_else(|| plain(label, NONE.to_owned()), |amount| signed(label, amount))
}

fn fraction(label: &'static str, stat: Stat) -> Figure {
    let tone = match stat.get() {
        Some(value) if value > 0.0 => Tone::Good,
        Some(value) if value < 0.0 => Tone::Bad,
        _ => Tone::Plain,
    };
    Figure { label, value: percent(stat, true), tone }
}

/// All figures of a scope; every scope has the same lines in the same order.
pub(crate) fn groups(metrics: &Metrics) -> Vec<Group> {
    vec![result(metrics), risk(metrics), trades(metrics), activity(metrics)]
}

fn result(m: &Metrics) -> Group {
    Group {
        title: "Result",
        figures: vec![
            signed("Net PnL", m.net_pnl),
            fraction("Return", m.total_return),
            signed("Gross PnL", m.gross_pnl),
            plain("Fees", money(m.fees, false)),
            signed("Realized PnL", m.realized_pnl),
            signed("Unrealized PnL", m.unrealized_pnl),
            plain("Start equity", money(m.start_equity, false)),
            plain("End equity", money(m.end_equity, false)),
            fraction("CAGR", m.cagr),
        ],
    }
}

fn risk(m: &Metrics) -> Group {
    let unit = match m.returns_of {
        ReturnPeriod::Day => "days",
        ReturnPeriod::Hour => "hours",
    };
    let drawdown = Amount(-m.max_drawdown.0);
    let below = Stat::new(m.max_drawdown_fraction.get().map(|fraction| -fraction));
    Group {
        title: "Risk",
        figures: vec![
            signed("Max drawdown", drawdown),
            fraction("Max drawdown of peak", below),
            plain(
                "Peak to recovery",
                if m.max_drawdown_peak.is_none() {
                    NONE.to_owned()
                } else if m.max_drawdown_recovery.is_some() {
                    duration(m.max_drawdown_seconds)
                } else {
                    format!("{}, open", duration(m.max_drawdown_seconds))
                },
            ),
            plain("Longest below peak", duration(m.longest_drawdown_seconds)),
            plain("Volatility (a year)", percent(m.volatility, false)),
            plain("Sharpe", number(m.sharpe, 2)),
            plain("Sortino", number(m.sortino, 2)),
            plain("Calmar", number(m.calmar, 2)),
            plain("Returns of", format!("{} {unit}", count(m.returns_count))),
        ],
    }
}

fn trades(m: &Metrics) -> Group {
    Group {
        title: "Trades",
        figures: vec![
            plain("Trades", count(m.trades)),
            plain("Win rate", percent(m.win_rate, false)),
            plain("Profit factor", number(m.profit_factor, 2)),
            maybe("Expectancy", m.expectancy),
            maybe("Average win", m.average_win),
            maybe("Average loss", m.average_loss),
            maybe("Best trade", m.best_trade),
            maybe("Worst trade", m.worst_trade),
            maybe("Average MAE", m.average_mae),
            maybe("Average MFE", m.average_mfe),
            plain("Average time held", duration(m.average_trade_seconds)),
            plain("Longest losing streak", count(m.longest_losing_streak)),
        ],
    }
}

fn activity(m: &Metrics) -> Group {
    let turnover = number(m.turnover, 2);
    Group {
        title: "Activity",
        figures: vec![
            plain("Orders", count(m.orders)),
            plain("Fills", count(m.fills)),
            plain("Denied intents", count(m.denials)),
            plain("Traded notional", money(m.traded_notional, false)),
            plain("Turnover", if turnover == NONE { turnover } else { format!("{turnover} ×") }),
            plain("Maker share", percent(m.maker_share, false)),
            plain("Time in the market", percent(m.exposure, false)),
        ],
    }
}
