//! What a replay found, for people and for programs.

use serde_json::{Value, json};

/// How much was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs of the host.
    pub runs: u64,
    /// Instances, from a start to a stop or a fault.
    pub lives: u64,
    /// Calls in the log.
    pub calls: u64,
    /// Calls that were made again and compared.
    pub again: u64,
    /// Intents that the journal has, as they came.
    pub intents: u64,
    /// Intents that the host dropped, as the log says.
    pub untaken: u64,
    /// Saved states that were compared.
    pub states: u64,
    /// Market events that are on the tapes as they were told.
    pub told: u64,
    /// The same of history before a start.
    pub history: u64,
    /// Quotes and books that a newer one replaced before they were told.
    pub replaced: u64,
    /// Market events that came while the plugin was down.
    pub while_down: u64,
    /// Market events that were not held against a tape.
    pub uncompared: u64,
    /// Faults that a clock of the host decided, which no replay can decide again.
    pub by_clock: u64,
    /// Intents of the journal whose calls are in no log.
    pub without_call: u64,
    /// Calls that were dropped with the oldest part of the log.
    pub dropped: u64,
    /// Calls that could not be made again: their component, or their beginning, is not there.
    pub not_again: u64,
}

/// The first thing that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of the call in what is kept of the plugin's log, from 1; 0 where it is about none.
    pub call: u64,
    /// What was asked then.
    pub asked: String,
    /// What differs: intents, fuel, state, fault, answer, event, component, journal.
    pub what: &'static str,
    /// What was written down.
    pub expected: String,
    /// What came now.
    pub came: String,
}

/// What was found of one plugin.
#[derive(Clone, Debug, Default)]
pub struct PluginOutcome {
    /// The operator's name of it.
    pub name: String,
    /// How much was compared.
    pub counts: Counts,
    /// What is missing, and what else a person should know.
    pub notes: Vec<String>,
    /// Where it went another way, if it did.
    pub difference: Option<Difference>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By plugin.
    pub plugins: Vec<PluginOutcome>,
    /// What is missing for all of them.
    pub notes: Vec<String>,
}

/// What a replay says of a plugin, or of all of them; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All that could be compared is as it was, and something could.
    Equal,
    /// Nothing could be compared, so nothing is proven.
    Nothing,
    /// Something is not as it was.
    Different,
}

impl Verdict {
    /// Its name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Nothing => "nothing-compared",
            Self::Different => "different",
        }
    }
}

impl Outcome {
    /// The worst of all plugins.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.plugins.iter().map(PluginOutcome::verdict).max().unwrap_or(Verdict::Nothing)
    }

    /// Whether all that could be compared is as it was, and something of each plugin could.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.verdict() == Verdict::Equal
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for plugin in &self.plugins {
            text.push_str(&plugin.text());
        }
        for note in &self.notes {
            text.push_str(&format!("note: {note}\n"));
        }
        text
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let plugins: Vec<_> = self.plugins.iter().map(PluginOutcome::json).collect();
        let verdict = self.verdict().name();
        json!({
            "equal": self.is_equal(), "verdict": verdict, "plugins": plugins, "notes": self.notes,
        })
    }
}

impl PluginOutcome {
    /// What is said of it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match (&self.difference, self.counts.again) {
            (Some(_), _) => Verdict::Different,
            (None, 0) => Verdict::Nothing,
            (None, _) => Verdict::Equal,
        }
    }

    fn text(&self) -> String {
        let Self { name, counts, .. } = self;
        let of_runs =
            format!("{} in {}", several(counts.lives, "life", "lives"), runs(counts.runs));
        let again = format!("{} of {} calls", counts.again, counts.calls);
        let mut text = match &self.difference {
            None if self.verdict() == Verdict::Nothing => {
                format!("{name}: NOTHING COMPARED. No call of it could be made again.\n")
            }
            None => format!(
                "{name}: equal. {again} made again ({of_runs}), {} intents as in the journal, {} \
                 market events as on the tapes, {} states.\n",
                counts.intents,
                counts.told + counts.history,
                counts.states,
            ),
            Some(it) if it.call == 0 => format!(
                "{name}: DIFFERENT ({what}), after {again} ({of_runs}).\n{}",
                it.lines(),
                what = it.what,
            ),
            Some(it) => format!(
                "{name}: DIFFERENT at call {call} ({what}), after {again} ({of_runs}).\n  \
                 asked    {asked}\n{lines}",
                call = it.call,
                what = it.what,
                asked = it.asked,
                lines = it.lines(),
            ),
        };
        for note in self.all_notes() {
            text.push_str(&format!("  note: {note}\n"));
        }
        text
    }

    /// Everything that was not compared, in words.
    fn all_notes(&self) -> Vec<String> {
        let counts = &self.counts;
        let mut notes = self.notes.clone();
        let mut say = |count: u64, what: &str| {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        };
        say(counts.dropped, "records were dropped with the oldest part of the log");
        say(counts.not_again, "calls were not made again: see what is missing");
        say(counts.without_call, "intents of the journal have no call in the log that is kept");
        say(counts.untaken, "intents were dropped by the host, as the log says");
        say(counts.replaced, "quotes or books were replaced by a newer one before they were told");
        say(counts.while_down, "market events came while the plugin was down");
        say(counts.uncompared, "market events were not held against a tape");
        say(counts.by_clock, "faults were decided by a clock of the host and not again");
        notes
    }

    fn json(&self) -> Value {
        let c = &self.counts;
        let difference = self.difference.as_ref().map(|it| {
            json!({
                "call": it.call, "asked": it.asked, "what": it.what,
                "expected": it.expected, "came": it.came,
            })
        });
        json!({
            "name": self.name,
            "equal": self.verdict() == Verdict::Equal,
            "verdict": self.verdict().name(),
            "difference": difference,
            "notes": self.all_notes(),
            "counts": {
                "runs": c.runs, "lives": c.lives, "calls": c.calls, "again": c.again,
                "intents": c.intents, "untaken": c.untaken, "states": c.states,
                "told": c.told, "history": c.history, "replaced": c.replaced,
                "while_down": c.while_down, "uncompared": c.uncompared, "by_clock": c.by_clock,
                "without_call": c.without_call, "dropped": c.dropped, "not_again": c.not_again,
            },
        })
    }
}

impl Difference {
    fn lines(&self) -> String {
        format!("  expected {}\n  came     {}\n", self.expected, self.came)
    }
}

fn several(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn runs(count: u64) -> String {
    several(count, "run", "runs")
}
