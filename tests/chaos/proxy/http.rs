//! HTTP/1.1 messages as bytes: read whole, passed on as they are, or made anew.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of a head.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Bytes of a body.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// With the empty line at its end.
    pub(super) head: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn raw(&self) -> Vec<u8> {
        [self.head.as_slice(), &self.body].concat()
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        std::str::from_utf8(&self.head).unwrap_or_default().split("\r\n")
    }

    /// A word of the first line.
    fn word(&self, at: usize) -> &str {
        self.lines().next().unwrap_or_default().split(' ').nth(at).unwrap_or_default()
    }

    pub(super) fn method(&self) -> &str {
        self.word(0)
    }

    /// Path with its query.
    pub(super) fn target(&self) -> &str {
        self.word(1)
    }

    pub(super) fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    pub(super) fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.lines().skip(1).filter_map(|line| line.split_once(':'));
        pairs
            .filter(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
    }

    /// Query and form as one text.
    pub(super) fn form(&self) -> String {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        format!("{query}&{}", String::from_utf8_lossy(&self.body))
    }

    pub(super) fn is_upgrade(&self) -> bool {
        self.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }

    /// Whether the connection ends after it.
    pub(super) fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Without the header of this name.
    pub(super) fn without(&self, name: &str) -> Self {
        let lines = self.lines().filter(|line| {
            !line.split_once(':').is_some_and(|(own, _)| own.eq_ignore_ascii_case(name))
        });
        let lines: Vec<_> = lines.collect();
        Self { head: lines.join("\r\n").into_bytes(), body: self.body.clone() }
    }
}

/// Reads one; `None` where the stream ended before it began. What comes after it is still in the
/// stream: heads are read byte by byte, from a buffered reader.
pub(super) async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    is_answer: bool,
) -> io::Result<Option<Message>> {
    let bad = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut message = Message::default();
    while !message.head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            let is_clean = message.head.is_empty();
            return if is_clean { Ok(None) } else { Err(bad("a head without an end")) };
        }
        message.head.push(byte[0]);
        if message.head.len() > HEAD_BYTES_MAX {
            return Err(bad("a head is too long"));
        }
    }
    let length = message.header("content-length").map(str::parse::<usize>);
    match length.transpose().map_err(|_| bad("a length that is none"))? {
        Some(length) if length > BODY_BYTES_MAX => return Err(bad("a body is too long")),
        Some(length) => {
            message.body = vec![0; length];
            reader.read_exact(&mut message.body).await?;
        }
        None if is_answer && message.status() >= 200 && message.status() != 204 => {
            reader.read_to_end(&mut message.body).await?;
        }
        None => {}
    }
    Ok(Some(message))
}

/// An answer that nobody gave but the proxy.
pub(super) fn answer(status: u16, retry_after_s: Option<u64>, kind: &str, body: &str) -> Message {
    let word = match status {
        200 => "OK",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Gateway Timeout",
    };
    let after = retry_after_s.map_or_else(String::new, |s| format!("Retry-After: {s}\r\n"));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} {word}\r\nContent-Type: {kind}\r\n{after}Content-Length: {length}\r\n\r\n"
    );
    Message { head: head.into_bytes(), body: body.as_bytes().to_vec() }
}

/// The page of what stands in front of the venue.
pub(super) fn page(status: u16) -> Message {
    answer(status, None, "text/html", &format!("<html><body><h1>{status}</h1></body></html>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_read_one_after_another() {
        let two = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\ncontent-LENGTH: 3\r\n\r\nd=eGET / HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: close\r\n\r\n";
        let mut reader = two.as_slice();
        let first = read(&mut reader, false).await.unwrap().unwrap();
        assert_eq!(
            (first.method(), first.path(), first.form().as_str()),
            ("POST", "/a", "b=c&d=e")
        );
        assert!(!first.is_last());
        let second = read(&mut reader, false).await.unwrap().unwrap();
        assert!(second.is_upgrade() && second.is_last() && second.body.is_empty());
        assert!(second.without("upgrade").header("Upgrade").is_none());
        assert!(second.without("upgrade").head.ends_with(b"close\r\n\r\n"));
        assert_eq!(read(&mut reader, false).await.unwrap(), None);
        assert!(read(&mut b"GET".as_slice(), false).await.is_err());
        let made = answer(429, Some(2), "text/plain", "no");
        let answer = read(&mut made.raw().as_slice(), true).await.unwrap().unwrap();
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("2")));
        assert_eq!(answer.body, b"no");
    }
}
