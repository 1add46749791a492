//! The way between host and venue. Requests arrive late, out of order or not at all, and so do
//! their answers; what the venue tells by itself comes as a stream, which has an order of its own,
//! loses single messages, and loses all that is under way when it is cut.

use sandpit_core::{
    engine::{Event, Flaws, OrderStatus, VenueEvent},
    order::{Report, ReportKind},
    time::{Nanos, UnixNanos},
};

use super::{
    Slip,
    queue::{Ask, Happening, Request},
    scenario::UNDER_WAY_MS_MAX,
    truth::STRANGER_RUN,
    violation::{Held, Invariant, broke},
    world::World,
};

/// Milliseconds that a message takes when nothing is wrong.
const FAST_MS: (u64, u64) = (1, 60);
/// Until a lost answer is known to be lost.
const LOST_MS: (u64, u64) = (1, 3_000);

/// The connection, as far as it has a state.
#[derive(Debug)]
pub(super) struct Link {
    up: bool,
    /// Which stream this is; what an earlier one carried is lost.
    stream: u64,
    /// When the latest message of the stream arrives.
    last: UnixNanos,
    requests: u64,
}

impl Link {
    pub(super) const fn new(now: UnixNanos) -> Self {
        Self { up: true, stream: 0, last: now, requests: 0 }
    }

    pub(super) const fn is_up(&self) -> bool {
        self.up
    }

    pub(super) const fn cut(&mut self) {
        self.up = false;
        self.stream += 1;
    }

    pub(super) const fn join(&mut self, now: UnixNanos) {
        self.up = true;
        self.last = now;
    }
}

/// What becomes of a request.
enum Fate {
    Fine,
    LostBefore,
    LostAfter,
}

impl<F: Flaws> World<F> {
    fn fast_or_slow(&mut self) -> Nanos {
        if self.chance.often(self.faults.slow) {
            self.chance.pause_ms(1, UNDER_WAY_MS_MAX)
        } else {
            self.chance.pause_ms(FAST_MS.0, FAST_MS.1)
        }
    }

    fn fate(&mut self) -> Fate {
        if !self.link.up || !self.venue.is_up() {
            let arrives = self.venue.is_up() && self.chance.flip();
            return if arrives { Fate::LostAfter } else { Fate::LostBefore };
        }
        if self.chance.often(self.faults.lost_before) {
            Fate::LostBefore
        } else if self.chance.often(self.faults.lost_after) {
            Fate::LostAfter
        } else {
            Fate::Fine
        }
    }

    /// Sends a request on its way.
    pub(super) fn send(&mut self, ask: Ask) {
        self.link.requests += 1;
        let (number, life) = (self.link.requests, self.host.life());
        self.trace.mix(ask.name().as_bytes());
        let fate = self.fate();
        let told = match fate {
            Fate::Fine => "",
            Fate::LostBefore => " (will be lost)",
            Fate::LostAfter => " (its answer will be lost)",
        };
        self.note(|| format!("host sends {ask:?}{told}"));
        let arrives = match fate {
            Fate::Fine => Some(self.fast_or_slow()),
            Fate::LostBefore => None,
            Fate::LostAfter if self.chance.flip() => {
                Some(self.chance.pause_ms(1, UNDER_WAY_MS_MAX))
            }
            Fate::LostAfter => Some(self.fast_or_slow()),
        };
        let answer = matches!(fate, Fate::Fine).then(|| self.fast_or_slow());
        if !matches!(fate, Fate::Fine) {
            self.lose(&ask, life);
        }
        if let Some(arrives) = arrives {
            if matches!(ask, Ask::Submit(_) | Ask::Amend { .. }) {
                self.under_way.insert(number, ask.clone());
            }
            let request = Request { number, ask, life, answer };
            self.queue.at(self.now.plus(arrives), Happening::Arrive(request));
        }
    }

    /// The client will notice that an answer is missing.
    fn lose(&mut self, ask: &Ask, life: u64) {
        self.counts.lost += 1;
        let at = self.now.plus(self.chance.pause_ms(LOST_MS.0, LOST_MS.1));
        let event = match (ask, self.slip) {
            (Ask::Submit(_), Slip::ResendsOnTimeout) => {
                self.link.requests += 1;
                let (number, answer) = (self.link.requests, Some(Nanos::from_millis(5)));
                let request = Request { number, ask: ask.clone(), life, answer };
                self.queue.at(at, Happening::Arrive(request));
                return;
            }
            (Ask::Submit(order), Slip::TakesTimeoutForRefusal) => Event::Report(Report {
                order: order.id,
                time: at,
                kind: ReportKind::Rejected("timeout".into()),
            }),
            (Ask::Query(query), Slip::TakesErrorForAnswer) => {
                Event::Venue(VenueEvent::Status(OrderStatus {
                    order: query.order,
                    time: at,
                    found: None,
                }))
            }
            _ => match ask.subject() {
                Some(order) => Event::Report(Report { order, time: at, kind: ReportKind::Lost }),
                // A question without an answer: silence.
                None => return,
            },
        };
        self.queue.at(at, Happening::Hear { life, stream: None, event });
    }

    /// A request has reached the venue.
    pub(super) fn arrive(&mut self, request: Request) -> Held {
        let Request { number, ask, life, answer } = request;
        self.under_way.remove(&number);
        if !self.venue.is_up() {
            if answer.is_some() {
                self.lose(&ask, life);
            }
            return Ok(());
        }
        if let Ask::Submit(order) = &ask {
            if self.ledger.get(order.id).is_none() {
                let detail = format!("{} is at the venue and not in the journal", order.id);
                return Err(broke(Invariant::JournalBeforeEffects, detail));
            }
            if self.venue.has_seen(order.id) {
                let detail = format!("{} reached the venue twice", order.id);
                return Err(broke(Invariant::OneOrderPerId, detail));
            }
        }
        let handled = self.venue.handle(&ask, self.now, &self.faults);
        self.note(|| format!("venue has {}: {handled:?}", ask.name()));
        self.stream(&handled.reports);
        let Some(pause) = answer else {
            return Ok(());
        };
        let report = handled.answer.and_then(|at| handled.reports.get(at));
        let event = match (report, handled.news) {
            (Some(report), _) => Event::Report(report.clone()),
            (None, Some(news)) => Event::Venue(news),
            (None, None) => return Ok(()),
        };
        self.queue.at(self.now.plus(pause), Happening::Hear { life, stream: None, event });
        Ok(())
    }

    /// What happened at the venue goes out on the stream.
    pub(super) fn stream(&mut self, reports: &[Report]) {
        for report in reports {
            // A refused change is told to the one who asked, and others' orders to others.
            let is_answer =
                matches!(report.kind, ReportKind::AmendRejected(_) | ReportKind::CancelRejected(_));
            if is_answer || report.order.run == STRANGER_RUN || !self.link.up {
                continue;
            }
            let is_lost = self.chance.often(self.faults.report_dropped);
            self.note(|| {
                format!("venue tells{}: {report:?}", if is_lost { " in vain" } else { "" })
            });
            if is_lost {
                self.counts.dropped += 1;
                continue;
            }
            let pause = self.fast_or_slow();
            let arrives = self.now.plus(pause).max(self.link.last);
            self.link.last = arrives;
            let life = self.host.life();
            let event = Event::Report(report.clone());
            let stream = Some(self.link.stream);
            self.queue.at(arrives, Happening::Hear { life, stream, event: event.clone() });
            if self.chance.often(self.faults.report_twice) {
                let again = self.now.plus(self.chance.pause_ms(1, UNDER_WAY_MS_MAX));
                self.queue.at(again, Happening::Hear { life, stream: None, event });
            }
        }
    }

    /// Something reaches the host.
    pub(super) fn hear(&mut self, life: u64, stream: Option<u64>, event: Event) -> Held {
        let is_lost = stream.is_some_and(|stream| stream != self.link.stream);
        if !self.host.is_up() || life != self.host.life() || is_lost {
            return Ok(());
        }
        self.note(|| format!("host hears {event:?}"));
        let told: Vec<_> = match &event {
            Event::Report(Report { order, kind: ReportKind::Filled(fill), .. }) => {
                vec![(*order, *fill)]
            }
            Event::Venue(VenueEvent::Status(OrderStatus { found: Some(found), .. })) => {
                found.fills.iter().map(|(fill, _)| (found.order, *fill)).collect()
            }
            Event::Venue(VenueEvent::Snapshot(snapshot)) => {
                let fills = snapshot.fills.iter();
                fills.filter_map(|of| of.order.map(|order| (order, of.fill))).collect()
            }
            _ => Vec::new(),
        };
        self.tell(event)?;
        if life != self.host.life() || self.host.is_crippled() {
            return Ok(());
        }
        match told.into_iter().find(|(_, fill)| !self.ledger.is_booked(fill.trade_id)) {
            Some((order, fill)) => {
                let detail = format!("the host was told {fill:?} of {order} and did not book it");
                Err(broke(Invariant::ToldFillIsBooked, detail))
            }
            None => Ok(()),
        }
    }
}
