//! The signing vectors of the official documents and of RFC 8032, byte for byte.

use sandpit_core::num::Decimal;

use super::{
    testing::{Ed25519, Hmac},
    *,
};

// Both published in the official documents, and worthless.
const API_KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
/// RFC 8032, section 7.1, first test.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn hmac() -> Hmac {
    Hmac { api_key: API_KEY, secret: SECRET.to_owned() }
}

fn ed25519() -> Ed25519 {
    Ed25519::new(API_KEY, SEED)
}

fn number(text: &str) -> Value<'static> {
    Value::Decimal(text.parse::<Decimal>().unwrap())
}

fn ltcbtc(symbol: &str) -> Params<'_> {
    let mut params = Params::default();
    params.push("symbol", Value::Text(symbol));
    params.push("side", Value::Word("BUY"));
    params.push("type", Value::Word("LIMIT"));
    params.push("timeInForce", Value::Word("GTC"));
    params.push("quantity", number("1"));
    params.push("price", number("0.1"));
    params.push("recvWindow", Value::Number(5000));
    params.push("timestamp", Value::Number(1_499_827_319_559));
    params
}

/// Signs a query, or a body.
fn signed(params: &Params<'_>, in_body: bool, signer: &dyn Signer) -> String {
    let (mut query, mut body) = (String::new(), String::new());
    let place = if in_body { &mut body } else { &mut query };
    *place = params.to_query();
    sign_rest(&mut query, &mut body, signer);
    if in_body { body } else { query }
}

#[test]
fn rest_hmac() {
    const PLAIN: &str = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
    for in_body in [false, true] {
        assert_eq!(signed(&ltcbtc("LTCBTC"), in_body, &hmac()), PLAIN);
    }
    assert_eq!(
        signed(&ltcbtc("１２３４５６"), false, &hmac()),
        "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    );
    let mut params = Params::default();
    params.push("timestamp", Value::Number(1_578_963_600_000));
    assert_eq!(
        signed(&params, false, &hmac()),
        "timestamp=1578963600000&signature=d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4"
    );
}

/// Example 3 of the document: nothing stands between query and body, and the signature goes into
/// the body.
#[test]
fn rest_hmac_of_query_and_body() {
    let mut query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC".to_owned();
    let mut body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559".to_owned();
    sign_rest(&mut query, &mut body, &hmac());
    assert_eq!(query, "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC");
    assert_eq!(
        body,
        "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559&signature=0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    );
}

#[test]
fn rest_ed25519() {
    let mut params = Params::default();
    params.push("symbol", Value::Text("BTCUSDT"));
    params.push("side", Value::Word("SELL"));
    params.push("type", Value::Word("LIMIT"));
    params.push("timeInForce", Value::Word("GTC"));
    params.push("quantity", number("1"));
    params.push("price", number("0.2"));
    params.push("timestamp", Value::Number(1_668_481_559_918));
    params.push("recvWindow", Value::Number(5000));
    let payload = params.to_query();
    assert_eq!(
        payload,
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000"
    );
    let mut signature = String::new();
    ed25519().sign(payload.as_bytes(), &mut signature);
    assert_eq!(
        signature,
        "XtZirsmmi0noRzUfkqktvkVfxpkq/WtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg=="
    );
    // What base64 has beyond letters and digits is encoded.
    let query = signed(&params, false, &ed25519());
    assert!(query.ends_with("&signature=XtZirsmmi0noRzUfkqktvkVfxpkq%2FWtbLg2UOL3QGYdUBZVlqOBEMuEVw8zioY93N54NcKj9UuAXQEa9zgTDBg%3D%3D"));
}

#[test]
fn websocket_hmac() {
    let mut params = Params::default();
    params.push("symbol", Value::Text("BTCUSDT"));
    params.push("side", Value::Word("SELL"));
    params.push("type", Value::Word("LIMIT"));
    params.push("timeInForce", Value::Word("GTC"));
    params.push("quantity", number("0.01000000"));
    params.push("price", number("52000.00"));
    params.push("recvWindow", Value::Number(100));
    params.push("timestamp", Value::Number(1_645_423_376_532));
    params.push("apiKey", Value::Text(API_KEY));
    assert_eq!(
        websocket_payload(&params),
        format!(
            "apiKey={API_KEY}&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
        )
    );
    let mut signature = String::new();
    sign_websocket(&params, &hmac(), &mut signature);
    assert_eq!(signature, "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24");
}

#[test]
fn websocket_text_is_raw_and_flags_are_words() {
    let mut params = Params::default();
    params.push("symbol", Value::Text("币安&x=1"));
    params.push("omitZeroBalances", Value::Flag(true));
    params.push("apiKey", Value::Text("k"));
    assert_eq!(websocket_payload(&params), "apiKey=k&omitZeroBalances=true&symbol=币安&x=1");
    let mut json = String::new();
    Value::Text("a\"\\\n币").write_json(&mut json);
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), "a\"\\\n币");
    let mut list = String::new();
    Value::Texts(&["BTCUSDT", "BNBBTC"]).write_encoded(&mut list);
    assert_eq!(list, "%5B%22BTCUSDT%22%2C%22BNBBTC%22%5D");
}
