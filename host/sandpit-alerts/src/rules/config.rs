//! `[alerts.rules]`: thresholds. Every key has a unit in its name and its bounds in its type; a rule
//! that nobody wants has `enabled = false`.

use serde::{Deserialize, Serialize};

use crate::{
    Severity,
    bounded::{Amount, Whole},
};

/// Basis points: hundredths of a percent, up to a hundredfold.
type BasisPoints = Whole<1, 1_000_000>;
/// Seconds, up to a day.
type Seconds = Whole<1, 86_400>;
/// Percent.
type Percent = Whole<1, 100>;

/// Two thresholds in the wrong order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in `rules.{section}`, `{less}` has to be below `{more}`")]
pub struct RulesError {
    /// The rule's section.
    pub section: &'static str,
    /// What has to be less.
    pub less: &'static str,
    /// Than what.
    pub more: &'static str,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Whether it is watched at all.
            pub enabled: bool,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { enabled: true, $($field: $default,)* }
            }
        }
    };
}

section! {
    /// Fills at a strange price.
    FillPriceRule {
        /// From which distance from the reference price on it is a warning.
        warn_basis_points: BasisPoints = BasisPoints::new(100),
        /// And critical.
        critical_basis_points: BasisPoints = BasisPoints::new(500),
        /// It is over after so long without another.
        clear_after_s: Seconds = Seconds::new(600),
    }
}

section! {
    /// Fills of a strange size.
    FillSizeRule {
        /// Times the median size from which on it is a warning.
        warn_times: Whole<2, 1_000_000> = Whole::new(10),
        /// And critical.
        critical_times: Whole<2, 1_000_000> = Whole::new(100),
        /// Fills of an instrument before there is a median to speak of.
        fills_min: Whole<5, 200> = Whole::new(20),
        /// A notional that is critical at once, whatever is usual.
        critical_notional: Option<Amount> = None,
        /// It is over after so long without another.
        clear_after_s: Seconds = Seconds::new(600),
    }
}

section! {
    /// Much more is traded in the market than usual.
    VolumeRule {
        /// Modified z-score from which on it is a warning, in thousandths.
        warn_z_milli: Whole<1_000, 1_000_000> = Whole::new(3_500),
        /// And critical, in thousandths.
        critical_z_milli: Whole<1_000, 1_000_000> = Whole::new(20_000),
        /// At which it is over, in thousandths.
        clear_z_milli: Whole<500, 1_000_000> = Whole::new(2_000),
        /// Times the median below which nothing is unusual, whatever the score says.
        times_min: Whole<1, 1_000> = Whole::new(3),
        /// Intervals that are looked back on.
        intervals: Whole<10, 512> = Whole::new(60),
        /// Intervals before anything is said.
        intervals_min: Whole<10, 512> = Whole::new(20),
    }
}

section! {
    /// Orders that fail.
    OrderFailuresRule {
        /// How long is looked back.
        window_s: Seconds = Seconds::new(300),
        /// Orders in the window before a share is reckoned.
        orders_min: Whole<2, 100_000> = Whole::new(10),
        /// Share of failures from which on it is a warning.
        warn_percent: Percent = Percent::new(20),
        /// And critical.
        critical_percent: Percent = Percent::new(50),
        /// Failures in a row that are a warning, however few orders there are.
        warn_in_a_row: Whole<2, 10_000> = Whole::new(3),
        /// And critical.
        critical_in_a_row: Whole<2, 10_000> = Whole::new(10),
    }
}

section! {
    /// Lines that are down.
    ConnectionRule {
        /// So long down is a warning.
        warn_down_s: Seconds = Seconds::new(10),
        /// So long down is critical.
        critical_down_s: Seconds = Seconds::new(60),
        /// It is over after so long without a loss.
        stable_s: Seconds = Seconds::new(30),
        /// Losses within an hour that are a warning, however short they are.
        losses_per_hour: Whole<2, 1_000> = Whole::new(6),
    }
}

section! {
    /// Missing messages.
    GapsRule {
        /// How long is looked back.
        window_s: Seconds = Seconds::new(600),
        /// Gaps in the window that are a warning.
        warn_gaps: Whole<1, 100_000> = Whole::new(3),
        /// And critical.
        critical_gaps: Whole<1, 100_000> = Whole::new(20),
    }
}

section! {
    /// Money that is lost quickly. An amount and a share may be given, and the one that is reached
    /// first counts.
    PnlVelocityRule {
        /// How long is looked back.
        window_s: Whole<10, 86_400> = Whole::new(300),
        /// Loss from the highest equity in the window that is a warning.
        warn_basis_points: BasisPoints = BasisPoints::new(100),
        /// And critical.
        critical_basis_points: BasisPoints = BasisPoints::new(300),
        /// The same as an amount.
        warn_loss: Option<Amount> = None,
        /// The same as an amount.
        critical_loss: Option<Amount> = None,
    }
}

section! {
    /// Things that have fallen silent. A warning at these times, critical at three times as long; the
    /// host's is critical at once.
    HeartbeatRule {
        /// Silence of a venue.
        venue_s: Seconds = Seconds::new(30),
        /// Silence of a plugin.
        plugin_s: Seconds = Seconds::new(60),
        /// Silence of the engine's loop.
        host_s: Seconds = Seconds::new(10),
        /// Beats, no later than they should be, after which it is over.
        beats_to_clear: Whole<1, 100> = Whole::new(2),
    }
}

section! {
    /// Limits that are reached.
    LimitBreachRule {
        /// How bad it is.
        severity: Severity = Severity::Warning,
        /// It is over after so long without a further breach, where nothing says so before.
        clear_after_s: Seconds = Seconds::new(900),
    }
}

section! {
    /// Locks.
    LockRule {
        /// How bad it is.
        severity: Severity = Severity::Critical,
    }
}

section! {
    /// Plugins that are shut away.
    QuarantineRule {
        /// How bad it is.
        severity: Severity = Severity::Critical,
    }
}

section! {
    /// Old keys. The days are those of the keys' own configuration.
    KeyAgeRule {
        /// How bad an old key is.
        severity: Severity = Severity::Warning,
        /// How bad one is that is much too old.
        severity_too_old: Severity = Severity::Critical,
    }
}

section! {
    /// Clocks that differ.
    ClockOffsetRule {
        /// Offset that is a warning.
        warn_ms: Whole<1, 3_600_000> = Whole::new(250),
        /// And critical.
        critical_ms: Whole<1, 3_600_000> = Whole::new(1_000),
    }
}

section! {
    /// Disks that fill up. A share and an amount; the one that is reached first counts.
    DiskSpaceRule {
        /// Free share that is a warning.
        warn_free_percent: Percent = Percent::new(10),
        /// And critical.
        critical_free_percent: Percent = Percent::new(5),
        /// Free space that is a warning.
        warn_free_mib: Whole<1, 1_073_741_824> = Whole::new(2_048),
        /// And critical.
        critical_free_mib: Whole<1, 1_073_741_824> = Whole::new(512),
    }
}

section! {
    /// Books that differ.
    ReconcileRule {
        /// Comparisons in a row with differences that are a warning: one alone may be a matter of
        /// what was under way.
        warn_in_a_row: Whole<1, 1_000> = Whole::new(2),
        /// And critical.
        critical_in_a_row: Whole<1, 1_000> = Whole::new(5),
    }
}

section! {
    /// The kill switch.
    KillSwitchRule {
        /// How bad it is.
        severity: Severity = Severity::Critical,
    }
}

section! {
    /// Orders and positions of others.
    ForeignOrdersRule {
        /// How bad it is.
        severity: Severity = Severity::Warning,
    }
}

section! {
    /// What the engine says; the severities are its own.
    EngineRule {
        /// It is over after so long without another of the same kind.
        clear_after_s: Seconds = Seconds::new(3_600),
    }
}

/// Thresholds of all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Fills at a strange price.
    pub fill_price: FillPriceRule,
    /// Fills of a strange size.
    pub fill_size: FillSizeRule,
    /// Unusual volume of the market.
    pub volume: VolumeRule,
    /// Orders that fail.
    pub order_failures: OrderFailuresRule,
    /// Lines that are down.
    pub connection: ConnectionRule,
    /// Missing messages.
    pub gaps: GapsRule,
    /// Money that is lost quickly.
    pub pnl_velocity: PnlVelocityRule,
    /// Things that have fallen silent.
    pub heartbeat: HeartbeatRule,
    /// Limits that are reached.
    pub limit_breach: LimitBreachRule,
    /// Locks.
    pub lock: LockRule,
    /// Plugins that are shut away.
    pub quarantine: QuarantineRule,
    /// Old keys.
    pub key_age: KeyAgeRule,
    /// Clocks that differ.
    pub clock_offset: ClockOffsetRule,
    /// Disks that fill up.
    pub disk_space: DiskSpaceRule,
    /// Books that differ.
    pub reconcile: ReconcileRule,
    /// The kill switch.
    pub kill_switch: KillSwitchRule,
    /// Orders and positions of others.
    pub foreign_orders: ForeignOrdersRule,
    /// What the engine says.
    pub engine: EngineRule,
}

impl RulesConfig {
    /// Whether thresholds that belong together are in order. Bounds of single values are held where
    /// they are read.
    ///
    /// # Errors
    /// The first pair that is not.
    pub fn check(&self) -> Result<(), RulesError> {
        let pairs = [
            (
                self.fill_price.warn_basis_points < self.fill_price.critical_basis_points,
                ("fill_price", "warn_basis_points", "critical_basis_points"),
            ),
            (
                self.fill_size.warn_times < self.fill_size.critical_times,
                ("fill_size", "warn_times", "critical_times"),
            ),
            (
                self.volume.warn_z_milli < self.volume.critical_z_milli,
                ("volume", "warn_z_milli", "critical_z_milli"),
            ),
            (
                self.volume.clear_z_milli.get() < self.volume.warn_z_milli.get(),
                ("volume", "clear_z_milli", "warn_z_milli"),
            ),
            (
                self.volume.intervals_min <= self.volume.intervals,
                ("volume", "intervals_min", "intervals"),
            ),
            (
                self.order_failures.warn_percent < self.order_failures.critical_percent,
                ("order_failures", "warn_percent", "critical_percent"),
            ),
            (
                self.order_failures.warn_in_a_row < self.order_failures.critical_in_a_row,
                ("order_failures", "warn_in_a_row", "critical_in_a_row"),
            ),
            (
                self.connection.warn_down_s < self.connection.critical_down_s,
                ("connection", "warn_down_s", "critical_down_s"),
            ),
            (self.gaps.warn_gaps < self.gaps.critical_gaps, ("gaps", "warn_gaps", "critical_gaps")),
            (
                self.pnl_velocity.warn_basis_points < self.pnl_velocity.critical_basis_points,
                ("pnl_velocity", "warn_basis_points", "critical_basis_points"),
            ),
            (
                in_order(self.pnl_velocity.warn_loss, self.pnl_velocity.critical_loss),
                ("pnl_velocity", "warn_loss", "critical_loss"),
            ),
            (
                self.clock_offset.warn_ms < self.clock_offset.critical_ms,
                ("clock_offset", "warn_ms", "critical_ms"),
            ),
            (
                self.disk_space.critical_free_percent < self.disk_space.warn_free_percent,
                ("disk_space", "critical_free_percent", "warn_free_percent"),
            ),
            (
                self.disk_space.critical_free_mib < self.disk_space.warn_free_mib,
                ("disk_space", "critical_free_mib", "warn_free_mib"),
            ),
            (
                self.reconcile.warn_in_a_row < self.reconcile.critical_in_a_row,
                ("reconcile", "warn_in_a_row", "critical_in_a_row"),
            ),
        ];
        let wrong = pairs.into_iter().find(|(is_in_order, _)| !is_in_order);
        wrong.map_or(Ok(()), |(_, (section, less, more))| Err(RulesError { section, less, more }))
    }
}

fn in_order(warn: Option<Amount>, critical: Option<Amount>) -> bool {
    warn.zip(critical).is_none_or(|(warn, critical)| warn < critical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_order_and_come_back() {
        let config = RulesConfig::default();
        config.check().unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<RulesConfig>(&text).unwrap(), config);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let read = |text: &str| toml::from_str::<RulesConfig>(text);
        let config = read("[gaps]\nwarn_gaps = 20\ncritical_gaps = 20").unwrap();
        let error = config.check().unwrap_err().to_string();
        assert_eq!(error, "in `rules.gaps`, `warn_gaps` has to be below `critical_gaps`");
        assert!(read("[gaps]\nwarn_gap = 2").unwrap_err().message().contains("warn_gap"));
        assert!(read("[gasp]").unwrap_err().message().contains("gasp"));
        assert!(
            read("[gaps]\nwindow_s = 0").unwrap_err().message().contains("between 1 and 86400")
        );
        let text = "[pnl_velocity]\nwarn_loss = \"10\"\ncritical_loss = \"5\"";
        assert_eq!(read(text).unwrap().check().unwrap_err().section, "pnl_velocity");
    }
}
