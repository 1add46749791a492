//! A key that is to take the place of another: whether the venue takes it, whether it is one of the
//! same account, what it may do. And now and then what the keys in use may do. Of both dialects.
//!
//! **Architecture invariant:** a key is used only after the venue has named the account it is of,
//! and that is the account of the keys before it. Whatever fails, the keys before it go on.
//!
//! Binance tells a key's rights by the wallet's endpoint alone, which its testnets do not have: there
//! only whether the account may trade is known. Which pairs a key is limited to it does not tell.

use std::collections::BTreeMap;

use sandpit_core::time::{Nanos, UnixNanos};

use super::{
    error_code::{Outcome, Reply, judge_by},
    gate::{Answered, Ended, Gate, Wish},
    limits::Lane,
    market::Dialect,
    request::{Request, RequestError},
    response::{AccountAnswer, Answer, ApiRestrictions},
    time::time,
    usdm::{
        request::Request as UsdmRequest,
        response::{AccountConfig, Aliases},
    },
};
use crate::{
    gauges::Gauges,
    keys::{KeyNews, KeyOffer, KeyProof, KeyRights, Purpose},
    machine::{CallId, Notice, Output},
};

/// Keys that are proved at a time; one more is refused.
pub const PROOFS_MAX: usize = 4;
/// The longest that a proof may take.
pub const PROOF_TIMEOUT_MAX: Nanos = Nanos(120 * Nanos::SECOND.0);
/// The shortest time between two looks at what keys may do.
pub const RIGHTS_EVERY_MIN: Nanos = Nanos(60 * Nanos::SECOND.0);

/// How keys are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// How long a key may take to be proved, 1 ns to [`PROOF_TIMEOUT_MAX`]. By default 20 s.
    pub proof_timeout: Nanos,
    /// How often it is asked what the keys in use may do, at least [`RIGHTS_EVERY_MIN`]; `None` for
    /// never. Nothing is asked where the venue has no such question. By default an hour.
    pub rights_every: Option<Nanos>,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            proof_timeout: Nanos(20 * Nanos::SECOND.0),
            rights_every: Some(Nanos(3_600 * Nanos::SECOND.0)),
        }
    }
}

impl KeySettings {
    /// What is wrong with it; `None` where nothing is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        if self.proof_timeout.0 == 0 || self.proof_timeout > PROOF_TIMEOUT_MAX {
            return Some("`keys.proof_timeout` is not from 1 ns to 120 s");
        }
        if self.rights_every.is_some_and(|every| every < RIGHTS_EVERY_MIN) {
            return Some("`keys.rights_every` is less than 60 s");
        }
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Whether the account may trade; on Spot also which it is.
    Account,
    /// Which account it is, of futures.
    Alias,
    /// What the key may do.
    Rights,
}

/// What became of a question.
enum Said {
    May(bool),
    Of(Option<String>),
    MayAndOf(bool, Option<String>),
    Rights(KeyRights),
}

/// One key that is being proved.
#[derive(Debug)]
struct Proof {
    offer: KeyOffer,
    /// Whether it is to be used.
    to_use: bool,
    until: UnixNanos,
    calls: BTreeMap<CallId, Part>,
    can_trade: Option<bool>,
    account: Option<String>,
    rights: Option<KeyRights>,
}

/// See the head of this module.
#[derive(Debug)]
pub(super) struct Proofs {
    dialect: Dialect,
    settings: KeySettings,
    has_wallet: bool,
    /// The venue's name for the account; the outer `None` until it was asked.
    account: Option<Option<String>>,
    open: BTreeMap<u64, Proof>,
    asking: BTreeMap<CallId, Purpose>,
    rights_at: Option<UnixNanos>,
    pub(super) proven: u64,
    pub(super) refused: u64,
    pub(super) looks: u64,
}

/// One call of the machine.
pub(super) struct Turn<'a> {
    pub(super) now: UnixNanos,
    pub(super) gate: &'a mut Gate,
    pub(super) out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    fn say(&mut self, news: KeyNews) {
        self.out.push(Output::Notice(Notice::Key(news)));
    }
}

/// What the venue's word about a key is, for what is traded there.
pub(super) fn rights(dialect: Dialect, told: &ApiRestrictions) -> KeyRights {
    KeyRights {
        withdraw: told.enable_withdrawals,
        transfer: told.enable_internal_transfer || told.permits_universal_transfer,
        trade: match dialect {
            Dialect::Spot => told.enable_spot_and_margin_trading,
            Dialect::Usdm => told.enable_futures,
        },
        address_bound: told.ip_restrict,
        created: time(told.create_time),
    }
}

/// What two keys of one account may do together; that one trades is enough.
pub(super) fn both(trade: KeyRights, read: KeyRights) -> KeyRights {
    KeyRights {
        withdraw: trade.withdraw || read.withdraw,
        transfer: trade.transfer || read.transfer,
        trade: trade.trade,
        address_bound: trade.address_bound && read.address_bound,
        created: trade.created.zip(read.created).map(|(one, other)| one.min(other)),
    }
}

fn judged<'a, T: Answer<'a>>(
    dialect: Dialect,
    answered: &'a Answered,
    now: UnixNanos,
) -> Result<T, String> {
    let codes = match dialect {
        Dialect::Spot => super::error_code::Codes::Spot,
        Dialect::Usdm => super::error_code::Codes::Usdm,
    };
    let retry_after = answered.retry_after.as_deref();
    let reply = Reply { status: answered.status, body: &answered.body, retry_after };
    match judge_by(codes, &reply, now) {
        Outcome::Confirmed(answer) => Ok(answer),
        Outcome::Rejected(no) => Err(format!("Binance refuses it: {} ({})", no.message, no.code)),
        _ => Err("Binance's answer about it is none".to_owned()),
    }
}

fn said(dialect: Dialect, part: Part, answered: &Answered, now: UnixNanos) -> Result<Said, String> {
    Ok(match (part, dialect) {
        (Part::Account, Dialect::Spot) => {
            let account: AccountAnswer<'_> = judged(dialect, answered, now)?;
            Said::MayAndOf(account.can_trade, account.uid.map(|uid| uid.to_string()))
        }
        (Part::Account, Dialect::Usdm) => {
            Said::May(judged::<AccountConfig>(dialect, answered, now)?.can_trade)
        }
        (Part::Alias, _) => Said::Of(judged::<Aliases>(dialect, answered, now)?.account),
        (Part::Rights, _) => {
            Said::Rights(rights(dialect, &judged::<ApiRestrictions>(dialect, answered, now)?))
        }
    })
}

fn wish(dialect: Dialect, part: Part) -> Result<Wish, RequestError> {
    match (part, dialect) {
        (Part::Account, Dialect::Spot) => {
            Wish::spot(&Request::Account { omit_zero_balances: true })
        }
        (Part::Account, Dialect::Usdm) => UsdmRequest::AccountConfig.wish(),
        (Part::Alias, _) => UsdmRequest::Balances.wish(),
        (Part::Rights, _) => Wish::spot(&Request::ApiRestrictions),
    }
}

impl Proofs {
    pub(super) const fn new(dialect: Dialect, settings: KeySettings, has_wallet: bool) -> Self {
        Self {
            dialect,
            settings,
            has_wallet,
            account: None,
            open: BTreeMap::new(),
            asking: BTreeMap::new(),
            rights_at: None,
            proven: 0,
            refused: 0,
            looks: 0,
        }
    }

    /// The account of the keys in use, as the venue names it; `None` where it does not.
    pub(super) fn set_account(&mut self, account: Option<String>, now: UnixNanos) {
        self.account = Some(account);
        if self.has_wallet {
            self.rights_at = self.settings.rights_every.map(|every| now.plus(every));
        }
    }

    pub(super) fn owns(&self, call: CallId) -> bool {
        self.asking.contains_key(&call)
            || self.open.values().any(|proof| proof.calls.contains_key(&call))
    }

    pub(super) fn next_wake(&self) -> Option<UnixNanos> {
        self.open.values().map(|proof| proof.until).chain(self.rights_at).min()
    }

    /// A key is offered.
    pub(super) fn offer(&mut self, offer: KeyOffer, to_use: bool, turn: &mut Turn<'_>) {
        let why = if turn.gate.key(Purpose::Trade).is_none() {
            Some("there is no key here that it could take the place of")
        } else {
            match &self.account {
                None => Some("nothing is open yet"),
                Some(None) => Some("Binance does not say which account the key in use is of"),
                Some(Some(_)) if self.open.len() >= PROOFS_MAX => {
                    Some("too many keys are being proved")
                }
                Some(Some(_)) if self.open.contains_key(&offer.number) => {
                    Some("a key of this number is being proved")
                }
                Some(Some(_)) => None,
            }
        };
        if let Some(why) = why {
            return self.refuse(offer.number, why.to_owned(), turn);
        }
        let parts: &[Part] = match self.dialect {
            Dialect::Spot => &[Part::Account],
            Dialect::Usdm => &[Part::Account, Part::Alias],
        };
        let mut calls = BTreeMap::new();
        let wallet = self.has_wallet.then_some(&Part::Rights);
        for part in parts.iter().chain(wallet) {
            match wish(self.dialect, *part) {
                Ok(wish) => {
                    let call = turn.gate.ask_with(&offer.signer, wish, turn.now, turn.out);
                    calls.insert(call, *part);
                }
                Err(error) => return self.refuse(offer.number, error.to_string(), turn),
            }
        }
        let until = turn.now.plus(self.settings.proof_timeout);
        let proof =
            Proof { to_use, until, calls, can_trade: None, account: None, rights: None, offer };
        self.open.insert(proof.offer.number, proof);
    }

    fn refuse(&mut self, number: u64, why: String, turn: &mut Turn<'_>) {
        self.refused += 1;
        if let Some(proof) = self.open.remove(&number) {
            use super::gate::Asks as _;
            proof.calls.keys().for_each(|call| turn.gate.forget(*call));
        }
        turn.say(KeyNews::Refused { number, why });
    }

    /// Takes an answer. The offer that was proven with it and is to be used; the gate uses it already.
    pub(super) fn ended(
        &mut self,
        call: CallId,
        ended: &Ended,
        turn: &mut Turn<'_>,
    ) -> Option<KeyOffer> {
        if let Some(purpose) = self.asking.remove(&call) {
            self.rights_told(purpose, ended, turn);
            return None;
        }
        let proof = self.open.values_mut().find(|proof| proof.calls.contains_key(&call))?;
        let number = proof.offer.number;
        let part = proof.calls.remove(&call)?;
        let said = match ended {
            Ended::Answered(answered) => said(self.dialect, part, answered, turn.now),
            Ended::Lost(_) => Err("the answer about it was lost".to_owned()),
            Ended::NeverSent(why) => Err(why.clone()),
        };
        match said {
            Err(why) => {
                self.refuse(number, why, turn);
                return None;
            }
            Ok(Said::May(may)) => proof.can_trade = Some(may),
            Ok(Said::Of(account)) => proof.account = account,
            Ok(Said::MayAndOf(may, account)) => {
                (proof.can_trade, proof.account) = (Some(may), account);
            }
            Ok(Said::Rights(rights)) => proof.rights = Some(rights),
        }
        if proof.calls.is_empty() { self.complete(number, turn) } else { None }
    }

    /// Everything was said.
    fn complete(&mut self, number: u64, turn: &mut Turn<'_>) -> Option<KeyOffer> {
        let proof = self.open.get(&number)?;
        let (role, rules) = (proof.offer.role, proof.offer.rules);
        let why = if proof.account.is_none() {
            Some("Binance does not say which account it is of")
        } else if self.account.as_ref() != Some(&proof.account) {
            Some("it is a key of another account")
        } else if role.trades() && proof.can_trade != Some(true) {
            Some("its account may not trade")
        } else {
            proof.rights.and_then(|rights| rules.refusal(role, rights))
        };
        if let Some(why) = why {
            self.refuse(number, why.to_owned(), turn);
            return None;
        }
        let Proof { offer, to_use, account, rights, .. } = self.open.remove(&number)?;
        let account = account.unwrap_or_default();
        self.proven += 1;
        turn.say(KeyNews::Proven(KeyProof { number, role, rights, account }));
        if !to_use {
            return None;
        }
        // What they may do is asked for anew.
        self.asking.clear();
        let signer = offer.signer.clone();
        turn.gate.replace_key(role, signer, number, turn.now, turn.out);
        Some(offer)
    }

    /// Asks now what the keys in use may do.
    pub(super) fn read_rights(&mut self, turn: &mut Turn<'_>) {
        if !self.has_wallet || turn.gate.key(Purpose::Trade).is_none() {
            return;
        }
        self.rights_at = self.settings.rights_every.map(|every| turn.now.plus(every));
        if !self.asking.is_empty() {
            return;
        }
        let Ok(wish) = wish(self.dialect, Part::Rights) else { return };
        self.looks += 1;
        if turn.gate.has_two_keys() {
            let call = turn.gate.ask_wish(Lane::Reconcile, 0, wish.clone(), turn.now, turn.out);
            self.asking.insert(call, Purpose::Read);
        }
        if let Some(signer) = turn.gate.key(Purpose::Trade).cloned() {
            let call = turn.gate.ask_with(&signer, wish, turn.now, turn.out);
            self.asking.insert(call, Purpose::Trade);
        }
    }

    fn rights_told(&mut self, purpose: Purpose, ended: &Ended, turn: &mut Turn<'_>) {
        let Ended::Answered(answered) = ended else { return };
        match said(self.dialect, Part::Rights, answered, turn.now) {
            Ok(Said::Rights(rights)) => turn.say(KeyNews::Rights { purpose, rights }),
            Ok(_) => {}
            Err(why) => {
                let text = format!("what the key may do cannot be looked at: {why}");
                turn.out.push(Output::Notice(Notice::Alert(text)));
            }
        }
    }

    /// Does what is due, and says where nothing of an old key is in use any more.
    /// `still_heard` says that own events come by an old key on a connection that is not the gate's.
    pub(super) fn on_time(&mut self, still_heard: bool, turn: &mut Turn<'_>) {
        if self.rights_at.is_some_and(|at| at <= turn.now) {
            self.read_rights(turn);
        }
        let late = self.open.values().filter(|proof| proof.until <= turn.now);
        let late: Vec<u64> = late.map(|proof| proof.offer.number).collect();
        for number in late {
            self.refuse(number, "Binance did not answer about it in time".to_owned(), turn);
        }
        if !still_heard && let Some(number) = turn.gate.take_retired() {
            turn.say(KeyNews::Retired { number });
        }
    }

    /// Adds what is known of keys.
    pub(super) const fn gauge(&self, gauges: &mut Gauges) {
        gauges.keys.proven_total = self.proven;
        gauges.keys.refused_total = self.refused;
        gauges.keys.rights_read_total = self.looks;
    }

    pub(super) fn counts(&self) -> Vec<(String, &'static str, u64)> {
        let list: [(&str, &'static str, u64); 3] = [
            ("keys_proven_total", "keys that were offered and proven", self.proven),
            ("keys_refused_total", "keys that were offered and refused", self.refused),
            ("key_rights_read_total", "looks at what the keys may do", self.looks),
        ];
        list.into_iter().map(|(name, words, value)| (name.to_owned(), words, value)).collect()
    }
}
