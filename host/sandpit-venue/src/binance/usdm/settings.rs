//! What is set about a connection to USDⓈ-M futures, and the bounds of it.

use sandpit_core::time::Nanos;

use super::{
    hosts::Hosts,
    request::{LEVERAGE_MAX, MarginMode},
};
use crate::binance::{KeySettings, Tuning, TuningError};

/// Most symbols of one connection.
pub const SYMBOLS_MAX: usize = 200;
/// The shortest countdown: the venue advises against small ones, and three renewals must fit, each
/// of which may have to wait for its answer.
pub const COUNTDOWN_MS_MIN: u64 = 15_000;
/// The longest countdown.
pub const COUNTDOWN_MS_MAX: u64 = 600_000;
/// The venue's pause between two pings.
const PINGS_EVERY: Nanos = seconds(180);
/// Weight a minute that countdowns may cost: a quarter of the venue's limit of 2,400.
pub const COUNTDOWN_WEIGHT_MAX: u64 = 600;

/// One symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolSettings {
    /// The venue's symbol.
    pub symbol: String,
    /// Leverage, 1 to 125; the symbol may have less.
    pub leverage: u32,
    /// What a position can lose.
    pub margin: MarginMode,
}

/// The countdown after which the venue cancels all orders of a symbol by itself: those of others on
/// the account among them. It is kept from running out while this machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countdown {
    /// Milliseconds, [`COUNTDOWN_MS_MIN`] to [`COUNTDOWN_MS_MAX`]; renewed at a third of it.
    pub ms: u64,
    /// Whether orders are to stay when the machine stops: the countdown is stopped then. Otherwise it
    /// runs out, and the venue cancels what is left.
    pub orders_stay: bool,
}

/// Everything that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where.
    pub hosts: Hosts,
    /// The name of the venue in instruments.
    pub venue: String,
    /// What is traded, in the order of the run's instruments.
    pub symbols: Vec<SymbolSettings>,
    /// The dead-man's switch; `None` for none.
    pub countdown: Option<Countdown>,
    /// Keys.
    pub keys: KeySettings,
    /// How the venue is asked; set by [`Self::tune`], which takes over what is here as well.
    pub(super) tuning: Tuning,
    /// Whether orders go over the WebSocket API, with REST as the other way.
    pub websocket_api: bool,
    /// Whether the key is Ed25519, with which a connection to the WebSocket API is logged in.
    pub ed25519: bool,
    /// How often the listen key is kept alive; it lives for 60 minutes.
    pub keep_every: Nanos,
    /// How long the stream of own events may say nothing at all; the venue pings every 3 minutes.
    pub silence: Nanos,
    /// How long it may take to open.
    pub opening: Nanos,
    /// How old it gets before it is replaced; the venue cuts it at 24 hours.
    pub renew_after: Nanos,
}

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

impl Settings {
    /// With what is right for most.
    #[must_use]
    pub fn new(hosts: Hosts, symbols: Vec<SymbolSettings>) -> Self {
        Self {
            hosts,
            venue: "binance-usdm".to_owned(),
            symbols,
            countdown: Some(Countdown { ms: 120_000, orders_stay: false }),
            keys: KeySettings::default(),
            tuning: Tuning::default(),
            websocket_api: true,
            ed25519: false,
            keep_every: seconds(1_800),
            silence: seconds(400),
            opening: seconds(15),
            renew_after: seconds(23 * 3_600),
        }
    }

    /// The same, with what an operator sets.
    ///
    /// # Errors
    /// What is out of its bounds.
    pub fn tune(mut self, tuning: &Tuning) -> Result<Self, TuningError> {
        tuning.check(PINGS_EVERY)?;
        self.keys = tuning.keys;
        self.opening = tuning.connections.opening;
        self.renew_after = tuning.connections.renew_after;
        self.silence = tuning.connections.silence.unwrap_or(self.silence);
        self.tuning = *tuning;
        Ok(self)
    }

    /// What is wrong with it; `None` where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.symbols.is_empty() || self.symbols.len() > SYMBOLS_MAX {
            return Some(format!("there must be 1 to {SYMBOLS_MAX} symbols"));
        }
        for (at, one) in self.symbols.iter().enumerate() {
            let symbol = &one.symbol;
            if self.symbols[..at].iter().any(|other| other.symbol == *symbol) {
                return Some(format!("the symbol {symbol} is there twice"));
            }
            if !(1..=LEVERAGE_MAX).contains(&one.leverage) {
                return Some(format!("the leverage of {symbol} is not from 1 to {LEVERAGE_MAX}"));
            }
        }
        if let Some(problem) = self.keys.problem() {
            return Some(problem.to_owned());
        }
        let countdown = self.countdown?;
        if !(COUNTDOWN_MS_MIN..=COUNTDOWN_MS_MAX).contains(&countdown.ms) {
            return Some(format!(
                "the countdown is not from {COUNTDOWN_MS_MIN} to {COUNTDOWN_MS_MAX} ms"
            ));
        }
        // Weight 10 for each symbol, three times within each countdown.
        let symbols = u64::try_from(self.symbols.len()).unwrap_or(u64::MAX);
        let weight = (symbols.saturating_mul(30 * 60_000)).div_ceil(countdown.ms);
        (weight > COUNTDOWN_WEIGHT_MAX).then(|| {
            format!(
                "countdowns of {} ms for {symbols} symbols weigh {weight} a minute, more than {COUNTDOWN_WEIGHT_MAX}; make them longer",
                countdown.ms
            )
        })
    }
}
