//! What `wit-bindgen` makes of the contract. Nothing is written by hand here; the types that
//! strategies see are built from these in the other modules.

wit_bindgen::generate!({
    world: "strategy",
    path: "../../wit",
    additional_derives: [PartialEq],
    generate_unused_types: true,
    pub_export_macro: true,
    export_macro_name: "export_bindings",
    default_bindings_module: "::sandpit_sdk::bindings",
    runtime_path: "::sandpit_sdk::rt",
    // Without constructors of a C runtime there is nothing to run before a call.
    disable_run_ctors_once_workaround: true,
});
