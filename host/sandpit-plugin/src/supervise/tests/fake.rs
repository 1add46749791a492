//! A runner that answers when the test says so, and how.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use sandpit_core::{
    ids::{InstrumentId, OrderTag, PluginId, TimerId},
    intent::Intent,
    market::{MarketData, MarketEvent, Quote, Side, Trade},
    num::{Money, Price, Quantity},
    plugin::{
        BudgetView, CallCost, Fault, FaultCode, OrderUpdate, OrderUpdateKind, PluginEvent,
        Subscriptions, TradingState,
    },
    time::UnixNanos,
};

use super::super::{Moment, Setting, Stance, Stances, Version};
use crate::{
    describe::Description,
    load::ComponentFile,
    port::{Ask, Reply, Runner, Stats},
    runner::ProcessUsage,
    session::Mode,
};

/// What all fakes of a test have done and are to do.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What was asked, by runner.
    pub(super) log: Vec<(&'static str, String)>,
    /// Answers to come, by runner; where there is none it answers at once that it is done.
    faults: Vec<(&'static str, String)>,
    /// Runners that do not answer.
    pub(super) silent: Vec<&'static str>,
    pub(super) intents: usize,
    pub(super) usage: Option<ProcessUsage>,
    pub(super) dump: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct Fake {
    name: &'static str,
    script: Rc<RefCell<Script>>,
    pending: VecDeque<String>,
    description: Description,
    gone: Option<Fault>,
}

pub(super) type Shared = Rc<RefCell<Script>>;

pub(super) fn fake(name: &'static str, script: &Shared) -> Fake {
    let description = Description {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        parameters: Vec::new(),
        subscriptions: Vec::new(),
        warm_up: Vec::new(),
        state_schema: 1,
    };
    Fake { name, script: Rc::clone(script), pending: VecDeque::new(), description, gone: None }
}

impl Script {
    /// The next time that this runner is asked this, it is at fault.
    pub(super) fn fault(&mut self, runner: &'static str, asked: &str) {
        self.faults.push((runner, asked.to_owned()));
    }

    /// What a runner was asked, in order.
    pub(super) fn asked(&self, runner: &str) -> Vec<&str> {
        self.log.iter().filter(|(name, _)| *name == runner).map(|(_, asked)| &**asked).collect()
    }
}

fn words(ask: &Ask<'_>) -> String {
    match ask {
        Ask::Start(session) => {
            let restored = session.restored.as_ref();
            let state = restored.map_or_else(String::new, |state| {
                format!(" {}", String::from_utf8_lossy(&state.data))
            });
            format!("start@{}{state}", session.time.0)
        }
        Ask::Event(PluginEvent::Market { event, .. }) => match event.data {
            MarketData::Quote(_) => format!("quote {}", event.time.0),
            _ => format!("trade {}", event.time.0),
        },
        Ask::Event(PluginEvent::Order(update)) => format!("order {}", update.tag.0),
        Ask::Event(PluginEvent::Timer { time, .. }) => format!("timer {}", time.0),
        Ask::Event(_) => "event".to_owned(),
        Ask::Parameters { .. } => "parameters".to_owned(),
        Ask::Save => "save".to_owned(),
        Ask::Stop(reason) => format!("stop {reason:?}"),
    }
}

impl Runner for Fake {
    fn description(&self) -> &Description {
        &self.description
    }

    fn begin(&mut self, ask: &Ask<'_>) -> Result<(), Fault> {
        if let Some(fault) = &self.gone {
            return Err(fault.clone());
        }
        assert!(self.pending.is_empty(), "{} is asked while it is asked", self.name);
        let words = words(ask);
        self.script.borrow_mut().log.push((self.name, words.clone()));
        self.pending.push_back(words);
        Ok(())
    }

    fn poll(&mut self, intents: &mut Vec<Intent>) -> Option<Result<Reply, Fault>> {
        let mut script = self.script.borrow_mut();
        if script.silent.contains(&self.name) {
            return None;
        }
        let asked = self.pending.pop_front()?;
        let planned = script.faults.iter().position(|it| *it == (self.name, asked.clone()));
        if let Some(index) = planned {
            script.faults.remove(index);
            let fault = Fault { code: FaultCode::Trap, detail: asked };
            self.gone = Some(fault.clone());
            return Some(Err(fault));
        }
        if asked == "save" {
            let seen = script.asked(self.name).len();
            return Some(Ok(Reply::Saved(format!("{}:{seen}", self.name).into_bytes())));
        }
        if asked.starts_with("trade") {
            let some = script.intents;
            intents.extend((0..some).map(|_| Intent::CancelAll(None)));
        }
        Some(Ok(Reply::Done(CallCost::default())))
    }

    fn wait(&mut self, intents: &mut Vec<Intent>) -> Result<Reply, Fault> {
        self.poll(intents).expect("it is not silent")
    }

    fn is_busy(&self) -> bool {
        !self.pending.is_empty()
    }

    fn is_sending(&self) -> bool {
        false
    }

    fn deadline(&self) -> Option<Instant> {
        // As a process would: its answer is never there at once.
        Some(Instant::now() + Duration::from_secs(60)).filter(|_| self.is_busy())
    }

    #[cfg(unix)]
    fn socket(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    fn fault(&self) -> Option<&Fault> {
        self.gone.as_ref()
    }

    fn take_core_dump(&mut self) -> Option<Vec<u8>> {
        self.script.borrow_mut().dump.take()
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }

    fn usage(&self) -> Option<ProcessUsage> {
        self.script.borrow().usage
    }
}

/// How things stand: the time is the event's.
#[derive(Debug)]
pub(super) struct At(pub(super) u64);

impl Stances for At {
    fn stance(&self, _: PluginId) -> Stance {
        let (balance, equity, fees) = (Money(0), Money(0), Money(0));
        Stance {
            time: UnixNanos(self.0),
            positions: Vec::new(),
            orders: Vec::new(),
            budget: BudgetView { time: UnixNanos(self.0), balance, equity, fees },
            trading_state: TradingState::Active,
        }
    }
}

impl At {
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment { now: UnixNanos(self.0), stances: self }
    }
}

pub(super) fn setting() -> Setting {
    Setting { mode: Mode::Paper, seed: 0, instruments: Vec::new(), currency: "USDT".to_owned() }
}

pub(super) fn version(number: u8) -> Version {
    Version {
        file: std::sync::Arc::new(ComponentFile::unsigned(vec![number])),
        sha256: [number; 32],
        version: format!("{number}.0.0"),
        schema: 1,
        arguments: Vec::new(),
        subscriptions: Subscriptions::default(),
    }
}

fn market(time: u64, data: MarketData) -> PluginEvent {
    let time = UnixNanos(time);
    let event = MarketEvent { instrument: InstrumentId(0), time, venue_time: time, data };
    PluginEvent::Market { event, history: false }
}

pub(super) fn trade(time: u64) -> PluginEvent {
    let (price, quantity) = (Price(1), Quantity(1));
    market(time, MarketData::Trade(Trade { price, quantity, aggressor: None, id: time }))
}

pub(super) fn quote(time: u64) -> PluginEvent {
    let (price, quantity) = (Price(1), Quantity(1));
    market(
        time,
        MarketData::Quote(Quote {
            bid_price: price,
            bid_quantity: quantity,
            ask_price: price,
            ask_quantity: quantity,
        }),
    )
}

pub(super) fn order(tag: u64) -> PluginEvent {
    PluginEvent::Order(OrderUpdate {
        time: UnixNanos(tag),
        tag: OrderTag(tag),
        instrument: InstrumentId(0),
        side: Side::Buy,
        kind: OrderUpdateKind::Accepted,
        quantity: Quantity(1),
        filled: Quantity(0),
        closed: false,
    })
}

pub(super) fn timer(time: u64) -> PluginEvent {
    PluginEvent::Timer { id: TimerId(1), time: UnixNanos(time) }
}
