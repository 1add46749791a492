//! The table of attacks in `docs/security.md`, made from the attacks themselves. With
//! `UPDATE_EXPECT=1` in the environment it is written anew.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use sandpit_core::plugin::FaultCode;
use sandpit_plugin::RefusalCode;

use crate::{
    abi,
    attack::{Attack, Ends},
    cpu, exfiltration,
    harness::Tests,
    host, load, memory, protocol, trust,
};

pub(crate) const TESTS: &[Tests] = &[
    Tests::One("table: each attack has its own name", each_attack_has_its_own_name),
    Tests::One("table: the document has it", the_document_has_it),
];

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
const BEGIN: &str = "<!-- attacks: begin -->\n";
const END: &str = "<!-- attacks: end -->\n";
/// So many there are at least.
const ATTACKS_MIN: usize = 90;

/// The families, each with what it is about.
const FAMILIES: &[(&str, &[&[Attack]])] = &[
    ("Processor time", cpu::ATTACKS),
    ("Memory", memory::ATTACKS),
    ("Binary interface", abi::ATTACKS),
    ("Files", load::ATTACKS),
    ("Signatures and kept code", trust::ATTACKS),
    ("Wishes", protocol::ATTACKS),
    ("Carrying something out", exfiltration::ATTACKS),
    ("From a process of its own", host::ATTACKS),
];

fn of(family: &'static [&'static [Attack]]) -> impl Iterator<Item = &'static Attack> {
    family.iter().copied().flatten()
}

fn each_attack_has_its_own_name() {
    let mut names = BTreeSet::new();
    for (family, attacks) in FAMILIES {
        for attack in of(attacks) {
            assert!(names.insert((family, attack.name)), "{} is there twice", attack.name);
            assert!(!attack.name.contains('|'), "{}", attack.name);
        }
    }
    assert!(names.len() >= ATTACKS_MIN, "{} attacks", names.len());
}

/// What stopped it.
const fn wall(ends: &Ends) -> &'static str {
    match ends {
        Ends::Refused(code) => step(*code),
        Ends::Denied(_) => "risk",
        Ends::Contained { wall, .. } => wall,
        Ends::Fault(code, _) => match code {
            FaultCode::Trap => "WebAssembly",
            FaultCode::FuelExhausted => "fuel",
            FaultCode::DeadlineExceeded => "deadline",
            FaultCode::MemoryExceeded => "memory limit",
            FaultCode::StackExhausted => "stack limit",
            FaultCode::TooManyIntents => "intents of a call",
            FaultCode::IntentRateExceeded => "intents over time",
            FaultCode::OutputExceeded => "bytes handed over",
            FaultCode::MalformedOutput | FaultCode::StartRefused => "contract",
            FaultCode::RunnerLost => "process",
            FaultCode::Lagging => "queue",
            FaultCode::CpuShareExceeded => "share of the processor",
        },
    }
}

/// The step of loading at which it is refused.
const fn step(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::Unreadable | RefusalCode::NotAFile => "load: reading",
        RefusalCode::Empty | RefusalCode::TooLarge => "load: size",
        RefusalCode::AnyInLive
        | RefusalCode::NotPinned
        | RefusalCode::NotSigned
        | RefusalCode::UnreadableSignature
        | RefusalCode::UnknownKey
        | RefusalCode::WrongSignature => "load: trust",
        RefusalCode::TooMany => "load: counts",
        RefusalCode::Malformed => "load: validity",
        RefusalCode::ForeignImport
        | RefusalCode::UnsupportedContract
        | RefusalCode::MixedContracts => "load: imports",
        RefusalCode::NotAStrategy | RefusalCode::TypesDiffer => "load: exports",
        RefusalCode::CompileRefused
        | RefusalCode::CompileWallTime
        | RefusalCode::CompileCpuTime
        | RefusalCode::CompileMemory
        | RefusalCode::CompileTooLarge
        | RefusalCode::CompileCrashed
        | RefusalCode::CompileGarbage
        | RefusalCode::CompileOtherBuild
        | RefusalCode::CompileStart => "compiler's process",
        RefusalCode::Link => "load: link",
        _ => "load: kind",
    }
}

fn outcome(ends: &Ends) -> String {
    match ends {
        Ends::Refused(code) => format!("refused: `{}`", code.name()),
        Ends::Fault(code, _) => format!("fault: `{}`", code.name()),
        Ends::Denied(code) => format!("denied: `{}`", code.name()),
        Ends::Contained { what, .. } => format!("contained: {what}"),
    }
}

fn table() -> String {
    let total: usize = FAMILIES.iter().map(|(_, attacks)| of(attacks).count()).sum();
    let mut text = format!("There are {total} of them.\n");
    for (family, attacks) in FAMILIES {
        let count = of(attacks).count();
        let _ = write!(
            text,
            "\n### {family} ({count})\n\n| attack | what stops it | what comes of it |\n|---|---|---|\n"
        );
        for Attack { name, ends, .. } in of(attacks) {
            let _ = writeln!(text, "| {name} | {} | {} |", wall(ends), outcome(ends));
        }
    }
    text
}

fn the_document_has_it() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the document has a mark to begin at");
    let (_, after) = rest.split_once(END).expect("the document has a mark to end at");
    let expected = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(DOCUMENT, expected).unwrap();
    } else {
        assert!(document == expected, "docs/security.md is old: UPDATE_EXPECT=1 writes it anew");
    }
}
