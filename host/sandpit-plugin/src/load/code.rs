//! The closed set of reasons to refuse a component, with their stable names. docs/operators/
//! plugins.md has the table that is made of them here, and a test that compares.

/// Why a component is not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`meaning` says it, for people and the table alike")]
pub enum RefusalCode {
    Unreadable,
    NotAFile,
    Empty,
    TooLarge,
    AnyInLive,
    NotPinned,
    NotSigned,
    UnreadableSignature,
    UnknownKey,
    WrongSignature,
    Truncated,
    CoreModule,
    NativeCode,
    Text,
    UnknownBinaryVersion,
    NotWasm,
    TooMany,
    Malformed,
    ForeignImport,
    UnsupportedContract,
    MixedContracts,
    NotAStrategy,
    TypesDiffer,
    CompileRefused,
    CompileWallTime,
    CompileCpuTime,
    CompileMemory,
    CompileTooLarge,
    CompileCrashed,
    CompileGarbage,
    CompileOtherBuild,
    CompileStart,
    Link,
}

impl RefusalCode {
    /// All of them, in the order of the steps.
    pub const ALL: [Self; 33] = [
        Self::Unreadable,
        Self::NotAFile,
        Self::Empty,
        Self::TooLarge,
        Self::AnyInLive,
        Self::NotPinned,
        Self::NotSigned,
        Self::UnreadableSignature,
        Self::UnknownKey,
        Self::WrongSignature,
        Self::Truncated,
        Self::CoreModule,
        Self::NativeCode,
        Self::Text,
        Self::UnknownBinaryVersion,
        Self::NotWasm,
        Self::TooMany,
        Self::Malformed,
        Self::ForeignImport,
        Self::UnsupportedContract,
        Self::MixedContracts,
        Self::NotAStrategy,
        Self::TypesDiffer,
        Self::CompileRefused,
        Self::CompileWallTime,
        Self::CompileCpuTime,
        Self::CompileMemory,
        Self::CompileTooLarge,
        Self::CompileCrashed,
        Self::CompileGarbage,
        Self::CompileOtherBuild,
        Self::CompileStart,
        Self::Link,
    ];

    /// Its name, which never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.told().0
    }

    /// What it means.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.told().1
    }

    const fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("unreadable", "The file cannot be read."),
            Self::NotAFile => ("not-a-file", "It is a folder, a pipe or a device."),
            Self::Empty => ("empty", "It has no bytes."),
            Self::TooLarge => ("too-large", "It has more than 64 MiB."),
            Self::AnyInLive => ("any-in-live", "A live session was to run whatever it is given."),
            Self::NotPinned => ("not-pinned", "The policy asks for its hash, which is not pinned."),
            Self::NotSigned => {
                ("not-signed", "The policy asks for a signature, and there is none beside it.")
            }
            Self::UnreadableSignature => {
                ("unreadable-signature", "What is beside it is no signature that is taken.")
            }
            Self::UnknownKey => {
                ("unknown-key", "It is signed with a key that is not in the trust list.")
            }
            Self::WrongSignature => (
                "wrong-signature",
                "It, or its signature's comment, was changed after it was signed, or the signature is another file's.",
            ),
            Self::Truncated => ("truncated", "It ends within its first eight bytes."),
            Self::CoreModule => {
                ("core-module", "It is a core module, which was not encoded as a component.")
            }
            Self::NativeCode => {
                ("native-code", "It is machine code, such as a `.cwasm`, whatever it is called.")
            }
            Self::Text => ("text", "It is text. Only the binary format is read."),
            Self::UnknownBinaryVersion => {
                ("unknown-binary-version", "It is WebAssembly of another binary version.")
            }
            Self::NotWasm => ("not-wasm", "It is something else."),
            Self::TooMany => (
                "too-many",
                "It has more functions, types, exports, segments, levels, ... than are allowed.",
            ),
            Self::Malformed => {
                ("malformed", "It is damaged, or uses a proposal that is not allowed here.")
            }
            Self::ForeignImport => {
                ("foreign-import", "It imports something other than the contract's `logging`.")
            }
            Self::UnsupportedContract => (
                "unsupported-contract",
                "It was built for a version that this host does not serve.",
            ),
            Self::MixedContracts => ("mixed-contracts", "It mixes two versions of the contract."),
            Self::NotAStrategy => ("not-a-strategy", "It does not export the contract's handlers."),
            Self::TypesDiffer => ("types-differ", "It has the right names with other types."),
            Self::CompileRefused => ("compile-refused", "The compiler does not take it."),
            Self::CompileWallTime => {
                ("compile-wall-time", "Compiling took too long by the clock and was ended.")
            }
            Self::CompileCpuTime => {
                ("compile-cpu-time", "Compiling took too much processor time and was ended.")
            }
            Self::CompileMemory => ("compile-memory", "Compiling needs too much memory."),
            Self::CompileTooLarge => ("compile-too-large", "Its machine code is too large."),
            Self::CompileCrashed => {
                ("compile-crashed", "The compiler's process ended without an answer.")
            }
            Self::CompileGarbage => {
                ("compile-garbage", "The compiler's answer is not whole; nothing of it was used.")
            }
            Self::CompileOtherBuild => {
                ("compile-other-build", "`sandpit` was replaced while it ran: restart it.")
            }
            Self::CompileStart => ("compile-start", "The compiler's process cannot be started."),
            Self::Link => ("link", "Its machine code does not fit this host after all."),
        }
    }

    /// All of them as a table in Markdown.
    #[must_use]
    pub fn table() -> String {
        let rows =
            Self::ALL.iter().map(|code| format!("| `{}` | {} |\n", code.name(), code.meaning()));
        format!("| code | meaning |\n|---|---|\n{}", rows.collect::<String>())
    }
}
