//! Instruments to test with. Their rules are like those of real venues, not copies of them.

use sandpit_core::{
    instrument::{InstrumentKind, InstrumentSpec},
    num::{Decimal, Rate},
};

/// Spot without fees: ticks of 0.01, steps of 0.001, quoted in USD.
#[must_use]
pub fn plain(symbol: &str) -> InstrumentSpec {
    InstrumentSpec {
        symbol: symbol.to_owned(),
        venue: "test".to_owned(),
        kind: InstrumentKind::Spot,
        base: "BASE".to_owned(),
        quote: "USD".to_owned(),
        price_tick: Decimal::new(1, 2),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(1_000_000, 0),
        min_notional: Decimal::ZERO,
        multiplier: Decimal::new(1, 0),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
    }
}

/// Spot like a large venue's BTCUSDT: 0.1 % fees, a minimum of 5 USDT.
#[must_use]
pub fn btc_usdt() -> InstrumentSpec {
    let fee = Rate::from_decimal(Decimal::new(1, 3)).unwrap_or_default();
    InstrumentSpec {
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        quantity_step: Decimal::new(1, 5),
        min_quantity: Decimal::new(1, 5),
        max_quantity: Decimal::new(9_000, 0),
        min_notional: Decimal::new(5, 0),
        maker_fee: fee,
        taker_fee: fee,
        ..plain("BTCUSDT")
    }
}

/// A perpetual like a large venue's BTCUSDT: ticks of 0.1, 0.02 % maker and 0.05 % taker.
#[must_use]
pub fn btc_usdt_perpetual() -> InstrumentSpec {
    let rate = |basis_points| Rate::from_decimal(Decimal::new(basis_points, 4)).unwrap_or_default();
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        price_tick: Decimal::new(1, 1),
        quantity_step: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::new(1_000, 0),
        maker_fee: rate(2),
        taker_fee: rate(5),
        ..btc_usdt()
    }
}
