//! Random but repeatable markets and orders, made from the numbers that proptest gives. Few prices
//! and small quantities, so that everything meets everything.

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    intent::TimeInForce,
    market::{Bar, DepthUpdate, Levels, MarketData, Quote, Side, Trade},
    num::{Price, Quantity},
    order::{Order, OrderKind, TrailingOffset},
    time::{Nanos, UnixNanos},
};

/// What the tape has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Market {
    Trades,
    /// And trades.
    Quotes,
    /// And trades.
    Book,
    Bars,
    /// All of it, with numbers that no market and no account has.
    Hostile,
}

const HOSTILE: [i64; 8] =
    [i64::MIN, -1_000_000_000_000_000, -1, 0, 1, 100, 1_000_000_000_000_000, i64::MAX];

/// Numbers until there are no more; then zeros.
pub(crate) struct Dice {
    numbers: std::vec::IntoIter<u16>,
}

impl Dice {
    pub(crate) fn new(numbers: Vec<u16>) -> Self {
        Self { numbers: numbers.into_iter() }
    }

    pub(crate) fn are_left(&self) -> bool {
        self.numbers.len() > 0
    }

    pub(crate) fn roll(&mut self, sides: u16) -> u16 {
        self.numbers.next().unwrap_or(0) % sides
    }

    pub(crate) fn pick(&mut self, ids: &[ClientOrderId]) -> ClientOrderId {
        let at = usize::from(self.roll(u16::MAX));
        // The latest most often: the earlier are over.
        let back = (at % 7) % ids.len().max(1);
        ids.iter().rev().nth(back).copied().unwrap_or(order_id(0, 0))
    }

    fn price(&mut self, market: Market) -> Price {
        match market {
            Market::Hostile if self.roll(4) == 0 => Price(HOSTILE[usize::from(self.roll(8))]),
            _ => Price(95 + i64::from(self.roll(11))),
        }
    }

    fn quantity(&mut self, market: Market) -> Quantity {
        match market {
            Market::Hostile if self.roll(4) == 0 => Quantity(HOSTILE[usize::from(self.roll(8))]),
            _ => Quantity(1 + i64::from(self.roll(20))),
        }
    }

    pub(crate) fn market(&mut self, market: Market) -> MarketData {
        let what = match market {
            Market::Trades => 0,
            Market::Quotes => self.roll(2),
            Market::Book => 2 * self.roll(2),
            Market::Bars => 3,
            Market::Hostile => self.roll(4),
        };
        match what {
            0 => MarketData::Trade(self.trade(market)),
            1 => MarketData::Quote(self.quote(market)),
            2 => MarketData::Depth(Box::new(self.depth(market))),
            _ => MarketData::Bar(self.bar(market)),
        }
    }

    fn trade(&mut self, market: Market) -> Trade {
        Trade {
            price: self.price(market),
            quantity: self.quantity(market),
            aggressor: [None, Some(Side::Buy), Some(Side::Sell)][usize::from(self.roll(3))],
            id: 0,
        }
    }

    pub(crate) fn quote(&mut self, market: Market) -> Quote {
        let bid_price = self.price(market);
        Quote {
            bid_price,
            bid_quantity: self.shown(market),
            ask_price: Price(bid_price.0.saturating_add(1 + i64::from(self.roll(3)))),
            ask_quantity: self.shown(market),
        }
    }

    /// Now and then a side is empty.
    fn shown(&mut self, market: Market) -> Quantity {
        if self.roll(8) == 0 { Quantity::ZERO } else { self.quantity(market) }
    }

    /// Always all of the book; hostile ones also change it.
    pub(crate) fn depth(&mut self, market: Market) -> DepthUpdate {
        let best_bid = self.price(market).0;
        let best_ask = best_bid.saturating_add(1 + i64::from(self.roll(3)));
        let bids: Levels = (0..i64::from(self.roll(5)))
            .map(|level| (Price(best_bid.saturating_sub(level)), self.quantity(market)))
            .collect();
        let asks: Levels = (0..i64::from(self.roll(5)))
            .map(|level| (Price(best_ask.saturating_add(level)), self.quantity(market)))
            .collect();
        let hostile = market == Market::Hostile;
        let sequence = if hostile { u64::from(self.roll(4)) } else { 0 };
        DepthUpdate {
            snapshot: !hostile || self.roll(2) == 0,
            first_sequence: sequence,
            last_sequence: if sequence == 3 { u64::MAX } else { sequence },
            previous_sequence: 0,
            bids,
            asks,
        }
    }

    fn bar(&mut self, market: Market) -> Bar {
        let (open, close) = (self.price(market), self.price(market));
        let (up, down) = (i64::from(self.roll(5)), i64::from(self.roll(5)));
        Bar {
            interval: Nanos(1),
            open,
            high: Price(open.max(close).0.saturating_add(up)),
            low: Price(open.min(close).0.saturating_sub(down)),
            close,
            volume: Quantity(self.quantity(market).0.saturating_mul(3)),
        }
    }

    pub(crate) fn order(&mut self, sequence: u64, market: Market) -> Order {
        let price = self.price(market);
        Order {
            id: order_id(sequence, self.roll(2)),
            tag: OrderTag(sequence),
            instrument: InstrumentId(u16::from(market == Market::Hostile && self.roll(20) == 0)),
            side: if self.roll(2) == 0 { Side::Buy } else { Side::Sell },
            quantity: self.quantity(market),
            kind: match self.roll(10) {
                0 | 1 => OrderKind::Market,
                2 => OrderKind::Stop(price),
                3 => OrderKind::TakeProfit(price),
                4 => OrderKind::StopLimit { trigger: price, limit: self.price(market) },
                5 => OrderKind::TrailingStop(TrailingOffset::Price(Price(
                    1 + i64::from(self.roll(4)),
                ))),
                6 => OrderKind::TrailingStop(TrailingOffset::BasisPoints(1 + self.roll(9_999))),
                _ => OrderKind::Limit(price),
            },
            time_in_force: match self.roll(8) {
                0 => TimeInForce::Ioc,
                1 => TimeInForce::Fok,
                2 => TimeInForce::Gtd(UnixNanos(sequence + u64::from(self.roll(20)))),
                _ => TimeInForce::Gtc,
            },
            post_only: self.roll(4) == 0,
            reduce_only: self.roll(4) == 0,
        }
    }

    pub(crate) fn change(&mut self, market: Market) -> (Option<Quantity>, Option<Price>) {
        let (quantity, price) = (self.quantity(market), self.price(market));
        let which = self.roll(4);
        ((which != 1).then_some(quantity), (which == 1 || which == 2).then_some(price))
    }
}

fn order_id(sequence: u64, plugin: u16) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(plugin), run: RunId(0) }
}
