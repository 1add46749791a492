//! Worths of assets in which fees are paid (a rebate programme's), and the messages that wait for
//! one. A fill is never told with a fee of zero for want of a rate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sandpit_core::{
    num::Decimal,
    time::{Nanos, UnixNanos},
};

use super::{Purpose, Trading, Turn, desk::Worth};
use crate::binance::{
    decimal,
    error_code::Outcome,
    gate::Ended,
    request::Request,
    response::{Answer as _, AveragePrice, Incoming, OrderAnswer, UserEvent},
};

/// Messages that wait for a worth. One more takes the place of the oldest, and the engine is told
/// to compare its books.
const HELD_MAX: usize = 1_024;
/// How often a worth that could not be found is looked for again.
const LOOK_EVERY: Nanos = Nanos(30 * Nanos::SECOND.0);
/// Digits after the point of an inverse.
const INVERSE_DIGITS: u8 = 12;

/// A message that waits.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The answer to an order.
    Answer(Vec<u8>),
    /// An own event.
    Event(Vec<u8>),
}

/// Whose worth in what.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    asset: String,
    quote: String,
    /// Whether the market is the other way round.
    inverse: bool,
}

/// The messages that wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    messages: VecDeque<(Message, String, String)>,
    asking: BTreeSet<(String, String)>,
    look_at: BTreeMap<(String, String), UnixNanos>,
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn next(&self) -> Option<UnixNanos> {
        self.look_at.values().min().copied()
    }
}

impl Trading {
    /// Keeps a message until a worth is known.
    pub(super) fn hold(
        &mut self,
        message: Message,
        asset: String,
        quote: String,
        turn: &mut Turn<'_>,
    ) {
        self.counts.held_for_worth += 1;
        if matches!(&message, Message::Answer(raw) if raw.is_empty()) {
            // A part of an answer, which is not kept: the books say what it was.
            self.want_worth(&asset, &quote, turn);
            return self.gap(turn);
        }
        self.want_worth(&asset, &quote, turn);
        if self.held.messages.len() >= HELD_MAX {
            self.held.messages.pop_front();
            self.gap(turn);
        }
        self.held.messages.push_back((message, asset, quote));
    }

    /// Finds out a worth, if nobody does.
    pub(super) fn want_worth(&mut self, asset: &str, quote: &str, turn: &mut Turn<'_>) {
        let key = (asset.to_owned(), quote.to_owned());
        if self.held.look_at.get(&key).is_some_and(|at| *at > turn.now)
            || !self.held.asking.insert(key)
        {
            return;
        }
        let pair = Pair { asset: asset.to_owned(), quote: quote.to_owned(), inverse: false };
        self.ask_worth(pair, turn);
    }

    fn ask_worth(&mut self, pair: Pair, turn: &mut Turn<'_>) {
        let (asset, quote) = (&pair.asset, &pair.quote);
        let symbol =
            if pair.inverse { format!("{quote}{asset}") } else { format!("{asset}{quote}") };
        self.find_out(&Request::AveragePrice(&symbol), Purpose::Worth(pair), turn);
    }

    pub(super) fn worth_found(&mut self, mut pair: Pair, ended: &Ended, turn: &mut Turn<'_>) {
        let found = match ended {
            Ended::Answered(answered) => match answered.judge::<AveragePrice<'_>>(turn.now) {
                Outcome::Confirmed(answer) => decimal(answer.price).ok(),
                _ => None,
            },
            Ended::Lost(_) | Ended::NeverSent(_) => None,
        };
        let rate = found
            .filter(|rate| rate.mantissa > 0)
            .and_then(|rate| if pair.inverse { inverse(rate) } else { Some(rate) });
        if rate.is_none() && !pair.inverse {
            pair.inverse = true;
            return self.ask_worth(pair, turn);
        }
        let key = (pair.asset, pair.quote);
        self.held.asking.remove(&key);
        let Some(rate) = rate else {
            let (asset, quote) = &key;
            turn.alert(format!(
                "fees are paid in {asset}, and there is no market that says its worth in {quote}: \
                 fills wait until there is"
            ));
            self.held.look_at.insert(key, turn.now.plus(LOOK_EVERY));
            return;
        };
        self.held.look_at.insert(key.clone(), turn.now.plus(self.settings.worth_age));
        self.desk.worths.insert(key.clone(), Worth { rate, at: turn.now });
        self.release(&key, turn);
    }

    /// Tells what waited for this worth.
    fn release(&mut self, key: &(String, String), turn: &mut Turn<'_>) {
        let waiting = std::mem::take(&mut self.held.messages);
        for (message, asset, quote) in waiting {
            if (&asset, &quote) != (&key.0, &key.1) {
                self.held.messages.push_back((message, asset, quote));
                continue;
            }
            let news = match &message {
                Message::Answer(raw) => {
                    OrderAnswer::decode(raw).ok().and_then(|answer| answer.to_news(&self.desk).ok())
                }
                Message::Event(raw) => match Incoming::parse(raw) {
                    Ok(Incoming::Event { event: UserEvent::ExecutionReport(report), .. }) => {
                        report.to_news(&self.desk).ok()
                    }
                    _ => None,
                },
            };
            match news.flatten() {
                Some(news) => self.tell(news, turn),
                // The books say what it was.
                None => self.gap(turn),
            }
        }
    }

    /// Keeps the worths that were needed once from getting old, and looks for those that are
    /// needed and could not be found.
    pub(super) fn worths_due(&mut self, turn: &mut Turn<'_>) {
        let due = self.held.look_at.iter().filter(|(_, at)| **at <= turn.now);
        let due: Vec<(String, String)> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            self.held.look_at.remove(&key);
            let fresh = self
                .desk
                .worths
                .get(&key)
                .is_some_and(|worth| turn.now.since(worth.at) < self.settings.worth_age);
            if !fresh {
                self.want_worth(&key.0, &key.1, turn);
            }
        }
    }
}

fn inverse(rate: Decimal) -> Option<Decimal> {
    let digits = u32::from(rate.scale) + u32::from(INVERSE_DIGITS);
    let mantissa = 10i128.checked_pow(digits)? / i128::from(rate.mantissa);
    let mantissa = i64::try_from(mantissa).ok().filter(|mantissa| *mantissa > 0)?;
    Some(Decimal::new(mantissa, INVERSE_DIGITS).normalized())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses() {
        assert_eq!(inverse(Decimal::new(4, 0)), Some(Decimal::new(25, 2)));
        assert_eq!(inverse(Decimal::new(5, 3)), Some(Decimal::new(200, 0)));
        assert_eq!(inverse(Decimal::new(i64::MAX, 0)), None, "nothing is left of it");
    }
}
