//! Records of a call log as bytes, and back with every length and tag checked.

use sandpit_core::{
    ids::InstrumentId,
    instrument::Instrument,
    intent::Intent,
    plugin::{CallCost, Fault, PluginEvent},
    time::UnixNanos,
};
use sha2::{Digest as _, Sha256};

use crate::{
    describe::Argument,
    limits::Limits,
    port::{Ask, Reply, Runner},
    runner::wire::{
        HEADER_BYTES, Header, REQUEST_BYTES_MAX, Reader, Request, WireError, Writer, put_call,
        put_intent, put_start, read_request,
    },
    session::{Session, StopReason},
    text::escaped,
};

/// The version of records. What is in a request has the wire's own.
const VERSION: u8 = 1;
/// Bytes of a fault's name.
const CODE_BYTES_MAX: usize = 64;
/// Bytes of a strategy's reason to keep its parameters.
const REASON_BYTES_MAX: usize = 4 * 1_024;

/// Requests of a log have no number: their place is one.
const SEQUENCE: u32 = 0;

const BEGIN: u8 = 1;
const CALL: u8 = 2;
pub(super) const UNTAKEN: u8 = 3;
pub(super) const GAP: u8 = 4;

/// A record that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record of the call log holds {0}")]
pub struct CallRecordError(String);

impl From<WireError> for CallRecordError {
    fn from(error: WireError) -> Self {
        Self(error.to_string())
    }
}

/// What an instance is, as far as its answers depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The run of the host.
    pub run: u64,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// What it may use. Deadlines are not kept: what they decide cannot be done again.
    pub limits: Limits,
}

/// What was asked, owned.
#[derive(Clone, Debug)]
pub enum RecordedAsk {
    /// To begin a session.
    Start {
        /// The session's instruments.
        instruments: Vec<(InstrumentId, Instrument)>,
        /// All else of it; its instruments are empty.
        session: Box<Session<'static>>,
    },
    /// To take note of an event.
    Event(PluginEvent),
    /// To use new parameters.
    Parameters {
        /// All of them.
        arguments: Vec<Argument>,
        /// Then.
        time: UnixNanos,
    },
    /// For its state.
    Save,
    /// To end the session.
    Stop(StopReason),
}

impl RecordedAsk {
    /// Asks it of a runner and waits.
    ///
    /// # Errors
    /// The runner is at fault.
    pub fn put_to(
        &self,
        runner: &mut impl Runner,
        intents: &mut Vec<Intent>,
    ) -> Result<Reply, Fault> {
        match self {
            Self::Start { instruments, session } => {
                let refs = instruments.iter().map(|(id, it)| (*id, it));
                let session = Session { instruments: refs.collect(), ..(**session).clone() };
                runner.begin(&Ask::Start(&session))?;
            }
            Self::Event(event) => runner.begin(&Ask::Event(event))?,
            Self::Parameters { arguments, time } => {
                runner.begin(&Ask::Parameters { arguments, time: *time })?;
            }
            Self::Save => runner.begin(&Ask::Save)?,
            Self::Stop(reason) => runner.begin(&Ask::Stop(*reason))?,
        }
        runner.wait(intents)
    }

    /// The time that it carries; `None` for what has none.
    #[must_use]
    pub fn time(&self) -> Option<UnixNanos> {
        match self {
            Self::Start { session, .. } => Some(session.time),
            Self::Event(event) => Some(match event {
                PluginEvent::Market { event, .. } => event.time,
                PluginEvent::Depth(view) => view.time,
                PluginEvent::Order(update) => update.time,
                PluginEvent::Position(view) => view.time,
                PluginEvent::Budget(view) => view.time,
                PluginEvent::Timer { time, .. } | PluginEvent::TradingState { time, .. } => *time,
            }),
            Self::Parameters { time, .. } => Some(*time),
            Self::Save | Self::Stop(_) => None,
        }
    }
}

/// As much of an answer as shows another one to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It was through with it.
    Done {
        /// Fuel that it used.
        fuel: u64,
        /// Intents that it handed over.
        intents: u32,
        /// SHA-256 over them; zeros where there are none.
        digest: [u8; 32],
    },
    /// It handed over its state.
    Saved {
        /// Bytes of it.
        bytes: u64,
        /// SHA-256 over it.
        digest: [u8; 32],
    },
    /// It kept its old parameters, for this reason.
    Refused(String),
    /// It was at fault: the fault's stable name.
    Fault(String),
}

impl Answered {
    /// What would have been written of this answer.
    #[must_use]
    pub fn of(answer: &Result<Reply, Fault>, intents: &[Intent]) -> Self {
        match answer {
            Ok(Reply::Done(CallCost { fuel })) => Self::Done {
                fuel: *fuel,
                intents: u32::try_from(intents.len()).unwrap_or(u32::MAX),
                digest: digest_of(intents),
            },
            Ok(Reply::Saved(state)) => {
                Self::Saved { bytes: state.len() as u64, digest: Sha256::digest(state).into() }
            }
            Ok(Reply::Refused(reason)) => Self::Refused(reason.clone()),
            Err(fault) => Self::Fault(fault.code.name().to_owned()),
        }
    }
}

/// SHA-256 over intents as a runner would send them; zeros for none.
#[must_use]
pub fn digest_of(intents: &[Intent]) -> [u8; 32] {
    digest_with(&mut Writer::default(), intents)
}

fn digest_with(scratch: &mut Writer, intents: &[Intent]) -> [u8; 32] {
    if intents.is_empty() {
        return [0; 32];
    }
    scratch.clear();
    for intent in intents {
        put_intent(scratch, intent);
    }
    Sha256::digest(scratch.bytes()).into()
}

/// A record.
#[derive(Clone, Debug)]
pub enum CallRecord {
    /// A life begins; other records carry its number until the next one of that number begins.
    Begin {
        /// Its number.
        life: u32,
        /// What it is.
        what: Life,
    },
    /// Something was asked and answered.
    Call {
        /// Of which life.
        life: u32,
        /// What.
        ask: RecordedAsk,
        /// What came.
        answer: Answered,
    },
    /// The host dropped the intents of the last answer.
    Untaken {
        /// Of which life.
        life: u32,
    },
    /// What happened from here to the next call, the plugin was not told: it was paused.
    Gap {
        /// Which life.
        life: u32,
    },
}

impl CallRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// It is none, or one of another version.
    pub fn read(record: &[u8]) -> Result<Self, CallRecordError> {
        let from = &mut Reader::new(record);
        let (kind, life) = (from.u8()?, from.u32()?);
        let read = match kind {
            BEGIN => Self::Begin { life, what: read_life(from)? },
            CALL => Self::Call { life, ask: read_ask(from)?, answer: read_answer(from)? },
            UNTAKEN => Self::Untaken { life },
            GAP => Self::Gap { life },
            value => return Err(WireError::Tag { what: "a record", value }.into()),
        };
        from.end()?;
        Ok(read)
    }

    /// Writes it; for tools that make logs of logs.
    ///
    /// # Errors
    /// Something in it is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CallRecordError> {
        let (mut request, mut record) = (Writer::default(), Writer::default());
        match self {
            Self::Begin { life, what } => put_begin(&mut record, *life, what),
            Self::Untaken { life } => put_mark(&mut record, UNTAKEN, *life),
            Self::Gap { life } => put_mark(&mut record, GAP, *life),
            Self::Call { life, ask, answer } => {
                let told = match ask {
                    RecordedAsk::Start { instruments, session } => {
                        let refs = instruments.iter().map(|(id, it)| (*id, it)).collect();
                        let session = Session { instruments: refs, ..(**session).clone() };
                        put_ask(&mut request, &Ask::Start(&session))
                    }
                    RecordedAsk::Event(event) => put_ask(&mut request, &Ask::Event(event)),
                    RecordedAsk::Parameters { arguments, time } => {
                        put_ask(&mut request, &Ask::Parameters { arguments, time: *time })
                    }
                    RecordedAsk::Save => put_ask(&mut request, &Ask::Save),
                    RecordedAsk::Stop(reason) => put_ask(&mut request, &Ask::Stop(*reason)),
                };
                if !told? {
                    return Err(CallRecordError("an event of which no plugin is told".to_owned()));
                }
                record.u8(CALL);
                record.u32(*life);
                record.slice(request.bytes());
                put_answered(&mut record, answer);
            }
        }
        Ok(record.bytes().to_vec())
    }
}

pub(super) fn put_begin(out: &mut Writer, life: u32, what: &Life) {
    out.clear();
    out.u8(BEGIN);
    out.u32(life);
    out.u8(VERSION);
    out.u64(what.run);
    out.slice(&what.component);
    let limits = &what.limits;
    out.usize(limits.memory_bytes_max);
    out.usize(limits.table_elements_max);
    out.u64(limits.fuel_per_call_max);
    out.u64(limits.fuel_start_max);
    out.usize(limits.intents_per_call_max);
    out.u32(limits.intents_per_second_max);
    out.usize(limits.output_bytes_max);
    out.usize(limits.state_bytes_max);
    out.usize(limits.log_line_bytes_max);
    out.u64(limits.log_bytes_per_second_max);
}

fn read_life(from: &mut Reader<'_>) -> Result<Life, CallRecordError> {
    let version = from.u8()?;
    if version != VERSION {
        return Err(CallRecordError(format!(
            "version {version} of the log, {VERSION} is read here"
        )));
    }
    let run = from.u64()?;
    let component = from.slice("a hash", 32)?.try_into().map_err(|_| WireError::Truncated)?;
    let limits = Limits {
        memory_bytes_max: from.usize()?,
        table_elements_max: from.usize()?,
        fuel_per_call_max: from.u64()?,
        fuel_start_max: from.u64()?,
        intents_per_call_max: from.usize()?,
        intents_per_second_max: from.u32()?,
        output_bytes_max: from.usize()?,
        state_bytes_max: from.usize()?,
        log_line_bytes_max: from.usize()?,
        log_bytes_per_second_max: from.u64()?,
        ..Limits::default().reproducible()
    };
    Ok(Life { run, component, limits })
}

/// Writes a request; `false` where no plugin is told of such an event.
pub(super) fn put_ask(out: &mut Writer, ask: &Ask<'_>) -> Result<bool, WireError> {
    match ask {
        Ask::Event(event) => return put_call(out, SEQUENCE, event),
        Ask::Start(session) => put_start(out, SEQUENCE, session)?,
        Ask::Parameters { arguments, time } => {
            let arguments = arguments.to_vec();
            Request::Parameters { time: *time, arguments }.put(out, SEQUENCE)?;
        }
        Ask::Save => Request::Save.put(out, SEQUENCE)?,
        Ask::Stop(reason) => Request::Stop(*reason).put(out, SEQUENCE)?,
    }
    Ok(true)
}

fn read_ask(from: &mut Reader<'_>) -> Result<RecordedAsk, CallRecordError> {
    let frame = from.slice("a request", REQUEST_BYTES_MAX)?;
    let (head, body) = frame.split_first_chunk::<HEADER_BYTES>().ok_or(WireError::Truncated)?;
    let head = Header::read(head, body.len())?;
    if head.sequence != SEQUENCE {
        return Err(WireError::Reserved.into());
    }
    if head.length != body.len() {
        return Err(WireError::Trailing(body.len() - head.length).into());
    }
    Ok(match read_request(head, body)? {
        Request::Start(start) => {
            RecordedAsk::Start { instruments: start.instruments, session: Box::new(start.session) }
        }
        Request::Call(event) => RecordedAsk::Event(event),
        Request::Parameters { time, arguments } => RecordedAsk::Parameters { arguments, time },
        Request::Save => RecordedAsk::Save,
        Request::Stop(reason) => RecordedAsk::Stop(reason),
        // Setting a process up is no call.
        _ => return Err(CallRecordError("a request that no instance is asked".to_owned())),
    })
}

/// Writes a call whose request is in `request`. `scratch` is for what is hashed.
pub(super) fn put_answer(
    out: &mut Writer,
    scratch: &mut Writer,
    (life, request): (u32, &[u8]),
    answer: Result<&Reply, &Fault>,
    intents: &[Intent],
) {
    out.clear();
    out.u8(CALL);
    out.u32(life);
    out.slice(request);
    match answer {
        Ok(Reply::Done(CallCost { fuel })) => {
            let count = u32::try_from(intents.len()).unwrap_or(u32::MAX);
            put_done(out, *fuel, count, &digest_with(scratch, intents));
        }
        Ok(Reply::Saved(state)) => {
            put_saved(out, state.len() as u64, &Sha256::digest(state).into());
        }
        Ok(Reply::Refused(reason)) => put_text(out, 2, reason, REASON_BYTES_MAX),
        Err(fault) => put_text(out, 3, fault.code.name(), CODE_BYTES_MAX),
    }
}

fn put_answered(out: &mut Writer, answer: &Answered) {
    match answer {
        Answered::Done { fuel, intents, digest } => put_done(out, *fuel, *intents, digest),
        Answered::Saved { bytes, digest } => put_saved(out, *bytes, digest),
        Answered::Refused(reason) => put_text(out, 2, reason, REASON_BYTES_MAX),
        Answered::Fault(code) => put_text(out, 3, code, CODE_BYTES_MAX),
    }
}

fn put_done(out: &mut Writer, fuel: u64, intents: u32, digest: &[u8; 32]) {
    out.u8(0);
    out.u64(fuel);
    out.u32(intents);
    // Most answers ask for nothing.
    if intents > 0 {
        out.slice(digest);
    }
}

fn put_saved(out: &mut Writer, bytes: u64, digest: &[u8; 32]) {
    out.u8(1);
    out.u64(bytes);
    out.slice(digest);
}

fn put_text(out: &mut Writer, tag: u8, text: &str, bytes_max: usize) {
    out.u8(tag);
    out.text(&text[..text.floor_char_boundary(bytes_max)]);
}

fn read_answer(from: &mut Reader<'_>) -> Result<Answered, CallRecordError> {
    let digest = |from: &mut Reader<'_>| -> Result<[u8; 32], WireError> {
        from.slice("a hash", 32)?.try_into().map_err(|_| WireError::Truncated)
    };
    Ok(match from.u8()? {
        0 => {
            let (fuel, intents) = (from.u64()?, from.u32()?);
            let digest = if intents > 0 { digest(from)? } else { [0; 32] };
            Answered::Done { fuel, intents, digest }
        }
        1 => Answered::Saved { bytes: from.u64()?, digest: digest(from)? },
        2 => {
            let reason = from.text("a reason", REASON_BYTES_MAX)?;
            Answered::Refused(escaped(reason, REASON_BYTES_MAX))
        }
        3 => Answered::Fault(escaped(from.text("a fault", CODE_BYTES_MAX)?, CODE_BYTES_MAX)),
        value => return Err(WireError::Tag { what: "an answer", value }.into()),
    })
}

/// A record that says only that something is so.
pub(super) fn put_mark(out: &mut Writer, kind: u8, life: u32) {
    out.clear();
    out.u8(kind);
    out.u32(life);
}
