//! What went before an exchange began: a made-up way of the price that ends where the operator says,
//! for clients that ask for bars of the past. The same seed and clock give the same past.

use crate::{Exchange, amount::Amount, config::HistoryConfig, market::Market, order::Trade};

const MINUTE_MS: u64 = 60_000;
/// Trades of one minute: its open, two within, its close.
const TRADES_PER_MINUTE: u64 = 4;
/// A minute moves the price by so many hundredths of a percent at most.
const MOVE_BASIS_POINTS: i128 = 8;

/// A sequence of numbers (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to below `end`, which is greater than zero.
    fn below(&mut self, end: u64) -> i128 {
        i128::from(self.next() % end.max(1))
    }
}

impl Exchange {
    /// Makes up what went before `now_ms`, for every symbol that has a past.
    pub(crate) fn remember(&mut self, now_ms: u64) {
        for market in &mut self.markets {
            if let Some(history) = market.symbol.rules.history {
                remember(market, history, now_ms);
            }
        }
    }
}

fn remember(market: &mut Market, history: HistoryConfig, now_ms: u64) {
    let tick = market.symbol.rules.price_tick;
    let step = market.symbol.rules.quantity_step.max(market.symbol.rules.quantity_min);
    let mut chance = Chance(history.seed);
    let on_tick = |raw: i128| Amount((raw - raw % tick.0).max(tick.0));
    // From the end to the begin, so that it ends where it should.
    let mut prices = vec![on_tick(history.price.0)];
    let count = u64::from(history.minutes) * TRADES_PER_MINUTE;
    for _ in 1..count {
        let last = prices.last().copied().unwrap_or(tick);
        let reach = (last.0 * MOVE_BASIS_POINTS / 10_000).max(tick.0);
        let width = u64::try_from(2 * reach + 1).unwrap_or(1);
        prices.push(on_tick(last.0 - reach + chance.below(width)));
    }
    let end = now_ms / MINUTE_MS * MINUTE_MS;
    let begin = end.saturating_sub(u64::from(history.minutes) * MINUTE_MS);
    let apart = MINUTE_MS / TRADES_PER_MINUTE;
    for (at, price) in (0..count).zip(prices.into_iter().rev()) {
        let trade = Trade {
            id: market.next_trade,
            price,
            quantity: Amount(step.0 * (1 + chance.below(100))),
            time_ms: begin + at * apart,
            buyer_is_maker: chance.next().is_multiple_of(2),
        };
        market.next_trade += 1;
        market.print(trade);
        market.seal();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// 2026-01-01T00:00:30Z.
    const NOW_MS: u64 = 1_767_225_630_000;

    fn with(seed: u64) -> Exchange {
        let mut config = Config::default().with_defaults(&[]);
        let price = Amount::parse("100").unwrap();
        config.symbols[0].history = Some(HistoryConfig { minutes: 300, price, seed });
        let mut exchange = Exchange::new(&config).unwrap();
        exchange.remember(NOW_MS);
        exchange
    }

    #[test]
    fn the_past_is_whole_ends_where_it_should_and_comes_from_its_seed() {
        let exchange = with(7);
        let market = &exchange.markets[0];
        let minutes: Vec<_> = market.candles.of(1).copied().collect();
        assert_eq!(minutes.len(), 300);
        assert_eq!(minutes.last().unwrap().end_ms + 1, NOW_MS - 30_000);
        assert!(minutes.windows(2).all(|two| two[0].end_ms + 1 == two[1].start_ms));
        assert!(minutes.iter().all(|candle| candle.trades == TRADES_PER_MINUTE));
        assert_eq!(market.last, Amount::parse("100").ok());
        assert!(market.trades.iter().all(|trade| trade.price.is_multiple_of(Amount(1_000_000))));
        let close = |exchange: &Exchange| {
            exchange.markets[0].candles.of(1).map(|candle| candle.close).collect::<Vec<_>>()
        };
        assert_eq!(close(&exchange), close(&with(7)));
        assert_ne!(close(&exchange), close(&with(8)));
        assert!(exchange.markets[1].last.is_none(), "only where it was asked for");
    }
}
