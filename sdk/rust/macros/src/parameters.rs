//! `#[derive(Parameters)]`: a struct as the settings of a strategy.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, Meta, Result,
    Type, ext::IdentExt,
};

use crate::number::{Number, number};

/// Parameters that a strategy may have.
const PARAMETERS_MAX: usize = 64;
/// Bytes of a summary.
const SUMMARY_BYTES_MAX: usize = 256;
/// Bytes of a text parameter.
const TEXT_BYTES_MAX: i64 = 256;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            _ => {
                return Err(Error::new_spanned(&input.ident, "parameters are named fields"));
            }
        },
        _ => return Err(Error::new_spanned(&input.ident, "parameters are a struct")),
    };
    if fields.len() > PARAMETERS_MAX {
        return Err(Error::new_spanned(&input.ident, "a strategy has at most 64 parameters"));
    }
    let parameters = fields.iter().map(parameter).collect::<Result<Vec<_>>>()?;
    let names = parameters.iter().map(|parameter| &parameter.field);
    let describe = parameters.iter().map(|parameter| &parameter.describe);
    let read = parameters.iter().map(|parameter| &parameter.read);
    let name = &input.ident;
    Ok(quote! {
        impl ::sandpit_sdk::Parameters for #name {
            fn describe() -> ::std::vec::Vec<::sandpit_sdk::wire::Parameter> {
                ::std::vec![#(#describe),*]
            }

            fn from_arguments(
                arguments: &[::sandpit_sdk::wire::Argument],
            ) -> ::core::result::Result<Self, ::std::string::String> {
                ::core::result::Result::Ok(Self { #(#names: #read),* })
            }
        }
    })
}

/// The two expressions that one field comes to.
struct Parameter {
    field: Ident,
    describe: TokenStream,
    read: TokenStream,
}

/// What `#[param(…)]` says.
#[derive(Default)]
struct Attributes {
    default: Option<Expr>,
    min: Option<Expr>,
    max: Option<Expr>,
    max_bytes: Option<Expr>,
    summary: Option<String>,
}

fn parameter(field: &Field) -> Result<Parameter> {
    let Some(ident) = field.ident.clone() else {
        return Err(Error::new_spanned(field, "parameters are named fields"));
    };
    let attributes = attributes(field)?;
    let name = kebab(&ident.unraw().to_string());
    let summary = attributes.summary.clone().unwrap_or_else(|| doc_comment(&field.attrs));
    if summary.is_empty() || summary.len() > SUMMARY_BYTES_MAX {
        let message = "a parameter needs a doc comment or `summary` of at most 256 bytes";
        return Err(Error::new_spanned(field, message));
    }
    let Some(default) = &attributes.default else {
        return Err(Error::new_spanned(field, "a parameter needs `#[param(default = …)]`"));
    };
    let kind = type_name(&field.ty);
    let only = |allowed: &[&str]| only(field, &attributes, allowed);
    let (describe, read) = match kind.as_str() {
        "bool" => {
            only(&[])?;
            (
                quote!(::sandpit_sdk::parameters::derived::boolean(#name, #summary, #default)),
                quote!(::sandpit_sdk::parameters::derived::read_boolean(arguments, #name)?),
            )
        }
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" | "isize" => {
            only(&["min", "max"])?;
            integer(&name, &summary, field, &attributes, default, &kind)?
        }
        "Decimal" => {
            only(&["min", "max"])?;
            decimal(&name, &summary, field, &attributes, default)?
        }
        "String" => {
            only(&["max_bytes"])?;
            text(&name, &summary, field, &attributes, default)?
        }
        "f32" | "f64" => {
            return Err(Error::new_spanned(&field.ty, "a parameter is exact: use `Decimal`"));
        }
        _ => {
            only(&[])?;
            let ty = &field.ty;
            (
                quote!(::sandpit_sdk::parameters::derived::choice::<#ty>(#name, #summary, &#default)),
                quote!(::sandpit_sdk::parameters::derived::read_choice::<#ty>(arguments, #name)?),
            )
        }
    };
    Ok(Parameter { field: ident, describe, read })
}

fn integer(
    name: &str,
    summary: &str,
    field: &Field,
    attributes: &Attributes,
    default: &Expr,
    kind: &str,
) -> Result<(TokenStream, TokenStream)> {
    let (least, largest) = integer_bounds(kind);
    let whole = |expression: &Expr| {
        let number = number(expression)?;
        let fits = number.scale == 0 && (least..=largest).contains(&number.mantissa);
        let wrong =
            || Error::new_spanned(expression, format!("not an integer that `{kind}` holds"));
        fits.then_some(number.mantissa).ok_or_else(wrong)
    };
    let or = |bound: &Option<Expr>, fallback| bound.as_ref().map_or(Ok(fallback), whole);
    let (min, max) = (or(&attributes.min, least)?, or(&attributes.max, largest)?);
    let value = whole(default)?;
    if value < min || value > max {
        return Err(Error::new_spanned(default, "the default is out of its bounds"));
    }
    let ty = &field.ty;
    Ok((
        quote!(::sandpit_sdk::parameters::derived::integer(#name, #summary, [#value, #min, #max])),
        // The bounds are within the type's, so the conversion cannot fail.
        quote!(
            <#ty as ::core::convert::TryFrom<i64>>::try_from(
                ::sandpit_sdk::parameters::derived::read_integer(arguments, #name, [#min, #max])?,
            )
            .map_err(|error| ::std::string::ToString::to_string(&error))?
        ),
    ))
}

fn decimal(
    name: &str,
    summary: &str,
    field: &Field,
    attributes: &Attributes,
    default: &Expr,
) -> Result<(TokenStream, TokenStream)> {
    let (Some(min), Some(max)) = (&attributes.min, &attributes.max) else {
        return Err(Error::new_spanned(field, "a `Decimal` parameter needs `min` and `max`"));
    };
    let (value, min, max) = (number(default)?, number(min)?, number(max)?);
    if value.is_below(min) || max.is_below(value) {
        return Err(Error::new_spanned(default, "the default is out of its bounds"));
    }
    let exact = |Number { mantissa, scale }: Number| {
        let mantissa = i128::from(mantissa);
        quote!(::sandpit_sdk::Decimal::new(#mantissa, #scale))
    };
    let (value, min, max) = (exact(value), exact(min), exact(max));
    Ok((
        quote!(::sandpit_sdk::parameters::derived::decimal(#name, #summary, [#value, #min, #max])),
        quote!(::sandpit_sdk::parameters::derived::read_decimal(arguments, #name, [#min, #max])?),
    ))
}

fn text(
    name: &str,
    summary: &str,
    field: &Field,
    attributes: &Attributes,
    default: &Expr,
) -> Result<(TokenStream, TokenStream)> {
    let Expr::Lit(ExprLit { lit: Lit::Str(value), .. }) = default else {
        return Err(Error::new_spanned(default, "the default of a text is a string"));
    };
    let max_bytes = match &attributes.max_bytes {
        Some(expression) => number(expression)?.mantissa,
        None => TEXT_BYTES_MAX,
    };
    let max_bytes = u32::try_from(max_bytes)
        .ok()
        .filter(|bytes| i64::from(*bytes) <= TEXT_BYTES_MAX)
        .ok_or_else(|| Error::new_spanned(field, "`max_bytes` is at most 256"))?;
    if u32::try_from(value.value().len()).map_or(true, |bytes| bytes > max_bytes) {
        return Err(Error::new_spanned(default, "the default is out of its bounds"));
    }
    Ok((
        quote!(::sandpit_sdk::parameters::derived::text(#name, #summary, #value, #max_bytes)),
        quote!(::sandpit_sdk::parameters::derived::read_text(arguments, #name, #max_bytes)?),
    ))
}

fn attributes(field: &Field) -> Result<Attributes> {
    let mut found = Attributes::default();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("param")) {
        attribute.parse_nested_meta(|meta| {
            let value = meta.value()?;
            let slot = match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("default") => &mut found.default,
                Some("min") => &mut found.min,
                Some("max") => &mut found.max,
                Some("max_bytes") => &mut found.max_bytes,
                Some("summary") => {
                    found.summary = Some(value.parse::<syn::LitStr>()?.value());
                    return Ok(());
                }
                _ => return Err(meta.error("not one of default, min, max, max_bytes, summary")),
            };
            *slot = Some(value.parse()?);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Refuses what a type has no use for.
fn only(field: &Field, attributes: &Attributes, allowed: &[&str]) -> Result<()> {
    let given = [
        ("min", attributes.min.is_some()),
        ("max", attributes.max.is_some()),
        ("max_bytes", attributes.max_bytes.is_some()),
    ];
    match given.iter().find(|(name, given)| *given && !allowed.contains(name)) {
        Some((name, _)) => {
            Err(Error::new_spanned(field, format!("a parameter of this type has no `{name}`")))
        }
        None => Ok(()),
    }
}

fn integer_bounds(kind: &str) -> (i64, i64) {
    match kind {
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        // A component's `usize` has 32 bits.
        "i32" | "isize" => (i32::MIN.into(), i32::MAX.into()),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" | "usize" => (0, u32::MAX.into()),
        "u64" => (0, i64::MAX),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The last word of a type's path.
fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The lines of a doc comment in one, up to the first empty one.
fn doc_comment(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// `fastLength`, `fast_length` and `FastLength` as `fast-length`.
pub(crate) fn kebab(name: &str) -> String {
    let mut kebab = String::with_capacity(name.len() + 4);
    for (at, character) in name.chars().enumerate() {
        if character == '_' {
            kebab.push('-');
        } else {
            if character.is_ascii_uppercase() && at > 0 {
                kebab.push('-');
            }
            kebab.push(character.to_ascii_lowercase());
        }
    }
    kebab
}
