//! What a plugin was told of the market, held against the tapes: the same events, in their order.
//! What was left out may only be quotes and books that a newer one replaced, or what came while the
//! plugin was down. What a plugin would be told of each event, the core's own engine says.

use std::{collections::VecDeque, path::PathBuf};

use sandpit_core::{
    engine::{Effect, Engine, EngineConfig, Event, PluginConfig, VenueCapabilities},
    ids::{InstrumentId, RunId},
    market::{MarketData, MarketEvent},
    num::Money,
    plugin::{PluginEvent, Subscriptions},
    risk::{Limits, OffTick, RiskRules},
    time::UnixNanos,
};
use sandpit_journal::tape::{MergedTapes, TapeError};

use super::outcome::Counts;

/// The market of a session, and up to where it was played.
#[derive(Clone, Debug)]
pub(super) struct Tapes {
    pub(super) paths: Vec<PathBuf>,
    pub(super) to: UnixNanos,
}

impl Tapes {
    fn open(&self) -> Result<Player, TapeError> {
        Ok(Player { tapes: MergedTapes::open(&self.paths)?, to: self.to })
    }
}

/// One pass over the tapes.
struct Player {
    tapes: MergedTapes,
    to: UnixNanos,
}

impl Player {
    fn next(&mut self) -> Result<Option<MarketEvent>, TapeError> {
        Ok(self.tapes.next_event()?.filter(|event| event.time < self.to))
    }
}

/// How an event that a plugin was told does not fit the tapes.
#[derive(Clone, Debug)]
pub(super) struct Misfit {
    /// What the tapes have in its place.
    pub(super) expected: String,
    /// What is wrong.
    pub(super) came: String,
}

/// The tapes beside the calls of one plugin.
pub(super) struct Told<'a> {
    tapes: &'a Tapes,
    feed: Option<Feed>,
    /// The history that is being told to a life.
    past: Option<Player>,
    /// The plugin was told nothing until now: whatever came meanwhile is left out.
    gap: bool,
    /// After a kill the market goes on a little before where it was.
    may_go_back: bool,
    /// When the life began: bars and books up to then may be history.
    began: UnixNanos,
    is_live: bool,
}

/// What one plugin would be told, event by event.
struct Feed {
    wants: (Vec<InstrumentId>, Subscriptions),
    player: Player,
    engine: Engine,
    effects: Vec<Effect>,
    ready: VecDeque<PluginEvent>,
    /// Time of the last event that was found.
    last: UnixNanos,
}

impl<'a> Told<'a> {
    pub(super) const fn new(tapes: &'a Tapes) -> Self {
        Self {
            tapes,
            feed: None,
            past: None,
            gap: true,
            may_go_back: false,
            began: UnixNanos(0),
            is_live: false,
        }
    }

    /// Another run of the host begins.
    pub(super) const fn begin_run(&mut self) {
        self.gap = true;
        self.may_go_back = true;
    }

    /// The plugin is told nothing for a while.
    pub(super) const fn pause(&mut self) {
        self.gap = true;
    }

    /// A life begins, which wants this.
    pub(super) fn begin_life(
        &mut self,
        time: UnixNanos,
        instruments: Vec<InstrumentId>,
        subscriptions: Subscriptions,
    ) -> Result<(), TapeError> {
        self.past = None;
        self.began = time;
        self.is_live = false;
        let wants = (instruments, subscriptions);
        if self.feed.as_ref().is_none_or(|feed| feed.wants != wants) {
            let last = self.feed.as_ref().map_or(UnixNanos(0), |feed| feed.last);
            let mut feed = Feed::new(self.tapes, wants)?;
            feed.last = last;
            self.feed = Some(feed);
            self.gap = true;
        }
        Ok(())
    }

    /// Holds one event against the tapes.
    pub(super) fn see(
        &mut self,
        event: &PluginEvent,
        counts: &mut Counts,
    ) -> Result<Option<Misfit>, TapeError> {
        match event {
            PluginEvent::Market { event, history: true } => return self.see_past(event, counts),
            PluginEvent::Market { .. } | PluginEvent::Depth(_) => {}
            _ => return Ok(None),
        }
        let (time, is_made) = time_of(event);
        if !self.is_live && is_made && time <= self.began {
            // Bars and books of the history look as those of the session do.
            counts.uncompared += 1;
            return Ok(None);
        }
        self.is_live = true;
        let Some(feed) = &mut self.feed else {
            counts.uncompared += 1;
            return Ok(None);
        };
        if std::mem::take(&mut self.may_go_back) && time <= feed.last {
            *feed = Feed::new(self.tapes, feed.wants.clone())?;
        }
        let mut left_out = Vec::new();
        if !feed.find(event, &mut left_out)? {
            let expected = left_out.iter().find(|other| kind_of(other) == kind_of(event));
            let expected = expected.map_or_else(|| "no such event".to_owned(), describe);
            return Ok(Some(Misfit { expected, came: describe(event) }));
        }
        feed.last = time;
        counts.told += 1;
        if std::mem::take(&mut self.gap) {
            counts.while_down += left_out.len() as u64;
            return Ok(None);
        }
        for other in &left_out {
            if !can_be_replaced(other) {
                let came = format!("it was not told of it, and told of {}", describe(event));
                return Ok(Some(Misfit { expected: describe(other), came }));
            }
            counts.replaced += 1;
        }
        Ok(None)
    }

    /// What is told as history is on the tapes as it is.
    fn see_past(
        &mut self,
        event: &MarketEvent,
        counts: &mut Counts,
    ) -> Result<Option<Misfit>, TapeError> {
        if self.past.is_none() {
            self.past = Some(self.tapes.open()?);
        }
        let Some(past) = &mut self.past else { return Ok(None) };
        while let Some(other) = past.next()? {
            if other == *event {
                counts.history += 1;
                return Ok(None);
            }
            if other.time > event.time {
                break;
            }
        }
        let expected = "no such event, after the history before it".to_owned();
        Ok(Some(Misfit { expected, came: format!("{event:?}") }))
    }
}

impl Feed {
    fn new(tapes: &Tapes, wants: (Vec<InstrumentId>, Subscriptions)) -> Result<Self, TapeError> {
        let player = tapes.open()?;
        let plugin = PluginConfig {
            budget: Money(0),
            instruments: wants.0.clone(),
            subscriptions: wants.1.clone(),
            limits: Limits::unlimited(),
        };
        let engine = Engine::new(EngineConfig {
            run: RunId(1),
            instruments: player.tapes.instruments().to_vec(),
            plugins: vec![plugin],
            account_limits: Limits::unlimited(),
            risk: RiskRules::default(),
            off_tick: OffTick::Deny,
            venue: VenueCapabilities::ALL,
            recovery: None,
        });
        let (effects, ready) = Default::default();
        Ok(Self { wants, player, engine, effects, ready, last: UnixNanos(0) })
    }

    /// Goes on to this event; what was passed on the way is left out. `false` where the tapes do
    /// not have it.
    fn find(
        &mut self,
        event: &PluginEvent,
        left_out: &mut Vec<PluginEvent>,
    ) -> Result<bool, TapeError> {
        let (time, _) = time_of(event);
        loop {
            while let Some(next) = self.ready.pop_front() {
                if next == *event {
                    return Ok(true);
                }
                if time_of(&next).0 > time {
                    self.ready.push_front(next);
                    return Ok(false);
                }
                left_out.push(next);
            }
            let Some(next) = self.player.next()? else { return Ok(false) };
            // As history nothing follows from it but what plugins are told.
            self.engine.step(Event::History(next), &mut self.effects);
            for effect in self.effects.drain(..) {
                let Effect::CallPlugin { mut event, .. } = effect else { continue };
                if let PluginEvent::Market { history, .. } = &mut event {
                    *history = false;
                }
                self.ready.push_back(event);
            }
        }
    }
}

/// The time of a market event, and whether the host may have made it itself.
fn time_of(event: &PluginEvent) -> (UnixNanos, bool) {
    match event {
        PluginEvent::Market { event, .. } => (event.time, matches!(event.data, MarketData::Bar(_))),
        PluginEvent::Depth(view) => (view.time, true),
        _ => (UnixNanos(0), false),
    }
}

/// Whether only the latest of it counts.
const fn can_be_replaced(event: &PluginEvent) -> bool {
    match event {
        PluginEvent::Market { event, .. } => matches!(event.data, MarketData::Quote(_)),
        PluginEvent::Depth(_) => true,
        _ => false,
    }
}

fn kind_of(event: &PluginEvent) -> (Option<InstrumentId>, u8) {
    match event {
        PluginEvent::Market { event, .. } => {
            let kind = match event.data {
                MarketData::Trade(_) => 0,
                MarketData::Quote(_) => 1,
                MarketData::Bar(_) => 2,
                MarketData::Depth(_) | MarketData::Mark(_) | MarketData::Funding(_) => 3,
            };
            (Some(event.instrument), kind)
        }
        PluginEvent::Depth(view) => (Some(view.instrument), 4),
        _ => (None, 5),
    }
}

/// For people: all of it, with no character that a terminal would obey.
pub(super) fn describe(event: &PluginEvent) -> String {
    match event {
        PluginEvent::Market { event, .. } => format!("{event:?}"),
        other => format!("{other:?}"),
    }
}
