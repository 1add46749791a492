//! What goes wrong, and where: faults with how often they come, and from a seed which ones come. No
//! sockets here. A fault belongs to a place (the third request of the second connection of a kind),
//! not to a moment, so the plan of a seed is always the same.

use std::collections::BTreeMap;

use super::chance::Chance;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Rest,
    /// Streams of the market.
    Market,
    /// The WebSocket API, with own events.
    Api,
}

/// Everything that can go wrong at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection is reset.
    Reset,
    /// It was accepted, and nobody ever answers.
    Silent,
    /// What comes back comes a few bytes at a time.
    Trickle,
    /// It ends after a while, as the venue ends one after a day.
    Ends,
    /// After some messages nothing is forwarded any more, and it stays open.
    Freezes,
    /// It comes later.
    Late,
    /// A request never arrives, and the connection is reset.
    ResetBefore,
    /// A request is done, and instead of its answer the connection is reset.
    ResetAfter,
    /// A request never arrives, and is answered with a 5xx.
    FailBefore,
    /// A request is done, and is answered with a 5xx.
    FailAfter,
    /// A request never arrives, and nothing is answered; the connection lives.
    Lost,
    /// A request is done, and nothing is answered; the connection lives.
    Swallowed,
    /// A request never arrives, and is answered with 429.
    Throttled,
    /// A request never arrives, and is answered with 418.
    Banned,
    /// A message is cut off.
    Cut,
    /// A message is no JSON.
    Garbled,
    /// A message is lost; the connection lives, pings and all.
    Dropped,
    /// An event comes twice.
    Twice,
    /// An event comes after those that came after it.
    Reordered,
    /// The connection is closed with a word.
    Closed,
}

/// Where a fault can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Connection(Kind),
    Request(Kind),
    /// An answer or an event that comes back.
    Message(Kind),
}

/// What goes wrong for a while, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Episode {
    /// Every connection is reset.
    Outage,
    /// Every connection is accepted and nobody answers.
    Silence,
    /// Pages with 503, and a system status that says why.
    Maintenance,
    /// The certificate is of somebody else.
    WrongCertificate,
}

/// An episode in time, in milliseconds from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) episode: Episode,
    pub(crate) from_ms: u64,
    pub(crate) to_ms: u64,
}

/// A fault that comes, with all that a fault may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) fault: Fault,
    pub(crate) delay_ms: u64,
    /// How long a connection lasts that ends by itself.
    pub(crate) life_ms: u64,
    /// Messages until it begins, or by how many an event is late.
    pub(crate) count: u64,
    pub(crate) status: u16,
    pub(crate) retry_after_s: Option<u64>,
}

/// How often faults come: of ten thousand places at which they could.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    faults: BTreeMap<Place, Vec<(Fault, u64)>>,
    /// Each comes once, for at most so many milliseconds.
    episodes: Vec<(Episode, u64)>,
}

const ALL: u64 = 10_000;

impl Profile {
    /// Nothing goes wrong.
    pub(crate) fn calm() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, place: Place, fault: Fault, of_10_000: u64) -> Self {
        self.faults.entry(place).or_default().push((fault, of_10_000));
        self
    }

    pub(crate) fn with_episode(mut self, episode: Episode, ms_max: u64) -> Self {
        self.episodes.push((episode, ms_max));
        self
    }

    /// Everything goes wrong now and then.
    pub(crate) fn rough() -> Self {
        use Fault as F;
        let mut profile = Self::calm();
        for kind in [Kind::Rest, Kind::Market, Kind::Api] {
            for (fault, often) in [(F::Reset, 300), (F::Silent, 150), (F::Ends, 1_500)] {
                profile = profile.with(Place::Connection(kind), fault, often);
            }
            profile = profile.with(Place::Connection(kind), F::Trickle, 200);
        }
        for kind in [Kind::Market, Kind::Api] {
            profile = profile.with(Place::Connection(kind), F::Freezes, 300);
            for (fault, often) in [
                (F::Late, 100),
                (F::Dropped, 40),
                (F::Twice, 60),
                (F::Reordered, 40),
                (F::Cut, 8),
                (F::Garbled, 8),
                (F::Reset, 5),
                (F::Closed, 5),
            ] {
                profile = profile.with(Place::Message(kind), fault, often);
            }
        }
        for (fault, often) in [(F::Cut, 60), (F::Garbled, 60)] {
            profile = profile.with(Place::Message(Kind::Rest), fault, often);
        }
        for kind in [Kind::Rest, Kind::Api] {
            for (fault, often) in [
                (F::Late, 300),
                (F::ResetBefore, 60),
                (F::ResetAfter, 80),
                (F::FailBefore, 80),
                (F::FailAfter, 120),
                (F::Swallowed, 60),
                (F::Throttled, 40),
                (F::Banned, 2),
            ] {
                profile = profile.with(Place::Request(kind), fault, often);
            }
        }
        profile
            .with(Place::Request(Kind::Api), F::Lost, 60)
            .with_episode(Episode::Outage, 1_500)
            .with_episode(Episode::Silence, 1_500)
            .with_episode(Episode::Maintenance, 2_500)
            .with_episode(Episode::WrongCertificate, 1_500)
    }
}

/// The faults of a seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    seed: u64,
    profile: Profile,
    windows: Vec<Window>,
}

impl Plan {
    /// Episodes are spread over `length_ms`.
    pub(crate) fn new(seed: u64, profile: Profile, length_ms: u64) -> Self {
        let mut windows = Vec::new();
        for (number, (episode, ms_max)) in (0..).zip(&profile.episodes) {
            let mut chance = Chance::of(seed, &[9, number]);
            let from_ms = chance.below(length_ms);
            let to_ms = from_ms + chance.between(ms_max / 3, *ms_max);
            windows.push(Window { episode: *episode, from_ms, to_ms });
        }
        Self { seed, profile, windows }
    }

    pub(crate) fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// What goes wrong everywhere at a moment.
    pub(crate) fn episode(&self, at_ms: u64) -> Option<Episode> {
        let now = self.windows.iter().find(|w| (w.from_ms..w.to_ms).contains(&at_ms));
        now.map(|window| window.episode)
    }

    pub(crate) fn connection(&self, kind: Kind, connection: u64) -> Option<Drawn> {
        self.draw(Place::Connection(kind), &[0, number(kind), connection])
    }

    pub(crate) fn request(&self, kind: Kind, connection: u64, request: u64) -> Option<Drawn> {
        self.draw(Place::Request(kind), &[1, number(kind), connection, request])
    }

    pub(crate) fn message(&self, kind: Kind, connection: u64, message: u64) -> Option<Drawn> {
        self.draw(Place::Message(kind), &[2, number(kind), connection, message])
    }

    fn draw(&self, place: Place, words: &[u64]) -> Option<Drawn> {
        let faults = self.profile.faults.get(&place)?;
        let mut chance = Chance::of(self.seed, words);
        let mut roll = chance.below(ALL);
        for (fault, often) in faults {
            if roll < *often {
                return Some(drawn(*fault, &mut chance));
            }
            roll -= often;
        }
        None
    }
}

const fn number(kind: Kind) -> u64 {
    match kind {
        Kind::Rest => 0,
        Kind::Market => 1,
        Kind::Api => 2,
    }
}

fn drawn(fault: Fault, chance: &mut Chance) -> Drawn {
    let statuses: &[u16] = match fault {
        Fault::FailBefore | Fault::FailAfter => &[500, 502, 503, 504],
        Fault::Throttled => &[429],
        Fault::Banned => &[418],
        _ => &[0],
    };
    Drawn {
        fault,
        delay_ms: chance.between(1, 120),
        life_ms: chance.between(800, 6_000),
        count: chance.between(1, 12),
        status: chance.one_of(statuses),
        retry_after_s: chance.one_of(&[None, Some(1), Some(2)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Places = (Vec<Option<Drawn>>, Vec<Window>);

    fn of(seed: u64) -> Places {
        let plan = Plan::new(seed, Profile::rough(), 20_000);
        let mut drawn = Vec::new();
        for kind in [Kind::Rest, Kind::Market, Kind::Api] {
            for connection in 0..40 {
                drawn.push(plan.connection(kind, connection));
                for at in 0..100 {
                    drawn.push(plan.request(kind, connection, at));
                    drawn.push(plan.message(kind, connection, at));
                }
            }
        }
        (drawn, plan.windows().to_vec())
    }

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(of(5), of(5));
        assert_ne!(of(5), of(6));
    }

    #[test]
    fn everything_that_can_go_wrong_does_so_with_some_seed() {
        let mut seen = BTreeMap::new();
        for seed in 0..100 {
            for drawn in of(seed).0.into_iter().flatten() {
                *seen.entry(drawn.fault).or_insert(0u64) += 1;
            }
        }
        assert_eq!(seen.len(), 20, "{seen:?}");
        // What the adapter must never earn is rare even where it is made up.
        assert!(seen[&Fault::Banned] * 10 < seen[&Fault::Throttled], "{seen:?}");
    }

    #[test]
    fn a_profile_says_how_often() {
        let place = Place::Request(Kind::Rest);
        let plan = Plan::new(1, Profile::calm().with(place, Fault::Late, 2_500), 0);
        let count = (0..10_000).filter(|at| plan.request(Kind::Rest, 0, *at).is_some()).count();
        assert!((2_300..2_700).contains(&count), "{count}");
        assert!((0..1_000).all(|at| plan.request(Kind::Api, 0, at).is_none()));
        assert!((0..1_000).all(|at| plan.message(Kind::Rest, 0, at).is_none()));
    }
}
