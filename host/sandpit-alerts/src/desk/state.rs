//! What outlives the process: the alerts that are on, who has seen them, and whom they were told.

use sandpit_core::time::UnixNanos;
use serde::{Deserialize, Serialize};

use super::{ALERTS_MAX, Alert, Desk, Item, News, Plan};
use crate::signal::Rule;

/// The form that is written.
const VERSION: u32 = 1;

/// Alerts as the host keeps them over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskState {
    version: u32,
    next_alert: u64,
    alerts: Vec<Alert>,
}

/// Why kept alerts cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Somebody else wrote them.
    #[error("alerts were kept in form {found}, and form {VERSION} is known here")]
    Version {
        /// The form that was found.
        found: u32,
    },
    /// There are more than there can be.
    #[error("{found} alerts were kept, and at most {ALERTS_MAX} can be on")]
    TooMany {
        /// How many were found.
        found: usize,
    },
    /// Two are one, or have one number.
    #[error("alert {id} was kept twice, or its number was not given out yet")]
    Numbers {
        /// Which.
        id: u64,
    },
}

impl Desk {
    /// What is to be kept.
    #[must_use]
    pub fn state(&self) -> DeskState {
        let alerts = self.alerts.values().cloned().collect();
        DeskState { version: VERSION, next_alert: self.next_alert, alerts }
    }

    /// A desk with the alerts of before. What nobody was told of is told; what is not seen again
    /// within a while is over.
    ///
    /// # Errors
    /// The alerts are not such as a desk has.
    pub fn restore(plan: Plan, now: UnixNanos, state: DeskState) -> Result<Self, StateError> {
        if state.version != VERSION {
            return Err(StateError::Version { found: state.version });
        }
        // One for each rule has what there was no room for.
        if state.alerts.len() > ALERTS_MAX + Rule::ALL.len() {
            return Err(StateError::TooMany { found: state.alerts.len() });
        }
        let mut desk = Self::new(plan);
        desk.next_alert = state.next_alert.max(1);
        desk.unseen_until = now.plus(desk.plan.restore_grace);
        let mut ids = std::collections::BTreeSet::new();
        for mut alert in state.alerts {
            let (id, key) = (alert.id, (alert.rule, alert.subject.clone()));
            let is_new = ids.insert(id) && id < desk.next_alert;
            if !is_new || desk.alerts.contains_key(&key) {
                return Err(StateError::Numbers { id });
            }
            // The time while the host was down is no sign that all is well.
            alert.ending = None;
            desk.unseen.insert(key.clone());
            desk.alerts.insert(key, alert);
        }
        let untold = desk.alerts.values().filter(|alert| !alert.is_told);
        let untold: Vec<Alert> = untold.cloned().collect();
        for alert in untold {
            desk.emit(now, Item { alert, news: News::Raised });
        }
        Ok(desk)
    }
}
