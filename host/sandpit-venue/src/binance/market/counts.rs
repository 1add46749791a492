//! What is counted, for people and for metrics.

macro_rules! counts {
    ($($(#[$meta:meta])* $field:ident = $name:literal, $what:literal;)+) => {
        /// All counts.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(super) struct Counts {
            $(pub(super) $field: u64,)+
        }

        impl Counts {
            pub(super) fn list(&self) -> Vec<(String, &'static str, u64)> {
                vec![$(($name.to_owned(), $what, self.$field),)+]
            }
        }
    };
}

counts! {
    trades = "market_events_total{kind=\"trade\"}", "events of the market that were told";
    quotes = "market_events_total{kind=\"quote\"}", "events of the market that were told";
    bars = "market_events_total{kind=\"bar\"}", "events of the market that were told";
    depth = "market_events_total{kind=\"depth\"}", "events of the market that were told";
    marks = "market_events_total{kind=\"mark\"}", "events of the market that were told";
    history = "market_history_bars_total", "bars from before the stream that were told";
    frames = "market_frames_total", "messages of the streams";
    frames_bad = "market_frames_bad_total", "messages that were malformed, and passed over";
    frames_unknown = "market_frames_unknown_total", "messages of a kind or symbol that nobody asked for";
    duplicates = "market_duplicates_total", "events that had been told already, and were passed over";
    connects = "market_connects_total", "connections that were begun";
    connects_failed = "market_disconnects_total", "connections that failed or were lost";
    renewals = "market_renewals_total", "connections that were replaced by a new one without a break";
    silences = "market_silences_total{of=\"connection\"}", "nothing came for too long";
    quiet = "market_silences_total{of=\"stream\"}", "nothing came for too long";
    refused = "market_subscribe_refused_total", "subscriptions that Binance refused";
    book_gaps = "market_book_gaps_total", "changes of a book that were missing, so that it was asked for again";
    book_crossed = "market_book_crossed_total", "books that were crossed, and not handed out";
    snapshots = "market_book_snapshots_total", "snapshots that a book was begun with";
    snapshots_refused = "market_book_snapshots_unfit_total", "snapshots that could not be used";
    bar_holes = "market_bar_holes_total", "bars that the stream did not tell in time, so that they were asked for";
    bars_absent = "market_bars_absent_total", "bars that Binance itself does not have";
    bars_lost = "market_bars_lost_total", "bars that came while too many were held, and were dropped";
    trades_recovered = "market_trades_recovered_total", "missed trades that were asked for and told";
    trades_lost = "market_trades_lost_total", "trades that were missed and never told";
    resets = "market_sequence_resets_total", "rows of numbers that Binance began anew";
    asks_failed = "market_questions_failed_total", "answers over REST that were no use";
    alerts_held_back = "market_alerts_held_back_total", "alerts beyond what a person is told in a minute";
}
