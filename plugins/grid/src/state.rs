//! The grid between two instances, as lines of text: the reference, then one line each.

use sandpit_sdk::prelude::*;

use super::{Grid, Leg, Line};

/// Layout of this text.
pub(super) const SCHEMA: u32 = 1;

pub(super) fn save(grid: &Grid) -> Vec<u8> {
    let Some(reference) = grid.reference else {
        return Vec::new();
    };
    let mut text = format!("{reference}\n");
    for Line { leg, remaining, order } in &grid.lines {
        let leg = if *leg == Leg::Buy { "buy" } else { "sell" };
        let tag = order.map_or_else(|| "-".to_owned(), |tag| tag.0.to_string());
        text += &format!("{leg} {remaining} {tag}\n");
    }
    text.into_bytes()
}

/// Takes over what an earlier instance saved; a grid of another size is refused, since its orders
/// would belong to nobody.
pub(super) fn restore(grid: &mut Grid, data: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(data).map_err(|_| "the saved grid is not text".to_owned())?;
    let mut rows = text.lines();
    let Some(reference) = rows.next() else {
        return Ok(());
    };
    let number =
        |text: &str| text.parse::<Decimal>().map_err(|error| format!("`{text}` is {error}"));
    let lines = rows
        .map(|row| {
            let mut words = row.split(' ');
            let (Some(leg), Some(remaining), Some(tag)) =
                (words.next(), words.next(), words.next())
            else {
                return Err(format!("`{row}` is no line of a grid"));
            };
            let leg = if leg == "buy" { Leg::Buy } else { Leg::Sell };
            Ok(Line { leg, remaining: number(remaining)?, order: tag.parse().ok().map(OrderTag) })
        })
        .collect::<Result<Vec<Line>, String>>()?;
    if lines.len() != grid.lines.len() {
        return Err(format!("the saved grid has {} lines", lines.len()));
    }
    grid.reference = Some(number(reference)?);
    grid.lines = lines;
    Ok(())
}
