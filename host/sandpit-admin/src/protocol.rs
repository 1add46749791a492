//! What is answered, and what goes over the socket: a line of JSON for each request, and one for
//! each answer. Every length has a bound.
//!
//! ```text
//! > {"version":1,"command":{"swap":{"plugin":"ema","component":"/srv/ema.wasm"}}}
//! < {"version":1,"answer":{"done":{"message":"…","plugin":null}}}
//! < {"version":1,"refusal":{"code":"unknown-plugin","reason":null,"message":"…","help":"…"}}
//! ```

use serde::{Deserialize, Serialize};

use crate::{
    Command, ListView, OrderView, OverviewView, PluginView, PnlView, PositionView, RiskView,
    StatusView,
};

/// Version of the protocol. Another one is refused, with both said.
pub const VERSION: u32 = 1;
/// Bytes of a request, the end of its line not counted.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer, the end of its line not counted.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a session says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done {
        /// What, in a sentence.
        message: String,
        /// The plugin afterwards.
        plugin: Option<Box<PluginView>>,
    },
    /// All plugins.
    List(Box<ListView>),
    /// One plugin.
    Plugin(Box<PluginView>),
    /// The session.
    Status(Box<StatusView>),
    /// All that is seen at a glance.
    Overview(Box<OverviewView>),
    /// Open orders, oldest first.
    Orders(Vec<OrderView>),
    /// Positions that are not flat.
    Positions(Vec<PositionView>),
    /// How the account and its plugins stand.
    Pnl(Box<PnlView>),
    /// What is let through, and why not.
    Risk(Box<RiskView>),
}

impl Answer {
    /// A sentence about what was done.
    #[must_use]
    pub fn done(message: impl Into<String>) -> Self {
        Self::Done { message: message.into(), plugin: None }
    }

    /// The same, with the plugin as it is now.
    #[must_use]
    pub fn done_with(message: impl Into<String>, plugin: PluginView) -> Self {
        Self::Done { message: message.into(), plugin: Some(Box::new(plugin)) }
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The kind.
    pub code: RefusalCode,
    /// The stable name of the reason behind it, where there is one: the code of a component's
    /// refusal, or of a fault.
    pub reason: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Refusal {
    /// One without advice.
    #[must_use]
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, reason: None, message: message.into(), help: None }
    }

    /// With the stable name of the reason behind it.
    #[must_use]
    pub fn reason(mut self, reason: Option<impl Into<String>>) -> Self {
        self.reason = reason.map(Into::into);
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What everybody is told once the session is over.
    #[must_use]
    pub fn ending() -> Self {
        Self::new(RefusalCode::Ending, "the host is ending")
            .help("nothing says whether it was done: look at the journal, or at the next session")
    }
}

/// Kinds of refusal. Documented in docs/operators/plugins.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The request is not one of this protocol.
    Malformed,
    /// The caller speaks another version.
    OtherVersion,
    /// The request or the answer is too large.
    TooLarge,
    /// Somebody else's, by the kernel's word.
    NotAllowed,
    /// Too many ask at once.
    Busy,
    /// The session is over.
    Ending,
    /// No plugin is called so.
    UnknownPlugin,
    /// The plugin is not in a state in which this can be done.
    NotNow,
    /// The component is not let in: `reason` is the loader's code.
    ComponentRefused,
    /// The component was at fault at its start: `reason` is the fault's code.
    StartFault,
    /// A parameter is unknown, or its value is not taken.
    BadParameter,
    /// A limit over all plugins would be passed.
    AboveTotal,
    /// The machine or the disk does not do it.
    Failed,
}

impl RefusalCode {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::OtherVersion,
        Self::TooLarge,
        Self::NotAllowed,
        Self::Busy,
        Self::Ending,
        Self::UnknownPlugin,
        Self::NotNow,
        Self::ComponentRefused,
        Self::StartFault,
        Self::BadParameter,
        Self::AboveTotal,
        Self::Failed,
    ];

    /// Stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::OtherVersion => "other-version",
            Self::TooLarge => "too-large",
            Self::NotAllowed => "not-allowed",
            Self::Busy => "busy",
            Self::Ending => "ending",
            Self::UnknownPlugin => "unknown-plugin",
            Self::NotNow => "not-now",
            Self::ComponentRefused => "component-refused",
            Self::StartFault => "start-fault",
            Self::BadParameter => "bad-parameter",
            Self::AboveTotal => "above-total",
            Self::Failed => "failed",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Malformed => "The request is not one of this protocol, or not within its bounds.",
            Self::OtherVersion => "The caller is another version of `sandpit` than the session.",
            Self::TooLarge => "The request or its answer has too many bytes.",
            Self::NotAllowed => "The caller is neither the session's user nor root.",
            Self::Busy => "Too many ask at once. Ask again.",
            Self::Ending => "The session is over, or is coming to its end.",
            Self::UnknownPlugin => "No plugin of the session is called so.",
            Self::NotNow => "The plugin is in a state in which this cannot be done.",
            Self::ComponentRefused => {
                "The component is not let in; `reason` is one of the codes of refusals."
            }
            Self::StartFault => {
                "The component was at fault at its start; `reason` is the fault's code."
            }
            Self::BadParameter => "The strategy has no such parameter, or does not take its value.",
            Self::AboveTotal => "A limit over all plugins together would be passed.",
            Self::Failed => "The machine or the disk does not do it.",
        }
    }
}

/// How an answer or a refusal goes to the caller.
pub(crate) type Outcome = Result<Answer, Refusal>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<C> {
    version: u32,
    command: C,
}

/// All that is read of what another version says.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Not closed: a later release of the same version may say more.
#[derive(Default, Serialize, Deserialize)]
struct Response {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// A request as a line, its end included.
pub(crate) fn write_request(command: &Command) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(&Request { version: VERSION, command })?;
    line.push(b'\n');
    Ok(line)
}

/// Reads a request from a line without its end.
pub(crate) fn read_request(line: &[u8]) -> Result<Command, Refusal> {
    let malformed = |error: serde_json::Error| {
        // The text of the error can quote what was sent, which has a bound.
        Refusal::new(RefusalCode::Malformed, format!("this is no request: {error}"))
            .help("a request is one line of JSON: {\"version\":1,\"command\":\"list\"}")
    };
    let Versioned { version } = serde_json::from_slice(line).map_err(malformed)?;
    if version != VERSION {
        let message = format!("version {version} of the protocol is not known, {VERSION} is");
        return Err(Refusal::new(RefusalCode::OtherVersion, message)
            .help("use the same `sandpit` as the session"));
    }
    let Request { command, .. } =
        serde_json::from_slice::<Request<Command>>(line).map_err(malformed)?;
    command.check()?;
    Ok(command)
}

/// An answer as a line, its end included. What is too large is a refusal.
pub(crate) fn write_response(outcome: Outcome) -> Vec<u8> {
    let line = |outcome: Outcome| {
        let mut response = Response { version: VERSION, ..Response::default() };
        match outcome {
            Ok(answer) => response.answer = Some(answer),
            Err(refusal) => response.refusal = Some(refusal),
        }
        serde_json::to_vec(&response)
    };
    let refusal = match line(outcome) {
        Ok(mut line) if line.len() <= ANSWER_BYTES_MAX => {
            line.push(b'\n');
            return line;
        }
        Ok(line) => Refusal::new(
            RefusalCode::TooLarge,
            format!("the answer has {} bytes, more than {ANSWER_BYTES_MAX}", line.len()),
        )
        .help("ask for one plugin"),
        Err(error) => Refusal::new(RefusalCode::Failed, format!("the answer: {error}")),
    };
    let mut line = line(Err(refusal)).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Reads an answer from a line without its end.
pub(crate) fn read_response(line: &[u8]) -> Result<Outcome, String> {
    let garbled = |error: serde_json::Error| error.to_string();
    let Versioned { version } = serde_json::from_slice(line).map_err(garbled)?;
    if version != VERSION {
        return Err(format!("the session speaks version {version}, this program {VERSION}"));
    }
    let Response { answer, refusal, .. } = serde_json::from_slice(line).map_err(garbled)?;
    match (answer, refusal) {
        (Some(answer), None) => Ok(Ok(answer)),
        (None, Some(refusal)) => Ok(Err(refusal)),
        _ => Err("there is neither an answer nor a refusal in it".to_owned()),
    }
}
