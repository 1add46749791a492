//! A key is one account's, in one mode, for one purpose; and it can do what it needs and no more.

use std::fs;

use serde_json::Value;

use super::{put, start, trade};
use crate::live::{Session, Stage, exchange::secret, maker, variable, venue};

const CONFIG: i32 = 3;
const FAILED: i32 = 1;

/// How a session ends that must not begin, with a ledger of its own.
fn refused(stage: &Stage, mode: &str, more: &[&str], exit: i32) -> Value {
    let mut command = stage.command(mode, None, &[&["--json"], more].concat());
    command.env("XDG_STATE_HOME", stage.path().join("user"));
    stage.ended(command).ends(exit).json()["error"].clone()
}

fn live(stage: &Stage, key: &str) {
    let (name, value) = (variable("live", "API_KEY"), variable("live", "SECRET"));
    let path = stage.path().join(".env");
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, format!("{text}{name}={key}\n{value}={}\n", secret(key))).unwrap();
}

#[test]
fn a_key_of_another_account_or_mode_is_refused() {
    let stage = Stage::new();
    let exchange = start(&stage, &[("hostkeyofonemode", "")]);
    put(stage.path(), "hostkeyofonemode", &secret("hostkeyofonemode"));
    let plugin = maker("btc", "BTCUSDT", "0.1");
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &plugin);
    let mut command = stage.command("testnet", None, &["--json"]);
    command.env("XDG_STATE_HOME", stage.path().join("user"));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut session = Session { process: Some(command.spawn().unwrap()), stage: &stage };
    session.wait_for("that it runs", |list| list["plugins"][0]["state"]["name"] == "running");
    session.end();
    // What was one account's for tests is not another's, and not money's.
    let other = format!("[keys]\naccount = \"other\"\n{plugin}");
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &other);
    let error = refused(&stage, "testnet", &[], CONFIG);
    assert!(error["message"].as_str().unwrap().contains("main/testnet"), "{error:#}");
    live(&stage, "hostkeyofonemode");
    let limits =
        "[account]\ndaily_loss = { amount = \"1000\" }\nposition_notional_max = \"1000\"\n";
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "live"), &format!("{limits}{plugin}"));
    let error = refused(&stage, "live", &["--real-money"], CONFIG);
    assert!(error["message"].as_str().unwrap().contains("main/testnet"), "{error:#}");
    // One key for two purposes.
    let read = "[keys]\nread = \"env://main/testnet\"\n";
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &format!("{read}{plugin}"));
    let error = refused(&stage, "testnet", &[], CONFIG);
    assert!(error["message"].as_str().unwrap().contains("reading"), "{error:#}");
}

#[test]
fn money_is_not_traded_with_a_key_that_could_take_it_away() {
    let stage = Stage::new();
    let keys =
        [("hostkeythatmoves", "transfers = true"), ("hostkeythattakes", "withdrawals = true")];
    let exchange = start(&stage, &keys);
    let component = crate::live::market_maker().to_str().unwrap();
    let words = ["trust", "add", "--pin", component, "--file", "trust.toml"];
    crate::support::run(stage.path(), &words).ends(0);
    let rest = format!(
        "[account]\ndaily_loss = {{ amount = \"1000\" }}\nposition_notional_max = \"1000\"\n[trust]\n\
         policy = \"pinned\"\nfile = \"trust.toml\"\n{}",
        maker("btc", "BTCUSDT", "0.1")
    );
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "live"), &rest);
    for (key, word) in [("hostkeythatmoves", "move money"), ("hostkeythattakes", "withdraw")] {
        let _ = fs::remove_file(stage.path().join(".env"));
        fs::write(stage.path().join(".env"), "").unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(stage.path().join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
        live(&stage, key);
        let error = refused(&stage, "live", &["--real-money"], FAILED);
        assert!(error.to_string().contains(word), "{error:#}");
    }
    assert!(exchange.books(&["BTCUSDT"]).orders.is_empty());
}

#[test]
fn a_key_that_works_from_everywhere_is_refused_where_that_is_said() {
    let stage = Stage::new();
    let exchange = start(&stage, &[]);
    exchange.control(
        "key/add",
        &format!(
            "account=host&apiKey=hostkeyfromeverywhere&hmacSecret={}",
            secret("hostkeyfromeverywhere")
        ),
    );
    put(stage.path(), "hostkeyfromeverywhere", &secret("hostkeyfromeverywhere"));
    let plugin = maker("btc", "BTCUSDT", "0.1");
    let refuse = format!("[keys]\nany_address = \"refuse\"\n{plugin}");
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &refuse);
    let error = refused(&stage, "testnet", &[], FAILED);
    assert!(error.to_string().contains("every address"), "{error:#}");
    stage.configure(&venue(&["BTCUSDT"], &exchange.address, "testnet"), &plugin);
    trade(&stage).end();
}
