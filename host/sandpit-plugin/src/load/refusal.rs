//! Why a component is not loaded, in one type.

use super::{ReadError, RefusalCode};
use crate::{check::CheckError, compile::CompileFailure, engine::CompileError, trust::TrustError};

/// Why a component is not loaded. [`Refusal::code`] is stable and for programs; the text is for
/// people.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Its file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not trusted enough.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// It did not pass the checks.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// It was not compiled.
    #[error(transparent)]
    Compile(#[from] CompileFailure),
    /// Its machine code does not fit this host.
    #[error(transparent)]
    Link(CompileError),
}

impl Refusal {
    /// The reason as one of a closed set.
    #[must_use]
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Read(error) => read(error),
            Self::Trust(error) => trust(error),
            Self::Check(error) => check(error),
            Self::Compile(error) => compile(error),
            Self::Link(_) => RefusalCode::Link,
        }
    }
}

const fn read(error: &ReadError) -> RefusalCode {
    match error {
        ReadError::Io { .. } => RefusalCode::Unreadable,
        ReadError::NotAFile(_) => RefusalCode::NotAFile,
    }
}

const fn trust(error: &TrustError) -> RefusalCode {
    match error {
        TrustError::NotPinned { .. } => RefusalCode::NotPinned,
        TrustError::NotSigned => RefusalCode::NotSigned,
        TrustError::UnreadableSignature { .. } => RefusalCode::UnreadableSignature,
        TrustError::UnknownKey { .. } => RefusalCode::UnknownKey,
        TrustError::WrongSignature { .. } => RefusalCode::WrongSignature,
        TrustError::AnyInLive => RefusalCode::AnyInLive,
    }
}

const fn check(error: &CheckError) -> RefusalCode {
    match error {
        CheckError::Empty => RefusalCode::Empty,
        CheckError::TooLarge { .. } => RefusalCode::TooLarge,
        CheckError::TruncatedHeader => RefusalCode::Truncated,
        CheckError::CoreModule => RefusalCode::CoreModule,
        CheckError::Native => RefusalCode::NativeCode,
        CheckError::Text => RefusalCode::Text,
        CheckError::UnknownBinaryVersion { .. } => RefusalCode::UnknownBinaryVersion,
        CheckError::NotWasm => RefusalCode::NotWasm,
        CheckError::Count(_) => RefusalCode::TooMany,
        CheckError::Malformed { .. } => RefusalCode::Malformed,
        CheckError::ForeignImport { .. } => RefusalCode::ForeignImport,
        CheckError::UnsupportedVersion { .. } => RefusalCode::UnsupportedContract,
        CheckError::MixedVersions { .. } => RefusalCode::MixedContracts,
        CheckError::NotAStrategy { .. } => RefusalCode::NotAStrategy,
        CheckError::TypesDiffer { .. } => RefusalCode::TypesDiffer,
    }
}

const fn compile(error: &CompileFailure) -> RefusalCode {
    match error {
        CompileFailure::Refused(_) => RefusalCode::CompileRefused,
        CompileFailure::WallTime(_) => RefusalCode::CompileWallTime,
        CompileFailure::CpuTime(_) => RefusalCode::CompileCpuTime,
        CompileFailure::Memory(_) => RefusalCode::CompileMemory,
        CompileFailure::TooLarge(_) => RefusalCode::CompileTooLarge,
        CompileFailure::Crashed { .. } => RefusalCode::CompileCrashed,
        CompileFailure::Garbage(_) => RefusalCode::CompileGarbage,
        CompileFailure::OtherBuild => RefusalCode::CompileOtherBuild,
        CompileFailure::Start(_) | CompileFailure::Pipe(_) => RefusalCode::CompileStart,
    }
}
