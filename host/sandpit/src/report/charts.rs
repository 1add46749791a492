//! Charts as inline SVG. The drawing alone is SVG, stretched to the width there is; axes are HTML
//! beside it, so that their text keeps its size on any screen. Beside each chart goes what the
//! script needs for the read-out under the pointer and for zooming.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    axes::{Scale, Span, WIDTH, amount_labels, count_labels, x_labels, y_labels},
    model::{Bars, Curve, FillCurve},
    numbers,
    returns::as_f64,
    value::{Amount, Stat},
};

/// Points of one line in the file.
const POINTS_MAX: usize = 1_200;
/// How far a mark of fills stands from its price, in pixels.
const MARK_ASIDE: f64 = 5.0;

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line of last values in a band of extremes.
    Line,
    /// Filled from zero.
    Area,
    /// Filled from zero, in steps.
    Steps,
}

/// What a value of a chart is, for its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Number,
    Percent,
}

/// One chart over time.
pub(crate) struct TimeChart<'a> {
    pub(crate) title: &'a str,
    /// Height in pixels.
    pub(crate) height: u32,
    pub(crate) unit: Unit,
    /// Name of the style of its line.
    pub(crate) ink: &'static str,
    pub(crate) shape: Shape,
    pub(crate) curve: &'a Curve,
    pub(crate) fills: Option<&'a FillCurve>,
    /// A value that gets a dashed line.
    pub(crate) base: Option<f64>,
    /// Whether time is written below it.
    pub(crate) labelled: bool,
}

/// A point of a thinned curve: bucket, least, largest, last.
type Bucket = (u64, f64, f64, f64);

/// Halves the number of buckets until there are at most `max`; gives the width of a bucket too.
fn thin(curve: &Curve, max: usize) -> (u64, Vec<Bucket>) {
    let whole = |(bucket, min, max, last): &(u64, Stat, Stat, Stat)| {
        Some((*bucket, min.get()?, max.get()?, last.get()?))
    };
    let mut points = curve.points.iter().filter_map(whole).collect::<Vec<Bucket>>();
    let mut width = curve.width_ns.max(1);
    while points.len() > max {
        let mut thinner = Vec::<Bucket>::with_capacity(points.len() / 2 + 1);
        for (bucket, low, high, last) in points {
            match thinner.last_mut() {
                Some(kept) if kept.0 == bucket / 2 => {
                    *kept = (kept.0, kept.1.min(low), kept.2.max(high), last);
                }
                _ => thinner.push((bucket / 2, low, high, last)),
            }
        }
        points = thinner;
        width = width.saturating_mul(2);
    }
    (width, points)
}

/// Lowest and highest value, never equal.
fn range(points: &[Bucket], shape: Shape, base: Option<f64>) -> (f64, f64) {
    let mut low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let mut high = points.iter().map(|p| p.2).fold(f64::NEG_INFINITY, f64::max);
    if shape != Shape::Line {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    if let Some(base) = base {
        (low, high) = (low.min(base), high.max(base));
    }
    if !low.is_finite() || !high.is_finite() {
        return (0.0, 1.0);
    }
    if high - low <= f64::EPSILON * high.abs().max(low.abs()) {
        let room = if high == 0.0 { 1.0 } else { high.abs() * 0.01 };
        return (low - room, high + room);
    }
    (low, high)
}

impl TimeChart<'_> {
    /// The chart's HTML, and its data for the script.
    pub(crate) fn render(&self, span: Span, id: usize) -> (String, Value) {
        let (width, points) = thin(self.curve, POINTS_MAX);
        let (mut low, mut high) = range(&points, self.shape, self.base);
        let room = (high - low) * 0.05;
        if !(self.shape != Shape::Line && high == 0.0) {
            high += room;
        }
        if !(self.shape != Shape::Line && low == 0.0) {
            low -= room;
        }
        let scale = Scale { low, high, height: f64::from(self.height) };
        let start = self.curve.start.0.0;
        let middle = |bucket: u64| {
            start.saturating_add(bucket.saturating_mul(width)).saturating_add(width / 2)
        };
        let mut drawing = self.curve_path(span, scale, &points, start, width, &middle);
        if let Some(base) = self.base {
            let y = scale.y(base);
            let _ = write!(drawing, "<path class=base d=\"M0 {y:.1}H{WIDTH}\"/>");
        }
        let fills = self.fills.map(|fills| marks(span, scale, fills, &mut drawing));
        let html = format!(
            "<figure class=chart data-chart={id}><figcaption><span>{}</span>{}<output></output></figcaption>\
             <div class=plot style=\"height:{h}px\"><svg viewBox=\"0 0 1000 {h}\" preserveAspectRatio=none role=img aria-label=\"{}\">{drawing}</svg>\
             <ul class=y>{}</ul><i class=cross></i><i class=brush></i></div>{}</figure>",
            esc(self.title),
            if fills.is_some() {
                "<span class=key><b class=buy></b>buys<b class=sell></b>sells</span>"
            } else {
                ""
            },
            esc(self.title),
            y_labels(scale, self.unit),
            if self.labelled {
                format!("<ul class=x>{}</ul>", x_labels(span))
            } else {
                String::new()
            },
            h = self.height,
        );
        let column =
            |pick: fn(&Bucket) -> f64| points.iter().map(|p| short(pick(p))).collect::<Vec<_>>();
        let data = json!({
            "low": low, "high": high,
            "start": as_f64(start.saturating_sub(span.from)) / 1e6,
            "width": as_f64(width) / 1e6,
            "zero": self.shape != Shape::Line,
            "percent": self.unit == Unit::Percent,
            "buckets": points.iter().map(|p| p.0).collect::<Vec<_>>(),
            "min": column(|p| p.1), "max": column(|p| p.2), "last": column(|p| p.3),
            "fills": fills,
        });
        (html, data)
    }

    fn curve_path(
        &self,
        span: Span,
        scale: Scale,
        points: &[Bucket],
        start: u64,
        width: u64,
        middle: &dyn Fn(u64) -> u64,
    ) -> String {
        let mut svg = String::new();
        let Some(first) = points.first() else {
            return svg;
        };
        let ink = self.ink;
        if self.shape == Shape::Steps {
            let d = steps(span, scale, points, start, width);
            let _ = write!(svg, "<path class=\"fill {ink}\" d=\"{d}\"/>");
            return svg;
        }
        let mut line = format!("M{:.2} {:.1}", span.x(middle(first.0)), scale.y(first.3));
        let mut before = first.0;
        for (bucket, _, _, last) in &points[1..] {
            let x = span.x(middle(*bucket));
            if bucket - before > 1 {
                // Nothing happened in between: the value held.
                let _ = write!(
                    line,
                    "H{:.2}",
                    span.x(start.saturating_add(bucket.saturating_mul(width)))
                );
            }
            let _ = write!(line, "L{x:.2} {:.1}", scale.y(*last));
            before = *bucket;
        }
        let _ = write!(line, "H{WIDTH}");
        if self.shape == Shape::Area {
            // The extreme away from zero is what an area is about.
            let edge = |p: &Bucket| if p.1 < 0.0 { p.1 } else { p.2 };
            let mut area = format!("M{:.2} {:.1}", span.x(middle(first.0)), scale.y(0.0));
            let mut before = first.0;
            for point in points {
                if point.0 - before > 1 {
                    let _ = write!(
                        area,
                        "H{:.2}",
                        span.x(start.saturating_add(point.0.saturating_mul(width)))
                    );
                }
                let _ = write!(area, "L{:.2} {:.1}", span.x(middle(point.0)), scale.y(edge(point)));
                before = point.0;
            }
            let _ = write!(area, "H{WIDTH}V{:.1}Z", scale.y(0.0));
            let _ = write!(svg, "<path class=\"fill {ink}\" d=\"{area}\"/>");
        } else {
            let _ = write!(
                svg,
                "<path class=\"band {ink}\" d=\"{}\"/>",
                band(span, scale, points, middle)
            );
        }
        let _ = write!(svg, "<path class=\"line {ink}\" d=\"{line}\"/>");
        svg
    }
}

/// Around the extremes of all buckets.
fn band(span: Span, scale: Scale, points: &[Bucket], middle: &dyn Fn(u64) -> u64) -> String {
    let mut d = String::new();
    for (at, point) in points.iter().enumerate() {
        let head = if at == 0 { 'M' } else { 'L' };
        let _ = write!(d, "{head}{:.2} {:.1}", span.x(middle(point.0)), scale.y(point.2));
    }
    for point in points.iter().rev() {
        let _ = write!(d, "L{:.2} {:.1}", span.x(middle(point.0)), scale.y(point.1));
    }
    d.push('Z');
    d
}

/// One block per bucket from the least to the largest value it saw, zero included, and from its
/// end on a block at its last value.
fn steps(span: Span, scale: Scale, points: &[Bucket], start: u64, width: u64) -> String {
    let mut d = String::new();
    let edge = |bucket: u64| span.x(start.saturating_add(bucket.saturating_mul(width)));
    let mut block = |from: f64, to: f64, low: f64, high: f64| {
        if to > from && high > low {
            let (top, bottom) = (scale.y(high), scale.y(low));
            let _ = write!(d, "M{from:.2} {top:.1}H{to:.2}V{bottom:.1}H{from:.2}Z");
        }
    };
    for (at, point) in points.iter().enumerate() {
        let end = edge(point.0 + 1);
        block(edge(point.0), end, point.1.min(0.0), point.2.max(0.0));
        let next = points.get(at + 1).map_or(WIDTH, |next| edge(next.0));
        block(end, next, point.3.min(0.0), point.3.max(0.0));
    }
    d
}

/// Dots for buys, squares for sells, as line ends: those keep their form when the drawing is
/// stretched. Gives time, counts and prices for the script.
fn marks(span: Span, scale: Scale, fills: &FillCurve, drawing: &mut String) -> Value {
    let (mut buys, mut sells) = (String::new(), String::new());
    let mut rows = Vec::new();
    for point in &fills.points {
        let offset = point.bucket.saturating_mul(fills.width_ns).saturating_add(fills.width_ns / 2);
        let time = fills.start.0.0.saturating_add(offset);
        let x = span.x(time);
        // Buys a little below their price and sells above, so that neither hides the other.
        for (path, price, aside) in
            [(&mut buys, point.buy_price, MARK_ASIDE), (&mut sells, point.sell_price, -MARK_ASIDE)]
        {
            if let Some(price) = price.get() {
                let _ = write!(path, "M{x:.2} {:.1}h0", scale.y(price) + aside);
            }
        }
        let at = (as_f64(time.saturating_sub(span.from)) / 1e6).round();
        rows.push(json!([at, point.buys, point.sells]));
    }
    for (class, path) in [("buy", buys), ("sell", sells)] {
        if !path.is_empty() {
            let _ = write!(
                drawing,
                "<path class=\"mark halo\" d=\"{path}\"/><path class=\"mark {class}\" d=\"{path}\"/>"
            );
        }
    }
    Value::Array(rows)
}

/// Enough digits for a read-out, and no more bytes.
fn short(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// A distribution: bars below zero in the colour of losses.
pub(crate) fn bars(title: &str, bars: &Bars, height: u32) -> String {
    let most = bars.counts.iter().copied().max().unwrap_or(0).max(1);
    let count = as_f64(u64::try_from(bars.counts.len()).unwrap_or(0)).max(1.0);
    let each = WIDTH / count;
    let mut drawing = String::new();
    let edge = |at: usize| {
        let steps = i128::try_from(at).unwrap_or(0);
        Amount(sandpit_core::num::Money(bars.low.0.0 + bars.width.0.0 * steps))
    };
    let mut x = 0.0;
    for (at, trades) in bars.counts.iter().enumerate() {
        if *trades > 0 {
            let tall = (as_f64(*trades) / as_f64(most) * (f64::from(height) - 6.0)).max(1.5);
            let class = if edge(at).0 < sandpit_core::num::Money::ZERO { "loss" } else { "gain" };
            let _ = write!(
                drawing,
                "<rect class={class} x=\"{:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{tall:.1}\"><title>{} to {}: {} trades</title></rect>",
                x + each * 0.06,
                f64::from(height) - tall,
                each * 0.88,
                numbers::money(edge(at), false),
                numbers::money(edge(at + 1), false),
                numbers::count(*trades),
            );
        }
        x += each;
    }
    format!(
        "<figure class=\"chart bars\"><figcaption><span>{}</span></figcaption><div class=plot style=\"height:{height}px\">\
         <svg viewBox=\"0 0 1000 {height}\" preserveAspectRatio=none role=img aria-label=\"{}\">{drawing}</svg>\
         <ul class=y>{}</ul></div><ul class=x>{}</ul></figure>",
        esc(title),
        esc(title),
        count_labels(most, height),
        amount_labels(bars),
    )
}

/// Text for HTML, in an element or an attribute in quotes.
pub(crate) fn esc(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn thinning_keeps_the_extremes(values in prop::collection::vec(-100i32..100, 1..300), max in 2usize..20) {
            let stat = |v: i32| Stat::new(Some(f64::from(v)));
            let points = values.iter().enumerate().map(|(at, v)| (at as u64, stat(*v), stat(*v), stat(*v)));
            let curve = Curve { width_ns: 1, points: points.collect(), ..Curve::default() };
            let (_, thinned) = thin(&curve, max);
            prop_assert!(thinned.len() <= max);
            let least = thinned.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(Some(least), values.iter().min().map(|v| f64::from(*v)));
            prop_assert_eq!(thinned.last().map(|p| p.3), values.last().map(|v| f64::from(*v)));
        }
    }
}
