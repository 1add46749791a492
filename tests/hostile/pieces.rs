//! Components put together by hand: sections behind a strategy's own, parts within it.

use wasmparser::{Parser, Payload};

/// Ids of sections of a component.
pub(crate) const CUSTOM: u8 = 0;
const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;
pub(crate) const COMPONENT: u8 = 4;
const INSTANCE: u8 = 5;

/// A component from its text.
pub(crate) fn component(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {fields})")).unwrap_or_else(|error| panic!("{error}"))
}

/// A component with one module in it.
pub(crate) fn in_module(fields: &str) -> Vec<u8> {
    component(&format!("(core module {fields})"))
}

/// A section to put after others.
pub(crate) fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut section = vec![id];
    let mut rest = content.len();
    while rest >= 0x80 {
        section.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    section.push(rest.to_le_bytes()[0]);
    section.extend_from_slice(content);
    section
}

/// How many modules and components a component has directly in it.
fn parts_in(bytes: &[u8]) -> (u8, u8) {
    let (mut depth, mut modules, mut components) = (0, 0, 0);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ModuleSection { .. } if depth == 1 => modules += 1,
            Payload::ComponentSection { .. } if depth == 1 => components += 1,
            _ => {}
        }
    }
    (modules, components)
}

/// A strategy with a module beside its own, which is made with it.
pub(crate) fn with_module(strategy: Vec<u8>, fields: &str) -> Vec<u8> {
    let (modules, _) = parts_in(&strategy);
    let module = wat::parse_str(format!("(module {fields})")).unwrap();
    let instance = section(CORE_INSTANCE, &[1, 0, modules, 0]);
    [strategy, section(CORE_MODULE, &module), instance].concat()
}

/// A strategy with a component within it that nobody makes an instance of.
pub(crate) fn with_idle_component(strategy: Vec<u8>, fields: &str) -> Vec<u8> {
    [strategy, section(COMPONENT, &component(fields))].concat()
}

/// A strategy with a component within it, which is made with it.
pub(crate) fn with_component(strategy: Vec<u8>, fields: &str) -> Vec<u8> {
    let (_, components) = parts_in(&strategy);
    let instance = section(INSTANCE, &[1, 0, components, 0]);
    [with_idle_component(strategy, fields), instance].concat()
}

/// A small generator with a fixed seed: the same numbers in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}
