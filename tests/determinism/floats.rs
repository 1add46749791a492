//! Floats: the same bits for every NaN, the same traps, no instruction whose result a processor may
//! choose.

use std::fmt::Write as _;

use sandpit_plugin::{Limits, check};

use crate::{
    harness::Test,
    plays::{every_way, trades},
    support::Guest,
};

pub(crate) const TESTS: &[Test] = &[
    ("floats::every_nan_has_the_same_bits", every_nan_has_the_same_bits),
    ("floats::every_nan_of_a_vector_has_the_same_bits", every_nan_of_a_vector_has_the_same_bits),
    ("floats::what_only_moves_bits_keeps_them", what_only_moves_bits_keeps_them),
    ("floats::a_float_that_is_no_integer_traps", a_float_that_is_no_integer_traps),
    ("floats::instructions_with_a_choice_are_refused", instructions_with_a_choice_are_refused),
];

const NAN_32: u32 = 0x7fc0_0000;
const NAN_64: u64 = 0x7ff8_0000_0000_0000;
/// Where results are written, and from where they are saved.
const RESULTS_AT: usize = 40_960;

/// NaNs with payloads, a negative one, zero, minus one, infinity: as a strategy may find them in its
/// memory, so that no compiler knows them.
const DATA: &str = "(data (i32.const 36864)
    \"\\01\\00\\00\\00\\00\\00\\f4\\7f\" \"\\ef\\be\\ad\\de\\00\\00\\f8\\ff\"
    \"\\00\\00\\00\\00\\00\\00\\00\\00\" \"\\00\\00\\00\\00\\00\\00\\f0\\bf\"
    \"\\00\\00\\00\\00\\00\\00\\f0\\7f\"
    \"\\01\\00\\a0\\7f\" \"\\ad\\de\\c0\\ff\" \"\\00\\00\\00\\00\" \"\\00\\00\\80\\bf\"
    \"\\00\\00\\80\\7f\")";

/// Operands of 64 and of 32 bits: payload, negative, zero, minus one, infinity.
fn operand(bits: u32, which: usize) -> String {
    let (base, width) = if bits == 64 { (36_864, 8) } else { (36_864 + 40, 4) };
    format!("(f{bits}.load (i32.const {}))", base + which * width)
}

/// Expressions that all are NaN.
fn scalars(bits: u32) -> Vec<String> {
    let [payload, negative, zero, minus, infinity] = [0, 1, 2, 3, 4].map(|at| operand(bits, at));
    let mut all = vec![
        format!("(f{bits}.div {zero} {zero})"),
        format!("(f{bits}.sub {infinity} {infinity})"),
        format!("(f{bits}.mul {infinity} {zero})"),
        format!("(f{bits}.sqrt {minus})"),
    ];
    for nan in [&payload, &negative] {
        for binary in ["add", "sub", "mul", "div", "min", "max"] {
            all.push(format!("(f{bits}.{binary} {nan} {minus})"));
            all.push(format!("(f{bits}.{binary} {zero} {nan})"));
        }
        for unary in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
            all.push(format!("(f{bits}.{unary} {nan})"));
        }
    }
    all
}

/// A guest that computes these in each trade and saves the results one after the other.
fn computing(stores: &str, bytes: usize) -> Guest {
    Guest::idle().extra(DATA).body("on-trade", &format!("{stores} i32.const 0")).body(
        "save",
        &format!(
            "(i32.store (i32.const 136) (i32.const {RESULTS_AT}))
                 (i32.store (i32.const 140) (i32.const {bytes})) i32.const 136"
        ),
    )
}

fn results(stores: &str, bytes: usize) -> Vec<u8> {
    let component = computing(stores, bytes).component();
    let trace = every_way(&component, &Limits::default().reproducible(), &trades(2));
    let state = trace.state.unwrap();
    assert_eq!(state.len(), bytes);
    state
}

fn every_nan_has_the_same_bits() {
    let mut stores = String::new();
    let mut expected = Vec::new();
    let mut push = |store: String, bits: &[u8]| {
        let at = RESULTS_AT + expected.len();
        writeln!(stores, "{}", store.replace("AT", &format!("(i32.const {at})"))).unwrap();
        expected.extend_from_slice(bits);
    };
    for expression in scalars(64) {
        push(format!("(f64.store AT {expression})"), &NAN_64.to_le_bytes());
    }
    for expression in scalars(32) {
        push(format!("(f32.store AT {expression})"), &NAN_32.to_le_bytes());
    }
    for which in [0, 1] {
        let wider = format!("(f64.store AT (f64.promote_f32 {}))", operand(32, which));
        push(wider, &NAN_64.to_le_bytes());
        let narrower = format!("(f32.store AT (f32.demote_f64 {}))", operand(64, which));
        push(narrower, &NAN_32.to_le_bytes());
    }
    let bytes = expected.len();
    assert!(bytes > 400);
    assert_eq!(results(&stores, bytes), expected);
}

fn every_nan_of_a_vector_has_the_same_bits() {
    let mut stores = String::new();
    let mut expected = Vec::new();
    let mut push = |expression: String, bits: Vec<u8>| {
        let at = RESULTS_AT + expected.len();
        writeln!(stores, "(v128.store (i32.const {at}) {expression})").unwrap();
        expected.extend(bits);
    };
    let narrow = || NAN_32.to_le_bytes().repeat(4);
    let wide = || NAN_64.to_le_bytes().repeat(2);
    let splat = |shape: &str, bits, which| format!("({shape}.splat {})", operand(bits, which));
    for (shape, bits) in [("f64x2", 64), ("f32x4", 32)] {
        let nan = || if bits == 64 { wide() } else { narrow() };
        let zero = splat(shape, bits, 2);
        push(format!("({shape}.div {zero} {zero})"), nan());
        for which in [0, 1] {
            let payload = splat(shape, bits, which);
            for binary in ["add", "sub", "mul", "div", "min", "max"] {
                push(format!("({shape}.{binary} {payload} {zero})"), nan());
            }
            for unary in ["sqrt", "ceil", "floor", "trunc", "nearest"] {
                push(format!("({shape}.{unary} {payload})"), nan());
            }
        }
    }
    for which in [0, 1] {
        let low = [narrow()[..8].to_vec(), vec![0; 8]].concat();
        push(format!("(f32x4.demote_f64x2_zero {})", splat("f64x2", 64, which)), low);
        push(format!("(f64x2.promote_low_f32x4 {})", splat("f32x4", 32, which)), wide());
    }
    let bytes = expected.len();
    assert_eq!(results(&stores, bytes), expected);
}

fn what_only_moves_bits_keeps_them() {
    // By the standard these are no arithmetic: they touch the sign and nothing else.
    let payload = operand(64, 0);
    let stores = format!(
        "(f64.store (i32.const {RESULTS_AT}) (f64.neg {payload}))
         (f64.store (i32.const {}) (f64.abs {}))
         (f64.store (i32.const {}) (f64.copysign {payload} {}))",
        RESULTS_AT + 8,
        operand(64, 1),
        RESULTS_AT + 16,
        operand(64, 3),
    );
    let expected = [0xfff4_0000_0000_0001_u64, 0x7ff8_0000_dead_beef, 0xfff4_0000_0000_0001];
    let expected: Vec<u8> = expected.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    assert_eq!(results(&stores, 24), expected);
}

fn a_float_that_is_no_integer_traps() {
    for (expression, words) in [
        (format!("(i32.trunc_f64_s {})", operand(64, 0)), "invalid conversion to integer"),
        (format!("(i64.trunc_f64_u {})", operand(64, 3)), "integer overflow"),
        (format!("(i32.trunc_f32_s {})", operand(32, 4)), "integer overflow"),
    ] {
        let expression = if expression.starts_with("(i64") {
            format!("(i32.wrap_i64 {expression})")
        } else {
            expression
        };
        let guest = Guest::idle().extra(DATA).body("on-trade", &expression);
        let limits = Limits::default().reproducible();
        let trace = every_way(&guest.component(), &limits, &trades(1));
        assert!(trace.calls[1].contains("code: Trap"), "{:?}", trace.calls);
        assert!(trace.calls[1].contains(words), "{:?}", trace.calls);
    }
    let stores = format!(
        "(i32.store (i32.const {RESULTS_AT}) (i32.trunc_sat_f64_s {}))
         (i32.store (i32.const {}) (i32.trunc_sat_f64_u {}))
         (i32.store (i32.const {}) (i32.trunc_sat_f32_s {}))",
        operand(64, 0),
        RESULTS_AT + 4,
        operand(64, 3),
        RESULTS_AT + 8,
        operand(32, 4),
    );
    let expected: Vec<u8> = [0, 0, i32::MAX].iter().flat_map(|it| it.to_le_bytes()).collect();
    assert_eq!(results(&stores, 12), expected);
}

fn instructions_with_a_choice_are_refused() {
    for instruction in [
        "(f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))",
        "(f64x2.relaxed_min (local.get 0) (local.get 0))",
        "(i8x16.relaxed_swizzle (local.get 0) (local.get 0))",
        "(i32x4.relaxed_trunc_f32x4_s (local.get 0))",
    ] {
        let function = format!("(func (param v128) (result v128) {instruction})");
        // The encoder does not take it either, so it is put into a component by hand.
        let module = format!("(component (core module {function}))");
        let error = check(&wat::parse_str(module).unwrap()).unwrap_err().to_string();
        assert!(error.contains("relaxed SIMD support is not enabled"), "{instruction}: {error}");
    }
}
