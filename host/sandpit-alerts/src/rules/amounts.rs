//! How numbers look in the text of an alert.

/// Hundredths as a percentage: 250 is `2.5 %`.
pub(super) fn percent_of_basis_points(points: u64) -> String {
    let (whole, rest) = (points / 100, points % 100);
    match (rest, rest % 10) {
        (0, _) => format!("{whole} %"),
        (_, 0) => format!("{whole}.{} %", rest / 10),
        _ => format!("{whole}.{rest:02} %"),
    }
}

/// Tenths with a point.
pub(super) fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Whole seconds, in the unit that people use.
pub(super) fn seconds(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// Bytes, in the unit that people use.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 10 * 1_024 && unit + 1 < UNITS.len() {
        value /= 1_024;
        unit += 1;
    }
    format!("{value} {}", UNITS.get(unit).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(percent_of_basis_points(250), "2.5 %");
        assert_eq!(percent_of_basis_points(300), "3 %");
        assert_eq!(percent_of_basis_points(1_205), "12.05 %");
        assert_eq!(seconds(119), "119 s");
        assert_eq!(seconds(180), "3 min");
        assert_eq!(seconds(10_000), "2 h");
        assert_eq!(bytes(5_000_000_000), "4768 MiB");
        assert_eq!(tenths(35), "3.5");
    }
}
