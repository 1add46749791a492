//! The exchange itself: accounts, orders, books. Pure: time is an argument, what happened is
//! appended to a list, and the same calls give the same events.
//!
//! Invariants: what is traded moves between accounts, liquidity from outside and fees, and nothing
//! else makes or loses any; a client order id names one open order of an account at most.

mod entry;
mod feed;
mod lists;
mod matching;
mod replace;
#[cfg(test)]
mod tests;
mod triggers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sandpit_core::market::Side;

use crate::{
    amount::Amount,
    config::{ACCOUNTS_MAX, Config, ConfigError, KEYS_MAX, SYMBOLS_MAX, TEXT_BYTES_MAX},
    ledger::Account,
    market::Market,
    order::{AccountId, Event, Fill, List, Order, OrderId, Report, SymbolId},
    symbol::{Standing, Symbol},
    words::{Execution, Status, SymbolStatus},
};

pub(crate) use entry::{Placed, Which};
pub use feed::FeedError;
pub(crate) use feed::FeedMap;
pub(crate) use lists::NewList;
pub(crate) use replace::{Amended, CancelOnly, Replace};

/// Orders that are over and still known; the oldest are forgotten.
const CLOSED_MAX: usize = 100_000;
/// Lists that are over and still known.
const CLOSED_LISTS_MAX: usize = 10_000;
/// Fills of one account that are kept.
const FILLS_MAX: usize = 100_000;

/// An exchange with its symbols and accounts.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(crate) assets: Vec<String>,
    pub(crate) markets: Vec<Market>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) orders: BTreeMap<OrderId, Order>,
    /// Open orders of each account.
    pub(crate) open: Vec<BTreeSet<OrderId>>,
    pub(crate) fills: Vec<VecDeque<Fill>>,
    pub(crate) lists: BTreeMap<u64, List>,
    /// All orders that are known, by whose they are and their names.
    names: BTreeSet<(AccountId, SymbolId, String, OrderId)>,
    groups: BTreeMap<u64, lists::Group>,
    closed: VecDeque<OrderId>,
    closed_lists: VecDeque<u64>,
    events: Vec<Event>,
    next_order: OrderId,
    next_list: u64,
    next_execution: u64,
    next_name: u64,
    /// Symbols whose last price moved within the call.
    moved: BTreeSet<SymbolId>,
    /// Symbols that the call has touched.
    touched: BTreeSet<SymbolId>,
}

impl Exchange {
    /// An exchange as described.
    ///
    /// # Errors
    /// A rule, account or key that makes no sense, or one that is there twice.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let many = |what, problem| Err(ConfigError::wrong(what, "*", problem));
        if !(1..=SYMBOLS_MAX).contains(&config.symbols.len()) {
            return many("symbol", "there must be 1 to 256");
        }
        if !(1..=ACCOUNTS_MAX).contains(&config.accounts.len()) {
            return many("account", "there must be 1 to 256");
        }
        let mut names = BTreeSet::new();
        for symbol in &config.symbols {
            names.insert(symbol.base.clone());
            names.insert(symbol.quote.clone());
        }
        for account in &config.accounts {
            names.extend(account.balances.keys().cloned());
        }
        let assets: Vec<String> = names.into_iter().collect();
        let at = |name: &String| assets.binary_search(name).unwrap_or_default();
        let mut markets: Vec<Market> = Vec::new();
        for rules in &config.symbols {
            let symbol = Symbol::new(rules.clone(), at(&rules.base), at(&rules.quote))?;
            if markets.iter().any(|other| other.symbol.rules.name == rules.name) {
                return Err(ConfigError::wrong("symbol", &rules.name, "it is there twice"));
            }
            markets.push(Market::new(symbol));
        }
        let accounts = accounts(config, &assets)?;
        Ok(Self {
            open: vec![BTreeSet::new(); accounts.len()],
            fills: vec![VecDeque::new(); accounts.len()],
            assets,
            markets,
            accounts,
            orders: BTreeMap::new(),
            lists: BTreeMap::new(),
            names: BTreeSet::new(),
            groups: BTreeMap::new(),
            closed: VecDeque::new(),
            closed_lists: VecDeque::new(),
            events: Vec::new(),
            next_order: 1,
            next_list: 1,
            next_execution: 1,
            next_name: 1,
            moved: BTreeSet::new(),
            touched: BTreeSet::new(),
        })
    }

    /// What happened since the last time, in order.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// A name for an order, a list or a request that came without one.
    pub(crate) fn new_name(&mut self) -> String {
        self.next_name += 1;
        format!("sandpit{:015}", self.next_name)
    }

    pub(crate) fn symbol_of(&self, name: &str) -> Option<SymbolId> {
        self.markets.iter().position(|market| market.symbol.rules.name == name)
    }

    /// Says whether a symbol trades from now on.
    pub(crate) fn set_trading(&mut self, symbol: SymbolId, trading: SymbolStatus) {
        self.markets[symbol].symbol.trading = trading;
    }

    /// Pays in or, where it is negative, out. `false` where there is no such asset or too little.
    pub(crate) fn transfer(
        &mut self,
        account: AccountId,
        asset: &str,
        delta: Amount,
        now_ms: u64,
    ) -> bool {
        let Some(asset) = self.assets.iter().position(|name| name == asset) else {
            return false;
        };
        let done = self.accounts[account].transfer(asset, delta);
        if done {
            self.events.push(Event::Transfer { account, time_ms: now_ms, asset, delta });
            self.finish(now_ms);
        }
        done
    }

    /// The asset that an order of this side locks.
    fn lock_asset(&self, symbol: SymbolId, side: Side) -> usize {
        let symbol = &self.markets[symbol].symbol;
        match side {
            Side::Buy => symbol.quote,
            Side::Sell => symbol.base,
        }
    }

    /// Locks as much as an order is to have locked; `false` where there is too little.
    fn set_lock(&mut self, id: OrderId, amount: Amount) -> bool {
        let Some(order) = self.orders.get_mut(&id) else { return false };
        let asset = {
            let symbol = &self.markets[order.new.symbol].symbol;
            if order.new.side == Side::Buy { symbol.quote } else { symbol.base }
        };
        let done = self.accounts[order.account].lock(asset, amount - order.locked);
        if done {
            order.locked = amount;
        }
        done
    }

    pub(crate) fn standing(&self, account: AccountId, symbol: SymbolId, now_ms: u64) -> Standing {
        let open = self.open[account].iter().filter_map(|id| self.orders.get(id));
        let market = &self.markets[symbol];
        let mut standing = Standing {
            average: market.average(now_ms),
            position: self.accounts[account].total(market.symbol.base),
            ..Standing::default()
        };
        for order in open {
            standing.everywhere += 1;
            if order.new.symbol == symbol {
                standing.orders += 1;
                standing.algo += u32::from(order.new.kind.is_conditional());
                if order.new.side == Side::Buy {
                    standing.position += order.remaining();
                }
            }
        }
        standing
    }

    /// Tells the owner what became of an order.
    fn report(&mut self, id: OrderId, kind: Execution, now_ms: u64, say: impl FnOnce(&mut Report)) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.updated_ms = now_ms;
        let mut report = Report {
            order: order.clone(),
            kind,
            execution: self.next_execution,
            time_ms: now_ms,
            request_name: None,
            fill: None,
            expiry: None,
            prevented: None,
            reject: "NONE",
        };
        self.next_execution += 1;
        say(&mut report);
        self.events.push(Event::Report(Box::new(report)));
    }

    /// Takes an order out of everything that is open and frees what was locked.
    fn close(&mut self, id: OrderId, status: Status) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if !order.status.is_open() {
            return;
        }
        order.status = status;
        let (account, symbol, side) = (order.account, order.new.symbol, order.new.side);
        let (price, shown) = (order.new.price, std::mem::take(&mut order.shown));
        let stood = shown.is_positive();
        self.set_lock(id, Amount::ZERO);
        let market = &mut self.markets[symbol];
        market.waiting.remove(&id);
        if stood {
            market.book.remove(side, price, id, shown);
            market.touch(side, price);
            self.touched.insert(symbol);
        }
        self.open[account].remove(&id);
        self.closed.push_back(id);
        if self.closed.len() > CLOSED_MAX
            && let Some(oldest) = self.closed.pop_front()
            && let Some(order) = self.orders.remove(&oldest)
        {
            self.names.remove(&order.name_key());
        }
    }

    fn keep_fill(&mut self, account: AccountId, fill: Fill) {
        let fills = &mut self.fills[account];
        fills.push_back(fill);
        if fills.len() > FILLS_MAX {
            fills.pop_front();
        }
    }

    /// Ends a call: triggers that it reached, then what is told once for all of it.
    fn finish(&mut self, now_ms: u64) {
        self.fire_triggers(now_ms);
        for symbol in std::mem::take(&mut self.touched) {
            if let Some(aggregate) = self.markets[symbol].seal() {
                self.events.push(Event::Aggregate { symbol, aggregate });
            }
            let market = &mut self.markets[symbol];
            let best = market.best();
            if best != market.told_best {
                market.told_best = best;
                self.events.push(Event::Best { symbol });
            }
        }
        for (account, own) in self.accounts.iter_mut().enumerate() {
            let assets = own.take_changes();
            if !assets.is_empty() {
                own.updated_ms = now_ms;
                self.events.push(Event::Balances { account, time_ms: now_ms, assets });
            }
        }
    }
}

fn accounts(config: &Config, assets: &[String]) -> Result<Vec<Account>, ConfigError> {
    let mut accounts: Vec<Account> = Vec::new();
    let mut keys = BTreeSet::new();
    for entry in &config.accounts {
        let wrong = |problem| Err(ConfigError::wrong("account", &entry.name, problem));
        if !(1..=TEXT_BYTES_MAX).contains(&entry.name.len()) {
            return wrong("a name has 1 to 256 bytes");
        }
        if accounts.iter().any(|other| other.name == entry.name) {
            return wrong("it is there twice");
        }
        if entry.keys.len() > KEYS_MAX {
            return wrong("there are more than 16 keys");
        }
        for key in &entry.keys {
            let length = 1..=TEXT_BYTES_MAX;
            let plain = key.api_key.bytes().all(|b| b.is_ascii_alphanumeric());
            if !length.contains(&key.api_key.len()) || !plain {
                return wrong("an api_key has 1 to 256 letters and digits");
            }
            if !keys.insert(key.api_key.clone()) {
                return wrong("one of its keys is there twice");
            }
            crate::auth::check_key(key)
                .map_err(|problem| ConfigError::wrong("account", &entry.name, problem))?;
        }
        let mut account = Account::new(entry.name.clone(), entry.keys.clone(), assets.len());
        account.fees_in_bnb = entry.fees_in_bnb;
        for (name, amount) in &entry.balances {
            if let Ok(asset) = assets.binary_search(name) {
                account.transfer(asset, *amount);
            }
        }
        account.take_changes();
        accounts.push(account);
    }
    Ok(accounts)
}
