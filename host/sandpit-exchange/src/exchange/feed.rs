//! A market from outside: what a tape or a made-up market says becomes liquidity that users trade
//! with, and prints that fill their orders.
//!
//! What users take from a level is gone until the source says something new of it. A resting order
//! is filled by a print beyond its price, by a print at its price after what stood before it, and
//! by an offer of the other side that comes to its price. Where the source has nothing but trades,
//! one tick to each side of the last print the print's quantity is offered.

use sandpit_core::{
    instrument::Instrument,
    market::{Bar, DepthUpdate, MarketData, MarketEvent, Quote, Side},
    num::{Price, Quantity},
};

use super::{Exchange, matching::Deal};
use crate::{
    amount::Amount,
    order::{Order, SymbolId},
    words::SymbolStatus,
};

/// Why an instrument of the feed cannot be traded here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// There is no such symbol.
    #[error("the exchange has no symbol `{0}` for the instrument of the market")]
    NoSymbol(String),
    /// Its numbers do not fit.
    #[error("the numbers of `{0}` have more than 8 digits after the point")]
    TooPrecise(String),
}

/// How events of a feed become symbols and numbers of the exchange.
#[derive(Clone, Debug)]
pub(crate) struct FeedMap {
    /// By instrument: symbol, factors of prices and of quantities.
    entries: Vec<(SymbolId, i128, i128)>,
}

impl FeedMap {
    pub(crate) fn new(exchange: &Exchange, instruments: &[Instrument]) -> Result<Self, FeedError> {
        let mut entries = Vec::new();
        for instrument in instruments {
            let name = &instrument.spec().symbol;
            let symbol =
                exchange.symbol_of(name).ok_or_else(|| FeedError::NoSymbol(name.clone()))?;
            let factor = |scale: u8| {
                let digits = Amount::DIGITS.checked_sub(scale);
                digits.map(|digits| 10i128.pow(u32::from(digits)))
            };
            let price = factor(instrument.price_scale());
            let quantity = factor(instrument.quantity_scale());
            let (Some(price), Some(quantity)) = (price, quantity) else {
                return Err(FeedError::TooPrecise(name.clone()));
            };
            entries.push((symbol, price, quantity));
        }
        Ok(Self { entries })
    }
}

/// Numbers of one instrument in those of the exchange; `None` for what no market can have.
#[derive(Clone, Copy)]
struct Scale {
    price: i128,
    quantity: i128,
}

impl Scale {
    fn price(self, price: Price) -> Option<Amount> {
        let amount = Amount(i128::from(price.0) * self.price);
        (amount.is_positive() && amount <= Amount::MAX).then_some(amount)
    }

    fn quantity(self, quantity: Quantity) -> Option<Amount> {
        let amount = Amount(i128::from(quantity.0) * self.quantity);
        (amount >= Amount::ZERO && amount <= Amount::MAX).then_some(amount)
    }
}

impl Exchange {
    /// The market moved. The exchange's own clock says when; an instrument that the map does not
    /// have is passed over, and so is a symbol that does not trade.
    pub(crate) fn market(&mut self, map: &FeedMap, event: &MarketEvent, now_ms: u64) {
        let Some((symbol, price, quantity)) =
            map.entries.get(usize::from(event.instrument.0)).copied()
        else {
            return;
        };
        if self.markets[symbol].symbol.trading != SymbolStatus::Trading {
            return;
        }
        let scale = Scale { price, quantity };
        self.touched.insert(symbol);
        match &event.data {
            MarketData::Trade(trade) => {
                if let (Some(price), Some(quantity)) =
                    (scale.price(trade.price), scale.quantity(trade.quantity))
                {
                    self.tape_trade(symbol, price, quantity, trade.aggressor, now_ms);
                }
            }
            MarketData::Quote(quote) => self.quote(symbol, scale, quote),
            MarketData::Depth(update) => self.depth(symbol, scale, update),
            MarketData::Bar(bar) => self.bar(symbol, scale, bar, now_ms),
            // A spot market has neither.
            MarketData::Mark(_) | MarketData::Funding(_) => {}
        }
        self.cross(symbol, now_ms);
        self.finish(now_ms);
    }

    fn set_level(&mut self, symbol: SymbolId, side: Side, price: Amount, quantity: Amount) {
        let market = &mut self.markets[symbol];
        if market.book.set_external(side, price, quantity) {
            market.touch(side, price);
        }
    }

    /// Makes a level all that there is from outside on a side.
    fn only_level(&mut self, symbol: SymbolId, side: Side, price: Amount, quantity: Amount) {
        for other in self.markets[symbol].book.external_prices(side) {
            if other != price {
                self.set_level(symbol, side, other, Amount::ZERO);
            }
        }
        self.set_level(symbol, side, price, quantity);
    }

    fn quote(&mut self, symbol: SymbolId, scale: Scale, quote: &Quote) {
        let market = &mut self.markets[symbol];
        market.has_quotes = true;
        if market.has_depth {
            return;
        }
        let sides = [
            (Side::Buy, quote.bid_price, quote.bid_quantity),
            (Side::Sell, quote.ask_price, quote.ask_quantity),
        ];
        for (index, (side, price, quantity)) in sides.into_iter().enumerate() {
            let Some(quantity) = scale.quantity(quantity) else { continue };
            let Some(price) = scale.price(price) else { continue };
            let said = &mut self.markets[symbol].said[index];
            if *said != Some((price, quantity)) {
                *said = Some((price, quantity));
                self.only_level(symbol, side, price, quantity);
            }
        }
    }

    fn depth(&mut self, symbol: SymbolId, scale: Scale, update: &DepthUpdate) {
        let first = !std::mem::replace(&mut self.markets[symbol].has_depth, true);
        for (side, levels) in [(Side::Buy, &update.bids), (Side::Sell, &update.asks)] {
            if update.snapshot || first {
                for price in self.markets[symbol].book.external_prices(side) {
                    self.set_level(symbol, side, price, Amount::ZERO);
                }
            }
            for (price, quantity) in levels {
                if let (Some(price), Some(quantity)) =
                    (scale.price(*price), scale.quantity(*quantity))
                {
                    self.set_level(symbol, side, price, quantity);
                }
            }
        }
        // A source whose own sides cross has no market at that moment.
        while let (Some((bid, _)), Some((ask, _))) = (
            self.markets[symbol].book.best_external(Side::Buy),
            self.markets[symbol].book.best_external(Side::Sell),
        ) {
            if bid < ask {
                break;
            }
            self.set_level(symbol, Side::Buy, bid, Amount::ZERO);
            self.set_level(symbol, Side::Sell, ask, Amount::ZERO);
        }
    }

    /// A bar as four prints.
    fn bar(&mut self, symbol: SymbolId, scale: Scale, bar: &Bar, now_ms: u64) {
        let low_first = bar.open.0 - bar.low.0 <= bar.high.0 - bar.open.0;
        let (a, b) = if low_first { (bar.low, bar.high) } else { (bar.high, bar.low) };
        let step = self.markets[symbol].symbol.rules.quantity_step;
        let volume = scale.quantity(bar.volume).unwrap_or_default();
        let part = Amount(volume.0 / 4 - (volume.0 / 4) % step.0).max(step);
        for price in [bar.open, a, b, bar.close] {
            if let Some(price) = scale.price(price) {
                self.tape_trade(symbol, price, part, None, now_ms);
                self.cross(symbol, now_ms);
            }
        }
    }

    /// A print of the source: users' orders that it passes get what it has, the rest is public as
    /// it is.
    fn tape_trade(
        &mut self,
        symbol: SymbolId,
        price: Amount,
        quantity: Amount,
        aggressor: Option<Side>,
        now_ms: u64,
    ) {
        if !quantity.is_positive() {
            return;
        }
        let mut left = quantity;
        for taker in [Side::Sell, Side::Buy] {
            if aggressor.is_none_or(|side| side == taker) {
                left = self.print_fills(symbol, taker, price, left, now_ms);
            }
        }
        let market = &self.markets[symbol];
        let taker_side = aggressor.unwrap_or_else(|| {
            let up = market.last.is_none_or(|last| price >= last);
            if up { Side::Buy } else { Side::Sell }
        });
        if left.is_positive() {
            self.print(&Deal { symbol, taker_side, price, quantity: left }, now_ms);
        }
        let market = &self.markets[symbol];
        if market.has_depth || market.has_quotes {
            return;
        }
        let tick = market.symbol.rules.price_tick;
        self.only_level(symbol, Side::Sell, price + tick, quantity);
        if price > tick {
            self.only_level(symbol, Side::Buy, price - tick, quantity);
        }
    }

    /// Fills resting orders by a print of a taker; gives what of it was with others.
    fn print_fills(
        &mut self,
        symbol: SymbolId,
        taker: Side,
        price: Amount,
        quantity: Amount,
        now_ms: u64,
    ) -> Amount {
        let side = taker.opposite();
        let (mut left, mut passed) = (quantity, Amount::ZERO);
        while left.is_positive() {
            let Some(best) = self.markets[symbol].book.best_user(side) else { break };
            let through = if side == Side::Buy { best > price } else { best < price };
            if !through && best != price {
                break;
            }
            let queue = self.markets[symbol].book.queue(side, best);
            if !through {
                let before = self.pass_queue(&queue, left);
                passed += before;
                left -= before;
            }
            let Some(maker) = queue.first().copied().filter(|_| left.is_positive()) else { break };
            let Some(order) = self.orders.get(&maker) else { break };
            let traded = left.min(order.shown);
            if !traded.is_positive() {
                break;
            }
            left -= traded;
            let deal = Deal { symbol, taker_side: taker, price: best, quantity: traded };
            self.trade(None, Some(maker), &deal, now_ms);
        }
        left + passed
    }

    /// What stood before the first order of a queue goes first; gives how much that is.
    fn pass_queue(&mut self, queue: &[u64], left: Amount) -> Amount {
        let first = queue.first().and_then(|id| self.orders.get(id));
        let before = first.map_or(Amount::ZERO, |order| order.ahead).min(left);
        for id in queue {
            if let Some(order) = self.orders.get_mut(id) {
                order.ahead = (order.ahead - before).max(Amount::ZERO);
            }
        }
        before
    }

    /// Offers from outside that have come to users' orders fill them; what stands before an order
    /// is never more than what is there.
    fn cross(&mut self, symbol: SymbolId, now_ms: u64) {
        for side in [Side::Buy, Side::Sell] {
            while let (Some(best), Some((price, offered))) = (
                self.markets[symbol].book.best_user(side),
                self.markets[symbol].book.best_external(side.opposite()),
            ) {
                let meets = if side == Side::Buy { price <= best } else { price >= best };
                let maker = self.markets[symbol].book.queue(side, best).first().copied();
                let Some(maker) = maker.filter(|_| meets) else { break };
                let shown = self.orders.get(&maker).map_or(Amount::ZERO, |order| order.shown);
                let quantity = offered.min(shown);
                if !quantity.is_positive() {
                    break;
                }
                self.set_level(symbol, side.opposite(), price, offered - quantity);
                let deal = Deal { symbol, taker_side: side.opposite(), price: best, quantity };
                self.trade(None, Some(maker), &deal, now_ms);
            }
            let market = &self.markets[symbol];
            let Some(best) = market.book.best_user(side) else { continue };
            let there = market.book.external(side, best);
            for id in market.book.queue(side, best) {
                self.orders
                    .entry(id)
                    .and_modify(|order: &mut Order| order.ahead = order.ahead.min(there));
            }
        }
    }
}
