//! The HTTP interface: routes under `/api/v1`, metrics, and the page. One thread with a runtime of
//! its own, and a second that reads the journal.
//!
//! Every request goes through one gate (`gate`) and one table (`route`). There are no cookies: a
//! token comes in a header that no other site's page can send, so nothing is to be forged.
//!
//! **Architecture invariant:** a path that is not in the table does not exist, and one that is open
//! to everybody answers nothing about the session but whether it runs.

mod act;
mod events;
mod gate;
mod ledger;
mod listen;
mod lockout;
mod metrics;
mod page;
mod reader;
mod reply;
mod route;
mod stall;
mod state;
mod tls;
mod token;

use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{net::TcpListener, runtime, sync::watch};

pub use tls::TlsFiles;
pub use token::{Role, Secret, TOKEN_PREFIX, TOKENS_MAX, Token, TokenError, Tokens};

use crate::{AdminError, Queue, Records};
use reader::Reader;
use state::State;

/// Where the interface is, and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificate and key; needed where others than this machine can reach it.
    pub tls: Option<TlsFiles>,
    /// The file of tokens.
    pub tokens: PathBuf,
    /// Further names of this server, as a browser has them, without the port.
    pub hosts: Vec<String>,
}

impl HttpOptions {
    /// Says no to what would send tokens over a network in the clear.
    ///
    /// # Errors
    /// It is not this machine's own address and there is no TLS.
    pub const fn check(&self) -> Result<(), AdminError> {
        match self.tls.is_none() && !self.listen.ip().is_loopback() {
            true => Err(AdminError::NotLoopback { listen: self.listen }),
            false => Ok(()),
        }
    }
}

/// The interface of a session that runs.
pub struct HttpServer {
    queue: Queue,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HttpServer {
    /// Begins to listen. What is asked goes over `queue`; what is read of the journal comes from
    /// `records`, in a thread of its own.
    ///
    /// # Errors
    /// The options say something that is refused, a file of them cannot be used, or the address or
    /// a thread cannot be had.
    pub fn open(
        options: &HttpOptions,
        queue: Queue,
        records: Box<dyn Records>,
    ) -> Result<Self, AdminError> {
        options.check()?;
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let failed = |source| AdminError::Listen { listen: options.listen, source };
        let listener = listen::bind(options.listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let reader = Reader::begin(records).map_err(AdminError::Thread)?;
        let state = Arc::new(State::new(options, address, queue.clone(), reader)?);
        let (stop, stopped) = watch::channel(false);
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(AdminError::Thread)?;
        let served = Arc::clone(&state);
        let work = async move {
            let listener = match TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::error!("nobody can speak to this session over HTTP: {error}");
                    return;
                }
            };
            let told = events::tell(&served, stopped.clone());
            let serving = listen::serve(listener, tls, Arc::clone(&served), stopped);
            tokio::join!(told, serving);
        };
        let thread = thread::Builder::new()
            .name("admin-http".to_owned())
            .spawn(move || runtime.block_on(work))
            .map_err(AdminError::Thread)?;
        Ok(Self { queue, address, stop, thread: Some(thread), state })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.queue.clear();
        // The thread may be gone already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // The last counts are said, for whoever still writes them down.
        let mut ledger = self.state.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let far = self.state.now() + Duration::from_secs(3_600);
        ledger.say(far);
    }
}
