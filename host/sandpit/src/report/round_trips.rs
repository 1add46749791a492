//! Round trips: from flat to flat. A trade opens when a position leaves zero and closes when it
//! is back there; a fill through zero closes one trade and opens the next, its fee split by
//! quantity. What is closed in parts is valued at the average cost of the open part, which is how
//! the core books it, so the trades' PnL adds up to the account's realized PnL to the last digit.

use sandpit_core::{
    account::Position,
    ids::{InstrumentId, PluginId},
    market::Side,
    num::{Money, Quantity, SCALE_MAX},
    order::Fill,
    time::UnixNanos,
};

use super::histogram::Histogram;

/// A quantity traded and the sum of price × quantity over it, both raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) quantity: i128,
    pub(crate) price_quantity: i128,
}

impl Leg {
    fn add(&mut self, fill: &Fill, quantity: i64) {
        self.quantity += i128::from(quantity);
        self.price_quantity += i128::from(fill.price.0) * i128::from(quantity);
    }

    /// The average price in units of 10^−(`price_scale` + `extra`), rounded half up; fewer digits
    /// where they would not fit. Gives the scale that it used.
    pub(crate) fn average(&self, price_scale: u8) -> Option<(i128, u8)> {
        /// Digits that an average gets beyond those of the price.
        const EXTRA_DIGITS: u8 = 4;
        if self.quantity <= 0 {
            return None;
        }
        let (mut sum, mut scale) = (self.price_quantity, price_scale);
        for _ in 0..EXTRA_DIGITS {
            let fits = |sum: &i128| scale < SCALE_MAX && sum / self.quantity < i128::from(i64::MAX);
            let Some(finer) = sum.checked_mul(10).filter(fits) else {
                break;
            };
            (sum, scale) = (finer, scale + 1);
        }
        Some(((sum + self.quantity / 2).div_euclid(self.quantity), scale))
    }
}

/// A trade whose position is not flat yet.
#[derive(Clone, Debug)]
pub(crate) struct OpenTrade {
    pub(crate) plugin: PluginId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) opened: UnixNanos,
    pub(crate) entry: Leg,
    pub(crate) exit: Leg,
    pub(crate) quantity_max: Quantity,
    pub(crate) fills: u64,
    pub(crate) fees: Money,
    realized_before: Money,
    adverse: Money,
    favorable: Money,
}

/// A trade that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClosedTrade {
    pub(crate) plugin: PluginId,
    pub(crate) instrument: InstrumentId,
    /// Of its entry.
    pub(crate) side: Side,
    pub(crate) opened: UnixNanos,
    pub(crate) closed: UnixNanos,
    pub(crate) entry: Leg,
    pub(crate) exit: Leg,
    /// The largest position it held.
    pub(crate) quantity_max: Quantity,
    pub(crate) fills: u64,
    /// Before fees.
    pub(crate) gross: Money,
    pub(crate) fees: Money,
    /// Maximum adverse excursion: the lowest gross PnL at any mark and at the end; never above 0.
    pub(crate) adverse: Money,
    /// Maximum favorable excursion: the highest; never below 0.
    pub(crate) favorable: Money,
}

impl ClosedTrade {
    /// After fees.
    pub(crate) fn net(&self) -> Money {
        self.gross - self.fees
    }
}

/// What a fill meant.
#[derive(Clone, Debug)]
pub(crate) struct FillContext<'a> {
    pub(crate) plugin: PluginId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) fill: &'a Fill,
    pub(crate) time: UnixNanos,
    /// The position after the fill.
    pub(crate) position: &'a Position,
}

impl OpenTrade {
    fn new(context: &FillContext<'_>, quantity: i64, fee: Money) -> Self {
        let mut entry = Leg::default();
        entry.add(context.fill, quantity);
        Self {
            plugin: context.plugin,
            instrument: context.instrument,
            side: context.side,
            opened: context.time,
            entry,
            exit: Leg::default(),
            quantity_max: Quantity(quantity),
            fills: 1,
            fees: fee,
            realized_before: context.position.realized,
            adverse: Money::ZERO,
            favorable: Money::ZERO,
        }
    }

    /// Looks at the trade's PnL after its position was marked.
    #[inline]
    pub(crate) fn mark(&mut self, position: &Position) {
        self.excursion(position.realized - self.realized_before + position.unrealized());
    }

    fn excursion(&mut self, pnl: Money) {
        if pnl < self.adverse {
            self.adverse = pnl;
        } else if pnl > self.favorable {
            self.favorable = pnl;
        }
    }

    fn close(mut self, context: &FillContext<'_>) -> ClosedTrade {
        let gross = context.position.realized - self.realized_before;
        self.excursion(gross);
        ClosedTrade {
            plugin: self.plugin,
            instrument: self.instrument,
            side: self.side,
            opened: self.opened,
            closed: context.time,
            entry: self.entry,
            exit: self.exit,
            quantity_max: self.quantity_max,
            fills: self.fills,
            gross,
            fees: self.fees,
            adverse: self.adverse,
            favorable: self.favorable,
        }
    }
}

/// Takes a fill into the open trade of its plugin and instrument: what is open after it, and what
/// it closed.
pub(crate) fn take_fill(
    open: Option<OpenTrade>,
    context: &FillContext<'_>,
) -> (Option<OpenTrade>, Option<ClosedTrade>) {
    let quantity = context.fill.quantity.0;
    let after = context.position.quantity.0;
    let before = after - context.side.signed(context.fill.quantity).0;
    let fee = context.fill.fee;
    let Some(mut trade) = open.filled_from(before) else {
        return (Some(OpenTrade::new(context, quantity, fee)), None);
    };
    trade.fills += 1;
    if trade.side == context.side {
        trade.entry.add(context.fill, quantity);
        trade.fees += fee;
        trade.quantity_max = trade.quantity_max.max(context.position.quantity.abs());
        return (Some(trade), None);
    }
    let closing = quantity.min(before.saturating_abs());
    let closing_fee = proportion(fee, closing, quantity);
    trade.exit.add(context.fill, closing);
    trade.fees += closing_fee;
    if after == 0 {
        return (None, Some(trade.close(context)));
    }
    if (after > 0) == (before > 0) {
        return (Some(trade), None);
    }
    let next = OpenTrade::new(context, quantity - closing, fee - closing_fee);
    (Some(next), Some(trade.close(context)))
}

trait FromFlat {
    fn filled_from(self, before: i64) -> Option<OpenTrade>;
}

impl FromFlat for Option<OpenTrade> {
    /// The trade that was open, if the position was not flat. A position that is known to have
    /// been flat starts anew, whatever was remembered.
    fn filled_from(self, before: i64) -> Option<OpenTrade> {
        self.filter(|_| before != 0)
    }
}

/// `amount × part / whole`, rounded half-even; exact where `part` equals `whole`.
pub(crate) fn proportion(amount: Money, part: i64, whole: i64) -> Money {
    if part == whole || whole == 0 {
        return amount;
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    // Quotient first: the product then stays far below an i128.
    let scaled = amount.0.rem_euclid(whole) * part;
    let floor = amount.0.div_euclid(whole) * part + scaled.div_euclid(whole);
    let left = scaled.rem_euclid(whole);
    Money(match (2 * left).cmp(&whole) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + (floor & 1),
    })
}

/// Sums over closed trades.
#[derive(Clone, Debug, Default)]
pub(crate) struct TradeStats {
    pub(crate) count: u64,
    pub(crate) wins: u64,
    pub(crate) losses: u64,
    /// Net PnL of the winners.
    pub(crate) won: Money,
    /// Net PnL of the losers; negative.
    pub(crate) lost: Money,
    pub(crate) best: Option<Money>,
    pub(crate) worst: Option<Money>,
    pub(crate) adverse: Money,
    pub(crate) favorable: Money,
    pub(crate) held_ns: u128,
    pub(crate) losing_streak_max: u64,
    losing_streak: u64,
    pub(crate) pnl: Histogram,
}

impl TradeStats {
    /// Counts a trade. A win is a net PnL above zero, a loss one below.
    pub(crate) fn add(&mut self, trade: &ClosedTrade) {
        let net = trade.net();
        self.count += 1;
        if net > Money::ZERO {
            self.wins += 1;
            self.won += net;
            self.losing_streak = 0;
        } else if net < Money::ZERO {
            self.losses += 1;
            self.lost += net;
            self.losing_streak += 1;
            self.losing_streak_max = self.losing_streak_max.max(self.losing_streak);
        }
        self.best = Some(self.best.map_or(net, |best| best.max(net)));
        self.worst = Some(self.worst.map_or(net, |worst| worst.min(net)));
        self.adverse += trade.adverse;
        self.favorable += trade.favorable;
        self.held_ns += u128::from(trade.closed.since(trade.opened).0);
        self.pnl.add(net);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandpit_core::{ids::TradeId, num::Price};

    const UNIT: i128 = 1_000_000_000_000_000_000;

    /// Plays `B 10 @100 fee 1` fills and `mark 90` lines over one position with price and
    /// quantity scale zero; gives the trades as text.
    fn check(script: &str, expected: &str) {
        let mut position = Position::default();
        let (mut open, mut time, mut closed) = (None::<OpenTrade>, 0, String::new());
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            time += 1;
            let words = line.split(' ').collect::<Vec<_>>();
            let mark = |position: &mut Position, price: i64| {
                position.value = Money(i128::from(price) * i128::from(position.quantity.0) * UNIT);
            };
            if words[0] == "mark" {
                mark(&mut position, words[1].parse().unwrap());
                if let Some(trade) = &mut open {
                    trade.mark(&position);
                }
                continue;
            }
            let side = if words[0] == "B" { Side::Buy } else { Side::Sell };
            let quantity: i64 = words[1].parse().unwrap();
            let price: i64 = words[2].strip_prefix('@').unwrap().parse().unwrap();
            let fee = Money(words[4].parse::<i128>().unwrap() * UNIT);
            let fill = Fill {
                trade_id: TradeId(time),
                price: Price(price),
                quantity: Quantity(quantity),
                fee,
                maker: false,
            };
            let signed = side.signed(fill.quantity);
            position.fill(signed, Money(i128::from(price) * i128::from(signed.0) * UNIT), fee);
            mark(&mut position, price);
            let context = FillContext {
                plugin: PluginId(0),
                instrument: InstrumentId(0),
                side,
                fill: &fill,
                time: UnixNanos(time),
                position: &position,
            };
            let done;
            (open, done) = take_fill(open, &context);
            if let Some(trade) = done {
                closed += &format!(
                    "{:?} {}-{} max {} gross {} fees {} mae {} mfe {} fills {}\n",
                    trade.side,
                    trade.opened.0,
                    trade.closed.0,
                    trade.quantity_max.0,
                    trade.gross,
                    trade.fees,
                    trade.adverse,
                    trade.favorable,
                    trade.fills,
                );
            }
        }
        let expected = expected.lines().map(|l| l.trim().to_owned() + "\n").collect::<String>();
        assert_eq!(closed, expected);
    }

    #[test]
    fn one_there_and_back() {
        check(
            "B 10 @100 fee 1
             mark 90
             mark 130
             S 10 @120 fee 2",
            "Buy 1-4 max 10 gross 200.00 fees 3.00 mae -100.00 mfe 300.00 fills 2",
        );
    }

    #[test]
    fn parts_at_average_cost() {
        // Entry 10 at 100 and 10 at 110: average 105. 5 closed at 125 realize 100, the rest 15
        // at 95 lose 150.
        check(
            "B 10 @100 fee 0
             B 10 @110 fee 0
             mark 110
             S 5 @125 fee 0
             mark 125
             S 15 @95 fee 4",
            "Buy 1-6 max 20 gross -50.00 fees 4.00 mae -50.00 mfe 400.00 fills 4",
        );
    }

    #[test]
    fn through_zero_is_two_trades() {
        check(
            "S 4 @50 fee 4
             mark 60
             B 6 @45 fee 9
             mark 40
             S 2 @47 fee 1",
            "Sell 1-3 max 4 gross 20.00 fees 10.00 mae -40.00 mfe 20.00 fills 2
             Buy 3-5 max 2 gross 4.00 fees 4.00 mae -10.00 mfe 4.00 fills 2",
        );
    }

    #[test]
    fn a_loss_between_marks_still_counts() {
        check(
            "B 1 @100 fee 0
             S 1 @70 fee 0",
            "Buy 1-2 max 1 gross -30.00 fees 0.00 mae -30.00 mfe 0.00 fills 2",
        );
    }

    #[test]
    fn averages_are_rounded_once() {
        let leg = Leg { quantity: 3, price_quantity: 1_000 };
        assert_eq!(leg.average(1), Some((3_333_333, 5)));
        assert_eq!(Leg::default().average(1), None);
        let huge = Leg { quantity: 1, price_quantity: i128::from(i64::MAX / 50) };
        assert_eq!(huge.average(0), Some((i128::from(i64::MAX / 50 * 10), 1)));
    }
}
