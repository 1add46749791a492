//! How futures are asked: the settings of the gate.

use sandpit_core::time::Nanos;

use super::{
    super::{request::Request, settings::Settings},
    GATE_LINKS,
};
use crate::binance::{
    error_code::Codes,
    gate::{GateSettings, SocketSettings},
    limits::{Limit, LimitKind},
};

const fn seconds(seconds: u64) -> Nanos {
    Nanos(seconds * Nanos::SECOND.0)
}

/// The gate for futures.
pub(super) fn gate_settings(settings: &Settings, has_key: bool) -> Result<GateSettings, String> {
    let time = Request::Time.wish().map_err(|error| error.to_string())?;
    let mut gate = GateSettings::new(settings.hosts.rest.clone(), GATE_LINKS, time);
    gate.codes = Codes::Usdm;
    gate.wallet.clone_from(&settings.hosts.wallet);
    // Of the document "Exchange Information"; the venue tells its own when it is asked.
    let limit = |kind, window, most| Limit { kind, window: seconds(window), most };
    gate.limits = vec![
        limit(LimitKind::Weight, 60, 2_400),
        limit(LimitKind::Orders, 60, 1_200),
        limit(LimitKind::Orders, 10, 300),
    ];
    if settings.websocket_api && has_key {
        let logon = Request::Logon.wish().map_err(|error| error.to_string())?;
        let greeting = if settings.ed25519 { vec![logon] } else { Vec::new() };
        let mut socket = SocketSettings::new(vec![settings.hosts.socket.clone()], greeting);
        // The venue pings every 3 minutes.
        socket.silence = settings.silence;
        gate.socket = Some(socket);
    }
    settings.tuning.apply_to_gate(&mut gate);
    Ok(gate)
}
