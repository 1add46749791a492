//! One order against all filters.

use std::cmp::Ordering;

use sandpit_core::{market::Side, num::Decimal};

use super::{
    Filter, FilterKind, Reference, SymbolRules,
    arithmetic::{is_multiple, parts, product_cmp},
};
use crate::binance::{
    number::Amount,
    request::{NewOrder, NewOrderKind, Size, Trigger},
};

/// How many orders are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenCounts {
    /// All, those with a trigger and icebergs among them.
    pub orders: u32,
    /// Those with a trigger.
    pub algo_orders: u32,
    /// Icebergs.
    pub iceberg_orders: u32,
    /// Lists.
    pub lists: u32,
}

/// What the filters compare with. `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterState {
    /// The last price.
    pub last_price: Option<Decimal>,
    /// The venue's average price.
    pub average_price: Option<Decimal>,
    /// On the symbol.
    pub symbol: OpenCounts,
    /// On the whole exchange.
    pub exchange: OpenCounts,
    /// What the account has of the base asset, free and locked, and what its open orders may buy.
    pub position: Option<Amount>,
}

/// How a filter is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Below its least number.
    TooLow,
    /// Above its greatest number.
    TooHigh,
    /// No multiple of its step.
    OffStep,
    /// There are as many as may be.
    TooMany,
}

/// A filter that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub filter: FilterKind,
    /// How it is broken.
    pub breach: Breach,
}

/// What the filters say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first that refuses.
    pub refused: Option<Refusal>,
    /// Those that could not be asked, since what they compare with is not known.
    pub unchecked: Vec<FilterKind>,
}

/// What one filter says.
enum Answer {
    Passes,
    Refuses(Breach),
    CannotSay,
}

use Answer::{CannotSay, Passes, Refuses};

/// Zero switches a bound off.
fn within(number: Decimal, min: Decimal, max: Decimal) -> Answer {
    if min.mantissa != 0 && number < min {
        Refuses(Breach::TooLow)
    } else if max.mantissa != 0 && number > max {
        Refuses(Breach::TooHigh)
    } else {
        Passes
    }
}

fn within_steps(number: Decimal, min: Decimal, max: Decimal, step: Decimal) -> Answer {
    match within(number, min, max) {
        Passes if step.mantissa != 0 && !is_multiple(number, step) => Refuses(Breach::OffStep),
        answer => answer,
    }
}

fn first(answers: impl IntoIterator<Item = Answer>) -> Answer {
    let mut worst = Passes;
    for answer in answers {
        match answer {
            Refuses(breach) => return Refuses(breach),
            CannotSay => worst = CannotSay,
            Passes => {}
        }
    }
    worst
}

fn room(open: u32, more: u32, max: u32) -> Answer {
    if open.saturating_add(more) > max { Refuses(Breach::TooMany) } else { Passes }
}

struct Checker<'c> {
    order: &'c NewOrder<'c>,
    rules: &'c SymbolRules,
    state: &'c FilterState,
}

impl Checker<'_> {
    fn ask(&self, filter: &Filter) -> Answer {
        let (symbol, exchange) = (&self.state.symbol, &self.state.exchange);
        let algo = u32::from(self.order.kind.trigger().is_some());
        let iceberg = u32::from(self.order.iceberg.is_some());
        match filter {
            Filter::Price { min, max, tick } => {
                let stop = self.order.kind.trigger().and_then(Trigger::price);
                let prices = self.order.kind.price().into_iter().chain(stop);
                first(prices.map(|price| within_steps(price, *min, *max, *tick)))
            }
            Filter::PercentPrice { up, down, reference } => self.percent(*up, *down, *reference),
            Filter::PercentPriceBySide { bid_up, bid_down, ask_up, ask_down, reference } => {
                match self.order.side {
                    Side::Buy => self.percent(*bid_up, *bid_down, *reference),
                    Side::Sell => self.percent(*ask_up, *ask_down, *reference),
                }
            }
            Filter::LotSize { min, max, step } => {
                let quantities = self.quantity().into_iter().chain(self.order.iceberg);
                first(quantities.map(|quantity| within_steps(quantity, *min, *max, *step)))
            }
            Filter::MarketLotSize { min, max, step } => match self.quantity() {
                Some(quantity) if self.is_market() => within_steps(quantity, *min, *max, *step),
                _ => Passes,
            },
            Filter::MinNotional { min, market, reference } => {
                self.notional(Some((*min, *market)), None, *reference)
            }
            Filter::Notional { min, min_to_market, max, max_to_market, reference } => self
                .notional(Some((*min, *min_to_market)), Some((*max, *max_to_market)), *reference),
            Filter::IcebergParts(limit) => self.iceberg_parts(*limit),
            Filter::MaxNumOrders(max) => room(symbol.orders, 1, *max),
            Filter::MaxNumAlgoOrders(max) if algo > 0 => room(symbol.algo_orders, algo, *max),
            Filter::MaxNumIcebergOrders(max) if iceberg > 0 => {
                room(symbol.iceberg_orders, iceberg, *max)
            }
            Filter::ExchangeMaxNumOrders(max) => room(exchange.orders, 1, *max),
            Filter::ExchangeMaxNumAlgoOrders(max) if algo > 0 => {
                room(exchange.algo_orders, algo, *max)
            }
            Filter::ExchangeMaxNumIcebergOrders(max) if iceberg > 0 => {
                room(exchange.iceberg_orders, iceberg, *max)
            }
            Filter::MaxPosition(max) => self.max_position(*max),
            Filter::TrailingDelta { above, below } => self.trailing(*above, *below),
            Filter::MaxAsset { asset, limit } => self.max_asset(asset, *limit),
            // Not about single orders, or not about this one.
            Filter::MaxNumAlgoOrders(_)
            | Filter::MaxNumIcebergOrders(_)
            | Filter::ExchangeMaxNumAlgoOrders(_)
            | Filter::ExchangeMaxNumIcebergOrders(_)
            | Filter::MaxNumOrderAmends(_)
            | Filter::MaxNumOrderLists(_)
            | Filter::ExchangeMaxNumOrderLists(_)
            | Filter::Unknown(_) => Passes,
        }
    }

    fn is_market(&self) -> bool {
        self.order.kind == NewOrderKind::Market
    }

    fn quantity(&self) -> Option<Decimal> {
        match self.order.size {
            Size::Base(quantity) => Some(quantity),
            Size::Quote(_) => None,
        }
    }

    fn reference(&self, reference: Reference) -> Option<Decimal> {
        match reference {
            Reference::Last => self.state.last_price,
            Reference::Average(_) => self.state.average_price,
        }
    }

    fn percent(&self, up: Decimal, down: Decimal, reference: Reference) -> Answer {
        let Some(price) = self.order.kind.price() else { return Passes };
        let Some(average) = self.reference(reference) else { return CannotSay };
        if product_cmp(average, up, price) == Ordering::Less {
            Refuses(Breach::TooHigh)
        } else if product_cmp(average, down, price) == Ordering::Greater {
            Refuses(Breach::TooLow)
        } else {
            Passes
        }
    }

    /// A bound comes with whether it holds for orders without a price.
    fn notional(
        &self,
        min: Option<(Decimal, bool)>,
        max: Option<(Decimal, bool)>,
        reference: Reference,
    ) -> Answer {
        let price = self.order.kind.price();
        let applies = |bound: Option<(Decimal, bool)>| {
            bound.filter(|(_, to_market)| price.is_some() || *to_market).map(|(bound, _)| bound)
        };
        let (min, max) = (applies(min), applies(max));
        if min.is_none() && max.is_none() {
            return Passes;
        }
        let (worth, price) = match self.order.size {
            Size::Quote(amount) => (amount, Decimal::new(1, 0)),
            Size::Base(quantity) => match price.or_else(|| self.reference(reference)) {
                Some(price) => (quantity, price),
                None => return CannotSay,
            },
        };
        if min.is_some_and(|min| product_cmp(worth, price, min) == Ordering::Less) {
            Refuses(Breach::TooLow)
        } else if max.is_some_and(|max| product_cmp(worth, price, max) == Ordering::Greater) {
            Refuses(Breach::TooHigh)
        } else {
            Passes
        }
    }

    fn iceberg_parts(&self, limit: u32) -> Answer {
        match (self.quantity(), self.order.iceberg) {
            (Some(quantity), Some(shown)) => match parts(quantity, shown) {
                Some(parts) if parts <= i128::from(limit) => Passes,
                _ => Refuses(Breach::TooMany),
            },
            _ => Passes,
        }
    }

    fn max_position(&self, max: Decimal) -> Answer {
        if self.order.side == Side::Sell {
            return Passes;
        }
        let (Some(position), Some(quantity)) = (self.state.position, self.quantity()) else {
            return CannotSay;
        };
        let amount = |number: Decimal| {
            i128::from(number.mantissa)
                * 10i128.pow(u32::from(Amount::SCALE.saturating_sub(number.scale)))
        };
        match position.0.checked_add(amount(quantity)) {
            Some(sum) if sum <= amount(max) => Passes,
            _ => Refuses(Breach::TooHigh),
        }
    }

    fn trailing(&self, above: (u32, u32), below: (u32, u32)) -> Answer {
        let Some(delta) = self.order.kind.trigger().and_then(Trigger::delta) else {
            return Passes;
        };
        let stops = matches!(
            self.order.kind,
            NewOrderKind::StopLoss { .. } | NewOrderKind::StopLossLimit { .. }
        );
        // Whether it triggers above the market.
        let (min, max) = if stops == (self.order.side == Side::Buy) { above } else { below };
        let delta = u32::from(delta);
        if delta < min {
            Refuses(Breach::TooLow)
        } else if delta > max {
            Refuses(Breach::TooHigh)
        } else {
            Passes
        }
    }

    fn max_asset(&self, asset: &str, limit: Decimal) -> Answer {
        if asset == self.rules.base {
            match self.quantity() {
                Some(quantity) if quantity > limit => Refuses(Breach::TooHigh),
                Some(_) => Passes,
                None => CannotSay,
            }
        } else if asset == self.rules.quote {
            self.notional(None, Some((limit, true)), Reference::Last)
        } else {
            Passes
        }
    }
}

/// Asks all filters of a symbol, then those of the exchange, about one order.
#[must_use]
pub fn check(
    order: &NewOrder<'_>,
    rules: &SymbolRules,
    exchange_filters: &[Filter],
    state: &FilterState,
) -> Verdict {
    let checker = Checker { order, rules, state };
    let mut verdict = Verdict::default();
    for filter in rules.filters.iter().chain(exchange_filters) {
        let answer = checker.ask(filter);
        let Some(kind) = filter.kind() else { continue };
        match answer {
            Passes => {}
            CannotSay => verdict.unchecked.push(kind),
            Refuses(breach) => {
                verdict.refused = Some(Refusal { filter: kind, breach });
                return verdict;
            }
        }
    }
    verdict
}

/// Asks whether an order that was amended so many times may be amended once more.
#[must_use]
pub fn check_amend(amends: u32, rules: &SymbolRules) -> Option<Refusal> {
    rules.filters.iter().find_map(|filter| match filter {
        Filter::MaxNumOrderAmends(max) if amends >= *max => {
            Some(Refusal { filter: FilterKind::MaxNumOrderAmends, breach: Breach::TooMany })
        }
        _ => None,
    })
}

/// Asks whether one more list of so many orders may be placed. Each of its orders is asked about
/// with [`check`], too.
#[must_use]
pub fn check_list(
    orders: u32,
    rules: &SymbolRules,
    exchange_filters: &[Filter],
    state: &FilterState,
) -> Option<Refusal> {
    rules.filters.iter().chain(exchange_filters).find_map(|filter| {
        let answer = match filter {
            Filter::MaxNumOrderLists(max) => room(state.symbol.lists, 1, *max),
            Filter::ExchangeMaxNumOrderLists(max) => room(state.exchange.lists, 1, *max),
            Filter::MaxNumOrders(max) => room(state.symbol.orders, orders, *max),
            Filter::ExchangeMaxNumOrders(max) => room(state.exchange.orders, orders, *max),
            _ => Passes,
        };
        match answer {
            Refuses(breach) => Some(Refusal { filter: filter.kind()?, breach }),
            Passes | CannotSay => None,
        }
    })
}

#[cfg(test)]
mod tests;
