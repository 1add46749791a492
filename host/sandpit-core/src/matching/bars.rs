//! The path that a bar stands for. A bar does not say in which order its prices came; this one is
//! assumed: from the open to the nearer extreme, to the other, to the close. The nearer extreme
//! first, because a market that ends at the far one has usually been at the near one before; with
//! both as near, the low. Each of the four points is a print of a quarter of the volume.

use crate::{
    instrument::Instrument,
    market::Bar,
    num::{Price, Quantity},
};

/// The four prints of a bar. A bar without volume offers at each point what one order may have at
/// most.
pub(super) fn path(bar: &Bar, rules: &Instrument) -> [(Price, Quantity); 4] {
    let to_low = bar.open.0.saturating_sub(bar.low.0);
    let to_high = bar.high.0.saturating_sub(bar.open.0);
    let (first, second) = if to_low <= to_high {
        (bar.low, bar.high)
    } else {
        (bar.high, bar.low)
    };
    let quarter = Quantity(bar.volume.0 / 4);
    let (each, rest) = if bar.volume.is_zero() {
        (rules.max_quantity(), rules.max_quantity())
    } else {
        (quarter, Quantity(bar.volume.0 - 3 * quarter.0))
    };
    [
        (bar.open, each),
        (first, each),
        (second, each),
        (bar.close, rest),
    ]
}
