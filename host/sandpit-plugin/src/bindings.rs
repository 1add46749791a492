//! What `bindgen!` makes of the contract. Nothing is written by hand here; these types do not
//! leave the crate.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "strategy",
});
