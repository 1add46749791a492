//! Somebody else on the exchange: quotes around a price that wanders, takes what others offer, and
//! ends what stands, as a seed says. So orders of the account under test fill, as makers and as
//! takers. It speaks to the exchange itself, past every fault.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{client::Client, proxy::Chance};

/// What a trader trades, and how.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) symbol: &'static str,
    /// Where the price begins, in hundredths.
    pub(crate) price: u64,
    /// Its own orders are 1 to so many times this large, in hundred-thousandths.
    pub(crate) quantity: u64,
    pub(crate) pace: Duration,
    pub(crate) seed: u64,
}

/// What it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) quoted: u64,
    pub(crate) taken: u64,
    pub(crate) refused: u64,
}

/// A trader at work; it ends when it is dropped.
pub(crate) struct Trader {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Done>>,
}

/// Its orders are up to so many times the least.
const TIMES_MAX: u64 = 20;
/// How far it quotes and how far it takes, in parts of a million.
const QUOTES: (u64, u64) = (100, 1_500);
const TAKES: u64 = 3_000;
/// How far the price goes in one step at most, in parts of a million.
const WANDERS: u64 = 400;

impl Trader {
    /// Begins to trade with the account `other`.
    pub(crate) fn start(exchange: SocketAddr, style: Style) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(trade(Client::new(exchange, "other"), style, stopped));
        Self { stop, task: Some(task) }
    }

    /// Ends what stands of its orders, and itself.
    pub(crate) async fn stop(mut self) -> Done {
        self.stop.send_replace(true);
        self.task.take().unwrap().await.unwrap()
    }
}

impl Drop for Trader {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn trade(client: Client, style: Style, mut stopped: watch::Receiver<bool>) -> Done {
    let mut chance = Chance::of(style.seed, &[8]);
    let (mut done, mut price) = (Done::default(), style.price);
    let symbol = style.symbol;
    loop {
        price = price * (1_000_000 - WANDERS + chance.below(2 * WANDERS + 1)) / 1_000_000;
        if chance.below(10) < 6 {
            end_all(&client, symbol).await;
            let apart = price * chance.between(QUOTES.0, QUOTES.1) / 1_000_000;
            for (side, at) in [("BUY", price - apart), ("SELL", price + apart)] {
                let size = style.quantity * chance.between(1, TIMES_MAX);
                done.quoted += 1;
                done.refused += place(&client, symbol, side, "GTC", at, size).await;
            }
        } else {
            let side = chance.one_of(&["BUY", "SELL"]);
            let reach = price * TAKES / 1_000_000;
            let at = if side == "BUY" { price + reach } else { price - reach };
            let size = style.quantity * chance.between(1, TIMES_MAX);
            done.taken += 1;
            done.refused += place(&client, symbol, side, "IOC", at, size).await;
        }
        if timeout(style.pace, stopped.wait_for(|stopped| *stopped)).await.is_ok() {
            end_all(&client, symbol).await;
            return done;
        }
    }
}

async fn end_all(client: &Client, symbol: &str) {
    // Where nothing stands the exchange refuses, which is as good.
    client.signed("DELETE", "/api/v3/openOrders", &format!("symbol={symbol}")).await;
}

/// Places an order; whether it was refused. It heeds the exchange where that is too much.
async fn place(
    client: &Client,
    symbol: &str,
    side: &str,
    tif: &str,
    price: u64,
    quantity: u64,
) -> u64 {
    let query = format!(
        "symbol={symbol}&side={side}&type=LIMIT&timeInForce={tif}&price={}.{:02}&quantity={}.{:05}",
        price / 100,
        price % 100,
        quantity / 100_000,
        quantity % 100_000,
    );
    let answer = client.signed("POST", "/api/v3/order", &query).await;
    if let Some(seconds) = answer.headers.get("retry-after") {
        sleep(Duration::from_secs(seconds.parse().unwrap())).await;
    }
    u64::from(answer.status != 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::VenueBooks,
        stage::{Exchange, Skew, config},
    };

    #[tokio::test]
    async fn an_account_that_stands_on_both_sides_is_filled_as_maker_and_as_taker() {
        let mut config = config();
        config.limits.weight_per_minute_max = 1_000_000;
        config.limits.orders_per_10_seconds_max = 10_000;
        let exchange = Exchange::start(config, None, Skew::NONE).await;
        let host = Client::new(exchange.address, "host");
        let style = Style {
            symbol: "BTCUSDT",
            price: 6_000_000,
            quantity: 100,
            pace: Duration::from_millis(5),
            seed: 11,
        };
        let trader = Trader::start(exchange.address, style);
        let (mut maker, mut taker) = (false, false);
        for number in 0..2_000 {
            let (side, price) = if number % 2 == 0 { ("BUY", "59990") } else { ("SELL", "60010") };
            let tif = if number % 3 == 0 { "IOC" } else { "GTC" };
            let query = format!(
                "symbol=BTCUSDT&side={side}&type=LIMIT&timeInForce={tif}&quantity=0.001&price={price}&newClientOrderId=sp-1-0-{number:x}"
            );
            host.signed("POST", "/api/v3/order", &query).await;
            let books = VenueBooks::ask(&host, &["BTCUSDT"]).await;
            maker |= books.fills.values().any(|fill| fill.maker);
            taker |= books.fills.values().any(|fill| !fill.maker);
            if maker && taker {
                break;
            }
        }
        let done = trader.stop().await;
        assert!(maker && taker, "{done:?}");
        assert!(done.quoted > 0 && done.refused < done.quoted + done.taken, "{done:?}");
        let other = Client::new(exchange.address, "other");
        let open = other.signed("GET", "/api/v3/openOrders", "symbol=BTCUSDT").await.json();
        assert_eq!(open, serde_json::json!([]));
    }
}
