//! What is found, what is not, and that no finding says more than where.

use super::*;

/// Random texts that open nothing, put together here so that this file has none of them whole.
fn key(parts: &[&str]) -> String {
    parts.concat()
}

const UPPER_16: &str = "QZ7MNB2KXWVT5RPL";
const MIXED_24: &str = "kT9vQx2LmWn7RzB4pYc8HsJd";
const MIXED_35: &str = "Wn7RzB4pYc8HsJdkT9vQx2LmGf3XeUaZ6oC";
const MIXED_40: &str = "kT9vQx2LmWn7/zB4pYc8HsJdG+3XeUaZ6oCvNw1b";
const MIXED_64: &str = "kT9vQx2LmWn7RzB4pYc8HsJdGf3XeUaZ6oCvNw1bQy5uIiMtKrEoPlSgDhFjAqVz";

fn report(text: &str) -> ScanReport {
    let mut scanner = Scanner::new(AllowList::default(), ScanLimits::default());
    scanner.bytes(&Place::file("x"), text.as_bytes(), Marks::Count);
    scanner.finish()
}

fn rules(text: &str) -> Vec<Rule> {
    let report = report(text);
    for finding in &report.findings {
        let shown = format!("{finding} {finding:?}");
        for part in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| part.len() > 8) {
            let is_ours = shown.contains(part) && !finding.rule.code().contains(part);
            assert!(!is_ours, "{shown} has `{part}`");
        }
    }
    report.findings.iter().map(|finding| finding.rule).collect()
}

fn pem(label: &str, newline: &str) -> String {
    let line = &MIXED_64[..60];
    key(&[
        "-----BEGIN ",
        label,
        "-----",
        newline,
        line,
        newline,
        line,
        newline,
        "-----END ",
        label,
        "-----",
    ])
}

fn jwt() -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let (head, claims) = (encode("{\"alg\":\"RS256\"}"), encode("{\"sub\":\"desk\",\"n\":1}"));
    format!("{head}.{claims}.{MIXED_64}")
}

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

#[test]
fn keys_of_every_kind_are_found() {
    let slack = format!("T{}/B{}/{MIXED_24}", &UPPER_16[..9], &UPPER_16[..9]);
    for (text, rule) in [
        (format!("binance_api = {MIXED_64}"), Rule::Binance),
        (format!("SANDPIT_MAIN_LIVE_API_KEY={MIXED_64}\n"), Rule::Binance),
        (format!("x-mbx-apikey: {MIXED_64}\r\n"), Rule::Binance),
        (format!("[\"{}\", \"the secret\"]", MIXED_64), Rule::Binance),
        (format!("id: {}", key(&["AK", "IA", UPPER_16])), Rule::AwsAccessKeyId),
        (key(&["AS", "IA", UPPER_16]), Rule::AwsAccessKeyId),
        (format!("aws configure: {MIXED_40}"), Rule::AwsSecretKey),
        (format!("<SecretAccessKey>{MIXED_40}</SecretAccessKey>"), Rule::AwsSecretKey),
        (key(&["AI", "za", MIXED_35]), Rule::GoogleApiKey),
        (key(&["GOC", "SPX-", &MIXED_35[..28]]), Rule::GoogleOauth),
        (key(&["ya", "29.", MIXED_64]), Rule::GoogleOauth),
        (key(&["kT9", "8Q", "~", &MIXED_35[..34]]), Rule::AzureClientSecret),
        (key(&["Account", "Key=", MIXED_64, &MIXED_64[..22], "=="]), Rule::AzureStorageKey),
        (key(&["hv", "s.", MIXED_24, MIXED_64]), Rule::VaultToken),
        (key(&["X-Vault-Token: s", ".", MIXED_24]), Rule::VaultToken),
        (key(&["gh", "p_", MIXED_35, "x"]), Rule::GithubToken),
        (key(&["github", "_pat_", MIXED_24, "_", MIXED_64]), Rule::GithubToken),
        (key(&["glp", "at-", &MIXED_24[..20]]), Rule::GitlabToken),
        (key(&["xo", "xb-", "7340219586-", MIXED_24]), Rule::SlackToken),
        (key(&["https://hooks.slack", ".com/services/", &slack]), Rule::SlackWebhook),
        (
            key(&["https://discord", ".com/api/webhooks/731059284617093152/", MIXED_64]),
            Rule::DiscordWebhook,
        ),
        (key(&["7310592846", ":", "AA", &MIXED_35[..33]]), Rule::TelegramToken),
        (
            key(&["https://api.telegram.org/bot7310592846:", "AA", &MIXED_35[..33], "/x"]),
            Rule::TelegramToken,
        ),
        (key(&["np", "m_", MIXED_35, "x"]), Rule::ServiceToken),
        (pem("PRIVATE KEY", "\n"), Rule::PrivateKey),
        (format!("KEY='{}'", pem("EC PRIVATE KEY", "\\n")), Rule::PrivateKey),
        (pem("ENCRYPTED PRIVATE KEY", "\r\n"), Rule::PrivateKey),
        (pem("OPENSSH PRIVATE KEY", "\n    "), Rule::PrivateKey),
        (
            format!(
                "{{\"type\": \"service_account\", \"private_key\": \"{}\"}}",
                pem("PRIVATE KEY", "\\n")
            ),
            Rule::GoogleServiceAccount,
        ),
        (format!("cookie={}", jwt()), Rule::Jwt),
        (format!("password = \"{MIXED_24}\""), Rule::Assigned),
        (format!("{{\"apiKey\":\"{MIXED_24}\"}}"), Rule::Assigned),
        (format!("API_TOKEN={MIXED_24}\n"), Rule::Assigned),
        (format!("(\"VAULT_SECRET_ID\", \"{MIXED_24}\")"), Rule::Assigned),
        ("client_secret: 9d61b19deffd5a60ba844af492ec2cc4\n".replace("9d", "8c"), Rule::Assigned),
    ] {
        assert_eq!(rules(&text), [rule], "{text}");
        assert_eq!(rules(&format!("one\ntwo {text}\nthree")), [rule], "{text}");
    }
}

#[test]
fn what_only_looks_like_a_key_is_not() {
    for text in [
        "".to_owned(),
        key(&["AK", "IA", "IOSFODNN7EXAMPLE"]),
        key(&["AK", "IA", UPPER_16, "X"]),
        key(&["xAK", "IA", UPPER_16]),
        key(&["hash of the api key: ", &"9d61b19deffd5a60".repeat(4)]),
        format!("checksum = {MIXED_64}"),
        format!("the secret is in {MIXED_64}x9"),
        "-----BEGIN PRIVATE KEY-----`) nor a seed of 32 bytes in hexadecimal or base64".to_owned(),
        key(&["-----BEGIN ", "PRIVATE KEY-----\n{content}\n-----END PRIVATE KEY-----"]),
        pem("PUBLIC KEY", "\n"),
        pem("CERTIFICATE", "\n"),
        "pub const PrivateKeyAttestPreferred: X509CertificateTemplatePrivateKeyFlag = 1".to_owned(),
        "aws \"AWSEC2CapacityReservationFleetRolePolicy\"".to_owned(),
        "update_token = \"1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d\"".to_owned(),
        "self.secret_access_key_of_the_account2()".to_owned(),
        "secret = environment.variable(\"A\")".to_owned(),
        "password: String, token: HiddenValue32".to_owned(),
        "secret = \"secret0number0of0the0key\"".to_owned(),
        "token_url = \"https://oauth2.googleapis.com/token/v2/AbC\"".to_owned(),
        format!("token = \"canary{MIXED_24}\""),
        "password = \"xxxxxxxxxxxxxxxxxxxxxxxx1Aa\"".to_owned(),
        format!("token = \"{MIXED_24}{{rest}}\""),
        "s.get(x).thisIsALongNameOfFour".to_owned(),
        jwt().replace("eyJ", "eyK"),
    ] {
        assert_eq!(rules(&text), [], "{text}");
    }
}

/// Of random keys of a kind nearly all are found; the rest is by chance like words.
#[test]
fn random_keys_are_found() {
    const KEYS: usize = 2_000;
    const ALL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |length: usize| -> String {
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = usize::try_from(state >> 33).unwrap() % ALL.len();
                char::from(ALL[at])
            })
            .collect()
    };
    for (before, length, after, least) in [
        ("SANDPIT_MAIN_LIVE_SECRET=", 64, "\n", 1_995),
        ("\"api_key\": \"", 64, "\"", 1_995),
        ("aws_secret_access_key = ", 40, "\n", 1_960),
        ("client_secret: \"", 40, "\"", 1_960),
        ("API_TOKEN=", 32, "\n", 1_850),
        ("password = '", 24, "'", 1_850),
    ] {
        let found = (0..KEYS)
            .filter(|_| {
                !find::find(format!("{before}{}{after}", random(length)).as_bytes()).is_empty()
            })
            .count();
        assert!(found >= least, "{before}: {found} of {KEYS}");
    }
}

#[test]
fn a_finding_has_place_line_and_length() {
    let report = report(&format!("a\nb\npassword = \"{MIXED_24}\"\n"));
    let [finding] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((finding.line, finding.length_bytes, finding.times), (3, 24, 1));
    let shown = finding.to_string();
    assert!(shown.starts_with("x:3: assigned-secret: a random value"), "{shown}");
    assert!(!report.is_clean());
}

#[test]
fn marks_and_lists_allow_with_a_reason() {
    let line = format!("password = \"{MIXED_24}\"");
    let marked = |mark: &str| report(&format!("{mark}\n{line} # {mark}\n")).findings.len();
    assert_eq!(marked("sandpit-scan: allow, a vector of RFC 8032"), 0);
    assert_eq!(marked("sandpit-scan: allow"), 1);
    assert_eq!(marked("allow"), 1);
    // Two lines before is another matter.
    assert_eq!(report(&format!("# sandpit-scan: allow (fake)\n\n{line}")).findings.len(), 1);
    let mut scanner = Scanner::new(AllowList::default(), ScanLimits::default());
    let text = format!("{line} # sandpit-scan: allow (it says)");
    scanner.bytes(&Place::file("x"), text.as_bytes(), Marks::Ignore);
    let finding = scanner.finish().findings.remove(0);

    let scan = |list: &str, path: &str| {
        let mut scanner = Scanner::new(AllowList::parse(list).unwrap(), ScanLimits::default());
        scanner.bytes(&Place::file(path), line.as_bytes(), Marks::Count);
        let report = scanner.finish();
        (report.findings.len(), report.allowed, report.unused.len())
    };
    let print = finding.fingerprint;
    assert_eq!(scan(&format!("# of tests\n\n{print} x a fake of a test\n"), "x"), (0, 1, 0));
    assert_eq!(scan(&format!("{print} * a fake of a test"), "y"), (0, 1, 0));
    assert_eq!(scan(&format!("{print} x a fake of a test"), "y"), (1, 0, 1));
    assert_eq!(scan("0000000000000000 x other", "x"), (1, 0, 1));
    for (text, wanted) in [
        ("x y z", "line 1 of `.sandpit-scan-allow` does not begin with a fingerprint"),
        ("\n0000000000000000 x", "line 2 of `.sandpit-scan-allow` has no path, or no reason"),
        ("0000000000000000", "has no path, or no reason"),
    ] {
        let error = AllowList::parse(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let many = format!("{print} x y\n").repeat(1_001);
    assert!(AllowList::parse(&many).unwrap_err().to_string().contains("one too many"));
}

#[test]
fn keys_of_this_host_are_found_whatever_they_look_like() {
    let mask = Mask::default();
    mask.add(&crate::SecretText::new("just some words".to_owned()));
    let list = "0000000000000000 * nothing";
    let mut scanner = Scanner::new(AllowList::parse(list).unwrap(), ScanLimits::default());
    scanner = scanner.with_known(mask);
    let text = b"a\nlog: just some words # sandpit-scan: allow (never)";
    scanner.bytes(&Place::file("x"), text, Marks::Count);
    let report = scanner.finish();
    let [finding] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((finding.rule, finding.line), (Rule::Known, 2));
    assert!(!format!("{finding} {finding:?}").contains("words"));
}

/// A key on the border of two pieces, and one far behind it, are found once each.
#[test]
fn what_is_long_is_read_in_pieces() {
    let line = "nothing to see here, only a line of a log\n";
    let found = format!("password = \"{MIXED_24}\"\n");
    for at in [PIECE_BYTES - OVERLAP_BYTES - 20, PIECE_BYTES - 20, PIECE_BYTES - 8, PIECE_BYTES] {
        let mut text = line.repeat(2 * PIECE_BYTES / line.len());
        let at = at - at % line.len();
        text.insert_str(at, &found);
        text.push_str(&found);
        let report = report(&text);
        let lines: Vec<u64> = report.findings.iter().map(|finding| finding.line).collect();
        let last = u64::try_from(text.lines().count()).unwrap();
        assert_eq!(lines, [u64::try_from(at / line.len()).unwrap() + 1, last]);
    }
}

#[test]
fn bounds_end_a_scan_and_it_is_not_clean() {
    let text = format!("password = \"{MIXED_24}\"\n").repeat(20);
    let limits = ScanLimits { findings_max: 3, ..ScanLimits::default() };
    let mut scanner = Scanner::new(AllowList::default(), limits);
    scanner.bytes(&Place::file("x"), text.as_bytes(), Marks::Count);
    let report = scanner.finish();
    assert_eq!((report.findings.len(), report.more), (3, 17));

    let limits = ScanLimits { bytes_max: 10, ..ScanLimits::default() };
    let mut scanner = Scanner::new(AllowList::default(), limits);
    let text = vec![b'a'; 3 * PIECE_BYTES];
    scanner.bytes(&Place::file("x"), &text, Marks::Count);
    let report = scanner.finish();
    assert_eq!(report.ended_by, Some(Bound::Bytes));
    assert!(!report.is_clean() && report.bytes < 2 * 4 * 1024 * 1024);
}

#[test]
fn text_of_windows_is_read_too() {
    let text = format!("password = \"{MIXED_24}\"\n");
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let mut scanner = Scanner::new(AllowList::default(), ScanLimits::default());
    scanner.bytes(&Place::file("x"), &bytes, Marks::Count);
    assert_eq!(scanner.finish().findings.len(), 1);
}

#[test]
fn codes_are_told_apart() {
    let mut codes: Vec<_> = Rule::all().map(Rule::code).collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

proptest::proptest! {
    /// Whatever comes, it is read to its end, and what is found lies in it.
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        for hit in find::find(&bytes) {
            proptest::prop_assert!(hit.range.start < hit.range.end && hit.range.end <= bytes.len());
        }
    }

    /// The same of texts that look more like what is searched.
    #[test]
    fn any_text(text in "(secret|token|AKIA|eyJ|Q~|:AA|-----BEGIN |s\\.|[a-zA-Z0-9=:\"', \n./_-]{1,12}){0,60}") {
        for hit in find::find(text.as_bytes()) {
            proptest::prop_assert!(hit.range.start < hit.range.end && hit.range.end <= text.len());
        }
    }
}
