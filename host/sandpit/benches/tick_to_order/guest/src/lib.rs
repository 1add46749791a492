//! One order for every quote: at the bid, for as long as it takes to be refused by the book. So what
//! is sent depends on what was told, and nothing is ever held.

use sandpit_sdk::prelude::*;

/// The settings.
#[derive(Parameters)]
pub struct Params {
    /// Quantity of each order.
    #[param(default = 0.001, min = 0.00000001, max = 1_000)]
    quantity: Decimal,
}

/// The strategy.
pub struct Echo {
    instrument: InstrumentId,
    quantity: Decimal,
}

impl Strategy for Echo {
    type Params = Params;

    fn describe() -> Description {
        description!().subscribe(Data::Quotes)
    }

    fn start(ctx: &mut Context, params: Params, _: Option<SavedState>) -> Result<Self, String> {
        Ok(Self { instrument: ctx.only_instrument()?.id, quantity: params.quantity })
    }

    fn on_quote(&mut self, ctx: &mut Context, quote: &Quote) {
        let order = Order::limit(self.instrument, Side::Buy, self.quantity, quote.bid_price);
        ctx.place(order.time_in_force(TimeInForce::ImmediateOrCancel));
    }
}

export!(Echo);
