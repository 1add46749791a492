//! Row forms of what the host itself has to say.

use sandpit_core::ids::{ClientOrderId, PluginId, RunId, TradeId};

use super::mirror::{Mirror, Unreadable, mirror_enum, mirror_struct};
use crate::journal::{
    Digest,
    entry::{Began, HostRecord, PluginTable, RunMode},
};
use crate::tape::InstrumentOnDisk;

impl Mirror for InstrumentOnDisk {
    type Row = Self;

    fn to_row(&self) -> Self {
        self.clone()
    }

    fn from_row(row: Self) -> Result<Self, Unreadable> {
        Ok(row)
    }

    #[cfg(test)]
    fn sample(random: &mut super::mirror::Random) -> Self {
        let mut spec = crate::journal::tests::instrument().spec().clone();
        spec.symbol = random.value();
        crate::tape::instrument_out(&spec)
    }
}

mirror_enum!(RunMode as RunModeRow { Backtest, Paper, Testnet, Live, Simulation });
mirror_struct!(PluginTable as PluginTableRow { name: String, budget: sandpit_core::num::Money });
mirror_struct!(Began as BeganRow {
    segment: u32,
    rows_before: u64,
    previous: Digest,
    currency: String,
    instruments: Vec<InstrumentOnDisk>,
    plugins: Vec<PluginTable>,
});
mirror_enum!(HostRecord as HostRecordRow {
    Began[began: Began],
    Started {
        run: RunId,
        mode: RunMode,
        version: String,
        config: Digest,
        components: Vec<Digest>,
    },
    Stopped { run: RunId, reason: String },
    PluginLoaded { plugin: PluginId, component: Digest, version: String },
    PluginSwapped { plugin: PluginId, from: Digest, to: Digest },
    PluginUnloaded { plugin: PluginId, reason: String },
    Operator { who: String, via: String, command: String },
    FeePaid { order: ClientOrderId, trade: TradeId, asset: String, amount: String },
    Note(text: String),
    CutAccepted { lost_from: u64, lost_to: u64, lost_hash: Digest, note: String },
    Restored { rows: u64, hash: Digest },
    Pruned { segments_to: u32, hash: Digest },
});
