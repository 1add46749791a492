//! Why nobody can speak to a session.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::TokenError;

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The folder or the socket.
    #[error("cannot open the admin socket `{path}`", path = .path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something that is no socket has its name.
    #[error("`{path}` is no socket: it is left as it is", path = .path.display())]
    NotASocket {
        /// Which.
        path: PathBuf,
    },
    /// Somebody answers there.
    #[error("another process answers on `{path}`", path = .path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Others could put a socket of theirs in its place.
    #[error(
        "the folder `{path}` belongs to somebody else, or others may write it",
        path = .path.display()
    )]
    Shared {
        /// Which.
        path: PathBuf,
    },
    /// A thread that serves.
    #[error("cannot start the thread that serves operators")]
    Thread(#[source] io::Error),
    /// Tokens would go over a network in the clear.
    #[error("`{listen}` is not this machine's own address, and there is no TLS")]
    NotLoopback {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// The address.
    #[error("cannot listen on `{listen}`")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Certificate or key.
    #[error("`{path}` is of no use for TLS: {why}", path = .path.display())]
    Tls {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] TokenError),
}
