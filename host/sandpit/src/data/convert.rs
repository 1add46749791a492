//! Text onto an instrument's grid, exactly, or a problem that says why not.

use sandpit_core::{
    instrument::Instrument,
    market::{
        Bar, DepthUpdate, Funding, Levels, MarketData, Quote, ReadingError, Trade, read_price,
        read_quantity, read_quote_side,
    },
    num::{Decimal, Price, Quantity, Rate, raw_at_scale},
    time::Nanos,
};
use sandpit_journal::tape::LEVELS_PER_SIDE_MAX;

use super::{
    RowProblem,
    row::{LevelText, RawData, quote},
};

fn decimal(text: &[u8]) -> Option<Decimal> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What numbers of one instrument are put on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid<'a> {
    pub(super) instrument: &'a Instrument,
    /// On both sides of quotes whose file has none.
    pub(super) assumed: Quantity,
    pub(super) rounds_volumes: bool,
}

impl Grid<'_> {
    /// What a row of any format but Binance's messages says. Counts volumes that it rounds.
    pub(super) fn convert(
        self,
        data: &RawData<'_>,
        volumes_rounded: &mut u64,
    ) -> Result<MarketData, RowProblem> {
        Ok(match data {
            RawData::Trade { price, quantity, aggressor, id } => {
                let trade = Trade {
                    price: self.price("price", price)?,
                    quantity: self.quantity("quantity", quantity)?,
                    aggressor: *aggressor,
                    id: *id,
                };
                if trade.quantity.is_zero() {
                    return Err(RowProblem::Zero { field: "quantity" });
                }
                MarketData::Trade(trade)
            }
            RawData::Quote { bid, ask, quantities } => {
                MarketData::Quote(self.best(bid, ask, *quantities)?)
            }
            RawData::Bar { interval, prices, volume } => {
                MarketData::Bar(self.bar(*interval, *prices, *volume, volumes_rounded)?)
            }
            RawData::Depth { snapshot, bids, asks } => MarketData::Depth(Box::new(DepthUpdate {
                snapshot: *snapshot,
                first_sequence: 0,
                last_sequence: 0,
                previous_sequence: 0,
                bids: self.levels(bids)?,
                asks: self.levels(asks)?,
            })),
            RawData::Mark { mark } => MarketData::Mark(self.mark(mark)?),
            RawData::Funding { rate, mark } => {
                let mark = self.mark(mark)?;
                let read = decimal(rate).and_then(Rate::from_decimal);
                let rate = read.ok_or_else(|| RowProblem::malformed("funding rate", rate))?;
                MarketData::Funding(Funding { rate, mark })
            }
            RawData::Binance(_) | RawData::Nothing(_) => {
                return Err(RowProblem::malformed("row of this format", b""));
            }
        })
    }

    /// A mark price is reckoned by the venue, not traded: it may be finer than the tick, and is
    /// rounded down to it.
    fn mark(self, text: &[u8]) -> Result<Price, RowProblem> {
        let read = decimal(text).and_then(|decimal| self.instrument.price_floor(decimal));
        match read {
            Some(price) if price.0 > 0 => Ok(price),
            Some(_) => Err(RowProblem::Zero { field: "mark price" }),
            None => Err(RowProblem::malformed("mark price", text)),
        }
    }

    fn price(self, field: &'static str, text: &[u8]) -> Result<Price, RowProblem> {
        read_price(self.instrument, text)
            .map_err(|problem| RowProblem::number(field, text, problem))
    }

    fn quantity(self, field: &'static str, text: &[u8]) -> Result<Quantity, RowProblem> {
        read_quantity(self.instrument, text)
            .map_err(|problem| RowProblem::number(field, text, problem))
    }

    fn best(
        self,
        bid: &[u8],
        ask: &[u8],
        quantities: Option<(&[u8], &[u8])>,
    ) -> Result<Quote, RowProblem> {
        let Some((bid_quantity, ask_quantity)) = quantities else {
            return Ok(Quote {
                bid_price: self.price("bid", bid)?,
                bid_quantity: self.assumed,
                ask_price: self.price("ask", ask)?,
                ask_quantity: self.assumed,
            });
        };
        let side = |field, price: &[u8], quantity: &[u8]| {
            read_quote_side(self.instrument, price, quantity).map_err(|problem| {
                let text = [quantity, b" at ", price].concat();
                RowProblem::number(field, &text, problem)
            })
        };
        let (bid_price, bid_quantity) = side("bid", bid, bid_quantity)?;
        let (ask_price, ask_quantity) = side("ask", ask, ask_quantity)?;
        Ok(Quote { bid_price, bid_quantity, ask_price, ask_quantity })
    }

    fn bar(
        self,
        interval: Nanos,
        [open, high, low, close]: [&[u8]; 4],
        volume: Option<&[u8]>,
        volumes_rounded: &mut u64,
    ) -> Result<Bar, RowProblem> {
        let bar = Bar {
            interval,
            open: self.price("open", open)?,
            high: self.price("high", high)?,
            low: self.price("low", low)?,
            close: self.price("close", close)?,
            volume: match volume {
                Some(text) => self.volume(text, volumes_rounded)?,
                None => Quantity::ZERO,
            },
        };
        let inside = |price| (bar.low..=bar.high).contains(&price);
        if inside(bar.open) && inside(bar.close) && interval.0 != 0 {
            Ok(bar)
        } else {
            Err(RowProblem::Bar)
        }
    }

    fn volume(self, text: &[u8], rounded: &mut u64) -> Result<Quantity, RowProblem> {
        match read_quantity(self.instrument, text) {
            Err(ReadingError::OffGrid) => {
                let fine = || RowProblem::FineVolume { text: quote(text) };
                let volume = round_half_even(text, self.instrument.quantity_scale());
                let volume = volume.filter(|_| self.rounds_volumes).ok_or_else(fine)?;
                *rounded += 1;
                Ok(volume)
            }
            volume => volume.map_err(|problem| RowProblem::number("volume", text, problem)),
        }
    }

    fn levels(self, levels: &[LevelText<'_>]) -> Result<Levels, RowProblem> {
        if levels.len() > LEVELS_PER_SIDE_MAX {
            return Err(RowProblem::Levels);
        }
        let level = |(price, quantity): &LevelText<'_>| {
            Ok((self.price("price", price)?, self.quantity("quantity", quantity)?))
        };
        levels.iter().map(level).collect()
    }
}

/// A plain decimal number at a scale that is coarser than it.
fn round_half_even(text: &[u8], scale: u8) -> Option<Quantity> {
    let point = memchr::memchr(b'.', text)?;
    let (kept, rest) = text.split_at_checked(point + 1 + usize::from(scale))?;
    // Without digits after it a point is no number.
    let kept = if scale == 0 { kept.strip_suffix(b".")? } else { kept };
    let raw = raw_at_scale(kept, scale).ok().filter(|raw| *raw >= 0)?;
    let (first, others) = rest.split_first()?;
    let more = others.iter().any(|digit| *digit != b'0');
    let up = *first > b'5' || (*first == b'5' && (more || raw % 2 == 1));
    let raw = raw.checked_add(i64::from(up))?;
    (raw <= Instrument::QUANTITY_MAX).then_some(Quantity(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        for (text, scale, raw) in [
            ("1.24", 1, 12),
            ("1.26", 1, 13),
            ("1.25", 1, 12),
            ("1.35", 1, 14),
            ("1.2500001", 1, 13),
            ("0.5", 0, 0),
            ("1.5", 0, 2),
            ("9.99", 1, 100),
            ("235431.18029999998", 6, 235_431_180_300),
        ] {
            assert_eq!(round_half_even(text.as_bytes(), scale), Some(Quantity(raw)), "{text}");
        }
        assert_eq!(round_half_even(b"-1.25", 1), None);
    }
}
