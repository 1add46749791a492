//! The seam between what an exchange's protocol wants and the sockets that do it. A [`Machine`] is
//! pure: no clock, socket, thread or randomness of its own. Whatever happens is an [`Input`] with its
//! time, and what it wants is an [`Output`]. So the whole of a venue's behaviour, its faults among it,
//! can be stepped through in a test with a virtual clock; `client` steps the same machine with real
//! sockets.

use sandpit_core::{
    ids::InstrumentId,
    instrument::InstrumentSpec,
    market::{DataKind, MarketEvent},
    time::{Nanos, UnixNanos},
    venue::{VenueMessage, VenueRequest},
};

use crate::gauges::Gauges;
pub use crate::keys::KeyRights;
use crate::keys::{KeyName, KeyNews, KeyOffer};

/// One connection that a machine keeps, by a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

/// One REST call, by a number of its own; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Everything that can happen to a machine.
#[derive(Debug)]
pub enum Input<'a> {
    /// Its time has come; see [`Machine::next_wake`].
    Wake,
    /// The host wants something.
    Told(Told),
    /// A connection is open.
    Opened(LinkId),
    /// A connection is gone, or could not be opened.
    Closed(LinkId, &'a str),
    /// A text message has come whole.
    Frame(LinkId, &'a [u8]),
    /// Something else has come: a ping, a pong. The line lives.
    Heard(LinkId),
    /// A call was answered.
    Reply(CallId, HttpReply<'a>),
    /// A call was not answered.
    NoReply(CallId, NoReply),
}

/// What the host wants of a machine.
#[derive(Debug)]
pub enum Told {
    /// Something of the venue.
    Request(VenueRequest),
    /// The instruments are taken as they were opened: begin to listen to the account, and to the
    /// markets.
    Begin(Wanted),
    /// Whether a key could be used is to be found out. It is answered by [`KeyNews`].
    ProveKey(Box<KeyOffer>),
    /// The same, and the key is used at once where it could be: what is under way ends with the key
    /// that it began with, everything that is signed from then on is signed with this one, and own
    /// events are listened to with it before those of the old one are given up.
    NewKey(Box<KeyOffer>),
    /// What the keys in use may do is to be asked for now, where the venue has such a question.
    ReadRights,
    /// No more orders will come; cancels still go out. Ends quietly.
    Stop,
}

/// What is wanted of the markets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Which data of which instruments.
    pub data: Vec<(InstrumentId, DataKind)>,
    /// Bars before now: of which instrument, how long one is, how many.
    pub history: Vec<(InstrumentId, Nanos, u32)>,
}

/// A whole answer over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct HttpReply<'a> {
    /// Status.
    pub status: u16,
    /// Headers whose names begin with `x-mbx-`, `x-sapi-`, and `retry-after`; names in lower case.
    pub headers: &'a [(String, String)],
    /// Body.
    pub body: &'a [u8],
}

/// Why a call was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReply {
    /// Not a byte of it left us: no connection could be made.
    NeverSent,
    /// It may have arrived.
    TimedOut,
    /// It may have arrived.
    Disconnected,
}

/// What a machine wants done.
#[derive(Debug)]
pub enum Output {
    /// Open a connection. Its end is told in every case.
    Open {
        /// By this number.
        link: LinkId,
        /// `wss://…`, of a host of the venue's list.
        url: String,
    },
    /// Close it; its end is told.
    Close(LinkId),
    /// Send a text message. Where the line is gone it is dropped, and the end is told.
    Send {
        /// On which.
        link: LinkId,
        /// What.
        text: String,
    },
    /// Make a REST call.
    Call(Call),
    /// Say something to the host, what is about the account.
    Say(VenueMessage),
    /// The market moved.
    Market(MarketEvent),
    /// A bar from before the stream: told before any event of the market.
    History(MarketEvent),
    /// Something about the connection itself.
    Notice(Notice),
}

/// One REST call.
#[derive(Clone, Debug)]
pub struct Call {
    /// By this number.
    pub id: CallId,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Scheme and host, of the venue's list.
    pub base: String,
    /// Path, and the query behind a `?` where there is one.
    pub path: String,
    /// Form-encoded; empty where there is none.
    pub body: String,
    /// The public name of the key that goes with it.
    pub key: Option<KeyName>,
    /// How long it is waited for.
    pub timeout: Nanos,
}

/// What a machine says about its connection.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The venue was asked what there is; nothing has begun. Comes once.
    Opened(Box<Opened>),
    /// It cannot open, and trying again does not help: a wrong key, a symbol that does not exist.
    CannotOpen(String),
    /// Everything that was asked for in [`Told::Begin`] runs: own events, markets, history told.
    Live,
    /// What it waits for, for people; told when it changes.
    Waiting(String),
    /// The line to the account's events is up or down. While it is down no order is sent.
    Orders(bool),
    /// The line to the markets is up or down.
    Markets(bool),
    /// About a key: offered, refused, in use.
    Key(KeyNews),
    /// Something that a person must look at: a ban, a clock that is off, a maintenance.
    Alert(String),
}

/// What an opened venue is.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The symbols asked for, in that order, with fees where a key can say them.
    pub instruments: Vec<InstrumentSpec>,
    /// The venue's clock less ours, in nanoseconds.
    pub clock_offset_nanos: i64,
    /// What the key may do; `None` without a key, and where the venue has no such question.
    pub key: Option<KeyRights>,
}

/// A protocol.
pub trait Machine {
    /// Takes what happened at `now`, and appends what is wanted because of it. `now` is our wall
    /// clock and never goes back; `chance` is a fresh random number at each call.
    fn step(&mut self, input: Input<'_>, now: UnixNanos, chance: u64, out: &mut Vec<Output>);

    /// When it wants [`Input::Wake`].
    fn next_wake(&self) -> Option<UnixNanos>;

    /// Counts for people and for metrics: a name in the form `requests_total{lane="orders"}`, what it
    /// is in words, and its value now.
    fn counts(&self) -> Vec<(String, &'static str, u64)>;

    /// The same as one picture, with what only it has; all but the queues. Empty where a machine has
    /// none.
    fn gauges(&self) -> Gauges {
        Gauges::default()
    }
}
