//! The official signing vectors, byte for byte, and the forms in which keys come.

use sandpit_secrets::{Credential, KeyKind, SecretText, SigningKey};

// Both published in the official documents, and worthless.
const API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// RFC 8032, section 7.1, first test, in the forms in which people keep it.
const SEED_HEX: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const SEED_BASE64: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PKCS8: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

const ED25519_PAYLOAD: &str = "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000";
const ED25519_SIGNATURE: &str =
    "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg==";

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn sign(key: &SigningKey, payload: &str) -> String {
    // It is appended.
    let mut out = "x".to_owned();
    key.sign_into(payload.as_bytes(), &mut out);
    out.strip_prefix('x').unwrap().to_owned()
}

fn hmac() -> SigningKey {
    SigningKey::new(Credential::hmac(API_KEY, &text(SECRET)).unwrap()).unwrap()
}

fn ed25519(private_key: &str) -> SigningKey {
    SigningKey::new(Credential::ed25519(API_KEY, &text(private_key)).unwrap()).unwrap()
}

fn pem() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{PKCS8}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn hmac_of_the_official_documents() {
    let key = hmac();
    assert_eq!((key.api_key(), key.kind()), (API_KEY, KeyKind::Hmac));
    for (payload, signature) in [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559".to_owned(),
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559".to_owned(),
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        (
            "timestamp=1578963600000".to_owned(),
            "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
        ),
        (
            format!("apiKey={API_KEY}&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"),
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
    ] {
        assert_eq!(sign(&key, &payload), signature);
    }
}

#[test]
fn ed25519_in_every_form() {
    for form in [
        SEED_HEX.to_owned(),
        SEED_HEX.to_ascii_uppercase(),
        format!("{SEED_HEX}\n"),
        SEED_BASE64.to_owned(),
        pem(),
        pem().replace('\n', "\r\n"),
        // As a variable has it.
        pem().replace('\n', "\\n"),
        format!("text before\n{}", pem()),
    ] {
        let key = ed25519(&form);
        assert_eq!(key.kind(), KeyKind::Ed25519);
        assert_eq!(sign(&key, ED25519_PAYLOAD), ED25519_SIGNATURE);
    }
}

#[test]
fn private_keys_that_are_none_say_what_would_be() {
    let label = |label: &str| pem().replace("PRIVATE KEY", label);
    let rsa =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
    for (form, wanted) in [
        (String::new(), "neither a PEM file"),
        (SEED_HEX[1..].to_owned(), "neither a PEM file"),
        (SEED_BASE64.replace('=', ""), "neither a PEM file"),
        (label("ENCRYPTED PRIVATE KEY"), "passphrase"),
        (label("PUBLIC KEY"), "public half"),
        (label("RSA PRIVATE KEY"), "another kind than Ed25519"),
        (rsa.to_owned(), "another kind than Ed25519"),
        (pem().replace("-----END", "-----"), "no whole PEM file"),
        (pem().replace(PKCS8, &PKCS8[..40]), "damaged"),
        ("x".repeat(20_000), "more than 16384 bytes"),
    ] {
        let error = Credential::ed25519(API_KEY, &text(&form)).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn names_and_secrets_are_checked() {
    let hmac = |name: &str, secret: &str| {
        Credential::hmac(name, &text(secret)).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(hmac(" name\n", "\tsecret \n"), Ok(()));
    for (name, secret, wanted) in [
        ("", "secret", "the API key is empty"),
        (" \n", "secret", "the API key is empty"),
        ("name", "", "the secret is empty"),
        ("na me", "secret", "the API key has characters"),
        ("name\r\nX-Header: 1", "secret", "the API key has characters"),
        ("name", "sec\u{200b}ret", "the secret has characters"),
        (&"n".repeat(257), "secret", "the API key has more than 256 bytes"),
        ("name", &"s".repeat(1_025), "the secret has more than 1024 bytes"),
    ] {
        let error = hmac(name, secret).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn documents() {
    let read = |document: &str| {
        Credential::from_document(&text(document))
            .map(|credential| credential.kind())
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(r#"{"api_key":"name","secret":"s"}"#), Ok(KeyKind::Hmac));
    let ed25519 = format!(r#"{{"private_key":"{SEED_HEX}","api_key":"name"}}"#);
    assert_eq!(read(&ed25519), Ok(KeyKind::Ed25519));
    for (document, wanted) in [
        ("", "line 1, column 0"),
        ("[]", "a credential is a JSON object"),
        (r#"{"api_key":"name"}"#, "and not both"),
        (r#"{"api_key":"name","secret":"s","private_key":"s"}"#, "and not both"),
        (r#"{"secret":"s"}"#, "a credential is a JSON object"),
        (r#"{"api_key":"name","secret":1}"#, "a credential is a JSON object"),
        ("{\"api_key\":\"name\",\n\"secret\":\"s\",\"extra\":1}", "line 2"),
    ] {
        let error = read(document).unwrap_err();
        assert!(error.contains(wanted), "{document}: {error}");
    }
}

#[test]
fn two_keys_are_the_same_by_name_and_secret() {
    let other = |name: &str, secret: &str| {
        SigningKey::new(Credential::hmac(name, &text(secret)).unwrap()).unwrap()
    };
    assert!(hmac().is_same(&other(API_KEY, SECRET)));
    assert!(!hmac().is_same(&other(API_KEY, "another")));
    assert!(!hmac().is_same(&other("another", SECRET)));
    assert!(ed25519(SEED_HEX).is_same(&ed25519(SEED_BASE64)));
    assert!(ed25519(SEED_HEX).is_same(&ed25519(&pem())));
}
