//! Versions of the contract: what was built once runs for ever, and what was built for another one
//! is refused. docs/authors/contract.md has the rule.

use sandpit_core::intent::Intent;
use sandpit_plugin::{
    ComponentFile, Instance, Loader, Mode, NoLog, Policy, RefusalCode, SavedState, TrustList,
    check, encode,
};
use sha2::{Digest as _, Sha256};

use crate::{
    harness::{Test, patient},
    plays::{every_way, trades},
    support::{Guest, embed, engine, instrument, session, trade},
};

pub(crate) const TESTS: &[Test] = &[
    ("contract::its_text_is_frozen", its_text_is_frozen),
    ("contract::what_was_built_for_it_runs", what_was_built_for_it_runs),
    ("contract::a_state_that_was_saved_is_restored", a_state_that_was_saved_is_restored),
    ("contract::a_later_patch_runs", a_later_patch_runs),
    ("contract::other_versions_are_refused", other_versions_are_refused),
];

const CONTRACT: &str = include_str!("../../wit/strategy.wit");
/// SHA-256 of the contract's text. A change of the text that changes no type is a new patch version
/// and may change this; any other change is a new minor version in a file of its own.
const CONTRACT_SHA256: &str = "3e18dca39f578b853a7fe0c0a8ecc06d9787ceb745cfc882bd32908e45992ecc";
/// A strategy that was built with the SDK of contract 0.1.0. Never built again.
const FIXTURE: &[u8] = include_bytes!("../fixtures/contract-0.1.0.component");
/// Its SHA-256.
const FIXTURE_SHA256: &str = "9992ffb62e4dd686791f805147dcf1e3f62139a73e5c51f21d0b6c8acbd784d0";

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn its_text_is_frozen() {
    assert_eq!(sha256(CONTRACT.as_bytes()), CONTRACT_SHA256, "see docs/authors/contract.md");
}

fn what_was_built_for_it_runs() {
    assert_eq!(sha256(FIXTURE), FIXTURE_SHA256);
    let checked = check(FIXTURE).unwrap();
    assert_eq!(checked.contract(), "0.1.0");
    let trace = every_way(FIXTURE, &patient(), &trades(25));
    let calls: Vec<_> = trace.calls.iter().filter(|call| call.contains("[")).collect();
    let asked: Vec<_> = calls.iter().filter(|call| !call.ends_with(" []")).collect();
    // Of every fifth trade, another wish each time.
    assert_eq!(asked.len(), 5, "{asked:#?}");
    for (call, wish) in asked.iter().zip([
        "side: Sell",
        "TargetPosition",
        "CancelAll(None)",
        "SetTimer",
        "side: Buy",
    ]) {
        assert!(call.contains(wish), "{wish}: {call}");
    }
    assert_eq!(trace.state.unwrap(), 25u64.to_le_bytes());
    assert_eq!(trace.lines.len(), 5, "{:?}", trace.lines);
    assert!(trace.lines[0].contains("asked at 5"), "{:?}", trace.lines);
    assert_eq!(trace.intents, 5);
}

fn a_state_that_was_saved_is_restored() {
    let artifact = engine().compile(&check(FIXTURE).unwrap()).unwrap();
    let mut instance = Instance::load(&artifact, "old", &patient(), Box::new(NoLog)).unwrap();
    let description = instance.description();
    assert_eq!((description.name.as_str(), description.state_schema), ("contract-fixture", 3));
    let instrument = instrument();
    let mut told = session(&instrument);
    told.arguments = description.arguments(&Default::default()).unwrap();
    let data = 4u64.to_le_bytes().to_vec();
    told.restored = Some(SavedState { version: "1.0.0".to_owned(), schema: 3, data });
    instance.start(&told, &mut Vec::new()).unwrap();
    let mut intents = Vec::new();
    instance.call(&trade(5_000, 100_000), &mut intents).unwrap();
    assert!(matches!(intents[..], [Intent::Place(_)]), "{intents:?}");
    assert_eq!(instance.save().unwrap(), 5u64.to_le_bytes());
}

/// A guest that logs and asks, built for this version of the contract.
fn built_for(version: &str) -> Vec<u8> {
    let guest = Guest::idle()
        .intents(1)
        .body("on-trade", "(call $log (i32.const 1) (i32.const 1024) (i32.const 10)) i32.const 1");
    let at = format!("@{version}");
    let wat = guest.wat().replace("@0.1.0", &at);
    let contract = CONTRACT.replace("@0.1.0", &at);
    encode(&embed(&wat, &contract, "strategy")).unwrap()
}

fn a_later_patch_runs() {
    let now = every_way(&built_for("0.1.0"), &patient(), &trades(5));
    assert_eq!((now.intents, now.lines.len()), (5, 5));
    for version in ["0.1.1", "0.1.7", "0.1.4294967295"] {
        let component = built_for(version);
        let checked = check(&component).unwrap();
        assert_eq!(checked.contract(), version);
        assert!(checked.exports().contains(&format!("sandpit:strategy/handlers@{version}")));
        assert_eq!(every_way(&component, &patient(), &trades(5)), now, "{version}");
    }
}

fn other_versions_are_refused() {
    let loader = Loader::new(engine(), Mode::Paper, Policy::Any, TrustList::default()).unwrap();
    let code = |bytes| loader.load(&ComponentFile::unsigned(bytes)).unwrap_err().code();
    for version in
        ["0.0.1", "0.2.0", "0.2.7", "1.0.0", "1.1.0", "0.1.0-rc", "0.1.7-rc.1", "0.1.0+build"]
    {
        assert_eq!(code(built_for(version)), RefusalCode::UnsupportedContract, "{version}");
    }
}
