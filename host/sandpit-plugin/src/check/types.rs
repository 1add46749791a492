//! Whether a component is valid with what we allow of WebAssembly, and whether what it imports and
//! exports has exactly the types of the contract.

use semver::Version;
use wasmparser::{Validator, WasmFeatures};
use wit_parser::{Resolve, UnresolvedPackageGroup};

use super::{
    CheckError,
    error::{REASON_BYTES_MAX, malformed},
};
use crate::text::escaped;

/// The contract as it is written.
const CONTRACT: &str = include_str!("../../../../wit/strategy.wit");
const WORLD: &str = "strategy";

/// What a component may use of WebAssembly: what compilers emit by default and nothing that adds
/// threads, non-determinism, or code in the host that has seen little use. The engine is configured
/// with the same set.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);

/// Valid WebAssembly, with [`FEATURES`].
pub(super) fn check_well_formed(bytes: &[u8]) -> Result<(), CheckError> {
    Validator::new_with_features(FEATURES).validate_all(bytes).map(drop).map_err(malformed)
}

/// Fits the contract's world, in the patch version that it says.
pub(super) fn check_types(bytes: &[u8], version: &Version) -> Result<(), CheckError> {
    let differ = |reason: &str| CheckError::TypesDiffer {
        contract: version.to_string(),
        reason: escaped(reason, REASON_BYTES_MAX),
    };
    let group = UnresolvedPackageGroup::parse("strategy.wit", CONTRACT)
        .map_err(|(_, error)| differ(&error.to_string()))?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| differ(&error.to_string()))?;
    // Names carry the version, and within a minor version all patches have the same types.
    resolve.packages[package].name.version = Some(version.clone());
    let world = resolve
        .select_world(&[package], Some(WORLD))
        .map_err(|error| differ(&error.to_string()))?;
    wit_component::targets(&resolve, world, bytes)
        .map_err(|error| differ(error.root_cause().to_string().lines().next().unwrap_or_default()))
}
