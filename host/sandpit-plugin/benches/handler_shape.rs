//! What each shape of handler costs per event: `cargo bench -p sandpit-plugin --bench
//! handler_shape`. The answer is in `docs/decisions/0001-handler-shape.md`.
//!
//! The guest is a Rust crate in `handler_shape/guest`, compiled by this bench for the guest target.

use std::{
    fmt::Write as _, hint::black_box, io::Write as _, path::Path, process::Command, time::Instant,
};

use wasmtime::{
    Config, Engine, Store,
    component::{Component, HasSelf, Linker},
};

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit", "benches/handler_shape/wit"],
        world: "bench:shapes/shapes",
    });
}

use bindings::{
    Shapes,
    bench::shapes::{events::Event, venue},
    exports::bench::shapes::{
        batch_variant, columns, empty, flat_flag, flat_list, flat_submit, one_variant, records,
    },
    sandpit::strategy::types::{Aggressor, Decimal, Intent, Trade},
};

/// Events of one round.
const EVENTS: usize = 128 * 4_096;
const ROUNDS: usize = 7;
const BATCHES: [usize; 3] = [1, 16, 128];
const FUEL_PER_CALL: u64 = 10_000_000;
const TICKS_PER_CALL: u64 = 11;

/// What the host keeps: the intents that came in through the import.
#[derive(Default)]
struct Host {
    intents: Vec<Intent>,
}

impl bindings::sandpit::strategy::types::Host for Host {}

impl bindings::bench::shapes::events::Host for Host {}

impl venue::Host for Host {
    fn submit(&mut self, intent: Intent) {
        self.intents.push(intent);
    }
}

/// One instance and everything that is handed to it.
struct Run {
    store: Store<Host>,
    shapes: Shapes,
    metered: bool,
    trades: Vec<Trade>,
    events: Vec<Event>,
    orders: usize,
}

impl Run {
    fn new(component: &[u8], metered: bool, trades: &[Trade]) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config
            .concurrency_support(false)
            .cranelift_nan_canonicalization(true)
            .consume_fuel(metered)
            .epoch_interruption(metered);
        let engine = Engine::new(&config)?;
        let component = Component::from_binary(&engine, component)?;
        let mut linker = Linker::new(&engine);
        Shapes::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host)?;
        let mut store = Store::new(&engine, Host::default());
        if metered {
            store.set_fuel(FUEL_PER_CALL)?;
            store.set_epoch_deadline(TICKS_PER_CALL);
        }
        let shapes = Shapes::instantiate(&mut store, &component, &linker)?;
        let events = trades.iter().copied().map(Event::Trade).collect();
        Ok(Self { store, shapes, metered, trades: trades.to_vec(), events, orders: 0 })
    }

    /// As the sandbox does before each call.
    fn arm(&mut self) -> wasmtime::Result<()> {
        if self.metered {
            self.store.set_epoch_deadline(TICKS_PER_CALL);
            self.store.set_fuel(FUEL_PER_CALL)?;
        }
        Ok(())
    }

    /// And after it.
    fn settle(&mut self) -> wasmtime::Result<()> {
        if self.metered {
            black_box(self.store.get_fuel()?);
        }
        Ok(())
    }

    fn for_each(
        &mut self,
        mut call: impl FnMut(&mut Store<Host>, &Shapes, usize) -> wasmtime::Result<usize>,
    ) -> wasmtime::Result<()> {
        for index in 0..EVENTS {
            self.arm()?;
            self.orders += call(&mut self.store, &self.shapes, index)?;
            self.settle()?;
        }
        Ok(())
    }

    fn for_batches(
        &mut self,
        batch: usize,
        mut call: impl FnMut(&mut Store<Host>, &Shapes, &[Trade], &[Event]) -> wasmtime::Result<usize>,
    ) -> wasmtime::Result<()> {
        for first in (0..EVENTS).step_by(batch) {
            self.arm()?;
            let range = first..first + batch;
            let (trades, events) = (&self.trades[range.clone()], &self.events[range]);
            self.orders += call(&mut self.store, &self.shapes, trades, events)?;
            self.settle()?;
        }
        Ok(())
    }
}

/// A shape: its name, whether it takes batches, and one round of it.
type Round = fn(&mut Run, usize) -> wasmtime::Result<()>;

const SHAPES: [(&str, bool, Round); 8] = [
    ("an empty call", false, call_empty),
    ("(a) `on-events(list<variant>) -> list<intent>`", true, call_batch_variant),
    ("(b) `on-event(variant) -> list<intent>`", false, call_one_variant),
    ("(c) an export per kind, flat record, imported `submit`", false, call_flat_submit),
    ("(d) an export per kind, flat record `-> list<intent>`", false, call_flat_list),
    (
        "(e) an export per kind, flat record `-> bool`, `take-intents` when true",
        false,
        call_flat_flag,
    ),
    ("(f) `list<record>` of one kind `-> list<intent>`", true, call_records),
    ("(f) columns of one kind `-> list<intent>`", true, call_columns),
];

fn call_empty(run: &mut Run, _: usize) -> wasmtime::Result<()> {
    run.for_each(|store, shapes, _| {
        let guest: &empty::Guest = shapes.bench_shapes_empty();
        guest.call_nothing(store).map(|()| 0)
    })
}

fn call_batch_variant(run: &mut Run, batch: usize) -> wasmtime::Result<()> {
    run.for_batches(batch, |store, shapes, _, events| {
        let guest: &batch_variant::Guest = shapes.bench_shapes_batch_variant();
        guest.call_on_events(store, events).map(|intents| intents.len())
    })
}

fn call_one_variant(run: &mut Run, _: usize) -> wasmtime::Result<()> {
    let events = std::mem::take(&mut run.events);
    let done = run.for_each(|store, shapes, index| {
        let guest: &one_variant::Guest = shapes.bench_shapes_one_variant();
        guest.call_on_event(store, events[index]).map(|intents| intents.len())
    });
    run.events = events;
    done
}

fn call_flat_submit(run: &mut Run, _: usize) -> wasmtime::Result<()> {
    let trades = std::mem::take(&mut run.trades);
    let done = run.for_each(|store, shapes, index| {
        let guest: &flat_submit::Guest = shapes.bench_shapes_flat_submit();
        guest.call_on_trade(&mut *store, trades[index])?;
        let intents = &mut store.data_mut().intents;
        let count = intents.len();
        intents.clear();
        Ok(count)
    });
    run.trades = trades;
    done
}

fn call_flat_list(run: &mut Run, _: usize) -> wasmtime::Result<()> {
    let trades = std::mem::take(&mut run.trades);
    let done = run.for_each(|store, shapes, index| {
        let guest: &flat_list::Guest = shapes.bench_shapes_flat_list();
        guest.call_on_trade(store, trades[index]).map(|intents| intents.len())
    });
    run.trades = trades;
    done
}

fn call_flat_flag(run: &mut Run, _: usize) -> wasmtime::Result<()> {
    let trades = std::mem::take(&mut run.trades);
    let done = run.for_each(|store, shapes, index| {
        let guest: &flat_flag::Guest = shapes.bench_shapes_flat_flag();
        if guest.call_on_trade(&mut *store, trades[index])? {
            return guest.call_take_intents(store).map(|intents| intents.len());
        }
        Ok(0)
    });
    run.trades = trades;
    done
}

fn call_records(run: &mut Run, batch: usize) -> wasmtime::Result<()> {
    run.for_batches(batch, |store, shapes, trades, _| {
        let guest: &records::Guest = shapes.bench_shapes_records();
        guest.call_on_trades(store, trades).map(|intents| intents.len())
    })
}

/// The host has events, not columns: turning them is part of the shape's price.
fn call_columns(run: &mut Run, batch: usize) -> wasmtime::Result<()> {
    let (mut times, mut prices, mut quantities) = (Vec::new(), Vec::new(), Vec::new());
    let mut aggressors = Vec::new();
    run.for_batches(batch, |store, shapes, trades, _| {
        for column in [&mut times, &mut prices, &mut quantities] {
            column.clear();
        }
        aggressors.clear();
        for trade in trades {
            times.push(trade.time.cast_signed());
            prices.push(trade.price.mantissa);
            quantities.push(trade.quantity.mantissa);
            aggressors.push(trade.aggressor as u8);
        }
        let guest: &columns::Guest = shapes.bench_shapes_columns();
        guest
            .call_on_trades(store, 0, 1, 0, &times, &prices, &quantities, &aggressors)
            .map(|intents| intents.len())
    })
}

/// A seeded walk whose averages cross about once in 36 trades.
fn trades() -> Vec<Trade> {
    let mut state = 88_172_645_463_325_252u64;
    let mut price = 1_000_000i64;
    (0..EVENTS as u64)
        .map(|time| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            price += i64::try_from(state % 21).unwrap_or(0) - 10;
            Trade {
                instrument: 0,
                time,
                price: Decimal { mantissa: price, scale: 1 },
                quantity: Decimal { mantissa: 1, scale: 0 },
                aggressor: if state & 1 == 0 { Aggressor::Buyer } else { Aggressor::Seller },
                history: false,
            }
        })
        .collect()
}

/// Compiles the guest and encodes it.
fn guest() -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("benches/handler_shape/guest");
    let target = here.join("../../target/handler-shape");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "wasm32-unknown-unknown",
            "--manifest-path",
        ])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // The flags of the run that this bench is part of are not the guest's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap_or_else(|error| panic!("cargo cannot be run: {error}"));
    assert!(status.success(), "the guest does not build");
    let module = target.join("wasm32-unknown-unknown/release/handler_shape_guest.wasm");
    let module =
        std::fs::read(&module).unwrap_or_else(|error| panic!("{}: {error}", module.display()));
    sandpit_plugin::encode(&module).unwrap_or_else(|error| panic!("{error}"))
}

/// Nanoseconds per event, the best of several rounds, and how many events led to an order.
fn measure(
    component: &[u8],
    trades: &[Trade],
    metered: bool,
    batch: usize,
    round: Round,
) -> wasmtime::Result<(f64, usize)> {
    let mut run = Run::new(component, metered, trades)?;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        run.orders = 0;
        let begun = Instant::now();
        round(&mut run, batch)?;
        best = best.min(begun.elapsed().as_secs_f64() * 1e9 / EVENTS as f64);
    }
    Ok((best, run.orders))
}

fn main() -> wasmtime::Result<()> {
    let (component, trades) = (guest(), trades());
    let mut table = String::from(
        "| shape | fuel and epoch | batch 1 | batch 16 | batch 128 |\n|---|---|---|---|---|\n",
    );
    let mut orders = 0;
    for (name, batched, round) in SHAPES {
        for metered in [false, true] {
            let _ = write!(table, "| {name} | {} |", if metered { "on" } else { "off" });
            for batch in BATCHES {
                if batch > 1 && !batched {
                    table.push_str(" = |");
                    continue;
                }
                let (ns, wanted) = measure(&component, &trades, metered, batch, round)?;
                orders = orders.max(wanted);
                let _ = write!(table, " {ns:.0} |");
            }
            table.push('\n');
        }
    }
    let every = EVENTS as f64 / orders.max(1) as f64;
    let mut out = std::io::stdout();
    let _ = writeln!(
        out,
        "ns per event, best of {ROUNDS} rounds of {EVENTS}; an order every {every:.0} events\n\n{table}"
    );
    Ok(())
}
