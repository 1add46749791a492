//! What an attack is, how it has to end, and the judge who sees whether it does.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sandpit_core::{plugin::FaultCode, risk::DenialCode};
use sandpit_plugin::RefusalCode;

use crate::{
    guest::Guest,
    stage::{Plan, Rules, Seen, alone, play},
};

/// The longest that an attack may take, on a machine with other things to do.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// One attack.
pub(crate) struct Attack {
    /// What it does, in plain words.
    pub(crate) name: &'static str,
    pub(crate) make: Make,
    pub(crate) ends: Ends,
}

/// What is run.
pub(crate) enum Make {
    /// A guest in the usual session.
    Guest(fn() -> Guest),
    /// A file of these bytes.
    Bytes(fn() -> Vec<u8>),
    /// Anything else.
    Plan(fn() -> Plan),
}

impl Make {
    pub(crate) fn plan(&self) -> Plan {
        match self {
            Self::Guest(guest) => Plan::of(guest().component()),
            Self::Bytes(bytes) => Plan::of(bytes()),
            Self::Plan(plan) => plan(),
        }
    }
}

/// How an attack has to end, exactly.
pub(crate) enum Ends {
    /// It is not let in.
    Refused(RefusalCode),
    /// It is at fault, in this export or step.
    Fault(FaultCode, &'static str),
    /// It may do what it does, and comes to nothing.
    Contained {
        /// What held.
        wall: &'static str,
        /// What came of it.
        what: &'static str,
        /// Whether that is so.
        check: fn(&Seen) -> Result<(), String>,
    },
    /// Each of its wishes is denied with this code, and no order comes of any.
    Denied(DenialCode),
}

/// A guest that ends with a fault.
pub(crate) const fn fault(
    name: &'static str,
    (code, within): (FaultCode, &'static str),
    guest: fn() -> Guest,
) -> Attack {
    Attack { name, make: Make::Guest(guest), ends: Ends::Fault(code, within) }
}

/// A file that is refused.
pub(crate) const fn refused(
    name: &'static str,
    code: RefusalCode,
    bytes: fn() -> Vec<u8>,
) -> Attack {
    Attack { name, make: Make::Bytes(bytes), ends: Ends::Refused(code) }
}

/// A guest whose wishes are denied.
pub(crate) const fn denied(name: &'static str, code: DenialCode, guest: fn() -> Guest) -> Attack {
    Attack { name, make: Make::Guest(guest), ends: Ends::Denied(code) }
}

/// A guest that comes to nothing.
pub(crate) const fn contained(
    name: &'static str,
    (wall, what): (&'static str, &'static str),
    guest: fn() -> Guest,
    check: fn(&Seen) -> Result<(), String>,
) -> Attack {
    Attack { name, make: Make::Guest(guest), ends: Ends::Contained { wall, what, check } }
}

/// Anything else.
pub(crate) const fn planned(name: &'static str, ends: Ends, plan: fn() -> Plan) -> Attack {
    Attack { name, make: Make::Plan(plan), ends }
}

/// Says what is wrong where something is not so.
pub(crate) fn so(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

/// No fault and no refusal, and whatever else is asked.
pub(crate) fn unharmed(seen: &Seen) -> Result<(), String> {
    so(seen.faults.is_empty() && seen.refused.is_empty(), || {
        format!("{:?} {:?}", seen.faults, seen.refused)
    })
}

/// Runs an attack and says what went another way than it should.
pub(crate) fn judge(attack: &Attack) -> Result<(), String> {
    judge_plan(&attack.make.plan(), &attack.ends)
}

/// The same for one that is no constant.
pub(crate) fn judge_plan(plan: &Plan, ends: &Ends) -> Result<(), String> {
    if plan.processes && !cfg!(target_os = "linux") {
        crate::harness::say("skipped: processes with walls need Linux");
        return Ok(());
    }
    let seen = play(plan);
    judge_end(&seen, ends)?;
    so(seen.entered_again.is_empty(), || format!("entered again: {:?}", seen.entered_again))?;
    so(seen.took < ENDS_WITHIN, || format!("it took {:?}", seen.took))?;
    neighbour(&seen, plan.rules)
}

fn judge_end(seen: &Seen, ends: &Ends) -> Result<(), String> {
    match ends {
        Ends::Refused(code) => {
            let found: Vec<_> = seen.refused.iter().map(|refusal| refusal.code()).collect();
            so(found == [*code], || {
                format!("refused with {found:?}: {:?}; faults {:?}", seen.refused, seen.faults)
            })?;
            let said = seen.refused[0].to_string();
            so(!said.contains(char::is_control), || format!("{said:?}"))?;
            so(seen.faults.is_empty() && seen.calls == 0, || format!("{:?}", seen.faults))
        }
        Ends::Fault(code, within) => {
            so(seen.refused.is_empty(), || format!("refused: {:?}", seen.refused))?;
            let [fault] = &seen.faults[..] else {
                return Err(format!("not one fault: {:?}; {}", seen.faults, summary(seen)));
            };
            so(fault.code == *code && fault.detail.contains(within), || format!("{fault:?}"))?;
            let lines = fault.detail.lines();
            let unsafe_line = lines.into_iter().find(|line| line.contains(char::is_control));
            so(unsafe_line.is_none() && fault.detail.len() <= 4_096, || format!("{fault:?}"))
        }
        Ends::Denied(code) => {
            unharmed(seen)?;
            let all = !seen.denials.is_empty() && seen.denials.keys().all(|found| found == code);
            so(all && seen.submitted.is_empty(), || {
                format!("denied {:?}, sent {}", seen.denials, seen.submitted.len())
            })
        }
        Ends::Contained { check, .. } => {
            check(seen).map_err(|problem| format!("{problem}; {}", summary(seen)))
        }
    }
}

fn summary(seen: &Seen) -> String {
    format!(
        "calls {} asked {} sent {} fills {} denials {:?} faults {:?} refused {:?}",
        seen.calls,
        seen.asked,
        seen.submitted.len(),
        seen.fills,
        seen.denials,
        seen.faults,
        seen.refused
    )
}

/// The honest plugin's results are what they are without anybody beside it.
fn neighbour(seen: &Seen, rules: Rules) -> Result<(), String> {
    static ALONE: Mutex<Vec<(Rules, Vec<u8>)>> = Mutex::new(Vec::new());
    let mut known = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.iter().any(|(of, _)| *of == rules) {
        known.push((rules, alone(rules, false).honest));
    }
    let (_, expected) = known.iter().find(|(of, _)| *of == rules).unwrap();
    if seen.honest == *expected {
        return Ok(());
    }
    let (found, expected) =
        (String::from_utf8_lossy(&seen.honest), String::from_utf8_lossy(expected));
    let differ = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    Err(format!("the neighbour's results differ: {differ:?}"))
}
