//! What the instruments of a venue share while one of them answers: counters, the times at which
//! orders end, and where the answers go.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::{
    ids::{ClientOrderId, InstrumentId, TradeId},
    instrument::Instrument,
    matching::{
        fees::FeeDesk,
        margin::{Liquidation, Wallets},
    },
    num::Money,
    order::{Report, ReportKind},
    time::UnixNanos,
};

/// Of the whole venue.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    trades: u64,
    arrivals: u64,
    /// When orders of limited time end, over all instruments, so that the next end is one look.
    expiries: BTreeSet<(UnixNanos, InstrumentId, ClientOrderId)>,
    /// Fees by traded notional; `None` for the instruments' own.
    pub(super) fees: Option<FeeDesk>,
    pub(super) wallets: Wallets,
    /// Positions that the venue closed, until they are asked for.
    pub(super) liquidations: Vec<Liquidation>,
}

impl Shared {
    pub(super) fn next_expiry(&self) -> Option<(UnixNanos, InstrumentId, ClientOrderId)> {
        self.expiries.first().copied()
    }
}

/// One call's surroundings.
pub(super) struct Desk<'a> {
    pub(super) now: UnixNanos,
    pub(super) shared: &'a mut Shared,
    pub(super) out: &'a mut Vec<Report>,
}

impl Desk<'_> {
    pub(super) fn say(&mut self, order: ClientOrderId, kind: ReportKind) {
        self.out.push(Report { order, time: self.now, kind });
    }

    /// The next place in the order of arrival, never given twice.
    pub(super) const fn arrive(&mut self) -> u64 {
        self.shared.arrivals += 1;
        self.shared.arrivals
    }

    pub(super) const fn next_trade(&mut self) -> TradeId {
        self.shared.trades += 1;
        TradeId(self.shared.trades)
    }

    /// The fee of a fill of `notional`.
    pub(super) fn fee(&mut self, rules: &Instrument, notional: Money, maker: bool) -> Money {
        match &mut self.shared.fees {
            Some(fees) => fees.charge(self.now, notional, maker),
            None => rules.fee(notional, maker),
        }
    }

    pub(super) fn expire_at(&mut self, at: UnixNanos, instrument: InstrumentId, id: ClientOrderId) {
        self.shared.expiries.insert((at, instrument, id));
    }

    pub(super) fn forget_expiry(
        &mut self,
        at: UnixNanos,
        instrument: InstrumentId,
        id: ClientOrderId,
    ) {
        self.shared.expiries.remove(&(at, instrument, id));
    }
}
