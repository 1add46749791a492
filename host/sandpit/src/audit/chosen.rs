//! Which rows are asked for, and the names that ids stand for.

use std::collections::BTreeSet;

use sandpit_core::time::UnixNanos;
use sandpit_journal::journal::{JournalReader, RawRow, Tables};

use super::AuditError;
use crate::report::calendar::{Date, NANOS_PER_DAY};

/// From a time on, until before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From here on.
    pub from: Option<UnixNanos>,
    /// Until before this.
    pub to: Option<UnixNanos>,
}

impl Period {
    /// A month, as `2026-11`, in UTC.
    ///
    /// # Errors
    /// It is no month.
    pub fn month(text: &str) -> Result<Self, AuditError> {
        let wrong = || AuditError::Options(format!("`{text}` is no month: write 2026-11"));
        let first = Date::parse(&format!("{text}-01")).ok_or_else(wrong)?;
        let next = match first.month {
            12 => Date { year: first.year + 1, month: 1, day: 1 },
            month => Date { month: month + 1, ..first },
        };
        let at = |date: Date| {
            let nanos = date.to_day().and_then(|day| day.checked_mul(NANOS_PER_DAY));
            nanos.map(UnixNanos).ok_or_else(wrong)
        };
        Ok(Self { from: Some(at(first)?), to: Some(at(next)?) })
    }

    /// A day (`2026-11-24`, from its first moment) or a moment (`2026-11-24T12:00:00Z`).
    ///
    /// # Errors
    /// It is neither.
    pub fn moment(text: &str) -> Result<UnixNanos, AuditError> {
        let wrong = || {
            AuditError::Options(format!(
                "`{text}` is no time: write 2026-11-24 or 2026-11-24T12:00:00Z"
            ))
        };
        if let Some(day) = Date::parse(text).and_then(Date::to_day) {
            return day.checked_mul(NANOS_PER_DAY).map(UnixNanos).ok_or_else(wrong);
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        u64::try_from(moment.as_nanosecond()).map(UnixNanos).map_err(|_| wrong())
    }

    /// Whether a time is within it.
    #[must_use]
    pub fn contains(&self, at: i64) -> bool {
        let at = u64::try_from(at).unwrap_or(0);
        self.from.is_none_or(|from| at >= from.0) && self.to.is_none_or(|to| at < to.0)
    }
}

/// Names of what a journal speaks of.
#[derive(Clone, Debug)]
pub struct Names {
    plugins: Vec<String>,
    symbols: Vec<String>,
}

impl Names {
    /// Those of a journal's tables.
    #[must_use]
    pub fn of(tables: &Tables) -> Self {
        Self {
            plugins: tables.plugins.clone(),
            symbols: tables.instruments.iter().map(|it| it.spec().symbol.clone()).collect(),
        }
    }

    /// A plugin's name; empty where there is none.
    #[must_use]
    pub fn plugin(&self, id: Option<i64>) -> &str {
        Self::name(&self.plugins, id)
    }

    /// An instrument's symbol; empty where there is none.
    #[must_use]
    pub fn symbol(&self, id: Option<i64>) -> &str {
        Self::name(&self.symbols, id)
    }

    fn name(names: &[String], id: Option<i64>) -> &str {
        let index = id.and_then(|id| usize::try_from(id).ok());
        index.and_then(|index| names.get(index)).map_or("", String::as_str)
    }
}

/// Which rows are asked for.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// Of these kinds; of all where there is none.
    pub kinds: BTreeSet<String>,
    /// Of this plugin, by name.
    pub plugin: Option<String>,
    /// Of this order.
    pub order: Option<String>,
    /// Of this time.
    pub period: Period,
}

/// A choice with its names resolved for one journal.
#[derive(Debug)]
pub struct Picker<'a> {
    chosen: &'a Chosen,
    names: Names,
    plugin: Option<i64>,
}

impl<'a> Picker<'a> {
    /// For one journal.
    ///
    /// # Errors
    /// The journal has no plugin of that name.
    pub fn new(chosen: &'a Chosen, reader: &JournalReader) -> Result<Self, AuditError> {
        let names = Names::of(reader.tables());
        let plugin = match &chosen.plugin {
            None => None,
            Some(name) => {
                let index = names.plugins.iter().position(|known| known == name);
                let index = index.and_then(|index| i64::try_from(index).ok()).ok_or_else(|| {
                    AuditError::Options(format!(
                        "the journal has no plugin `{name}`; it has {}",
                        names.plugins.join(", ")
                    ))
                })?;
                Some(index)
            }
        };
        Ok(Self { chosen, names, plugin })
    }

    /// The journal's names.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Whether a row is asked for.
    #[must_use]
    pub fn takes(&self, row: &RawRow) -> bool {
        (self.chosen.kinds.is_empty() || self.chosen.kinds.contains(&row.kind))
            && (self.plugin.is_none() || row.plugin == self.plugin)
            && (self.chosen.order.is_none() || row.order_id == self.chosen.order)
            && self.chosen.period.contains(row.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_moments() {
        let month = Period::month("2026-12").unwrap();
        assert_eq!(month.from, Some(Period::moment("2026-12-01").unwrap()));
        assert_eq!(month.to, Some(Period::moment("2027-01-01T00:00:00Z").unwrap()));
        assert!(!month.contains(1_795_521_600_000_000_000));
        assert!(Period::month("2026-11").unwrap().contains(1_795_521_600_000_000_000));
        for wrong in ["2026", "2026-13", "2026-1", "x", "2026-11-01"] {
            assert!(Period::month(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "2026-11", "yesterday", "1969-01-01T00:00:00Z", "2026-02-30"] {
            assert!(Period::moment(wrong).is_err(), "{wrong}");
        }
        let exact = Period::moment("2026-11-24T13:00:00.5+01:00").unwrap();
        assert_eq!(exact, UnixNanos(1_795_521_600_500_000_000));
    }
}
