//! Stamps of the venue. It writes milliseconds, or microseconds where it was asked for them.

use sandpit_core::time::UnixNanos;

/// From here on a stamp is in microseconds (streams that were asked for them), below in
/// milliseconds: year 5138 in the one and 1973 in the other.
const MICROSECONDS_FROM: u64 = 100_000_000_000_000;

/// A stamp of milliseconds or microseconds, told apart by its size. `None` for one before 1970 or
/// after 2262.
pub(super) fn time(stamp: i64) -> Option<UnixNanos> {
    let number = u64::try_from(stamp).ok()?;
    let unit = if number < MICROSECONDS_FROM { 1_000_000 } else { 1_000 };
    let nanos = number.checked_mul(unit)?;
    (nanos > 0 && i64::try_from(nanos).is_ok()).then_some(UnixNanos(nanos))
}
