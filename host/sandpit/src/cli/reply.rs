//! What a command answers: one text for people and one JSON document for programs, of which one is
//! printed; and how it ends.

use std::{borrow::Cow, fmt};

use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode};
use serde_json::{Value, json};

use crate::config::ConfigError;

/// How the process ends. Documented in docs/operators/exit-codes.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Config = 3,
    Data = 4,
    PluginRefused = 5,
    Differs = 6,
    Journal = 7,
    NoSession = 8,
    SecretsFound = 9,
    Interrupted = 130,
}

impl Exit {
    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    /// Stable name, for programs.
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Data => "data",
            Self::PluginRefused => "plugin-refused",
            Self::Differs => "verification-differs",
            Self::Journal => "journal",
            Self::NoSession => "no-session",
            Self::SecretsFound => "secrets-found",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The answer of a command that did its work.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) exit: Exit,
}

impl Reply {
    pub(super) const fn new(text: String, json: Value) -> Self {
        Self { text, json, exit: Exit::Done }
    }

    pub(super) const fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// A command that could not do its work: what happened, to what, and what to do next.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    message: String,
    code: Option<Cow<'static, str>>,
    help: Option<String>,
    cause: Option<Cause>,
    snippet: Option<Box<Snippet>>,
}

/// The place in a file that is to blame.
#[derive(Debug)]
struct Snippet {
    source: NamedSource<String>,
    label: LabeledSpan,
}

/// A chain of causes as text, so that errors of every room fit.
#[derive(Debug)]
struct Cause {
    message: String,
    next: Option<Box<Self>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

impl Cause {
    fn of(error: Option<&(dyn std::error::Error + 'static)>) -> Option<Self> {
        error.map(|error| Self {
            message: error.to_string(),
            next: Self::of(error.source()).map(Box::new),
        })
    }
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message, code: None, help: None, cause: None, snippet: None }
    }

    /// From an error of a room, with its causes.
    pub(super) fn from_error(exit: Exit, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { cause: Cause::of(error.source()), ..Self::new(exit, error.to_string()) }
    }

    /// With the stable name of the reason, where it has one.
    pub(super) fn code(mut self, code: Option<impl Into<Cow<'static, str>>>) -> Self {
        self.code = code.map(Into::into);
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn to_json(&self) -> Value {
        let mut causes = Vec::new();
        let mut cause = self.cause.as_ref();
        while let Some(current) = cause {
            causes.push(current.message.clone());
            cause = current.next.as_deref();
        }
        let mut error = json!({
            "kind": self.exit.name(),
            "exit": self.exit.code(),
            "code": self.code,
            "message": self.message,
            "causes": causes,
            "help": self.help,
        });
        if let Some(Snippet { source, label }) = self.snippet.as_deref() {
            let text = source.inner();
            let line = text[..label.offset().min(text.len())].matches('\n').count() + 1;
            error["place"] = json!({ "file": source.name(), "line": line });
        }
        json!({ "error": error })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for Failure {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as _)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|snippet| &snippet.source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.snippet.as_ref()?.label.clone();
        Some(Box::new(std::iter::once(label)))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let mut failure = Self::new(Exit::Config, error.message);
        failure.help = error.help;
        if let Some(place) = error.place {
            let name = place.file.display().to_string();
            failure.snippet = Some(Box::new(Snippet {
                source: NamedSource::new(name, place.text.to_string()),
                label: LabeledSpan::new_with_span(Some("here".to_owned()), place.span),
            }));
        }
        failure
    }
}
