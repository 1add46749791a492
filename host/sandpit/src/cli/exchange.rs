//! `sandpit exchange`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::Args;
use sandpit_core::time::Nanos;
use sandpit_exchange::{Config, ConfigError, DEMO_API_KEY, Feed, ServeError, serve, system_clock};
use sandpit_journal::tape::TapeReader;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    reply::{Exit, Failure, Reply},
    signals::stop_flag,
    terminal::Terminal,
};
use crate::synthetic;

/// Bytes of a description of an exchange.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// How often it is looked whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub(super) struct ExchangeArgs {
    /// Where it listens; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Accounts, keys, symbols and limits (TOML) [default: one account with the published example key]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Market from a tape [default: nothing but its users' own orders]
    #[arg(long, value_name = "FILE", conflicts_with = "synthetic")]
    tape: Option<PathBuf>,
    /// Market from the synthetic one
    #[arg(long)]
    synthetic: bool,
    /// Seed of the synthetic market
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How many times faster than it was the market goes; 0 is as fast as it can
    #[arg(long, default_value_t = 1)]
    speed: u32,
}

pub(super) fn run(arguments: &ExchangeArgs, terminal: &Terminal) -> Result<Reply, Failure> {
    let stop = stop_flag()?;
    let config = match &arguments.config {
        Some(path) => read(path)?,
        None => Config::default(),
    };
    let feed = feed(arguments)?;
    let instruments = feed.as_ref().map_or(&[][..], |feed| &feed.instruments);
    let is_demo = config.accounts.is_empty();
    let config = config.with_defaults(instruments);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    let address = runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await.map_err(ServeError::Listener)?;
        let address = listener.local_addr().map_err(ServeError::Listener)?;
        terminal.note(&format!(
            "http://{address} (REST), ws://{address}/ws and /stream (market), ws://{address}/ws-api/v3"
        ));
        if is_demo {
            terminal.note(&format!("key {DEMO_API_KEY}; its secret is in docs/venues/exchange.md"));
        }
        serve(listener, &config, feed, system_clock(), ended(stop)).await?;
        Ok::<_, ServeError>(address)
    })?;
    let symbols: Vec<_> = config.symbols.iter().map(|symbol| symbol.name.as_str()).collect();
    let json = json!({ "address": address.to_string(), "symbols": symbols });
    Ok(Reply::new("the exchange has ended".to_owned(), json))
}

async fn ended(stop: Arc<AtomicBool>) {
    let mut looks = tokio::time::interval(LOOK);
    while !stop.load(Ordering::Relaxed) {
        looks.tick().await;
    }
}

fn read(path: &Path) -> Result<Config, Failure> {
    let fail = |error: &std::io::Error| {
        Failure::from_error(Exit::Config, error).help(format!("look at `{}`", path.display()))
    };
    let length = std::fs::metadata(path).map_err(|error| fail(&error))?.len();
    if length > CONFIG_BYTES_MAX {
        return Err(Failure::new(Exit::Config, "the description of the exchange is too long"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fail(&error))?;
    Ok(Config::parse(&text).map_err(ServeError::Config)?)
}

fn feed(arguments: &ExchangeArgs) -> Result<Option<Feed>, Failure> {
    let speed = arguments.speed;
    if let Some(path) = &arguments.tape {
        let mut tape =
            TapeReader::open(path).map_err(|error| Failure::from_error(Exit::Data, &error))?;
        let instruments = tape.header().instruments.clone();
        let events = std::iter::from_fn(move || match tape.next_event() {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "the tape cannot be read any further");
                None
            }
        });
        return Ok(Some(Feed { instruments, events: Box::new(events), speed }));
    }
    if !arguments.synthetic {
        return Ok(None);
    }
    let instruments =
        synthetic::instruments().map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    let length = Nanos(synthetic::Options::LENGTH_MAX.0);
    let events = synthetic::Market::new(synthetic::Options { seed: arguments.seed, length });
    Ok(Some(Feed { instruments, events: Box::new(events), speed }))
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let exit = match &error {
            ServeError::Config(ConfigError::Malformed(_) | ConfigError::Wrong { .. }) => {
                Exit::Config
            }
            ServeError::Feed(_) => Exit::Data,
            ServeError::Listener(_) => Exit::Failed,
        };
        Self::from_error(exit, &error)
    }
}
