//! Bars from before: told once all of them are there, oldest first over all instruments. And what
//! is waited for, in words.

use sandpit_core::{
    market::{MarketData, MarketEvent},
    time::UnixNanos,
};

use super::{Market, Phase, Turn, listed::Listed, step::Step};
use crate::machine::{Notice, Output};

impl Market {
    /// Tells history, if all of it is there, and goes on with the market.
    pub(super) fn warm_up(&mut self, turn: &mut Turn<'_>) {
        if self.listed.iter().flat_map(|one| &one.bars).any(|bars| bars.is_warming_up()) {
            self.say_that_it_takes_long(turn);
            return;
        }
        self.phase = Phase::Running;
        self.warm_alert_at = None;
        let history = take_history(&mut self.listed);
        let mut step = Step::new(turn, &mut self.shared);
        step.shared.changed = true;
        step.shared.counts.history += u64::try_from(history.len()).unwrap_or(u64::MAX);
        if let Some(newest) = history.last() {
            step.shared.not_before(newest.time);
        }
        for bar in history {
            step.put(Output::History(bar));
        }
        step.shared.telling = true;
        for one in &mut self.listed {
            one.release(&mut step);
        }
    }

    fn say_that_it_takes_long(&mut self, turn: &mut Turn<'_>) {
        if self.warm_alert_at.is_some_and(|at| at <= turn.now) {
            self.warm_alert_at = Some(turn.now.plus(self.settings.patience));
            let waiting = self.waiting().unwrap_or_default();
            Step::new(turn, &mut self.shared).alert(format!("{waiting}, for long"));
        }
    }

    /// What it waits for, in words: the first of what there is.
    #[must_use]
    pub fn waiting(&self) -> Option<String> {
        match self.phase {
            Phase::Idle | Phase::Ended => return None,
            Phase::WarmUp | Phase::Running => {}
        }
        let (up, all) = (self.lines.iter().filter(|line| line.is_up()).count(), self.lines.len());
        if up < all {
            return Some(format!("waiting for market streams: {up} of {all} connections are up"));
        }
        let of = |one: &Listed| {
            let symbol = &one.place.symbol;
            if let Some(bars) = one.bars.iter().find(|bars| bars.is_warming_up()) {
                let ((have, wanted), length) = (bars.progress(), bars.interval.word());
                return Some(format!(
                    "waiting for {symbol}'s bars of {length}: {have} of {wanted}"
                ));
            }
            let book = one.book.as_ref().filter(|book| !book.is_live());
            book.map(|_| format!("waiting for {symbol}'s book"))
        };
        self.listed.iter().find_map(of)
    }

    /// Says it, where it is something else than before; nothing is an empty text.
    pub(super) fn say_what_is_waited_for(&mut self, turn: &mut Turn<'_>) {
        let waiting = self.waiting();
        if waiting != self.waiting {
            let text = waiting.clone().unwrap_or_default();
            turn.out.push(Output::Notice(Notice::Waiting(text)));
            self.waiting = waiting;
        }
    }
}

/// All bars from before, oldest first; of the same moment in the order of instruments.
fn take_history(listed: &mut [Listed]) -> Vec<MarketEvent> {
    let mut history: Vec<(UnixNanos, usize, u64, MarketEvent)> = Vec::new();
    for one in listed {
        let (instrument, index) = (one.place.id, one.place.index);
        for bars in &mut one.bars {
            let length = bars.interval.nanos().0;
            for (end, bar) in bars.take_history() {
                let data = MarketData::Bar(bar);
                let event = MarketEvent { instrument, time: end, venue_time: end, data };
                history.push((end, index, length, event));
            }
        }
    }
    history.sort_by_key(|(end, index, length, _)| (*end, *index, *length));
    history.into_iter().map(|(.., event)| event).collect()
}
