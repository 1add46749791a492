//! Every route in one table: path, method, who may. What is not in it does not exist, and a path is
//! compared as it came: nothing is decoded, joined or tidied, so there is no second way to write
//! one.

use hyper::Method;

use super::token::Role;

/// Segments of a path.
const SEGMENTS_MAX: usize = 6;
/// Bytes of a segment that stands for something: a plugin's name is the longest.
const SEGMENT_BYTES_MAX: usize = 64;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Everybody: what it answers is no secret.
    Everybody,
    /// Whoever has a token of this role, or of a higher one.
    From(Role),
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Page,
    Style,
    Script,
    Icon,
    Healthy,
    Ready,
    OpenApi,
    Metrics,
    Whoami,
    Status,
    Overview,
    Plugins,
    Plugin,
    PluginLimits,
    PluginParameters,
    SetParameters,
    Load,
    Swap,
    Rollback,
    Unload,
    Pause,
    Resume,
    Release,
    Orders,
    Positions,
    Fills,
    Denials,
    Pnl,
    Risk,
    Unlock,
    Reduce,
    Halt,
    Activate,
    Kill,
    CancelAll,
    Flatten,
    RotateKeys,
    Alerts,
    Acknowledge,
    Journal,
    Events,
}

/// A route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    /// `GET` or `POST`.
    pub(super) method: Verb,
    /// With `{…}` for a segment that stands for something.
    pub(super) path: &'static str,
    pub(super) allowed: Allowed,
    pub(super) target: Target,
    /// Names that its query may have.
    pub(super) query: &'static [&'static str],
}

/// Methods that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
}

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    fn is(self, method: &Method) -> bool {
        match self {
            Self::Get => method == Method::GET,
            Self::Post => method == Method::POST,
        }
    }
}

const fn open(path: &'static str, target: Target) -> Route {
    Route { method: Verb::Get, path, allowed: Allowed::Everybody, target, query: &[] }
}

const fn look(path: &'static str, target: Target, query: &'static [&'static str]) -> Route {
    Route { method: Verb::Get, path, allowed: Allowed::From(Role::Viewer), target, query }
}

const fn act(path: &'static str, target: Target) -> Route {
    let allowed = Allowed::From(Role::Operator);
    Route { method: Verb::Post, path, allowed, target, query: &[] }
}

/// All of them.
pub(super) const ROUTES: &[Route] = &[
    open("/", Target::Page),
    open("/app.css", Target::Style),
    open("/app.js", Target::Script),
    open("/icon.svg", Target::Icon),
    open("/healthz", Target::Healthy),
    open("/readyz", Target::Ready),
    open("/api/v1/openapi.json", Target::OpenApi),
    look("/metrics", Target::Metrics, &[]),
    look("/api/v1/whoami", Target::Whoami, &[]),
    look("/api/v1/status", Target::Status, &[]),
    look("/api/v1/overview", Target::Overview, &[]),
    look("/api/v1/plugins", Target::Plugins, &[]),
    look("/api/v1/plugins/{plugin}", Target::Plugin, &[]),
    look("/api/v1/plugins/{plugin}/limits", Target::PluginLimits, &[]),
    look("/api/v1/plugins/{plugin}/parameters", Target::PluginParameters, &[]),
    act("/api/v1/plugins/{plugin}/parameters", Target::SetParameters),
    act("/api/v1/plugins/{plugin}/load", Target::Load),
    act("/api/v1/plugins/{plugin}/swap", Target::Swap),
    act("/api/v1/plugins/{plugin}/rollback", Target::Rollback),
    act("/api/v1/plugins/{plugin}/unload", Target::Unload),
    act("/api/v1/plugins/{plugin}/pause", Target::Pause),
    act("/api/v1/plugins/{plugin}/resume", Target::Resume),
    act("/api/v1/plugins/{plugin}/release", Target::Release),
    look("/api/v1/orders", Target::Orders, &["plugin"]),
    look("/api/v1/positions", Target::Positions, &["plugin"]),
    look("/api/v1/fills", Target::Fills, &[]),
    look("/api/v1/denials", Target::Denials, &[]),
    look("/api/v1/pnl", Target::Pnl, &[]),
    look("/api/v1/risk", Target::Risk, &[]),
    act("/api/v1/risk/unlock", Target::Unlock),
    act("/api/v1/reduce", Target::Reduce),
    act("/api/v1/halt", Target::Halt),
    act("/api/v1/resume", Target::Activate),
    act("/api/v1/kill", Target::Kill),
    act("/api/v1/cancel-all", Target::CancelAll),
    act("/api/v1/flatten", Target::Flatten),
    act("/api/v1/keys/rotate", Target::RotateKeys),
    look("/api/v1/alerts", Target::Alerts, &[]),
    act("/api/v1/alerts/{alert}/acknowledge", Target::Acknowledge),
    look(
        "/api/v1/journal",
        Target::Journal,
        &["after", "before", "limit", "kind", "plugin", "order"],
    ),
    look("/api/v1/events", Target::Events, &[]),
];

/// A route that a path leads to.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) route: &'static Route,
    /// What stands in the place of `{…}`.
    pub(super) named: Option<String>,
}

/// Why none is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// There is no such path.
    NoPath,
    /// There is, but not by this method; by these.
    NoMethod(String),
}

/// Finds a route.
pub(super) fn find(method: &Method, path: &str) -> Result<Found, Lost> {
    let mut methods = Vec::new();
    for route in ROUTES {
        let Some(named) = matches(route.path, path) else { continue };
        if route.method.is(method) {
            return Ok(Found { route, named });
        }
        methods.push(route.method.name());
    }
    match methods.is_empty() {
        true => Err(Lost::NoPath),
        false => Err(Lost::NoMethod(methods.join(", "))),
    }
}

/// Whether a path is of a pattern, and what stands in the place of `{…}`.
fn matches(pattern: &str, path: &str) -> Option<Option<String>> {
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    let mut named = None;
    for _ in 0..=SEGMENTS_MAX {
        match (patterns.next(), segments.next()) {
            (None, None) => return Some(named),
            (Some(pattern), Some(segment)) if pattern.starts_with('{') => {
                named = Some(is_name(segment).then(|| segment.to_owned())?);
            }
            (Some(pattern), Some(segment)) if pattern == segment => {}
            _ => return None,
        }
    }
    None
}

fn is_name(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=SEGMENT_BYTES_MAX).contains(&segment.len()) && segment.bytes().all(allowed)
}

/// Pairs of a query; the order stays. Nothing is decoded: what a query may say needs no escapes.
pub(super) fn query(
    route: &Route,
    text: Option<&str>,
) -> Result<Vec<(String, String)>, &'static str> {
    /// Pairs of a query.
    const PAIRS_MAX: usize = 24;
    /// Bytes of a value.
    const VALUE_BYTES_MAX: usize = 128;
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    let mut pairs = Vec::new();
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').ok_or("a part of the query is no NAME=VALUE")?;
        if !route.query.contains(&name) {
            return Err("the query has a name that this route does not know");
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if value.is_empty() || value.len() > VALUE_BYTES_MAX || !value.bytes().all(allowed) {
            return Err(
                "a value of the query is not 1 to 128 of a-z, A-Z, 0-9, `-`, `_`, `.`, `:`",
            );
        }
        if name != "kind" && pairs.iter().any(|(known, _)| known == name) {
            return Err("the query says something twice");
        }
        pairs.push((name.to_owned(), value.to_owned()));
        if pairs.len() > PAIRS_MAX {
            return Err("the query has too many parts");
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: &Method, path: &str) -> Result<(Target, Option<String>), Lost> {
        find(method, path).map(|found| (found.route.target, found.named))
    }

    #[test]
    fn a_path_has_one_way_to_be_written() {
        let get = |path: &str| target(&Method::GET, path);
        assert_eq!(get("/"), Ok((Target::Page, None)));
        assert_eq!(get("/api/v1/plugins/ema-1"), Ok((Target::Plugin, Some("ema-1".to_owned()))));
        assert_eq!(get("/api/v1/kill"), Err(Lost::NoMethod("POST".to_owned())),);
        assert_eq!(
            target(&Method::HEAD, "/api/v1/plugins/ema/parameters"),
            Err(Lost::NoMethod("GET, POST".to_owned())),
        );
        for path in [
            "",
            "//",
            "/api/v1/status/",
            "//api/v1/status",
            "/api//v1/status",
            "/api/v1/./status",
            "/api/v1/../v1/status",
            "/api/v1/%73tatus",
            "/API/v1/status",
            "/api/v1/status;x",
            "/api/v1/plugins/",
            "/api/v1/plugins/../status",
            "/api/v1/plugins/%2e%2e",
            "/api/v1/plugins/a.b",
            "/api/v1/plugins/{plugin}",
            "/api/v1/status\u{0}",
        ] {
            assert_eq!(get(path), Err(Lost::NoPath), "{path}");
        }
    }

    #[test]
    fn a_query_says_what_its_route_knows() {
        let journal = find(&Method::GET, "/api/v1/journal").unwrap().route;
        let pairs = query(journal, Some("kind=filled&kind=denied&limit=5")).unwrap();
        assert_eq!(pairs.len(), 3);
        assert_eq!(query(journal, None).unwrap(), []);
        for wrong in ["x=1", "limit", "limit=", "limit=1&limit=2", "plugin=a%20b", "kind=a b", "&"]
        {
            assert!(query(journal, Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_changes_something_is_a_post_of_an_operator() {
        for route in ROUTES {
            let changes = route.method == Verb::Post;
            assert_eq!(changes, route.allowed == Allowed::From(Role::Operator), "{}", route.path);
            let is_api = route.path.starts_with("/api/") || route.path == "/metrics";
            let is_open = route.allowed == Allowed::Everybody;
            assert!(!is_open || !is_api || route.target == Target::OpenApi, "{}", route.path);
        }
    }
}
