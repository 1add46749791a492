//! What is said about one order, as reports.

use sandpit_core::{
    ids::{ClientOrderId, VenueOrderId},
    instrument::Instrument,
    num::Quantity,
    order::{Report, ReportKind},
    time::UnixNanos,
};

use super::{ConvertError, Desk, FeePaid, FillParts, fill_of, kind_of, quantity_of, total_of};
use crate::binance::{
    client_id,
    response::{AmendAnswer, ExecutionReport, OrderAnswer},
    time::time,
    words::{ExecutionType, OrderStatus, OrderType},
};

/// What a message says about one of our orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// In their order.
    pub reports: Vec<Report>,
    /// Fees as they were paid, one for each fill that had one.
    pub fees_paid: Vec<FeePaid>,
}

struct Teller {
    order: ClientOrderId,
    time: UnixNanos,
    news: News,
}

impl Teller {
    fn new(order: ClientOrderId, stamp: i64) -> Result<Self, ConvertError> {
        let time = time(stamp).ok_or(ConvertError::Time { stamp })?;
        Ok(Self { order, time, news: News::default() })
    }

    fn tell(&mut self, kind: ReportKind) {
        self.news.reports.push(Report { order: self.order, time: self.time, kind });
    }

    fn fill(
        &mut self,
        desk: &dyn Desk,
        instrument: &Instrument,
        parts: &FillParts<'_>,
    ) -> Result<(), ConvertError> {
        let filled = fill_of(desk, instrument, parts)?;
        self.news.fees_paid.extend(filled.fee_paid);
        self.tell(ReportKind::Filled(filled.fill));
        Ok(())
    }

    /// Says that it is over, where a status says so that is not told by fills.
    fn end(&mut self, status: &OrderStatus) -> Result<(), ConvertError> {
        match status {
            OrderStatus::Canceled | OrderStatus::Expired | OrderStatus::ExpiredInMatch => {
                self.tell(ReportKind::Canceled);
            }
            OrderStatus::Rejected => self.tell(ReportKind::Rejected("REJECTED".to_owned())),
            OrderStatus::New
            | OrderStatus::PendingNew
            | OrderStatus::PartiallyFilled
            | OrderStatus::Filled
            | OrderStatus::PendingCancel => {}
            OrderStatus::Other(word) => {
                return Err(ConvertError::Word { field: "status", word: word.to_string() });
            }
        }
        Ok(())
    }
}

fn find<'d>(desk: &'d dyn Desk, symbol: &str) -> Result<&'d Instrument, ConvertError> {
    desk.instrument(symbol)
        .map(|(_, instrument)| instrument)
        .ok_or_else(|| ConvertError::symbol(symbol))
}

impl ExecutionReport<'_> {
    /// Our order that it is about; `None` where it is somebody else's.
    ///
    /// A cancel and an amend have a name of their own and tell the order's beside it.
    #[must_use]
    pub fn order(&self) -> Option<ClientOrderId> {
        let original = self.original_client_order_id.as_deref().filter(|id| !id.is_empty());
        let changed =
            matches!(self.execution_type, ExecutionType::Canceled | ExecutionType::Replaced);
        original
            .filter(|_| changed)
            .and_then(client_id::parse)
            .or_else(|| client_id::parse(&self.client_order_id))
    }

    /// What it says about our order; `None` where it is about somebody else's.
    ///
    /// # Errors
    /// See [`ConvertError`].
    pub fn to_news(&self, desk: &dyn Desk) -> Result<Option<News>, ConvertError> {
        let Some(order) = self.order() else {
            return Ok(None);
        };
        let instrument = find(desk, &self.symbol)?;
        let mut teller = Teller::new(order, self.transaction_time)?;
        match &self.execution_type {
            ExecutionType::New => {
                teller.tell(ReportKind::Accepted(VenueOrderId(self.order_id)));
                // The venue tells `NEW` once more when a conditional order comes onto the book.
                if self.order_type.is_conditional() && self.is_working {
                    teller.tell(ReportKind::Triggered);
                }
            }
            ExecutionType::Trade => self.tell_trade(desk, instrument, &mut teller)?,
            ExecutionType::Canceled | ExecutionType::Expired => {
                teller.tell(ReportKind::Canceled);
            }
            ExecutionType::Rejected => {
                teller.tell(ReportKind::Rejected(self.reject_reason.to_string()));
            }
            ExecutionType::Replaced => self.tell_amended(instrument, &mut teller)?,
            ExecutionType::TradePrevention => match self.status {
                OrderStatus::New | OrderStatus::PartiallyFilled => {
                    self.tell_amended(instrument, &mut teller)?;
                }
                ref status => teller.end(status)?,
            },
            ExecutionType::Other(word) => {
                let field = "execution type";
                return Err(ConvertError::Word { field, word: word.to_string() });
            }
        }
        Ok(Some(teller.news))
    }

    fn tell_trade(
        &self,
        desk: &dyn Desk,
        instrument: &Instrument,
        teller: &mut Teller,
    ) -> Result<(), ConvertError> {
        let quantity = quantity_of(instrument, "quantity of a fill", self.last_quantity)?;
        if quantity != Quantity::ZERO {
            let parts = FillParts {
                trade_id: self.trade_id,
                price: self.last_price,
                quantity: self.last_quantity,
                commission: self.commission.unwrap_or("0"),
                asset: self.commission_asset.as_deref(),
                maker: self.is_maker,
            };
            teller.fill(desk, instrument, &parts)?;
        }
        teller.end(&self.status)
    }

    fn tell_amended(
        &self,
        instrument: &Instrument,
        teller: &mut Teller,
    ) -> Result<(), ConvertError> {
        teller.tell(ReportKind::Amended {
            quantity: total_of(instrument, self.quantity, self.prevented_quantity)?,
            kind: kind_of(
                instrument,
                &self.order_type,
                Some(self.price),
                Some(self.stop_price),
                self.trailing_delta,
            )?,
        });
        Ok(())
    }
}

impl OrderAnswer<'_> {
    /// What the answer to a new order or to a cancel says about our order; `None` where it is
    /// about somebody else's. Fills of an answer took liquidity: they happened at once.
    ///
    /// # Errors
    /// See [`ConvertError`].
    pub fn to_news(&self, desk: &dyn Desk) -> Result<Option<News>, ConvertError> {
        let name = self.orig_client_order_id.as_ref().unwrap_or(&self.client_order_id);
        let Some(order) = client_id::parse(name) else {
            return Ok(None);
        };
        let instrument = find(desk, &self.symbol)?;
        let Some(stamp) = self.transact_time else {
            return Err(ConvertError::Contradiction { what: "an answer has no time" });
        };
        let mut teller = Teller::new(order, stamp)?;
        if self.status != Some(OrderStatus::Rejected) {
            teller.tell(ReportKind::Accepted(VenueOrderId(self.order_id)));
        }
        let triggered = self.order_type.as_ref().is_some_and(OrderType::is_conditional)
            && self.working_time.is_some_and(|since| since > 0);
        if triggered {
            teller.tell(ReportKind::Triggered);
        }
        for fill in &self.fills {
            let parts = FillParts {
                trade_id: fill.trade_id,
                price: fill.price,
                quantity: fill.qty,
                commission: fill.commission,
                asset: Some(&fill.commission_asset),
                maker: false,
            };
            teller.fill(desk, instrument, &parts)?;
        }
        if let Some(status) = &self.status {
            teller.end(status)?;
        }
        Ok(Some(teller.news))
    }
}

impl AmendAnswer<'_> {
    /// What it says about our order; `None` where it is about somebody else's.
    ///
    /// # Errors
    /// See [`ConvertError`].
    pub fn to_news(&self, desk: &dyn Desk) -> Result<Option<News>, ConvertError> {
        let amended = &self.amended_order;
        let Some(order) = client_id::parse(&amended.orig_client_order_id) else {
            return Ok(None);
        };
        let instrument = find(desk, &amended.symbol)?;
        let mut teller = Teller::new(order, self.transact_time)?;
        teller.tell(ReportKind::Amended {
            quantity: total_of(instrument, amended.qty, None)?,
            kind: kind_of(
                instrument,
                &amended.order_type,
                Some(amended.price),
                amended.stop_price,
                amended.trailing_delta,
            )?,
        });
        teller.end(&amended.status)?;
        Ok(Some(teller.news))
    }
}
