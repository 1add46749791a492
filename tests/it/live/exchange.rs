//! `sandpit exchange` as a process, and a client of it that shares nothing with the host: what it
//! knows of an account is what the host's books are held against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    str::FromStr,
    sync::mpsc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::hmac;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::support::sandpit;

/// The longest that it may take until it listens.
const START_MAX: Duration = Duration::from_secs(60);

/// A key of the host's account, by its name; its secret is the name with `secret` behind it.
pub(crate) const TRADES: &str = "hostkeythattrades";
/// The same for money: no key is one of two modes.
pub(crate) const TRADES_LIVE: &str = "hostkeythattradeslive";
/// One that says of itself that it may withdraw.
pub(crate) const WITHDRAWS: &str = "hostkeythatwithdraws";
/// One that may read only.
pub(crate) const READS: &str = "hostkeythatreads";

/// What the account begins with.
pub(crate) const BTC: &str = "100";

/// The secret of a key.
pub(crate) fn secret(key: &str) -> String {
    format!("{key}secret")
}

fn description() -> String {
    let symbol = |base: &str, tick: &str, step: &str, price: &str| {
        format!(
            "[[symbol]]\nname = \"{base}USDT\"\nbase = \"{base}\"\nquote = \"USDT\"\n\
             price_tick = \"{tick}\"\nquantity_step = \"{step}\"\nquantity_min = \"{step}\"\n\
             quantity_max = \"1000\"\nnotional_min = \"5\"\nmaker_fee = \"0.0001\"\n\
             taker_fee = \"0.0005\"\nhistory = {{ minutes = 600, price = \"{price}\", seed = 3 }}\n"
        )
    };
    let key = |name: &str, more: &str| {
        let secret = secret(name);
        format!(
            "[[account.key]]\napi_key = \"{name}\"\nhmac_secret = \"{secret}\"\n\
             ip_restricted = true\n{more}\n"
        )
    };
    [
        "control = true\n".to_owned(),
        symbol("BTC", "0.1", "0.001", "60000"),
        symbol("ETH", "0.01", "0.01", "3000"),
        format!(
            "[[account]]\nname = \"host\"\nbalances = {{ BTC = \"{BTC}\", ETH = \"1000\", USDT = \
             \"10000000\" }}\n"
        ),
        key(TRADES, ""),
        key(TRADES_LIVE, ""),
        key(WITHDRAWS, "withdrawals = true"),
        key(READS, "trading = false"),
    ]
    .concat()
}

/// The exchange. It ends when it is dropped.
pub(crate) struct Exchange {
    process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// With which it is looked at.
    key: &'static str,
}

/// One order as the exchange has it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) open: bool,
}

/// One execution: its order's name, its number, whether it bought, price, quantity.
pub(crate) type Fill = (String, u64, bool, Decimal, Decimal);

/// Everything that the exchange knows of the account.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) orders: Vec<Order>,
    pub(crate) fills: BTreeSet<Fill>,
    /// Free and locked together, by asset.
    pub(crate) balances: BTreeMap<String, Decimal>,
}

impl Books {
    pub(crate) fn open(&self) -> BTreeSet<&str> {
        let open = self.orders.iter().filter(|order| order.open);
        open.map(|order| order.name.as_str()).collect()
    }
}

fn number(value: &Value) -> Decimal {
    Decimal::from_str(value.as_str().unwrap_or_else(|| panic!("no number: {value}"))).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

impl Exchange {
    /// Starts it with the made-up market, so many times as fast as real time.
    pub(crate) fn start(folder: &Path, speed: u32) -> Self {
        Self::start_at(folder, speed, "127.0.0.1:0")
    }

    pub(crate) fn start_at(folder: &Path, speed: u32, listen: &str) -> Self {
        Self::start_as(folder, (speed, listen), &description(), TRADES)
    }

    /// Starts one that is described otherwise; `key` is one of the account's, to look at it with.
    pub(crate) fn start_as(
        folder: &Path,
        (speed, listen): (u32, &str),
        description: &str,
        key: &'static str,
    ) -> Self {
        fs::write(folder.join("exchange.toml"), description).unwrap();
        let mut process = sandpit(folder)
            .args(["exchange", "--config", "exchange.toml", "--synthetic", "--listen", listen])
            .args(["--speed", &speed.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        let (lines, heard) = mpsc::channel();
        // Somebody reads to the end, so that it never waits for that.
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let mut all = Vec::new();
        let address = loop {
            let line = heard.recv_timeout(START_MAX).unwrap_or_else(|_| panic!("{all:#?}"));
            let found = line.strip_prefix("http://").and_then(|rest| rest.split(' ').next());
            if let Some(address) = found {
                break address.to_owned();
            }
            all.push(line);
        };
        Self { process, address, key }
    }

    fn call(&self, method: &str, target: &str, key: Option<&str>) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let key = key.map_or_else(String::new, |key| format!("X-MBX-APIKEY: {key}\r\n"));
        let head = format!(
            "{method} {target} HTTP/1.1\r\nhost: {}\r\n{key}content-length: 0\r\n\
             connection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
    }

    /// Asks what everybody may ask.
    pub(crate) fn public(&self, target: &str) -> Value {
        let (status, value) = self.call("GET", target, None);
        assert_eq!(status, 200, "{target}: {value}");
        value
    }

    /// Asks as the account's holder.
    pub(crate) fn signed(&self, method: &str, path: &str, params: &str) -> Value {
        let (status, value) = self.signed_by(self.key, method, path, params);
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Asks with a key; the status, and what is said.
    pub(crate) fn signed_by(
        &self,
        key: &str,
        method: &str,
        path: &str,
        params: &str,
    ) -> (u16, Value) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let time = since.as_millis();
        let query = if params.is_empty() {
            format!("timestamp={time}")
        } else {
            format!("{params}&timestamp={time}")
        };
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret(key).as_bytes());
        let signature = hmac::sign(&secret, query.as_bytes());
        let hex: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let target = format!("{path}?{query}&signature={hex}");
        self.call(method, &target, Some(key))
    }

    /// What only whoever runs it decides.
    pub(crate) fn control(&self, what: &str, params: &str) {
        let (status, value) =
            self.call("POST", &format!("/sandpit/v1/control/{what}?{params}"), None);
        assert_eq!(status, 200, "{what}: {value}");
    }

    /// Everything of the account, with the executions of these symbols.
    pub(crate) fn books(&self, symbols: &[&str]) -> Books {
        let mut books = Books::default();
        for symbol in symbols {
            let mut names = BTreeMap::new();
            // From the first on, in parts.
            let mut from = 1;
            loop {
                let params = format!("symbol={symbol}&orderId={from}&limit=1000");
                let part = self.signed("GET", "/api/v3/allOrders", &params);
                for order in list(&part) {
                    let name = order["clientOrderId"].as_str().unwrap().to_owned();
                    let open = ["NEW", "PARTIALLY_FILLED"].iter().any(|it| order["status"] == *it);
                    let id = order["orderId"].as_u64().unwrap();
                    from = from.max(id + 1);
                    names.insert(id, name.clone());
                    books.orders.push(Order { name, open });
                }
                if list(&part).len() < 1_000 {
                    break;
                }
            }
            let mut from = 0;
            loop {
                let params = format!("symbol={symbol}&fromId={from}&limit=1000");
                let part = self.signed("GET", "/api/v3/myTrades", &params);
                for fill in list(&part) {
                    let id = fill["id"].as_u64().unwrap();
                    from = from.max(id + 1);
                    let name = names[&fill["orderId"].as_u64().unwrap()].clone();
                    let is_buy = fill["isBuyer"] == true;
                    let fill = (name, id, is_buy, number(&fill["price"]), number(&fill["qty"]));
                    books.fills.insert(fill);
                }
                if list(&part).len() < 1_000 {
                    break;
                }
            }
        }
        let account = self.signed("GET", "/api/v3/account", "");
        for balance in list(&account["balances"]) {
            let held = number(&balance["free"]) + number(&balance["locked"]);
            books.balances.insert(balance["asset"].as_str().unwrap().to_owned(), held);
        }
        books
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
