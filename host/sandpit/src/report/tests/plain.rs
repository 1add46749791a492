//! The figures against a second reckoning: slow, plain, over everything that happened, with
//! nothing shared but the input.

use std::collections::BTreeMap;

use sandpit_core::{ids::InstrumentId, num::Money};

use super::play::{Play, START, Step, Told, walk};
use crate::report::*;

const UNIT: i128 = 1_000_000_000_000_000_000;
/// Money of price × quantity: prices have one digit after the point, quantities two.
const PRODUCT: i128 = UNIT / 1_000;

/// One trade as a reader would reckon it: all cash in and out of a position from flat to flat.
#[derive(Default, Clone)]
struct Trip {
    cash: i128,
    fees: i128,
    low: i128,
    high: i128,
}

struct Plain {
    equities: Vec<(u64, i128)>,
    trips: Vec<Trip>,
    fees: i128,
    notional: i128,
    maker: i128,
}

/// Reckons one plugin's run from the list of steps; only fills that never pass through zero keep
/// trips free of a split, so such fills are split here into two.
fn reckon(steps: &[Step], plugin: usize, start: i128) -> Plain {
    let mut plain =
        Plain { equities: Vec::new(), trips: Vec::new(), fees: 0, notional: 0, maker: 0 };
    let mut cash = start;
    let mut held = BTreeMap::<usize, i128>::new();
    let mut price = BTreeMap::<usize, i128>::new();
    let mut open = BTreeMap::<usize, Trip>::new();
    for step in steps {
        match step {
            Step::Fill(told) if told.plugin == plugin => {
                let notional = i128::from(told.price) * i128::from(told.signed) * PRODUCT;
                cash -= notional + told.fee.0;
                plain.fees += told.fee.0;
                plain.notional += notional.abs();
                plain.maker += if told.maker { notional.abs() } else { 0 };
                book(&mut plain.trips, &mut open, &mut held, told);
            }
            Step::Fill(_) => {}
            Step::Event(time, instrument, at) => {
                price.insert(*instrument, i128::from(*at));
                let value = |i: &usize, q: &i128| price.get(i).unwrap_or(&0) * q * PRODUCT;
                if let Some(trip) = open.get_mut(instrument) {
                    let pnl = trip.cash + value(instrument, &held[instrument]);
                    trip.low = trip.low.min(pnl);
                    trip.high = trip.high.max(pnl);
                }
                let worth = held.iter().map(|(i, q)| value(i, q)).sum::<i128>();
                plain.equities.push((*time, cash + worth));
            }
        }
    }
    plain
}

fn book(
    trips: &mut Vec<Trip>,
    open: &mut BTreeMap<usize, Trip>,
    held: &mut BTreeMap<usize, i128>,
    told: &Told,
) {
    let position = held.entry(told.instrument).or_default();
    let signed = i128::from(told.signed);
    let closing =
        if *position * signed < 0 { signed.abs().min(position.abs()) * signed.signum() } else { 0 };
    let mut parts = vec![closing, signed - closing];
    parts.retain(|part| *part != 0);
    let mut fee_left = told.fee.0;
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        // Fees here are multiples of a size that every split divides, or the rest goes last.
        let fee = if last { fee_left } else { half_even(told.fee.0 * part.abs(), signed.abs()) };
        fee_left -= fee;
        let trip = open.entry(told.instrument).or_default();
        trip.cash -= i128::from(told.price) * part * PRODUCT;
        trip.fees += fee;
        *position += part;
        if *position == 0 {
            let mut trip = open.remove(&told.instrument).unwrap();
            trip.low = trip.low.min(trip.cash);
            trip.high = trip.high.max(trip.cash);
            trips.push(trip);
        }
    }
}

fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (floor, left) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (2 * left).cmp(&denominator) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor % 2,
    }
}

fn check_stat(name: &str, found: Stat, expected: f64) {
    let found = found.get().unwrap_or_else(|| panic!("{name} is absent"));
    let near = (found - expected).abs() <= 1e-9 * expected.abs().max(1e-6);
    assert!(near, "{name}: {found} is not {expected}");
}

/// Volatility, Sharpe and Sortino from a list of period ends.
fn statistics(equities: &[(u64, i128)], start: i128, width: u64, per_year: f64) -> (f64, f64, f64) {
    let (first, last) = (equities[0].0 / width, equities[equities.len() - 1].0 / width);
    let mut before = start as f64;
    let mut returns = Vec::new();
    for period in first..=last {
        let end = equities.iter().rfind(|(time, _)| time / width <= period).unwrap().1 as f64;
        returns.push(end / before - 1.0);
        before = end;
    }
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let deviation = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let downside = (returns.iter().map(|r| r.min(0.0).powi(2)).sum::<f64>() / n).sqrt();
    let year = per_year.sqrt();
    (deviation * year, mean / deviation * year, mean / downside * year)
}

fn check_metrics(found: &Metrics, plain: &Plain, start: i128, daily: bool) {
    let end = plain.equities[plain.equities.len() - 1].1;
    assert_eq!(found.end_equity.0.0, end);
    assert_eq!(found.net_pnl.0.0, end - start);
    assert_eq!(found.gross_pnl.0.0, end - start + plain.fees);
    assert_eq!(found.realized_pnl.0 + found.unrealized_pnl.0, found.gross_pnl.0);
    assert_eq!(found.fees.0.0, plain.fees);
    assert_eq!(found.traded_notional.0.0, plain.notional);
    check_stat("maker share", found.maker_share, plain.maker as f64 / plain.notional as f64);
    check_stat("turnover", found.turnover, plain.notional as f64 / start as f64);
    check_stat("return", found.total_return, end as f64 / start as f64 - 1.0);

    let mut peak = start;
    let (mut amount, mut fraction) = (0, 0.0f64);
    for (_, equity) in &plain.equities {
        peak = peak.max(*equity);
        amount = amount.max(peak - equity);
        fraction = fraction.max((peak - equity) as f64 / peak as f64);
    }
    assert_eq!(found.max_drawdown.0.0, amount);
    check_stat("drawdown", found.max_drawdown_fraction, fraction);

    let (width, per_year) =
        if daily { (86_400_000_000_000, 365.0) } else { (3_600_000_000_000, 8_760.0) };
    let (volatility, sharpe, sortino) = statistics(&plain.equities, start, width, per_year);
    check_stat("volatility", found.volatility, volatility);
    check_stat("sharpe", found.sharpe, sharpe);
    check_stat("sortino", found.sortino, sortino);
    let last = plain.equities[plain.equities.len() - 1].0;
    let years = (last - plain.equities[0].0) as f64 / 86_400e9 / 365.0;
    let cagr = (end as f64 / start as f64).powf(1.0 / years) - 1.0;
    check_stat("cagr", found.cagr, cagr);
    check_stat("calmar", found.calmar, cagr / fraction);

    let net = |trip: &Trip| trip.cash - trip.fees;
    let nets = plain.trips.iter().map(net).collect::<Vec<_>>();
    let won = nets.iter().filter(|n| **n > 0).sum::<i128>();
    let lost = nets.iter().filter(|n| **n < 0).sum::<i128>();
    let count = i128::try_from(nets.len()).unwrap();
    assert_eq!(i128::from(found.trades), count);
    assert_eq!(
        usize::try_from(found.winning_trades).unwrap(),
        nets.iter().filter(|n| **n > 0).count()
    );
    check_stat("profit factor", found.profit_factor, won as f64 / -lost as f64);
    assert!((found.expectancy.unwrap().0.0 - (won + lost) / count).abs() <= 1);
    assert_eq!(found.best_trade.unwrap().0.0, *nets.iter().max().unwrap());
    assert_eq!(found.worst_trade.unwrap().0.0, *nets.iter().min().unwrap());
    let low = plain.trips.iter().map(|t| t.low).sum::<i128>() / count;
    let high = plain.trips.iter().map(|t| t.high).sum::<i128>() / count;
    // Part closes at average cost are rounded at the 18th digit; cash in and out is not.
    assert!((found.average_mae.unwrap().0.0 - low).abs() <= 1_000, "MAE");
    assert!((found.average_mfe.unwrap().0.0 - high).abs() <= 1_000, "MFE");
}

#[test]
fn figures_equal_a_plain_reckoning() {
    for (seed, hours, per_hour, daily) in
        [(1, 60, 40, false), (2, 24 * 45, 4, true), (3, 400, 9, false)]
    {
        let mut play = Play::new(&["AAA", "BBB"], &["one", "two"], None);
        walk(&mut play, seed, hours, per_hour);
        let steps = std::mem::take(&mut play.steps);
        let start = 100_000 * UNIT;
        let report = play.finish();
        for (at, plugin) in report.plugins.iter().enumerate() {
            let plain = reckon(&steps, at, start);
            assert!(plain.trips.len() > 20, "the walk trades");
            check_metrics(&plugin.scope.metrics, &plain, start, daily);
        }
        let pnl = |s: &ScopeSection| s.metrics.net_pnl.0;
        let sum = report.plugins.iter().map(|p| pnl(&p.scope)).sum::<Money>();
        assert_eq!(pnl(&report.account), sum);
        let trades = report.plugins.iter().map(|p| p.scope.metrics.trades).sum::<u64>();
        assert_eq!(report.account.metrics.trades, trades);
        assert_eq!(report.account.trade_pnl.counts.iter().sum::<u64>(), trades);
    }
}

#[test]
fn the_account_falls_as_the_sum_falls() {
    let mut play = Play::new(&["AAA"], &["long", "short"], None);
    // Opposite positions: each falls, the account does not.
    play.event(START, 0, 1_000, &[(0, 100, true), (1, -100, true)]);
    play.event(START + 1_000_000_000, 0, 1_500, &[]);
    play.event(START + 2_000_000_000, 0, 500, &[]);
    let report = play.finish();
    let fall = |s: &ScopeSection| s.metrics.max_drawdown.0;
    assert_eq!(fall(&report.plugins[0].scope).0, 100 * UNIT);
    assert_eq!(fall(&report.plugins[1].scope).0, 50 * UNIT + UNIT / 50);
    assert_eq!(fall(&report.account).0, 2 * UNIT / 50);
    // Flat in sum and open in part: both are positions, with nothing at stake.
    assert_eq!(report.account.positions[0].quantity, "0.00");
    assert_eq!(report.account.metrics.exposure, Stat::new(Some(1.0)));
}

#[test]
fn time_in_the_market_is_time_with_a_position() {
    let mut play = Play::new(&["AAA"], &["one"], None);
    let second = 1_000_000_000;
    play.event(START, 0, 1_000, &[]);
    play.event(START + 2 * second, 0, 1_000, &[(0, 5, false)]);
    play.event(START + 5 * second, 0, 1_000, &[(0, -5, false)]);
    play.event(START + 9 * second, 0, 1_000, &[(0, -5, false)]);
    play.event(START + 10 * second, 0, 1_000, &[]);
    let report = play.finish();
    assert_eq!(report.account.metrics.exposure, Stat::new(Some(0.4)));
    assert_eq!(report.account.metrics.average_trade_seconds, Stat::new(Some(3.0)));
}

#[test]
fn an_empty_run_has_no_figures_and_no_panic() {
    let play = Play::new(&["AAA"], &["one"], None);
    let report = play.finish();
    let metrics = &report.account.metrics;
    for stat in [
        metrics.sharpe,
        metrics.sortino,
        metrics.volatility,
        metrics.cagr,
        metrics.win_rate,
        metrics.exposure,
        metrics.maker_share,
        metrics.profit_factor,
    ] {
        assert_eq!(stat, Stat::NONE);
    }
    assert_eq!(metrics.net_pnl, Amount::default());
    assert!(report.warnings.iter().any(|w| w.contains("no market events")));
    let _ = (render_text(&report), render_html(&report, None));
}

#[test]
fn a_fill_between_events_counts_from_the_next_event_on() {
    let mut play = Play::new(&["AAA", "BBB"], &["one"], None);
    play.event(START, 0, 1_000, &[(0, 100, false)]);
    // An event of another instrument must not lose the fee of the first.
    play.event(START + 1, 1, 2_000, &[]);
    let position =
        play.account.sub_account(sandpit_core::ids::PluginId(0)).position(InstrumentId(0));
    assert_eq!(position.quantity.0, 100);
    let report = play.finish();
    assert_eq!(report.account.metrics.net_pnl.0.0, -UNIT / 20);
}
