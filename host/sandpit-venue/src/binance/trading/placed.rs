//! What the venue says of an order, taken into what is known of it, and told.

use sandpit_core::{
    ids::ClientOrderId,
    time::UnixNanos,
    venue::{Asked, Outcome},
};

use super::{Trading, Turn, known::Said, worth::Message};
use crate::binance::{
    Amount, client_id,
    response::{ConvertError, ExecutionReport, OrderAnswer, OrderRecord},
    words::{OrderSide, OrderStatus, OrderType},
};

pub(super) const fn is_open(status: &OrderStatus) -> bool {
    matches!(
        status,
        OrderStatus::New
            | OrderStatus::PendingNew
            | OrderStatus::PartiallyFilled
            | OrderStatus::PendingCancel
            | OrderStatus::Other(_)
    )
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap_or_default()
}

/// What an order is to buy in all.
fn buys(side: &OrderSide, quantity: &str) -> Amount {
    if *side == OrderSide::Buy { amount(quantity) } else { Amount::ZERO }
}

impl Trading {
    /// Notes what an answer says; `None` where it is not about one of our orders.
    pub(super) fn note_answer(&mut self, answer: &OrderAnswer<'_>) -> Option<ClientOrderId> {
        let name = answer.orig_client_order_id.as_ref().unwrap_or(&answer.client_order_id);
        let id = client_id::parse(name)?;
        let instrument = self.desk.id(&answer.symbol)?;
        self.desk.note_number(instrument, answer.order_id, Some(id));
        let said = Said {
            number: answer.order_id,
            executed: answer.executed_qty.map(amount).unwrap_or_default(),
            buys: answer.side.as_ref().zip(answer.orig_qty).map(|(side, all)| buys(side, all)),
            open: answer.status.as_ref().is_none_or(is_open),
            conditional: answer.order_type.as_ref().is_some_and(OrderType::is_conditional),
        };
        self.orders.heard(id, instrument, &said);
        Some(id)
    }

    /// Notes what an event says; `None` where it is not about one of our orders.
    pub(super) fn note_event(&mut self, event: &ExecutionReport<'_>) -> Option<ClientOrderId> {
        let instrument = self.desk.id(&event.symbol)?;
        let id = event.order();
        self.desk.note_number(instrument, event.order_id, id);
        let said = Said {
            number: event.order_id,
            executed: amount(event.filled_quantity),
            buys: Some(buys(&event.side, event.quantity)),
            open: is_open(&event.status),
            conditional: event.order_type.is_conditional(),
        };
        self.orders.heard(id?, instrument, &said);
        id
    }

    /// Notes what a record says.
    pub(super) fn note_record(&mut self, record: &OrderRecord<'_>) {
        let Some(instrument) = self.desk.id(&record.symbol) else { return };
        let id = client_id::parse(&record.client_order_id);
        self.desk.note_number(instrument, record.order_id, id);
        let Some(id) = id else { return };
        let said = Said {
            number: record.order_id,
            executed: amount(record.executed_qty),
            buys: Some(buys(&record.side, record.orig_qty)),
            open: is_open(&record.status),
            conditional: record.order_type.is_conditional(),
        };
        self.orders.heard(id, instrument, &said);
    }

    /// Tells what an answer says of the order that it must be about, with the outcome of the
    /// request. An answer that cannot be taken leaves the request in doubt.
    pub(super) fn tell_answer(
        &mut self,
        id: ClientOrderId,
        to: Asked,
        answer: &OrderAnswer<'_>,
        raw: &[u8],
        turn: &mut Turn<'_>,
    ) {
        let time = answer.transact_time.and_then(crate::binance::time::time);
        let time: UnixNanos = time.unwrap_or_else(|| turn.gate.venue_now(turn.now));
        match answer.to_news(&self.desk) {
            Ok(Some(news)) if self.note_answer(answer) == Some(id) => {
                turn.answer(id, to, time, Outcome::Confirmed);
                self.tell(news, turn);
            }
            Err(ConvertError::FeeRate { asset, quote }) if self.note_answer(answer) == Some(id) => {
                turn.answer(id, to, time, Outcome::Confirmed);
                self.hold(Message::Answer(raw.to_vec()), asset, quote, turn);
            }
            Ok(_) => {
                turn.alert(format!("the answer about {id} names another order"));
                self.unknown(id, to, turn);
            }
            Err(error) => {
                turn.alert(format!("the answer about {id} cannot be taken: {error}"));
                self.unknown(id, to, turn);
            }
        }
    }

    /// Nobody knows what became of a request.
    pub(super) fn unknown(&mut self, id: ClientOrderId, to: Asked, turn: &mut Turn<'_>) {
        self.counts.unknown += 1;
        turn.answer_now(id, to, Outcome::Unknown);
    }
}
