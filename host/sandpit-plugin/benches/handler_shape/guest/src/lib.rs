//! One strategy, an average cross in floats, behind every shape of handler.

use std::cell::{Cell, RefCell};

wit_bindgen::generate!({
    world: "bench:shapes/shapes",
    path: ["../../../../../wit", "../wit"],
    generate_all,
});

use bench::shapes::{events::Event, venue};
use sandpit::strategy::types::{Decimal, Intent, OrderKind, Place, Side, TimeInForce, Trade};

struct Average {
    mean: f64,
    alpha: f64,
}

impl Average {
    const fn over(length: f64) -> Self {
        Self { mean: 0.0, alpha: 2.0 / (length + 1.0) }
    }

    fn step(&mut self, value: f64) {
        self.mean += self.alpha * (value - self.mean);
    }
}

struct Strategy {
    fast: Average,
    slow: Average,
    above: bool,
    tag: u64,
}

impl Strategy {
    fn trade(&mut self, price: f64) -> Option<Intent> {
        self.fast.step(price);
        self.slow.step(price);
        let above = self.fast.mean > self.slow.mean;
        if above == self.above {
            return None;
        }
        self.above = above;
        self.tag += 1;
        Some(Intent::Place(Place {
            tag: self.tag,
            instrument: 0,
            side: if above { Side::Buy } else { Side::Sell },
            quantity: Decimal { mantissa: 1, scale: 0 },
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Ioc,
            post_only: false,
            reduce_only: false,
        }))
    }
}

thread_local! {
    static STRATEGY: RefCell<Strategy> = const {
        RefCell::new(Strategy { fast: Average::over(16.0), slow: Average::over(33.0), above: false, tag: 0 })
    };
    static WAITING: Cell<Vec<Intent>> = const { Cell::new(Vec::new()) };
}

fn number(mantissa: i64, scale: u8) -> f64 {
    const POWERS: [f64; 4] = [1.0, 10.0, 100.0, 1_000.0];
    mantissa as f64 / POWERS[usize::from(scale) & 3]
}

fn on(trade: &Trade) -> Option<Intent> {
    let price = number(trade.price.mantissa, trade.price.scale);
    STRATEGY.with_borrow_mut(|strategy| strategy.trade(price))
}

fn on_event(event: &Event) -> Option<Intent> {
    match event {
        Event::Trade(trade) => on(trade),
        Event::Quote(_) | Event::Bar(_) => None,
    }
}

struct Guest;

impl exports::bench::shapes::empty::Guest for Guest {
    fn nothing() {}
}

impl exports::bench::shapes::batch_variant::Guest for Guest {
    fn on_events(events: Vec<Event>) -> Vec<Intent> {
        events.iter().filter_map(on_event).collect()
    }
}

impl exports::bench::shapes::one_variant::Guest for Guest {
    fn on_event(event: Event) -> Vec<Intent> {
        on_event(&event).into_iter().collect()
    }
}

impl exports::bench::shapes::flat_submit::Guest for Guest {
    fn on_trade(trade: Trade) {
        if let Some(intent) = on(&trade) {
            venue::submit(intent);
        }
    }
}

impl exports::bench::shapes::flat_list::Guest for Guest {
    fn on_trade(trade: Trade) -> Vec<Intent> {
        on(&trade).into_iter().collect()
    }
}

impl exports::bench::shapes::flat_flag::Guest for Guest {
    fn on_trade(trade: Trade) -> bool {
        let Some(intent) = on(&trade) else { return false };
        let mut waiting = WAITING.take();
        waiting.push(intent);
        WAITING.set(waiting);
        true
    }

    fn take_intents() -> Vec<Intent> {
        WAITING.take()
    }
}

impl exports::bench::shapes::records::Guest for Guest {
    fn on_trades(trades: Vec<Trade>) -> Vec<Intent> {
        trades.iter().filter_map(on).collect()
    }
}

impl exports::bench::shapes::columns::Guest for Guest {
    fn on_trades(
        _instrument: u32,
        price_scale: u8,
        _quantity_scale: u8,
        _times: Vec<i64>,
        prices: Vec<i64>,
        _quantities: Vec<i64>,
        _aggressors: Vec<u8>,
    ) -> Vec<Intent> {
        STRATEGY.with_borrow_mut(|strategy| {
            prices.iter().filter_map(|price| strategy.trade(number(*price, price_scale))).collect()
        })
    }
}

export!(Guest);
