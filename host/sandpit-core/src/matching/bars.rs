//! The path that a bar stands for. A bar does not say in which order its prices came; this one is
//! assumed: from the open to one extreme, to the other, to the close. The nearer extreme comes
//! first unless the run says otherwise, because a market that ends at the far one has usually been
//! at the near one before; with both as near, the low. Each of the four points is a print of a
//! quarter of the volume.

use crate::{
    instrument::Instrument,
    market::Bar,
    matching::BarPath,
    num::{Price, Quantity},
};

/// The four prints of a bar, in whole steps; what does not divide is on the close. A bar without
/// volume offers at each point what one order may have at most.
pub(super) fn path(bar: &Bar, rules: &Instrument, path: BarPath) -> [(Price, Quantity); 4] {
    let to_low = bar.open.0.saturating_sub(bar.low.0);
    let to_high = bar.high.0.saturating_sub(bar.open.0);
    let low_first = match path {
        BarPath::NearerFirst => to_low <= to_high,
        BarPath::LowFirst => true,
        BarPath::HighFirst => false,
    };
    let (first, second) = if low_first { (bar.low, bar.high) } else { (bar.high, bar.low) };
    let (each, rest) = if bar.volume.is_zero() {
        (rules.max_quantity(), rules.max_quantity())
    } else {
        let quarter = bar.volume.0 / 4;
        let each = Quantity(quarter - quarter % rules.quantity_step().0);
        (each, Quantity(bar.volume.0 - 3 * each.0))
    };
    [(bar.open, each), (first, each), (second, each), (bar.close, rest)]
}

/// Whether a market can have made it: prices above zero, no negative volume.
pub(super) fn is_possible(bar: &Bar) -> bool {
    let lowest = bar.open.min(bar.high).min(bar.low).min(bar.close);
    lowest.0 > 0 && bar.volume >= Quantity::ZERO
}
