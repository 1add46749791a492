//! Whole sessions behind the proxy: `sandpit run` with two strategies at the local exchange, faults by
//! chance from a seed, some of them killed in the middle. Once the faults have ended, the host's books
//! are the exchange's, to the last digit.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rust_decimal::Decimal;
use rustix::process::{Pid, Signal, kill_process};
use sandpit_core::{market::Side, order::OrderState};
use sandpit_tests::{market_maker, sandpit};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    client::Client,
    ledger::{HostBooks, VenueBooks, astray, differences},
    proxy::{Chance, Profile, Proxy, ProxyConfig, Tls},
    stage::{Exchange, Skew, config},
    trader::{Style, Trader},
};

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
/// How many seeds, and from which one on.
const SEEDS_VARIABLE: &str = "SANDPIT_CHAOS_SEEDS";
const SEED_VARIABLE: &str = "SANDPIT_CHAOS_SEED";
const SEEDS_DEFAULT: u64 = 6;
/// Sessions at one time: they mostly wait.
const AT_ONCE: usize = 6;
/// For so long things go wrong.
const FAULTS: Duration = Duration::from_secs(9);
/// By then everything has to agree again. A venue that wants to be left alone is left alone for two
/// minutes, and an order that is not there is believed not to be there after a quarter of one.
const AGREE_WITHIN: Duration = Duration::from_secs(240);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Between two comparisons: each asks the exchange for all there is, which weighs.
const COMPARE_EVERY: Duration = Duration::from_secs(3);
/// A session has ended by then that was asked to.
const END_WITHIN: Duration = Duration::from_secs(60);
/// What each strategy may hold at most, long or short.
const POSITION_MAX: [&str; 2] = ["0.02", "0.2"];

/// One session with everything around it.
struct Play {
    seed: u64,
    folder: tempfile::TempDir,
    exchange: Exchange,
    proxy: Proxy,
}

impl Play {
    async fn begin(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exchange = Exchange::start(config(), None, Skew::of(seed)).await;
        // Every second one over TLS.
        let tls = seed.is_multiple_of(2).then(Tls::new);
        if let Some(tls) = &tls {
            fs::write(folder.path().join("ca.pem"), tls.root_pem()).unwrap();
        }
        let secure = tls.is_some();
        let (upstream, profile) = (exchange.address, Profile::rough());
        let proxy =
            Proxy::start(ProxyConfig { upstream, seed, profile, length: FAULTS, tls }).await;
        fs::write(folder.path().join("run.toml"), configuration(&proxy, secure)).unwrap();
        Self { seed, folder, exchange, proxy }
    }

    fn memory(&self) -> PathBuf {
        self.folder.path().join("memory")
    }

    fn start(&self) -> Child {
        let said = File::options()
            .append(true)
            .create(true)
            .open(self.folder.path().join("said.txt"))
            .unwrap();
        sandpit(self.folder.path())
            .args(["run", "run.toml", "--mode", "testnet", "--state", "memory"])
            .args(["--on-stop", "cancel"])
            .env("SANDPIT_HOST_TESTNET_API_KEY", "hosthmac")
            .env("SANDPIT_HOST_TESTNET_SECRET", "hostsecret")
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// What a reader of a failure needs.
    fn story(&self, what: &str) -> String {
        let said = fs::read_to_string(self.folder.path().join("said.txt")).unwrap_or_default();
        let told = self.proxy.story();
        format!("seed {}: {what}\n--- the session\n{said}\n--- the proxy\n{told}", self.seed)
    }

    async fn venue_books(&self) -> VenueBooks {
        VenueBooks::ask(&Client::new(self.exchange.address, "host"), &SYMBOLS).await
    }

    /// Lets things go wrong. A session that ends by itself is a failure; some are killed and begin
    /// anew, at any moment.
    async fn suffer(&self, mut session: Child) -> Result<Child, String> {
        let mut chance = Chance::of(self.seed, &[21]);
        let kills = if self.seed.is_multiple_of(3) { 1 + chance.below(2) } else { 0 };
        let length = u64::try_from(FAULTS.as_millis()).unwrap();
        let mut moments: Vec<_> = (0..kills).map(|_| (chance.below(length), true)).collect();
        moments.push((length / 2, false));
        moments.sort_unstable();
        let begun = Instant::now();
        for (at, kill) in moments {
            sleep(Duration::from_millis(at).saturating_sub(begun.elapsed())).await;
            if let Some(status) = session.try_wait().unwrap() {
                return Err(self.story(&format!("the session ended by itself: {status}")));
            }
            if kill {
                session.kill().unwrap();
                session.wait().unwrap();
                session = self.start();
            } else {
                self.exchange.step(Skew::of(self.seed));
            }
        }
        sleep(FAULTS.saturating_sub(begun.elapsed())).await;
        Ok(session)
    }

    /// Waits until both books agree.
    async fn agree(&self, session: &mut Child) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            if let Some(status) = session.try_wait().unwrap() {
                return Err(self.story(&format!("the session ended by itself: {status}")));
            }
            let found = self.compare().await;
            if found.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > AGREE_WITHIN {
                let found = found.join("\n");
                return Err(self.story(&format!("the books do not agree:\n{found}")));
            }
            sleep(COMPARE_EVERY).await;
        }
    }

    /// Whether the session of this life has taken up its line: the journal may be of the one before.
    fn is_live(&self) -> bool {
        let words = ["--json", "status", "--state", "memory"];
        let asked = sandpit(self.folder.path()).args(words).output().unwrap();
        let status: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap_or_default();
        status["line"]["live"] == true
    }

    async fn compare(&self) -> Vec<String> {
        if !tokio::task::block_in_place(|| self.is_live()) {
            return vec!["the session is not live".to_owned()];
        }
        if !self.memory().join("session.journal").exists() {
            return vec!["there is no journal".to_owned()];
        }
        let memory = self.memory();
        // It is read while it is written; a row that is being written is not there yet.
        let host = tokio::task::spawn_blocking(move || HostBooks::from_journal(&memory)).await;
        let venue = self.venue_books().await;
        host.map_or_else(|error| vec![error.to_string()], |host| differences(&host, &venue))
    }

    /// What has to hold once the session has ended.
    async fn judge(&self) -> Result<(usize, usize), String> {
        let host = HostBooks::from_journal(&self.memory());
        let venue = self.venue_books().await;
        let mut wrong = differences(&host, &venue);
        let start = [("BTC", 1_000), ("ETH", 1_000), ("USDT", 10_000_000)];
        let start = start.map(|(asset, total)| (asset.to_owned(), total.into())).into();
        wrong.extend(astray(&venue, &start));
        wrong.extend(self.proxy.sent_twice());
        wrong.extend(beyond(&host));
        let unknown = host.orders.iter().filter(|(_, order)| order.state == OrderState::Unknown);
        wrong.extend(unknown.map(|(name, _)| format!("{name} is still unknown")));
        for ban in ["real 418", "real 429"] {
            if self.proxy.counted(ban) > 0 {
                wrong.push(format!("the exchange itself said {ban}"));
            }
        }
        let open = venue.orders.values().filter(|order| {
            matches!(order.status.as_str(), "NEW" | "PARTIALLY_FILLED" | "PENDING_NEW")
        });
        if open.count() > 0 {
            wrong.push("orders are open after a session that was to cancel them".to_owned());
        }
        match wrong.is_empty() {
            true => Ok((host.orders.len(), host.fills.len())),
            false => Err(self.story(&wrong.join("\n"))),
        }
    }
}

/// Positions that were ever larger than allowed, in the order of the executions.
fn beyond(host: &HostBooks) -> Vec<String> {
    let mut held: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
    let mut found = Vec::new();
    for ((symbol, trade), fill) in &host.fills {
        // sp-<run>-<plugin>-<sequence>
        let plugin = fill.order.split('-').nth(2).unwrap_or_default();
        let position = held.entry((symbol, plugin)).or_default();
        *position += if fill.side == Side::Buy { fill.quantity } else { -fill.quantity };
        let limit = POSITION_MAX[usize::from(symbol == SYMBOLS[1])];
        if position.abs() > Decimal::from_str_exact(limit).unwrap() {
            found.push(format!("after trade {trade} plugin {plugin} holds {position} of {symbol}"));
        }
    }
    found
}

fn configuration(proxy: &Proxy, secure: bool) -> String {
    let (http, ws) = if secure { ("https", "wss") } else { ("http", "ws") };
    let at = proxy.address;
    let authorities = if secure { "ca_file = \"ca.pem\"\n" } else { "" };
    let plugin = |name: &str, symbol: &str, quantity: &str, limit: &str| {
        format!(
            "[[plugins]]\nname = \"{name}\"\ncomponent = {:?}\nbudget = \"1000000\"\n\
             instruments = [\"{symbol}\"]\n[plugins.parameters]\nquantity = \"{quantity}\"\n\
             max-inventory = \"1\"\nhalf-spread = \"0.00002\"\nskew = \"0.00001\"\n\
             [plugins.limits.instruments.{symbol}]\nposition_quantity_max = \"{limit}\"\n\
             [plugins.sandbox]\ncall_deadline_ms = 10000\nqueue_lag_ms_max = 60000\n\
             cpu_share_percent_max = 100\n",
            market_maker()
        )
    };
    format!(
        "version = 1\ncurrency = \"USDT\"\n[venue]\nexchange = \"binance-spot\"\n\
         symbols = [\"BTCUSDT\", \"ETHUSDT\"]\nkey = \"env://host/testnet\"\nreconcile_s = 5\n\
         {authorities}[venue.hosts]\nrest = \"{http}://{at}\"\nstream = \"{ws}://{at}/stream\"\n\
         ws_api = \"{ws}://{at}/ws-api/v3\"\n{}{}",
        plugin("btc", SYMBOLS[0], "0.005", POSITION_MAX[0]),
        plugin("eth", SYMBOLS[1], "0.05", POSITION_MAX[1]),
    )
}

/// One seed. How many orders and executions there were.
async fn play(seed: u64) -> Result<(usize, usize), String> {
    let play = Play::begin(seed).await;
    let style = |symbol, price, quantity, pace| Style {
        symbol,
        price,
        quantity,
        pace: Duration::from_millis(pace),
        seed,
    };
    let at = play.exchange.address;
    let traders = [
        Trader::start(at, style(SYMBOLS[0], 6_000_000, 100, 400)),
        Trader::start(at, style(SYMBOLS[1], 300_000, 1_000, 500)),
    ];
    let mut session = play.suffer(play.start()).await?;
    play.proxy.calm();
    for trader in traders {
        trader.stop().await;
    }
    play.agree(&mut session).await?;
    let pid = Pid::from_child(&session);
    kill_process(pid, Signal::INT).unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = session.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > END_WITHIN {
            session.kill().unwrap();
            session.wait().unwrap();
            return Err(play.story("the session did not end"));
        }
        sleep(LOOK_EVERY).await;
    };
    if !status.success() {
        return Err(play.story(&format!("the session ended with {status}")));
    }
    play.judge().await
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Where stories of seeds that failed are kept.
fn keep(seed: u64, story: &str) -> PathBuf {
    let folder = sandpit_tests::root().join("target/chaos");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("seed-{seed}.txt"));
    fs::write(&path, story).unwrap();
    path
}

/// The beginning of a story: what is wrong.
fn head(story: &str) -> &str {
    story.split("--- the proxy").next().unwrap_or(story)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_faults_the_host_s_books_are_the_exchange_s() {
    let first = variable(SEED_VARIABLE, 1);
    let seeds = variable(SEEDS_VARIABLE, SEEDS_DEFAULT);
    // Built before anything is measured by a clock.
    let component: &Path = market_maker();
    assert!(component.exists());
    let begun = Instant::now();
    let (mut waiting, mut under_way) = (first..first + seeds, JoinSet::new());
    let (mut orders, mut fills, mut failed) = (0, 0, Vec::new());
    loop {
        while under_way.len() < AT_ONCE
            && let Some(seed) = waiting.next()
        {
            under_way.spawn(async move { (seed, play(seed).await) });
        }
        match under_way.join_next().await {
            None => break,
            Some(Ok((_, Ok((some, more))))) => {
                orders += some;
                fills += more;
            }
            Some(Ok((seed, Err(story)))) => {
                failed.push(format!("{}\n{}", keep(seed, &story).display(), head(&story)));
            }
            Some(Err(error)) => failed.push(error.to_string()),
        }
    }
    eprintln!(
        "{seeds} seeds from {first} in {:.0?}: {orders} orders, {fills} executions",
        begun.elapsed()
    );
    assert!(failed.is_empty(), "{} of {seeds} failed:\n{}", failed.len(), failed.join("\n"));
    assert!(orders > 0 && fills > 0, "nothing was traded");
}
