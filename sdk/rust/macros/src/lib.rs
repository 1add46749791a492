//! Derive macros of `sandpit-sdk`: `Parameters` and `Choice`. Documented there, where the traits
//! are; nothing here is of use without it.

mod choice;
mod number;
mod parameters;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes parameters of a struct. See `sandpit_sdk::Parameters`.
#[proc_macro_derive(Parameters, attributes(param))]
pub fn parameters(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    parameters::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a parameter's options of an enum. See `sandpit_sdk::Choice`.
#[proc_macro_derive(Choice)]
pub fn choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
