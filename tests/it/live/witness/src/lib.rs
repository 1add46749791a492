//! Writes one line for each event of the market that it is told, and nothing else: what two runs of it
//! were told is the same where their lines are.

use std::time::Duration;

use sandpit_sdk::prelude::*;

/// Bars of a second from before the session.
const SECONDS: u32 = 5;
/// Bars of a minute from before it.
const MINUTES: u32 = 120;

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Whether quotes are written down; they are many.
    #[param(default = true)]
    quotes: bool,
}

/// The strategy.
pub struct Witness {
    quotes: bool,
}

impl Strategy for Witness {
    type Params = Params;

    fn describe() -> Description {
        description!()
            .subscribe(Data::Trades)
            .subscribe(Data::Quotes)
            .subscribe_with_history(Data::Bars(Duration::from_secs(1)), SECONDS)
            .subscribe_with_history(Data::Bars(Duration::from_secs(60)), MINUTES)
    }

    fn start(_: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        Ok(Self { quotes: params.quotes })
    }

    fn on_trade(&mut self, _: &mut Context, it: &Trade) {
        info!(
            "told trade {} {} {} {:?} {}",
            it.time.0, it.price, it.quantity, it.aggressor, it.history
        );
    }

    fn on_quote(&mut self, _: &mut Context, it: &Quote) {
        if self.quotes {
            info!(
                "told quote {} {} {} {} {} {}",
                it.time.0, it.bid_price, it.bid_quantity, it.ask_price, it.ask_quantity, it.history
            );
        }
    }

    fn on_bar(&mut self, _: &mut Context, it: &Bar) {
        info!(
            "told bar {} {} {} {} {} {} {} {}",
            it.time.0,
            it.interval.as_secs(),
            it.open,
            it.high,
            it.low,
            it.close,
            it.volume,
            it.history
        );
    }
}

export!(Witness);
