//! File and flags into a [`RunConfig`]: every value checked, every path made relative to where it
//! was said, every mistake told with its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use sandpit_alerts::AlertsConfig;
use sandpit_core::{
    num::{Decimal, Money},
    time::{Nanos, UnixNanos},
};
use toml::Spanned;

use super::{
    ConfigError, FILE_BYTES_MAX, FaultRules, FillModel, InstrumentRules, JournalConfig, KeysConfig,
    LATENCY_MAX, MoneyLimits, Overrides, PLUGINS_MAX, PaperConfig, Place, PluginRun, PluginSource,
    ReplayConfig, RiskConfig, RunConfig, SandboxLimits, SandboxTotals, Setting, SwapRules,
    TAPES_MAX, THREADS_MAX, VERSION, VenueConfig, WatchRules, file,
    fill::{MarginFile, TriggersFile},
    limits::LimitsFile,
    number::Number,
    sandbox,
    trust::walls,
};
use crate::sandbox::Loading;

/// Where reports go when nobody says.
const OUT_DEFAULT: &str = "sandpit-out";
/// What a plugin is given when only flags name it.
const BUDGET_DEFAULT: Money = Money(1_000_000 * 1_000_000_000_000_000_000);

/// Reads a file and puts flags over it.
///
/// # Errors
/// The file cannot be read, is not TOML, or says something that cannot be.
pub fn load(path: &Path, overrides: &Overrides) -> Result<RunConfig, ConfigError> {
    parse(path, &read(path)?, overrides)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |problem: String| {
        ConfigError::new(format!("cannot read `{}`: {problem}", path.display()))
            .help("`sandpit config schema` prints a file to start from")
    };
    let size = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("it has {size} bytes, more than {FILE_BYTES_MAX}")));
    }
    fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

/// Reads a file for its `[venue]` alone: it need not be a whole run.
///
/// # Errors
/// As for [`load`]; or it has no `[venue]`.
pub fn load_venue(path: &Path) -> Result<VenueConfig, ConfigError> {
    let config = resolve_text(path, &read(path)?)?;
    config.venue.ok_or_else(no_venue)
}

/// Reads a file for its `[alerts]` alone: it need not be a whole run.
///
/// # Errors
/// As for [`load`].
pub fn load_alerts(path: &Path) -> Result<AlertsConfig, ConfigError> {
    Ok(resolve_text(path, &read(path)?)?.alerts)
}

/// What is said of a configuration without an exchange.
pub(crate) fn no_venue() -> ConfigError {
    ConfigError::new("the configuration has no exchange")
        .help("add [venue] with `exchange` and `symbols`; `sandpit config schema` shows it")
}

/// Reads the text of a file and puts flags over it. Paths in it are relative to `path`'s folder.
///
/// # Errors
/// As for [`load`].
pub fn parse(path: &Path, text: &str, overrides: &Overrides) -> Result<RunConfig, ConfigError> {
    let mut config = resolve_text(path, text)?;
    apply(&mut config, overrides)?;
    check_whole(&config, overrides.on_exchange)?;
    Ok(config)
}

fn resolve_text(path: &Path, text: &str) -> Result<RunConfig, ConfigError> {
    let source = Source { path, text: text.into() };
    let file: file::File = toml::from_str(text).map_err(|error| {
        let failed = source.at(error.span().unwrap_or(0..0), error.message());
        failed.help("`sandpit config schema` prints every key")
    })?;
    source.resolve(file)
}

/// A run that only flags describe.
///
/// # Errors
/// Something in them cannot be, or a tape or a plugin is missing.
pub fn from_overrides(overrides: &Overrides) -> Result<RunConfig, ConfigError> {
    let mut config = RunConfig {
        seed: 0,
        currency: None,
        from: None,
        to: None,
        out: PathBuf::from(OUT_DEFAULT),
        threads: 1,
        tapes: Vec::new(),
        fill: FillModel::default(),
        account_limits: MoneyLimits::default(),
        risk: RiskConfig::default(),
        paper: PaperConfig::default(),
        journal: JournalConfig::default(),
        replay: ReplayConfig::default(),
        venue: None,
        admin: None,
        alerts: AlertsConfig::default(),
        keys: KeysConfig::default(),
        instruments: Vec::new(),
        sandbox_total: SandboxTotals::default(),
        faults: FaultRules::default(),
        swap: SwapRules::default(),
        watch: WatchRules::default(),
        loading: Loading::default(),
        plugins: Vec::new(),
    };
    apply(&mut config, overrides)?;
    check_whole(&config, overrides.on_exchange)?;
    Ok(config)
}

struct Source<'a> {
    path: &'a Path,
    text: Arc<str>,
}

impl Source<'_> {
    fn at(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        let place = Place { file: self.path.to_owned(), text: Arc::clone(&self.text), span };
        ConfigError { message: message.into(), place: Some(place), help: None }
    }

    fn resolve(&self, file: file::File) -> Result<RunConfig, ConfigError> {
        if *file.version.get_ref() != VERSION {
            let message =
                format!("version {} of the configuration is not known", file.version.get_ref());
            let known = format!("this sandpit reads version {VERSION}");
            return Err(self.at(file.version.span(), message).help(known));
        }
        let time = |text: Option<Spanned<String>>| {
            text.map(|text| parse_time(text.get_ref()).map_err(|e| self.at(text.span(), e.message)))
                .transpose()
        };
        let threads = match file.threads {
            Some(threads) => check_threads(*threads.get_ref())
                .map_err(|error| self.at(threads.span(), error.message))?,
            None => 1,
        };
        let mut names = BTreeSet::new();
        let mut plugins = Vec::new();
        for plugin in file.plugins {
            let span = plugin.span();
            let name_span = plugin.get_ref().name.span();
            let plugin = self.plugin(plugin.into_inner(), span)?;
            if !names.insert(plugin.name.clone()) {
                let message = format!("two plugins are called `{}`", plugin.name);
                return Err(self.at(name_span, message).help("give each instance its own name"));
            }
            plugins.push(plugin);
        }
        let sandbox_total =
            file.sandbox_total.resolve().map_err(|(span, error)| self.misplaced(span, error))?;
        Ok(RunConfig {
            seed: file.seed.map_or(0, |seed| seed.0),
            currency: file.currency,
            from: time(file.from)?,
            to: time(file.to)?,
            out: self.beside(file.out.unwrap_or_else(|| OUT_DEFAULT.into())),
            threads,
            tapes: file.tapes.into_iter().map(|tape| self.beside(tape)).collect(),
            fill: file.fill.resolve().map_err(|(span, error)| self.at(span, error.message))?,
            account_limits: self.limits(file.account)?,
            risk: file.risk.resolve().map_err(|(span, error)| self.misplaced(span, error))?,
            paper: file
                .paper
                .resolve(|path| self.beside(path))
                .map_err(|(span, error)| self.at(span, error.message))?,
            journal: file.journal.resolve(),
            replay: file.replay.resolve(),
            venue: file
                .venue
                .map(|venue| venue.resolve(|path| self.beside(path)))
                .transpose()
                .map_err(|(span, error)| self.misplaced(span, error))?,
            admin: file
                .admin
                .resolve(|path| self.beside(path))
                .map_err(|(span, error)| self.misplaced(span, error))?,
            alerts: super::alerts::resolve(file.alerts, |path| self.beside(path))
                .map_err(|(span, error)| self.misplaced(span, error))?,
            keys: file.keys.resolve().map_err(|(span, error)| self.misplaced(span, error))?,
            sandbox_total,
            faults: file.faults.resolve().map_err(|(span, error)| self.misplaced(span, error))?,
            swap: file.swap.resolve().map_err(|(span, error)| self.misplaced(span, error))?,
            watch: file
                .watch
                .resolve(|path| self.beside(path))
                .map_err(|(span, error)| self.misplaced(span, error))?,
            loading: Loading {
                isolation: file.isolation.map(Into::into),
                walls_required: walls(file.isolation_require)
                    .map_err(|(span, error)| self.at(span, error.message))?,
                log_bytes_per_second_max: sandbox_total.log_bytes_per_second_max,
                ..file.trust.resolve(|path| self.beside(path))
            },
            instruments: file
                .instruments
                .into_iter()
                .map(|instrument| self.rules(instrument.into_inner()))
                .collect::<Result<_, _>>()?,
            plugins,
        })
    }

    /// A path that was written in the file.
    fn beside(&self, path: PathBuf) -> PathBuf {
        match self.path.parent() {
            Some(folder) if path.is_relative() => folder.join(path),
            _ => path,
        }
    }

    fn limits(&self, limits: LimitsFile) -> Result<MoneyLimits, ConfigError> {
        limits.resolve().map_err(|(span, error)| self.misplaced(span, error))
    }

    /// A mistake of a section that resolves itself.
    fn misplaced(&self, span: Range<usize>, error: ConfigError) -> ConfigError {
        let failed = self.at(span, error.message);
        match error.help {
            Some(help) => failed.help(help),
            None => failed,
        }
    }

    fn plugin(&self, plugin: file::Plugin, span: Range<usize>) -> Result<PluginRun, ConfigError> {
        check_name(plugin.name.get_ref())
            .map_err(|error| self.at(plugin.name.span(), error.message))?;
        let source = match (plugin.component, plugin.crate_folder) {
            (Some(path), None) => PluginSource::Component(self.beside(path)),
            (None, Some(path)) => PluginSource::Crate(self.beside(path)),
            _ => {
                let message = format!(
                    "plugin `{}` needs either `component` or `crate`",
                    plugin.name.get_ref()
                );
                return Err(self.at(span, message));
            }
        };
        let budget = positive(plugin.budget.get_ref().0)
            .map_err(|error| self.at(plugin.budget.span(), error.message))?;
        Ok(PluginRun {
            name: plugin.name.into_inner(),
            source,
            budget,
            instruments: plugin.instruments,
            parameters: plugin.parameters,
            limits: self.limits(plugin.limits)?,
            sandbox: sandbox::resolve(&plugin.sandbox)
                .map_err(|(span, error)| self.misplaced(span, error))?,
        })
    }
}

impl Source<'_> {
    fn rules(&self, rules: file::Instrument) -> Result<InstrumentRules, ConfigError> {
        let number = |number: Option<Number>| number.map(|number| number.0);
        let margin = rules.margin.as_ref().map(MarginFile::resolve).transpose();
        let margin = margin.map_err(|(span, error)| self.at(span, error.message))?;
        Ok(InstrumentRules {
            margin,
            triggers: rules.triggers.map(TriggersFile::resolve),
            symbol: rules.symbol,
            maker_fee: number(rules.maker_fee),
            taker_fee: number(rules.taker_fee),
            min_quantity: number(rules.min_quantity),
            max_quantity: number(rules.max_quantity),
            min_notional: number(rules.min_notional),
        })
    }
}

fn apply(config: &mut RunConfig, overrides: &Overrides) -> Result<(), ConfigError> {
    if let Some(seed) = overrides.seed {
        config.seed = seed;
    }
    if !overrides.tapes.is_empty() {
        config.tapes.clone_from(&overrides.tapes);
    }
    if let Some(from) = &overrides.from {
        config.from = Some(parse_time(from)?);
    }
    if let Some(to) = &overrides.to {
        config.to = Some(parse_time(to)?);
    }
    if let Some(ms) = overrides.latency_ms {
        config.fill.latency = check_latency(ms)?;
    }
    if let Some(out) = &overrides.out {
        config.out.clone_from(out);
    }
    if let Some(threads) = overrides.threads {
        config.threads = check_threads(threads)?;
    }
    let budget = match &overrides.budget {
        Some(text) => {
            let number = text.replace('_', "").parse::<Decimal>();
            positive(number.map_err(|error| ConfigError::new(format!("budget: {error}")))?)?
        }
        None => BUDGET_DEFAULT,
    };
    for plugin in &overrides.plugins {
        check_name(&plugin.name)?;
        config.plugins.push(PluginRun {
            name: plugin.name.clone(),
            source: plugin.source.clone(),
            budget,
            instruments: Vec::new(),
            parameters: BTreeMap::new(),
            limits: MoneyLimits::default(),
            sandbox: SandboxLimits::default().granted(plugin.profile),
        });
    }
    overrides.settings.iter().try_for_each(|setting| apply_setting(config, setting))
}

fn apply_setting(config: &mut RunConfig, setting: &str) -> Result<(), ConfigError> {
    let parts = setting
        .split_once('=')
        .and_then(|(key, value)| key.split_once('.').map(|(plugin, name)| (plugin, name, value)));
    let Some((plugin, parameter, value)) = parts else {
        return Err(ConfigError::new(format!("`{setting}` is no setting"))
            .help("write PLUGIN.PARAMETER=VALUE, for example ema.fast=12"));
    };
    let Some(run) = config.plugins.iter_mut().find(|run| run.name == plugin) else {
        let names: Vec<_> = config.plugins.iter().map(|run| run.name.as_str()).collect();
        return Err(ConfigError::new(format!("`{setting}`: no plugin is called `{plugin}`"))
            .help(format!("the run has: {}", names.join(", "))));
    };
    run.parameters.insert(parameter.to_owned(), Setting(value.to_owned()));
    Ok(())
}

fn check_whole(config: &RunConfig, on_exchange: bool) -> Result<(), ConfigError> {
    if on_exchange && config.venue.is_none() {
        return Err(no_venue());
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = config.plugins.iter().find(|plugin| !names.insert(&plugin.name)) {
        return Err(ConfigError::new(format!("two plugins are called `{}`", twice.name))
            .help("give each instance its own name: --plugin NAME=PATH"));
    }
    if config.plugins.is_empty() {
        return Err(ConfigError::new("the run has no plugin")
            .help("add one with --plugin NAME=PATH, or a [[plugins]] table in the file"));
    }
    if config.tapes.is_empty() && config.venue.is_none() {
        return Err(ConfigError::new("the run has no tape")
            .help("add one with --tape FILE; `sandpit data import` makes tapes"));
    }
    if config.plugins.len() > PLUGINS_MAX || config.tapes.len() > TAPES_MAX {
        return Err(ConfigError::new(format!(
            "a run has at most {PLUGINS_MAX} plugins and {TAPES_MAX} tapes"
        )));
    }
    config.sandbox_total.admit(config.plugins.iter().map(|plugin| &plugin.sandbox))?;
    match (config.from, config.to) {
        (Some(from), Some(to)) if from >= to => {
            Err(ConfigError::new("`from` is not before `to`: nothing would be played"))
        }
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(ConfigError::new(format!("`{shown}` is no plugin name: 1 to 64 of a-z, 0-9 and `-`")))
}

fn check_threads(threads: u8) -> Result<u8, ConfigError> {
    if (1..=THREADS_MAX).contains(&threads) {
        return Ok(threads);
    }
    Err(ConfigError::new(format!("threads must be 1 to {THREADS_MAX}, not {threads}")))
}

pub(super) fn check_latency(ms: u64) -> Result<Nanos, ConfigError> {
    let latency = Nanos::from_millis(ms);
    if latency <= LATENCY_MAX {
        return Ok(latency);
    }
    let max_ms = LATENCY_MAX.0 / 1_000_000;
    Err(ConfigError::new(format!(
        "a latency of {ms} ms is above the {max_ms} ms that are modelled"
    )))
}

fn positive(number: Decimal) -> Result<Money, ConfigError> {
    Money::from_decimal(number)
        .filter(|amount| *amount > Money::ZERO)
        .ok_or_else(|| ConfigError::new(format!("{number} is not an amount greater than zero")))
}

/// Reads a date (its first moment in UTC) or an RFC 3339 time.
pub(super) fn parse_time(text: &str) -> Result<UnixNanos, ConfigError> {
    let date = || -> Option<jiff::Timestamp> {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        // A longer text that begins with a date would lose its time.
        (text.len() == "2026-01-01".len()).then_some(())?;
        jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
    };
    text.parse::<jiff::Timestamp>()
        .ok()
        .or_else(date)
        .and_then(|time| u64::try_from(time.as_nanosecond()).ok())
        .map(UnixNanos)
        .ok_or_else(|| {
            ConfigError::new(format!("`{text}` is no time from 1970 on"))
                .help("write 2026-01-31 or 2026-01-31T12:00:00Z")
        })
}
