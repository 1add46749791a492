//! What is summed up for one scope: a plugin, or the account.

use std::collections::BTreeMap;

use sandpit_core::{
    ids::InstrumentId,
    num::{Money, Quantity},
    order::Fill,
    time::{Nanos, UnixNanos},
};

use super::{
    calendar::{NANOS_PER_DAY, NANOS_PER_HOUR},
    drawdown::Drawdown,
    returns::Returns,
    round_trips::{ClosedTrade, TradeStats},
    series::{EquityPoint, Extent, Filled, FillsPoint, Series},
};

/// Buckets of an equity curve.
pub(crate) const EQUITY_POINTS_MAX: u64 = 4_096;
/// Buckets of a curve of fees or of a position.
pub(crate) const ACTIVITY_POINTS_MAX: u64 = 2_048;
/// Buckets of the marks of fills.
pub(crate) const FILL_POINTS_MAX: u64 = 512;
/// Days that are kept for tables: a hundred years. Statistics count all of them.
pub(crate) const DAYS_KEPT_MAX: usize = 36_525;
/// Hours that are kept for tables: a month.
pub(crate) const HOURS_KEPT_MAX: usize = 31 * 24;
/// Instruments per scope whose position and fills are drawn.
pub(crate) const INSTRUMENTS_DRAWN_MAX: usize = 16;

/// Position and fills of one instrument.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) quantity: Quantity,
    pub(crate) position: Series<Extent<Quantity>>,
    pub(crate) fills: Series<FillsPoint>,
}

/// Running figures of one scope.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) start: Money,
    pub(crate) equity: Money,
    pub(crate) curve: Series<EquityPoint>,
    pub(crate) drawdown: Drawdown,
    pub(crate) hours: Returns,
    pub(crate) days: Returns,
    pub(crate) trades: TradeStats,
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    pub(crate) denials: u64,
    pub(crate) fees: Money,
    pub(crate) fee_curve: Series<Extent<Money>>,
    pub(crate) notional: Money,
    pub(crate) maker_notional: Money,
    pub(crate) activity: BTreeMap<InstrumentId, Activity>,
    pub(crate) not_drawn: bool,
    open_positions: u64,
    open_since: UnixNanos,
    open_for: Nanos,
}

impl Scope {
    /// A scope with this equity before anything has happened.
    pub(crate) fn new(start: Money) -> Self {
        let time = UnixNanos(0);
        Self {
            start,
            equity: start,
            curve: Series::new(EQUITY_POINTS_MAX),
            drawdown: Drawdown::new(start),
            hours: Returns::new(NANOS_PER_HOUR, HOURS_KEPT_MAX, start, time),
            days: Returns::new(NANOS_PER_DAY, DAYS_KEPT_MAX, start, time),
            trades: TradeStats::default(),
            orders: 0,
            fills: 0,
            denials: 0,
            fees: Money::ZERO,
            fee_curve: Series::new(ACTIVITY_POINTS_MAX),
            notional: Money::ZERO,
            maker_notional: Money::ZERO,
            activity: BTreeMap::new(),
            not_drawn: false,
            open_positions: 0,
            open_since: time,
            open_for: Nanos(0),
        }
    }

    /// The run begins.
    pub(crate) fn begin(&mut self, time: UnixNanos) {
        self.hours = Returns::new(NANOS_PER_HOUR, HOURS_KEPT_MAX, self.start, time);
        self.days = Returns::new(NANOS_PER_DAY, DAYS_KEPT_MAX, self.start, time);
        self.curve
            .add(time, EquityPoint { equity: Extent::one(self.start), drawdown: Money::ZERO });
    }

    /// The equity has changed to this at `time`; it was what it was until `previous`.
    #[inline]
    pub(crate) fn set_equity(&mut self, equity: Money, time: UnixNanos, previous: UnixNanos) {
        self.equity = equity;
        let drawdown = self.drawdown.update(equity, time, previous);
        self.curve.add(time, EquityPoint { equity: Extent::one(equity), drawdown });
    }

    /// An hour is over.
    pub(crate) fn advance(&mut self, time: UnixNanos) {
        self.hours.advance(time, self.equity);
        self.days.advance(time, self.equity);
    }

    /// Takes in a fill of this notional (positive).
    pub(crate) fn fill(&mut self, fill: &Fill, notional: Money, time: UnixNanos) {
        self.fills += 1;
        self.fees += fill.fee;
        self.notional += notional;
        if fill.maker {
            self.maker_notional += notional;
        }
        self.fee_curve.add(time, Extent::one(self.fees));
    }

    /// Changes the scope's position in an instrument by a fill of this signed quantity.
    pub(crate) fn trade(
        &mut self,
        instrument: InstrumentId,
        signed: Quantity,
        fill: &Fill,
        time: UnixNanos,
    ) {
        let full = self.activity.len() >= INSTRUMENTS_DRAWN_MAX;
        if full && !self.activity.contains_key(&instrument) {
            self.not_drawn = true;
            return;
        }
        let activity = self.activity.entry(instrument).or_insert_with(|| Activity {
            quantity: Quantity::ZERO,
            position: Series::new(ACTIVITY_POINTS_MAX),
            fills: Series::new(FILL_POINTS_MAX),
        });
        activity.quantity += signed;
        activity.position.add(time, Extent::one(activity.quantity));
        let side = Filled {
            count: 1,
            quantity: i128::from(fill.quantity.0),
            price_quantity: i128::from(fill.price.0) * i128::from(fill.quantity.0),
        };
        let mut point = FillsPoint::default();
        if signed > Quantity::ZERO {
            point.buys = side;
        } else {
            point.sells = side;
        }
        activity.fills.add(time, point);
    }

    /// A position was opened.
    pub(crate) const fn opened(&mut self, time: UnixNanos) {
        if self.open_positions == 0 {
            self.open_since = time;
        }
        self.open_positions += 1;
    }

    /// A position was closed.
    pub(crate) const fn closed(&mut self, time: UnixNanos) {
        self.open_positions = self.open_positions.saturating_sub(1);
        if self.open_positions == 0 {
            self.open_for = Nanos(self.open_for.0.saturating_add(time.since(self.open_since).0));
        }
    }

    /// A round trip is over.
    pub(crate) fn closed_trade(&mut self, trade: &ClosedTrade) {
        self.trades.add(trade);
    }

    /// How long any position was open, until `end`.
    pub(crate) const fn exposed(&self, end: UnixNanos) -> Nanos {
        let now = if self.open_positions > 0 { end.since(self.open_since).0 } else { 0 };
        Nanos(self.open_for.0.saturating_add(now))
    }
}
