//! Values that would be seen anywhere are in every secret of every test here, and all that is logged
//! by anybody, at whatever level, is looked through: see `support::watch`. This file has the rest:
//! what is printed, what is serialized, and what somebody put into an alert.

use sandpit_alerts::{
    AlertsConfig, Name, Text,
    rules::Observation,
    secret::ChannelSecret,
    service::{Service, ServiceOptions},
};
use sandpit_secrets::Mask;

use crate::support::{
    Fixed, NOW, PASSWORD, PATH, ROUTING_KEY, SIGNER, TOKEN, channel, config,
    server::{Answer, Server},
    until, watch,
};

const ALL: &str = "
    [channels.pager]
    kind = \"pagerduty\"
    routing_key = \"env://ROUTING_KEY\"
    api = \"URL\"
    [channels.telegram]
    kind = \"telegram\"
    token = \"env://TOKEN\"
    chat = \"@desk\"
    api = \"URL\"
    [channels.slack]
    kind = \"slack\"
    url = \"env://URL\"
    [channels.discord]
    kind = \"discord\"
    url = \"env://URL\"
    [channels.webhook]
    kind = \"webhook\"
    url = \"env://URL\"
    secret = \"env://SIGNER\"
    [channels.mail]
    kind = \"mail\"
    host = \"127.0.0.1\"
    port = 9
    user = \"desk\"
    password = \"env://PASSWORD\"
    from = \"a@example.com\"
    to = [\"b@example.com\"]
    [[routes]]
    channels = [\"slack\", \"webhook\", \"discord\", \"telegram\", \"pager\", \"mail\"]
";

fn has(shown: &str) -> bool {
    [TOKEN, PATH, SIGNER, ROUTING_KEY, PASSWORD, "canary"].iter().any(|it| shown.contains(it))
}

#[test]
fn nothing_is_printed() {
    assert!(has(&format!("{:?}", TOKEN)));
    let secret = ChannelSecret::new(TOKEN.to_owned());
    assert!(!has(&format!("{secret:?} {secret:#?}")));
    for kind in ["slack", "discord"] {
        let section = format!("kind = \"{kind}\"\nurl = \"env://URL\"");
        let it = channel(&section, &Fixed::new("https://example.com"));
        assert!(!has(&format!("{it:?} {it:#?}")));
    }
    let config: AlertsConfig = toml::from_str(&ALL.replace("URL\"", "U\"")).unwrap();
    assert!(!has(&format!("{config:?}")) && !has(&toml::to_string(&config).unwrap()));
}

/// Somebody's error text, a plugin's name, a person's name: whatever is registered is gone before it
/// is sent, kept or shown. And what a server says is in nothing either.
#[test]
fn what_is_said_has_no_secrets() {
    watch::begin();
    // It fails each in its way, and repeats what it knows.
    let echo = |request: &crate::support::server::Request| Answer {
        status: if request.path.contains("sendMessage") { 404 } else { 500 },
        headers: format!("x-echo: {}\r\n", request.path),
        body: [request.path.as_bytes(), &request.body].concat(),
    };
    let server = Server::start(echo);
    let text = ALL.replace("\"URL\"", &format!("\"{}\"", server.url()));
    let mask = Mask::default();
    let options = ServiceOptions { backoff: crate::service::quick(), ..ServiceOptions::default() };
    let secrets = Fixed::new(&server.url());
    let service = Service::start(&config(&text), &secrets, &mask, options).unwrap();
    let handle = service.handle();
    for secret in [TOKEN, SIGNER, ROUTING_KEY, PASSWORD] {
        handle.observe(
            NOW,
            Observation::Lock {
                scope: Name::from(secret),
                lock: Name::from("drawdown"),
                is_locked: true,
                text: Text::from(format!("error 401: {secret} is not known; {secret}")),
            },
        );
    }
    until(|| (!handle.snapshot().desk.active.is_empty()).then_some(()));
    let id = handle.snapshot().desk.active[0].id;
    handle.acknowledge(id, &Name::from(PASSWORD)).unwrap();
    let results = handle.test().unwrap();
    assert_eq!(results.len(), 6);
    assert!(results.iter().all(|result| result.problem.is_some()));
    assert!(!has(&serde_json::to_string(&results).unwrap()), "{results:?}");
    let snapshot = until(|| {
        let snapshot = handle.snapshot();
        (snapshot.desk.losses.undelivered > 0).then_some(snapshot)
    });
    let shown = serde_json::to_string(&*snapshot).unwrap();
    assert!(!has(&shown) && shown.contains("[masked]"), "{shown}");
    assert!(!has(&format!("{snapshot:?} {service:?} {handle:?}")));
    let state = service.stop(std::time::Duration::ZERO);
    assert!(!has(&serde_json::to_string(&state).unwrap()));
    assert!(mask.masked() > 0);
    // What was sent has no more than what the protocol wants: an address, a key of its own.
    for request in server.requests() {
        let body = String::from_utf8(request.body).unwrap();
        let body = body.replace(&format!("\"routing_key\":\"{ROUTING_KEY}\""), "");
        assert!(!has(&body), "{body}");
    }
}

#[test]
fn what_is_logged_is_looked_through() {
    watch::begin();
    assert!(watch::is_watched(|| tracing::trace!(value = TOKEN, "careless")));
    assert!(!watch::is_watched(|| tracing::trace!("careful")));
}
