//! What is asked before anything begins: the symbols with their rules, and with a key what the
//! account and the key may do and what trading costs.

use std::collections::BTreeMap;

use sandpit_core::{
    num::{Decimal, Rate},
    time::{Nanos, UnixNanos},
};

use crate::{
    binance::{
        decimal,
        error_code::{Class, Outcome, Rejection},
        filters::{ExchangeInfo, Filter, SymbolRules},
        gate::{Answered, Ended, Gate, Wish},
        limits::{Lane, Limit},
        market::Dialect,
        proof,
        request::Request,
        response::{AccountAnswer, ApiRestrictions, Commission, CommissionAnswer, SystemStatus},
        trading::Listed,
        words::SymbolStatus,
    },
    keys::Purpose,
    machine::{CallId, KeyRights, Notice, Opened, Output},
};

/// Spot's fee for everybody, 0.1 %, where no key can ask for the account's own.
const PUBLIC_FEE: Decimal = Decimal::new(1, 3);
/// How often it is looked whether a maintenance is over.
const MAINTENANCE_EVERY: Nanos = Nanos(30 * Nanos::SECOND.0);
/// How long after an answer that was none the same is asked again.
const AGAIN_AFTER: Nanos = Nanos(2 * Nanos::SECOND.0);
/// What the venue is called in instruments.
const VENUE: &str = "binance";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Status,
    Symbols,
    /// By the key of this purpose.
    Account(Purpose),
    Key(Purpose),
    Fees(usize),
}

/// Why an answer does not help.
enum Trouble {
    /// The venue says no, and would say so again.
    Final(String),
    /// It was none: cut, garbled, of a venue that is busy.
    Passing,
}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self::Final(text)
    }
}

impl From<&str> for Trouble {
    fn from(text: &str) -> Self {
        Self::Final(text.to_owned())
    }
}

/// What was found out.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) listed: Vec<Listed>,
    pub(super) exchange_filters: Vec<Filter>,
    pub(super) opened: Opened,
    /// The venue's name for the account.
    pub(super) account: Option<String>,
}

/// See the head of this module.
#[derive(Debug)]
pub(super) struct Opening {
    symbols: Vec<String>,
    has_key: bool,
    /// Those that are asked with: one for everything, or both.
    purposes: Vec<Purpose>,
    has_wallet: bool,
    calls: BTreeMap<CallId, What>,
    begun: bool,
    failed: bool,
    /// What is asked again, and when: one of a kind at most.
    again: BTreeMap<What, UnixNanos>,
    healthy: bool,
    rules: Option<(Vec<SymbolRules>, Vec<Filter>)>,
    /// Which account each key is of, where the venue says so.
    accounts: BTreeMap<Purpose, Option<u64>>,
    fees: BTreeMap<usize, (Rate, Rate)>,
    rights: BTreeMap<Purpose, KeyRights>,
}

impl Opening {
    /// Whether there is a key, and whether there are two.
    pub(super) fn new(
        symbols: Vec<String>,
        (has_key, has_two): (bool, bool),
        has_wallet: bool,
    ) -> Self {
        let purposes = match (has_key, has_two) {
            (false, _) => Vec::new(),
            (true, false) => vec![Purpose::Trade],
            (true, true) => vec![Purpose::Trade, Purpose::Read],
        };
        Self {
            symbols,
            has_key,
            purposes,
            has_wallet,
            calls: BTreeMap::new(),
            begun: false,
            failed: false,
            again: BTreeMap::new(),
            healthy: !has_wallet,
            rules: None,
            accounts: BTreeMap::new(),
            fees: BTreeMap::new(),
            rights: BTreeMap::new(),
        }
    }

    pub(super) fn owns(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    pub(super) fn next_wake(&self) -> Option<UnixNanos> {
        self.again.values().min().copied()
    }

    /// What it waits for, in words.
    pub(super) fn waiting(&self, clock: bool) -> &'static str {
        match () {
            () if !clock => "waiting for Binance's clock",
            () if !self.healthy => "waiting for the end of Binance's maintenance",
            () if self.rules.is_none() => "waiting for the list of symbols",
            () if self.accounts.len() < self.purposes.len() => "waiting for the account",
            () => "waiting for what the key may do, and for fees",
        }
    }

    /// Asks, at the first time, and where something has to be asked again.
    pub(super) fn wake(&mut self, now: UnixNanos, gate: &mut Gate, out: &mut Vec<Output>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.ask(What::Symbols, now, gate, out);
            if self.has_wallet {
                self.ask(What::Status, now, gate, out);
            }
            if self.has_key {
                for purpose in self.purposes.clone() {
                    self.ask(What::Account(purpose), now, gate, out);
                    if self.has_wallet {
                        self.ask(What::Key(purpose), now, gate, out);
                    }
                }
                for at in 0..self.symbols.len() {
                    self.ask(What::Fees(at), now, gate, out);
                }
            }
        }
        let due = self.again.iter().filter(|(_, at)| **at <= now).map(|(what, _)| *what);
        let due: Vec<_> = due.collect();
        for what in due {
            self.again.remove(&what);
            self.ask(what, now, gate, out);
        }
    }

    fn ask(&mut self, what: What, now: UnixNanos, gate: &mut Gate, out: &mut Vec<Output>) {
        let names: Vec<&str> = self.symbols.iter().map(String::as_str).collect();
        let request = match what {
            What::Status => Request::SystemStatus,
            What::Symbols => Request::ExchangeInfo(&names),
            What::Account(_) => Request::Account { omit_zero_balances: true },
            What::Key(_) => Request::ApiRestrictions,
            What::Fees(at) => Request::Commission(names.get(at).copied().unwrap_or_default()),
        };
        match Wish::spot(&request) {
            Ok(wish) => {
                let signer = match what {
                    What::Account(purpose) | What::Key(purpose) => gate.key(purpose).cloned(),
                    What::Status | What::Symbols | What::Fees(_) => None,
                };
                let call = match signer {
                    Some(signer) => gate.ask_with(&signer, wish, now, out),
                    None => gate.ask_wish(Lane::Reconcile, 0, wish, now, out),
                };
                self.calls.insert(call, what);
            }
            Err(error) => self.fail(error.to_string(), out),
        }
    }

    fn fail(&mut self, why: String, out: &mut Vec<Output>) {
        if !std::mem::replace(&mut self.failed, true) {
            out.push(Output::Notice(Notice::CannotOpen(why)));
        }
    }

    /// Takes an answer.
    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        now: UnixNanos,
        gate: &mut Gate,
        out: &mut Vec<Output>,
    ) {
        let Some(what) = self.calls.remove(&call) else { return };
        let answered = match ended {
            Ended::Answered(answered) => answered,
            Ended::Lost(_) | Ended::NeverSent(_) => {
                self.again.insert(what, now.plus(AGAIN_AFTER));
                return;
            }
        };
        let problem = match what {
            What::Symbols => self.symbols_told(answered, now, gate, out),
            What::Status => self.status_told(answered, now),
            What::Account(purpose) => self.account_told(purpose, answered, now),
            What::Fees(at) => self.fees_told(at, answered, now),
            What::Key(purpose) => self.key_told(purpose, answered, now),
        };
        match problem {
            Ok(()) => {}
            Err(Trouble::Final(problem)) => self.fail(problem, out),
            Err(Trouble::Passing) => {
                self.again.insert(what, now.plus(AGAIN_AFTER));
            }
        }
    }

    fn symbols_told(
        &mut self,
        answered: &Answered,
        now: UnixNanos,
        gate: &mut Gate,
        out: &mut Vec<Output>,
    ) -> Result<(), Trouble> {
        let info = confirmed(answered.judge::<ExchangeInfo<'_>>(now), "the list of symbols")?;
        let limits: Vec<Limit> = info.rate_limits.iter().filter_map(Limit::from_entry).collect();
        gate.set_limits(&limits, now);
        let mut rules = Vec::with_capacity(self.symbols.len());
        for symbol in &self.symbols {
            let found = info.symbols.iter().find(|one| one.symbol.as_str() == symbol);
            let found = found.ok_or_else(|| format!("Binance has no symbol `{symbol}`"))?;
            if !found.is_spot_trading_allowed {
                return Err(format!("`{symbol}` cannot be traded on Spot").into());
            }
            if found.status != SymbolStatus::Trading {
                let text = format!("`{symbol}` does not trade now: it is {}", found.status);
                out.push(Output::Notice(Notice::Alert(text)));
            }
            rules.push(found.rules());
        }
        if self.has_key {
            check_bases(&rules)?;
        }
        self.rules = Some((rules, info.exchange_filters));
        Ok(())
    }

    fn status_told(&mut self, answered: &Answered, now: UnixNanos) -> Result<(), Trouble> {
        let status = confirmed(answered.judge::<SystemStatus<'_>>(now), "Binance's status")?;
        self.healthy = status.is_normal();
        if !self.healthy {
            self.again.insert(What::Status, now.plus(MAINTENANCE_EVERY));
        }
        Ok(())
    }

    fn account_told(
        &mut self,
        purpose: Purpose,
        answered: &Answered,
        now: UnixNanos,
    ) -> Result<(), Trouble> {
        let account = confirmed(answered.judge::<AccountAnswer<'_>>(now), "the account")?;
        // A key that is there to read need not.
        if purpose == Purpose::Trade && !account.can_trade {
            return Err("the account may not trade, or its key may not".into());
        }
        self.accounts.insert(purpose, account.uid);
        let mut known = self.accounts.values();
        if let (Some(one), Some(other)) = (known.next(), known.next()) {
            if one.is_none() || other.is_none() {
                return Err("Binance does not say whether both keys are of one account".into());
            }
            if one != other {
                return Err("the two keys are of different accounts".into());
            }
        }
        Ok(())
    }

    fn fees_told(&mut self, at: usize, answered: &Answered, now: UnixNanos) -> Result<(), Trouble> {
        let answer = confirmed(answered.judge::<CommissionAnswer<'_>>(now), "the fees")?;
        // A rebate is not counted on: it needs the rebate's asset to be there.
        let parts = [
            Some(&answer.standard_commission),
            answer.special_commission.as_ref(),
            answer.tax_commission.as_ref(),
        ];
        let sum = |side: fn(&Commission<'_>) -> Option<Rate>| {
            parts
                .into_iter()
                .flatten()
                .try_fold(Rate(0), |sum, part| side(part)?.0.checked_add(sum.0).map(Rate))
        };
        let maker = sum(|part| decimal(part.maker).ok().and_then(Rate::from_decimal));
        let taker = sum(|part| decimal(part.taker).ok().and_then(Rate::from_decimal));
        let fees = maker.zip(taker).ok_or("Binance tells fees that are no rates")?;
        self.fees.insert(at, fees);
        Ok(())
    }

    fn key_told(
        &mut self,
        purpose: Purpose,
        answered: &Answered,
        now: UnixNanos,
    ) -> Result<(), Trouble> {
        let told = confirmed(answered.judge::<ApiRestrictions>(now), "what the key may do")?;
        self.rights.insert(purpose, proof::rights(Dialect::Spot, &told));
        Ok(())
    }

    /// What was found out, once it is complete.
    pub(super) fn take(&mut self, gate: &Gate, out: &mut Vec<Output>) -> Option<Found> {
        let clock_offset_nanos = gate.clock_offset_nanos()?;
        let fees = if self.has_key { self.symbols.len() } else { 0 };
        let keys = !self.has_wallet || self.rights.len() >= self.purposes.len();
        let accounts = self.accounts.len() >= self.purposes.len();
        if self.failed || !self.healthy || !accounts || !keys || self.fees.len() < fees {
            return None;
        }
        let (rules, exchange_filters) = self.rules.take()?;
        let public = Rate::from_decimal(PUBLIC_FEE).unwrap_or_default();
        let mut listed = Vec::with_capacity(rules.len());
        for (at, rules) in rules.into_iter().enumerate() {
            let fees = self.fees.get(&at).copied().unwrap_or((public, public));
            match rules.to_instrument(VENUE, fees) {
                Ok(instrument) => listed.push(Listed { instrument, rules }),
                Err(error) => {
                    self.fail(error.to_string(), out);
                    return None;
                }
            }
        }
        let instruments = listed.iter().map(|one| one.instrument.spec().clone()).collect();
        let of = |purpose| self.rights.get(&purpose).copied();
        let (trade, read) = (of(Purpose::Trade), of(Purpose::Read));
        let key = trade.map(|trade| read.map_or(trade, |read| proof::both(trade, read)));
        let account = self.accounts.get(&Purpose::Trade).copied().flatten();
        let account = account.map(|uid| uid.to_string());
        let opened = Opened { instruments, clock_offset_nanos, key };
        Some(Found { listed, exchange_filters, opened, account })
    }
}

/// What an answer says, or why it does not help.
fn confirmed<T>(outcome: Outcome<T>, what: &str) -> Result<T, Trouble> {
    match outcome {
        Outcome::Confirmed(answer) => Ok(answer),
        Outcome::Rejected(Rejection { class: Class::ClockSkew, .. })
        | Outcome::Unknown(_)
        | Outcome::RateLimited { .. }
        | Outcome::Banned { .. } => Err(Trouble::Passing),
        Outcome::Rejected(Rejection { code, message, .. }) => {
            Err(Trouble::Final(format!("Binance refuses {what}: {message} ({code})")))
        }
    }
}

/// On Spot a position is what there is of the base asset, so that each must have one instrument.
fn check_bases(rules: &[SymbolRules]) -> Result<(), String> {
    for (at, one) in rules.iter().enumerate() {
        if let Some(other) = rules[..at].iter().find(|other| other.base == one.base) {
            return Err(format!(
                "`{}` and `{}` have one base asset, {}: what the account has of it is the position \
                 of neither",
                other.symbol, one.symbol, one.base
            ));
        }
    }
    Ok(())
}
