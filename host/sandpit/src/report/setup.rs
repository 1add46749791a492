//! What a recorder knows before a run begins.

use sandpit_core::{
    engine::Alert,
    ids::{InstrumentId, PluginId},
    instrument::Instrument,
    num::Money,
};

use super::streams::{Names, csv_cell};

/// What a run is about, known before it starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The instruments, by id.
    pub instruments: Vec<Instrument>,
    /// The plugins, by id.
    pub plugins: Vec<PluginSetup>,
}

/// A plugin of the run.
#[derive(Clone, Debug)]
pub struct PluginSetup {
    /// Its name as it says it; hostile.
    pub name: String,
    /// Its own version; hostile.
    pub version: String,
    /// SHA-256 of the component in hexadecimal; `None` for native code.
    pub component_sha256: Option<String>,
    /// What it is given.
    pub budget: Money,
}

/// Names of plugins and instruments as CSV cells, by id.
pub(crate) struct Cells {
    plugins: Vec<String>,
    instruments: Vec<String>,
}

impl Cells {
    pub(crate) fn new(setup: &Setup) -> Self {
        Self {
            plugins: setup.plugins.iter().map(|plugin| csv_cell(&plugin.name)).collect(),
            instruments: setup.instruments.iter().map(|i| csv_cell(&i.spec().symbol)).collect(),
        }
    }

    pub(crate) fn of(&self, plugin: PluginId, instrument: InstrumentId) -> Names<'_> {
        Names {
            plugin: &self.plugins[usize::from(plugin.0)],
            instrument: &self.instruments[usize::from(instrument.0)],
        }
    }
}

/// An alert in words, with the symbols of the run.
pub(crate) fn alert_text(alert: &Alert, setup: &Setup) -> String {
    let plugins: Vec<_> = setup.plugins.iter().map(|plugin| plugin.name.clone()).collect();
    alert_words(alert, &setup.instruments, &plugins)
}

/// An alert in words.
pub(crate) fn alert_words(alert: &Alert, instruments: &[Instrument], plugins: &[String]) -> String {
    let symbol = |id: &InstrumentId| {
        let instrument = instruments.get(usize::from(id.0));
        instrument.map_or("unknown instrument", |i| i.spec().symbol.as_str())
    };
    let name =
        |id: PluginId| plugins.get(usize::from(id.0)).map_or("unknown plugin", String::as_str);
    let scope = |plugin: Option<PluginId>| plugin.map_or("the account", name);
    match alert {
        Alert::ImpossibleReport(order, id, error) => {
            format!("{} is halted: impossible report about order {order}: {error}", symbol(id))
        }
        Alert::Overfilled(order, id) => {
            format!("{} is halted: order {order} was filled beyond its quantity", symbol(id))
        }
        Alert::StrangeReport(order) => {
            format!("a report about order {order}, which is not open here")
        }
        Alert::BookLost(id, error) => format!("the book of {} was lost: {error}", symbol(id)),
        Alert::NumberOverflow(id) => format!("{} is halted: a number left its bounds", symbol(id)),
        Alert::Killed(scope) => format!("the kill switch was thrown for the {scope}"),
        Alert::Liquidated(plugin, id) => {
            format!("the venue liquidated the position of {} in {}", name(*plugin), symbol(id))
        }
        Alert::Quarantined(plugin) => {
            format!(
                "{} is in quarantine: it trades no more until a person lets it go",
                name(*plugin)
            )
        }
        Alert::OrderVanished(order) => {
            format!("the venue no longer knows order {order}; it counts as canceled")
        }
        Alert::ExternalPosition(id, quantity) => {
            let size = instruments.get(usize::from(id.0));
            let size = size.map(|rules| rules.quantity_decimal(*quantity).to_string());
            let size = size.unwrap_or_default();
            format!("the account holds {size} of {} that is not ours", symbol(id))
        }
        Alert::LimitBreached { plugin, reason, value, limit } => {
            format!("{} is locked ({}): {value} of {limit}", scope(*plugin), reason.name())
        }
        Alert::CancelsAboveRate { plugin } => {
            format!("{} cancels too often; new orders wait until it does not", scope(*plugin))
        }
        Alert::SelfTradePattern { instrument, plugins: [one, other], trades } => format!(
            "{} was bought and sold again and again between {} and {}: {trades} fills",
            symbol(instrument),
            name(*one),
            name(*other)
        ),
        Alert::Unprotected { plugin, instrument } => format!(
            "the position of {} in {} has no stop of the host's yet; it is tried again",
            name(*plugin),
            symbol(instrument)
        ),
        Alert::CannotFlatten(plugin) => {
            format!("a position of {} could not be closed yet; it is tried again", name(*plugin))
        }
    }
}
