//! What a component imports and exports, by name, against the allow-list. Only the outermost level
//! matters: what is nested gets nothing but what that level passes on.

use semver::Version;
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Parser, Payload};

use super::{CheckError, error::malformed};
use crate::text::escaped;

/// The contract's package.
const PACKAGE: &str = "sandpit:strategy/";
/// The only interface with a function that may be imported.
pub(crate) const LOGGING: &str = "sandpit:strategy/logging@0.1.0";
/// Types that the handlers use; has no functions.
pub(crate) const TYPES: &str = "sandpit:strategy/types@0.1.0";
/// Interfaces that may be imported.
const IMPORTABLE: [&str; 2] = ["logging", "types"];
/// The interface that must be exported.
const HANDLERS: &str = "handlers";
/// What is served, for people.
const SERVED: &str = "0.1";
/// Bytes of a name that are shown.
const NAME_BYTES_MAX: usize = 128;
/// Exports that are named where none is the right one.
const EXPORTS_SHOWN_MAX: usize = 4;

/// An import or export of the outermost component.
pub(super) struct Named {
    pub(super) name: String,
    is_instance: bool,
}

/// All of them.
pub(super) struct Names {
    pub(super) imports: Vec<Named>,
    pub(super) exports: Vec<Named>,
}

/// Reads the names of a component that is valid.
pub(super) fn read_names(bytes: &[u8]) -> Result<Names, CheckError> {
    let mut names = Names { imports: Vec::new(), exports: Vec::new() };
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(malformed)?;
                    names.imports.push(Named {
                        name: escaped(import.name.name, NAME_BYTES_MAX),
                        is_instance: matches!(import.ty, ComponentTypeRef::Instance(_)),
                    });
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export.map_err(malformed)?;
                    names.exports.push(Named {
                        name: escaped(export.name.name, NAME_BYTES_MAX),
                        is_instance: export.kind == ComponentExternalKind::Instance,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Interface and version of a name of the contract's package.
fn of_contract(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    Some((interface, Version::parse(version).ok()?))
}

fn is_served(version: &Version) -> bool {
    version.major == 0 && version.minor == 1 && version.pre.is_empty() && version.build.is_empty()
}

fn check_version(name: &str, version: &Version) -> Result<(), CheckError> {
    if is_served(version) {
        return Ok(());
    }
    Err(CheckError::UnsupportedVersion {
        name: name.to_owned(),
        found: version.to_string(),
        served: SERVED,
    })
}

/// Every import is one of the allow-list.
pub(super) fn check_imports(names: &Names) -> Result<(), CheckError> {
    for import in &names.imports {
        let foreign = || CheckError::ForeignImport { name: import.name.clone() };
        let (interface, version) = of_contract(&import.name).ok_or_else(foreign)?;
        if !import.is_instance || !IMPORTABLE.contains(&interface) {
            return Err(foreign());
        }
        check_version(&import.name, &version)?;
    }
    Ok(())
}

/// The handlers are exported, in a version that is served; says which.
pub(super) fn check_exports(names: &Names) -> Result<Version, CheckError> {
    let handlers = names.exports.iter().filter(|export| export.is_instance).find_map(|export| {
        let (interface, version) = of_contract(&export.name)?;
        (interface == HANDLERS).then_some((export, version))
    });
    let Some((export, version)) = handlers else {
        return Err(CheckError::NotAStrategy { exports: list(&names.exports) });
    };
    check_version(&export.name, &version)?;
    for import in &names.imports {
        match of_contract(&import.name) {
            Some((_, other)) if other != version => {
                return Err(CheckError::MixedVersions {
                    first: version.to_string(),
                    second: other.to_string(),
                });
            }
            _ => {}
        }
    }
    Ok(version)
}

fn list(exports: &[Named]) -> String {
    if exports.is_empty() {
        return "nothing".to_owned();
    }
    let mut shown: Vec<_> =
        exports.iter().take(EXPORTS_SHOWN_MAX).map(|export| format!("`{}`", export.name)).collect();
    if exports.len() > EXPORTS_SHOWN_MAX {
        shown.push(format!("{} more", exports.len() - EXPORTS_SHOWN_MAX));
    }
    shown.join(", ")
}
