//! The life of a key: proven before it signs, kept while anything fails, exchanged while others
//! sign, and said to be old.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sandpit_core::time::{Nanos, UnixNanos};
use sandpit_secrets::{
    AgeClass, Claim, Credential, Environment, Fetched, Keeper, KeeperError, KeeperPolicy, KeyNews,
    Proven, Refusal, SecretText, SigningKey, Source, SourceError, check_purposes, check_separation,
};

use crate::support::{API_KEY, Hands, SECRET, chain, hmac};

/// What the source has: a key's name and secret, or nothing.
#[derive(Clone)]
struct Shelf(Arc<Mutex<Stock>>);

struct Stock {
    key: Option<(String, String)>,
    lease: Option<Duration>,
    created: Option<UnixNanos>,
    asked: usize,
}

impl Shelf {
    fn new() -> Self {
        let key = Some((API_KEY.to_owned(), SECRET.to_owned()));
        Self(Arc::new(Mutex::new(Stock { key, lease: None, created: None, asked: 0 })))
    }

    fn set(&self, change: impl FnOnce(&mut Stock)) {
        change(&mut self.0.lock().unwrap());
    }

    fn put(&self, name: &str, secret: &str) {
        self.set(|stock| stock.key = Some((name.to_owned(), secret.to_owned())));
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().asked
    }
}

impl Source for Shelf {
    fn fetch(&mut self) -> Result<Fetched, SourceError> {
        let mut stock = self.0.lock().unwrap();
        stock.asked += 1;
        let Some((name, secret)) = &stock.key else {
            // An error of a real source: nothing is set.
            let uri = "env://none/testnet".parse().unwrap();
            let none = sandpit_secrets::source::open(
                &uri,
                &Environment::default(),
                sandpit_secrets::Clock::system(),
            );
            return none.unwrap().fetch();
        };
        let credential = Credential::hmac(name, &SecretText::new(secret.clone())).unwrap();
        Ok(Fetched { credential, version: None, created: stock.created, lease: stock.lease })
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it stands for a function that may refuse")]
fn take(_: &Arc<SigningKey>) -> Result<Proven, Refusal> {
    Ok(Proven::default())
}

fn refuse(_: &Arc<SigningKey>) -> Result<Proven, Refusal> {
    Err("withdrawals are enabled".into())
}

fn keep(shelf: &Shelf, hands: &Hands) -> Keeper {
    let policy = KeeperPolicy::default();
    Keeper::open("test", Box::new(shelf.clone()), policy, hands.now(), &mut take).unwrap()
}

fn signs(keeper: &Keeper) -> (String, String) {
    let key = keeper.handle().current();
    let mut signature = String::new();
    key.sign_into(b"payload", &mut signature);
    (key.api_key().to_owned(), signature)
}

#[test]
fn without_a_key_or_its_proof_nothing_begins() {
    let (shelf, hands) = (Shelf::new(), Hands::new());
    let open = |prove: sandpit_secrets::Prove<'_>| {
        let policy = KeeperPolicy::default();
        Keeper::open("test", Box::new(shelf.clone()), policy, hands.now(), prove).err()
    };
    let error = open(&mut refuse).unwrap();
    assert!(matches!(error, KeeperError::Refused { .. }));
    assert_eq!(chain(&error), "test: the key cana… was not taken: withdrawals are enabled");
    shelf.set(|stock| stock.key = None);
    assert!(matches!(open(&mut take), Some(KeeperError::Source(_))));
}

#[test]
fn a_new_key_signs_after_it_was_proven() {
    let (shelf, hands) = (Shelf::new(), Hands::new());
    let mut keeper = keep(&shelf, &hands);
    let handle = keeper.handle();
    let under_way = handle.current();
    // The same key again: nothing to prove.
    assert!(keeper.rotate(hands.now(), &mut refuse).unwrap().is_none());

    shelf.put("second0name0of0a0key", "canary0second");
    let mut prove = |key: &Arc<SigningKey>| -> Result<Proven, Refusal> {
        assert_eq!(key.api_key(), "second0name0of0a0key");
        assert_eq!(handle.current().api_key(), API_KEY, "it signs before it was proven");
        Ok(Proven { created: Some(UnixNanos(7)) })
    };
    let news = keeper.rotate(hands.now(), &mut prove).unwrap().unwrap();
    let KeyNews::Rotated { from, to } = news else { panic!("{news:?}") };
    assert_eq!((from.as_str(), to.as_str()), (API_KEY, "second0name0of0a0key"));
    assert_eq!(signs(&keeper), hmac("second0name0of0a0key", "canary0second"));
    assert_eq!(keeper.facts().created, Some(UnixNanos(7)));
    // What began with the old key ends with it.
    let mut signature = String::new();
    under_way.sign_into(b"payload", &mut signature);
    assert_eq!((under_way.api_key().to_owned(), signature), hmac(API_KEY, SECRET));
}

#[test]
fn a_key_that_is_not_taken_changes_nothing_and_is_tried_less_and_less() {
    let (shelf, hands) = (Shelf::new(), Hands::new());
    let mut keeper = keep(&shelf, &hands);
    shelf.put(API_KEY, "canary0second");
    let mut pauses = Vec::new();
    for _ in 0..8 {
        hands.turn_s(keeper.next_poll().since(hands.now()).0 / Nanos::SECOND.0);
        let news = keeper.poll(hands.now(), &mut refuse);
        assert!(
            matches!(&news[..], [KeyNews::Kept { why: KeeperError::Refused { .. }, .. }]),
            "{news:?}"
        );
        assert_eq!(signs(&keeper), hmac(API_KEY, SECRET));
        pauses.push(keeper.next_poll().since(hands.now()).0 / Nanos::SECOND.0);
    }
    assert_eq!(pauses, [120, 240, 480, 600, 600, 600, 600, 600]);
    hands.turn_s(600);
    let news = keeper.poll(hands.now(), &mut take);
    assert!(matches!(news[..], [KeyNews::Recovered, KeyNews::Rotated { .. }]), "{news:?}");
    assert_eq!(signs(&keeper), hmac(API_KEY, "canary0second"));
}

#[test]
fn a_source_that_is_gone_leaves_the_key_at_work() {
    let (shelf, hands) = (Shelf::new(), Hands::new());
    shelf.set(|stock| stock.lease = Some(Duration::from_secs(100)));
    let mut keeper = keep(&shelf, &hands);
    // Half of the lease, and not the minute of the policy.
    assert_eq!(keeper.next_poll().since(hands.now()), Nanos(50 * Nanos::SECOND.0));
    let asked = shelf.asked();
    assert!(keeper.poll(hands.now(), &mut take).is_empty());
    assert_eq!(shelf.asked(), asked, "it was asked before its time");

    let key = shelf.0.lock().unwrap().key.take();
    hands.turn_s(50);
    let news = keeper.poll(hands.now(), &mut take);
    let [KeyNews::Kept { why, failures: 1, lent_until }] = &news[..] else { panic!("{news:?}") };
    assert!(chain(why).contains("is not set"));
    assert_eq!(lent_until.unwrap().since(hands.now()), Nanos(50 * Nanos::SECOND.0));
    assert_eq!(keeper.next_poll().since(hands.now()), Nanos(25 * Nanos::SECOND.0));
    assert_eq!(signs(&keeper), hmac(API_KEY, SECRET));
    // After its end it is still tried, once a second at most.
    hands.turn_s(500);
    keeper.poll(hands.now(), &mut take);
    assert_eq!(keeper.next_poll().since(hands.now()), Nanos::SECOND);
    shelf.set(|stock| stock.key = key);
    hands.turn_s(1);
    assert!(matches!(keeper.poll(hands.now(), &mut take)[..], [KeyNews::Recovered]));
    assert_eq!(keeper.next_poll().since(hands.now()), Nanos(50 * Nanos::SECOND.0));
}

#[test]
fn ages_are_said_when_they_change_and_once_a_day() {
    const DAY_S: u64 = 86_400;
    let (shelf, hands) = (Shelf::new(), Hands::new());
    shelf.set(|stock| stock.created = Some(hands.now()));
    let mut keeper = keep(&shelf, &hands);
    let mut said = Vec::new();
    for day in 0..200 {
        for _ in 0..3 {
            for news in keeper.poll(hands.now(), &mut take) {
                let KeyNews::Old(age) = news else { panic!("{news:?}") };
                assert_eq!(age.days, day);
                said.push((day, age.class));
            }
        }
        hands.turn_s(DAY_S);
    }
    let wanted: Vec<_> = (90..200)
        .map(|day| (day, if day < 180 { AgeClass::Warn } else { AgeClass::Alert }))
        .collect();
    assert_eq!(said, wanted);
    // The exchange knows better.
    shelf.put(API_KEY, "canary0second");
    let now = hands.now();
    let mut prove = |_: &Arc<SigningKey>| Ok(Proven { created: Some(now) });
    assert!(keeper.rotate(now, &mut prove).unwrap().is_some());
    assert_eq!(keeper.age(now).unwrap().days, 0);
    assert!(keeper.poll(hands.now(), &mut take).is_empty());
}

/// Names and signatures never come from two keys, however often they change.
#[test]
fn others_sign_while_keys_change() {
    const KEYS: usize = 20;
    let (shelf, hands) = (Shelf::new(), Hands::new());
    let mut keeper = keep(&shelf, &hands);
    let name = |at: usize| format!("name0of0key0number0{at}");
    let (is_over, signed) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            let handle = keeper.handle();
            let (is_over, signed) = (&is_over, &signed);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    let key = handle.current();
                    let mut signature = String::new();
                    key.sign_into(b"payload", &mut signature);
                    let secret = if key.api_key() == API_KEY { SECRET } else { key.api_key() };
                    assert_eq!(signature, hmac(key.api_key(), secret).1);
                    signed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for at in 0..KEYS {
            shelf.put(&name(at), &name(at));
            assert!(keeper.rotate(hands.now(), &mut take).unwrap().is_some());
            let before = signed.load(Ordering::SeqCst);
            while signed.load(Ordering::SeqCst) < before + 20 {
                thread::yield_now();
            }
        }
        is_over.store(true, Ordering::SeqCst);
    });
    assert_eq!(signs(&keeper), hmac(&name(KEYS - 1), &name(KEYS - 1)));
}

#[test]
fn one_key_for_two_is_refused() {
    let key = |name: &str| {
        let secret = SecretText::new(SECRET.to_owned());
        SigningKey::new(Credential::hmac(name, &secret).unwrap()).unwrap()
    };
    let (first, again, other) = (key(API_KEY), key(API_KEY), key("other0name0of0a0key"));
    let elsewhere = {
        let secret = SecretText::new("canary0testnet0secret".to_owned());
        SigningKey::new(Credential::hmac("testnet0name0of0a0key", &secret).unwrap()).unwrap()
    };
    let claim = |account, mode, key| Claim { account, mode, key };
    check_separation(&[
        claim("main", "live", &first),
        claim("main", "testnet", &elsewhere),
        // The same account, for another purpose.
        claim("main", "live", &again),
    ])
    .unwrap();
    // One private half under two names is one key all the same.
    let twin = key("twin00name0of0a0key");
    let error = check_separation(&[claim("main", "live", &first), claim("second", "live", &twin)]);
    assert_eq!(error.unwrap_err().second, "second/live");
    let (read, trade) = (claim("main", "live", &first), claim("main", "live", &other));
    check_purposes(&read, &trade).unwrap_err();
    let distinct = {
        let secret = SecretText::new("canary0another".to_owned());
        SigningKey::new(Credential::hmac("third0name0of0a0key", &secret).unwrap()).unwrap()
    };
    check_purposes(&read, &claim("main", "live", &distinct)).unwrap();
    let error = check_purposes(&read, &claim("main", "live", &again)).unwrap_err();
    assert!(
        chain(&error).contains("main/live: the key for reading, cana…, is the one that trades")
    );
    for second in [claim("main", "testnet", &again), claim("second", "live", &again)] {
        let error = check_separation(&[claim("main", "live", &first), second]).unwrap_err();
        assert!(chain(&error).starts_with("the key cana… is that of main/live and of "));
    }
}
