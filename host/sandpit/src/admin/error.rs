//! Why nobody can speak to a session.

use std::{io, path::PathBuf};

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
    /// The thread that serves it.
    #[error("cannot start the thread that serves the admin socket")]
    Thread(#[source] io::Error),
}
