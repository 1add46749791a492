//! How an operator speaks to a session that runs: a Unix socket in its state folder, commands that
//! wait for the session's loop, and views of what it holds. What a command does is the session's;
//! here it is only asked and answered.
//!
//! The server has one thread of its own. It reads, checks and bounds what comes over the socket,
//! and hands whole commands over a queue; the session takes them when it likes, and never waits.
//! Whoever may open the socket may command the session: it is its owner's and nobody else's, by
//! the mode of the folder, by the mode of the socket, and by asking the kernel who calls.
//!
//! **Architecture invariant:** nothing that a caller sends or leaves out can stop the session's
//! loop, or make this process panic or grow without a bound.

mod client;
mod command;
mod connection;
mod error;
mod passwd;
mod place;
mod protocol;
mod server;
mod view;

pub use client::{Client, ClientError};
pub use command::Command;
pub use error::AdminError;
pub use place::socket_path;
pub use protocol::{ANSWER_BYTES_MAX, Answer, REQUEST_BYTES_MAX, Refusal, RefusalCode, VERSION};
pub use server::{Asked, CONNECTIONS_MAX, Server, WAITING_MAX};
pub use view::{
    FaultCount, FaultView, FaultsView, LimitView, LineView, ListView, LockView, PluginState,
    PluginView, QueueView, StatusView, WallView, short_hash,
};

#[cfg(test)]
mod tests;
