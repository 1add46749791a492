//! Types of components within types of components. The parser reads them by recursion without a
//! bound of its own, so a small file could exhaust the host's stack: they are walked here with a
//! stack of our own before the parser gets them.

use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentAlias, ComponentExternName, ComponentImport,
    ComponentType, ComponentTypeRef, CoreType,
};

use super::{CheckError, counts::at_most, error::malformed, types::FEATURES};

/// Types within each other: an instance in a component in an instance is three.
const TYPE_NESTING_MAX: usize = 16;

/// Leading bytes, by the binary format of components.
const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;
const DECLARATION_CORE_TYPE: u8 = 0x00;
const DECLARATION_TYPE: u8 = 0x01;
const DECLARATION_ALIAS: u8 = 0x02;
const DECLARATION_IMPORT: u8 = 0x03;
const DECLARATION_EXPORT: u8 = 0x04;

/// Walks a section of component types, given with its count, and returns how many types and
/// declarations are in it.
pub(super) fn count_component_types(section: &[u8], offset: usize) -> Result<u64, CheckError> {
    let mut reader = BinaryReader::new_features(section, offset, FEATURES);
    let types = reader.read_var_u32().map_err(malformed)?;
    let mut total = 0;
    for _ in 0..types {
        total += count_one(&mut reader)?;
    }
    Ok(total)
}

fn count_one(reader: &mut BinaryReader<'_>) -> Result<u64, CheckError> {
    let mut total = 1;
    // Declarations that are still to come, at each level.
    let mut open = Vec::new();
    open.extend(enter(reader).map_err(malformed)?);
    while let Some(left) = open.last_mut() {
        let Some(fewer) = left.checked_sub(1) else {
            open.pop();
            continue;
        };
        *left = fewer;
        total += 1;
        let nested = declaration(reader).map_err(malformed)?;
        open.extend(nested);
        at_most("types within each other", open.len() as u64, TYPE_NESTING_MAX as u64)?;
    }
    Ok(total)
}

/// Steps into a type that has declarations, and says how many, or over one that has none.
fn enter(reader: &mut BinaryReader<'_>) -> Result<Option<u32>, BinaryReaderError> {
    let mut ahead = reader.clone();
    if matches!(ahead.read_u8()?, COMPONENT_TYPE | INSTANCE_TYPE) {
        *reader = ahead;
        return reader.read_var_u32().map(Some);
    }
    reader.read::<ComponentType<'_>>()?;
    Ok(None)
}

fn declaration(reader: &mut BinaryReader<'_>) -> Result<Option<u32>, BinaryReaderError> {
    match reader.read_u8()? {
        DECLARATION_CORE_TYPE => drop(reader.read::<CoreType<'_>>()?),
        DECLARATION_TYPE => return enter(reader),
        DECLARATION_ALIAS => {
            reader.read::<ComponentAlias<'_>>()?;
        }
        DECLARATION_IMPORT => drop(reader.read::<ComponentImport<'_>>()?),
        DECLARATION_EXPORT => {
            reader.read::<ComponentExternName<'_>>()?;
            reader.read::<ComponentTypeRef>()?;
        }
        // Let the parser say it in its own words: it stops at the same byte.
        _ => drop(reader.read_bytes(reader.bytes_remaining() + 1)?),
    }
    Ok(None)
}
