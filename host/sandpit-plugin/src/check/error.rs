//! One clear line for each reason to refuse a file: what it is, and what to do.

use super::counts::CountError;
use crate::{limits::COMPONENT_BYTES_MAX, text::escaped};

/// Bytes of the parser's words in an error.
pub(super) const REASON_BYTES_MAX: usize = 256;

/// Why a file is not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// No bytes.
    #[error("the file is empty: build the strategy again")]
    Empty,
    /// Too many bytes.
    #[error(
        "the component has {size} bytes, {COMPONENT_BYTES_MAX} are allowed: build it in release mode and strip its debug information"
    )]
    TooLarge {
        /// How many.
        size: usize,
    },
    /// Ends within its first eight bytes.
    #[error("the file ends within the WebAssembly header: it is truncated, copy or build it again")]
    TruncatedHeader,
    /// What compilers make before it is encoded.
    #[error(
        "the file is a core module, not a component: build it with `sandpit plugin build`, which encodes it"
    )]
    CoreModule,
    /// Native code, as `wasmtime compile` makes.
    #[error(
        "the file is native code (a precompiled `.cwasm` or a program), which is never loaded: give the component that it was made from"
    )]
    Native,
    /// Text of WebAssembly, or any other.
    #[error("the file is text: components are loaded in binary form only")]
    Text,
    /// A header of another version.
    #[error(
        "the file is WebAssembly of an unknown binary version ({layer}.{version}): build it with the tools of this SDK"
    )]
    UnknownBinaryVersion {
        /// Second half of the header's last word.
        layer: u16,
        /// First half of it.
        version: u16,
    },
    /// Anything else.
    #[error("the file is no WebAssembly: give a component built with `sandpit plugin build`")]
    NotWasm,
    /// More of something than is allowed.
    #[error("the component {0}")]
    Count(#[from] CountError),
    /// Not valid, with the proposals that are allowed here.
    #[error(
        "the component is not valid at byte {offset}: {reason}; it is damaged, or uses a WebAssembly proposal that is not allowed here"
    )]
    Malformed {
        /// Where.
        offset: usize,
        /// In the validator's words.
        reason: String,
    },
    /// It wants something that no strategy gets.
    #[error(
        "the component imports `{name}`, which is outside the contract: a strategy may import `sandpit:strategy/logging` and nothing else, so build it for a target without a system interface (wasm32-unknown-unknown)"
    )]
    ForeignImport {
        /// What.
        name: String,
    },
    /// The contract, but not a version that is served.
    #[error(
        "the component was built for version {found} of the contract (`{name}`), this host serves {served}: build it with an SDK of that version, or use another release of the host"
    )]
    UnsupportedVersion {
        /// Which import or export.
        name: String,
        /// Its version.
        found: String,
        /// What is served.
        served: &'static str,
    },
    /// Parts of several versions.
    #[error(
        "the component mixes versions {first} and {second} of the contract: build it with one SDK"
    )]
    MixedVersions {
        /// One of them.
        first: String,
        /// Another.
        second: String,
    },
    /// A component of another world.
    #[error(
        "the component is no strategy: it does not export `sandpit:strategy/handlers`, but {exports}"
    )]
    NotAStrategy {
        /// What it does export.
        exports: String,
    },
    /// The right names with other types.
    #[error(
        "the component's imports or exports differ from version {contract} of the contract: {reason}"
    )]
    TypesDiffer {
        /// The version that it says it was built for.
        contract: String,
        /// Where.
        reason: String,
    },
}

/// What the parser found, in its words.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(super) fn malformed(error: wasmparser::BinaryReaderError) -> CheckError {
    CheckError::Malformed {
        offset: error.offset(),
        reason: escaped(error.message(), REASON_BYTES_MAX),
    }
}
