//! From the guest's description to ours: every bound that the contract states is held here.

use std::collections::BTreeSet;

use sandpit_core::{market::DataKind, time::Nanos};
use semver::Version;

use super::{Description, DescriptionError, Parameter, ParameterKind, WarmUp};
use crate::{bindings::sandpit::strategy::types as wire, convert::core_decimal, text::escaped};

const NAME_BYTES_MAX: usize = 64;
const VERSION_BYTES_MAX: usize = 32;
const SUMMARY_BYTES_MAX: usize = 1_024;
const PARAMETERS_MAX: usize = 64;
const PARAMETER_SUMMARY_BYTES_MAX: usize = 256;
const OPTIONS_MAX: usize = 32;
const OPTION_BYTES_MAX: usize = 64;
const TEXT_BYTES_MAX: u32 = 256;
const SUBSCRIPTIONS_MAX: usize = 8;
const WARM_UPS_MAX: usize = 4;
const WARM_UP_COUNT_MAX: u32 = 10_000;
const BAR_INTERVAL_MIN: Nanos = Nanos::SECOND;
const BAR_INTERVAL_MAX: Nanos = Nanos(7 * 24 * 60 * 60 * Nanos::SECOND.0);
const DEPTH_LEVELS_MAX: u16 = 50;
/// Bytes of a guest's text that are shown in an error.
const SHOWN_BYTES_MAX: usize = 64;

type Checked<T> = Result<T, DescriptionError>;

fn fail<T>(field: impl Into<String>, problem: &'static str) -> Checked<T> {
    Err(DescriptionError { field: field.into(), problem })
}

/// Bytes that a byte may become when it is escaped: a control character as `\u{1b}`.
const ESCAPED_FACTOR: usize = 6;

impl Description {
    pub(crate) fn read(from: wire::Description) -> Checked<Self> {
        Self::read_within(from, 1)
    }

    /// Reads what was read before, in a process that is not to be trusted with it: its texts have
    /// been escaped since, and may have grown by that.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "for runners"))]
    pub(crate) fn again(from: wire::Description) -> Checked<Self> {
        Self::read_within(from, ESCAPED_FACTOR)
    }

    fn read_within(from: wire::Description, growth: usize) -> Checked<Self> {
        check_name("name", &from.name)?;
        if from.version.len() > VERSION_BYTES_MAX || Version::parse(&from.version).is_err() {
            return fail("version", "is no semantic version of at most 32 bytes");
        }
        if from.summary.len() > SUMMARY_BYTES_MAX * growth {
            return fail("summary", "has more than 1,024 bytes");
        }
        if from.parameters.len() > PARAMETERS_MAX {
            return fail("parameters", "are more than 64");
        }
        let mut names = BTreeSet::new();
        for parameter in &from.parameters {
            check_name("a parameter's name", &parameter.name)?;
            if !names.insert(parameter.name.as_str()) {
                return fail(format!("parameter `{}`", parameter.name), "is there twice");
            }
        }
        Ok(Self {
            summary: lines(&from.summary),
            parameters: from
                .parameters
                .into_iter()
                .map(|it| parameter(it, growth))
                .collect::<Checked<_>>()?,
            subscriptions: subscriptions(&from.subscriptions)?,
            warm_up: warm_up(&from.warm_up)?,
            state_schema: from.state_schema,
            name: from.name,
            version: from.version,
        })
    }
}

fn check_name(field: &str, name: &str) -> Checked<()> {
    let of_names = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(of_names) {
        return Ok(());
    }
    let shown = escaped(name, SHOWN_BYTES_MAX);
    fail(format!("{field} `{shown}`"), "is not 1 to 64 of `a-z`, `0-9` and `-`")
}

/// Escaped, with line breaks kept.
fn lines(text: &str) -> String {
    text.lines().map(|line| escaped(line, usize::MAX)).collect::<Vec<_>>().join("\n")
}

fn parameter(from: wire::Parameter, growth: usize) -> Checked<Parameter> {
    let field = || format!("parameter `{}`", from.name);
    if from.summary.len() > PARAMETER_SUMMARY_BYTES_MAX * growth {
        return fail(field(), "has a summary of more than 256 bytes");
    }
    let kind = match from.type_ {
        wire::ParameterType::Boolean(default) => ParameterKind::Boolean { default },
        wire::ParameterType::Integer(it) => {
            if it.min > it.max || !(it.min..=it.max).contains(&it.default) {
                return fail(field(), "has a default outside of its bounds");
            }
            ParameterKind::Integer { default: it.default, min: it.min, max: it.max }
        }
        wire::ParameterType::Decimal(it) => {
            decimal_kind(it).or_else(|problem| fail(field(), problem))?
        }
        wire::ParameterType::Choice(it) => {
            choice_kind(it).or_else(|problem| fail(field(), problem))?
        }
        wire::ParameterType::Text(it) => {
            if it.max_bytes > TEXT_BYTES_MAX {
                return fail(field(), "allows more than 256 bytes");
            }
            let bytes_max = usize::try_from(it.max_bytes).unwrap_or(0);
            if it.default.len() > bytes_max {
                return fail(field(), "has a default longer than its bound");
            }
            ParameterKind::Text { default: it.default, bytes_max }
        }
    };
    Ok(Parameter { summary: escaped(&from.summary, usize::MAX), name: from.name, kind })
}

fn decimal_kind(from: wire::DecimalBounds) -> Result<ParameterKind, &'static str> {
    let of = |decimal| core_decimal(decimal).map_err(|_| "has a decimal with a scale above 18");
    let (default, min, max) = (of(from.default)?, of(from.min)?, of(from.max)?);
    if min > max || default < min || default > max {
        return Err("has a default outside of its bounds");
    }
    Ok(ParameterKind::Decimal { default, min, max })
}

fn choice_kind(from: wire::ChoiceBounds) -> Result<ParameterKind, &'static str> {
    if from.options.is_empty() || from.options.len() > OPTIONS_MAX {
        return Err("has no options, or more than 32");
    }
    if from.options.iter().any(|option| option.len() > OPTION_BYTES_MAX) {
        return Err("has an option of more than 64 bytes");
    }
    if from.options.iter().collect::<BTreeSet<_>>().len() != from.options.len() {
        return Err("has an option twice");
    }
    if !from.options.contains(&from.default) {
        return Err("has a default that is none of its options");
    }
    Ok(ParameterKind::Choice { default: from.default, options: from.options })
}

fn subscriptions(from: &[wire::DataKind]) -> Checked<Vec<DataKind>> {
    if from.len() > SUBSCRIPTIONS_MAX {
        return fail("subscriptions", "are more than 8");
    }
    let kinds =
        from.iter().map(|kind| data_kind("a subscription", kind)).collect::<Checked<Vec<_>>>()?;
    if kinds.iter().collect::<BTreeSet<_>>().len() != kinds.len() {
        return fail("subscriptions", "has one twice");
    }
    Ok(kinds)
}

fn warm_up(from: &[wire::WarmUp]) -> Checked<Vec<WarmUp>> {
    if from.len() > WARM_UPS_MAX {
        return fail("warm-up", "has more than 4 entries");
    }
    from.iter()
        .map(|entry| {
            let kind = data_kind("warm-up", &entry.kind)?;
            if matches!(kind, DataKind::Depth(_)) {
                return fail("warm-up", "asks for depth, of which there is no history");
            }
            if entry.count > WARM_UP_COUNT_MAX {
                return fail("warm-up", "asks for more than 10,000 events");
            }
            Ok(WarmUp { kind, count: entry.count })
        })
        .collect()
}

fn data_kind(field: &str, kind: &wire::DataKind) -> Checked<DataKind> {
    Ok(match kind {
        wire::DataKind::Trades => DataKind::Trades,
        wire::DataKind::Quotes => DataKind::Quotes,
        wire::DataKind::Bars(interval) => {
            if !(BAR_INTERVAL_MIN.0..=BAR_INTERVAL_MAX.0).contains(interval) {
                return fail(field, "has bars of an interval outside of 1 s to 7 d");
            }
            DataKind::Bars(Nanos(*interval))
        }
        wire::DataKind::Depth(levels) => {
            if !(1..=DEPTH_LEVELS_MAX).contains(levels) {
                return fail(field, "has depth of other than 1 to 50 levels");
            }
            DataKind::Depth(*levels)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> wire::Description {
        wire::Description {
            name: "ema-cross".to_owned(),
            version: "1.2.3".to_owned(),
            summary: "Follows trends.\nLoses in ranges.\u{1b}".to_owned(),
            parameters: vec![wire::Parameter {
                name: "fast".to_owned(),
                summary: String::new(),
                type_: wire::ParameterType::Integer(wire::IntegerBounds {
                    default: 10,
                    min: 1,
                    max: 99,
                }),
            }],
            subscriptions: vec![wire::DataKind::Trades, wire::DataKind::Bars(60_000_000_000)],
            warm_up: vec![wire::WarmUp { kind: wire::DataKind::Trades, count: 20 }],
            state_schema: 7,
        }
    }

    fn refused(change: impl FnOnce(&mut wire::Description), problem: &str) {
        let mut description = plain();
        change(&mut description);
        let error = Description::read(description).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        assert!(!error.contains(char::is_control), "{error:?}");
    }

    fn parameter_of(kind: wire::ParameterType) -> impl FnOnce(&mut wire::Description) {
        move |description| description.parameters[0].type_ = kind
    }

    #[test]
    fn a_plain_description_is_taken() {
        let description = Description::read(plain()).unwrap();
        assert_eq!(description.summary, "Follows trends.\nLoses in ranges.\\u{1b}");
        assert_eq!(
            description.subscriptions,
            [DataKind::Trades, DataKind::Bars(Nanos(60_000_000_000))]
        );
        assert_eq!(description.state_schema, 7);
    }

    #[test]
    fn names_and_texts_are_bounded() {
        refused(|d| d.name.clear(), "is not 1 to 64");
        refused(|d| d.name = "\u{1b}[2J".to_owned(), "is not 1 to 64");
        refused(|d| d.name = "a".repeat(65), "is not 1 to 64");
        refused(|d| d.version = "1.2".to_owned(), "no semantic version");
        refused(|d| d.version = format!("1.2.3-{}", "a".repeat(40)), "no semantic version");
        refused(|d| d.summary = "a".repeat(1_025), "more than 1,024 bytes");
        refused(|d| d.parameters[0].summary = "a".repeat(257), "more than 256 bytes");
        refused(|d| d.parameters[0].name = "Fast".to_owned(), "is not 1 to 64");
        refused(|d| d.parameters.push(d.parameters[0].clone()), "is there twice");
        refused(|d| d.parameters = vec![d.parameters[0].clone(); 65], "are more than 64");
    }

    #[test]
    fn defaults_lie_within_their_bounds() {
        let decimal = |mantissa, scale| wire::Decimal { mantissa, scale };
        let outside = "default outside of its bounds";
        refused(
            parameter_of(wire::ParameterType::Integer(wire::IntegerBounds {
                default: 0,
                min: 1,
                max: 2,
            })),
            outside,
        );
        let bounds =
            wire::DecimalBounds { default: decimal(21, 1), min: decimal(1, 0), max: decimal(2, 0) };
        refused(parameter_of(wire::ParameterType::Decimal(bounds)), outside);
        let bounds = wire::DecimalBounds {
            default: decimal(1, 200),
            min: decimal(1, 0),
            max: decimal(2, 0),
        };
        refused(parameter_of(wire::ParameterType::Decimal(bounds)), "scale above 18");
        let choice = |default: &str, options: Vec<String>| {
            parameter_of(wire::ParameterType::Choice(wire::ChoiceBounds {
                default: default.to_owned(),
                options,
            }))
        };
        refused(choice("c", vec!["a".to_owned()]), "none of its options");
        refused(choice("a", vec!["a".to_owned(); 2]), "an option twice");
        refused(choice("a", Vec::new()), "has no options");
        refused(choice("a", vec!["a".repeat(65)]), "more than 64 bytes");
        refused(choice("0", (0..33).map(|n| n.to_string()).collect()), "more than 32");
        let text = |default: &str, max_bytes| {
            parameter_of(wire::ParameterType::Text(wire::TextBounds {
                default: default.to_owned(),
                max_bytes,
            }))
        };
        refused(text("", 257), "more than 256 bytes");
        refused(text("abc", 2), "longer than its bound");
    }

    #[test]
    fn data_is_bounded() {
        refused(|d| d.subscriptions = vec![wire::DataKind::Trades; 2], "has one twice");
        refused(
            |d| d.subscriptions = (1..=9).map(wire::DataKind::Depth).collect(),
            "are more than 8",
        );
        refused(|d| d.subscriptions = vec![wire::DataKind::Depth(51)], "1 to 50 levels");
        refused(|d| d.subscriptions = vec![wire::DataKind::Depth(0)], "1 to 50 levels");
        refused(|d| d.subscriptions = vec![wire::DataKind::Bars(999_999_999)], "1 s to 7 d");
        refused(|d| d.subscriptions = vec![wire::DataKind::Bars(u64::MAX)], "1 s to 7 d");
        refused(|d| d.warm_up[0].count = 10_001, "more than 10,000");
        refused(|d| d.warm_up[0].kind = wire::DataKind::Depth(5), "no history");
        refused(|d| d.warm_up = vec![d.warm_up[0]; 5], "more than 4");
    }
}
