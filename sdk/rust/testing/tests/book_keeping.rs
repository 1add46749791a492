//! Whatever a strategy asks for and whatever the market does: what the SDK tells a strategy of its
//! orders and its position is what the host has.

use proptest::prelude::{Just, ProptestConfig, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy as Gen;
use sandpit_sdk::prelude::*;
use sandpit_testing::Harness;

/// What the strategy does at one trade. Numbers pick sides, distances and orders.
#[derive(Clone, Copy, Debug)]
enum Act {
    Nothing,
    Market(bool, i64),
    Limit(bool, i64, i64),
    Stop(bool, i64, i64),
    Bracket(bool, i64),
    Target(i64),
    Amend(usize, i64, i64),
    Cancel(usize),
    CancelAll,
}

fn acts() -> impl Gen<Value = Act> {
    let side = proptest::bool::ANY;
    prop_oneof![
        Just(Act::Nothing),
        (side, 1i64..4).prop_map(|(buy, size)| Act::Market(buy, size)),
        (side, 1i64..4, -3i64..4).prop_map(|(buy, size, off)| Act::Limit(buy, size, off)),
        (side, 1i64..4, 1i64..4).prop_map(|(buy, size, off)| Act::Stop(buy, size, off)),
        (side, 1i64..4).prop_map(|(buy, size)| Act::Bracket(buy, size)),
        (-4i64..5).prop_map(Act::Target),
        (0usize..4, 0i64..6, -3i64..4).prop_map(|(at, size, off)| Act::Amend(at, size, off)),
        (0usize..4).prop_map(Act::Cancel),
        Just(Act::CancelAll),
    ]
}

/// Does what its parameter `script` picks from a table that the test leaves on the thread.
struct Scripted {
    next: usize,
    /// Tags of orders that the host makes: it is heard of them with the first report.
    made_by_host: Vec<OrderTag>,
}

thread_local! {
    static SCRIPT: std::cell::RefCell<Vec<Act>> = const { std::cell::RefCell::new(Vec::new()) };
}

impl Strategy for Scripted {
    type Params = ();

    fn describe() -> Description {
        description!().subscribe(Data::Trades)
    }

    fn start(_: &mut Context, (): (), _: Option<SavedState>) -> Result<Self, String> {
        Ok(Self { next: 0, made_by_host: Vec::new() })
    }

    fn on_trade(&mut self, ctx: &mut Context, trade: &Trade) {
        let Some(act) = SCRIPT.with_borrow(|script| script.get(self.next).copied()) else {
            return;
        };
        self.next += 1;
        let (id, last) = (trade.instrument, trade.price);
        let side = |buy| if buy { Side::Buy } else { Side::Sell };
        let tag = |ctx: &Context, at: usize| ctx.orders().get(at).map(|order| order.tag);
        match act {
            Act::Nothing => {}
            Act::Market(buy, size) => {
                ctx.place(Order::market(id, side(buy), size.into()));
            }
            Act::Limit(buy, size, off) => {
                ctx.place(Order::limit(id, side(buy), size.into(), last + off.into()));
            }
            Act::Stop(buy, size, off) => {
                let trigger = last + side(buy).signed(off.into());
                ctx.place(Order::stop(id, side(buy), size.into(), trigger));
            }
            Act::Bracket(buy, size) => {
                let away = side(buy).signed(dec!(3));
                let entry = Order::limit(id, side(buy), size.into(), last);
                let tags = ctx.bracket(entry, last - away, last + away);
                self.made_by_host.extend([tags.stop_loss, tags.take_profit]);
            }
            Act::Target(quantity) => {
                self.made_by_host.push(ctx.target_position(id, quantity.into()));
            }
            Act::Amend(at, size, off) => {
                let Some(tag) = tag(ctx, at) else { return };
                ctx.amend(tag, (size > 0).then(|| size.into()), Some(last + off.into()));
            }
            Act::Cancel(at) => {
                let Some(tag) = tag(ctx, at) else { return };
                ctx.cancel(tag);
            }
            Act::CancelAll => ctx.cancel_all(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_strategy_knows_what_the_host_knows(
        script in proptest::collection::vec((acts(), 95i64..106, 1i64..4), 1..60),
        order_ms in 0u64..4,
        report_ms in 0u64..4,
    ) {
        SCRIPT.set(script.iter().map(|(act, ..)| *act).collect());
        let latency = (Duration::from_millis(order_ms), Duration::from_millis(report_ms));
        let mut harness = Harness::new::<Scripted>().latency(latency.0, latency.1).start();
        for (_, price, quantity) in script {
            harness.trade(price, quantity);
            let open = harness.open_orders();
            for own in harness.context().orders() {
                let order = open.iter().find(|order| order.tag == own.tag);
                prop_assert!(order.is_some(), "{own:?} is over");
                let order = order.unwrap();
                prop_assert_eq!(
                    (own.side, own.quantity, own.filled),
                    (order.side, order.quantity, order.filled)
                );
                prop_assert!(own.kind.is_none_or(|kind| kind == order.kind), "{own:?} {order:?}");
            }
            for order in &open {
                let unheard = harness.strategy().made_by_host.contains(&order.tag)
                    && order.filled.is_zero();
                prop_assert!(
                    unheard || harness.context().order(order.tag).is_some(),
                    "{order:?} is not known"
                );
            }
            prop_assert_eq!(harness.context().positions()[0].quantity, harness.position());
            prop_assert!(harness.fault().is_none());
        }
    }
}
