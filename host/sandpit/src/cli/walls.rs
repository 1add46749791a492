//! `sandpit plugin walls`, and `sandpit doctor`, which has nothing else to look at yet.

use std::fmt::Write as _;

use sandpit_plugin::{LaunchError, Wall, WallState};
use serde_json::json;

use super::{
    places,
    reply::{Exit, Failure, Reply},
};
use crate::sandbox::{Isolation, Loading};

/// Starts a runner that loads nothing, and asks it.
pub(super) fn run() -> Result<Reply, Failure> {
    let failed = |error: LaunchError| Failure::from_error(Exit::Failed, &error);
    let mut loading = places::loading();
    loading.isolation = Some(Isolation::Process);
    let walls = probe(&loading).map_err(failed)?;
    let json: Vec<_> = walls
        .iter()
        .map(|wall| {
            let reason = match &wall.state {
                WallState::Standing => None,
                WallState::Missing(reason) => Some(reason),
            };
            json!({
                "name": wall.name.name(),
                "stands": wall.stands(),
                "reason": reason,
                "stops": wall.name.stops(),
            })
        })
        .collect();
    Ok(Reply::new(text(&walls), json!({ "walls": json })))
}

fn probe(loading: &Loading) -> Result<Vec<Wall>, LaunchError> {
    loading.launcher()?.ok_or(LaunchError::NoProgram)?.probe()
}

fn text(walls: &[Wall]) -> String {
    let mut text = String::from("Walls around a strategy's process on this machine:\n");
    for wall in walls {
        // Writing to a string does not fail.
        let _ = match &wall.state {
            WallState::Standing => {
                writeln!(text, "  stands   {:<18} {}", wall.name.name(), wall.name.stops())
            }
            WallState::Missing(reason) => {
                writeln!(text, "  MISSING  {:<18} {reason}", wall.name.name())
            }
        };
    }
    let standing = walls.iter().filter(|wall| wall.stands()).count();
    let _ = write!(text, "{standing} of {} stand.", walls.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sandpit_plugin::WallName;

    #[test]
    fn a_missing_wall_is_seen_with_its_reason() {
        let missing = WallState::Missing("this kernel does not have it".to_owned());
        let walls = [
            Wall { name: WallName::Seccomp, state: WallState::Standing },
            Wall { name: WallName::Landlock, state: missing },
        ];
        let text = text(&walls);
        assert!(text.contains("stands   seccomp"), "{text}");
        assert!(
            text.contains("MISSING  landlock           this kernel does not have it"),
            "{text}"
        );
        assert!(text.ends_with("1 of 2 stand."), "{text}");
    }
}
