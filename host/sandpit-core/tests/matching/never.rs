//! Whatever the market and the orders are: nothing is offered twice, no order gets more than it
//! asked for or a worse price than its limit.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sandpit_core::{
    ids::{ClientOrderId, InstrumentId, OrderTag, PluginId, RunId},
    intent::TimeInForce,
    market::{MarketData, MarketEvent, Side, Trade},
    matching::{Exchange, FillModel, Touch},
    num::{Price, Quantity},
    order::{Order, OrderKind, ReportKind},
    time::UnixNanos,
};

use crate::script::instrument;

fn order(sequence: u64, dice: [u8; 4]) -> Order {
    let price = Price(95 + i64::from(dice[0] % 11));
    Order {
        id: ClientOrderId {
            sequence,
            plugin: PluginId(u16::from(dice[3] % 2)),
            run: RunId(0),
        },
        tag: OrderTag(sequence),
        instrument: InstrumentId(0),
        side: if dice[1].is_multiple_of(2) {
            Side::Buy
        } else {
            Side::Sell
        },
        quantity: Quantity(1 + i64::from(dice[2] % 20)),
        kind: match dice[3] % 4 {
            0 => OrderKind::Market,
            1 => OrderKind::Stop(price),
            _ => OrderKind::Limit(price),
        },
        time_in_force: if dice[3].is_multiple_of(5) {
            TimeInForce::Ioc
        } else {
            TimeInForce::Gtc
        },
        post_only: false,
        reduce_only: false,
    }
}

proptest! {
    /// With trades alone the arithmetic is plain: what fills between one print and the next is at
    /// most what the print was.
    #[test]
    fn a_print_is_offered_once(
        steps in prop::collection::vec((any::<bool>(), any::<[u8; 4]>()), 1..200),
        always in any::<bool>(),
    ) {
        let touch = if always { Touch::Always } else { Touch::Never };
        let mut venue = Exchange::new(&[instrument()], FillModel { touch });
        let (mut offered, mut taken) = (0, 0);
        let mut asked: BTreeMap<ClientOrderId, (Order, i64)> = BTreeMap::new();
        for (sequence, (is_order, dice)) in (1u64..).zip(steps) {
            let (now, mut reports) = (UnixNanos(sequence), Vec::new());
            if is_order {
                let order = order(sequence, dice);
                asked.insert(order.id, (order.clone(), 0));
                venue.submit(order, now, &mut reports);
            } else {
                let quantity = Quantity(1 + i64::from(dice[1] % 15));
                (offered, taken) = (quantity.0, 0);
                let price = Price(95 + i64::from(dice[0] % 11));
                let aggressor = [None, Some(Side::Buy), Some(Side::Sell)][usize::from(dice[2] % 3)];
                let data = MarketData::Trade(Trade { price, quantity, aggressor, id: 0 });
                let event = MarketEvent { instrument: InstrumentId(0), time: now, venue_time: now, data };
                venue.market(&event, &mut reports);
            }
            for report in reports {
                let ReportKind::Filled(fill) = report.kind else { continue };
                taken += fill.quantity.0;
                let (order, filled) = asked.get_mut(&report.order).unwrap();
                *filled += fill.quantity.0;
                prop_assert!(*filled <= order.quantity.0);
                if let Some(limit) = order.kind.limit() {
                    prop_assert!(order.side.signed(Quantity(fill.price.0 - limit.0)) <= Quantity::ZERO);
                }
            }
            prop_assert!(taken <= offered, "took {taken} of {offered}");
        }
    }
}
