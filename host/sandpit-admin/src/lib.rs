//! How an operator speaks to a session that runs: commands that wait for the session's loop, and
//! views of what it holds. What a command does is the session's; here it is only asked and
//! answered.
//!
//! The ways in have threads of their own. They read, check and bound what comes from outside, and
//! hand whole commands over one queue; the session takes them when it likes, and never waits.
//!
//! **Architecture invariant:** nothing that a caller sends or leaves out can stop the session's
//! loop, or make this process panic or grow without a bound.
//!
//! **Architecture invariant:** this crate knows no other room: it sees words, never the engine.

mod command;
mod error;
mod http;
mod protocol;
mod queue;
mod socket;
mod view;

pub use command::{Command, Trading};
pub use error::AdminError;
pub use http::{
    HttpOptions, HttpServer, Role, Secret, TOKEN_PREFIX, TOKENS_MAX, TlsFiles, Token, TokenError,
    Tokens,
};
pub use protocol::{ANSWER_BYTES_MAX, Answer, REQUEST_BYTES_MAX, Refusal, RefusalCode, VERSION};
pub use queue::{ACCESSES_MAX, Access, Asked, Queue, Via, WAITING_MAX};
pub use socket::{CONNECTIONS_MAX, Client, ClientError, Server, socket_path};
pub use view::{
    AlertView, DenialView, EquityPoint, FaultCount, FaultView, FaultsView, FillView, JournalPage,
    JournalQuery, JournalRow, KINDS_MAX, KeyView, LatencyView, LimitView, LineView, ListView,
    LockView, OrderView, OverviewView, PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, PluginState, PluginView,
    PnlView, PositionView, QueueView, RecentView, Records, RiskView, ScopePnlView, ScopeRiskView,
    StatusView, WallView, short_hash,
};
