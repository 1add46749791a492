//! A symbol's rules: how they are told, and an order against each filter.
//!
//! Source: the official document "Filters".

use sandpit_core::market::Side;
use serde_json::{Value, json};

use crate::{
    amount::Amount,
    config::{ConfigError, SymbolConfig},
    order::NewOrder,
    refusal::Refusal,
    words::{Kind, Stp, SymbolStatus},
};

/// Minutes of the average price.
pub(crate) const AVERAGE_MINUTES: u64 = 5;
/// In how many parts an iceberg may show itself.
const ICEBERG_PARTS_MAX: i128 = 10;
/// Bounds of a trailing distance, in hundredths of a percent.
const TRAILING: (u32, u32) = (10, 2_000);
/// Largest price that is taken.
const PRICE_MAX: Amount = Amount(1_000_000 * Amount::ONE.0);
/// Minutes before the begin of the exchange.
const HISTORY_MINUTES_MAX: u32 = 100_000;
/// Open orders of one account over all symbols.
pub(crate) const EXCHANGE_ORDERS_MAX: u32 = 1_000;

/// A symbol, checked.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) rules: SymbolConfig,
    /// Index of the base asset.
    pub(crate) base: usize,
    /// Index of the quote asset.
    pub(crate) quote: usize,
    pub(crate) stp: Stp,
    pub(crate) trading: SymbolStatus,
}

/// What the filters compare with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) average: Option<Amount>,
    /// Open orders of the account on the symbol.
    pub(crate) orders: u32,
    /// Those with a trigger.
    pub(crate) algo: u32,
    /// Open orders of the account everywhere.
    pub(crate) everywhere: u32,
    /// What the account has of the base asset and may buy.
    pub(crate) position: Amount,
}

impl Symbol {
    pub(crate) fn new(rules: SymbolConfig, base: usize, quote: usize) -> Result<Self, ConfigError> {
        let wrong = |problem| Err(ConfigError::wrong("symbol", &rules.name, problem));
        let is_name = |name: &str, max: usize| {
            (1..=max).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        if !is_name(&rules.name, 32) || !is_name(&rules.base, 16) || !is_name(&rules.quote, 16) {
            return wrong("names are capital letters and digits, at most 32 and 16 of them");
        }
        if !rules.price_tick.is_positive() || !rules.quantity_step.is_positive() {
            return wrong("price_tick and quantity_step must be greater than zero");
        }
        if rules.price_tick.scale() + rules.quantity_step.scale() > Amount::DIGITS {
            return wrong("price_tick and quantity_step have more than 8 digits together");
        }
        if !rules.quantity_min.is_positive() || rules.quantity_min > rules.quantity_max {
            return wrong("quantity_min must be greater than zero and at most quantity_max");
        }
        if rules.price_factor_max <= Amount::ONE {
            return wrong("price_factor_max must be greater than 1");
        }
        if rules.maker_fee >= Amount::ONE || rules.taker_fee >= Amount::ONE {
            return wrong("fees are fractions below 1");
        }
        let Some(stp) = Stp::parse(&rules.self_trade_prevention) else {
            return wrong("self_trade_prevention is no mode");
        };
        let Some(trading) = SymbolStatus::parse(&rules.status) else {
            return wrong("status is none");
        };
        if rules.history.is_some_and(|history| {
            history.minutes > HISTORY_MINUTES_MAX || !history.price.is_positive()
        }) {
            return wrong("a history has at most 100,000 minutes and ends with a price");
        }
        Ok(Self { rules, base, quote, stp, trading })
    }

    fn lots(&self) -> (Amount, Amount, Amount) {
        (self.rules.quantity_min, self.rules.quantity_max, self.rules.quantity_step)
    }

    fn market_lots(&self) -> (Amount, Amount, Amount) {
        let max = self.rules.market_quantity_max.unwrap_or(self.rules.quantity_max);
        (Amount::ZERO, max, Amount::ZERO)
    }

    fn prices(&self) -> (Amount, Amount, Amount) {
        (self.rules.price_tick, PRICE_MAX, self.rules.price_tick)
    }

    /// Asks every filter about an order.
    pub(crate) fn check(&self, order: &NewOrder, standing: &Standing) -> Result<(), Refusal> {
        let refuse = |name| Err(Refusal::filter(name));
        for price in [order.price, order.stop] {
            if !price.is_zero() && !within(price, self.prices()) {
                return refuse("PRICE_FILTER");
            }
        }
        self.check_percent(order, standing)?;
        self.check_size(order, standing)?;
        if let Some(delta) = order.trailing_delta
            && !(TRAILING.0..=TRAILING.1).contains(&delta)
        {
            return refuse("TRAILING_DELTA");
        }
        if standing.orders >= self.rules.orders_max {
            return refuse("MAX_NUM_ORDERS");
        }
        if order.kind.is_conditional() && standing.algo >= self.rules.algo_orders_max {
            return refuse("MAX_NUM_ALGO_ORDERS");
        }
        if standing.everywhere >= EXCHANGE_ORDERS_MAX {
            return refuse("EXCHANGE_MAX_NUM_ORDERS");
        }
        match self.rules.position_max {
            Some(max) if order.side == Side::Buy && standing.position + order.quantity > max => {
                refuse("MAX_POSITION")
            }
            _ => Ok(()),
        }
    }

    fn check_percent(&self, order: &NewOrder, standing: &Standing) -> Result<(), Refusal> {
        let Some(average) = standing.average.filter(|_| !order.price.is_zero()) else {
            return Ok(());
        };
        let factor = self.rules.price_factor_max;
        // The lower bound as it is told: a rounded fraction.
        let down = Amount(Amount::ONE.0 * Amount::ONE.0 / factor.0);
        if order.price > average.times(factor) || order.price < average.times(down) {
            return Err(Refusal::filter("PERCENT_PRICE_BY_SIDE"));
        }
        Ok(())
    }

    /// Quantities and worth.
    pub(crate) fn check_size(&self, order: &NewOrder, standing: &Standing) -> Result<(), Refusal> {
        let refuse = |name| Err(Refusal::filter(name));
        let sized_in_quote = order.quantity.is_zero();
        if !sized_in_quote && !within(order.quantity, self.lots()) {
            return refuse("LOT_SIZE");
        }
        if let Some(iceberg) = order.iceberg {
            if !within(iceberg, self.lots()) {
                return refuse("LOT_SIZE");
            }
            if (order.quantity.0 + iceberg.0 - 1) / iceberg.0.max(1) > ICEBERG_PARTS_MAX {
                return refuse("ICEBERG_PARTS");
            }
        }
        if order.kind == Kind::Market && !within(order.quantity, self.market_lots()) {
            return refuse("MARKET_LOT_SIZE");
        }
        let price = if order.price.is_zero() { standing.average } else { Some(order.price) };
        let worth = match price {
            _ if sized_in_quote => order.quote_quantity,
            Some(price) => price.times(order.quantity),
            None => return Ok(()),
        };
        let max = self.rules.notional_max.filter(|_| !order.price.is_zero());
        if worth < self.rules.notional_min || max.is_some_and(|max| worth > max) {
            return refuse("NOTIONAL");
        }
        Ok(())
    }

    /// The rules as `exchangeInfo` tells them.
    pub(crate) fn info(&self, assets: &[String]) -> Value {
        let types: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let modes: Vec<_> = Stp::ALL.iter().map(|mode| mode.as_str()).collect();
        json!({
            "symbol": self.rules.name,
            "status": self.trading.as_str(),
            "baseAsset": assets[self.base],
            "baseAssetPrecision": Amount::DIGITS,
            "quoteAsset": assets[self.quote],
            "quotePrecision": Amount::DIGITS,
            "quoteAssetPrecision": Amount::DIGITS,
            "baseCommissionPrecision": Amount::DIGITS,
            "quoteCommissionPrecision": Amount::DIGITS,
            "orderTypes": types,
            "icebergAllowed": true,
            "ocoAllowed": true,
            "otoAllowed": true,
            "opoAllowed": false,
            "quoteOrderQtyMarketAllowed": true,
            "allowTrailingStop": true,
            "cancelReplaceAllowed": true,
            "amendAllowed": true,
            "pegInstructionsAllowed": false,
            "isSpotTradingAllowed": true,
            "isMarginTradingAllowed": false,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": self.stp.as_str(),
            "allowedSelfTradePreventionModes": modes,
        })
    }

    fn filters(&self) -> Vec<Value> {
        let rules = &self.rules;
        let text = |amount: Amount| amount.to_string();
        let lot = |name: &str, (min, max, step): (Amount, Amount, Amount)| json!({"filterType": name, "minQty": text(min), "maxQty": text(max), "stepSize": text(step)});
        let (price_min, price_max, tick) = self.prices();
        let up = rules.price_factor_max;
        let down = Amount(Amount::ONE.0 * Amount::ONE.0 / up.0);
        let mut filters = vec![
            json!({"filterType": "PRICE_FILTER", "minPrice": text(price_min), "maxPrice": text(price_max), "tickSize": text(tick)}),
            lot("LOT_SIZE", self.lots()),
            json!({"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS_MAX}),
            lot("MARKET_LOT_SIZE", self.market_lots()),
            json!({
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": TRAILING.0, "maxTrailingAboveDelta": TRAILING.1,
                "minTrailingBelowDelta": TRAILING.0, "maxTrailingBelowDelta": TRAILING.1,
            }),
            json!({
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": text(up), "bidMultiplierDown": text(down),
                "askMultiplierUp": text(up), "askMultiplierDown": text(down),
                "avgPriceMins": AVERAGE_MINUTES,
            }),
            json!({
                "filterType": "NOTIONAL",
                "minNotional": text(rules.notional_min), "applyMinToMarket": true,
                "maxNotional": text(rules.notional_max.unwrap_or(Amount::MAX)), "applyMaxToMarket": false,
                "avgPriceMins": AVERAGE_MINUTES,
            }),
            json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.orders_max}),
            json!({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": rules.lists_max}),
            json!({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.algo_orders_max}),
            json!({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": rules.amends_max}),
        ];
        if let Some(max) = rules.position_max {
            filters.push(json!({"filterType": "MAX_POSITION", "maxPosition": text(max)}));
        }
        filters
    }
}

/// A zero switches a bound off.
fn within(number: Amount, (min, max, step): (Amount, Amount, Amount)) -> bool {
    (min.is_zero() || number >= min)
        && (max.is_zero() || number <= max)
        && number.is_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, words::Tif};

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    fn symbol() -> Symbol {
        let mut rules = Config::default().with_defaults(&[]).symbols.remove(0);
        rules.position_max = Some(amount("50"));
        Symbol::new(rules, 0, 1).unwrap()
    }

    fn check(kind: Kind, quantity: &str, price: &str, standing: &Standing) -> String {
        let order = NewOrder {
            symbol: 0,
            client_id: "a".to_owned(),
            side: Side::Buy,
            kind,
            tif: Tif::Gtc,
            quantity: amount(quantity),
            quote_quantity: Amount::ZERO,
            price: amount(price),
            stop: Amount::ZERO,
            trailing_delta: None,
            iceberg: None,
            stp: None,
            strategy: (None, None),
        };
        symbol()
            .check(&order, standing)
            .map_or_else(|no| no.message.into_owned(), |()| String::new())
    }

    #[test]
    fn each_filter_refuses_what_it_is_there_for() {
        let open = Standing { average: Some(amount("100")), ..Standing::default() };
        let limit = |quantity, price| check(Kind::Limit, quantity, price, &open);
        assert_eq!(limit("1", "100"), "");
        assert_eq!(limit("1", "100.005"), "Filter failure: PRICE_FILTER");
        assert_eq!(limit("1", "500.01"), "Filter failure: PERCENT_PRICE_BY_SIDE");
        assert_eq!(limit("1", "19.99"), "Filter failure: PERCENT_PRICE_BY_SIDE");
        assert_eq!(limit("1", "20"), "");
        assert_eq!(limit("0.000001", "100"), "Filter failure: LOT_SIZE");
        assert_eq!(limit("0.04999", "100"), "Filter failure: NOTIONAL");
        assert_eq!(limit("51", "100"), "Filter failure: MAX_POSITION");
        let market = |quantity| check(Kind::Market, quantity, "0", &open);
        assert_eq!(market("101"), "Filter failure: MARKET_LOT_SIZE");
        assert_eq!(market("0.01"), "Filter failure: NOTIONAL");
        let full = Standing { orders: 200, algo: 5, ..open };
        assert_eq!(check(Kind::Limit, "1", "100", &full), "Filter failure: MAX_NUM_ORDERS");
        let algo = Standing { algo: 5, ..open };
        assert_eq!(check(Kind::StopLoss, "1", "0", &algo), "Filter failure: MAX_NUM_ALGO_ORDERS");
        let many = Standing { everywhere: 1_000, ..open };
        assert_eq!(
            check(Kind::Limit, "1", "100", &many),
            "Filter failure: EXCHANGE_MAX_NUM_ORDERS"
        );
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let wrong = |change: fn(&mut SymbolConfig)| {
            let mut rules = Config::default().with_defaults(&[]).symbols.remove(0);
            change(&mut rules);
            assert!(Symbol::new(rules, 0, 1).is_err());
        };
        wrong(|rules| rules.name = "btcusdt".to_owned());
        wrong(|rules| rules.price_tick = Amount::ZERO);
        wrong(|rules| rules.quantity_step = Amount(1));
        wrong(|rules| rules.quantity_min = amount("9001"));
        wrong(|rules| rules.taker_fee = Amount::ONE);
        wrong(|rules| rules.self_trade_prevention = "NEVER".to_owned());
    }
}
