//! A Unix socket in the session's state folder, and the client of it. One thread reads, checks and
//! bounds what comes, and hands whole commands over the queue. Whoever may open the socket may
//! command the session: it is its owner's and nobody else's, by the mode of the folder, by the mode
//! of the socket, and by asking the kernel who calls.

mod client;
mod connection;
mod passwd;
mod place;
mod server;

pub use client::{Client, ClientError};
pub use place::socket_path;
pub use server::{CONNECTIONS_MAX, Server};

#[cfg(test)]
mod tests;
