//! The dead-man's switch: a countdown for each symbol that the venue runs, and that is started anew
//! at a third of it. If we are gone, the venue cancels all orders of the symbol by itself.
//!
//! That it also cancels conditional orders, which the algo service keeps since 2025-12-09, its
//! document does not say, and it was **not verified**: do not count on either.

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    super::{request::Request, response::CountdownAnswer, settings::Countdown},
    desk::{Step, judged},
};
use crate::{
    binance::{error_code::Outcome, gate::Ended, limits::Lane},
    machine::CallId,
};

/// A renewal that failed is tried again after so much of the countdown.
const RETRY_PART: u64 = 12;
/// How often a countdown is asked to stop.
const STOPS_MAX: u32 = 5;
/// A renewal comes after so much of the countdown.
const RENEW_PART: u64 = 3;

#[derive(Debug)]
struct Switch {
    symbol: String,
    next: UnixNanos,
    /// When the venue's countdown runs out, by our clock; `None` where it does not run.
    armed_until: Option<UnixNanos>,
    call: Option<CallId>,
    failing: bool,
    /// How often it was asked to stop.
    stopping: u32,
}

/// All switches.
#[derive(Debug, Default)]
pub(super) struct Deadman {
    settings: Option<Countdown>,
    switches: Vec<Switch>,
    active: bool,
    pub(super) renewed: u64,
    pub(super) failed: u64,
    pub(super) lapsed: u64,
}

impl Deadman {
    /// Starts them.
    pub(super) fn begin(
        &mut self,
        settings: Option<Countdown>,
        symbols: impl Iterator<Item = String>,
        step: &mut Step<'_>,
    ) {
        self.settings = settings;
        self.active = settings.is_some();
        let (next, armed_until) = (step.now, None);
        self.switches = symbols
            .map(|symbol| Switch {
                symbol,
                next,
                armed_until,
                call: None,
                failing: false,
                stopping: 0,
            })
            .collect();
        self.on_time(step);
    }

    pub(super) fn owns_call(&self, call: CallId) -> bool {
        self.switches.iter().any(|switch| switch.call == Some(call))
    }

    const fn part(&self, part: u64) -> Nanos {
        match self.settings {
            Some(countdown) => Nanos::from_millis(countdown.ms / part),
            None => Nanos(0),
        }
    }

    pub(super) fn on_time(&mut self, step: &mut Step<'_>) {
        let Some(countdown) = self.settings.filter(|_| self.active) else { return };
        for at in 0..self.switches.len() {
            let switch = &mut self.switches[at];
            if switch.armed_until.is_some_and(|until| until <= step.now) {
                switch.armed_until = None;
                self.lapsed += 1;
                let symbol = &switch.symbol;
                step.alert(format!(
                    "the dead-man's switch of {symbol} ran out: Binance has canceled its orders"
                ));
            }
            let switch = &mut self.switches[at];
            if switch.call.is_none() && switch.next <= step.now {
                let request = Request::Countdown(&switch.symbol, countdown.ms);
                switch.call = step.ask(Lane::Kill, 0, &request).ok();
            }
        }
    }

    pub(super) fn ended(&mut self, call: CallId, ended: &Ended, step: &mut Step<'_>) {
        let Some(countdown) = self.settings else { return };
        let (renew, retry) = (self.part(RENEW_PART), self.part(RETRY_PART));
        let at = self.switches.iter().position(|switch| switch.call == Some(call));
        let Some(switch) = at.and_then(|at| self.switches.get_mut(at)) else { return };
        switch.call = None;
        if !self.active {
            let done = matches!(ended, Ended::Answered(answered)
                if matches!(judged::<CountdownAnswer<'_>>(answered, step.now), Outcome::Confirmed(_)));
            return self.disarm(at.unwrap_or_default(), done, step);
        }
        let why = match ended {
            Ended::Answered(answered) => match judged::<CountdownAnswer<'_>>(answered, step.now) {
                Outcome::Confirmed(_) => {
                    // It began when it arrived, after it was sent.
                    let until = answered.sent.plus(Nanos::from_millis(countdown.ms));
                    switch.armed_until = Some(until);
                    switch.next = answered.sent.plus(renew);
                    switch.failing = false;
                    self.renewed += 1;
                    return;
                }
                Outcome::Rejected(refusal) => format!("{} ({})", refusal.message, refusal.code),
                Outcome::Unknown(cause) => cause.to_string(),
                Outcome::RateLimited { .. } | Outcome::Banned { .. } => {
                    "too much is asked".to_owned()
                }
            },
            Ended::Lost(cause) => cause.to_string(),
            Ended::NeverSent(why) => why.clone(),
        };
        self.failed += 1;
        switch.next = step.now.plus(retry);
        if !std::mem::replace(&mut switch.failing, true) {
            let symbol = &switch.symbol;
            step.alert(format!("the dead-man's switch of {symbol} was not renewed: {why}"));
        }
    }

    /// No more orders come. Where orders are to stay, the countdowns are stopped.
    pub(super) fn end(&mut self, step: &mut Step<'_>) {
        let stays = self.settings.is_some_and(|countdown| countdown.orders_stay);
        if !std::mem::replace(&mut self.active, false) || !stays {
            return;
        }
        for switch in &mut self.switches {
            // One that is under way must not come after.
            if switch.call.is_none() {
                switch.stopping = 1;
                switch.call = step.ask(Lane::Kill, 0, &Request::Countdown(&switch.symbol, 0)).ok();
            }
        }
    }

    /// Goes on stopping a countdown; `done` says that what was asked last was done.
    fn disarm(&mut self, at: usize, done: bool, step: &mut Step<'_>) {
        let stays = self.settings.is_some_and(|countdown| countdown.orders_stay);
        let Some(switch) = self.switches.get_mut(at).filter(|_| stays) else { return };
        if done && switch.stopping > 0 {
            switch.armed_until = None;
            return;
        }
        if switch.stopping > STOPS_MAX {
            let symbol = &switch.symbol;
            step.alert(format!(
                "the dead-man's switch of {symbol} could not be stopped: Binance will cancel its orders"
            ));
            return;
        }
        switch.stopping += 1;
        switch.call = step.ask(Lane::Kill, 0, &Request::Countdown(&switch.symbol, 0)).ok();
    }

    pub(super) fn next_wake(&self) -> Option<UnixNanos> {
        let due = self.switches.iter().flat_map(|switch| {
            [switch.armed_until, Some(switch.next).filter(|_| switch.call.is_none())]
        });
        due.flatten().min().filter(|_| self.active)
    }
}
