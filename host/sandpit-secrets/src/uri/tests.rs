//! Forms that are read, and what is refused without repeating it.

use super::*;

fn read(text: &str) -> Result<String, String> {
    text.parse::<KeyUri>().map(|uri| uri.to_string()).map_err(|error| error.to_string())
}

#[test]
fn what_is_read_is_shown_the_same() {
    for text in [
        "env://main/testnet",
        "env://sub-2/live/read",
        "file:///run/credentials/sandpit.service/main",
        "file:///run/secrets/main?others=allowed",
        "keyring://sandpit/main/live",
        "vault://vault.example.com:8200/secret/desk/main",
        "vault://vault.example.com/kv/a?auth=approle&auth_mount=desk&namespace=team/a&version=3&ca=/etc/ca.pem",
        "vault://[::1]:8200/kv/a/b?auth=kubernetes&role=sandpit&engine=leased&tls=off",
        "vault://v/kv/a?auth=wrapped-token",
        "aws-sm://eu-west-1/desk/main",
        "aws-sm://eu-west-1/arn:aws:secretsmanager:eu-west-1:1:secret:desk-AbCdEf?version=0-a",
        "aws-sm://cn-north-1/main?stage=AWSPREVIOUS&endpoint=https://vpce-1.example.com&ca=/ca.pem",
        "gcp-sm://desk-1/main",
        "gcp-sm://desk-1/main?version=3&endpoint=https://p.example.com:443",
        "azure-kv://desk/main",
        "azure-kv://desk.vault.azure.cn/main?version=0123abcd",
    ] {
        assert_eq!(read(text).as_deref(), Ok(text));
    }
}

#[test]
fn names_of_variables() {
    let KeyUri::Env(uri) = "env://desk-a/testnet/trade".parse().unwrap() else { panic!() };
    assert_eq!(uri.prefix(), "SANDPIT_DESK_A_TESTNET_TRADE_");
}

#[test]
fn what_is_refused_says_what_is_wanted() {
    for (text, wanted) in [
        ("", "begins with one of"),
        ("main/testnet", "begins with one of"),
        ("ENV://main/testnet", "begins with one of"),
        ("http://main/testnet", "begins with one of"),
        ("env://", "nothing after the scheme"),
        ("env://main", "the account, its mode"),
        ("env://main/", "empty"),
        ("env://main/testnet/withdraw", "at most a purpose"),
        ("env://main/testnet/read/x", "at most a purpose"),
        ("env://main/../x", "`.` or `..`"),
        ("env://Main/testnet", "the account has characters"),
        ("env://main/Testnet", "the mode has characters"),
        ("env://a:b@main/testnet", "no credentials"),
        ("env://main/testnet?x=1", "no options"),
        ("env://main/testnet?", "no options"),
        ("env://main/test net", "the URI has characters"),
        ("env://main/testnet%20", "the URI has characters"),
        ("keyring://", "nothing after the scheme"),
        ("keyring://sandpit", "an account is wanted"),
        ("keyring://sandpit/a b", "the URI has characters"),
        ("keyring://sandpit/a:b", "the account has characters"),
        ("keyring://sandpit/main?x=1", "no options"),
        ("vault://", "nothing after the scheme"),
        ("vault://h/secret", "a mount and a path"),
        ("vault://h/secret/", "empty"),
        ("vault://h/secret/../x", "`.` or `..`"),
        ("vault://t@h/secret/a", "no credentials"),
        ("vault://h/secret/a?token=x", "unknown, repeated"),
        ("vault://h/secret/a?auth=approle&auth=token", "unknown, repeated"),
        ("vault://h/secret/a?auth=", "unknown, repeated"),
        ("vault://h/secret/a?auth", "unknown, repeated"),
        ("vault://h/secret/a?auth=ldap", "`auth` is none of"),
        ("vault://h/secret/a?auth=kubernetes", "`role` belongs to"),
        ("vault://h/secret/a?role=x", "`role` belongs to"),
        ("vault://h/secret/a?version=0", "`version` has to be a number"),
        ("vault://h/secret/a?version=x", "`version` has to be a number"),
        ("vault://h/secret/a?ca=relative", "`ca` has to be an absolute path"),
        ("vault://h/secret/a?tls=on", "`tls` can be off"),
        ("aws-sm://eu-west-1", "a name is wanted"),
        ("aws-sm://eu.west/a", "the region has characters"),
        ("aws-sm://eu-west-1/a?stage=X&version=1", "so `stage` cannot"),
        ("aws-sm://eu-west-1/a?endpoint=ftp://h", "`endpoint` has to be of the form"),
        ("aws-sm://eu-west-1/a?endpoint=https://h/path", "`endpoint` has to be of the form"),
        ("gcp-sm://desk/a/b", "one name is wanted"),
        ("gcp-sm://desk/a.b", "the name has characters"),
        ("azure-kv://desk", "one name is wanted"),
        ("azure-kv://desk/a_b", "the name has characters"),
        ("file://relative", "begin with `/`"),
        ("file:///a?b", "the path has characters"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
    let long = format!("env://{}/testnet", "a".repeat(URI_BYTES_MAX));
    assert!(read(&long).unwrap_err().contains("at most"));
}

/// Somebody pastes a key where its URI belongs.
#[test]
fn what_was_written_is_not_repeated() {
    const CANARY: &str = "canary0secret0value";
    for text in [
        CANARY.to_owned(),
        format!("{CANARY}://x"),
        format!("env://{CANARY}"),
        format!("env://user:{CANARY}@main/testnet"),
        format!("env://main/testnet/{CANARY}"),
        format!("env://main/testnet?{CANARY}"),
        format!("file://{CANARY}"),
        format!("vault://h/secret/a?{CANARY}=1"),
        format!("vault://h/secret/a?auth={CANARY}"),
        format!("vault://{CANARY}@h/secret/a"),
        format!("vault://h/secret/a?version={CANARY}"),
        format!("aws-sm://r/a?endpoint={CANARY}"),
        format!("file:///{CANARY}?"),
    ] {
        let error = text.parse::<KeyUri>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
}

proptest::proptest! {
    /// What is shown is read as the same.
    #[test]
    fn any_text_is_read_or_refused(text in "(env|keyring|vault|aws-sm|gcp-sm|azure-kv|file)://[a-z0-9/:?=&._@-]{0,60}") {
        if let Ok(uri) = text.parse::<KeyUri>() {
            proptest::prop_assert_eq!(uri.to_string().parse::<KeyUri>(), Ok(uri));
        }
    }
}
