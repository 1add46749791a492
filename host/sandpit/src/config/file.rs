//! The file as it is written. Only shapes and types; meaning is `resolve`'s.

use std::{collections::BTreeMap, path::PathBuf};

use sandpit_alerts::AlertsConfig;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::{
    Setting,
    admin::AdminFile,
    fill::{FillFile, MarginFile, TriggersFile},
    keys::KeysFile,
    limits::LimitsFile,
    number::Number,
    paper::{JournalFile, PaperFile, ReplayFile},
    risk::RiskFile,
    sandbox::{FaultsFile, SandboxFile, SwapFile, TotalsFile, WatchFile},
    trust::{IsolationFile, TrustFile},
    venue::VenueFile,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: Spanned<u32>,
    pub(super) seed: Option<Seed>,
    pub(super) currency: Option<String>,
    pub(super) from: Option<Spanned<String>>,
    pub(super) to: Option<Spanned<String>>,
    pub(super) out: Option<PathBuf>,
    pub(super) threads: Option<Spanned<u8>>,
    pub(super) isolation: Option<IsolationFile>,
    #[serde(default)]
    pub(super) isolation_require: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) tapes: Vec<PathBuf>,
    #[serde(default)]
    pub(super) fill: FillFile,
    #[serde(default)]
    pub(super) account: LimitsFile,
    #[serde(default)]
    pub(super) risk: RiskFile,
    #[serde(default)]
    pub(super) paper: PaperFile,
    #[serde(default)]
    pub(super) journal: JournalFile,
    #[serde(default)]
    pub(super) replay: ReplayFile,
    pub(super) venue: Option<VenueFile>,
    pub(super) alerts: Option<Spanned<AlertsConfig>>,
    #[serde(default)]
    pub(super) admin: AdminFile,
    #[serde(default)]
    pub(super) keys: KeysFile,
    #[serde(default)]
    pub(super) trust: TrustFile,
    #[serde(default)]
    pub(super) sandbox_total: TotalsFile,
    #[serde(default)]
    pub(super) faults: FaultsFile,
    #[serde(default)]
    pub(super) swap: SwapFile,
    #[serde(default)]
    pub(super) watch: WatchFile,
    #[serde(default)]
    pub(super) instruments: Vec<Spanned<Instrument>>,
    #[serde(default)]
    pub(super) plugins: Vec<Spanned<Plugin>>,
}

/// 64 bits; TOML's whole numbers have 63, so a large one is a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(pub(super) u64);

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Setting(text) = Setting::deserialize(deserializer)?;
        let refused =
            |_| de::Error::custom(format!("`{text}` is no whole number from 0 to 2^64 - 1"));
        text.parse().map(Seed).map_err(refused)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Instrument {
    pub(super) symbol: String,
    pub(super) maker_fee: Option<Number>,
    pub(super) taker_fee: Option<Number>,
    pub(super) min_quantity: Option<Number>,
    pub(super) max_quantity: Option<Number>,
    pub(super) min_notional: Option<Number>,
    pub(super) triggers: Option<TriggersFile>,
    pub(super) margin: Option<Spanned<MarginFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plugin {
    pub(super) name: Spanned<String>,
    pub(super) component: Option<PathBuf>,
    #[serde(rename = "crate")]
    pub(super) crate_folder: Option<PathBuf>,
    pub(super) budget: Spanned<Number>,
    #[serde(default)]
    pub(super) instruments: Vec<String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Setting>,
    #[serde(default)]
    pub(super) limits: LimitsFile,
    #[serde(default)]
    pub(super) sandbox: SandboxFile,
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SettingVisitor)
    }
}

struct SettingVisitor;

impl de::Visitor<'_> for SettingVisitor {
    type Value = Setting;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("true or false, a whole number, or a string (decimals are strings)")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Setting, E> {
        Ok(Setting(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Setting, E> {
        Ok(Setting(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Setting, E> {
        Ok(Setting(value.to_owned()))
    }

    fn visit_f64<E: de::Error>(self, float: f64) -> Result<Setting, E> {
        Err(E::custom(format!("write {float} as a string, \"{float}\": a float is not exact")))
    }
}
