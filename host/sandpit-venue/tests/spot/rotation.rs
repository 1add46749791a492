//! Keys that change while a session runs, and what is proved of one before it is used.

use sandpit_core::{engine::Event, ids::PluginId, intent::Intent, time::Nanos};
use sandpit_venue::{
    binance::spot::SpotSettings,
    keys::{KeyNews, KeyRights, KeyRole, Keys, Purpose},
    machine::{Input, Told},
};

use crate::{
    KEY,
    keys::{Known, ed25519},
    scenes::{SEED, cancel, place},
    signer,
    simulation::check,
    world::{Act, MS, SECOND, START, World},
};

fn with_wallet(settings: &mut SpotSettings) {
    settings.gate.wallet = Some("http://127.0.0.1:1".into());
}

fn proven(world: &World) -> usize {
    world.key_news.iter().filter(|news| matches!(news, KeyNews::Proven(_))).count()
}

fn retired(world: &World, number: u64) -> bool {
    world.key_news.contains(&KeyNews::Retired { number })
}

fn refusal(world: &World) -> String {
    match world.key_news.last() {
        Some(KeyNews::Refused { why, .. }) => why.clone(),
        other => panic!("{other:?}"),
    }
}

/// Two hundred orders under way while the key changes twenty times; each old key is taken away as
/// soon as the machine says that nothing of it is in use.
fn changes_under_load(seed: u64, change: impl FnOnce(&mut SpotSettings)) -> World {
    let mut world = World::with(seed, change);
    world.fake.limits.orders_most = 1_000;
    world.fake.limits.weight_most = 100_000;
    world.run_until(START + 5 * SECOND);
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    world.at(0, Act::Rotate(20));
    let mut gone = 0;
    for half in 0..400 {
        // Bursts, so that many are under way at each change.
        if half % 2 == 0 && half < 200 {
            for tag in 0..4 {
                place(&mut world, 10_000 + half * 10 + tag, 5_900_000 + tag as i64);
            }
        }
        world.run_until(START + 5 * SECOND + half * 500 * MS);
        let last = world.key_news.iter().rev().find_map(|news| match news {
            KeyNews::Retired { number } => Some(*number),
            _ => None,
        });
        // Everything before the offer that is in use is taken away.
        while gone < last.unwrap_or(0) {
            let name = if gone == 0 { KEY.into() } else { format!("key-{gone}-of-a-test") };
            world.revoke(&name);
            gone += 1;
        }
    }
    world.trading = false;
    world.run_until(START + 320 * SECOND);
    assert_eq!(world.offered, 20);
    assert_eq!(proven(&world), 20, "seed {seed}: {:?}", world.key_news);
    assert!(retired(&world, 20), "seed {seed}: {:?}", world.key_news);
    assert_eq!(gone, 20, "all but the last are refused by the exchange");
    world
}

#[test]
fn twenty_changes_with_two_hundred_orders_under_way() {
    let seeds: u64 = std::env::var("SPOT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let mut orders = 0;
    for seed in 0..seeds {
        // A seed that is a multiple of three is checked for the kill switch.
        let seed = seed * 3 + 1;
        let world = changes_under_load(seed, |_| {});
        check(&world, seed);
        assert!(world.placed.len() >= 200, "seed {seed}: {}", world.placed.len());
        assert_eq!(world.count("orders_unknown_total"), 0, "seed {seed}");
        assert_eq!(world.count("orders_refused_total"), 0, "seed {seed}");
        assert_eq!(world.count("key_changes_total"), 20);
        assert_eq!(world.fake.orders.len(), world.placed.len(), "seed {seed}: lost or doubled");
        assert_eq!(world.fake.limits.limited + world.fake.limits.banned, 0);
        let used: Vec<u64> = world.fake.keys.0.values().map(|known| known.placed).collect();
        let many = used.iter().filter(|placed| **placed > 0).count();
        assert!(many >= 15, "seed {seed}: orders went with {many} keys of 21");
        // Own events are listened to throughout.
        let downs = world.notices.iter().filter(|one| *one == "Orders(false)").count();
        assert_eq!(downs, 0, "seed {seed}: {:?}", world.notices);
        orders += world.placed.len();
    }
    println!("{seeds} seeds: {orders} orders, {} changes of the key", seeds * 20);
}

/// At the moment of each of the twenty changes about two hundred orders are under way.
#[test]
fn two_hundred_orders_are_under_way_at_every_change() {
    for seed in [1, 2, 4] {
        let mut world = World::with(seed, |settings| settings.gate.orders_max = 1_024);
        world.fake.limits.orders_most = 10_000;
        world.fake.limits.weight_most = 100_000;
        world.run_until(START + 5 * SECOND);
        world.slow = true;
        let mut least = u64::MAX;
        for change in 0..20_u64 {
            let name = format!("key-{}-of-a-test", change + 1);
            world.fake.keys.add(&name, Known::default());
            world.offer(&name, KeyRole::All, true);
            for order in 0..200 {
                place(&mut world, 1 + change * 200 + order, 5_900_000 - order as i64);
            }
            let under_way = world.count("requests_under_way");
            let mut left = 0;
            while proven(&world) <= change as usize {
                left = world.count("requests_under_way");
                let at = world.now + 5 * MS;
                world.run_until(at);
            }
            assert!(under_way >= 200, "seed {seed}: {under_way}");
            least = least.min(left);
            while !retired(&world, world.offered) {
                let at = world.now + 50 * MS;
                world.run_until(at);
            }
            let old = if change == 0 { KEY.into() } else { format!("key-{change}-of-a-test") };
            world.revoke(&old);
            // A plugin has so many orders open at most.
            let all = vec![Intent::CancelAll(None)];
            world.tell_engine(Event::Intents { plugin: PluginId(0), intents: all });
            let at = world.now + 10 * SECOND;
            world.run_until(at);
            assert!(world.fake.orders.iter().all(|order| !order.is_open()), "seed {seed}");
        }
        world.slow = false;
        let at = world.now + 120 * SECOND;
        world.run_until(at);
        check(&world, seed);
        assert_eq!(world.fake.orders.len(), 4_000, "seed {seed}: lost or doubled");
        assert_eq!(world.count("orders_unknown_total"), 0, "seed {seed}");
        assert_eq!(world.count("orders_refused_total"), 0, "seed {seed}");
        assert!(!world.notices.iter().any(|one| one == "Orders(false)"), "seed {seed}");
        println!("seed {seed}: at least {least} requests were under way when a key was changed");
        assert!(least >= 200, "seed {seed}: {least}");
    }
}

#[test]
fn changes_of_a_key_survive_faults() {
    let seeds: u64 = std::env::var("SPOT_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    for seed in 0..seeds {
        let seed = seed * 3 + 2;
        let mut world = World::new(seed);
        world.run_until(START + 5 * SECOND);
        world.faults = true;
        world.trading = true;
        for act in [Act::Strategy, Act::Trades, Act::Cut, Act::Rotate(20)] {
            world.at(0, act);
        }
        world.run_until(START + 100 * SECOND);
        world.faults = false;
        world.trading = false;
        world.run_until(START + 340 * SECOND);
        check(&world, seed);
        // Whatever was not proven in time was refused, and the one before it went on.
        let ends = world
            .key_news
            .iter()
            .filter(|news| matches!(news, KeyNews::Proven(_) | KeyNews::Refused { .. }));
        assert_eq!(ends.count() as u64, world.offered, "seed {seed}: {:?}", world.key_news);
        let last = world.key_news.iter().rev().find_map(|news| match news {
            KeyNews::Proven(proof) => Some(proof.number),
            _ => None,
        });
        assert!(last.is_none_or(|last| retired(&world, last)), "seed {seed}");
    }
}

/// A key is taken away first, and a new one is offered after that.
#[test]
fn a_key_that_is_gone_already_is_replaced() {
    let mut world = World::new(SEED);
    world.run_until(START + 5 * SECOND);
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    world.revoke(KEY);
    world.run_until(START + 8 * SECOND);
    assert!(world.notices.iter().any(|one| one == "Orders(false)"), "{:?}", world.notices);
    world.fake.keys.add("second", Known::default());
    world.offer("second", KeyRole::All, true);
    world.run_until(START + 9 * SECOND);
    assert_eq!(proven(&world), 1);
    cancel(&mut world, 1);
    world.run_until(START + 60 * SECOND);
    assert!(retired(&world, 1), "{:?}", world.key_news);
    assert!(!world.fake.orders[0].is_open(), "the cancel went with the new key");
    place(&mut world, 2, 5_980_000);
    world.run_until(START + 100 * SECOND);
    assert_eq!(world.fake.orders.len(), 2);
    check(&world, SEED);
}

#[test]
fn a_key_is_proved_before_it_is_used() {
    let cases: [(&str, Known, &str); 6] = [
        ("stranger", Known { account: Some(1), ..Known::default() }, "another account"),
        ("nobody", Known { account: None, ..Known::default() }, "which account"),
        ("gone", Known { revoked: true, ..Known::default() }, "-2015"),
        ("reads", Known { trade: false, ..Known::default() }, "cannot trade"),
        ("takes", Known { withdraw: true, ..Known::default() }, "withdraw"),
        ("moves", Known { transfer: true, ..Known::default() }, "move money"),
    ];
    for (name, known, words) in cases {
        let mut world = World::with(SEED, with_wallet);
        world.run_until(START + 5 * SECOND);
        world.fake.keys.add(name, known);
        world.offer(name, KeyRole::All, true);
        world.run_until(START + 10 * SECOND);
        assert!(refusal(&world).contains(words), "{name}: {:?}", world.key_news);
        place(&mut world, 1, 5_990_000);
        world.run_until(START + 12 * SECOND);
        assert_eq!(world.fake.keys.get(name).placed, 0, "{name}");
        assert_eq!(world.fake.keys.get(KEY).placed, 1, "{name}: the old one goes on");
        assert_eq!(world.count("key_changes_total"), 0);
        assert_eq!(world.count("keys_refused_total"), 1);
        check(&world, SEED);
    }
}

#[test]
fn a_proof_alone_changes_nothing_and_one_without_an_answer_ends() {
    let mut world = World::with(SEED, with_wallet);
    world.run_until(START + 5 * SECOND);
    world.fake.keys.add("second", Known::default());
    let number = world.offer("second", KeyRole::All, false);
    world.run_until(START + 7 * SECOND);
    let Some(KeyNews::Proven(proof)) = world.key_news.last() else {
        panic!("{:?}", world.key_news)
    };
    assert_eq!(proof.number, number);
    assert_eq!(proof.account, crate::keys::ACCOUNT.to_string());
    assert!(proof.rights.is_some_and(|rights| rights.trade && rights.created.is_some()));
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 8 * SECOND);
    assert_eq!(world.fake.keys.get("second").placed, 0);
    // Nobody answers.
    world.fake.rules.maintenance = true;
    world.offer("second", KeyRole::All, true);
    world.run_until(START + 40 * SECOND);
    assert!(refusal(&world).contains("in time"), "{:?}", world.key_news);
    world.fake.rules.maintenance = false;
    world.run_until(START + 120 * SECOND);
    assert_eq!(world.count("key_changes_total"), 0);
    check(&world, SEED);
}

#[test]
fn what_a_key_may_do_is_asked_for_now_and_then() {
    let mut world = World::with(SEED, |settings| {
        with_wallet(settings);
        settings.keys.rights_every = Some(Nanos(600 * SECOND));
    });
    world.run_until(START + 5 * SECOND);
    world.fake.keys.get(KEY).withdraw = true;
    world.run_until(START + 500 * SECOND);
    assert!(world.key_news.is_empty());
    world.run_until(START + 700 * SECOND);
    let rights = KeyRights {
        withdraw: true,
        transfer: false,
        trade: true,
        address_bound: true,
        created: Some(sandpit_core::time::UnixNanos(1_700_000_000 * SECOND)),
    };
    assert_eq!(world.key_news, [KeyNews::Rights { purpose: Purpose::Trade, rights }]);
    world.step(Input::Told(Told::ReadRights));
    world.run_until(START + 710 * SECOND);
    assert_eq!(world.key_news.len(), 2, "and at once where it is wanted");
}

#[test]
fn one_key_trades_and_another_reads() {
    let keys = Keys::two(signer("trades"), signer("reads"));
    let mut world = World::by(SEED, keys, |_| {});
    world.fake.keys.add("trades", Known::default());
    world.fake.keys.add("reads", Known { trade: false, ..Known::default() });
    world.run_until(START + 5 * SECOND);
    assert!(world.notices.iter().any(|one| one == "Live"), "{:?}", world.notices);
    world.trading = true;
    world.at(0, Act::Strategy);
    world.at(0, Act::Trades);
    world.run_until(START + 60 * SECOND);
    let before = world.fake.keys.get("trades").used;
    assert!(before > 20);
    // The one that trades alone is changed: own events go on as they are.
    world.fake.keys.add("trades-too", Known::default());
    let number = world.offer("trades-too", KeyRole::Trade, true);
    world.run_until(START + 62 * SECOND);
    assert!(retired(&world, number), "{:?}", world.key_news);
    world.revoke("trades");
    world.run_until(START + 90 * SECOND);
    world.fake.keys.add("reads-too", Known { trade: false, ..Known::default() });
    let number = world.offer("reads-too", KeyRole::Read, true);
    world.run_until(START + 120 * SECOND);
    assert!(retired(&world, number), "{:?}", world.key_news);
    world.revoke("reads");
    world.run_until(START + 150 * SECOND);
    world.trading = false;
    world.run_until(START + 240 * SECOND);
    check(&world, SEED);
    for name in ["reads", "reads-too"] {
        assert_eq!(world.fake.keys.get(name).placed, 0);
        assert!(world.fake.keys.get(name).used > 5);
    }
    assert!(world.fake.keys.get("trades-too").placed > 0);
    assert_eq!(world.count("orders_unknown_total"), 0);
}

#[test]
fn two_keys_of_different_accounts_do_not_open() {
    let keys = Keys::two(signer(KEY), signer("stranger"));
    let mut world = World::by(SEED, keys, |_| {});
    world.fake.keys.add("stranger", Known { account: Some(5), ..Known::default() });
    world.run_until(START + 5 * SECOND);
    let text = "cannot: the two keys are of different accounts";
    assert!(world.notices.iter().any(|one| one == text), "{:?}", world.notices);
}

#[test]
fn a_connection_is_logged_in_with_an_ed25519_key_and_orders_on_it_carry_no_signature() {
    let (key, public) = ed25519();
    let mut world = World::by(SEED, Keys::one(key), |settings| settings.logon = true);
    world.fake.keys.get(KEY).public = Some(public);
    world.run_until(START + 5 * SECOND);
    assert!(world.notices.iter().any(|one| one == "Live"), "{:?}", world.notices);
    assert_eq!(world.fake.asked["session.logon"], 1);
    assert_eq!(world.fake.asked["userDataStream.subscribe"], 1);
    place(&mut world, 1, 5_990_000);
    world.run_until(START + 6 * SECOND);
    assert_eq!(world.fake.orders.len(), 1);
    assert_eq!(world.unsigned, 1, "it is the session's");
    cancel(&mut world, 1);
    world.run_until(START + 30 * SECOND);
    assert!(!world.fake.orders[0].is_open());
    // Another key: a new connection logs in, the old one is given up after that.
    world.fake.keys.add("second", Known::default());
    let number = world.offer("second", KeyRole::All, true);
    place(&mut world, 2, 5_980_000);
    world.run_until(START + 60 * SECOND);
    assert!(retired(&world, number), "{:?}", world.key_news);
    assert_eq!(world.fake.asked["session.logon"], 2);
    world.revoke(KEY);
    place(&mut world, 3, 5_970_000);
    world.run_until(START + 90 * SECOND);
    assert_eq!(world.fake.orders.len(), 3);
    assert!(!world.notices.iter().any(|one| one == "Orders(false)"), "{:?}", world.notices);
    check(&world, SEED);
}
