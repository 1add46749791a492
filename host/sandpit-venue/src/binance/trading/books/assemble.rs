//! From the answers of one showing to the core's snapshot.

use sandpit_core::{
    engine::{VenueEvent, VenueSnapshot},
    ids::{ClientOrderId, InstrumentId},
    instrument::Instrument,
    time::UnixNanos,
    venue::VenueMessage,
};

use super::Run;
use crate::binance::{
    client_id,
    response::{
        AccountAnswer, Answer as _, ConvertError, FeePaid, OrderRecord, account_fill,
        external_order, positions, venue_order,
    },
    trading::{Trading, Turn, desk::Book, trades},
};

/// Orders of a list that could be read before.
pub(super) fn records(body: &[u8]) -> Vec<OrderRecord<'_>> {
    Vec::decode(body).unwrap_or_default()
}

/// What was put together: books, and fees as they were paid.
type Assembled = (VenueSnapshot, Vec<(ClientOrderId, FeePaid)>);

impl Trading {
    /// Shows the books, or begins anew.
    pub(super) fn show_books(&mut self, turn: &mut Turn<'_>) {
        let Some(run) = &self.books.run else { return };
        if !same_account(&run.first, &run.last) {
            return self.books_fail(turn);
        }
        match assemble(run, &self.desk) {
            Ok((snapshot, fees)) => {
                self.books.run = None;
                self.books.tries = 0;
                self.counts.books += 1;
                if self.books.wanted.is_some() {
                    self.books.at = Some(turn.now);
                }
                turn.say(VenueMessage::News(VenueEvent::Snapshot(snapshot)));
                for (order, fee) in fees {
                    self.tell_fees(order, vec![fee], turn);
                }
            }
            Err(ConvertError::FeeRate { asset, quote }) => {
                self.want_worth(&asset, &quote, turn);
                self.books_fail(turn);
            }
            // They were of different moments after all.
            Err(ConvertError::Fills { .. }) => self.books_fail(turn),
            Err(error) => {
                turn.alert(format!("the venue's books cannot be taken: {error}"));
                self.books_fail(turn);
            }
        }
    }
}

/// Whether two looks at the account show that nothing happened between them.
fn same_account(first: &[u8], last: &[u8]) -> bool {
    match (AccountAnswer::decode(first), AccountAnswer::decode(last)) {
        (Ok(first), Ok(last)) => {
            first.update_time == last.update_time && first.balances == last.balances
        }
        _ => false,
    }
}

fn assemble(run: &Run, desk: &Book) -> Result<Assembled, ConvertError> {
    let mut snapshot = VenueSnapshot { time: run.time, ..VenueSnapshot::default() };
    let mut fees = Vec::new();
    for (instrument, body) in &run.open {
        for record in records(body) {
            let Some(id) = client_id::parse(&record.client_order_id) else {
                snapshot.external_orders.push(external_order(&record, desk)?);
                continue;
            };
            let pages = run
                .of_order
                .get(&(*instrument, record.order_id))
                .or_else(|| run.trades.get(instrument));
            let trades = pages.map(|pages| trades::read_all(pages)).unwrap_or_default();
            if let Some((order, paid)) = venue_order(&record, &trades, desk)? {
                snapshot.open.push(order);
                fees.extend(paid.into_iter().map(|fee| (id, fee)));
            }
        }
    }
    for (instrument, pages) in &run.trades {
        add_fills(*instrument, pages, run.since, desk, &mut snapshot, &mut fees)?;
    }
    let account = AccountAnswer::decode(&run.last)
        .map_err(|_| ConvertError::Contradiction { what: "an account cannot be read twice" })?;
    let instruments: Vec<(InstrumentId, &Instrument)> = desk.all().collect();
    snapshot.positions = positions(&account, &instruments)?;
    Ok((snapshot, fees))
}

fn add_fills(
    instrument: InstrumentId,
    pages: &[Vec<u8>],
    since: UnixNanos,
    desk: &Book,
    snapshot: &mut VenueSnapshot,
    fees: &mut Vec<(ClientOrderId, FeePaid)>,
) -> Result<(), ConvertError> {
    let mut trades = trades::read_all(pages);
    trades.sort_by_key(|trade| trade.id);
    trades.dedup_by_key(|trade| trade.id);
    for trade in trades {
        let order = desk.whose(instrument, trade.order_id).flatten();
        let (fill, paid) = account_fill(&trade, order, desk)?;
        if fill.time < since {
            continue;
        }
        snapshot.fills.push(fill);
        fees.extend(order.zip(paid));
    }
    Ok(())
}
