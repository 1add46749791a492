//! The wire between the host and a runner: small frames, each with its length first, all of it
//! written by hand so that every byte that comes in is looked at. Who waits for what, and for how
//! long, is not decided here.
//!
//! ```text
//! frame  = length of the body (4) ─ number of the request (4) ─ kind (1) ─ version (1) ─ 0 (2) ─ body
//! ```
//!
//! One request, one answer with the same number; a runner never speaks unasked, save for its hello.
//! Numbers are little-endian; texts and lists have their length first, and no length is believed
//! beyond its bound or beyond what is there.
//!
//! **Architecture invariant:** what a runner sends is as hostile as what its guest hands over: it
//! may have been taken over. It is held to the same bounds, and reading it neither panics nor
//! allocates more than the bound of its frame.

mod answers;
mod bytes;
mod described;
mod events;
mod intents;
mod requests;

pub(crate) use answers::{Answer, Bounds, Extras, Line, put_answer, read_answer};
pub(crate) use bytes::{Reader, Writer};
pub(crate) use intents::put_intent;
pub(crate) use requests::{
    Load, Request, Setup, put_call, put_parameters, put_start, read_request,
};

use super::walls::{State, Wall, WallName};

/// Version of frames and of what is in them. Host and runner are the same program; a mismatch is a
/// binary that was replaced while it ran.
pub(crate) const VERSION: u8 = 1;
/// Bytes before a frame's body.
pub(crate) const HEADER_BYTES: usize = 12;
/// Bytes of a body to a runner: a compiled component, and room for the rest.
pub(crate) const REQUEST_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes of a runner's hello.
pub(crate) const HELLO_BYTES_MAX: usize = 16 * 1024;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Setup = 1,
    Load = 2,
    Start = 3,
    Call = 4,
    Parameters = 5,
    Save = 6,
    Stop = 7,
    Probe = 8,
    Dump = 9,
    Hello = 65,
    Described = 66,
    Done = 67,
    Refused = 68,
    Saved = 69,
    Fault = 70,
    Dumped = 71,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Setup,
        Self::Load,
        Self::Start,
        Self::Call,
        Self::Parameters,
        Self::Save,
        Self::Stop,
        Self::Probe,
        Self::Dump,
        Self::Hello,
        Self::Described,
        Self::Done,
        Self::Refused,
        Self::Saved,
        Self::Fault,
        Self::Dumped,
    ];
}

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("version {0} of the wire, {VERSION} is spoken here")]
    Version(u8),
    #[error("a frame of {bytes} bytes, {limit} are allowed")]
    FrameLength { bytes: u64, limit: usize },
    #[error("an answer to request {answered}, {asked} was asked")]
    Sequence { answered: u32, asked: u32 },
    #[error("a frame of kind {0}, which is none or not expected")]
    Kind(u8),
    #[error("a header whose unused bytes are used")]
    Reserved,
    #[error("a frame that ends too early")]
    Truncated,
    #[error("{0} bytes behind a frame's end")]
    Trailing(usize),
    #[error("{value} where {what} is expected")]
    Tag { what: &'static str, value: u8 },
    #[error("{what}: {count}, {limit} are allowed")]
    Count { what: &'static str, count: u64, limit: u64 },
    #[error("{0} is not UTF-8")]
    Text(&'static str),
    #[error("a decimal of scale {0}, 18 is the largest")]
    Scale(u8),
    #[error("{0}")]
    Description(String),
    #[error("{0}")]
    Instrument(String),
    #[error("a frame that nobody asked for")]
    Unasked,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) length: usize,
    pub(crate) sequence: u32,
    pub(crate) kind: Kind,
}

impl Header {
    /// Reads a header; `limit` bounds the body.
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES], limit: usize) -> Result<Self, WireError> {
        let [l0, l1, l2, l3, s0, s1, s2, s3, kind, version, r0, r1] = *bytes;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        if (r0, r1) != (0, 0) {
            return Err(WireError::Reserved);
        }
        let known = Kind::ALL.into_iter().find(|known| *known as u8 == kind);
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= limit);
        Ok(Self {
            length: bytes.ok_or(WireError::FrameLength { bytes: length.into(), limit })?,
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            kind: known.ok_or(WireError::Kind(kind))?,
        })
    }
}

/// Begins a frame in an empty `out`; [`end`] completes it.
pub(crate) fn begin(out: &mut Writer, sequence: u32, kind: Kind) {
    out.clear();
    out.u32(0);
    out.u32(sequence);
    out.u8(kind as u8);
    out.u8(VERSION);
    out.u8(0);
    out.u8(0);
}

/// Writes the length of the frame that `out` holds.
pub(crate) fn end(out: &mut Writer) -> Result<(), WireError> {
    let bytes = out.bytes().len().saturating_sub(HEADER_BYTES);
    let too_long = WireError::FrameLength { bytes: bytes as u64, limit: REQUEST_BYTES_MAX };
    if bytes > REQUEST_BYTES_MAX {
        return Err(too_long);
    }
    out.set_u32(0, u32::try_from(bytes).map_err(|_| too_long)?);
    Ok(())
}

/// Writes walls.
pub(crate) fn put_walls(out: &mut Writer, walls: &[Wall]) {
    out.count(walls.len());
    for wall in walls {
        out.u8(wall.name as u8);
        match &wall.state {
            State::Standing => out.u8(1),
            State::Missing(reason) => {
                out.u8(0);
                out.text(reason);
            }
        }
    }
}

/// Reads walls.
pub(crate) fn walls(from: &mut Reader<'_>) -> Result<Vec<Wall>, WireError> {
    let count = from.count("walls", WallName::ALL.len())?;
    (0..count)
        .map(|_| {
            let number = from.u8()?;
            let name = WallName::from_number(number)
                .ok_or(WireError::Tag { what: "a wall", value: number })?;
            if from.bool("whether a wall stands")? {
                return Ok(Wall::standing(name));
            }
            let reason = from.text("a reason", super::walls::REASON_BYTES_MAX)?;
            let reason = crate::text::escaped(reason, super::walls::REASON_BYTES_MAX);
            Ok(Wall::missing(name, reason))
        })
        .collect()
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
