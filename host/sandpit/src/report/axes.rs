//! Where things are on a chart, and the labels of its axes.

use std::fmt::Write as _;

use super::{
    calendar::{Date, MONTHS, NANOS_PER_DAY, NANOS_PER_HOUR, NANOS_PER_SECOND},
    charts::Unit,
    model::Bars,
    numbers,
    returns::as_f64,
};

/// Width of a drawing in its own units; the screen stretches it.
pub(crate) const WIDTH: f64 = 1_000.0;
/// Labels on a vertical axis, about.
const TICKS_UP: f64 = 5.0;
/// Labels of time, at most about.
const LABELS_MAX: u64 = 9;
/// Labels on a horizontal axis, about.
const TICKS_ACROSS: f64 = 9.0;

/// The time that all charts of a report span, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    fn length(self) -> f64 {
        as_f64(self.to.saturating_sub(self.from).max(1))
    }

    /// Where a time is, in units of the drawing.
    pub(crate) fn x(self, time: u64) -> f64 {
        let within = time.clamp(self.from, self.to.max(self.from)) - self.from;
        as_f64(within) / self.length() * WIDTH
    }
}

/// Round steps of 1, 2 or 5 × 10^n for about so many labels: first, step, digits.
fn ticks(low: f64, high: f64, wanted: f64) -> (f64, f64, usize) {
    let rough = (high - low) / wanted;
    let mut step = 1.0f64;
    // By hand: a logarithm of the platform could differ in its last bit.
    while step > rough && step > 1e-12 {
        step /= 10.0;
    }
    while step * 10.0 <= rough && step < 1e18 {
        step *= 10.0;
    }
    let mut digits = 0;
    let mut unit = step;
    while unit < 0.999 && digits < 10 {
        unit *= 10.0;
        digits += 1;
    }
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * step).into_iter().find(|s| *s >= rough);
    let step = step.unwrap_or(rough).max(f64::MIN_POSITIVE);
    ((low / step).ceil() * step, step, digits)
}

/// Heights in a drawing.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) height: f64,
}

impl Scale {
    pub(crate) fn y(self, value: f64) -> f64 {
        (self.high - value) / (self.high - self.low) * self.height
    }
}

pub(crate) fn y_labels(scale: Scale, unit: Unit) -> String {
    let factor = if unit == Unit::Percent { 100.0 } else { 1.0 };
    let (first, step, digits) = ticks(scale.low * factor, scale.high * factor, TICKS_UP);
    let mut html = String::new();
    let mut value = first;
    for _ in 0..12 {
        if value > scale.high * factor + step * 1e-9 {
            break;
        }
        let top = (scale.high - value / factor) / (scale.high - scale.low) * 100.0;
        let sign = if unit == Unit::Percent { "%" } else { "" };
        let _ = write!(
            html,
            "<li style=\"top:{top:.2}%\"><span>{}{sign}</span></li>",
            numbers::number_text(value, digits, false)
        );
        value += step;
    }
    html
}

/// Labels at round times: of the clock, of days, or at the first of months.
pub(crate) fn x_labels(span: Span) -> String {
    const MINUTE: u64 = 60 * NANOS_PER_SECOND;
    const STEPS: [u64; 16] = [
        NANOS_PER_SECOND,
        5 * NANOS_PER_SECOND,
        15 * NANOS_PER_SECOND,
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        NANOS_PER_HOUR,
        2 * NANOS_PER_HOUR,
        3 * NANOS_PER_HOUR,
        6 * NANOS_PER_HOUR,
        12 * NANOS_PER_HOUR,
        NANOS_PER_DAY,
        2 * NANOS_PER_DAY,
        7 * NANOS_PER_DAY,
        14 * NANOS_PER_DAY,
    ];
    let length = span.to.saturating_sub(span.from);
    let mut html = String::new();
    let mut label = |time: u64, minor: bool, text: String| {
        let left = span.x(time) / WIDTH * 100.0;
        let class = if minor { " class=minor" } else { "" };
        let _ = write!(html, "<li{class} style=\"left:{left:.2}%\">{text}</li>");
    };
    let Some(step) = STEPS.into_iter().find(|step| length / step <= LABELS_MAX) else {
        for (time, minor, text) in month_labels(span) {
            label(time, minor, text);
        }
        return html;
    };
    // A run of less than a second has the labels of its first one.
    let mut time = (span.from / step + 1).saturating_mul(step);
    while time < span.to {
        label(time, time / step % 2 == 1, short_time(time, step));
        time = time.saturating_add(step);
    }
    html
}

/// Time, whether a narrow screen can do without, and text of the first of every so many months.
fn month_labels(span: Span) -> Vec<(u64, bool, String)> {
    const MONTH: u64 = 30 * NANOS_PER_DAY;
    const STRIDES: [u64; 7] = [1, 2, 3, 6, 12, 24, 60];
    let length = span.to.saturating_sub(span.from);
    let stride = STRIDES.into_iter().find(|s| length / (s * MONTH) <= LABELS_MAX).unwrap_or(240);
    let first = Date::of_day(span.from / NANOS_PER_DAY);
    let mut month = ((first.year * 12 + first.month - 1) / stride + 1) * stride;
    let mut labels = Vec::new();
    loop {
        let date = Date { year: month / 12, month: month % 12 + 1, day: 1 };
        let Some(time) = date.to_day().and_then(|day| day.checked_mul(NANOS_PER_DAY)) else {
            break;
        };
        if time >= span.to {
            break;
        }
        let name = format!("{} {}", month_name(date), date.year);
        let text = if stride >= 12 { date.year.to_string() } else { name };
        labels.push((time, month / stride % 2 == 1, text));
        month += stride;
    }
    labels
}

fn month_name(date: Date) -> &'static str {
    let index = usize::try_from(date.month).ok().and_then(|month| month.checked_sub(1));
    index.and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
}

/// A time as short as steps of `step` allow.
fn short_time(time: u64, step: u64) -> String {
    let date = Date::of_day(time / NANOS_PER_DAY);
    let second = time % NANOS_PER_DAY / NANOS_PER_SECOND;
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    if step >= NANOS_PER_DAY || second == 0 {
        format!("{} {}", date.day, month_name(date))
    } else if step >= 60 * NANOS_PER_SECOND {
        format!("{hour:02}:{minute:02}")
    } else {
        format!("{hour:02}:{minute:02}:{:02}", second % 60)
    }
}

pub(crate) fn count_labels(most: u64, height: u32) -> String {
    let usable = (f64::from(height) - 6.0) / f64::from(height) * 100.0;
    [(most, 100.0 - usable), (most / 2, 100.0 - usable / 2.0)]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, top)| {
            format!("<li style=\"top:{top:.2}%\"><span>{}</span></li>", numbers::count(count))
        })
        .collect()
}

pub(crate) fn amount_labels(bars: &Bars) -> String {
    let (low, width) = (bars.low.to_f64(), bars.width.to_f64());
    let count = as_f64(u64::try_from(bars.counts.len()).unwrap_or(0));
    let (first, step, digits) = ticks(low, low + width * count.max(1.0), TICKS_ACROSS);
    let mut html = String::new();
    let mut value = first;
    for _ in 0..12 {
        let left = (value - low) / (width * count.max(1.0)) * 100.0;
        if !(0.0..=100.0).contains(&left) {
            break;
        }
        let text = numbers::number_text(value, digits, true);
        // On narrow screens every second label goes, never the zero.
        let odd = (value / step).round() % 2.0 != 0.0;
        let minor = if odd { " class=minor" } else { "" };
        let _ = write!(html, "<li{minor} style=\"left:{left:.2}%\">{text}</li>");
        value += step;
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_are_round_and_inside(low in -1e9f64..1e9, span in 1e-6f64..1e9) {
            let high = low + span;
            let (first, step, _) = ticks(low, high, TICKS_UP);
            prop_assert!(step > 0.0 && first >= low - step * 1e-6);
            let labels = (span / step).floor();
            prop_assert!((1.0..=11.0).contains(&labels), "{labels}");
        }
    }

    #[test]
    fn short_times() {
        let midnight = 17_532 * NANOS_PER_DAY;
        assert_eq!(short_time(midnight, NANOS_PER_HOUR), "1 Jan");
        assert_eq!(short_time(midnight + 13 * NANOS_PER_HOUR, NANOS_PER_HOUR), "13:00");
        let labels = month_labels(Span { from: midnight, to: midnight + 1_000 * NANOS_PER_DAY });
        let texts = labels.iter().map(|label| &*label.2).collect::<Vec<_>>();
        assert_eq!(texts, ["Jul 2018", "Jan 2019", "Jul 2019", "Jan 2020", "Jul 2020"]);
    }
}
