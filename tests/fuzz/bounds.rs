//! What everything that comes from a strategy has to keep to, whatever it tried.

use sandpit_core::{
    intent::{Intent, Place, PlaceKind, WishedOffset},
    num::{Decimal, SCALE_MAX},
};
use sandpit_plugin::{Description, Fault, FaultCode, Limits, ParameterKind};

/// Bytes of a fault's detail, and of any other words of the host about a strategy.
const WORDS_BYTES_MAX: usize = 4 * 1024;

/// Words about a strategy, on one line.
pub(crate) fn words(words: &str) {
    assert!(words.len() <= WORDS_BYTES_MAX, "{} bytes of words", words.len());
    assert!(!words.contains(char::is_control), "{words:?}");
}

/// A fault that is the strategy's, in words that are fit for a terminal.
pub(crate) fn fault(fault: &Fault) {
    assert!(fault.detail.len() <= WORDS_BYTES_MAX);
    fault.detail.lines().for_each(words);
    let theirs = [
        FaultCode::Trap,
        FaultCode::FuelExhausted,
        FaultCode::MemoryExceeded,
        FaultCode::StackExhausted,
        FaultCode::TooManyIntents,
        FaultCode::OutputExceeded,
        FaultCode::MalformedOutput,
        FaultCode::StartRefused,
    ];
    assert!(theirs.contains(&fault.code), "{fault:?}");
}

/// The intents of one call.
pub(crate) fn intents(intents: &[Intent], limits: &Limits) {
    assert!(intents.len() <= limits.intents_per_call_max, "{} intents", intents.len());
    intents.iter().for_each(intent);
}

fn intent(intent: &Intent) {
    match intent {
        Intent::Place(it) => place(it),
        Intent::Amend(it) => it.quantity.into_iter().chain(it.price).for_each(decimal),
        Intent::TargetPosition(it) => [it.quantity].into_iter().chain(it.limit).for_each(decimal),
        Intent::Bracket(it) => {
            place(&it.entry);
            [it.stop_loss, it.take_profit].into_iter().for_each(decimal);
        }
        Intent::Cancel(_)
        | Intent::CancelAll(_)
        | Intent::SetTimer { .. }
        | Intent::CancelTimer(_) => {}
    }
}

fn place(place: &Place) {
    decimal(place.quantity);
    match place.kind {
        PlaceKind::Market | PlaceKind::TrailingStop(WishedOffset::BasisPoints(_)) => {}
        PlaceKind::Limit(price)
        | PlaceKind::Stop(price)
        | PlaceKind::TakeProfit(price)
        | PlaceKind::TrailingStop(WishedOffset::Price(price)) => decimal(price),
        PlaceKind::StopLimit { trigger, limit } => [trigger, limit].into_iter().for_each(decimal),
    }
}

fn decimal(decimal: Decimal) {
    assert!(decimal.scale <= SCALE_MAX, "{decimal:?}");
}

/// A description as the contract bounds it; escaping makes texts up to eight times as long.
pub(crate) fn description(description: &Description) {
    assert!((1..=64).contains(&description.name.len()));
    assert!((1..=32).contains(&description.version.len()));
    assert!(description.summary.len() <= 8 * 1_024);
    description.summary.lines().for_each(|line| {
        assert!(!line.contains(char::is_control), "{line:?}");
    });
    assert!(description.parameters.len() <= 64);
    assert!(description.subscriptions.len() <= 8);
    assert!(description.warm_up.len() <= 4);
    for parameter in &description.parameters {
        assert!((1..=64).contains(&parameter.name.len()));
        assert!(parameter.summary.len() <= 8 * 256);
        // What people are shown of it.
        let shown = [parameter.kind.to_string(), parameter.kind.default_value().to_string()];
        for text in [&parameter.summary, &shown[0], &shown[1]] {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        match &parameter.kind {
            ParameterKind::Boolean { .. } => {}
            ParameterKind::Integer { default, min, max } => {
                assert!(min <= default && default <= max);
            }
            ParameterKind::Decimal { default, min, max } => {
                [*default, *min, *max].into_iter().for_each(decimal);
                assert!(min <= default && default <= max);
            }
            ParameterKind::Choice { default, options } => {
                assert!(options.len() <= 32 && options.contains(default));
            }
            ParameterKind::Text { default, bytes_max } => {
                assert!(default.len() <= 256 && *bytes_max <= 256);
            }
        }
    }
}
