//! Market streams: `/ws/<name>/…` and `/stream?streams=<name>/…`, with requests to change what a
//! connection listens to.

use axum::{
    extract::{ConnectInfo, State, WebSocketUpgrade},
    http::Uri,
    response::Response,
};
use serde_json::{Value, json};

use super::{
    App, Peer,
    socket::{MESSAGE_BYTES_MAX, Reply, Session, admit, run},
};
use crate::hub::{Sender, Shared};

/// Weight of a connection: market streams have none.
const HANDSHAKE_WEIGHT: u32 = 0;

pub(super) async fn raw(
    State(app): State<App>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let names = uri.path().trim_start_matches("/ws").to_owned();
    open(app, peer, &names, false, upgrade)
}

pub(super) async fn combined(
    State(app): State<App>,
    ConnectInfo(peer): Peer,
    uri: Uri,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let names = query.split('&').find_map(|part| part.strip_prefix("streams="));
    open(app, peer, names.unwrap_or_default(), true, upgrade)
}

fn open(
    app: App,
    peer: std::net::SocketAddr,
    names: &str,
    combined: bool,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(answer) = admit(&app.hub, peer.ip(), HANDSHAKE_WEIGHT) {
        return answer;
    }
    let names = names.replace("%40", "@").replace("%21", "!");
    upgrade.max_message_size(MESSAGE_BYTES_MAX).on_upgrade(move |socket| async move {
        let hub = app.hub.clone();
        run(socket, app.hub, peer.ip(), app.ends, |sender| {
            Listener::new(hub, sender, combined, &names)
        })
        .await;
    })
}

struct Listener {
    hub: Shared,
    id: u64,
    /// The second in which messages were counted, and how many.
    rate: (u64, u32),
}

impl Listener {
    fn new(hub: Shared, sender: Sender, combined: bool, names: &str) -> Self {
        let mut own = hub.lock();
        let id = own.add_market(sender, combined);
        for name in names.split('/').filter(|name| !name.is_empty()) {
            own.subscribe(id, name);
        }
        drop(own);
        Self { hub, id, rate: (0, 0) }
    }
}

fn error(code: i32, text: &str, id: &Value) -> Reply {
    Reply::Text(json!({"error": {"code": code, "msg": text}, "id": id}).to_string())
}

impl Session for Listener {
    fn on_text(&mut self, text: &str) -> Reply {
        let mut hub = self.hub.lock();
        let second = hub.now_ms() / 1_000;
        if self.rate.0 != second {
            self.rate = (second, 0);
        }
        self.rate.1 += 1;
        if self.rate.1 > hub.limits.stream_messages_per_second_max {
            return Reply::Close("Too many requests");
        }
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            return error(3, "Invalid JSON", &Value::Null);
        };
        let id = request.get("id").cloned().unwrap_or_default();
        let names = || {
            let list = request.get("params").and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        };
        let result = match request.get("method").and_then(Value::as_str) {
            Some("SUBSCRIBE") => match names() {
                Some(names) if names.iter().all(|name| hub.subscribe(self.id, name)) => Value::Null,
                Some(_) => return Reply::Close("Too many streams"),
                None => return error(2, "Invalid request: missing field `params`", &id),
            },
            Some("UNSUBSCRIBE") => match names() {
                Some(names) => {
                    for name in names {
                        hub.unsubscribe(self.id, name);
                    }
                    Value::Null
                }
                None => return error(2, "Invalid request: missing field `params`", &id),
            },
            Some("LIST_SUBSCRIPTIONS") => json!(hub.subscriptions(self.id)),
            Some("GET_PROPERTY") => json!(hub.is_combined(self.id)),
            Some("SET_PROPERTY") => {
                let value = request.get("params").and_then(|params| params.get(1));
                let Some(value) = value.and_then(Value::as_bool) else {
                    return error(0, "Value not expected", &id);
                };
                hub.set_combined(self.id, value);
                Value::Null
            }
            _ => return error(2, "Invalid request: unknown variant", &id),
        };
        Reply::Text(json!({"result": result, "id": id}).to_string())
    }

    fn event(&self, event: String) -> String {
        event
    }

    fn on_end(&mut self) {
        self.hub.lock().remove_market(self.id);
    }
}
