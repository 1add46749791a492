//! The WebSocket API: requests of the table with their answers, logins, and own events.

use std::net::IpAddr;

use axum::{
    extract::{ConnectInfo, State, WebSocketUpgrade},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    App, Peer,
    socket::{MESSAGE_BYTES_MAX, Reply, Session, admit, run},
};
use crate::{
    api::{self, Security},
    auth::{Login, check_time},
    hub::{Hub, Request, Sender, Shared},
    params::Params,
    refusal::Refusal,
};

/// Weight of a connection.
const HANDSHAKE_WEIGHT: u32 = 2;
/// Weight of a request about the connection itself.
const SESSION_WEIGHT: u32 = 2;
/// The parameter that switches off what an answer tells of limits.
const TELLS_LIMITS: &str = "returnRateLimits";
/// Subscriptions that one connection may have had.
const SUBSCRIPTIONS_MAX: u64 = 65_535;

pub(super) async fn upgrade(
    State(app): State<App>,
    ConnectInfo(peer): Peer,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(answer) = admit(&app.hub, peer.ip(), HANDSHAKE_WEIGHT) {
        return answer;
    }
    upgrade.max_message_size(MESSAGE_BYTES_MAX).on_upgrade(move |socket| async move {
        let hub = app.hub.clone();
        let ip = peer.ip();
        run(socket, app.hub, ip, app.ends, |sender| Connection::new(hub, sender, ip)).await;
    })
}

struct Connection {
    hub: Shared,
    sender: Sender,
    ip: IpAddr,
    id: u64,
    login: Option<(Login, u64)>,
    since_ms: u64,
    next_subscription: u64,
}

impl Connection {
    fn new(hub: Shared, sender: Sender, ip: IpAddr) -> Self {
        let (id, since_ms) = {
            let mut own = hub.lock();
            (own.new_connection(), own.now_ms())
        };
        Self { hub, sender, ip, id, login: None, since_ms, next_subscription: 0 }
    }

    /// Who asks: the key in the request, signed, or the login of the connection.
    fn who(&self, hub: &Hub, params: &Params) -> Result<Login, Refusal> {
        let now_ms = hub.now_ms();
        if let (None, Some((login, _))) = (params.get("apiKey"), self.login) {
            check_time(params, now_ms)?;
            // It may have been taken away since.
            hub.exchange.key(login)?;
            return Ok(login);
        }
        let key = params.get("apiKey").ok_or_else(|| Refusal::mandatory("apiKey"))?;
        let login = hub.exchange.login(key)?;
        hub.exchange.check_signed(login, params, params.signed_text().as_bytes(), now_ms)?;
        Ok(login)
    }

    fn session(&self) -> Value {
        let hub = self.hub.lock();
        let (key, since) = match self.login {
            Some((login, since)) => {
                (json!(hub.exchange.key(login).ok().map(|key| &key.api_key)), json!(since))
            }
            None => (Value::Null, Value::Null),
        };
        json!({
            "apiKey": key,
            "authorizedSince": since,
            "connectedSince": self.since_ms,
            "returnRateLimits": true,
            "serverTime": hub.now_ms(),
            "userDataStream": !hub.user_subscriptions(self.id).is_empty(),
        })
    }

    fn subscribe(&mut self, login: Login) -> Result<Value, Refusal> {
        if self.next_subscription >= SUBSCRIPTIONS_MAX {
            return Err(Refusal::too_many_open());
        }
        let id = self.next_subscription;
        self.hub.lock().add_user(self.id, id, login, self.sender.clone())?;
        self.next_subscription += 1;
        Ok(json!({"subscriptionId": id}))
    }

    /// Requests about the connection; `None` for any other.
    fn about_session(&mut self, method: &str, params: &Params) -> Option<Result<Value, Refusal>> {
        Some(match method {
            "session.logon" => self.logon(params),
            "session.status" => Ok(self.session()),
            "session.logout" => {
                self.login = None;
                self.hub.lock().remove_user(self.id, None);
                Ok(self.session())
            }
            "session.subscriptions" => {
                let ids = self.hub.lock().user_subscriptions(self.id);
                Ok(ids.iter().map(|id| json!({"subscriptionId": id})).collect())
            }
            "userDataStream.subscribe" => match self.login {
                Some((login, _)) => self.subscribe(login),
                None => Err(Refusal::not_logged_on()),
            },
            "userDataStream.subscribe.signature" => {
                let login = self.signed(params);
                login.and_then(|login| self.subscribe(login))
            }
            "userDataStream.unsubscribe" => match params.whole("subscriptionId") {
                Err(refusal) => Err(refusal),
                Ok(id) if self.hub.lock().remove_user(self.id, id) => Ok(json!({})),
                Ok(_) => Err(Refusal::not_subscribed()),
            },
            "userDataStream.start" | "userDataStream.ping" | "userDataStream.stop" => {
                Err(Refusal::gone())
            }
            _ => return None,
        })
    }

    /// A key with its signature, whoever is logged on.
    fn signed(&self, params: &Params) -> Result<Login, Refusal> {
        params.need("apiKey")?;
        let hub = self.hub.lock();
        self.who(&hub, params)
    }

    fn logon(&mut self, params: &Params) -> Result<Value, Refusal> {
        let login = self.signed(params)?;
        let hub = self.hub.lock();
        if hub.exchange.key(login)?.ed25519_public_key.is_none() {
            return Err(Refusal::ed25519_only());
        }
        self.login = Some((login, hub.now_ms()));
        drop(hub);
        Ok(self.session())
    }

    fn answer(
        &mut self,
        method: &str,
        params: &Params,
        who: &mut Option<Login>,
    ) -> Result<Value, Refusal> {
        let endpoint = api::by_method(method);
        let weight = endpoint.map_or(SESSION_WEIGHT, |endpoint| (endpoint.weight)(params));
        {
            let mut hub = self.hub.lock();
            let now_ms = hub.now_ms();
            hub.counter.request(self.ip, weight, false, now_ms)?;
        }
        let Some(endpoint) = endpoint else {
            return self
                .about_session(method, params)
                .unwrap_or_else(|| Err(Refusal::unknown_method()));
        };
        let mut hub = self.hub.lock();
        if endpoint.security != Security::Public {
            *who = Some(self.who(&hub, params)?);
        }
        hub.perform(&Request { ip: self.ip, endpoint, params, login: *who })
    }

    fn limits(&self, method: &str, who: Option<Login>) -> Vec<Value> {
        let mut hub = self.hub.lock();
        let now_ms = hub.now_ms();
        let mut limits = Vec::new();
        let places = api::by_method(method).is_some_and(|endpoint| endpoint.orders > 0);
        if let Some(login) = who.filter(|_| places) {
            limits = hub.counter.order_info(login.account, now_ms);
        }
        limits.push(hub.counter.weight_info(self.ip, now_ms));
        limits
    }
}

/// A refusal as the WebSocket API tells it: when to come back is a time, not a length.
fn error_body(refusal: &Refusal, now_ms: u64) -> Value {
    let mut body = refusal.body();
    if let Some(seconds) = refusal.retry_after_s {
        body["data"] = json!({"serverTime": now_ms, "retryAfter": now_ms + seconds * 1_000});
    }
    body
}

impl Session for Connection {
    fn on_text(&mut self, text: &str) -> Reply {
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            let body = json!({"id": null, "status": 400, "error": Refusal::bad_json().body()});
            return Reply::Text(body.to_string());
        };
        let id = request.get("id").cloned().unwrap_or_default();
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        let sent = request.get("params").cloned().unwrap_or_default();
        // It is signed like any other.
        let tells_limits = sent.get(TELLS_LIMITS) != Some(&json!(false));
        let mut who = None;
        let done =
            Params::from_json(&sent).and_then(|params| self.answer(&method, &params, &mut who));
        let now_ms = self.hub.lock().now_ms();
        let mut body = match &done {
            Ok(result) => json!({"id": id, "status": 200, "result": result}),
            Err(refusal) => {
                json!({"id": id, "status": refusal.status, "error": error_body(refusal, now_ms)})
            }
        };
        if tells_limits {
            body["rateLimits"] = json!(self.limits(&method, who));
        }
        tracing::debug!(method, status = %body["status"]);
        Reply::Text(body.to_string())
    }

    fn event(&self, event: String) -> String {
        format!("{{\"event\":{event}}}")
    }

    fn on_end(&mut self) {
        self.hub.lock().remove_user(self.id, None);
    }
}
