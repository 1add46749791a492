//! `#[derive(Choice)]`: an enum as the options of a parameter.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::parameters::kebab;

/// Options that a parameter may have.
const OPTIONS_MAX: usize = 32;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "a choice is an enum"));
    };
    if data.variants.is_empty() || data.variants.len() > OPTIONS_MAX {
        return Err(Error::new_spanned(&input.ident, "a choice has 1 to 32 options"));
    }
    if let Some(variant) =
        data.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit))
    {
        return Err(Error::new_spanned(variant, "an option carries nothing"));
    }
    let name = &input.ident;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let options: Vec<_> = variants.iter().map(|variant| kebab(&variant.to_string())).collect();
    Ok(quote! {
        impl ::sandpit_sdk::Choice for #name {
            const OPTIONS: &'static [&'static str] = &[#(#options),*];

            fn option(&self) -> &'static str {
                match self { #(Self::#variants => #options,)* }
            }

            fn from_option(name: &str) -> ::core::option::Option<Self> {
                match name {
                    #(#options => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}
