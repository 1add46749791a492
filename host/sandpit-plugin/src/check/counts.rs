//! How much of everything a component may contain. Compiling is not bounded by fuel, and a small
//! file can hold a great deal, so this comes before the validator and the compiler see it.

use wasmparser::{
    CompositeInnerType, CoreType, FunctionBody, Operator, Parser, Payload, TypeSectionReader,
};

use super::{CheckError, error::malformed, nesting::count_component_types, types::FEATURES};
use crate::limits::{INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};

/// Modules and components within each other.
const NESTING_MAX: usize = 8;
/// Modules and components in all.
const PARTS_MAX: usize = 64;
/// Functions of all modules: an interpreter of a scripting language has some 20,000.
const FUNCTIONS_MAX: u64 = 60_000;
/// Types of all modules and components, nested ones counted.
const TYPES_MAX: u64 = 20_000;
/// Parameters, and results, of a core function.
const PARAMETERS_MAX: usize = 256;
/// Locals of a function.
const LOCALS_MAX: u64 = 20_000;
/// Bytes of a function's body. The compiler's work grows faster than this does.
const BODY_BYTES_MAX: u64 = 1024 * 1024;
/// Imports of all modules and components: the libraries of an interpreter take some 2,500 from each
/// other.
const IMPORTS_MAX: u64 = 4_000;
/// Exports of all modules and components.
const EXPORTS_MAX: u64 = 10_000;
/// Data segments of all modules.
const DATA_SEGMENTS_MAX: u64 = 20_000;
/// Element segments of all modules.
const ELEMENT_SEGMENTS_MAX: u64 = 10_000;
/// Globals of all modules.
const GLOBALS_MAX: u64 = 10_000;
/// Canonical functions, aliases and instances of all components.
const DEFINITIONS_MAX: u64 = 20_000;
/// Bytes of all custom sections: names and debug information.
const CUSTOM_BYTES_MAX: u64 = 48 * 1024 * 1024;

/// Values that the validator moves, at the most. A branch table moves all that its target takes for
/// each of its entries, of which each is a byte: with wide types, a megabyte of them keeps a
/// validator that is not bounded so for three seconds, and there is no fuel in it.
const VALIDATION_MOVES_MAX: u64 = 256 * 1024 * 1024;
/// Any other instruction moves as much for this many bytes, at the most.
const BYTES_PER_MOVE: u64 = 8;

/// There is more of something than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "has {found} {what}, {limit} are allowed: make it smaller, or leave out libraries that it does not need"
)]
pub struct CountError {
    /// Of what.
    pub what: &'static str,
    /// How many, at the point where counting stopped.
    pub found: u64,
    /// How many are allowed.
    pub limit: u64,
}

/// One running total and its bound.
struct Total {
    what: &'static str,
    found: u64,
    limit: u64,
}

impl Total {
    const fn new(what: &'static str, limit: u64) -> Self {
        Self { what, found: 0, limit }
    }

    fn add(&mut self, count: impl TryInto<u64>) -> Result<(), CountError> {
        self.found = self.found.saturating_add(count.try_into().unwrap_or(u64::MAX));
        at_most(self.what, self.found, self.limit)
    }
}

pub(super) fn at_most(what: &'static str, found: u64, limit: u64) -> Result<(), CountError> {
    if found > limit { Err(CountError { what, found, limit }) } else { Ok(()) }
}

struct Totals {
    parts: Total,
    functions: Total,
    types: Total,
    imports: Total,
    exports: Total,
    memories: Total,
    tables: Total,
    globals: Total,
    data: Total,
    elements: Total,
    definitions: Total,
    instances: Total,
    custom: Total,
    /// Parameters or results of the widest core function so far.
    widest: u64,
    /// Entries of all branch tables.
    branches: u64,
    /// Bytes of all bodies.
    code: u64,
}

impl Totals {
    const fn new() -> Self {
        Self {
            parts: Total::new("modules and components", PARTS_MAX as u64),
            functions: Total::new("functions", FUNCTIONS_MAX),
            types: Total::new("types", TYPES_MAX),
            imports: Total::new("imports", IMPORTS_MAX),
            exports: Total::new("exports", EXPORTS_MAX),
            memories: Total::new("memories", MEMORIES_MAX as u64),
            tables: Total::new("tables", TABLES_MAX as u64),
            globals: Total::new("globals", GLOBALS_MAX),
            data: Total::new("data segments", DATA_SEGMENTS_MAX),
            elements: Total::new("element segments", ELEMENT_SEGMENTS_MAX),
            definitions: Total::new("component definitions", DEFINITIONS_MAX),
            instances: Total::new("core instances", INSTANCES_MAX as u64),
            custom: Total::new("bytes of custom sections", CUSTOM_BYTES_MAX),
            widest: 1,
            branches: 0,
            code: 0,
        }
    }

    fn count(&mut self, payload: &Payload<'_>, bytes: &[u8]) -> Result<(), CheckError> {
        match payload {
            Payload::TypeSection(section) => self.core_types(section)?,
            Payload::ImportSection(section) => self.imports.add(section.count())?,
            Payload::FunctionSection(section) => self.functions.add(section.count())?,
            Payload::TableSection(section) => self.tables.add(section.count())?,
            Payload::MemorySection(section) => self.memories.add(section.count())?,
            Payload::GlobalSection(section) => self.globals.add(section.count())?,
            Payload::ExportSection(section) => self.exports.add(section.count())?,
            Payload::ElementSection(section) => self.elements.add(section.count())?,
            Payload::DataSection(section) => self.data.add(section.count())?,
            Payload::DataCountSection { count, .. } => {
                at_most("data segments", u64::from(*count), DATA_SEGMENTS_MAX)?
            }
            Payload::CodeSectionStart { count, .. } => {
                at_most("functions", u64::from(*count), FUNCTIONS_MAX)?
            }
            Payload::CodeSectionEntry(body) => self.body(body)?,
            Payload::CustomSection(section) => self.custom.add(section.range().len())?,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.parts.add(1u64)?
            }
            Payload::InstanceSection(section) => self.instances.add(section.count())?,
            Payload::CoreTypeSection(section) => {
                self.types.add(section.count())?;
                for core in section.clone() {
                    self.core_type(&core.map_err(malformed)?)?;
                }
            }
            Payload::ComponentTypeSection(section) => {
                let range = section.range();
                let content = bytes.get(range.clone()).unwrap_or_default();
                self.types.add(count_component_types(content, range.start)?)?;
            }
            Payload::ComponentInstanceSection(section) => self.definitions.add(section.count())?,
            Payload::ComponentAliasSection(section) => self.definitions.add(section.count())?,
            Payload::ComponentCanonicalSection(section) => self.definitions.add(section.count())?,
            Payload::ComponentImportSection(section) => self.imports.add(section.count())?,
            Payload::ComponentExportSection(section) => self.exports.add(section.count())?,
            _ => {}
        }
        Ok(())
    }

    fn core_types(&mut self, section: &TypeSectionReader<'_>) -> Result<(), CheckError> {
        self.types.add(section.count())?;
        for group in section.clone() {
            let group = group.map_err(malformed)?;
            // A group of one has been counted by the section.
            self.types.add(group.types().len().saturating_sub(1))?;
            for sub_type in group.types() {
                if let CompositeInnerType::Func(function) = &sub_type.composite_type.inner {
                    let widest = function.params().len().max(function.results().len());
                    at_most("parameters of one function", widest as u64, PARAMETERS_MAX as u64)?;
                    self.widest = self.widest.max(widest as u64);
                }
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), CheckError> {
        let bytes = body.range().len() as u64;
        at_most("bytes in one function", bytes, BODY_BYTES_MAX)?;
        let mut locals = Total::new("locals in one function", LOCALS_MAX);
        for group in body.get_locals_reader().map_err(malformed)? {
            let (count, _) = group.map_err(malformed)?;
            locals.add(count)?;
        }
        let mut operators = body.get_operators_reader().map_err(malformed)?;
        while !operators.eof() {
            if let Operator::BrTable { targets } = operators.read().map_err(malformed)? {
                self.branches = self.branches.saturating_add(targets.len().into());
            }
        }
        self.code = self.code.saturating_add(bytes);
        let moves = self.widest.saturating_mul(self.branches + self.code / BYTES_PER_MOVE);
        Ok(at_most("values to move while it is validated", moves, VALIDATION_MOVES_MAX)?)
    }

    fn core_type(&mut self, core: &CoreType<'_>) -> Result<(), CheckError> {
        if let CoreType::Module(declarations) = core {
            self.types.add(declarations.len())?;
        }
        Ok(())
    }
}

/// Lets components through that are of a size that can be compiled in reasonable time.
pub(super) fn check_counts(bytes: &[u8]) -> Result<(), CheckError> {
    let mut totals = Totals::new();
    let mut depth = 0usize;
    let mut parser = Parser::new(0);
    parser.set_features(FEATURES);
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(malformed)?;
        match &payload {
            Payload::Version { .. } => {
                depth += 1;
                at_most(
                    "modules and components within each other",
                    depth as u64,
                    NESTING_MAX as u64,
                )?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => totals.count(&payload, bytes)?,
        }
    }
    Ok(())
}
