//! Values that would be seen anywhere are in every secret of every test here, and anything that is
//! logged by anybody, at whatever level, is looked through: see `support::watch`. This file has the
//! rest: what is printed, what is serialized, and that the looking through finds something.

use std::panic;

use sandpit_secrets::{
    ApiKey, Care, Clock, Credential, Environment, Fetched, KeyHandle, SecretText, SigningKey,
};

use crate::support::{API_KEY, Hands, PROOF, SECRET, is_watched, variables};

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn credential() -> Credential {
    Credential::hmac(API_KEY, &text(SECRET)).unwrap()
}

fn has(shown: &str) -> bool {
    shown.contains("canary") || shown.contains(API_KEY)
}

#[test]
fn nothing_is_printed() {
    let key = SigningKey::new(credential()).unwrap();
    let ed25519 = Credential::ed25519(
        API_KEY,
        &text("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    );
    let environment = variables(&[("SANDPIT_MAIN_LIVE_SECRET", SECRET), ("VAULT_TOKEN", PROOF)])
        .with_file("none".into(), Care::Refuse);
    let fetched = Fetched { credential: credential(), version: None, created: None, lease: None };
    for shown in [
        format!("{:?} {:#?}", text(SECRET), text(SECRET)),
        format!("{:?} {:#?}", credential(), credential()),
        format!("{ed25519:?} {ed25519:#?}"),
        format!("{key:?} {key:#?} {}", key.name()),
        format!("{:?} {:#?}", environment, environment.load().unwrap()),
        format!("{fetched:?}"),
        format!("{:?}", KeyHandle::fixed(key)),
        format!("{:?}", Some(ApiKey::new(API_KEY).unwrap())),
    ] {
        assert!(!has(&shown) && !shown.contains("9d61"), "{shown}");
    }
    // A short name would be half of itself.
    assert_eq!(ApiKey::new("canary").unwrap().to_string(), "…");
    assert_eq!(ApiKey::new(API_KEY).unwrap().to_string(), "cana…");
}

/// What a derive would do.
#[test]
fn what_prints_its_fields_is_found() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "it is printed")]
    struct Careless {
        secret: String,
    }
    assert!(has(&format!("{:?}", Careless { secret: SECRET.to_owned() })));
}

#[test]
fn nothing_can_be_serialized() {
    macro_rules! can_be_serialized {
        ($type:ty) => {{
            struct Probe<T>(std::marker::PhantomData<T>);
            #[allow(dead_code, reason = "it is there for what cannot be serialized")]
            trait Otherwise {
                fn is_serialize(&self) -> bool {
                    false
                }
            }
            impl<T> Otherwise for Probe<T> {}
            #[allow(dead_code, reason = "it exists for what can be serialized only")]
            impl<T: serde::Serialize> Probe<T> {
                fn is_serialize(&self) -> bool {
                    true
                }
            }
            Probe::<$type>(std::marker::PhantomData).is_serialize()
        }};
    }
    assert!(can_be_serialized!(String));
    assert!(!can_be_serialized!(SecretText));
    assert!(!can_be_serialized!(ApiKey));
    assert!(!can_be_serialized!(Credential));
    assert!(!can_be_serialized!(SigningKey));
    assert!(!can_be_serialized!(Fetched));
    assert!(!can_be_serialized!(Environment));
}

/// Whoever unwraps an error prints it.
#[test]
fn panics_say_nothing() {
    let uri = "env://main/live".parse().unwrap();
    for variables in [
        variables(&[("SANDPIT_MAIN_LIVE_API_KEY", "canary with spaces")]),
        variables(&[
            ("SANDPIT_MAIN_LIVE_API_KEY", "canary with spaces"),
            ("SANDPIT_MAIN_LIVE_SECRET", SECRET),
        ]),
        variables(&[
            ("SANDPIT_MAIN_LIVE_API_KEY", API_KEY),
            ("SANDPIT_MAIN_LIVE_PRIVATE_KEY", PROOF),
        ]),
    ] {
        let outcome = panic::catch_unwind(|| {
            let mut source =
                sandpit_secrets::source::open(&uri, &variables, Clock::system()).unwrap();
            drop(source.fetch().unwrap());
        });
        let message = outcome.unwrap_err();
        let message = message.downcast_ref::<String>().unwrap();
        assert!(!has(message), "{message}");
    }
}

#[test]
fn what_is_logged_is_looked_through() {
    let _ = Hands::new();
    assert!(is_watched(|| tracing::trace!(value = SECRET, "careless")));
    assert!(is_watched(|| tracing::error!("careless {PROOF}")));
    assert!(!is_watched(|| tracing::trace!("careful {:?}", text(SECRET))));
}
