//! REST: from an HTTP request to the table of requests, and back.

use std::net::IpAddr;

use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};

use super::{App, Peer};
use crate::{
    api::{self, Security},
    auth::Login,
    hub::{Hub, Request},
    params::Params,
    refusal::Refusal,
};

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// What tells that the exchange is maintained.
const SYSTEM_STATUS: &str = "/sapi/v1/system/status";
/// Weight of what does not exist.
const UNKNOWN_WEIGHT: u32 = 1;

pub(super) async fn handle(
    State(app): State<App>,
    ConnectInfo(peer): Peer,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let path = parts.uri.path();
    let read = to_bytes(body, BODY_BYTES_MAX).await.ok();
    let body = read.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let Some(body) = body else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, &Refusal::too_many_parameters().body());
    };
    let key = parts.headers.get("x-mbx-apikey").and_then(|value| value.to_str().ok());
    let asked = Asked {
        ip: peer.ip(),
        method: parts.method.as_str(),
        path,
        query: &query,
        body: &body,
        key,
    };
    let mut hub = app.hub.lock();
    if hub.maintenance && !path.starts_with("/sapi/") {
        return page();
    }
    let mut login = None;
    let done = answer(&mut hub, &asked, &mut login);
    let mut response = match &done {
        Ok(value) => plain(StatusCode::OK, value),
        Err(refusal) => refused(refusal),
    };
    usage(&mut hub, &asked, login, response.headers_mut());
    tracing::debug!(method = asked.method, path = asked.path, status = response.status().as_u16());
    response
}

struct Asked<'a> {
    ip: IpAddr,
    method: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a str,
    key: Option<&'a str>,
}

fn answer(hub: &mut Hub, asked: &Asked<'_>, login: &mut Option<Login>) -> Result<Value, Refusal> {
    let now_ms = hub.now_ms();
    let Some(endpoint) = api::by_path(asked.method, asked.path) else {
        hub.counter.request(asked.ip, UNKNOWN_WEIGHT, false, now_ms)?;
        return Err(match asked.path {
            "/api/v3/userDataStream" => Refusal::gone(),
            path if api::path_exists(path) => Refusal { status: 405, ..Refusal::not_found() },
            _ => Refusal::not_found(),
        });
    };
    let params = Params::from_query(&format!("{}&{}", asked.query, asked.body))?;
    hub.counter.request(asked.ip, (endpoint.weight)(&params), endpoint.wallet, now_ms)?;
    if endpoint.security != Security::Public {
        let found = hub.exchange.login(asked.key.ok_or_else(Refusal::key_format)?)?;
        let payload = format!("{}{}", unsigned(asked.query), unsigned(asked.body));
        hub.exchange.check_signed(found, &params, payload.as_bytes(), now_ms)?;
        *login = Some(found);
    }
    if endpoint.path() == SYSTEM_STATUS && hub.maintenance {
        return Ok(json!({"status": 1, "msg": "system maintenance"}));
    }
    hub.perform(&Request { ip: asked.ip, endpoint, params: &params, login: *login })
}

/// A text of parameters without the signature, else byte for byte.
fn unsigned(text: &str) -> String {
    let parts: Vec<_> = text.split('&').filter(|part| !part.starts_with("signature=")).collect();
    parts.join("&")
}

/// What is in front of the exchange answers while it is maintained.
pub(super) fn page() -> Response {
    const PAGE: &str = "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1></body></html>";
    let mut response = Response::new(Body::from(PAGE));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let html = HeaderValue::from_static("text/html");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

pub(super) fn plain(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = plain(status, &refusal.body());
    if let Some(seconds) = refusal.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What is used by now, as headers.
fn usage(hub: &mut Hub, asked: &Asked<'_>, login: Option<Login>, headers: &mut HeaderMap) {
    let now_ms = hub.now_ms();
    let used = hub.counter.used(asked.ip, now_ms);
    let wallet = asked.path.starts_with("/sapi/");
    if wallet {
        headers.insert("x-sapi-used-ip-weight-1m", HeaderValue::from(used.wallet));
    } else {
        headers.insert("x-mbx-used-weight", HeaderValue::from(used.weight));
        headers.insert("x-mbx-used-weight-1m", HeaderValue::from(used.weight));
    }
    let places = asked.method == "POST" && asked.path.starts_with("/api/v3/order");
    if let Some(login) = login.filter(|_| places) {
        let (seconds, day) = hub.counter.orders_used(login.account, now_ms);
        headers.insert("x-mbx-order-count-10s", HeaderValue::from(seconds));
        headers.insert("x-mbx-order-count-1d", HeaderValue::from(day));
    }
}
