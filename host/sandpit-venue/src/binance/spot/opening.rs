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
        request::Request,
        response::{AccountAnswer, ApiRestrictions, Commission, CommissionAnswer, SystemStatus},
        time::time,
        trading::Listed,
        words::SymbolStatus,
    },
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
    Account,
    Key,
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
}

/// See the head of this module.
#[derive(Debug)]
pub(super) struct Opening {
    symbols: Vec<String>,
    has_key: bool,
    has_wallet: bool,
    calls: BTreeMap<CallId, What>,
    begun: bool,
    failed: bool,
    /// What is asked again, and when: one of a kind at most.
    again: BTreeMap<What, UnixNanos>,
    healthy: bool,
    rules: Option<(Vec<SymbolRules>, Vec<Filter>)>,
    account: bool,
    fees: BTreeMap<usize, (Rate, Rate)>,
    key: Option<KeyRights>,
}

impl Opening {
    pub(super) fn new(symbols: Vec<String>, has_key: bool, has_wallet: bool) -> Self {
        Self {
            symbols,
            has_key,
            has_wallet,
            calls: BTreeMap::new(),
            begun: false,
            failed: false,
            again: BTreeMap::new(),
            healthy: !has_wallet,
            rules: None,
            account: !has_key,
            fees: BTreeMap::new(),
            key: None,
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
            () if !self.account => "waiting for the account",
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
                self.ask(What::Account, now, gate, out);
                for at in 0..self.symbols.len() {
                    self.ask(What::Fees(at), now, gate, out);
                }
                if self.has_wallet {
                    self.ask(What::Key, now, gate, out);
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
            What::Account => Request::Account { omit_zero_balances: true },
            What::Key => Request::ApiRestrictions,
            What::Fees(at) => Request::Commission(names.get(at).copied().unwrap_or_default()),
        };
        match Wish::spot(&request) {
            Ok(wish) => {
                let call = gate.ask_wish(Lane::Reconcile, 0, wish, now, out);
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
            What::Account => self.account_told(answered, now),
            What::Fees(at) => self.fees_told(at, answered, now),
            What::Key => self.key_told(answered, now),
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

    fn account_told(&mut self, answered: &Answered, now: UnixNanos) -> Result<(), Trouble> {
        let account = confirmed(answered.judge::<AccountAnswer<'_>>(now), "the account")?;
        if !account.can_trade {
            return Err("the account may not trade, or its key may not".into());
        }
        self.account = true;
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

    fn key_told(&mut self, answered: &Answered, now: UnixNanos) -> Result<(), Trouble> {
        let rights = confirmed(answered.judge::<ApiRestrictions>(now), "what the key may do")?;
        self.key = Some(KeyRights {
            withdraw: rights.enable_withdrawals,
            transfer: rights.enable_internal_transfer || rights.permits_universal_transfer,
            trade: rights.enable_spot_and_margin_trading,
            address_bound: rights.ip_restrict,
            created: time(rights.create_time),
        });
        Ok(())
    }

    /// What was found out, once it is complete.
    pub(super) fn take(&mut self, gate: &Gate, out: &mut Vec<Output>) -> Option<Found> {
        let clock_offset_nanos = gate.clock_offset_nanos()?;
        let fees = if self.has_key { self.symbols.len() } else { 0 };
        let keys = !self.has_key || !self.has_wallet || self.key.is_some();
        if self.failed || !self.healthy || !self.account || !keys || self.fees.len() < fees {
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
        let opened = Opened { instruments, clock_offset_nanos, key: self.key };
        Some(Found { listed, exchange_filters, opened })
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
