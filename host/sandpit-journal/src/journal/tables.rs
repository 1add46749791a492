//! What the numbers of instruments and plugins mean. A file says it in its first row, and the meaning
//! cannot change while the file is written: a row of last year must not turn into another
//! instrument's because somebody sorted a list. Plugins may come at the end, each with a row that
//! says its name; the first row of the next file names them all.

use std::path::Path;

use sandpit_core::{engine::Record, ids::PluginId, instrument::Instrument, num::Money};

use super::{
    CURRENCY_BYTES_MAX, Entry, INSTRUMENTS_MAX, JournalError, PLUGIN_NAME_BYTES_MAX, PLUGINS_MAX,
    codec,
    entry::{Began, PluginTable},
    head::Head,
    store::Store,
};
use crate::tape::{instrument_in, instrument_out};

/// Instruments and plugins by their ids.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The instruments; an id is an index here.
    pub instruments: Vec<Instrument>,
    /// Names of the plugins; an id is an index here.
    pub plugins: Vec<String>,
    /// What each plugin was given, by id.
    pub budgets: Vec<Money>,
    /// The account's currency.
    pub currency: String,
}

impl Tables {
    /// The first row of a file that goes on after `after`.
    pub(super) fn began(
        &self,
        path: &Path,
        segment: u32,
        after: Head,
    ) -> Result<Began, JournalError> {
        let refuse = |problem| JournalError::Refused { path: path.to_owned(), problem };
        if self.instruments.len() > INSTRUMENTS_MAX {
            return Err(refuse("there are more than 1,024 instruments"));
        }
        if self.plugins.len() > PLUGINS_MAX || self.plugins.len() != self.budgets.len() {
            return Err(refuse("there are more than 1,024 plugins, or not one budget for each"));
        }
        if self.plugins.iter().any(|name| name.len() > PLUGIN_NAME_BYTES_MAX) {
            return Err(refuse("the name of a plugin has more than 128 bytes"));
        }
        if self.currency.len() > CURRENCY_BYTES_MAX {
            return Err(refuse("the name of the currency has more than 16 bytes"));
        }
        let plugins = self.plugins.iter().zip(&self.budgets);
        Ok(Began {
            segment,
            rows_before: after.seq,
            previous: after.hash,
            currency: self.currency.clone(),
            instruments: self.instruments.iter().map(|i| instrument_out(i.spec())).collect(),
            plugins: plugins
                .map(|(name, budget)| PluginTable { name: name.clone(), budget: *budget })
                .collect(),
        })
    }

    /// The tables that a first row says, with the plugins that have come by now.
    pub(super) fn read(began: &Began, plugins: &[PluginTable]) -> Result<Self, &'static str> {
        let mut instruments = Vec::with_capacity(began.instruments.len().min(INSTRUMENTS_MAX));
        for row in &began.instruments {
            let spec =
                instrument_in(row.clone()).ok_or("an instrument has a malformed number or kind")?;
            let instrument =
                Instrument::new(spec).map_err(|_| "an instrument's rules contradict each other")?;
            instruments.push(instrument);
        }
        Ok(Self {
            instruments,
            plugins: plugins.iter().map(|plugin| plugin.name.clone()).collect(),
            budgets: plugins.iter().map(|plugin| plugin.budget).collect(),
            currency: began.currency.clone(),
        })
    }

    /// The first difference that would give old rows another meaning; `plugins` are those that have
    /// come by now. Fees and limits of size may change: what they led to is in the rows. Where a file
    /// is opened, plugins that are not in it yet may stand at the end, and are to be added by their
    /// rows; where another begins, instruments may.
    pub(super) fn differs(
        &self,
        began: &Began,
        plugins: &[PluginTable],
        begins: bool,
    ) -> Option<String> {
        if began.currency != self.currency {
            return Some(format!("currency `{}` is `{}` now", began.currency, self.currency));
        }
        for (index, old) in began.instruments.iter().enumerate() {
            let Some(new) = self.instruments.get(index) else {
                return Some(format!("instrument `{}` is not there any more", old.symbol));
            };
            let new = instrument_out(new.spec());
            let same = new.symbol == old.symbol
                && new.venue == old.venue
                && new.price_tick == old.price_tick
                && new.quantity_step == old.quantity_step
                && new.multiplier == old.multiplier;
            if !same {
                return Some(format!(
                    "instrument {index} is `{}` on {} with tick {}, step {} and multiplier {} now, and was `{}` on {} with {}, {} and {}",
                    new.symbol,
                    new.venue,
                    new.price_tick,
                    new.quantity_step,
                    new.multiplier,
                    old.symbol,
                    old.venue,
                    old.price_tick,
                    old.quantity_step,
                    old.multiplier,
                ));
            }
        }
        for (index, old) in plugins.iter().enumerate() {
            match self.plugins.get(index) {
                None => return Some(format!("plugin `{}` is not there any more", old.name)),
                Some(new) if *new != old.name => {
                    return Some(format!("plugin {index} is `{new}` now and was `{}`", old.name));
                }
                Some(_) => {}
            }
        }
        if begins && self.plugins.len() > plugins.len() {
            let name = self.plugins.get(plugins.len()).map_or("", String::as_str);
            return Some(format!("plugin `{name}` has no row that adds it"));
        }
        (!begins && self.instruments.len() > began.instruments.len())
            .then(|| "there are more instruments now; rotate the journal first".to_owned())
    }
}

/// Whether a plugin can come after those that are there; why not.
pub(super) fn may_come(
    plugins: &[PluginTable],
    plugin: PluginId,
    name: &str,
) -> Result<(), &'static str> {
    if usize::from(plugin.0) != plugins.len() {
        return Err("a plugin is added that has not the next number");
    }
    if plugins.len() >= PLUGINS_MAX {
        return Err("there are more than 1,024 plugins");
    }
    if name.len() > PLUGIN_NAME_BYTES_MAX {
        return Err("the name of a plugin has more than 128 bytes");
    }
    Ok(())
}

/// The plugins of a file: those of its first row, and those that have come since. A row that cannot
/// be read ends the search, as a damaged page does: whoever walks the rows says what is wrong.
pub(super) fn plugins_of(store: &Store, began: &Began) -> Result<Vec<PluginTable>, JournalError> {
    let mut plugins = began.plugins.clone();
    for row in store.rows_of_kind("plugin-added") {
        let Ok(Entry::Core(Record::PluginAdded { plugin, name, budget })) = codec::decode(&row)
        else {
            break;
        };
        may_come(&plugins, plugin, &name).map_err(|why| JournalError::Unreadable {
            path: store.path.clone(),
            seq: row.seq,
            why: why.to_owned(),
        })?;
        plugins.push(PluginTable { name, budget });
    }
    Ok(plugins)
}
