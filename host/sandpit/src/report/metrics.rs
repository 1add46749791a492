//! The figures of a report, each a plain function of what the recorder summed up. Where a figure
//! has no meaning (no trades, no variance, no equity left) it is `None`, never NaN or infinity.
//!
//! Every operation here is + − × ÷ or a square root of IEEE 754, which all machines round alike;
//! the one power (in [`cagr`]) comes from the `libm` crate and not from the platform.

use sandpit_core::num::Money;

use super::{
    calendar::NANOS_PER_DAY,
    returns::{Moments, as_f64},
};

/// Length of a year wherever something is annualised: crypto markets trade on all days.
pub(crate) const DAYS_PER_YEAR: f64 = 365.0;
/// Periods a year where the statistics come from hourly returns.
pub(crate) const HOURS_PER_YEAR: f64 = 24.0 * DAYS_PER_YEAR;
/// The statistics come from daily returns if there are at least so many of them, else from hourly
/// ones: a standard deviation of a handful of days says nothing.
pub(crate) const DAILY_RETURNS_MIN: u64 = 30;
/// Returns that a statistic needs at least.
const RETURNS_MIN: u64 = 2;

/// An amount as a float: the nearest one.
#[expect(clippy::cast_precision_loss, reason = "a statistic; the exact amount stands beside it")]
pub(crate) const fn money_f64(amount: Money) -> f64 {
    amount.0 as f64 / 1e18
}

/// `part / whole`; `None` where `whole` is zero.
#[expect(clippy::cast_precision_loss, reason = "a ratio is a statistic")]
pub(crate) fn ratio(part: Money, whole: Money) -> Option<f64> {
    (whole != Money::ZERO).then(|| part.0 as f64 / whole.0 as f64)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Return over the run: `end / start − 1`, fees included.
pub(crate) fn total_return(start: Money, end: Money) -> Option<f64> {
    (start > Money::ZERO).then(|| ratio(end - start, start)).flatten()
}

/// Compound annual growth rate: `(end / start)^(365 days / run) − 1`, the constant yearly rate
/// that leads from one to the other (CFA Institute, GIPS 2020, annualised time-weighted return).
/// None for a run shorter than a day, where the exponent makes noise of anything.
pub(crate) fn cagr(start: Money, end: Money, run_ns: u64) -> Option<f64> {
    if run_ns < NANOS_PER_DAY || start <= Money::ZERO || end <= Money::ZERO {
        return None;
    }
    let years = as_f64(run_ns) / as_f64(NANOS_PER_DAY) / DAYS_PER_YEAR;
    finite(libm::pow(ratio(end, start)?, 1.0 / years) - 1.0)
}

/// Sample standard deviation of the periods' returns (divisor n − 1).
fn deviation(moments: &Moments) -> Option<f64> {
    if moments.count < RETURNS_MIN {
        return None;
    }
    Some((moments.squares / as_f64(moments.count - 1)).sqrt())
}

/// Volatility: standard deviation of the periods' returns times √(periods a year) (Hull,
/// "Options, Futures, and Other Derivatives", §15.4, with simple in place of log returns).
pub(crate) fn volatility(moments: &Moments, periods_per_year: f64) -> Option<f64> {
    finite(deviation(moments)? * periods_per_year.sqrt())
}

/// Sharpe ratio: mean return over its standard deviation, annualised with √(periods a year)
/// (Sharpe, "The Sharpe Ratio", Journal of Portfolio Management, 1994, ex-post form). The
/// benchmark is zero.
pub(crate) fn sharpe(moments: &Moments, periods_per_year: f64) -> Option<f64> {
    let deviation = deviation(moments)?;
    if deviation <= 0.0 {
        return None;
    }
    finite(moments.mean / deviation * periods_per_year.sqrt())
}

/// Sortino ratio: mean return over the root of the mean squared negative return, all periods
/// counted, annualised with √(periods a year) (Sortino and Price, "Performance Measurement in a
/// Downside Risk Framework", Journal of Investing, 1994). The target is zero.
pub(crate) fn sortino(moments: &Moments, periods_per_year: f64) -> Option<f64> {
    if moments.count < RETURNS_MIN {
        return None;
    }
    let downside = (moments.downside_squares / as_f64(moments.count)).sqrt();
    if downside <= 0.0 {
        return None;
    }
    finite(moments.mean / downside * periods_per_year.sqrt())
}

/// Calmar ratio: CAGR over the largest drawdown as a fraction (Young, "Calmar Ratio: A Smoother
/// Tool", Futures, 1991; his window is 36 months, this one is the run).
pub(crate) fn calmar(cagr: Option<f64>, drawdown_fraction_max: Option<f64>) -> Option<f64> {
    let drawdown = drawdown_fraction_max.filter(|fraction| *fraction > 0.0)?;
    finite(cagr? / drawdown)
}

/// Profit factor: net gains of the winning trades over net losses of the losing ones (Schwager,
/// "Technical Analysis", 1995). None without a loss.
pub(crate) fn profit_factor(won: Money, lost: Money) -> Option<f64> {
    (lost < Money::ZERO).then(|| ratio(won, -lost)).flatten()
}

/// Expectancy: mean net PnL of a trade (Tharp, "Trade Your Way to Financial Freedom", 1998, in
/// money, not in multiples of risk). `sum` and `count` of any group give its average.
pub(crate) fn average(sum: Money, count: u64) -> Option<Money> {
    let count = i128::from(count);
    (count > 0).then(|| {
        // Half away from zero at the 18th digit.
        let half = if sum.0 < 0 { -count / 2 } else { count / 2 };
        Money((sum.0 + half) / count)
    })
}

/// Win rate and other shares of counts.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| as_f64(part) / as_f64(whole))
}

/// Turnover: traded notional, both ways, over the equity at the start.
pub(crate) fn turnover(notional: Money, start: Money) -> Option<f64> {
    (start > Money::ZERO).then(|| ratio(notional, start)).flatten()
}

/// Share of the traded notional that made liquidity.
pub(crate) fn maker_share(maker_notional: Money, notional: Money) -> Option<f64> {
    ratio(maker_notional, notional)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(units: i128) -> Money {
        Money(units * 1_000_000_000_000_000_000)
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{found} {expected}");
    }

    /// Returns 1 %, −2 %, 3 %, 0 %: mean 0.5 %, deviations 0.5, −2.5, 2.5, −0.5 (%), squares sum
    /// 13 (%²), downside squares sum 4 (%²).
    fn table() -> Moments {
        Moments { count: 4, mean: 0.005, squares: 13e-4, downside_squares: 4e-4 }
    }

    #[test]
    fn by_hand() {
        near(total_return(money(1_000), money(900)), -0.1);
        near(volatility(&table(), 365.0), (13e-4f64 / 3.0).sqrt() * 365f64.sqrt());
        near(sharpe(&table(), 365.0), 0.005 / 0.020_816_659_994_661_33 * 19.104_973_174_542_8);
        near(sortino(&table(), 365.0), 0.005 / 0.01 * 19.104_973_174_542_8);
        // 21 % over two years is 10 % a year.
        near(cagr(money(100), money(121), 730 * NANOS_PER_DAY), 0.1);
        near(calmar(Some(0.1), Some(0.05)), 2.0);
        near(profit_factor(money(30), money(-20)), 1.5);
        assert_eq!(average(money(-10), 4), Some(Money(-2_500_000_000_000_000_000)));
        assert_eq!(average(Money(-5), 3), Some(Money(-2)));
        near(turnover(money(5_000), money(1_000)), 5.0);
        near(maker_share(money(1), money(4)), 0.25);
        near(share(3, 4), 0.75);
    }

    #[test]
    fn what_has_no_meaning_is_absent() {
        let flat = Moments { count: 9, ..Moments::default() };
        let one = Moments { count: 1, mean: 0.1, squares: 0.0, downside_squares: 0.0 };
        let gains = Moments { count: 3, mean: 0.1, squares: 0.01, downside_squares: 0.0 };
        assert_eq!(volatility(&flat, 365.0), Some(0.0));
        for absent in [
            sharpe(&flat, 365.0),
            sortino(&flat, 365.0),
            volatility(&one, 365.0),
            sharpe(&one, 365.0),
            sortino(&gains, 365.0),
            total_return(Money::ZERO, money(1)),
            cagr(money(1), Money::ZERO, u64::MAX),
            cagr(money(1), money(2), NANOS_PER_DAY - 1),
            cagr(Money(1), money(1_000_000), NANOS_PER_DAY),
            calmar(None, Some(0.1)),
            calmar(Some(0.1), Some(0.0)),
            calmar(Some(0.1), None),
            profit_factor(money(1), Money::ZERO),
            share(0, 0),
            turnover(money(1), Money::ZERO),
            maker_share(Money::ZERO, Money::ZERO),
        ] {
            assert_eq!(absent, None);
        }
        assert_eq!(average(Money::ZERO, 0), None);
    }
}
