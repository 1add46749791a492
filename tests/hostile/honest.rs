//! The honest neighbour: trades, changes, cancels, keeps time, logs, and mixes everything that it
//! is told into a number that it saves. Whatever reaches it in another way than before shows.

use std::sync::OnceLock;

use sandpit_plugin::{Compiled, Compiler, check};

use crate::{
    guest::{Guest, INTENTS_AT},
    stage::engine,
    wish::{BUY, SELL, WISH_BYTES, Wish},
};

/// Its name.
pub(crate) const NAME: &str = "honest";
/// The instrument that it trades, which every attacker has as well.
const INSTRUMENT: u32 = 0;

/// What it asks for, by the number of the trade modulo eight; the last two together in the eighth.
fn wishes() -> [Wish; 10] {
    let place = |side| Wish::place(0, INSTRUMENT, side, 1);
    [
        Wish::cancel_all(Some(INSTRUMENT)),
        place(BUY),
        place(BUY).limit(0),
        Wish::amend(0, None, Some(0)),
        place(SELL),
        Wish::cancel(0),
        place(SELL).limit(0),
        Wish::bracket(place(BUY), (0, 0), (0, 0)),
        Wish::cancel_all(Some(INSTRUMENT)),
        Wish::timer(1, 0, None),
    ]
}

/// Puts tags and prices into the wish of this trade: parameters are step, price and time.
fn fill_in() -> String {
    let wish = |number: u32| INTENTS_AT + number * u32::try_from(WISH_BYTES).unwrap();
    let tag = |number: u32, more: i64| {
        format!(
            "(i64.store (i32.const {}) (i64.add (global.get $count) (i64.const {more})))",
            wish(number) + 8
        )
    };
    let price = |number: u32, at: u32, more: i64| {
        format!(
            "(i64.store (i32.const {}) (i64.add (local.get 1) (i64.const {more})))",
            wish(number) + at
        )
    };
    let number = |at: u32, more: i64| {
        format!(
            "(i64.store (i32.const {}) (i64.add (global.get $count) (i64.const {more})))",
            wish(7) + at
        )
    };
    [
        tag(1, 0),
        tag(2, 0),
        price(2, 48, -100),
        tag(3, -1),
        price(3, 48, -50),
        tag(4, 0),
        tag(5, -3),
        tag(6, 0),
        price(6, 48, 5),
        tag(7, 0),
        number(104, 1_000_000),
        price(7, 112, -40),
        number(128, 2_000_000),
        price(7, 136, 40),
        format!(
            "(i64.store (i32.const {}) (i64.add (local.get 2) (i64.const 50000000)))",
            wish(9) + 16
        ),
    ]
    .concat()
}

/// Its component.
pub(crate) fn component() -> Vec<u8> {
    let wish_bytes = u32::try_from(WISH_BYTES).unwrap();
    Guest::idle()
        .named(NAME.as_bytes())
        .hands_over(&wishes())
        .extra(&format!(
            "(global $count (mut i64) (i64.const 0))
             (global $hash (mut i64) (i64.const -3750763034362895579))
             (func $mix (param i64)
               (global.set $hash
                 (i64.mul (i64.xor (global.get $hash) (local.get 0)) (i64.const 1099511628211))))
             (func $fill-in (param i32 i64 i64) {})",
            fill_in()
        ))
        .body(
            "on-trade",
            &format!(
                "(call $mix (local.get 2))
                 (if (local.get 7) (then (return (i32.const 0))))
                 (global.set $count (i64.add (global.get $count) (i64.const 1)))
                 (local.set $i (i32.wrap_i64 (i64.and (global.get $count) (i64.const 7))))
                 (call $fill-in (local.get $i) (local.get 2) (local.get 1))
                 (if (i32.eq (local.get $i) (i32.const 4))
                   (then (call $log (i32.const 1) (i32.const 1024) (i32.const 6))))
                 (i32.store (i32.const 132) (i32.const 1))
                 (if (i32.eqz (local.get $i))
                   (then (local.set $i (i32.const 8)) (i32.store (i32.const 132) (i32.const 2))))
                 (i32.store (i32.const 128)
                   (i32.add (i32.const {INTENTS_AT}) (i32.mul (local.get $i) (i32.const {wish_bytes}))))
                 i32.const 1"
            ),
        )
        .body("take-intents", "i32.const 128")
        .does(
            "on-order",
            "(call $mix (i64.load (local.get 0)))
             (call $mix (i64.load offset=8 (local.get 0)))
             (call $mix (i64.load8_u offset=24 (local.get 0)))
             (call $mix (i64.load offset=112 (local.get 0)))",
        )
        .does("on-position", "(call $mix (local.get 2)) (call $mix (local.get 4))")
        .does("on-budget", "(call $mix (local.get 1)) (call $mix (local.get 3))")
        .does("on-timer", "(call $mix (local.get 1))")
        .does("on-trading-state", "(call $mix (local.get 1))")
        .body(
            "save",
            "(i64.store (i32.const 640) (global.get $count))
             (i64.store (i32.const 648) (global.get $hash))
             (i32.store (i32.const 136) (i32.const 640))
             (i32.store (i32.const 140) (i32.const 16)) i32.const 136",
        )
        .component()
}

/// Its machine code, compiled once.
pub(crate) fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        Compiler::InProcess.compile(engine(), &check(&component()).unwrap()).unwrap()
    })
}
