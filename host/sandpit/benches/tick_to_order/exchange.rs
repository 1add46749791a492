//! The exchange's sockets, and the hand on the watch: one thread that sends a frame and waits for the
//! order, so that nothing of it runs while it waits.

use std::{
    error::Error,
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, WebSocket, accept};

use super::{
    answers::{Books, SYMBOL, events, expired, framed, now_ms},
    rest,
};

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
pub(crate) type Socket = WebSocket<TcpStream>;

/// The longest that an order is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at sockets on which nothing is expected at a certain moment.
const LOOK: Duration = Duration::from_millis(2);
/// Without an order for so long, none is under way.
const QUIET: Duration = Duration::from_millis(300);
/// Between two quotes while a session begins.
const QUOTE_EVERY: Duration = Duration::from_millis(20);
/// The lowest bid, in cents, and how many there are: each event has another than the one before.
const BIDS: (u64, u64) = (6_000_000, 997);
/// Events between two looks at the market's line, for pings and their like, and two trades.
const EVENTS_PER_LOOK: u64 = 1_000;

/// An exchange.
pub(crate) struct Exchange {
    pub(crate) books: Arc<Mutex<Books>>,
    pub(crate) rest: SocketAddr,
    market_door: TcpListener,
    api_door: TcpListener,
    markets: Vec<Socket>,
    apis: Vec<Socket>,
    sequence: u64,
    trades: u64,
}

/// What is done with orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They are looked at, answered, and told of.
    Exchange,
    /// They are counted, since nobody is there who would understand an answer.
    Silent,
}

fn door() -> io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn would_block(error: &SocketError) -> bool {
    matches!(error, SocketError::Io(error)
        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
}

impl Exchange {
    pub(crate) fn open() -> Result<Self, Failure> {
        let books = Arc::default();
        let rest = rest::serve(&books)?;
        let (market_door, api_door) = (door()?, door()?);
        let (markets, apis) = (Vec::new(), Vec::new());
        Ok(Self { books, rest, market_door, api_door, markets, apis, sequence: 0, trades: 0 })
    }

    /// Where markets are joined.
    pub(crate) fn market_address(&self) -> io::Result<SocketAddr> {
        self.market_door.local_addr()
    }

    /// Where orders come.
    pub(crate) fn api_address(&self) -> io::Result<SocketAddr> {
        self.api_door.local_addr()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bid of an event, as text.
    fn bid(sequence: u64) -> String {
        let cents = BIDS.0 + sequence % BIDS.1;
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    fn quote(sequence: u64) -> String {
        let (cents, bid) = (BIDS.0 + sequence % BIDS.1 + 10, Self::bid(sequence));
        format!(
            r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{sequence},"s":"{SYMBOL}","b":"{bid}","B":"1.00000","a":"{}.{:02}","A":"1.00000"}}}}"#,
            cents / 100,
            cents % 100
        )
    }

    fn trade(&self) -> String {
        let (now, id) = (now_ms(), self.trades);
        format!(
            r#"{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{now},"s":"{SYMBOL}","a":{id},"p":"60000.05","q":"0.00100","f":{id},"l":{id},"T":{now},"m":true,"M":true}}}}"#
        )
    }

    /// Goes on, with a quote now and then, until `is_so`.
    pub(crate) fn wait_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> Result<bool, Failure>,
        quotes: bool,
    ) -> Result<(), Failure> {
        let (begun, mut quoted) = (Instant::now(), Instant::now());
        while !is_so(self)? {
            if begun.elapsed() > PATIENCE {
                return Err(format!("waited in vain for {what}").into());
            }
            self.let_in()?;
            self.look()?;
            if quotes && quoted.elapsed() > QUOTE_EVERY {
                quoted = Instant::now();
                self.sequence += 1;
                self.tell(&Self::quote(self.sequence))?;
                self.tell_a_trade()?;
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// How many connections there are, of either kind.
    pub(crate) const fn connections(&self) -> (usize, usize) {
        (self.markets.len(), self.apis.len())
    }

    /// Goes on until no order has come for a while: those of the quotes so far are through.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        let (mut orders, mut since) = (self.books().orders(), Instant::now());
        while since.elapsed() < QUIET {
            self.look()?;
            let now = self.books().orders();
            if now != orders {
                (orders, since) = (now, Instant::now());
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn let_in(&mut self) -> Result<(), Failure> {
        for (door, sockets) in
            [(&self.market_door, &mut self.markets), (&self.api_door, &mut self.apis)]
        {
            while let Ok((stream, _)) = door.accept() {
                stream.set_nodelay(true)?;
                stream.set_nonblocking(false)?;
                let socket = accept(stream).map_err(|error| error.to_string())?;
                socket.get_ref().set_nonblocking(true)?;
                sockets.push(socket);
            }
        }
        Ok(())
    }

    fn tell(&mut self, frame: &str) -> Result<(), Failure> {
        for socket in &mut self.markets {
            socket.send(Message::text(frame))?;
        }
        Ok(())
    }

    fn tell_a_trade(&mut self) -> Result<(), Failure> {
        self.trades += 1;
        self.tell(&self.trade())
    }

    /// Answers what has come, on sockets that do not wait.
    fn look(&mut self) -> Result<(), Failure> {
        for at in 0..self.markets.len() {
            while let Some(text) = read(&mut self.markets[at])? {
                let asked: Value = serde_json::from_str(&text)?;
                let answer = format!(r#"{{"result":null,"id":{}}}"#, asked["id"]);
                self.markets[at].send(Message::text(answer))?;
            }
        }
        for at in 0..self.apis.len() {
            while let Some(text) = read(&mut self.apis[at])? {
                self.answer(at, &text)?;
            }
        }
        Ok(())
    }

    /// Answers a request; its price, where it was an order.
    fn answer(&mut self, at: usize, text: &str) -> Result<Option<String>, Failure> {
        let asked: Value = serde_json::from_str(text)?;
        let method = asked["method"].as_str().unwrap_or_default();
        if method == "order.place" {
            let placed = self.books().place(&asked["params"])?;
            let socket = &mut self.apis[at];
            socket.send(Message::text(framed(&asked["id"], &expired(&placed))))?;
            for event in events(&placed) {
                socket.send(Message::text(event))?;
            }
            return Ok(Some(placed.price));
        }
        let answered = self.books().answer(method, &asked["params"]);
        let answer = match answered {
            Ok(result) => framed(&asked["id"], &result.to_string()),
            Err(error) => format!(r#"{{"id":{},"status":400,"error":{error}}}"#, asked["id"]),
        };
        self.apis[at].send(Message::text(answer))?;
        Ok(None)
    }

    /// So many events, one after the other, each once its order is there and after a pause. How long
    /// each order took, in nanoseconds.
    pub(crate) fn play(
        &mut self,
        events: u64,
        pause: Duration,
        manner: Manner,
    ) -> Result<Vec<u64>, Failure> {
        let (markets, apis) = self.connections();
        if (markets, apis) != (1, 1) {
            return Err(format!("{markets} connections to the market, {apis} for orders").into());
        }
        let api = self.apis[0].get_ref();
        api.set_nonblocking(false)?;
        api.set_read_timeout(Some(PATIENCE))?;
        let mut took = Vec::new();
        for event in 1..=events {
            if !pause.is_zero() {
                thread::sleep(pause);
            }
            self.sequence += 1;
            took.push(self.one(manner)?);
            if event.is_multiple_of(EVENTS_PER_LOOK) && manner == Manner::Exchange {
                while read(&mut self.markets[0])?.is_some() {}
                self.tell_a_trade()?;
            }
        }
        self.apis[0].get_ref().set_nonblocking(true)?;
        Ok(took)
    }

    fn one(&mut self, manner: Manner) -> Result<u64, Failure> {
        let frame = Self::quote(self.sequence);
        let sent = Instant::now();
        self.markets[0].send(Message::text(frame))?;
        loop {
            let message = self.apis[0].read();
            let took = u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let text = match message {
                Ok(Message::Text(text)) => text,
                Ok(_) => continue,
                Err(error) if would_block(&error) => {
                    return Err(format!("no order came for event {}", self.sequence).into());
                }
                Err(error) => return Err(error.into()),
            };
            if manner == Manner::Silent {
                return Ok(took);
            }
            let Some(price) = self.answer(0, &text)? else { continue };
            let (wanted, came) = (Self::bid(self.sequence), price);
            if bare(&wanted) != bare(&came) {
                return Err(format!("an order at {came} came for an event at {wanted}").into());
            }
            return Ok(took);
        }
    }
}

/// A number without the zeros that say nothing.
fn bare(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// The next text of a socket that does not wait.
fn read(socket: &mut Socket) -> Result<Option<String>, Failure> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return Ok(Some(text.to_string())),
            Ok(_) => {}
            Err(error) if would_block(&error) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}
