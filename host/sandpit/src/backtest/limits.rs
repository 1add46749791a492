//! Limits as the operator writes them, on the grid of the instruments that a run has.

use std::collections::{BTreeMap, BTreeSet};

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    num::{Decimal, Quantity},
    risk::{InstrumentLimits, Limits, Rates},
};

use crate::config::{ConfigError, MoneyLimits};

/// Open orders of one plugin where the operator says nothing.
pub(super) const OF_A_PLUGIN: u32 = Limits::OPEN_ORDERS_DEFAULT;
/// Open orders of the account where the operator says nothing: what its plugins may have together.
/// A lower bound could be used up by one of them, and the others would stand still.
pub(super) const OF_THE_ACCOUNT: u32 = u32::MAX;

/// The core's limits for `limits`, with so many open orders where nothing is said of them.
pub(super) fn resolve(
    limits: &MoneyLimits,
    instruments: &[Instrument],
    scope: &str,
    open_orders_default: u32,
) -> Result<Limits, ConfigError> {
    let mut by_instrument = BTreeMap::new();
    for (symbol, quantities) in &limits.instruments {
        let (id, instrument) = find(symbol, instruments)
            .ok_or_else(|| unknown(symbol, instruments, &format!("the limits of {scope}")))?;
        let quantity = |value: Option<Decimal>| -> Result<Option<Quantity>, ConfigError> {
            let Some(value) = value else { return Ok(None) };
            instrument.quantity(value).map(Some).ok_or_else(|| {
                ConfigError::new(format!(
                    "{value} in the limits of {scope} is finer than a step of `{symbol}`, or too large"
                ))
            })
        };
        by_instrument.insert(
            id,
            InstrumentLimits {
                order_quantity_max: quantity(quantities.order_quantity_max)?,
                position_quantity_max: quantity(quantities.position_quantity_max)?,
            },
        );
    }
    let allowed = limits.instruments_allowed.as_ref().map(|symbols| {
        let known = symbols.iter().map(|symbol| {
            find(symbol, instruments)
                .map(|(id, _)| id)
                .ok_or_else(|| unknown(symbol, instruments, &format!("the limits of {scope}")))
        });
        known.collect::<Result<BTreeSet<_>, _>>()
    });
    Ok(Limits {
        price_collar_max: limits.price_collar_max,
        market_age_max: limits.market_age_max,
        order_notional_max: limits.order_notional_max,
        open_orders_max: limits.open_orders_max.unwrap_or(open_orders_default),
        rates: limits.rates,
        position_notional_max: limits.position_notional_max,
        gross_notional_max: limits.gross_notional_max,
        net_notional_max: limits.net_notional_max,
        leverage_max: limits.leverage_max,
        concentration_max: limits.concentration_max,
        short_allowed: limits.short_allowed.unwrap_or(true),
        sides_allowed: limits.sides_allowed,
        instruments_allowed: allowed.transpose()?,
        instruments: by_instrument,
        guards: limits.guards,
        protective_stop: limits.protective_stop,
        ramp: limits.ramp.clone(),
    })
}

/// What a plugin may send over time where the operator says nothing of it: its equal share of what
/// the account may, so that none of them uses it up for the others. At least one.
pub(super) fn share_rates(own: &mut Rates, account: &Rates, plugins: usize) {
    let plugins = u32::try_from(plugins).unwrap_or(u32::MAX).max(1);
    let share = |own: &mut Option<u32>, whole: Option<u32>| {
        *own = own.or_else(|| whole.map(|whole| (whole / plugins).max(1)));
    };
    share(&mut own.orders_per_second_max, account.orders_per_second_max);
    share(&mut own.orders_per_minute_max, account.orders_per_minute_max);
    share(&mut own.amends_per_second_max, account.amends_per_second_max);
    share(&mut own.amends_per_minute_max, account.amends_per_minute_max);
    share(&mut own.cancels_per_second_max, account.cancels_per_second_max);
    share(&mut own.cancels_per_minute_max, account.cancels_per_minute_max);
}

/// The instrument of a symbol.
pub(super) fn find<'a>(
    symbol: &str,
    instruments: &'a [Instrument],
) -> Option<(InstrumentId, &'a Instrument)> {
    let index = instruments.iter().position(|instrument| instrument.spec().symbol == symbol)?;
    Some((InstrumentId(u16::try_from(index).ok()?), &instruments[index]))
}

/// A symbol that the tapes do not have.
pub(super) fn unknown(symbol: &str, instruments: &[Instrument], by: &str) -> ConfigError {
    let known: Vec<_> = instruments.iter().map(|i| i.spec().symbol.as_str()).collect();
    ConfigError::new(format!("the tapes have no instrument `{symbol}`, which {by} names"))
        .help(format!("they have: {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_has_its_share_of_the_accounts_rates_where_nothing_is_said() {
        let account = Rates {
            orders_per_second_max: Some(10),
            cancels_per_minute_max: Some(2),
            ..Rates::default()
        };
        let mut own = Rates { orders_per_minute_max: Some(500), ..Rates::default() };
        share_rates(&mut own, &account, 3);
        let expected = Rates {
            orders_per_second_max: Some(3),
            orders_per_minute_max: Some(500),
            cancels_per_minute_max: Some(1),
            ..Rates::default()
        };
        assert_eq!(own, expected);
        // What the operator says stands, and alone it has all.
        let mut said = Rates { orders_per_second_max: Some(9), ..Rates::default() };
        share_rates(&mut said, &account, 3);
        assert_eq!(said.orders_per_second_max, Some(9));
        let mut alone = Rates::default();
        share_rates(&mut alone, &account, 1);
        assert_eq!(alone, account);
    }

    #[test]
    fn one_plugin_cannot_use_up_the_open_orders_of_all() {
        let said = |limits: &MoneyLimits, default| {
            resolve(limits, &[], "tested", default).unwrap().open_orders_max
        };
        let nothing = MoneyLimits::default();
        let something = MoneyLimits { open_orders_max: Some(7), ..MoneyLimits::default() };
        assert_eq!(said(&nothing, OF_A_PLUGIN), 200);
        assert!(said(&nothing, OF_THE_ACCOUNT) > 200 * 65_536);
        assert_eq!(said(&something, OF_THE_ACCOUNT), 7);
    }
}
