//! Turns what a [`Recorder`] summed up into a [`Report`].

use std::io;

use sandpit_core::{
    account::Account, ids::PluginId, instrument::Instrument, num::Money, time::UnixNanos,
};

use super::{
    calendar::{Date, NANOS_PER_SECOND},
    machine::MachineSection,
    metrics,
    model::*,
    recorder::{PluginLog, Recorder},
    returns::{PeriodEnd, as_f64},
    round_trips::ClosedTrade,
    scope::{Activity, Scope},
    series::{Extent, Filled, FillsPoint, Point, Series},
    streams::{average_price, position_name},
    value::{Amount, Stat, Time},
    warnings,
};

/// What only the host knows, and only at the end.
#[derive(Clone, Debug)]
pub struct Closing {
    /// What ran.
    pub run: RunSection,
    /// Largest linear memory by plugin in bytes, where it is known.
    pub memory_peak_bytes: Vec<Option<u64>>,
    /// What depends on the machine.
    pub machine: Option<MachineSection>,
    /// Warnings of the host itself.
    pub warnings: Vec<String>,
}

impl Recorder {
    /// Ends the recording and makes the report. `account` is as the run left it.
    ///
    /// # Errors
    /// A line could not be written to one of the files.
    pub fn finish(self, account: &Account, closing: Closing) -> io::Result<Report> {
        let (recorder, stream_sha256) = self.close(account)?;
        let end = recorder.last;
        let market = market(&recorder);
        let scope = |scope: &Scope, positions: Vec<PositionRow>| {
            scope_section(scope, &recorder.setup.instruments, positions, recorder.first, end)
        };
        let plugins = (0..recorder.plugins.len())
            .map(|at| {
                let positions = u16::try_from(at)
                    .map(|id| positions(account, &[PluginId(id)], &recorder.setup.instruments))
                    .unwrap_or_default();
                let memory = closing.memory_peak_bytes.get(at).copied().flatten();
                plugin_section(&recorder, at, scope(&recorder.plugins[at], positions), memory)
            })
            .collect::<Vec<_>>();
        let everyone = (0..account.sub_accounts().len())
            .filter_map(|at| u16::try_from(at).ok())
            .map(PluginId)
            .collect::<Vec<_>>();
        let held = positions(account, &everyone, &recorder.setup.instruments);
        let mut report = Report {
            schema: REPORT_SCHEMA,
            run: closing.run,
            market,
            account: scope(&recorder.account, held),
            plugins,
            trades: recorder
                .trades
                .iter()
                .map(|trade| trade_row(trade, &recorder.setup.instruments))
                .collect(),
            alerts: recorder.alerts.clone(),
            alerts_total: recorder.alerts_total,
            warnings: closing.warnings,
            stream_sha256,
            machine: closing.machine,
        };
        report.warnings.extend(warnings::of(&report, &recorder));
        Ok(report)
    }
}

fn market(recorder: &Recorder) -> MarketSection {
    let instruments = recorder.setup.instruments.iter().zip(&recorder.markets);
    MarketSection {
        first: recorder.first.map(Time),
        last: recorder.first.map(|_| Time(recorder.last)),
        events: recorder.events,
        instruments: instruments
            .map(|(instrument, market)| InstrumentSection {
                symbol: instrument.spec().symbol.clone(),
                venue: instrument.spec().venue.clone(),
                maker_fee: instrument.spec().maker_fee.to_decimal().to_string(),
                taker_fee: instrument.spec().taker_fee.to_decimal().to_string(),
                price: curve(&market.price, |extent| {
                    extent_stats(extent, |price| {
                        raw_f64(i128::from(price.0), instrument.price_scale())
                    })
                }),
            })
            .collect(),
    }
}

fn plugin_section(
    recorder: &Recorder,
    at: usize,
    scope: ScopeSection,
    memory_peak_bytes: Option<u64>,
) -> PluginSection {
    let (setup, log) = (&recorder.setup.plugins[at], &recorder.logs[at]);
    PluginSection {
        name: setup.name.clone(),
        version: setup.version.clone(),
        component_sha256: setup.component_sha256.clone(),
        scope,
        denials: denials(log),
        faults: log.faults.clone(),
        faults_total: log.faults_total,
        states: log.states.clone(),
        states_total: log.states_total,
        resources: Resources { memory_peak_bytes, ..log.resources },
    }
}

fn denials(log: &PluginLog) -> Vec<DenialRow> {
    log.denials
        .iter()
        .map(|(code, count)| DenialRow {
            code: *code as u16,
            name: code.name().to_owned(),
            message: code.message().to_owned(),
            count: *count,
        })
        .collect()
}

/// Positions that are not flat, netted over `plugins`.
fn positions(
    account: &Account,
    plugins: &[PluginId],
    instruments: &[Instrument],
) -> Vec<PositionRow> {
    let mut rows = Vec::new();
    for (at, instrument) in instruments.iter().enumerate() {
        let held = || {
            plugins
                .iter()
                .filter_map(|plugin| account.sub_accounts().get(usize::from(plugin.0)))
                .filter_map(|share| share.positions().get(at))
        };
        if held().all(|position| position.quantity.is_zero()) {
            continue;
        }
        let quantity = held().fold(Default::default(), |sum, position| sum + position.quantity);
        let (cost, value) = (held().map(|p| p.cost).sum(), held().map(|p| p.value).sum());
        rows.push(PositionRow {
            symbol: instrument.spec().symbol.clone(),
            quantity: instrument.quantity_decimal(quantity).to_string(),
            cost: Amount(cost),
            value: Amount(value),
            unrealized_pnl: Amount(value - cost),
        });
    }
    rows
}

fn scope_section(
    scope: &Scope,
    instruments: &[Instrument],
    positions: Vec<PositionRow>,
    first: Option<UnixNanos>,
    end: UnixNanos,
) -> ScopeSection {
    let days = rows(scope.days.kept(), |day| Date::of_day(day).iso());
    ScopeSection {
        metrics: scope_metrics(scope, &positions, first, end),
        positions,
        months: months(scope.days.kept()),
        days,
        hours: rows(scope.hours.kept(), |hour| {
            format!("{}T{:02}", Date::of_day(hour / 24).iso(), hour % 24)
        }),
        equity: curve(&scope.curve, |point| extent_stats(&point.equity, metrics::money_f64)),
        drawdown: drawdown_curve(scope),
        fees: curve(&scope.fee_curve, |extent| extent_stats(extent, metrics::money_f64)),
        instruments: scope
            .activity
            .iter()
            .filter_map(|(id, activity)| {
                let instrument = instruments.get(usize::from(id.0))?;
                Some(instrument_activity(id.0, activity, instrument))
            })
            .collect(),
        trade_pnl: {
            /// Bars of the distribution of trades.
            const TRADE_BARS_MAX: usize = 60;
            let (low, width, counts) = scope.trades.pnl.bars(TRADE_BARS_MAX);
            Bars { low: Amount(low), width: Amount(width), counts }
        },
    }
}

fn instrument_activity(
    id: u16,
    activity: &Activity,
    instrument: &Instrument,
) -> InstrumentActivity {
    let price = |filled: &Filled| {
        let scale = instrument.price_scale();
        (filled.quantity > 0)
            .then(|| raw_f64(filled.price_quantity, scale) / raw_f64(filled.quantity, 0))
    };
    InstrumentActivity {
        instrument: id,
        position: curve(&activity.position, |extent| {
            extent_stats(extent, |quantity| {
                raw_f64(i128::from(quantity.0), instrument.quantity_scale())
            })
        }),
        fills: FillCurve {
            start: Time(activity.fills.start()),
            width_ns: activity.fills.width(),
            points: activity
                .fills
                .buckets()
                .iter()
                .map(|(bucket, FillsPoint { buys, sells })| FillPoint {
                    bucket: *bucket,
                    buys: buys.count,
                    buy_price: Stat::new(price(buys)),
                    sells: sells.count,
                    sell_price: Stat::new(price(sells)),
                })
                .collect(),
        },
    }
}

fn scope_metrics(
    scope: &Scope,
    positions: &[PositionRow],
    first: Option<UnixNanos>,
    end: UnixNanos,
) -> Metrics {
    let run = first.map_or(0, |first| end.since(first).0);
    let unrealized = positions.iter().map(|row| row.unrealized_pnl.0).sum::<Money>();
    let net = scope.equity - scope.start;
    let gross = net + scope.fees;
    let by_day = scope.days.count() >= metrics::DAILY_RETURNS_MIN;
    let (returns, returns_of, per_year) = if by_day {
        (&scope.days, ReturnPeriod::Day, metrics::DAYS_PER_YEAR)
    } else {
        (&scope.hours, ReturnPeriod::Hour, metrics::HOURS_PER_YEAR)
    };
    let moments = returns.moments();
    let fall = scope.drawdown.finish(end);
    let deepest = fall.deepest;
    let seconds = |ns: u64| as_f64(ns) / as_f64(NANOS_PER_SECOND);
    let trades = &scope.trades;
    let cagr = metrics::cagr(scope.start, scope.equity, run);
    let average = |sum, count| metrics::average(sum, count).map(Amount);
    Metrics {
        start_equity: Amount(scope.start),
        end_equity: Amount(scope.equity),
        net_pnl: Amount(net),
        gross_pnl: Amount(gross),
        realized_pnl: Amount(gross - unrealized),
        unrealized_pnl: Amount(unrealized),
        fees: Amount(scope.fees),
        total_return: Stat::new(metrics::total_return(scope.start, scope.equity)),
        cagr: Stat::new(cagr),
        returns_of,
        returns_count: returns.count(),
        volatility: Stat::new(moments.and_then(|m| metrics::volatility(m, per_year))),
        sharpe: Stat::new(moments.and_then(|m| metrics::sharpe(m, per_year))),
        sortino: Stat::new(moments.and_then(|m| metrics::sortino(m, per_year))),
        calmar: Stat::new(metrics::calmar(cagr, fall.fraction_max)),
        max_drawdown: Amount(deepest.map_or(Money::ZERO, |fall| fall.amount)),
        max_drawdown_fraction: Stat::new(fall.fraction_max.or(deepest.is_none().then_some(0.0))),
        max_drawdown_peak: deepest.map(|fall| Time(fall.peak_time)),
        max_drawdown_trough: deepest.map(|fall| Time(fall.trough_time)),
        max_drawdown_recovery: deepest.and_then(|fall| fall.recovery_time).map(Time),
        max_drawdown_seconds: Stat::new(
            deepest.map(|fall| seconds(fall.recovery_time.unwrap_or(end).since(fall.peak_time).0)),
        ),
        longest_drawdown_seconds: Stat::new(Some(seconds(fall.longest.0))),
        trades: trades.count,
        winning_trades: trades.wins,
        losing_trades: trades.losses,
        win_rate: Stat::new(metrics::share(trades.wins, trades.count)),
        profit_factor: Stat::new(metrics::profit_factor(trades.won, trades.lost)),
        expectancy: average(trades.won + trades.lost, trades.count),
        average_win: average(trades.won, trades.wins),
        average_loss: average(trades.lost, trades.losses),
        best_trade: trades.best.map(Amount),
        worst_trade: trades.worst.map(Amount),
        average_mae: average(trades.adverse, trades.count),
        average_mfe: average(trades.favorable, trades.count),
        average_trade_seconds: Stat::new(mean_seconds(trades.held_ns, trades.count)),
        longest_losing_streak: trades.losing_streak_max,
        orders: scope.orders,
        fills: scope.fills,
        denials: scope.denials,
        traded_notional: Amount(scope.notional),
        turnover: Stat::new(metrics::turnover(scope.notional, scope.start)),
        maker_share: Stat::new(metrics::maker_share(scope.maker_notional, scope.notional)),
        exposure: Stat::new(metrics::share(scope.exposed(end).0, run)),
    }
}

/// Mean of durations, to the nanosecond below.
fn mean_seconds(total_ns: u128, count: u64) -> Option<f64> {
    let mean = total_ns.checked_div(u128::from(count))?;
    Some(as_f64(u64::try_from(mean).ok()?) / as_f64(NANOS_PER_SECOND))
}

fn rows(periods: &[PeriodEnd], name: impl Fn(u64) -> String) -> Vec<PeriodRow> {
    periods
        .iter()
        .map(|period| PeriodRow {
            period: name(period.index),
            equity: Amount(period.closing),
            change: Stat::new(metrics::total_return(period.opening, period.closing)),
        })
        .collect()
}

fn months(days: &[PeriodEnd]) -> Vec<PeriodRow> {
    let mut months = Vec::<(String, PeriodEnd)>::new();
    for day in days {
        let date = Date::of_day(day.index);
        let name = format!("{:04}-{:02}", date.year, date.month);
        match months.last_mut() {
            Some((last, month)) if *last == name => month.closing = day.closing,
            _ => months.push((name, *day)),
        }
    }
    months.into_iter().flat_map(|(name, month)| rows(&[month], |_| name.clone())).collect()
}

fn trade_row(trade: &ClosedTrade, instruments: &[Instrument]) -> TradeRow {
    let instrument = &instruments[usize::from(trade.instrument.0)];
    let price =
        |leg: &super::round_trips::Leg| average_price(leg.average(instrument.price_scale()));
    TradeRow {
        plugin: trade.plugin.0,
        instrument: trade.instrument.0,
        side: position_name(trade.side).to_owned(),
        opened: Time(trade.opened),
        closed: Time(trade.closed),
        quantity: instrument.quantity_decimal(trade.quantity_max).to_string(),
        entry_price: price(&trade.entry),
        exit_price: price(&trade.exit),
        fills: trade.fills,
        gross_pnl: Amount(trade.gross),
        fees: Amount(trade.fees),
        net_pnl: Amount(trade.net()),
        mae: Amount(trade.adverse),
        mfe: Amount(trade.favorable),
    }
}

fn curve<P: Point>(series: &Series<P>, value: impl Fn(&P) -> (Stat, Stat, Stat)) -> Curve {
    Curve {
        start: Time(series.start()),
        width_ns: series.width(),
        points: series
            .buckets()
            .iter()
            .map(|(bucket, point)| {
                let (min, max, last) = value(point);
                (*bucket, min, max, last)
            })
            .collect(),
    }
}

fn extent_stats<T: Copy>(extent: &Extent<T>, value: impl Fn(T) -> f64) -> (Stat, Stat, Stat) {
    let stat = |at: T| Stat::new(Some(value(at)));
    (stat(extent.min), stat(extent.max), stat(extent.last))
}

/// Fractions below the peak. The peak is the highest of the buckets so far, so a bucket that both
/// fell and rose may be drawn a little too shallow; the figures are exact.
fn drawdown_curve(scope: &Scope) -> Curve {
    let mut peak = scope.start;
    let points = scope.curve.buckets().iter().map(|(bucket, point)| {
        peak = peak.max(point.equity.max);
        let below = |amount: Money| {
            let fraction = metrics::ratio(amount, peak).filter(|_| peak > Money::ZERO);
            Stat::new(fraction.map(|fraction| -fraction))
        };
        let last = below(peak - point.equity.last);
        (*bucket, below(point.drawdown), last, last)
    });
    Curve {
        start: Time(scope.curve.start()),
        width_ns: scope.curve.width(),
        points: points.collect(),
    }
}

/// A raw number of the instrument's grid as the nearest float.
#[expect(clippy::cast_precision_loss, reason = "for pictures")]
fn raw_f64(raw: i128, scale: u8) -> f64 {
    let mut divisor = 1.0f64;
    for _ in 0..scale {
        divisor *= 10.0;
    }
    raw as f64 / divisor
}
