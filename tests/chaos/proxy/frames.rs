//! WebSocket frames as bytes (RFC 6455): read whole, passed on as they are, or made anew.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of one frame.
const FRAME_BYTES_MAX: u64 = 64 << 20;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    first: u8,
    /// Without its mask.
    pub(super) payload: Vec<u8>,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

impl Frame {
    /// Whether it is a whole text message; parts of messages are passed on as they are.
    pub(super) fn is_text(&self) -> bool {
        self.first == FINAL | TEXT
    }

    pub(super) fn is_control(&self) -> bool {
        self.first & 0x8 != 0
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap_or_default()
    }
}

/// Reads one; `None` at the end of the stream.
pub(super) async fn read<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Option<Frame>> {
    let mut head = [0; 2];
    if reader.read(&mut head[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut head[1..]).await?;
    let mut raw = head.to_vec();
    let extra = match head[1] & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut long = [0; 8];
    reader.read_exact(&mut long[8 - extra..]).await?;
    raw.extend(&long[8 - extra..]);
    let length = if extra == 0 { u64::from(head[1] & !MASKED) } else { u64::from_be_bytes(long) };
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    let mut mask = [0; 4];
    if head[1] & MASKED != 0 {
        reader.read_exact(&mut mask).await?;
        raw.extend(mask);
    }
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    reader.read_exact(&mut payload).await?;
    raw.extend(&payload);
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[at % 4];
    }
    Ok(Some(Frame { first: head[0], payload, raw }))
}

fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut raw = vec![first];
    match payload.len() {
        short @ 0..=125 => raw.push(u8::try_from(short).unwrap()),
        middle @ 126..=0xffff => {
            raw.push(126);
            raw.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            raw.push(127);
            raw.extend(u64::try_from(long).unwrap().to_be_bytes());
        }
    }
    raw.extend(payload);
    raw
}

/// A text of a server, which has no mask.
pub(super) fn text(payload: &str) -> Vec<u8> {
    server_frame(FINAL | TEXT, payload.as_bytes())
}

/// The end of a connection with a code.
pub(super) fn close(code: u16) -> Vec<u8> {
    server_frame(FINAL | CLOSE, &code.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_of_every_length_are_read_as_they_were_made() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = "x".repeat(length);
            let raw = text(&payload);
            let frame = read(&mut raw.as_slice()).await.unwrap().unwrap();
            assert!(frame.is_text() && !frame.is_control());
            assert_eq!((frame.text(), &frame.raw), (payload.as_str(), &raw));
        }
        // The example of the RFC: a masked "Hello".
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let frame = read(&mut masked.as_slice()).await.unwrap().unwrap();
        assert_eq!((frame.text(), frame.raw.as_slice()), ("Hello", masked.as_slice()));
        assert!(read(&mut close(1_001).as_slice()).await.unwrap().unwrap().is_control());
        assert_eq!(read(&mut [].as_slice()).await.unwrap(), None);
        assert!(read(&mut [0x81].as_slice()).await.is_err());
        assert!(read(&mut [0x81, 127, 255, 0, 0, 0, 0, 0, 0, 0].as_slice()).await.is_err());
    }
}
