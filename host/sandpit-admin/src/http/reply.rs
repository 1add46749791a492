//! Answers: status, headers that every answer has, bodies.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use hyper::{
    Response, StatusCode,
    body::{Body, Bytes, Frame, SizeHint},
    header::{self, HeaderName, HeaderValue},
};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{ANSWER_BYTES_MAX, Refusal, RefusalCode};

/// What a page of ours may do: run our script, use our style, ask this server, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// What anything else may do: nothing.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// Features that no page of ours uses.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// A body: all at once, or as it comes.
#[derive(Debug)]
pub(super) enum Content {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(pieces) => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Stream(_) => SizeHint::new(),
        }
    }
}

/// An answer on its way.
pub(super) type Reply = Response<Content>;

/// An answer with the headers that all have.
pub(super) fn reply(status: StatusCode, kind: &'static str, content: Content) -> Reply {
    let mut reply = Response::new(content);
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let policy = match kind.starts_with("text/html") {
        true => PAGE_POLICY,
        false => DATA_POLICY,
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    reply
}

/// Bytes of ours.
pub(super) fn own(kind: &'static str, bytes: &'static [u8]) -> Reply {
    reply(StatusCode::OK, kind, Content::Whole(Some(Bytes::from_static(bytes))))
}

/// Text.
pub(super) fn text(status: StatusCode, kind: &'static str, text: String) -> Reply {
    reply(status, kind, Content::Whole(Some(text.into())))
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Reply {
    match serde_json::to_string(value) {
        Ok(json) if json.len() <= ANSWER_BYTES_MAX => text(StatusCode::OK, JSON, json),
        Ok(_) => Problem::of(RefusalCode::TooLarge, "the answer is too large").reply(),
        Err(_) => Problem::of(RefusalCode::Failed, "the answer cannot be written").reply(),
    }
}

pub(super) const JSON: &str = "application/json";

/// Why there is no answer, as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    pub(super) status: StatusCode,
    code: &'static str,
    reason: Option<Box<str>>,
    message: Box<str>,
    help: Option<Box<str>>,
    /// Seconds after which it is worth asking again.
    #[serde(skip)]
    retry_s: Option<u64>,
    /// Methods that there are.
    #[serde(skip)]
    allow: Option<Box<str>>,
}

#[derive(Serialize)]
struct Wrapped<'a> {
    error: &'a Problem,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            reason: None,
            message: message.into().into_boxed_str(),
            help: None,
            retry_s: None,
            allow: None,
        }
    }

    pub(super) fn of(code: RefusalCode, message: impl Into<String>) -> Self {
        Refusal::new(code, message).into()
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::of(RefusalCode::Malformed, message)
    }

    /// Who asks is not known.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "a token is needed")
            .help("send `Authorization: Bearer TOKEN`; `sandpit admin token new` makes one")
    }

    pub(super) fn help(mut self, help: &str) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) const fn retry(mut self, seconds: u64) -> Self {
        self.retry_s = Some(seconds);
        self
    }

    pub(super) fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods.into_boxed_str());
        self
    }

    pub(super) fn reply(&self) -> Reply {
        let json = serde_json::to_string(&Wrapped { error: self }).unwrap_or_default();
        let mut reply = text(self.status, JSON, json);
        let headers = reply.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"sandpit\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        let allow = self.allow.as_ref().and_then(|it| HeaderValue::try_from(&**it).ok());
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, allow);
        }
        reply
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            RefusalCode::Malformed | RefusalCode::OtherVersion => StatusCode::BAD_REQUEST,
            RefusalCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            RefusalCode::NotAllowed => StatusCode::FORBIDDEN,
            RefusalCode::Busy | RefusalCode::Ending => StatusCode::SERVICE_UNAVAILABLE,
            RefusalCode::UnknownPlugin => StatusCode::NOT_FOUND,
            RefusalCode::NotNow | RefusalCode::AboveTotal => StatusCode::CONFLICT,
            RefusalCode::ComponentRefused | RefusalCode::StartFault | RefusalCode::BadParameter => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            RefusalCode::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let retry_s = (refusal.code == RefusalCode::Busy).then_some(1);
        let Refusal { code, reason, message, help } = refusal;
        let boxed = |text: Option<String>| text.map(String::into_boxed_str);
        Self {
            status,
            code: code.name(),
            reason: boxed(reason),
            message: message.into_boxed_str(),
            help: boxed(help),
            retry_s,
            allow: None,
        }
    }
}
