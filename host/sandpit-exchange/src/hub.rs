//! The exchange with its limits and its listeners: what every connection shares, behind one lock.
//! No sockets here; messages go into bounded queues, and who does not read them is cut off.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sandpit_core::market::MarketEvent;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::{
    Exchange,
    api::{Call, Endpoint, SIGNED, Security},
    auth::Login,
    config::Limits,
    exchange::FeedMap,
    limits::Counter,
    order::{AccountId, Event},
    params::Params,
    refusal::Refusal,
    streams::{Listeners, Stream, Tell},
    words::Execution,
};

/// Messages that may wait for one connection.
pub(crate) const QUEUE_MAX: usize = 4_096;

/// Where messages of a connection go.
pub(crate) type Sender = mpsc::Sender<String>;

/// The clock: milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How all connections end at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// With the word that the server ends.
    SayingSo,
    /// Without a word.
    Silently,
}

/// The number of the last cut, and how it was.
pub(crate) type Cuts = watch::Receiver<(u64, Cut)>;

struct MarketListener {
    sender: Sender,
    /// Whether messages say of which stream they are.
    combined: bool,
    streams: BTreeSet<Stream>,
    names: BTreeMap<Stream, String>,
}

struct UserListener {
    connection: u64,
    subscription: u64,
    /// Who subscribed.
    login: Login,
    sender: Sender,
}

/// All that connections share.
pub(crate) struct Hub {
    pub(crate) exchange: Exchange,
    pub(crate) counter: Counter,
    pub(crate) limits: Limits,
    /// Whether nothing but the wallet answers.
    pub(crate) maintenance: bool,
    cuts: watch::Sender<(u64, Cut)>,
    clock: Clock,
    listeners: Listeners,
    market: BTreeMap<u64, MarketListener>,
    users: Vec<UserListener>,
    next_connection: u64,
    ticks: u64,
}

/// The hub, shared.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Hub>>);

impl Shared {
    pub(crate) fn new(exchange: Exchange, limits: Limits, clock: Clock) -> Self {
        Self(Arc::new(Mutex::new(Hub {
            exchange,
            counter: Counter::new(limits),
            limits,
            maintenance: false,
            cuts: watch::channel((0, Cut::Silently)).0,
            clock,
            listeners: Listeners::default(),
            market: BTreeMap::new(),
            users: Vec::new(),
            next_connection: 1,
            ticks: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Hub> {
        // A panic in another request must not end the exchange.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request with whom it is from.
pub(crate) struct Request<'r> {
    pub(crate) ip: IpAddr,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) params: &'r Params,
    pub(crate) login: Option<Login>,
}

/// An own event as the venue writes it, in this order.
fn own_event_text(subscription: u64, event: &str) -> String {
    format!("{{\"subscriptionId\":{subscription},\"event\":{event}}}")
}

impl Hub {
    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    pub(crate) fn new_connection(&mut self) -> u64 {
        self.next_connection += 1;
        self.next_connection
    }

    /// What a connection hears of cuts.
    pub(crate) fn cuts(&self) -> Cuts {
        self.cuts.subscribe()
    }

    /// Ends all WebSocket connections.
    pub(crate) fn cut(&mut self, how: Cut) {
        self.cuts.send_modify(|cut| *cut = (cut.0 + 1, how));
    }

    /// Ends all subscriptions to own events; gives how many there were.
    pub(crate) fn terminate_users(&mut self) -> usize {
        let connections: BTreeSet<_> = self.users.iter().map(|user| user.connection).collect();
        let ended = self.users.len();
        for connection in connections {
            self.remove_user(connection, None);
        }
        ended
    }

    /// Does what is asked, once its weight was counted and its signature checked.
    pub(crate) fn perform(&mut self, request: &Request<'_>) -> Result<Value, Refusal> {
        let Request { ip, endpoint, params, login } = request;
        let now_ms = self.now_ms();
        if endpoint.security == Security::Trade
            && !login.is_some_and(|login| self.exchange.key(login).is_ok_and(|key| key.trading))
        {
            return Err(Refusal::bad_key());
        }
        if !endpoint.wallet {
            // The wallet's requests pass over what they do not know.
            let known: Vec<_> = endpoint.reads.split(' ').collect();
            let is_public = endpoint.security == Security::Public;
            params.only(&known, if is_public { &SIGNED[4..] } else { &SIGNED })?;
        }
        let account = login.map(|login| login.account);
        let mut limited = None;
        if let Some(account) = account.filter(|_| endpoint.orders > 0)
            && let Err(refusal) = self.counter.orders(account, endpoint.orders, now_ms)
        {
            match params.get("orderRateLimitExceededMode") {
                None | Some("DO_NOTHING") => return Err(refusal),
                Some("CANCEL_ONLY") => limited = Some(refusal),
                Some(_) => return Err(Refusal::bad_mode()),
            }
        }
        let counted = account.filter(|_| endpoint.orders > 0 && limited.is_none());
        let limits = self.counter.info();
        let order_counts = account.map_or_else(Vec::new, |id| self.counter.order_info(id, now_ms));
        let (limits, order_counts) = (&limits, &order_counts);
        let call = Call { params, login: *login, now_ms, limits, order_counts, limited };
        let done = (endpoint.run)(&mut self.exchange, &call);
        if let Some(account) = counted.filter(|_| done.is_err()) {
            self.counter.order_gone(account, endpoint.orders, now_ms);
        }
        if done.is_ok() && endpoint.free_when_done {
            self.counter.give_back(*ip, (endpoint.weight)(params), now_ms);
        }
        self.publish(now_ms);
        done
    }

    /// The market outside moved.
    pub(crate) fn feed(&mut self, map: &FeedMap, event: &MarketEvent) {
        let now_ms = self.now_ms();
        self.exchange.market(map, event, now_ms);
        self.publish(now_ms);
    }

    /// Tells what happened to whom it concerns.
    fn publish(&mut self, now_ms: u64) {
        let events = self.exchange.take_events();
        for event in &events {
            if let Event::Report(report) = event
                && report.kind == Execution::Trade
                && report.fill.as_ref().is_some_and(|fill| fill.quantity == report.order.executed)
            {
                // Its first fill: it no longer counts as unfilled.
                self.counter.order_gone(report.order.account, 1, now_ms);
            }
            if self.users.is_empty() {
                continue;
            }
            if let Some((account, message)) = self.exchange.own_event(event) {
                self.tell_users(account, &message);
            }
        }
        let mut out = Vec::new();
        self.listeners.on_events(&self.exchange, &events, now_ms, &mut out);
        self.send(out);
    }

    fn tell_users(&mut self, account: AccountId, message: &Value) {
        let event = message.to_string();
        self.users.retain(|user| {
            user.login.account != account
                || user.sender.try_send(own_event_text(user.subscription, &event)).is_ok()
        });
    }

    fn send(&mut self, out: Vec<Tell>) {
        for (name, message, connections) in out {
            let plain = message.to_string();
            let combined = format!("{{\"stream\":\"{name}\",\"data\":{plain}}}");
            for id in connections {
                let Some(listener) = self.market.get(&id) else { continue };
                let text = if listener.combined { &combined } else { &plain };
                if listener.sender.try_send(text.clone()).is_err() {
                    self.remove_market(id);
                }
            }
        }
    }

    /// A tenth of a second is over.
    pub(crate) fn tick(&mut self) {
        self.ticks += 1;
        let (now_ms, slow) = (self.now_ms(), self.ticks.is_multiple_of(10));
        let mut out = Vec::new();
        self.listeners.on_tick(&mut self.exchange, slow, now_ms, &mut out);
        self.send(out);
    }

    pub(crate) fn add_market(&mut self, sender: Sender, combined: bool) -> u64 {
        let id = self.new_connection();
        let listener =
            MarketListener { sender, combined, streams: BTreeSet::new(), names: BTreeMap::new() };
        self.market.insert(id, listener);
        id
    }

    pub(crate) fn remove_market(&mut self, id: u64) {
        self.listeners.remove_all(id);
        self.market.remove(&id);
    }

    /// Begins to listen to a stream; one that does not exist is silent. `false` where the
    /// connection has as many as may be.
    pub(crate) fn subscribe(&mut self, id: u64, name: &str) -> bool {
        const STREAMS_MAX: usize = 1_024;
        let Some(stream) = Stream::parse(&self.exchange, name) else { return true };
        let Some(listener) = self.market.get_mut(&id) else { return false };
        if listener.streams.len() >= STREAMS_MAX && !listener.streams.contains(&stream) {
            return false;
        }
        listener.streams.insert(stream);
        listener.names.insert(stream, name.to_owned());
        self.listeners.add(stream, name, id);
        true
    }

    pub(crate) fn unsubscribe(&mut self, id: u64, name: &str) {
        let Some(stream) = Stream::parse(&self.exchange, name) else { return };
        if let Some(listener) = self.market.get_mut(&id) {
            listener.streams.remove(&stream);
            listener.names.remove(&stream);
        }
        self.listeners.remove(stream, id);
    }

    pub(crate) fn subscriptions(&self, id: u64) -> Vec<String> {
        self.market.get(&id).map_or_else(Vec::new, |own| own.names.values().cloned().collect())
    }

    pub(crate) fn set_combined(&mut self, id: u64, combined: bool) {
        if let Some(listener) = self.market.get_mut(&id) {
            listener.combined = combined;
        }
    }

    pub(crate) fn is_combined(&self, id: u64) -> bool {
        self.market.get(&id).is_some_and(|listener| listener.combined)
    }

    pub(crate) fn add_user(
        &mut self,
        connection: u64,
        subscription: u64,
        login: Login,
        sender: Sender,
    ) -> Result<(), Refusal> {
        let is_there = |user: &UserListener| {
            user.connection == connection && user.login.account == login.account
        };
        if self.users.iter().any(is_there) {
            return Err(Refusal::subscribed());
        }
        self.users.push(UserListener { connection, subscription, login, sender });
        Ok(())
    }

    /// Takes a key away, with the subscriptions to own events that it began.
    pub(crate) fn revoke_key(&mut self, api_key: &str) -> Result<(), Refusal> {
        let login = self.exchange.revoke_key(api_key)?;
        self.end_users(|user| user.login == login);
        Ok(())
    }

    /// Ends a subscription, or all of a connection; tells each that it is over.
    pub(crate) fn remove_user(&mut self, connection: u64, subscription: Option<u64>) -> bool {
        self.end_users(|user| {
            user.connection == connection && subscription.is_none_or(|id| id == user.subscription)
        })
    }

    fn end_users(&mut self, is_over: impl Fn(&UserListener) -> bool) -> bool {
        let now_ms = self.now_ms();
        let before = self.users.len();
        self.users.retain(|user| {
            let ends = is_over(user);
            if ends {
                let event = json!({"e": "eventStreamTerminated", "E": now_ms}).to_string();
                // Where its queue is full it is cut off anyway.
                let _ = user.sender.try_send(own_event_text(user.subscription, &event));
            }
            !ends
        });
        self.users.len() < before
    }

    pub(crate) fn user_subscriptions(&self, connection: u64) -> Vec<u64> {
        let own = self.users.iter().filter(|user| user.connection == connection);
        own.map(|user| user.subscription).collect()
    }
}
