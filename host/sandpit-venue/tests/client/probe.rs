//! A machine that does what a test says and says what it heard, and a client that steps it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, PluginId, RunId},
    market::{MarketData, MarketEvent, Trade},
    num::{Price, Quantity},
    time::{Nanos, UnixNanos},
};
use sandpit_venue::{
    client::{Client, ClientSettings},
    machine::{Call, CallId, Input, LinkId, Machine, NoReply, Output, Told, Wanted},
};

/// How long anything may take before a test gives up. Nothing takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a machine was told, as values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Wake,
    Opened(u32),
    Closed(u32, String),
    Frame(u32, Vec<u8>),
    Heard(u32),
    Reply(u64, u16, Vec<(String, String)>, Vec<u8>),
    NoReply(u64, NoReply),
    Request,
    Stop,
}

type React = Box<dyn FnMut(&Input<'_>, UnixNanos, &mut Vec<Output>) + Send>;

/// The machine.
struct Probe {
    script: Arc<Mutex<VecDeque<Output>>>,
    wake_at: Arc<Mutex<Option<UnixNanos>>>,
    seen: Sender<Seen>,
    react: React,
    last: UnixNanos,
}

impl Machine for Probe {
    fn step(&mut self, input: Input<'_>, now: UnixNanos, _chance: u64, out: &mut Vec<Output>) {
        assert!(now >= self.last, "time goes back");
        self.last = now;
        (self.react)(&input, now, out);
        let seen = match input {
            Input::Wake => {
                self.wake_at.lock().unwrap().take();
                Seen::Wake
            }
            Input::Told(Told::Begin(_)) => {
                out.extend(self.script.lock().unwrap().drain(..));
                return;
            }
            Input::Told(
                Told::Request(_) | Told::ProveKey(_) | Told::NewKey(_) | Told::ReadRights,
            ) => Seen::Request,
            Input::Told(Told::Stop) => Seen::Stop,
            Input::Opened(link) => Seen::Opened(link.0),
            Input::Closed(link, why) => Seen::Closed(link.0, why.to_owned()),
            Input::Frame(link, bytes) => Seen::Frame(link.0, bytes.to_vec()),
            Input::Heard(link) => Seen::Heard(link.0),
            Input::Reply(call, reply) => {
                Seen::Reply(call.0, reply.status, reply.headers.to_vec(), reply.body.to_vec())
            }
            Input::NoReply(call, why) => Seen::NoReply(call.0, why),
        };
        // A test that is over listens no more.
        let _ = self.seen.send(seen);
    }

    fn next_wake(&self) -> Option<UnixNanos> {
        *self.wake_at.lock().unwrap()
    }

    fn counts(&self) -> Vec<(String, &'static str, u64)> {
        vec![("probe_total".to_owned(), "Of the probe.", 7)]
    }
}

/// A client with a probe in it.
pub(crate) struct Desk {
    pub(crate) client: Client,
    script: Arc<Mutex<VecDeque<Output>>>,
    pub(crate) wake_at: Arc<Mutex<Option<UnixNanos>>>,
    pub(crate) seen: Receiver<Seen>,
}

impl Desk {
    /// With a machine that only does what it is told.
    pub(crate) fn new(settings: ClientSettings) -> Self {
        Self::reacting(settings, |_, _, _| {})
    }

    /// With a machine that does something of its own as well.
    pub(crate) fn reacting(
        settings: ClientSettings,
        react: impl FnMut(&Input<'_>, UnixNanos, &mut Vec<Output>) + Send + 'static,
    ) -> Self {
        let (sender, seen) = channel();
        let script = Arc::<Mutex<VecDeque<Output>>>::default();
        let wake_at = Arc::<Mutex<Option<UnixNanos>>>::default();
        let probe = Probe {
            script: Arc::clone(&script),
            wake_at: Arc::clone(&wake_at),
            seen: sender,
            react: Box::new(react),
            last: UnixNanos(0),
        };
        let client = Client::start(Box::new(probe), settings).unwrap();
        Self { client, script, wake_at, seen }
    }

    /// Has the machine want this.
    pub(crate) fn want(&self, outputs: impl IntoIterator<Item = Output>) {
        self.script.lock().unwrap().extend(outputs);
        self.client.tell(Told::Begin(Wanted::default())).unwrap();
    }

    pub(crate) fn open(&self, link: u32, url: &str) {
        self.want([Output::Open { link: LinkId(link), url: url.to_owned() }]);
    }

    pub(crate) fn send(&self, link: u32, text: &str) {
        self.want([Output::Send { link: LinkId(link), text: text.to_owned() }]);
    }

    pub(crate) fn close(&self, link: u32) {
        self.want([Output::Close(LinkId(link))]);
    }

    /// What the machine is told next.
    #[track_caller]
    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether it is told nothing for now. Only where an order of things makes that sure.
    pub(crate) fn heard_nothing(&self) -> bool {
        self.seen.recv_timeout(Duration::ZERO) == Err(RecvTimeoutError::Timeout)
    }

    /// Opens and waits for it.
    #[track_caller]
    pub(crate) fn connect(&self, link: u32, url: &str) {
        self.open(link, url);
        assert_eq!(self.next(), Seen::Opened(link));
    }

    #[track_caller]
    pub(crate) fn expect_frame(&self, link: u32, text: &str) {
        assert_eq!(self.next(), Seen::Frame(link, text.as_bytes().to_vec()));
    }

    /// Why a link ended.
    #[track_caller]
    pub(crate) fn expect_closed(&self, link: u32) -> String {
        match self.next() {
            Seen::Closed(closed, why) if closed == link => why,
            other => panic!("{other:?}"),
        }
    }

    /// A count by its name.
    #[track_caller]
    pub(crate) fn count(&self, name: &str) -> u64 {
        let counts = self.client.counts();
        counts.iter().find(|count| count.0 == name).unwrap_or_else(|| panic!("no {name}")).2
    }

    /// Waits until a count is at least this.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, least: u64) {
        let end = std::time::Instant::now() + PATIENCE;
        while self.count(name) < least {
            assert!(std::time::Instant::now() < end, "{name} is {}", self.count(name));
            std::thread::yield_now();
        }
    }
}

/// Settings for one server, with short times.
pub(crate) fn settings(hosts: &[&str]) -> ClientSettings {
    ClientSettings::new(hosts.iter().map(|&host| host.to_owned()).collect())
}

/// A call of `GET`.
pub(crate) fn get(id: u64, base: &str, path: &str) -> Call {
    Call {
        id: CallId(id),
        method: "GET",
        base: base.to_owned(),
        path: path.to_owned(),
        body: String::new(),
        key: None,
        timeout: Nanos::from_millis(20_000),
    }
}

/// A trade of the first instrument.
pub(crate) fn trade(id: u64, now: UnixNanos) -> MarketEvent {
    let trade = Trade { price: Price(1), quantity: Quantity(1), aggressor: None, id };
    MarketEvent {
        instrument: InstrumentId(0),
        time: now,
        venue_time: now,
        data: MarketData::Trade(trade),
    }
}

/// An order's number.
pub(crate) fn order(sequence: u64) -> ClientOrderId {
    ClientOrderId { sequence, plugin: PluginId(0), run: RunId(1) }
}
