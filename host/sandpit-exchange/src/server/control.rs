//! What only whoever runs an exchange decides: maintenance, symbols that do not trade, connections
//! that end, keys that come and go. For tests; it answers only where the description of the exchange says so.

use axum::{
    body::to_bytes,
    extract::{Path, Request as HttpRequest, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Value, json};

use super::{App, rest::plain};
use crate::{
    config::{KeyConfig, Secret},
    hub::{Cut, Hub},
    params::Params,
    refusal::Refusal,
    words::SymbolStatus,
};

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 4 * 1_024;

pub(super) async fn handle(
    State(app): State<App>,
    Path(what): Path<String>,
    request: HttpRequest,
) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    let text = format!("{query}&{}", String::from_utf8_lossy(&body));
    let done =
        Params::from_query(&text).and_then(|params| control(&mut app.hub.lock(), &what, &params));
    match done {
        Ok(body) => plain(StatusCode::OK, &body),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            plain(status, &refusal.body())
        }
    }
}

fn control(hub: &mut Hub, what: &str, params: &Params) -> Result<Value, Refusal> {
    match what {
        // Everything but the wallet is refused with a page, and connections end.
        "maintenance" => {
            hub.maintenance = match params.need("on")? {
                "true" => true,
                "false" => false,
                _ => return Err(Refusal::invalid("on")),
            };
            if hub.maintenance {
                hub.cut(Cut::SayingSo);
            }
        }
        "symbol" => {
            let name = params.need("symbol")?;
            let symbol = hub.exchange.symbol_of(name).ok_or_else(Refusal::bad_symbol)?;
            let status = SymbolStatus::parse(params.need("status")?);
            hub.exchange.set_trading(symbol, status.ok_or_else(|| Refusal::invalid("status"))?);
        }
        // Ends every WebSocket connection, with a word before or without.
        "disconnect" => {
            let says_so = params.get("silent") != Some("true");
            hub.cut(if says_so { Cut::SayingSo } else { Cut::Silently });
        }
        // Ends every subscription to own events, and leaves the connections.
        "terminate" => {
            let ended = hub.terminate_users();
            return Ok(json!({"ended": ended}));
        }
        "key/add" => hub.exchange.add_key(params.need("account")?, key(params)?)?,
        "key/revoke" => hub.revoke_key(params.need("apiKey")?)?,
        _ => return Err(Refusal::not_found()),
    }
    Ok(json!({}))
}

/// A key as its parameters describe it; what is not said is as in a description of an exchange.
fn key(params: &Params) -> Result<KeyConfig, Refusal> {
    let truth = |name: &str, default: bool| match params.get(name) {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Refusal::invalid(name)),
    };
    let key = KeyConfig::new(params.need("apiKey")?);
    Ok(KeyConfig {
        hmac_secret: params.get("hmacSecret").map(Secret::new),
        ed25519_public_key: params.get("ed25519PublicKey").map(str::to_owned),
        trading: truth("trading", key.trading)?,
        withdrawals: truth("withdrawals", key.withdrawals)?,
        transfers: truth("transfers", key.transfers)?,
        ip_restricted: truth("ipRestricted", key.ip_restricted)?,
        created_ms: params.whole("createdMs")?.unwrap_or(key.created_ms),
        ..key
    })
}
