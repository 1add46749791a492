//! Sockets: REST, market streams and the WebSocket API on one listener.

mod control;
mod rest;
mod socket;
mod stream;
mod user;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::ConnectInfo,
    routing::{any, post},
    serve::ListenerExt,
};
use sandpit_core::{instrument::Instrument, market::MarketEvent, time::UnixNanos};
use tokio::{net::TcpListener, sync::watch, time::MissedTickBehavior};

use crate::{
    Exchange, FeedError,
    config::{Config, ConfigError},
    exchange::FeedMap,
    hub::{Clock, Shared},
};

/// How often depth streams may tell.
const TICK: Duration = Duration::from_millis(100);
/// How long the feed sleeps at most before it looks whether it is to end.
const FEED_NAP: Duration = Duration::from_millis(50);

/// A market from outside.
pub struct Feed {
    /// Its instruments, by the ids of its events.
    pub instruments: Vec<Instrument>,
    /// Its events, oldest first.
    pub events: Box<dyn Iterator<Item = MarketEvent> + Send>,
    /// How many times faster than it was; zero is as fast as it goes.
    pub speed: u32,
}

/// Why an exchange cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its description makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The market does not fit it.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The listener failed, or is not on this machine's loopback.
    #[error("the listener of the exchange failed")]
    Listener(#[source] io::Error),
}

/// The machine's clock.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[derive(Clone)]
struct App {
    hub: Shared,
    /// Turns true when the exchange ends.
    ends: watch::Receiver<bool>,
}

/// Serves an exchange until `shutdown` is done. Listens on loopback only: its keys are for tests
/// and its connections are not encrypted.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve(
    listener: TcpListener,
    config: &Config,
    feed: Option<Feed>,
    clock: Clock,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if !address.ip().is_loopback() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it must be on loopback");
        return Err(ServeError::Listener(error));
    }
    let mut exchange = Exchange::new(config)?;
    exchange.remember(clock());
    let map = match &feed {
        Some(feed) => Some(FeedMap::new(&exchange, &feed.instruments)?),
        None => None,
    };
    let hub = Shared::new(exchange, config.limits, clock);
    let (end, ends) = watch::channel(false);
    let stop = Arc::new(AtomicBool::new(false));
    let thread = feed.zip(map).map(|(feed, map)| {
        let (hub, stop) = (hub.clone(), Arc::clone(&stop));
        std::thread::spawn(move || play(feed, &map, &hub, &stop))
    });
    let ticker = tokio::spawn(tick(hub.clone(), ends.clone()));
    let app = App { hub, ends };
    let mut router = Router::new()
        .route("/ws", any(stream::raw))
        .route("/ws/{*streams}", any(stream::raw))
        .route("/stream", any(stream::combined))
        .route("/ws-api/v3", any(user::upgrade))
        .fallback(rest::handle);
    if config.control {
        router = router.route("/sandpit/v1/control/{*what}", post(control::handle));
    }
    let router = router.with_state(app).into_make_service_with_connect_info::<SocketAddr>();
    // A message must not wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection delays what it sends");
        }
    });
    let graceful = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens only where there is no connection.
        let _ = end.send(true);
    });
    let served = graceful.await.map_err(ServeError::Listener);
    stop.store(true, Ordering::Relaxed);
    ticker.abort();
    if let Some(thread) = thread
        && tokio::task::spawn_blocking(move || thread.join()).await.is_err()
    {
        tracing::warn!("the market's thread ended badly");
    }
    served
}

async fn tick(hub: Shared, mut ends: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => hub.lock().tick(),
            () = socket::ended(&mut ends) => return,
        }
    }
}

/// Plays a market: each event as long after the first one as it was, divided by the speed.
fn play(feed: Feed, map: &FeedMap, hub: &Shared, stop: &AtomicBool) {
    let begin = Instant::now();
    let mut first: Option<UnixNanos> = None;
    for event in feed.events {
        let since = event.time.since(*first.get_or_insert(event.time));
        let due = since.0.checked_div(u64::from(feed.speed)).map(Duration::from_nanos);
        while let Some(left) = due.and_then(|due| due.checked_sub(begin.elapsed()))
            && !left.is_zero()
        {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(left.min(FEED_NAP));
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        hub.lock().feed(map, &event);
    }
    tracing::info!("the market has ended; what it offered last stands");
}

type Peer = ConnectInfo<SocketAddr>;
