//! A session's keys while it runs: new ones are proven at the venue before they sign, what the venue
//! says of those in use is judged, and people are told. Each change is in the journal, without
//! anything of a key but the hash of its public name.
//!
//! Not here: where keys come from (`crate::keys`), and how the venue proves one (`sandpit_venue`).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sandpit_core::engine::{Command as EngineCommand, Event};
use sandpit_journal::journal::HostRecord;
use sandpit_plugin::Mode;
use sandpit_secrets::{AgeClass, Proven};
use sandpit_venue::{
    keys::{KeyNews, KeyOffer, KeyRights, KeyRole, KeyRules, Purpose},
    machine::Told,
};

use super::{SessionError, course::moment, host::Host};
use crate::{
    admin::{Answer, Asked, KeyView, Refusal, RefusalCode},
    config::AnyAddress,
    keys::{
        Candidate, Happened, KeySigner, KeysError, Looked, Order, Said, SessionKeys, Watchman,
        fingerprint, judge,
    },
};

/// Under this name the journal has what a signal asks for.
const VIA_SIGNAL: &str = "signal";
/// The stable name of what is said where another key is not used.
const KEPT: &str = "key-kept";
/// Why a key is not offered: the line has no room.
const NO_ROOM: &str = "the line to the venue takes nothing now";

/// What a look at the sources has come to, for whoever asked for it.
#[derive(Debug, Default)]
struct Fetching {
    /// At most as many as the socket serves at once.
    asked: Vec<Asked>,
    /// Keys that have not been looked at yet.
    left: usize,
    lines: Vec<String>,
    failed: bool,
}

/// The keys of a session.
#[derive(Debug)]
pub(super) struct KeyDesk {
    watchman: Watchman,
    mode: Mode,
    any_address: AnyAddress,
    hangup: Option<Arc<AtomicBool>>,
    who: String,
    /// Keys that the venue has not said anything of yet; the watchman has one at a time.
    offers: BTreeMap<u64, Candidate>,
    next: u64,
    fetching: Option<Fetching>,
    rights_asked: bool,
    /// What was said of the rights of a key last.
    warned: BTreeMap<KeyRole, Vec<&'static str>>,
}

impl KeyDesk {
    /// Begins to look after the keys.
    pub(super) fn open(keys: SessionKeys, who: String) -> Result<Self, KeysError> {
        let (mode, any_address, hangup) = (keys.mode, keys.any_address, keys.hangup.clone());
        Ok(Self {
            watchman: Watchman::start(keys)?,
            mode,
            any_address,
            hangup,
            who,
            offers: BTreeMap::new(),
            next: 1,
            fetching: None,
            rights_asked: false,
            warned: BTreeMap::new(),
        })
    }

    /// An operator wants new keys. The answer comes once the venue has spoken.
    pub(super) fn rotate(&mut self, asked: Asked) {
        self.fetch(Some(asked));
    }

    /// Does what can be done now.
    pub(super) fn look(&mut self, host: &mut Host) -> Result<(), SessionError> {
        if self.hangup.as_ref().is_some_and(|flag| flag.swap(false, Ordering::Relaxed)) {
            host.note(&HostRecord::Operator {
                who: self.who.clone(),
                via: VIA_SIGNAL.to_owned(),
                command: "rotate-keys".to_owned(),
            })?;
            self.fetch(None);
        }
        if !self.rights_asked && host.line.live {
            self.rights_asked = host.venue.tell(Told::ReadRights);
        }
        while let Some(said) = self.watchman.take() {
            match said {
                Said::Candidate(candidate) => self.offer(host, candidate)?,
                Said::Looked(looked) => self.looked(host, &looked)?,
            }
        }
        while let Some(news) = host.key_news.pop_front() {
            self.heard(host, news)?;
        }
        Ok(())
    }

    fn fetch(&mut self, asked: Option<Asked>) {
        let keys = self.watchman.keys;
        let under_way = self.fetching.is_some();
        let fetching =
            self.fetching.get_or_insert_with(|| Fetching { left: keys, ..Fetching::default() });
        fetching.asked.extend(asked);
        if !under_way && !self.watchman.order(Order::Fetch) {
            let refusal = Refusal::new(RefusalCode::Busy, "the keys are being looked at already");
            for asked in self.fetching.take().map(|it| it.asked).unwrap_or_default() {
                asked.answer(Err(refusal.clone()));
            }
        }
    }

    /// Has the venue prove a key, and use it if it does.
    fn offer(&mut self, host: &mut Host, candidate: Candidate) -> Result<(), SessionError> {
        let number = self.next;
        self.next += 1;
        let text = format!(
            "key: {} has another key, {}; the venue is asked for it",
            candidate.source,
            described(&candidate)
        );
        host.note(&HostRecord::Note(text))?;
        let offer = KeyOffer {
            number,
            role: candidate.role,
            signer: Arc::new(KeySigner(Arc::clone(&candidate.key))),
            rules: KeyRules {
                withdraw: false,
                transfer: self.mode != Mode::Live,
                any_address: self.any_address != AnyAddress::Refuse,
            },
        };
        if host.venue.tell(Told::NewKey(Box::new(offer))) {
            self.offers.insert(number, candidate);
        } else {
            // Whoever waits for it may be gone.
            let _ = candidate.answer.send(Err(NO_ROOM.to_owned()));
        }
        Ok(())
    }

    /// What the venue says.
    fn heard(&mut self, host: &mut Host, news: KeyNews) -> Result<(), SessionError> {
        match news {
            KeyNews::Proven(proof) => {
                let Some(candidate) = self.offers.remove(&proof.number) else { return Ok(()) };
                let (source, role) = (candidate.source.as_str(), role_name(candidate.role));
                let text = format!(
                    "key: {source} signs with {} from now on ({role})",
                    described(&candidate)
                );
                say(host, text)?;
                let created = proof.rights.and_then(|rights| rights.created);
                let _ = candidate.answer.send(Ok(Proven { created }));
                proof.rights.map_or(Ok(()), |rights| self.judge(host, candidate.role, rights))
            }
            KeyNews::Refused { number, why } => {
                // It is said with what came of the look.
                if let Some(candidate) = self.offers.remove(&number) {
                    let _ = candidate.answer.send(Err(why));
                }
                Ok(())
            }
            KeyNews::Retired { .. } => {
                let text = "key: nothing uses the key before any more; it can be taken away at the \
                            venue";
                say(host, text.to_owned())
            }
            KeyNews::Rights { purpose, rights } => {
                let role = match purpose {
                    _ if self.watchman.keys == 1 => KeyRole::All,
                    Purpose::Read => KeyRole::Read,
                    Purpose::Trade => KeyRole::Trade,
                };
                self.watchman.order(Order::Confirm(role, Proven { created: rights.created }));
                self.judge(host, role, rights)
            }
        }
    }

    /// A key in use that could take money away ends all trading; a person has to see to it.
    fn judge(
        &mut self,
        host: &mut Host,
        role: KeyRole,
        rights: KeyRights,
    ) -> Result<(), SessionError> {
        let judged = judge(rights, role.trades(), self.mode, self.any_address);
        if let Some(why) = judged.refused {
            say(host, format!("alert: the key ({}) is refused: {why}", role_name(role)))?;
            say(host, "alert: trading is halted because of the key".to_owned())?;
            host.event(Event::Command(EngineCommand::Kill { flatten: false }))?;
        }
        let before = self.warned.insert(role, judged.warnings.clone()).unwrap_or_default();
        for why in judged.warnings.iter().filter(|why| !before.contains(why)) {
            say(host, format!("alert: the key ({}): {why}", role_name(role)))?;
        }
        Ok(())
    }

    /// What came of a look at a source.
    fn looked(&mut self, host: &mut Host, looked: &Looked) -> Result<(), SessionError> {
        let Looked { source, .. } = looked;
        let (mut lines, mut failed, mut problem) = (Vec::new(), false, None);
        for happened in &looked.happened {
            match happened {
                Happened::Rotated { from, to } => lines.push(format!(
                    "{source}: {to} (fingerprint {}) signs from now on, in the place of {from}",
                    looked.fingerprint
                )),
                Happened::Same => lines.push(format!("{source} has no other key")),
                Happened::Kept { why, failures, lent_until } => {
                    failed = true;
                    problem = Some(why.clone());
                    lines.push(format!("the key stays: {why}"));
                    let until = lent_until.map_or_else(String::new, |until| {
                        format!("; it is lent until {}", moment(until))
                    });
                    let text = format!("alert: the key stays: {why} ({failures} in a row){until}");
                    say(host, text)?;
                }
                Happened::Recovered => say(host, format!("key: {source} answers again"))?,
                Happened::Old(age) => {
                    let word = if age.class == AgeClass::Alert { "alert" } else { "key" };
                    say(host, format!("{word}: the key of {source} is {age} old; change it"))?;
                }
            }
        }
        show(host, looked, problem);
        if looked.asked {
            self.fetched(lines, failed);
        }
        Ok(())
    }

    /// One of the keys that were asked for has been looked at.
    fn fetched(&mut self, lines: Vec<String>, failed: bool) {
        let Some(fetching) = &mut self.fetching else { return };
        fetching.left = fetching.left.saturating_sub(1);
        fetching.lines.extend(lines);
        fetching.failed |= failed;
        if fetching.left > 0 {
            return;
        }
        let Fetching { asked, lines, failed, .. } = self.fetching.take().unwrap_or_default();
        let message = lines.join("; ");
        for asked in asked {
            asked.answer(match failed {
                false => Ok(Answer::done(message.clone())),
                true => Err(Refusal::new(RefusalCode::Failed, message.clone())
                    .reason(Some(KEPT))
                    .help("the key before goes on; docs/operators/keys.md says what a key may do")),
            });
        }
    }
}

/// Tells people, and the journal.
fn say(host: &mut Host, text: String) -> Result<(), SessionError> {
    host.say(text.clone());
    host.note(&HostRecord::Note(text))
}

/// A key by what may be shown of it.
fn described(candidate: &Candidate) -> String {
    let version = candidate.version.as_ref();
    let version = version.map_or_else(String::new, |version| format!(", version {version}"));
    let fingerprint = fingerprint(&candidate.key);
    format!("{} (fingerprint {fingerprint}{version})", candidate.key.name())
}

const fn role_name(role: KeyRole) -> &'static str {
    match role {
        KeyRole::All => "for everything",
        KeyRole::Read => "to read",
        KeyRole::Trade => "to trade",
    }
}

/// Has operators see the key as it is now.
fn show(host: &mut Host, looked: &Looked, problem: Option<String>) {
    let facts = &looked.facts;
    let view = KeyView {
        source: looked.source.clone(),
        role: role_name(looked.role).to_owned(),
        name: facts.name.to_string(),
        fingerprint: looked.fingerprint.clone(),
        version: facts.version.clone(),
        created: facts.created.map(moment),
        age_days: looked.age.map(|age| age.days),
        age: looked.age.map(|age| {
            let name = match age.class {
                AgeClass::Fresh => "fresh",
                AgeClass::Warn => "old",
                AgeClass::Alert => "too-old",
            };
            name.to_owned()
        }),
        fetched: moment(facts.fetched),
        lent_until: facts.lent_until.map(moment),
        problem,
    };
    match host.keys.iter_mut().find(|known| known.source == view.source) {
        Some(known) => *known = view,
        None => host.keys.push(view),
    }
}
