//! Who asks: keys, signatures, and the time of a request.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    hmac,
    signature::{ED25519, UnparsedPublicKey},
};

use crate::{
    Exchange,
    config::{KEYS_MAX, KeyConfig, TEXT_BYTES_MAX},
    order::AccountId,
    params::Params,
    refusal::Refusal,
};

/// Bytes of an Ed25519 public key.
const PUBLIC_KEY_BYTES: usize = 32;
/// Keys that an account may ever have had.
const KEYS_EVER_MAX: usize = 4_096;
/// A request may be this old where it does not say.
const WINDOW_MS: u64 = 5_000;
/// The most that it may say.
const WINDOW_MS_MAX: u64 = 60_000;
/// A request may be this much ahead of the exchange's clock.
const AHEAD_MS_MAX: u64 = 1_000;

/// A key that was found: the account and which of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) account: AccountId,
    pub(crate) key: usize,
}

fn public_key(text: &str) -> Option<[u8; PUBLIC_KEY_BYTES]> {
    let base64: String = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    let bytes = STANDARD.decode(base64).ok()?;
    // A PEM holds the key at its end, after the name of the algorithm.
    let start = match bytes.len() {
        PUBLIC_KEY_BYTES => 0,
        44 => 12,
        _ => return None,
    };
    bytes[start..].try_into().ok()
}

pub(crate) fn check_key(key: &KeyConfig) -> Result<(), &'static str> {
    match (&key.hmac_secret, &key.ed25519_public_key) {
        (Some(secret), None) if !secret.bytes().is_empty() => Ok(()),
        (None, Some(public)) if public_key(public).is_some() => Ok(()),
        (None, Some(_)) => Err("an ed25519_public_key is no Ed25519 key in base64 or PEM"),
        _ => Err("a key has either an hmac_secret or an ed25519_public_key"),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// Whether a signature is that of this key. Takes as long for a wrong one as for a right one.
fn verify(key: &KeyConfig, payload: &[u8], signature: &str) -> bool {
    if let Some(secret) = &key.hmac_secret {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        return hex(signature).is_some_and(|tag| hmac::verify(&key, payload, &tag).is_ok());
    }
    let Some(public) = key.ed25519_public_key.as_deref().and_then(public_key) else {
        return false;
    };
    let signature = STANDARD.decode(signature);
    signature.is_ok_and(|signature| {
        UnparsedPublicKey::new(&ED25519, public).verify(payload, &signature).is_ok()
    })
}

impl Exchange {
    /// Whose key this is.
    pub(crate) fn login(&self, api_key: &str) -> Result<Login, Refusal> {
        let plain = api_key.bytes().all(|b| b.is_ascii_alphanumeric());
        if api_key.is_empty() || !plain {
            return Err(Refusal::key_format());
        }
        for (account, own) in self.accounts.iter().enumerate() {
            let is_it =
                |key: &Option<KeyConfig>| key.as_ref().is_some_and(|it| it.api_key == api_key);
            if let Some(key) = own.keys.iter().position(is_it) {
                return Ok(Login { account, key });
            }
        }
        Err(Refusal::bad_key())
    }

    /// The key of a login, unless it was taken away since.
    pub(crate) fn key(&self, login: Login) -> Result<&KeyConfig, Refusal> {
        self.accounts[login.account].keys[login.key].as_ref().ok_or_else(Refusal::bad_key)
    }

    /// One key more for an account that is called so.
    pub(crate) fn add_key(&mut self, account: &str, key: KeyConfig) -> Result<(), Refusal> {
        let plain = key.api_key.bytes().all(|b| b.is_ascii_alphanumeric());
        let length = 1..=TEXT_BYTES_MAX;
        if !plain || !length.contains(&key.api_key.len()) || self.login(&key.api_key).is_ok() {
            return Err(Refusal::invalid("apiKey"));
        }
        check_key(&key).map_err(|_| Refusal::invalid("hmacSecret"))?;
        let own = self.accounts.iter_mut().find(|own| own.name == account);
        let own = own.ok_or_else(|| Refusal::invalid("account"))?;
        let living = own.keys.iter().flatten().count();
        if living >= KEYS_MAX || own.keys.len() >= KEYS_EVER_MAX {
            return Err(Refusal::too_many_open());
        }
        own.keys.push(Some(key));
        Ok(())
    }

    /// Takes a key away: whatever is signed with it from now on is refused. Whose it was.
    pub(crate) fn revoke_key(&mut self, api_key: &str) -> Result<Login, Refusal> {
        let login = self.login(api_key)?;
        self.accounts[login.account].keys[login.key] = None;
        Ok(login)
    }

    /// Time and signature of a request.
    pub(crate) fn check_signed(
        &self,
        login: Login,
        params: &Params,
        payload: &[u8],
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let signature = params.get("signature").ok_or_else(|| Refusal::mandatory("signature"))?;
        check_time(params, now_ms)?;
        if verify(self.key(login)?, payload, signature) {
            Ok(())
        } else {
            Err(Refusal::bad_signature())
        }
    }
}

/// Whether a request comes in its time.
pub(crate) fn check_time(params: &Params, now_ms: u64) -> Result<(), Refusal> {
    let text = params.get("timestamp").ok_or_else(|| Refusal::mandatory("timestamp"))?;
    let sent_ms = read_time(text).ok_or_else(|| Refusal::illegal("timestamp", "^[0-9]{1,20}$"))?;
    let window = match params.get("recvWindow") {
        None => WINDOW_MS,
        Some(text) => read_window(text).ok_or_else(|| Refusal::mandatory("recvWindow"))?,
    };
    if window > WINDOW_MS_MAX {
        return Err(Refusal::window_too_long());
    }
    if sent_ms >= now_ms + AHEAD_MS_MAX {
        return Err(Refusal::ahead());
    }
    if now_ms.saturating_sub(sent_ms) > window {
        return Err(Refusal::outside_window());
    }
    Ok(())
}

/// Milliseconds, or microseconds by their size.
fn read_time(text: &str) -> Option<u64> {
    const MICROSECONDS_FROM: u64 = 100_000_000_000_000;
    let number: u64 = text.parse().ok()?;
    Some(if number >= MICROSECONDS_FROM { number / 1_000 } else { number })
}

/// Milliseconds with up to three digits after the point, which are cut.
fn read_window(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fine = fraction.len() <= 3 && fraction.bytes().all(|b| b.is_ascii_digit());
    if fine { whole.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, DEMO_API_KEY, Secret};

    const PAYLOAD: &str = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";

    fn exchange() -> Exchange {
        Exchange::new(&Config::default().with_defaults(&[])).unwrap()
    }

    fn params(signature: &str) -> Params {
        Params::from_query(&format!("{PAYLOAD}&signature={signature}")).unwrap()
    }

    #[test]
    fn the_published_vectors_pass_and_a_changed_byte_does_not() {
        let exchange = exchange();
        let login = exchange.login(DEMO_API_KEY).unwrap();
        let good = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        let check = |payload: &str, signature: &str, now_ms| {
            exchange.check_signed(login, &params(signature), payload.as_bytes(), now_ms)
        };
        let now = 1_499_827_319_559;
        assert_eq!(check(PAYLOAD, good, now), Ok(()));
        assert_eq!(check(PAYLOAD, &good.to_uppercase(), now), Ok(()));
        assert_eq!(check(PAYLOAD, &good.replace('c', "d"), now), Err(Refusal::bad_signature()));
        assert_eq!(check(PAYLOAD, "\u{e9}\u{e9}", now), Err(Refusal::bad_signature()));
        assert_eq!(check(&PAYLOAD[1..], good, now), Err(Refusal::bad_signature()));
        assert_eq!(check(PAYLOAD, good, now + 5_001), Err(Refusal::outside_window()));
        assert_eq!(check(PAYLOAD, good, now - 1_000), Err(Refusal::ahead()));
        assert_eq!(check(PAYLOAD, good, now - 999), Ok(()));
    }

    #[test]
    fn ed25519_keys_are_read_raw_and_as_pem() {
        // RFC 8032, test 1.
        let raw = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        let payload = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000";
        let signature = "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==";
        for text in [raw, pem] {
            let key =
                KeyConfig { ed25519_public_key: Some(text.to_owned()), ..KeyConfig::new("k") };
            assert_eq!(check_key(&key), Ok(()));
            assert!(verify(&key, payload.as_bytes(), signature));
            assert!(!verify(&key, &payload.as_bytes()[1..], signature));
            assert!(!verify(&key, payload.as_bytes(), "AAAA"));
            let both = KeyConfig { hmac_secret: Some(Secret::new("x")), ..key };
            assert!(check_key(&both).is_err());
        }
    }

    #[test]
    fn windows_have_bounds() {
        let time = |query: &str| check_time(&Params::from_query(query).unwrap(), 10_000);
        assert_eq!(time("timestamp=10000&recvWindow=60001"), Err(Refusal::window_too_long()));
        assert_eq!(time("timestamp=10000&recvWindow=0.5"), Ok(()));
        assert_eq!(time("timestamp=9999&recvWindow=0"), Err(Refusal::outside_window()));
        assert_eq!(time("recvWindow=1"), Err(Refusal::mandatory("timestamp")));
        assert_eq!(time("timestamp=1700000000000000"), Err(Refusal::ahead()));
        assert!(time("timestamp=-5").is_err());
    }
}
