//! What the host asks of a runner. The host is trusted, and still a runner reads with the same
//! care: a frame that cannot be read ends it with words, not with a panic.

use std::time::Duration;

use sandpit_core::{
    ids::InstrumentId,
    instrument::{Instrument, InstrumentKind, InstrumentSpec},
    num::Rate,
    plugin::PluginEvent,
    time::UnixNanos,
};

use super::{
    Header, Kind, Reader, WireError, Writer, begin, end,
    events::{
        budget, event, open_order, position, put_budget, put_event, put_open_order, put_position,
        put_trading_state, trading_state,
    },
};
use crate::{
    describe::{Argument, Value},
    engine::EngineSettings,
    limits::Limits,
    session::{Mode, SavedState, Session, StopReason},
};

/// Bytes of an operator's name of a plugin, of symbols, of versions.
const NAME_BYTES_MAX: usize = 1_024;
/// Bytes of a parameter's value.
const VALUE_BYTES_MAX: usize = 4 * 1_024;
/// Entries of any list of a session.
const ENTRIES_MAX: usize = 1 << 20;
/// Bytes of a saved state; the host's own limit is lower.
const STATE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// What a runner must know before it has walls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// The operator's name of the plugin.
    pub(crate) name: String,
    /// Bytes of all memories of the guest.
    pub(crate) memory_bytes_max: u64,
    /// Bytes of a core dump.
    pub(crate) core_bytes_max: u64,
    /// How long it looks for the next request before it sleeps.
    pub(crate) spin: Duration,
}

/// The code of a plugin and what it may use.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) name: &'a str,
    pub(crate) limits: Limits,
    /// What the code was compiled with.
    pub(crate) settings: EngineSettings,
    /// SHA-256 of the component.
    pub(crate) component: [u8; 32],
    /// Machine code, made by the host.
    pub(crate) code: &'a [u8],
}

/// A session that owns its instruments.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) instruments: Vec<(InstrumentId, Instrument)>,
    /// With no instruments in it.
    pub(crate) session: Session<'static>,
}

/// What the host asks.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Setup(Setup),
    Load(Load<'a>),
    Start(Box<Start>),
    Call(PluginEvent),
    Parameters {
        time: UnixNanos,
        arguments: Vec<Argument>,
    },
    Save,
    Stop(StopReason),
    /// For the core dump of the fault that it has just told of.
    Dump,
    /// To put up the last walls around nothing, to see whether they stand.
    Probe,
}

impl Request<'_> {
    /// Writes all of a frame. What borrows what it writes has a function of its own.
    pub(crate) fn put(&self, out: &mut Writer, sequence: u32) -> Result<(), WireError> {
        match self {
            Self::Setup(setup) => {
                begin(out, sequence, Kind::Setup);
                out.text(&setup.name);
                out.u64(setup.memory_bytes_max);
                out.u64(setup.core_bytes_max);
                put_duration(out, setup.spin);
            }
            Self::Load(load) => {
                begin(out, sequence, Kind::Load);
                out.text(load.name);
                put_limits(out, &load.limits);
                out.bool(load.settings.debug_lines);
                out.bool(load.settings.core_dumps);
                out.slice(&load.component);
                out.slice(load.code);
            }
            Self::Start(start) => {
                let refs = start.instruments.iter().map(|(id, it)| (*id, it));
                let session = Session { instruments: refs.collect(), ..start.session.clone() };
                return put_start(out, sequence, &session);
            }
            Self::Call(event) => {
                put_call(out, sequence, event)?;
                return Ok(());
            }
            Self::Parameters { time, arguments } => {
                return put_parameters(out, sequence, *time, arguments);
            }
            Self::Save => begin(out, sequence, Kind::Save),
            Self::Probe => begin(out, sequence, Kind::Probe),
            Self::Dump => begin(out, sequence, Kind::Dump),
            Self::Stop(reason) => {
                begin(out, sequence, Kind::Stop);
                out.u8(match reason {
                    StopReason::Finished => 0,
                    StopReason::Operator => 1,
                    StopReason::Swapped => 2,
                });
            }
        }
        end(out)
    }
}

/// Writes a call; `false` where no guest is told of such an event.
pub(crate) fn put_call(
    out: &mut Writer,
    sequence: u32,
    event: &PluginEvent,
) -> Result<bool, WireError> {
    begin(out, sequence, Kind::Call);
    if !put_event(out, event) {
        return Ok(false);
    }
    end(out).map(|()| true)
}

/// Writes new parameters.
pub(crate) fn put_parameters(
    out: &mut Writer,
    sequence: u32,
    time: UnixNanos,
    arguments: &[Argument],
) -> Result<(), WireError> {
    begin(out, sequence, Kind::Parameters);
    out.u64(time.0);
    put_arguments(out, arguments);
    end(out)
}

/// Writes the beginning of a session.
pub(crate) fn put_start(
    out: &mut Writer,
    sequence: u32,
    session: &Session<'_>,
) -> Result<(), WireError> {
    begin(out, sequence, Kind::Start);
    out.u8(match session.mode {
        Mode::Backtest => 0,
        Mode::Paper => 1,
        Mode::Testnet => 2,
        Mode::Live => 3,
    });
    out.u64(session.time.0);
    out.u64(session.seed);
    out.count(session.instruments.len());
    for (id, instrument) in &session.instruments {
        out.u16(id.0);
        put_spec(out, instrument.spec());
    }
    put_arguments(out, &session.arguments);
    out.count(session.positions.len());
    for view in &session.positions {
        put_position(out, view);
    }
    out.count(session.orders.len());
    for view in &session.orders {
        put_open_order(out, view);
    }
    out.text(&session.currency);
    put_budget(out, &session.budget);
    put_trading_state(out, session.trading_state);
    out.option(session.restored.as_ref(), |out, state| {
        out.text(&state.version);
        out.u32(state.schema);
        out.slice(&state.data);
    });
    end(out)
}

/// Reads the body of a frame.
pub(crate) fn read_request<'a>(head: Header, body: &'a [u8]) -> Result<Request<'a>, WireError> {
    let from = &mut Reader::new(body);
    let request = match head.kind {
        Kind::Setup => Request::Setup(Setup {
            name: name(from)?,
            memory_bytes_max: from.u64()?,
            core_bytes_max: from.u64()?,
            spin: duration(from)?,
        }),
        Kind::Load => Request::Load(Load {
            name: from.text("a name", NAME_BYTES_MAX)?,
            limits: limits(from)?,
            settings: EngineSettings {
                debug_lines: from.bool("debug lines")?,
                core_dumps: from.bool("core dumps")?,
            },
            component: hash(from)?,
            code: from.slice("code", super::REQUEST_BYTES_MAX)?,
        }),
        Kind::Start => Request::Start(Box::new(start(from)?)),
        Kind::Call => Request::Call(event(from)?),
        Kind::Parameters => Request::Parameters {
            time: UnixNanos(from.u64()?),
            arguments: from.list("arguments", ENTRIES_MAX, argument)?,
        },
        Kind::Save => Request::Save,
        Kind::Probe => Request::Probe,
        Kind::Dump => Request::Dump,
        Kind::Stop => Request::Stop(match from.u8()? {
            0 => StopReason::Finished,
            1 => StopReason::Operator,
            2 => StopReason::Swapped,
            value => return Err(WireError::Tag { what: "a reason to stop", value }),
        }),
        answer => return Err(WireError::Kind(answer as u8)),
    };
    from.end()?;
    Ok(request)
}

fn hash(from: &mut Reader<'_>) -> Result<[u8; 32], WireError> {
    let bytes = from.slice("a hash", 32)?;
    bytes.try_into().map_err(|_| WireError::Truncated)
}

fn name(from: &mut Reader<'_>) -> Result<String, WireError> {
    from.text("a name", NAME_BYTES_MAX).map(str::to_owned)
}

fn put_duration(out: &mut Writer, duration: Duration) {
    out.u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
}

fn duration(from: &mut Reader<'_>) -> Result<Duration, WireError> {
    from.u64().map(Duration::from_nanos)
}

fn put_limits(out: &mut Writer, limits: &Limits) {
    out.usize(limits.memory_bytes_max);
    out.usize(limits.table_elements_max);
    out.u64(limits.fuel_per_call_max);
    out.u64(limits.fuel_start_max);
    put_duration(out, limits.call_deadline);
    put_duration(out, limits.start_deadline);
    out.usize(limits.intents_per_call_max);
    out.u32(limits.intents_per_second_max);
    out.usize(limits.output_bytes_max);
    out.usize(limits.state_bytes_max);
    out.usize(limits.log_line_bytes_max);
    out.u64(limits.log_bytes_per_second_max);
    out.usize(limits.core_dump_bytes_max);
}

fn limits(from: &mut Reader<'_>) -> Result<Limits, WireError> {
    Ok(Limits {
        memory_bytes_max: from.usize()?,
        table_elements_max: from.usize()?,
        fuel_per_call_max: from.u64()?,
        fuel_start_max: from.u64()?,
        call_deadline: duration(from)?,
        start_deadline: duration(from)?,
        intents_per_call_max: from.usize()?,
        intents_per_second_max: from.u32()?,
        output_bytes_max: from.usize()?,
        state_bytes_max: from.usize()?,
        log_line_bytes_max: from.usize()?,
        log_bytes_per_second_max: from.u64()?,
        core_dump_bytes_max: from.usize()?,
    })
}

fn put_spec(out: &mut Writer, spec: &InstrumentSpec) {
    for text in [&spec.symbol, &spec.venue, &spec.base, &spec.quote] {
        out.text(text);
    }
    out.u8(match spec.kind {
        InstrumentKind::Spot => 0,
        InstrumentKind::Perpetual => 1,
        InstrumentKind::Future => 2,
    });
    for decimal in [
        spec.price_tick,
        spec.quantity_step,
        spec.min_quantity,
        spec.max_quantity,
        spec.min_notional,
        spec.multiplier,
    ] {
        out.decimal(decimal);
    }
    out.i64(spec.maker_fee.0);
    out.i64(spec.taker_fee.0);
}

fn instrument(from: &mut Reader<'_>) -> Result<Instrument, WireError> {
    let (symbol, venue, base, quote) = (name(from)?, name(from)?, name(from)?, name(from)?);
    let spec = InstrumentSpec {
        symbol,
        venue,
        base,
        quote,
        kind: match from.u8()? {
            0 => InstrumentKind::Spot,
            1 => InstrumentKind::Perpetual,
            2 => InstrumentKind::Future,
            value => return Err(WireError::Tag { what: "a kind of instrument", value }),
        },
        price_tick: from.decimal()?,
        quantity_step: from.decimal()?,
        min_quantity: from.decimal()?,
        max_quantity: from.decimal()?,
        min_notional: from.decimal()?,
        multiplier: from.decimal()?,
        maker_fee: Rate(from.i64()?),
        taker_fee: Rate(from.i64()?),
    };
    Instrument::new(spec).map_err(|error| WireError::Instrument(error.to_string()))
}

fn put_arguments(out: &mut Writer, arguments: &[Argument]) {
    out.count(arguments.len());
    for argument in arguments {
        out.text(&argument.name);
        match &argument.value {
            Value::Boolean(value) => {
                out.u8(0);
                out.bool(*value);
            }
            Value::Integer(value) => {
                out.u8(1);
                out.i64(*value);
            }
            Value::Decimal(value) => {
                out.u8(2);
                out.decimal(*value);
            }
            Value::Text(value) => {
                out.u8(3);
                out.text(value);
            }
        }
    }
}

fn argument(from: &mut Reader<'_>) -> Result<Argument, WireError> {
    Ok(Argument {
        name: name(from)?,
        value: match from.u8()? {
            0 => Value::Boolean(from.bool("a value")?),
            1 => Value::Integer(from.i64()?),
            2 => Value::Decimal(from.decimal()?),
            3 => Value::Text(from.text("a value", VALUE_BYTES_MAX)?.to_owned()),
            value => return Err(WireError::Tag { what: "a kind of value", value }),
        },
    })
}

fn start(from: &mut Reader<'_>) -> Result<Start, WireError> {
    let mode = match from.u8()? {
        0 => Mode::Backtest,
        1 => Mode::Paper,
        2 => Mode::Testnet,
        3 => Mode::Live,
        value => return Err(WireError::Tag { what: "a mode", value }),
    };
    let (time, seed) = (UnixNanos(from.u64()?), from.u64()?);
    let instruments = from.list("instruments", ENTRIES_MAX, |from| {
        Ok((InstrumentId(from.u16()?), instrument(from)?))
    })?;
    let session = Session {
        mode,
        time,
        seed,
        instruments: Vec::new(),
        arguments: from.list("arguments", ENTRIES_MAX, argument)?,
        positions: from.list("positions", ENTRIES_MAX, position)?,
        orders: from.list("orders", ENTRIES_MAX, open_order)?,
        currency: name(from)?,
        budget: budget(from)?,
        trading_state: trading_state(from)?,
        restored: from.option("a saved state", |from| {
            Ok(SavedState {
                version: name(from)?,
                schema: from.u32()?,
                data: from.slice("a saved state", STATE_BYTES_MAX)?.to_vec(),
            })
        })?,
    };
    Ok(Start { instruments, session })
}
