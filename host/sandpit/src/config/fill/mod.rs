//! `[fill]`, and what `[[instruments]]` says of triggers and margin: how orders meet the market.

mod render;

use std::ops::Range;

use sandpit_core::{
    matching::{
        BarPath, Beyond, Closing, FeeSchedule, FeeTier, Maintenance, MarginRules, MarginTier,
        QueueModel, Split, Touch, TriggerSource,
    },
    num::{Decimal, Money, Rate},
    risk::OffTick,
    simulation::Latency,
    time::{Nanos, UnixNanos},
};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

use render::{closing, fees, latency};
pub(super) use render::{margin, triggers};

use super::{
    ConfigError, LATENCY_MAX,
    number::Number,
    render::{integer, put},
    resolve::{check_latency, parse_time},
};

/// Days of a fee window where nobody says.
const FEE_DAYS_DEFAULT: u16 = 30;
/// The power of a queue where nobody says.
const POWER_DEFAULT: u8 = 2;

/// How orders meet the market.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FillModel {
    /// From the event that led to an order until it reaches the venue, and again for the report,
    /// where the two below say nothing else.
    pub latency: Nanos,
    /// Of orders, changes and cancels.
    pub order_latency: Option<LatencyModel>,
    /// Of the venue's reports.
    pub report_latency: Option<LatencyModel>,
    /// Whether a resting order trades when the market only touches its price.
    pub touch: Touch,
    /// How a queue that can be seen moves.
    pub queue: QueueModel,
    /// What there is beyond what is shown.
    pub beyond: Beyond,
    /// What triggers look at.
    pub triggers: TriggerSource,
    /// The path of a bar.
    pub bars: BarPath,
    /// Fees by traded notional.
    pub fees: Option<FeeSchedule>,
    /// When the venue is closed.
    pub maintenance: Maintenance,
    /// What happens to prices off the tick.
    pub off_tick: OffTick,
}

/// A model of one direction's latency, without its seed, which is the run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyModel {
    /// Always the same.
    Fixed(Nanos),
    /// Between `base` and `base` + `spread`.
    Jitter {
        /// The least.
        base: Nanos,
        /// The most that is added.
        spread: Nanos,
    },
    /// The market data's own, scaled, and something more.
    Recorded {
        /// How much slower than market data.
        factor: Rate,
        /// Added to it.
        plus: Nanos,
    },
}

impl LatencyModel {
    const fn seeded(self, seed: u64) -> Latency {
        match self {
            Self::Fixed(way) => Latency::Fixed(way),
            Self::Jitter { base, spread } => Latency::Jitter { base, spread, seed },
            Self::Recorded { factor, plus } => Latency::Recorded { factor, plus },
        }
    }
}

impl FillModel {
    /// The latencies of orders and of reports, with the randomness of a run.
    #[must_use]
    pub fn latencies(&self, seed: u64) -> (Latency, Latency) {
        let both = LatencyModel::Fixed(self.latency);
        let orders = self.order_latency.unwrap_or(both).seeded(seed);
        // The other direction has dice of its own.
        let reports = self.report_latency.unwrap_or(both).seeded(!seed);
        (orders, reports)
    }

    /// The least latency of an order, for people.
    #[must_use]
    pub fn least_order_latency(&self) -> Nanos {
        match self.order_latency {
            None => self.latency,
            Some(LatencyModel::Fixed(way)) => way,
            Some(LatencyModel::Jitter { base, .. }) => base,
            Some(LatencyModel::Recorded { plus, .. }) => plus,
        }
    }

    /// As it is written. What is at its default is left out, but for the first three.
    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        let text = |text: &str| Some(Value::String(text.to_owned()));
        put(&mut table, "latency_ms", integer(Some(self.latency.0 / 1_000_000)));
        put(&mut table, "order_latency", self.order_latency.map(latency));
        put(&mut table, "report_latency", self.report_latency.map(latency));
        let touch = match self.touch {
            Touch::Never => "never",
            Touch::Always => "always",
        };
        put(&mut table, "touch", text(touch));
        let off_tick = match self.off_tick {
            OffTick::Deny => "deny",
            OffTick::Round => "round",
        };
        put(&mut table, "off_tick", text(off_tick));
        match self.queue {
            QueueModel::Conservative => {}
            QueueModel::Probable(Split::Log) => put(&mut table, "queue", text("log")),
            QueueModel::Probable(Split::Power(n)) => {
                put(&mut table, "queue", text("power"));
                put(&mut table, "queue_power", integer(Some(n.into())));
            }
        }
        if let Beyond::Levels { basis_points } = self.beyond {
            put(&mut table, "beyond_depth_bp", integer(Some(basis_points.into())));
        }
        if self.triggers != TriggerSource::default() {
            put(&mut table, "triggers", Some(triggers(self.triggers)));
        }
        match self.bars {
            BarPath::NearerFirst => {}
            BarPath::LowFirst => put(&mut table, "bars", text("low-first")),
            BarPath::HighFirst => put(&mut table, "bars", text("high-first")),
        }
        put(&mut table, "fees", self.fees.as_ref().map(fees));
        let closings = self.maintenance.closings();
        if !closings.is_empty() {
            let closings = closings.iter().map(closing).collect();
            put(&mut table, "maintenance", Some(Value::Array(closings)));
            let cancels = Some(Value::Boolean(self.maintenance.cancels()));
            put(&mut table, "maintenance_cancels", cancels);
        }
        table
    }
}

/// `[fill]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FillFile {
    latency_ms: Option<Spanned<u64>>,
    order_latency: Option<Spanned<LatencyFile>>,
    report_latency: Option<Spanned<LatencyFile>>,
    touch: Option<TouchFile>,
    off_tick: Option<OffTickFile>,
    queue: Option<QueueFile>,
    queue_power: Option<Spanned<u8>>,
    beyond_depth_bp: Option<Spanned<u16>>,
    triggers: Option<TriggersFile>,
    bars: Option<BarsFile>,
    fees: Option<Spanned<FeesFile>>,
    #[serde(default)]
    maintenance: Vec<Spanned<ClosingFile>>,
    #[serde(default)]
    maintenance_cancels: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case", deny_unknown_fields)]
enum LatencyFile {
    Fixed {
        base_us: u64,
    },
    Jitter {
        base_us: u64,
        spread_us: u64,
    },
    Recorded {
        factor: Number,
        #[serde(default)]
        plus_us: u64,
    },
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TouchFile {
    Never,
    Always,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OffTickFile {
    Deny,
    Round,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum QueueFile {
    Conservative,
    Power,
    Log,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TriggersFile {
    Last,
    Mark,
    Quotes,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum BarsFile {
    #[serde(rename = "nearer-first")]
    Nearer,
    #[serde(rename = "low-first")]
    Low,
    #[serde(rename = "high-first")]
    High,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeesFile {
    window_days: Option<u16>,
    tiers: Vec<FeeTierFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeTierFile {
    from: Number,
    maker: Number,
    taker: Number,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosingFile {
    from: String,
    to: String,
}

/// `margin` of an instrument as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MarginFile {
    leverage_max: u16,
    liquidation_fee: Option<Number>,
    tiers: Vec<MarginTierFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarginTierFile {
    from: Number,
    rate: Number,
}

/// What is wrong, and where in the file.
type Misplaced = (Range<usize>, ConfigError);

impl FillFile {
    pub(super) fn resolve(self) -> Result<FillModel, Misplaced> {
        let queue = self.queue()?;
        let beyond = match &self.beyond_depth_bp {
            None => Beyond::Nothing,
            Some(points) if (1..=9_999).contains(points.get_ref()) => {
                Beyond::Levels { basis_points: *points.get_ref() }
            }
            Some(points) => {
                return Err(misplaced(points, "beyond_depth_bp must be 1 to 9,999"));
            }
        };
        let latency = match &self.latency_ms {
            Some(ms) => check_latency(*ms.get_ref()).map_err(|error| (ms.span(), error))?,
            None => Nanos(0),
        };
        Ok(FillModel {
            latency,
            order_latency: self.order_latency.as_ref().map(LatencyFile::resolve).transpose()?,
            report_latency: self.report_latency.as_ref().map(LatencyFile::resolve).transpose()?,
            touch: match self.touch {
                Some(TouchFile::Always) => Touch::Always,
                Some(TouchFile::Never) | None => Touch::Never,
            },
            queue,
            beyond,
            triggers: self.triggers.map(TriggersFile::resolve).unwrap_or_default(),
            bars: match self.bars {
                Some(BarsFile::Nearer) | None => BarPath::NearerFirst,
                Some(BarsFile::Low) => BarPath::LowFirst,
                Some(BarsFile::High) => BarPath::HighFirst,
            },
            fees: self.fees.map(|fees| FeesFile::resolve(&fees)).transpose()?,
            maintenance: maintenance(&self.maintenance, self.maintenance_cancels)?,
            off_tick: match self.off_tick {
                Some(OffTickFile::Round) => OffTick::Round,
                Some(OffTickFile::Deny) | None => OffTick::Deny,
            },
        })
    }

    fn queue(&self) -> Result<QueueModel, Misplaced> {
        let power = self.queue_power.as_ref();
        if let Some(power) = power {
            if self.queue != Some(QueueFile::Power) {
                return Err(misplaced(power, "queue_power is for queue = \"power\""));
            }
            if !(1..=Split::POWER_MAX).contains(power.get_ref()) {
                return Err(misplaced(power, "queue_power must be 1 to 8"));
            }
        }
        Ok(match self.queue {
            None | Some(QueueFile::Conservative) => QueueModel::Conservative,
            Some(QueueFile::Log) => QueueModel::Probable(Split::Log),
            Some(QueueFile::Power) => {
                let power = power.map_or(POWER_DEFAULT, |power| *power.get_ref());
                QueueModel::Probable(Split::Power(power))
            }
        })
    }
}

impl LatencyFile {
    fn resolve(file: &Spanned<Self>) -> Result<LatencyModel, Misplaced> {
        let way = |us: u64| {
            let way = Nanos(us.saturating_mul(1_000));
            if way <= LATENCY_MAX {
                return Ok(way);
            }
            Err(misplaced(file, "a latency is above the 60,000,000 us that are modelled"))
        };
        Ok(match *file.get_ref() {
            Self::Fixed { base_us } => LatencyModel::Fixed(way(base_us)?),
            Self::Jitter { base_us, spread_us } => {
                LatencyModel::Jitter { base: way(base_us)?, spread: way(spread_us)? }
            }
            Self::Recorded { factor, plus_us } => {
                let factor = Rate::from_decimal(factor.0)
                    .filter(|factor| factor.0 >= 0)
                    .ok_or_else(|| misplaced(file, "the factor must be 0 to 1,000"))?;
                LatencyModel::Recorded { factor, plus: way(plus_us)? }
            }
        })
    }
}

impl TriggersFile {
    pub(super) const fn resolve(self) -> TriggerSource {
        match self {
            Self::Last => TriggerSource::Last,
            Self::Mark => TriggerSource::Mark,
            Self::Quotes => TriggerSource::Quotes,
        }
    }
}

impl FeesFile {
    fn resolve(file: &Spanned<Self>) -> Result<FeeSchedule, Misplaced> {
        let fees = file.get_ref();
        let tier = |tier: &FeeTierFile| {
            Ok(FeeTier {
                from: amount(tier.from.0).map_err(|text| misplaced(file, text))?,
                maker: rate(tier.maker.0).map_err(|text| misplaced(file, text))?,
                taker: rate(tier.taker.0).map_err(|text| misplaced(file, text))?,
            })
        };
        let tiers = fees.tiers.iter().map(tier).collect::<Result<_, _>>()?;
        FeeSchedule::new(fees.window_days.unwrap_or(FEE_DAYS_DEFAULT), tiers)
            .map_err(|error| misplaced(file, format!("the fees make no schedule: {error}")))
    }
}

impl MarginFile {
    pub(super) fn resolve(file: &Spanned<Self>) -> Result<MarginRules, Misplaced> {
        let rules = file.get_ref();
        let tier = |tier: &MarginTierFile| {
            Ok(MarginTier {
                from: amount(tier.from.0).map_err(|text| misplaced(file, text))?,
                rate: rate(tier.rate.0).map_err(|text| misplaced(file, text))?,
            })
        };
        let tiers = rules.tiers.iter().map(tier).collect::<Result<_, _>>()?;
        let fee = rules.liquidation_fee.map_or(Ok(Rate(0)), |fee| rate(fee.0));
        let fee = fee.map_err(|text| misplaced(file, text))?;
        MarginRules::new(rules.leverage_max, fee, tiers)
            .map_err(|error| misplaced(file, format!("the margin cannot be: {error}")))
    }
}

fn maintenance(files: &[Spanned<ClosingFile>], cancels: bool) -> Result<Maintenance, Misplaced> {
    let Some(first) = files.first() else {
        return Ok(Maintenance::default());
    };
    let closing = |file: &Spanned<ClosingFile>| {
        let read = |text: &str| -> Result<UnixNanos, Misplaced> {
            parse_time(text).map_err(|error| (file.span(), error))
        };
        Ok(Closing { from: read(&file.get_ref().from)?, to: read(&file.get_ref().to)? })
    };
    let closings = files.iter().map(closing).collect::<Result<_, _>>()?;
    Maintenance::new(closings, cancels).map_err(|error| misplaced(first, error.to_string()))
}

fn amount(number: Decimal) -> Result<Money, String> {
    Money::from_decimal(number)
        .filter(|amount| *amount >= Money::ZERO)
        .ok_or_else(|| format!("{number} is no amount of zero or more"))
}

fn rate(number: Decimal) -> Result<Rate, String> {
    Rate::from_decimal(number).ok_or_else(|| format!("the rate {number} is out of bounds"))
}

fn misplaced<T>(at: &Spanned<T>, message: impl Into<String>) -> Misplaced {
    (at.span(), ConfigError::new(message))
}
