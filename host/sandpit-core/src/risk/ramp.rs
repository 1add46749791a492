//! Capital that is given bit by bit: a share of the limits for some days, then a larger one. A day
//! counts when it ended without a breach; a breach goes back a stage.

use crate::risk::BasisPoints;

/// One stage of a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RampStage {
    /// Share of the limits.
    pub share: BasisPoints,
    /// Session days without a breach before the next stage. Of the last one it says nothing.
    pub days: u16,
}

impl RampStage {
    /// The most stages of one ramp.
    pub const STAGES_MAX: usize = 16;
}

/// Where a scope stands on its ramp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RampState {
    pub(crate) stage: u8,
    /// Days without a breach on this stage.
    pub(crate) clean_days: u16,
}

impl RampState {
    /// The share of the limits that is given.
    pub(crate) fn share(self, stages: &[RampStage]) -> BasisPoints {
        let stage = usize::from(self.stage).min(stages.len().saturating_sub(1));
        stages.get(stage).map_or(BasisPoints::WHOLE, |stage| stage.share)
    }

    /// After one more day without a breach.
    pub(crate) fn after_clean_day(self, stages: &[RampStage]) -> Self {
        let clean_days = self.clean_days.saturating_add(1);
        let last = usize::from(self.stage) + 1 >= stages.len();
        let enough = stages.get(usize::from(self.stage)).is_some_and(|s| clean_days >= s.days);
        if enough && !last {
            Self { stage: self.stage + 1, clean_days: 0 }
        } else {
            Self { clean_days, ..self }
        }
    }

    /// After a breach.
    pub(crate) const fn after_breach(self) -> Self {
        Self { stage: self.stage.saturating_sub(1), clean_days: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn up_after_clean_days_and_down_on_a_breach() {
        let stage = |share, days| RampStage { share: BasisPoints(share), days };
        let stages = [stage(1_000, 2), stage(5_000, 1), stage(10_000, 0)];
        let mut state = RampState::default();
        let mut seen = Vec::new();
        for clean in [true, true, false, true, true, true, true] {
            state = if clean { state.after_clean_day(&stages) } else { state.after_breach() };
            seen.push((state.share(&stages).0, state.clean_days));
        }
        let expected =
            [(1_000, 1), (5_000, 0), (1_000, 0), (1_000, 1), (5_000, 0), (10_000, 0), (10_000, 1)];
        assert_eq!(seen, expected);
        assert_eq!(RampState::default().after_breach(), RampState::default());
        assert_eq!(RampState::default().share(&[]), BasisPoints::WHOLE);
    }
}
