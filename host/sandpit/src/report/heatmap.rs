//! Returns as a grid of coloured cells: hours by day for a short run, days by month for a long one.

use std::fmt::Write as _;

use super::{
    charts::esc,
    model::{PeriodRow, ScopeSection},
    numbers,
    value::Stat,
};

/// Rows of the grid: the last ones.
const ROWS_MAX: usize = 60;
/// Days up to which hours are shown.
const DAYS_BY_HOUR_MAX: usize = 14;

/// The grid, or nothing where there are no returns.
pub(crate) fn render(scope: &ScopeSection) -> String {
    if scope.days.is_empty() {
        return String::new();
    }
    if scope.days.len() <= DAYS_BY_HOUR_MAX && !scope.hours.is_empty() {
        // A row per day, with hours 0 to 23.
        grid("Returns by hour (UTC)", &scope.days, &scope.hours, 10, 0, 24)
    } else {
        // A row per month, with days 1 to 31.
        grid("Returns by day", &scope.months, &scope.days, 7, 1, 31)
    }
}

/// Rows are periods whose names begin their cells' names: the first `prefix` letters. A cell's
/// column is the number at the end of its name.
fn grid(
    title: &str,
    rows: &[PeriodRow],
    cells: &[PeriodRow],
    prefix: usize,
    first: usize,
    columns: usize,
) -> String {
    let largest = |rows: &[PeriodRow]| {
        rows.iter().filter_map(|row| row.change.get()).map(f64::abs).fold(0.0, f64::max)
    };
    let (cell_max, row_max) = (largest(cells), largest(rows));
    let mut html = format!(
        "<figure class=heat><figcaption><span>{title}</span></figcaption><div class=scroll><table><thead><tr><th></th>"
    );
    for column in first..first + columns {
        let _ = write!(html, "<th>{column}</th>");
    }
    html.push_str("<th>All</th></tr></thead><tbody>");
    for row in rows.iter().skip(rows.len().saturating_sub(ROWS_MAX)) {
        let mut line = vec![None; columns];
        for cell in cells.iter().filter(|cell| cell.period.get(..prefix) == Some(&*row.period)) {
            let column = cell.period.get(prefix + 1..).and_then(|text| text.parse::<usize>().ok());
            if let Some(slot) =
                column.and_then(|c| c.checked_sub(first)).and_then(|c| line.get_mut(c))
            {
                *slot = Some(cell);
            }
        }
        let _ = write!(html, "<tr><th>{}</th>", esc(&row.period));
        for cell in line {
            html.push_str(&cell.map_or_else(
                || "<td></td>".to_owned(),
                |cell| paint(cell.change, cell_max, Some(&cell.period)),
            ));
        }
        let _ = write!(html, "{}</tr>", paint(row.change, row_max, None));
    }
    html.push_str("</tbody></table></div></figure>");
    html
}

/// A cell as deep in colour as its return is large. Without a name it shows its number.
fn paint(change: Stat, largest: f64, named: Option<&str>) -> String {
    let value = change.get().unwrap_or(0.0);
    let class = if value > 0.0 {
        "gain"
    } else if value < 0.0 {
        "loss"
    } else {
        "none"
    };
    let depth =
        if largest > 0.0 && value != 0.0 { 14.0 + 76.0 * value.abs() / largest } else { 0.0 };
    let shown = numbers::percent(change, true);
    match named {
        Some(name) => format!(
            "<td class={class} style=\"--depth:{depth:.0}%\" title=\"{}: {shown}\"></td>",
            esc(name)
        ),
        None => format!("<td class=\"{class} all\" style=\"--depth:{depth:.0}%\">{shown}</td>"),
    }
}
