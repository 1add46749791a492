//! Orders that wait for a price: stops, take-profits, trailing stops.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    ids::ClientOrderId,
    market::Side,
    num::Price,
    order::{OrderKind, TrailingOffset},
};

/// What triggers look at: what buyers see and what sellers see. A print is both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) buy: Option<Price>,
    pub(super) sell: Option<Price>,
}

impl Sight {
    pub(super) const fn print(price: Price) -> Self {
        Self { buy: Some(price), sell: Some(price) }
    }

    pub(super) const fn of(self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.buy,
            Side::Sell => self.sell,
        }
    }
}

/// Whether an order of this kind fires when the market is at or above its trigger.
pub(super) fn is_rising(side: Side, kind: OrderKind) -> bool {
    (side == Side::Buy) != matches!(kind, OrderKind::TakeProfit(_))
}

/// A trailing stop: where the market was best since it was placed, and where it fires.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail {
    id: ClientOrderId,
    side: Side,
    offset: TrailingOffset,
    best: Price,
    trigger: Price,
}

impl Trail {
    pub(super) fn new(
        id: ClientOrderId,
        side: Side,
        offset: TrailingOffset,
        best: Price,
        tick: Price,
    ) -> Self {
        Self { id, side, offset, best, trigger: trailing_trigger(side, offset, best, tick) }
    }

    /// Follows the market to a better price, and says whether it fires where the market is.
    fn see(&mut self, seen: Price, tick: Price) -> bool {
        let (better, fires) = match self.side {
            Side::Buy => (seen < self.best, seen >= self.trigger),
            Side::Sell => (seen > self.best, seen <= self.trigger),
        };
        if better {
            *self = Self::new(self.id, self.side, self.offset, seen, tick);
        }
        fires && !better
    }
}

/// `best` moved by the offset, rounded to the tick away from the market.
fn trailing_trigger(side: Side, offset: TrailingOffset, best: Price, tick: Price) -> Price {
    /// One, in hundredths of a percent.
    const WHOLE: i128 = 10_000;
    let distance = match offset {
        TrailingOffset::Price(distance) => distance.0,
        TrailingOffset::BasisPoints(points) => {
            let exact = i128::from(best.0) * i128::from(points);
            let per_tick = WHOLE * i128::from(tick.0);
            let ticks = exact.div_euclid(per_tick) + i128::from(exact.rem_euclid(per_tick) != 0);
            i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(tick.0)
        }
    };
    Price(match side {
        Side::Buy => best.0.saturating_add(distance),
        Side::Sell => best.0.saturating_sub(distance),
    })
}

/// Orders with a fixed trigger. Keys sort the trigger that the market meets first to the front,
/// the earliest arrival first within it.
type Ladder = BTreeMap<(i64, u64), (ClientOrderId, Side)>;

/// Orders of one instrument.
#[derive(Clone, Debug, Default)]
pub(super) struct Triggers {
    rising: Ladder,
    falling: Ladder,
    /// By arrival. Every one is looked at when the market moves: each has its own best price.
    trailing: BTreeMap<u64, Trail>,
}

impl Triggers {
    pub(super) fn insert(
        &mut self,
        rising: bool,
        price: Price,
        arrival: u64,
        order: (ClientOrderId, Side),
    ) {
        let key = (rank(rising, price.0), arrival);
        self.ladder_mut(rising).insert(key, order);
    }

    pub(super) fn remove(&mut self, rising: bool, price: Price, arrival: u64) {
        let key = (rank(rising, price.0), arrival);
        self.ladder_mut(rising).remove(&key);
    }

    pub(super) fn insert_trailing(&mut self, arrival: u64, trail: Trail) {
        self.trailing.insert(arrival, trail);
    }

    pub(super) fn remove_trailing(&mut self, arrival: u64) -> Option<Trail> {
        self.trailing.remove(&arrival)
    }

    /// Lets trailing stops follow the market, and lists the orders that fire where it is: fixed
    /// triggers, nearest first, then trailing ones, earliest first.
    pub(super) fn reach(&mut self, sight: Sight, tick: Price, out: &mut Vec<ClientOrderId>) {
        for rising in [true, false] {
            let seen = |side| sight.of(side).map(|price| rank(rising, price.0));
            // The two sides see different prices: the walk goes as far as one of them sees.
            let Some(farthest) = seen(Side::Buy).max(seen(Side::Sell)) else {
                continue;
            };
            let ladder = self.ladder(rising).iter();
            let passed = ladder.take_while(|((at, _), _)| *at <= farthest);
            let fired = passed.filter(|((at, _), (_, side))| seen(*side) >= Some(*at));
            out.extend(fired.map(|(_, (id, _))| *id));
        }
        for trail in self.trailing.values_mut() {
            if let Some(seen) = sight.of(trail.side)
                && trail.see(seen, tick)
            {
                out.push(trail.id);
            }
        }
    }

    /// The first trigger strictly between `from` and `to` that a market meets on its way.
    pub(super) fn between(&self, from: Price, to: Price) -> Option<Price> {
        let rising = from < to;
        let side = if rising { Side::Buy } else { Side::Sell };
        let rank = |price| rank(rising, price);
        let fixed = self.ladder(rising).first_key_value();
        let trailing = self.trailing.values().filter(|trail| trail.side == side);
        fixed
            .map(|((at, _), _)| *at)
            .into_iter()
            .chain(trailing.map(|trail| rank(trail.trigger.0)))
            .filter(|at| (rank(from.0) + 1..rank(to.0)).contains(at))
            .min()
            .map(|at| Price(rank(at)))
    }

    const fn ladder(&self, rising: bool) -> &Ladder {
        if rising { &self.rising } else { &self.falling }
    }

    const fn ladder_mut(&mut self, rising: bool) -> &mut Ladder {
        if rising { &mut self.rising } else { &mut self.falling }
    }
}

/// Grows in the market's direction; the rank of a rank is the price again.
const fn rank(rising: bool, price: i64) -> i64 {
    // `!` turns the order around as a minus does, but there is no number whose turn does not fit.
    if rising { price } else { !price }
}
