//! A request as bytes: time, key and signature are added here and nowhere else.

use std::fmt::Write;

use super::{Endpoint, Method, Request, RequestError, Security};
use crate::binance::sign::{Params, Signer, Value, sign_rest, sign_websocket};

/// The longest that the venue lets a request travel.
pub const RECV_WINDOW_MS_MAX: u32 = 60_000;

/// When a signed request was made, by the venue's clock, and how long it may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Milliseconds since 1970. Not more than a second ahead of the venue.
    pub timestamp_ms: u64,
    /// Milliseconds, 1 to [`RECV_WINDOW_MS_MAX`].
    pub recv_window_ms: u32,
}

impl Timing {
    fn push(self, params: &mut Params<'_>) -> Result<(), RequestError> {
        let max = u64::from(RECV_WINDOW_MS_MAX);
        let window = u64::from(self.recv_window_ms);
        if !(1..=max).contains(&window) {
            let field = "recvWindow";
            return Err(RequestError::OutOfRange { field, value: window, min: 1, max });
        }
        params.push("timestamp", Value::Number(self.timestamp_ms));
        params.push("recvWindow", Value::Number(window));
        Ok(())
    }
}

/// A REST request, ready but for the host in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestCall {
    /// Method.
    pub method: Method,
    /// Path.
    pub path: &'static str,
    /// Query, without its `?`.
    pub query: String,
    /// Body, as `application/x-www-form-urlencoded`.
    pub body: String,
    /// Whether the key's name goes into the header `X-MBX-APIKEY`.
    pub with_key: bool,
}

impl RestCall {
    /// Path and query.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.to_owned()
        } else {
            [self.path, "?", &self.query].concat()
        }
    }
}

/// Who asks on a connection of the WebSocket API.
#[derive(Clone, Copy)]
pub enum Identity<'a> {
    /// Nobody in particular: public requests only.
    Nobody,
    /// The holder of a key, who signs each request.
    Key(&'a dyn Signer),
    /// The connection is logged in, by the holder of this key.
    LoggedIn(&'a dyn Signer),
}

impl Request<'_> {
    /// As a REST request. What makes or changes something goes into the body, all else into the
    /// query.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn to_rest(
        &self,
        timing: Timing,
        signer: Option<&dyn Signer>,
    ) -> Result<RestCall, RequestError> {
        encode_rest(self.endpoint(), self.params()?, timing, signer)
    }

    /// As one text frame of the WebSocket API. `id` comes back with the answer.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn to_websocket(
        &self,
        id: u64,
        timing: Timing,
        identity: Identity<'_>,
    ) -> Result<String, RequestError> {
        encode_websocket(self.endpoint(), self.params()?, id, timing, identity)
    }
}

/// Any dialect's request to REST.
pub(in crate::binance) fn encode_rest(
    endpoint: &Endpoint,
    mut params: Params<'_>,
    timing: Timing,
    signer: Option<&dyn Signer>,
) -> Result<RestCall, RequestError> {
    let name = endpoint.name;
    let (method, path) =
        endpoint.rest.ok_or(RequestError::NoSuchDoor { name, side: "REST API" })?;
    let with_key = endpoint.security != Security::Public;
    let signed = with_key && endpoint.security != Security::Keyed;
    if with_key && signer.is_none() {
        return Err(RequestError::NoKey { name });
    }
    if signed {
        timing.push(&mut params)?;
    }
    let text = params.to_query();
    let (mut query, mut body) = match method {
        Method::Get | Method::Delete => (text, String::new()),
        Method::Post | Method::Put => (String::new(), text),
    };
    if signed {
        let signer = signer.ok_or(RequestError::NoKey { name })?;
        sign_rest(&mut query, &mut body, signer);
    }
    Ok(RestCall { method, path, query, body, with_key })
}

/// Any dialect's request to the WebSocket API.
pub(in crate::binance) fn encode_websocket<'a>(
    endpoint: &Endpoint,
    mut params: Params<'a>,
    id: u64,
    timing: Timing,
    identity: Identity<'a>,
) -> Result<String, RequestError> {
    /// Bytes that a signed order takes, about.
    const FRAME_BYTES: usize = 512;
    let name = endpoint.name;
    let method =
        endpoint.websocket.ok_or(RequestError::NoSuchDoor { name, side: "WebSocket API" })?;
    let signer = signer(endpoint, identity)?;
    if matches!(endpoint.security, Security::Signed | Security::AlwaysSigned) {
        timing.push(&mut params)?;
    }
    if let (Security::Keyed, Identity::Key(key)) = (endpoint.security, identity) {
        params.push("apiKey", Value::Text(key.api_key()));
    }
    let mut frame = String::with_capacity(FRAME_BYTES);
    // Writing to a string cannot fail.
    let _ = write!(frame, r#"{{"id":{id},"method":"{method}""#);
    write_params(&params, signer, &mut frame);
    frame.push('}');
    Ok(frame)
}

/// Who signs, if somebody must.
fn signer<'s>(
    endpoint: &Endpoint,
    identity: Identity<'s>,
) -> Result<Option<&'s dyn Signer>, RequestError> {
    let name = endpoint.name;
    match (endpoint.security, identity) {
        (Security::Public, _)
        | (Security::Signed | Security::Session, Identity::LoggedIn(_))
        | (Security::Keyed, Identity::Key(_) | Identity::LoggedIn(_)) => Ok(None),
        (Security::Signed | Security::AlwaysSigned, Identity::Key(signer))
        | (Security::AlwaysSigned, Identity::LoggedIn(signer)) => Ok(Some(signer)),
        (Security::Session, Identity::Key(_)) => {
            Err(RequestError::Unsupported { what: "the connection is not logged in" })
        }
        (
            Security::Signed | Security::AlwaysSigned | Security::Session | Security::Keyed,
            Identity::Nobody,
        ) => Err(RequestError::NoKey { name }),
    }
}

fn write_params(params: &Params<'_>, signer: Option<&dyn Signer>, frame: &mut String) {
    if params.is_empty() && signer.is_none() {
        return;
    }
    frame.push_str(r#","params":{"#);
    match signer {
        None => write_fields(params, frame),
        Some(signer) => {
            let mut signed = params.clone();
            let key = Value::Text(signer.api_key());
            signed.push("apiKey", key);
            write_fields(&signed, frame);
            frame.push_str(r#","signature":""#);
            // Hexadecimal or base64: nothing that JSON would escape.
            sign_websocket(&signed, signer, frame);
            frame.push('"');
        }
    }
    frame.push('}');
}

fn write_fields(params: &Params<'_>, frame: &mut String) {
    for (at, (name, value)) in params.iter().enumerate() {
        if at > 0 {
            frame.push(',');
        }
        frame.push('"');
        frame.push_str(name);
        frame.push_str("\":");
        value.write_json(frame);
    }
}
