//! What every request has to pass before anything is done for it: form, host, origin, token, role,
//! content type. There is no other way in.

use std::net::IpAddr;

use hyper::{
    HeaderMap, Method, StatusCode, Version,
    header::{self, HeaderName},
    http::request::Parts,
};

use super::{
    lockout::Lockout,
    reply::{JSON, Problem},
    route::{self, Allowed, Found, Lost, Target, Verb},
    state::State,
    token::Holder,
};

/// Bytes of a request's target.
const TARGET_BYTES_MAX: usize = 2 * 1024;
/// Bytes of an `Authorization` header: a token has far fewer.
const AUTHORIZATION_BYTES_MAX: usize = 256;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request that may go on.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) found: Found,
    pub(super) query: Vec<(String, String)>,
    /// Who asks; nobody where everybody may.
    pub(super) holder: Option<Holder>,
}

/// One that may not, with what is known of it for the journal.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) problem: Problem,
    pub(super) found: Option<Found>,
    pub(super) holder: Option<Holder>,
}

/// Lets a request through, or says why not.
pub(super) fn pass(
    state: &State,
    address: IpAddr,
    spare: bool,
    parts: &Parts,
) -> Result<Admitted, Box<Turned>> {
    let turned = |problem| Box::new(Turned { problem, found: None, holder: None });
    form(parts).map_err(turned)?;
    let found = route::find(&parts.method, parts.uri.path()).map_err(|lost| turned(none(lost)))?;
    let target = found.route.target;
    let turned = |problem| Box::new(Turned { problem, found: Some(found.clone()), holder: None });
    if spare && target != Target::Kill {
        let message = "too many connections: only the kill switch is served on this one";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
        return Err(turned(problem.retry(1)));
    }
    host(state, &parts.headers).map_err(turned)?;
    origin(state, parts).map_err(turned)?;
    let query =
        route::query(found.route, parts.uri.query()).map_err(|why| turned(Problem::bad(why)))?;
    let holder = match found.route.allowed {
        Allowed::Everybody => None,
        Allowed::From(role) => {
            let holder = token(state, address, target, &parts.headers).map_err(turned)?;
            if holder.role < role {
                let message = format!("this is for the role {}", role.name());
                let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", message);
                return Err(Box::new(Turned { problem, found: Some(found), holder: Some(holder) }));
            }
            Some(holder)
        }
    };
    if let Err(problem) = body(found.route.method, &parts.headers) {
        return Err(Box::new(Turned { problem, found: Some(found), holder }));
    }
    Ok(Admitted { found, query, holder })
}

/// Only a plain request for a path of this server: no proxy's form, no older protocol.
fn form(parts: &Parts) -> Result<(), Problem> {
    if parts.version != Version::HTTP_11 {
        return Err(Problem::bad("only HTTP/1.1 is spoken here"));
    }
    let uri = &parts.uri;
    let is_plain = uri.scheme().is_none() && uri.authority().is_none();
    if !is_plain || !uri.path().starts_with('/') {
        return Err(Problem::bad("the target of a request is a path"));
    }
    match uri.path().len() + uri.query().map_or(0, str::len) > TARGET_BYTES_MAX {
        true => Err(Problem::new(StatusCode::URI_TOO_LONG, "too-large", "the path is too long")),
        false => Ok(()),
    }
}

fn none(lost: Lost) -> Problem {
    match lost {
        Lost::NoPath => Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no such path"),
        Lost::NoMethod(methods) => {
            let message = format!("here is {methods} alone");
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
                .allow(methods)
        }
    }
}

/// The one value of a header, if it is there once and is text.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// A name that is not ours is somebody's who wants a browser to take this server for theirs.
fn host(state: &State, headers: &HeaderMap) -> Result<(), Problem> {
    match one(headers, &header::HOST) {
        Ok(Some(host)) if state.is_our_host(host) => Ok(()),
        _ => {
            let message = "this server is not called so";
            let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "not-our-host", message);
            Err(problem.help("add the name to `hosts` under [admin]"))
        }
    }
}

/// No page but our own asks through a browser.
fn origin(state: &State, parts: &Parts) -> Result<(), Problem> {
    let strange = || {
        let message = "another site's page may not ask here";
        Problem::new(StatusCode::FORBIDDEN, "other-origin", message)
    };
    match one(&parts.headers, &header::ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin)) if state.is_our_origin(origin) => {}
        _ => return Err(strange()),
    }
    match one(&parts.headers, &FETCH_SITE) {
        Ok(None | Some("same-origin")) => Ok(()),
        // Typed by a person, or from a bookmark.
        Ok(Some("none")) if parts.method == Method::GET => Ok(()),
        _ => Err(strange()),
    }
}

/// Who asks.
fn token(
    state: &State,
    address: IpAddr,
    target: Target,
    headers: &HeaderMap,
) -> Result<Holder, Problem> {
    let now = state.now();
    let locked = state.lockout(|lockout| lockout.locked(address, now));
    // Whoever has an operator's token can always stop everything.
    if let Some(left) = locked.filter(|_| target != Target::Kill) {
        let message = "too many wrong tokens came from here";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", message);
        return Err(problem.retry(left.as_secs().saturating_add(1)));
    }
    let presented = match one(headers, &header::AUTHORIZATION) {
        Ok(None) => return Err(Problem::unauthorized()),
        Ok(Some(value)) => bearer(value),
        Err(()) => None,
    };
    let holder = presented.and_then(|token| state.holder(token.as_bytes()));
    state.lockout(|lockout: &mut Lockout| match holder {
        Some(_) => lockout.succeed(address, now),
        None => lockout.fail(address, now),
    });
    holder.ok_or_else(Problem::unauthorized)
}

fn bearer(value: &str) -> Option<&str> {
    let value = Some(value).filter(|value| value.len() <= AUTHORIZATION_BYTES_MAX)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// What a request may carry.
fn body(method: Verb, headers: &HeaderMap) -> Result<(), Problem> {
    let unsupported = |message| {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", message)
    };
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported("a body comes as it is"));
    }
    match method {
        Verb::Get => {
            let length = one(headers, &header::CONTENT_LENGTH);
            let is_empty = matches!(length, Ok(None | Some("0")));
            match is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
                true => Ok(()),
                false => Err(Problem::bad("a question has no body")),
            }
        }
        Verb::Post => match one(headers, &header::CONTENT_TYPE) {
            Ok(Some(kind)) if is_json(kind) => Ok(()),
            _ => Err(unsupported("a body is `application/json`")),
        },
    }
}

fn is_json(kind: &str) -> bool {
    let (kind, rest) = kind.split_once(';').unwrap_or((kind, ""));
    let rest = rest.trim();
    kind.trim_end().eq_ignore_ascii_case(JSON)
        && (rest.is_empty() || rest.eq_ignore_ascii_case("charset=utf-8"))
}
