//! `sandpit secrets check`.

use std::{error::Error, fmt::Write as _};

use sandpit_core::time::UnixNanos;
use sandpit_plugin::Mode;
use sandpit_secrets::{
    AgeClass, AgeLimits, Care, Claim, Clock, KeyAge, KeyUri, SigningKey, Source as _,
    check_separation,
};
use sandpit_venue::machine::KeyRights;
use serde_json::{Value, json};

use super::{
    super::reply::{Exit, Failure, Reply},
    CheckArgs,
};
use crate::{
    config::{self, ConfigError, KeysConfig, Overrides, RunConfig},
    keys::{Judged, KeysError, Place, fingerprint, judge, mode_name},
    venues,
};

/// What the place of a key is called that was typed.
const TYPED: &str = "URI";

/// One place, and what is there.
struct Checked {
    text: String,
    provider: &'static str,
    account: String,
    mode: &'static str,
    found: Result<Found, KeysError>,
}

struct Found {
    key: SigningKey,
    version: Option<String>,
    created: Option<UnixNanos>,
    age: Option<KeyAge>,
    lent_until: Option<UnixNanos>,
}

pub(super) fn run(arguments: &CheckArgs) -> Result<Reply, Failure> {
    let overrides = Overrides { on_exchange: true, ..Overrides::default() };
    let config = arguments.config.as_ref().map(|file| config::load(file, &overrides));
    let config = config.transpose()?;
    let mode = arguments.mode.map(Mode::from);
    let mut checked = Vec::new();
    for uri in &arguments.uris {
        checked.push(check((TYPED, uri), None, mode, AgeLimits::default())?);
    }
    if let Some(config) = &config {
        of_config(config, mode, &mut checked)?;
    }
    if checked.is_empty() {
        let error = ConfigError::new("nothing says which keys");
        return Err(error
            .help("name their places, or --config FILE with `key` under [venue]")
            .into());
    }
    let shared = separation(&checked);
    let rights = match (&config, arguments.venue) {
        (Some(config), true) => Some(at_venue(config, mode_of(config, mode)?)),
        _ => None,
    };
    Ok(reply(&checked, shared.as_deref(), rights.as_ref()))
}

/// The keys of a configuration.
fn of_config(
    config: &RunConfig,
    mode: Option<Mode>,
    checked: &mut Vec<Checked>,
) -> Result<(), Failure> {
    let KeysConfig { account, ages, read, .. } = &config.keys;
    let trade = config.venue.as_ref().and_then(|venue| venue.key.as_ref());
    let mut account = account.clone();
    if let Some(uri) = trade {
        let one = check(("venue.key", uri), account.as_deref(), mode, *ages)?;
        account = Some(one.account.clone());
        checked.push(one);
    }
    if let Some(uri) = read {
        checked.push(check(("keys.read", uri), account.as_deref(), mode, *ages)?);
    }
    Ok(())
}

fn check(
    (key, text): (&'static str, &str),
    account: Option<&str>,
    mode: Option<Mode>,
    ages: AgeLimits,
) -> Result<Checked, Failure> {
    let place = Place::parse(key, text, Care::Refuse)?;
    let said = mode.and_then(mode_name);
    let of_place = match &place.uri {
        KeyUri::Env(uri) if uri.mode == "live" => "live",
        KeyUri::Env(_) => "testnet",
        _ => "any",
    };
    let found = match mode.map(|mode| place.check_mode(mode)) {
        Some(Err(error)) => Err(error),
        Some(Ok(())) | None => fetch(&place, ages),
    };
    Ok(Checked {
        text: place.uri.to_string(),
        provider: place.provider(),
        account: place.account(account),
        mode: said.unwrap_or(of_place),
        found,
    })
}

fn fetch(place: &Place, ages: AgeLimits) -> Result<Found, KeysError> {
    let fetched = place.source()?.fetch()?;
    let now = Clock::system().now();
    let lease = fetched.lease.and_then(|lease| u64::try_from(lease.as_nanos()).ok());
    Ok(Found {
        version: fetched.version,
        created: fetched.created,
        age: fetched.created.map(|created| KeyAge::of(created, now, ages)),
        lent_until: lease.map(|lease| now.plus(sandpit_core::time::Nanos(lease))),
        key: SigningKey::new(fetched.credential)?,
    })
}

/// Why two of them must not be used together.
fn separation(checked: &[Checked]) -> Option<String> {
    let claims: Vec<_> = checked
        .iter()
        .filter_map(|one| {
            let key = &one.found.as_ref().ok()?.key;
            Some(Claim { account: &one.account, mode: one.mode, key })
        })
        .collect();
    check_separation(&claims).err().map(|error| error.to_string())
}

/// What the configuration's keys are for.
fn mode_of(config: &RunConfig, said: Option<Mode>) -> Result<Mode, Failure> {
    let key = config.venue.as_ref().and_then(|venue| venue.key.as_deref()).unwrap_or_default();
    said.or_else(|| match key.parse() {
        Ok(KeyUri::Env(uri)) if uri.mode == "live" => Some(Mode::Live),
        Ok(KeyUri::Env(uri)) if uri.mode == "testnet" => Some(Mode::Testnet),
        _ => None,
    })
    .ok_or_else(|| {
        Failure::new(Exit::Usage, "nothing says what the keys are for")
            .help("add --mode testnet or --mode live")
    })
}

/// What the exchange says of the keys, or why it does not.
type AtVenue = Result<(Option<KeyRights>, Judged), String>;

fn at_venue(config: &RunConfig, mode: Mode) -> AtVenue {
    let connection = venues::connection(config, mode, None).map_err(|error| chain(&error))?;
    let rights = venues::key_rights(connection)?;
    let judged = rights.map(|rights| judge(rights, true, mode, config.keys.any_address));
    Ok((rights, judged.unwrap_or_default()))
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

const fn age_name(class: AgeClass) -> &'static str {
    match class {
        AgeClass::Fresh => "fresh",
        AgeClass::Warn => "old",
        AgeClass::Alert => "too-old",
    }
}

fn moment(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or_default().to_string()
}

fn reply(checked: &[Checked], shared: Option<&str>, rights: Option<&AtVenue>) -> Reply {
    let mut text = String::new();
    let mut keys = Vec::new();
    let (mut missing, mut bad) = (false, false);
    for one in checked {
        match &one.found {
            Ok(found) => {
                bad |= found.age.is_some_and(|age| age.class == AgeClass::Alert);
                words(&mut text, one, found);
            }
            Err(error) => {
                missing = true;
                // Writing to a string does not fail.
                let _ = writeln!(text, "{}\n  cannot be used: {}", one.text, chain(error));
            }
        }
        keys.push(to_json(one));
    }
    if let Some(shared) = shared {
        missing = true;
        let _ = writeln!(text, "refused: {shared}");
    }
    if let Some(rights) = rights {
        bad |= rights.as_ref().map_or(true, |(_, judged)| judged.refused.is_some());
        venue_words(&mut text, rights);
    }
    let exit = match (missing, bad) {
        (true, _) => Exit::Config,
        (false, true) => Exit::Failed,
        (false, false) => Exit::Done,
    };
    let json = json!({ "keys": keys, "shared": shared, "venue": rights.map(venue_json) });
    Reply::new(text, json).ending(exit)
}

fn words(text: &mut String, one: &Checked, found: &Found) {
    let unsaid = || "not said".to_owned();
    let age = found.age.map_or_else(unsaid, |age| match age.class {
        AgeClass::Fresh => format!("{age}"),
        AgeClass::Warn => format!("{age}: it is time to change it"),
        AgeClass::Alert => format!("{age}: it is high time to change it"),
    });
    let locked =
        if found.key.is_locked_in_memory() { "kept out of swap" } else { "may be swapped" };
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{}\n  provider     {}\n  account      {}, {}\n  key          {} ({}, fingerprint {}), {locked}\n  \
         version      {}\n  age          {age}\n  lives until  {}",
        one.text,
        one.provider,
        one.account,
        one.mode,
        found.key.name(),
        found.key.kind(),
        fingerprint(&found.key),
        found.version.clone().unwrap_or_else(unsaid),
        found.lent_until.map_or_else(|| "it is changed".to_owned(), moment),
    );
}

fn to_json(one: &Checked) -> Value {
    let found = one.found.as_ref().ok();
    json!({
        "uri": one.text,
        "provider": one.provider,
        "account": one.account,
        "mode": one.mode,
        "problem": one.found.as_ref().err().map(|error| chain(error)),
        "name": found.map(|it| it.key.name().to_string()),
        "fingerprint": found.map(|it| fingerprint(&it.key)),
        "kind": found.map(|it| it.key.kind().to_string()),
        "locked_in_memory": found.map(|it| it.key.is_locked_in_memory()),
        "version": found.and_then(|it| it.version.clone()),
        "created": found.and_then(|it| it.created).map(moment),
        "age_days": found.and_then(|it| it.age).map(|age| age.days),
        "age": found.and_then(|it| it.age).map(|age| age_name(age.class)),
        "lives_until": found.and_then(|it| it.lent_until).map(moment),
    })
}

fn venue_words(text: &mut String, rights: &AtVenue) {
    // Writing to a string does not fail.
    let _ = match rights {
        Err(why) => writeln!(text, "at the exchange\n  cannot be used: {why}"),
        Ok((None, _)) => {
            writeln!(text, "at the exchange\n  taken; it does not say what a key may do")
        }
        Ok((Some(rights), judged)) => {
            let word = |may: bool| if may { "yes" } else { "no" };
            let made = rights.created.map_or_else(|| "not said".to_owned(), moment);
            let _ = writeln!(
                text,
                "at the exchange\n  trade        {}\n  withdraw     {}\n  transfer     {}\n  addresses    \
                 {}\n  made         {made}",
                word(rights.trade),
                word(rights.withdraw),
                word(rights.transfer),
                if rights.address_bound { "chosen ones" } else { "any" },
            );
            for why in &judged.warnings {
                let _ = writeln!(text, "  warning: {why}");
            }
            judged.refused.map_or(Ok(()), |why| writeln!(text, "  refused: {why}"))
        }
    };
}

fn venue_json(rights: &AtVenue) -> Value {
    match rights {
        Err(why) => json!({ "problem": why }),
        Ok((rights, judged)) => json!({
            "problem": judged.refused,
            "warnings": judged.warnings,
            "trade": rights.map(|it| it.trade),
            "withdraw": rights.map(|it| it.withdraw),
            "transfer": rights.map(|it| it.transfer),
            "address_bound": rights.map(|it| it.address_bound),
            "created": rights.and_then(|it| it.created).map(moment),
        }),
    }
}
