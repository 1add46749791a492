//! Guests written by hand, in the text form of WebAssembly: every export is there and does nothing
//! until an attack gives it a body.

use std::{collections::BTreeMap, fmt::Write as _};

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup};

use crate::wish::Wish;

/// The contract as it is written.
pub(crate) const CONTRACT: &str = include_str!("../../wit/strategy.wit");
/// The interface that a strategy exports.
pub(crate) const HANDLERS: &str = "sandpit:strategy/handlers@0.1.0";

/// Core signature and idle body of each export.
const EXPORTS: [(&str, &str, &str); 15] = [
    ("describe", "(result i32)", "i32.const 64"),
    ("start", "(param i32) (result i32)", "i32.const 16"),
    ("on-trade", "(param i32 i64 i64 i32 i64 i32 i32 i32) (result i32)", "i32.const 0"),
    ("on-quote", "(param i32 i64 i64 i32 i64 i32 i64 i32 i64 i32 i32) (result i32)", "i32.const 0"),
    (
        "on-bar",
        "(param i32 i64 i64 i64 i32 i64 i32 i64 i32 i64 i32 i64 i32 i32) (result i32)",
        "i32.const 0",
    ),
    (
        "on-depth",
        "(param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)",
        "i32.const 0",
    ),
    ("on-order", "(param i32) (result i32)", "i32.const 0"),
    ("on-position", "(param i32 i64 i64 i32 i64 i32 i64 i32) (result i32)", "i32.const 0"),
    ("on-budget", "(param i64 i64 i32 i64 i32 i64 i32) (result i32)", "i32.const 0"),
    ("on-timer", "(param i32 i64) (result i32)", "i32.const 0"),
    ("on-trading-state", "(param i32 i64) (result i32)", "i32.const 0"),
    ("on-parameters", "(param i32 i32) (result i32)", "i32.const 16"),
    ("take-intents", "(result i32)", "i32.const 128"),
    ("save", "(result i32)", "i32.const 136"),
    ("stop", "(param i32)", ""),
];

/// Where the lists of a guest are: a pointer and a length that `take-intents` hands over.
pub(crate) const INTENTS_AT: u32 = 8_192;
/// Where the host's values go; nothing of a call is needed in the next one, so each begins here.
const HEAP_AT: u32 = 24_576;
const SUBSCRIPTIONS_AT: u32 = 256;
const NAME_AT: u32 = 1_024;
const VERSION_AT: u32 = 1_200;
const VERSION: &str = "1.2.3";

/// Hands memory out, and never takes it back within a call.
const REALLOC: &str = "(local.set $at
      (i32.and
        (i32.sub (i32.add (global.get $heap) (local.get 2)) (i32.const 1))
        (i32.sub (i32.const 0) (local.get 2))))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

/// What a guest wants to be told: the case and the number of a `data-kind`.
pub(crate) type Wanted = (u8, u64);

pub(crate) const TRADES: Wanted = (0, 0);
pub(crate) const QUOTES: Wanted = (1, 0);
/// Bars of one second.
pub(crate) const BARS: Wanted = (2, 1_000_000_000);
/// Five levels of a book.
pub(crate) const DEPTH: Wanted = (3, 5);

/// A guest in the making.
#[derive(Clone)]
pub(crate) struct Guest {
    name: Vec<u8>,
    pages: u64,
    bodies: BTreeMap<&'static str, String>,
    realloc: String,
    extra: String,
    wanted: Vec<Wanted>,
    words: [u32; 13],
    encoding: StringEncoding,
}

impl Guest {
    /// Answers everything with nothing.
    pub(crate) fn idle() -> Self {
        Self {
            name: b"attacker".to_vec(),
            pages: 1,
            bodies: EXPORTS.iter().map(|(name, _, body)| (*name, (*body).to_owned())).collect(),
            realloc: REALLOC.to_owned(),
            extra: String::new(),
            wanted: vec![TRADES],
            words: [NAME_AT, 8, VERSION_AT, 5, 0, 0, 0, 0, SUBSCRIPTIONS_AT, 1, 0, 0, 7],
            encoding: StringEncoding::UTF8,
        }
    }

    /// The bytes of the name in its description.
    pub(crate) fn named(mut self, name: &[u8]) -> Self {
        self.name = name.to_owned();
        self.words[1] = length(name.len());
        self
    }

    /// Its memory at the start, in pages of 64 KiB.
    pub(crate) const fn pages(mut self, pages: u64) -> Self {
        self.pages = pages;
        self
    }

    /// Body of one export; `$i` is a local of 32 bits and `$l` one of 64.
    pub(crate) fn body(mut self, export: &'static str, body: &str) -> Self {
        *self.bodies.get_mut(export).unwrap() = body.to_owned();
        self
    }

    /// Does this in an export and answers with nothing.
    pub(crate) fn does(self, export: &'static str, what: &str) -> Self {
        let (_, _, idle) = EXPORTS.iter().find(|(name, ..)| *name == export).unwrap();
        self.body(export, &format!("{what} {idle}"))
    }

    /// Another allocator: parameters as `cabi_realloc` has them, `$at` to compute with.
    pub(crate) fn realloc(mut self, body: &str) -> Self {
        self.realloc = body.to_owned();
        self
    }

    /// Something before the usual allocator.
    pub(crate) fn before_realloc(self, what: &str) -> Self {
        self.realloc(&format!("{what} {REALLOC}"))
    }

    /// What runs after the host has read the answer of an export.
    pub(crate) fn post_return(self, export: &str, body: &str) -> Self {
        self.extra(&format!("(func (export \"cabi_post_{HANDLERS}#{export}\") (param i32) {body})"))
    }

    /// Further fields of the module.
    pub(crate) fn extra(mut self, fields: &str) -> Self {
        self.extra.push_str(fields);
        self
    }

    /// Bytes in its memory.
    pub(crate) fn data(self, at: u32, bytes: &[u8]) -> Self {
        let field = format!("(data (i32.const {at}) \"{}\")", escaped(bytes));
        self.extra(&field)
    }

    /// What it wants to be told.
    pub(crate) fn wants(mut self, wanted: &[Wanted]) -> Self {
        self.wanted = wanted.to_vec();
        self.words[9] = length(wanted.len());
        self
    }

    /// Another word of its description's record: pointers and lengths of name, version, summary,
    /// parameters, subscriptions and warm-up, and the schema.
    pub(crate) const fn word(mut self, number: usize, value: u32) -> Self {
        self.words[number] = value;
        self
    }

    /// Its texts are in another encoding.
    pub(crate) const fn encoded(mut self, encoding: StringEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Asks for these in every trade.
    pub(crate) fn asks(self, wishes: &[Wish]) -> Self {
        self.body("on-trade", "i32.const 1").hands_over(wishes)
    }

    /// Asks for these in the first trade of the session, once.
    pub(crate) fn asks_once(self, wishes: &[Wish]) -> Self {
        self.extra("(global $asked (mut i32) (i32.const 0))")
            .body(
                "on-trade",
                "(if (i32.or (global.get $asked) (local.get 7)) (then (return (i32.const 0))))
                 (global.set $asked (i32.const 1)) i32.const 1",
            )
            .hands_over(wishes)
    }

    /// Has these ready for whoever takes them.
    pub(crate) fn hands_over(self, wishes: &[Wish]) -> Self {
        let bytes: Vec<u8> = wishes.iter().flat_map(|wish| *wish.bytes()).collect();
        self.data(INTENTS_AT, &bytes).hands_over_list(INTENTS_AT, length(wishes.len()))
    }

    /// Hands over a list that may not be one.
    pub(crate) fn hands_over_list(self, at: u32, count: u32) -> Self {
        self.body(
            "take-intents",
            &format!(
                "(i32.store (i32.const 128) (i32.const {at}))
                 (i32.store (i32.const 132) (i32.const {count}))
                 i32.const 128"
            ),
        )
    }

    /// Answers `start` or `on-parameters` with an error that has its text here.
    pub(crate) fn refuses(self, export: &'static str, at: u32, bytes: u32) -> Self {
        self.body(
            export,
            &format!(
                "(i32.store8 (i32.const 16) (i32.const 1))
                 (i32.store (i32.const 20) (i32.const {at}))
                 (i32.store (i32.const 24) (i32.const {bytes}))
                 i32.const 16"
            ),
        )
    }

    /// Saves what is here.
    pub(crate) fn saves(self, at: u32, bytes: u32) -> Self {
        self.body(
            "save",
            &format!(
                "(i32.store (i32.const 136) (i32.const {at}))
                 (i32.store (i32.const 140) (i32.const {bytes})) i32.const 136"
            ),
        )
    }

    /// Logs a text in every trade.
    pub(crate) fn logs(self, text: &[u8]) -> Self {
        let bytes = length(text.len());
        self.data(4_096, text).does(
            "on-trade",
            &format!("(call $log (i32.const 1) (i32.const 4096) (i32.const {bytes}))"),
        )
    }

    /// Its text.
    pub(crate) fn wat(&self) -> String {
        let mut functions = String::new();
        for (name, signature, _) in EXPORTS {
            // What came with the call is read from where it was put, and the next begins anew.
            writeln!(
                functions,
                "(func ${name} (export \"{HANDLERS}#{name}\") {signature}
                   (local $i i32) (local $l i64)
                   (global.set $heap (i32.const {HEAP_AT})) {body})",
                body = self.bodies[name]
            )
            .unwrap();
        }
        let record: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let wanted: Vec<u8> = self
            .wanted
            .iter()
            .flat_map(|(case, number)| [u64::from(*case).to_le_bytes(), number.to_le_bytes()])
            .flatten()
            .collect();
        format!(
            "(module
               (import \"sandpit:strategy/logging@0.1.0\" \"log\" (func $log (param i32 i32 i32)))
               (memory (export \"memory\") {pages})
               (global $heap (mut i32) (i32.const {HEAP_AT}))
               (data (i32.const 64) \"{record}\")
               (data (i32.const {SUBSCRIPTIONS_AT}) \"{wanted}\")
               (data (i32.const {NAME_AT}) \"{name}\")
               (data (i32.const {VERSION_AT}) \"{VERSION}\")
               (func $realloc (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
                 (local $at i32) {realloc})
               {functions}
               {extra})",
            pages = self.pages,
            record = escaped(&record),
            wanted = escaped(&wanted),
            name = escaped(&self.name),
            realloc = self.realloc,
            extra = self.extra,
        )
    }

    /// Its core module, with the contract's types embedded.
    pub(crate) fn module(&self) -> Vec<u8> {
        embed(&self.wat(), CONTRACT, "strategy", self.encoding)
    }

    /// Its component.
    pub(crate) fn component(&self) -> Vec<u8> {
        sandpit_plugin::encode(&self.module()).unwrap()
    }
}

/// A core module of `wat` that claims to be of `world` in `contract`.
pub(crate) fn embed(wat: &str, contract: &str, world: &str, encoding: StringEncoding) -> Vec<u8> {
    let mut module = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    let mut resolve = Resolve::default();
    let group =
        UnresolvedPackageGroup::parse("test.wit", contract).map_err(|(_, error)| error).unwrap();
    let package = resolve.push_group(group).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    module
}

/// Bytes as a text of WebAssembly has them.
fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 3), |mut text, byte| {
        write!(text, "\\{byte:02x}").unwrap();
        text
    })
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}
