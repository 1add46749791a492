//! Finds keys in bytes. Pure, and in time that grows with the bytes alone: fixed beginnings are
//! searched for, and what stands around them is looked at within a bound.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use memchr::memmem;

use super::{Rule, assigned};

/// How far around a candidate words are looked for, in bytes.
const NEAR_BYTES: usize = 160;
/// How far around a private key the words of a service account's document may stand, in bytes.
const DOCUMENT_BYTES: usize = 4_096;
/// Characters of base64 that make a private key more than a mention of one.
const PEM_CHARACTERS_MIN: usize = 40;
/// Bytes of a private key that are looked at.
const PEM_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one part of a signed token.
const JWT_PART_BYTES_MAX: usize = 16 * 1024;
/// A character so often in a row is no key's.
const REPEATED_MAX: usize = 8;

/// Words by which people mark what only looks like a key. A key has one of the longer ones by
/// chance never, and one of the shorter once in ten million.
const PLACEHOLDERS: &[&[u8]] = &[
    b"example",
    b"canary",
    b"placeholder",
    b"fake0",
    b"fake_",
    b"fake-",
    b"123456789",
    b"1a2b3c4d",
    b"abcdefgh",
    b"redacted",
];

/// Where something stands that is held for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) rule: Rule,
    pub(super) range: Range<usize>,
}

type Set = fn(u8) -> bool;

/// A token that begins with fixed characters.
struct Prefixed {
    rule: Rule,
    prefix: &'static [u8],
    set: Set,
    /// Bytes after the beginning.
    length: Range<usize>,
    /// There are letters of both cases and digits, as there nearly always are in a random text.
    is_mixed: bool,
}

const fn token(rule: Rule, prefix: &'static [u8], set: Set, min: usize, max: usize) -> Prefixed {
    Prefixed { rule, prefix, set, length: min..max + 1, is_mixed: false }
}

const fn mixed(rule: Rule, prefix: &'static [u8], set: Set, min: usize, max: usize) -> Prefixed {
    Prefixed { rule, prefix, set, length: min..max + 1, is_mixed: true }
}

const TOKENS: &[Prefixed] = &[
    token(Rule::AwsAccessKeyId, b"AKIA", is_upper, 16, 16),
    token(Rule::AwsAccessKeyId, b"ASIA", is_upper, 16, 16),
    mixed(Rule::GoogleApiKey, b"AIza", is_word, 35, 35),
    mixed(Rule::GoogleOauth, b"GOCSPX-", is_word, 28, 28),
    mixed(Rule::GoogleOauth, b"ya29.", is_word, 60, 2_048),
    token(Rule::AzureStorageKey, b"AccountKey=", is_base64, 88, 88),
    mixed(Rule::VaultToken, b"hvs.", is_word, 24, 512),
    mixed(Rule::VaultToken, b"hvb.", is_word, 24, 1_024),
    mixed(Rule::VaultToken, b"hvr.", is_word, 24, 512),
    mixed(Rule::VaultToken, b"s.", is_alphanumeric, 24, 24),
    mixed(Rule::VaultToken, b"b.", is_word, 80, 1_024),
    mixed(Rule::GithubToken, b"ghp_", is_alphanumeric, 36, 255),
    mixed(Rule::GithubToken, b"gho_", is_alphanumeric, 36, 255),
    mixed(Rule::GithubToken, b"ghu_", is_alphanumeric, 36, 255),
    mixed(Rule::GithubToken, b"ghs_", is_alphanumeric, 36, 255),
    mixed(Rule::GithubToken, b"ghr_", is_alphanumeric, 36, 255),
    mixed(Rule::GithubToken, b"github_pat_", is_word, 60, 120),
    mixed(Rule::GitlabToken, b"glpat-", is_word, 20, 64),
    mixed(Rule::SlackToken, b"xoxb-", is_word, 20, 255),
    mixed(Rule::SlackToken, b"xoxp-", is_word, 20, 255),
    mixed(Rule::SlackToken, b"xoxa-", is_word, 20, 255),
    mixed(Rule::SlackToken, b"xoxr-", is_word, 20, 255),
    mixed(Rule::SlackToken, b"xoxs-", is_word, 20, 255),
    mixed(Rule::SlackToken, b"xoxe.", is_word, 20, 512),
    mixed(Rule::SlackToken, b"xapp-", is_word, 20, 255),
    mixed(Rule::SlackWebhook, b"hooks.slack.com/services/", is_path, 30, 120),
    mixed(Rule::SlackWebhook, b"hooks.slack.com/workflows/", is_path, 30, 120),
    mixed(Rule::SlackWebhook, b"hooks.slack.com/triggers/", is_path, 30, 120),
    mixed(Rule::DiscordWebhook, b"discord.com/api/webhooks/", is_path, 60, 140),
    mixed(Rule::DiscordWebhook, b"discordapp.com/api/webhooks/", is_path, 60, 140),
    mixed(Rule::ServiceToken, b"npm_", is_alphanumeric, 36, 36),
    mixed(Rule::ServiceToken, b"pypi-AgE", is_word, 50, 512),
    mixed(Rule::ServiceToken, b"sk_live_", is_alphanumeric, 20, 128),
    mixed(Rule::ServiceToken, b"rk_live_", is_alphanumeric, 20, 128),
    token(Rule::ServiceToken, b"dop_v1_", is_alphanumeric, 64, 64),
];

pub(super) const fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

const fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

const fn is_path(byte: u8) -> bool {
    is_word(byte) || byte == b'/'
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Every key in these bytes, in their order; where several rules find one, the most telling.
pub(super) fn find(bytes: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    prefixed(bytes, &mut hits);
    private_keys(bytes, &mut hits);
    signed_tokens(bytes, &mut hits);
    telegram(bytes, &mut hits);
    azure(bytes, &mut hits);
    runs(bytes, &mut hits);
    hits.retain(|hit| bytes.get(hit.range.clone()).is_some_and(|text| !is_placeholder(text)));
    // What was found so far says more than that something has the name of a secret.
    let mut rest = Vec::new();
    assigned::find(bytes, &mut rest);
    let told: Vec<_> = hits.iter().map(|hit: &Hit| hit.range.clone()).collect();
    rest.retain(|range| {
        !told.iter().any(|other| other.start < range.end && range.start < other.end)
            && bytes.get(range.clone()).is_some_and(|text| !is_placeholder(text))
    });
    hits.extend(rest.into_iter().map(|range| Hit { rule: Rule::Assigned, range }));
    hits.sort_by_key(|hit| (hit.range.start, hit.rule));
    // One place is one finding.
    hits.dedup_by(|later, earlier| later.range.start < earlier.range.end);
    hits
}

/// The bytes from there on that are in the set, and at most so many and one more.
fn run(bytes: &[u8], start: usize, set: Set, max: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().take(max.saturating_add(1)).take_while(|byte| set(**byte)).count()
}

/// Whether a token may begin there: it is no part of a longer word.
fn begins(bytes: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    before.is_none_or(|byte| !is_word(byte))
}

pub(super) fn is_mixed(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(u8::is_ascii_lowercase)
}

/// Whether upper and lower case change as in a random text, which they do at every second letter. In
/// the names of a program they change where words do.
pub(super) fn is_jumbled(text: &[u8]) -> bool {
    let letters: Vec<u8> = text.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let changes = letters.windows(2).filter(|pair| {
        pair.first().map(u8::is_ascii_uppercase) != pair.last().map(u8::is_ascii_uppercase)
    });
    // Three of ten.
    changes.count() * 10 >= letters.len().saturating_sub(1) * 3
}

fn prefixed(bytes: &[u8], hits: &mut Vec<Hit>) {
    for token in TOKENS {
        // An address has a scheme or a host's name before it, a token has not.
        let is_address = token.prefix.contains(&b'/');
        for start in memmem::find_iter(bytes, token.prefix) {
            let from = start + token.prefix.len();
            let length = run(bytes, from, token.set, token.length.end);
            let before = start.checked_sub(1).and_then(|at| bytes.get(at));
            let stands_alone = is_address || begins(bytes, start) && before != Some(&b'.');
            let text = bytes.get(from..from + length).unwrap_or_default();
            if stands_alone && token.length.contains(&length) && (!token.is_mixed || is_mixed(text))
            {
                hits.push(Hit { rule: token.rule, range: start..from + length });
            }
        }
    }
}

fn private_keys(bytes: &[u8], hits: &mut Vec<Hit>) {
    const BEGIN: &[u8] = b"-----BEGIN ";
    /// Bytes of a label.
    const LABEL_BYTES_MAX: usize = 40;
    for start in memmem::find_iter(bytes, BEGIN) {
        let from = start + BEGIN.len();
        let rest = bytes.get(from..).unwrap_or_default();
        let label = rest.get(..rest.len().min(LABEL_BYTES_MAX)).unwrap_or_default();
        let Some(end) = memmem::find(label, b"-----") else { continue };
        let label = label.get(..end).unwrap_or_default();
        if memmem::find(label, b"PRIVATE KEY").is_none() {
            continue;
        }
        let body = rest.get(end + 5..).unwrap_or_default();
        let Some(length) = pem_body(body.get(..body.len().min(PEM_BYTES_MAX)).unwrap_or(body))
        else {
            continue;
        };
        let range = start..from + end + 5 + length;
        let around = near(bytes, &range, DOCUMENT_BYTES);
        let is_account = memmem::find(around, b"\"service_account\"").is_some();
        let rule = if is_account { Rule::GoogleServiceAccount } else { Rule::PrivateKey };
        hits.push(Hit { rule, range });
    }
}

/// How far a private key goes on, if there is one: base64 over lines, which may be written as `\n`,
/// be quoted, and be indented. A mention of one has none.
fn pem_body(bytes: &[u8]) -> Option<usize> {
    let (mut characters, mut at, mut may_be_space) = (0usize, 0usize, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' | b'\r' | b'"' | b'\'' => may_be_space = true,
            // The head of an old encrypted key: `Proc-Type: 4,ENCRYPTED`.
            b':' | b',' => may_be_space = true,
            b' ' | b'\t' if may_be_space => {}
            b'-' if bytes.get(at..at + 4) == Some(b"----") => break,
            b'-' => {}
            byte if is_base64(*byte) => {
                characters += 1;
                may_be_space = false;
            }
            _ => break,
        }
        at += 1;
    }
    (characters >= PEM_CHARACTERS_MIN).then(|| at.min(bytes.len()))
}

fn signed_tokens(bytes: &[u8], hits: &mut Vec<Hit>) {
    /// Characters of a signature: that of HMAC-SHA256 has 43.
    const SIGNATURE_MIN: usize = 40;
    let dot = |at: usize| bytes.get(at) == Some(&b'.');
    for start in memmem::find_iter(bytes, b"eyJ") {
        if !begins(bytes, start) {
            continue;
        }
        let part = |from: usize| run(bytes, from, is_word, JWT_PART_BYTES_MAX);
        let head_end = start + part(start);
        if !dot(head_end) || bytes.get(head_end + 1..head_end + 4) != Some(b"eyJ") {
            continue;
        }
        let claims_end = head_end + 1 + part(head_end + 1);
        if !dot(claims_end) {
            continue;
        }
        let length = part(claims_end + 1);
        let head = bytes.get(start..head_end).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let names = head.is_some_and(|head| memmem::find(&head, b"\"alg\"").is_some());
        if length >= SIGNATURE_MIN && names {
            hits.push(Hit { rule: Rule::Jwt, range: start..claims_end + 1 + length });
        }
    }
}

fn telegram(bytes: &[u8], hits: &mut Vec<Hit>) {
    const SECRET_BYTES: usize = 35;
    for at in memmem::find_iter(bytes, b":AA") {
        let digits = bytes
            .get(..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(11)
            .take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let start = at - digits;
        // In an address the word `bot` stands before it.
        let before = bytes.get(start.saturating_sub(3)..start).unwrap_or_default();
        let stands_alone = begins(bytes, start) || before == b"bot";
        let length = run(bytes, at + 1, is_word, SECRET_BYTES);
        if (8..=10).contains(&digits) && length == SECRET_BYTES && stands_alone {
            hits.push(Hit { rule: Rule::TelegramToken, range: start..at + 1 + length });
        }
    }
}

/// Three characters, a digit, `Q~`, and 31 to 34 more: how Microsoft makes its secrets known.
fn azure(bytes: &[u8], hits: &mut Vec<Hit>) {
    let set: Set = |byte| is_word(byte) || matches!(byte, b'.' | b'~');
    for at in memmem::find_iter(bytes, b"Q~") {
        let Some(start) = at.checked_sub(4) else { continue };
        let head = bytes.get(start..at).unwrap_or_default();
        let is_head =
            head.iter().all(|byte| set(*byte)) && head.last().is_some_and(u8::is_ascii_digit);
        let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        let length = run(bytes, at + 2, set, 34);
        if is_head && before.is_none_or(|byte| !set(byte)) && (31..=34).contains(&length) {
            hits.push(Hit { rule: Rule::AzureClientSecret, range: start..at + 2 + length });
        }
    }
}

/// Texts that are keys by their length, where words about keys are near.
fn runs(bytes: &[u8], hits: &mut Vec<Hit>) {
    const BINANCE_BYTES: usize = 64;
    const AWS_BYTES: usize = 40;
    let set: Set = |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut at = 0;
    while at < bytes.len() {
        let length =
            bytes.get(at..).unwrap_or_default().iter().take_while(|byte| set(**byte)).count();
        let range = at..at + length;
        at += length.max(1);
        if length != BINANCE_BYTES && length != AWS_BYTES {
            continue;
        }
        let text = bytes.get(range.clone()).unwrap_or_default();
        let after = bytes.get(range.end).copied();
        if !is_mixed(text)
            || !is_jumbled(text)
            || !begins(bytes, range.start)
            || after.is_some_and(is_word)
        {
            continue;
        }
        let around = near(bytes, &range, NEAR_BYTES).to_ascii_lowercase();
        let has = |words: &[&str]| {
            words.iter().any(|word| memmem::find(&around, word.as_bytes()).is_some())
        };
        let is_binance = text.iter().all(u8::is_ascii_alphanumeric)
            && has(&["binance", "apikey", "api_key", "api-key", "api key", "secret", "x-mbx"]);
        if length == BINANCE_BYTES && is_binance {
            hits.push(Hit { rule: Rule::Binance, range });
        } else if length == AWS_BYTES && has(&["aws", "secretaccesskey", "akia", "asia"]) {
            hits.push(Hit { rule: Rule::AwsSecretKey, range });
        }
    }
}

/// What stands around a place.
fn near<'a>(bytes: &'a [u8], range: &Range<usize>, distance: usize) -> &'a [u8] {
    let start = range.start.saturating_sub(distance);
    let end = range.end.saturating_add(distance).min(bytes.len());
    bytes.get(start..end).unwrap_or_default()
}

fn is_placeholder(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut repeated = 0;
    let is_monotonous = lower.windows(2).any(|pair| {
        repeated = if pair.first() == pair.last() { repeated + 1 } else { 0 };
        repeated >= REPEATED_MAX
    });
    is_monotonous || PLACEHOLDERS.iter().any(|word| memmem::find(&lower, word).is_some())
}
