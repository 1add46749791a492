//! Literals as exact numbers, so that a bound that does not hold does not compile.

use syn::{Error, Expr, ExprLit, ExprUnary, Lit, Result, UnOp};

/// Digits after the point that the contract allows.
const SCALE_MAX: usize = 18;

/// A number of the source: all its digits and how many of them are after the point.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    pub(crate) mantissa: i64,
    pub(crate) scale: u8,
}

impl Number {
    /// At 18 digits after the point, where all numbers compare. Below 2^63 × 10^18, which fits.
    fn widened(self) -> i128 {
        i128::from(self.mantissa) * 10i128.pow(18 - u32::from(self.scale))
    }

    pub(crate) fn is_below(self, other: Self) -> bool {
        self.widened() < other.widened()
    }
}

/// Reads `10`, `-0.5` or `"0.001"`.
pub(crate) fn number(expression: &Expr) -> Result<Number> {
    let wrong =
        || Error::new_spanned(expression, "not a plain decimal number of at most 18 digits");
    let (negative, literal) = match expression {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (true, &**expr),
        other => (false, other),
    };
    let Expr::Lit(ExprLit { lit, .. }) = literal else {
        return Err(wrong());
    };
    let text = match lit {
        Lit::Int(integer) if integer.suffix().is_empty() => integer.base10_digits().to_owned(),
        Lit::Float(float) if float.suffix().is_empty() => float.base10_digits().to_owned(),
        Lit::Str(text) => text.value(),
        _ => return Err(wrong()),
    };
    read(&text, negative).ok_or_else(wrong)
}

fn read(text: &str, negative: bool) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (!negative, rest),
        None => (negative, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: String = [whole, fraction].concat();
    if all.is_empty()
        || !all.bytes().all(|byte| byte.is_ascii_digit())
        || fraction.len() > SCALE_MAX
    {
        return None;
    }
    let mantissa: i64 = all.parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    Some(Number { mantissa: if negative { -mantissa } else { mantissa }, scale })
}
