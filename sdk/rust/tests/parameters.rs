//! The derived parameters: what they say of themselves and what they take.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use sandpit_sdk::{prelude::*, wire};

#[derive(Clone, Copy, Debug, PartialEq, Choice)]
enum Direction {
    Long,
    LongAndShort,
}

#[derive(Debug, PartialEq, Parameters)]
struct Params {
    /// Length of the fast average,
    /// in trades.
    ///
    /// Not part of the summary.
    #[param(default = 10, min = 1, max = 500)]
    fast_length: u16,
    #[param(default = -3, summary = "an offset")]
    offset: i8,
    /// Quantity.
    #[param(default = 0.5, min = "0.001", max = 1_000)]
    quantity: Decimal,
    /// Whether it trades.
    #[param(default = true)]
    enabled: bool,
    /// Which positions.
    #[param(default = Direction::LongAndShort)]
    direction: Direction,
    /// A note.
    #[param(default = "none", max_bytes = 8)]
    note: String,
}

fn decimal(value: Decimal) -> wire::Decimal {
    value.to_wire().unwrap()
}

/// The defaults, as a host would send them, with one value changed.
fn arguments(name: &str, value: Option<wire::ParameterValue>) -> Vec<wire::Argument> {
    let mut arguments: Vec<wire::Argument> = Params::describe()
        .into_iter()
        .map(|parameter| wire::Argument {
            name: parameter.name,
            value: match parameter.type_ {
                wire::ParameterType::Boolean(value) => wire::ParameterValue::Boolean(value),
                wire::ParameterType::Integer(bounds) => {
                    wire::ParameterValue::Integer(bounds.default)
                }
                wire::ParameterType::Decimal(bounds) => {
                    wire::ParameterValue::Decimal(bounds.default)
                }
                wire::ParameterType::Choice(bounds) => wire::ParameterValue::Text(bounds.default),
                wire::ParameterType::Text(bounds) => wire::ParameterValue::Text(bounds.default),
            },
        })
        .collect();
    match value {
        Some(value) => {
            for argument in arguments.iter_mut().filter(|argument| argument.name == name) {
                argument.value = value.clone();
            }
        }
        None => arguments.retain(|argument| argument.name != name),
    }
    arguments
}

#[test]
fn fields_become_parameters() {
    let all = Params::describe();
    let names: Vec<&str> = all.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(names, ["fast-length", "offset", "quantity", "enabled", "direction", "note"]);
    assert_eq!(all[0].summary, "Length of the fast average, in trades.");
    assert_eq!(all[1].summary, "an offset");
    let integer =
        |default, min, max| wire::ParameterType::Integer(wire::IntegerBounds { default, min, max });
    assert_eq!(all[0].type_, integer(10, 1, 500));
    assert_eq!(all[1].type_, integer(-3, -128, 127));
    assert_eq!(
        all[2].type_,
        wire::ParameterType::Decimal(wire::DecimalBounds {
            default: decimal(dec!(0.5)),
            min: decimal(dec!(0.001)),
            max: decimal(dec!(1000)),
        })
    );
    assert_eq!(
        all[4].type_,
        wire::ParameterType::Choice(wire::ChoiceBounds {
            default: "long-and-short".to_owned(),
            options: vec!["long".to_owned(), "long-and-short".to_owned()],
        })
    );
}

#[test]
fn values_become_fields() {
    let changed = arguments("direction", Some(wire::ParameterValue::Text("long".to_owned())));
    let expected = Params {
        fast_length: 10,
        offset: -3,
        quantity: dec!(0.5),
        enabled: true,
        direction: Direction::Long,
        note: "none".to_owned(),
    };
    assert_eq!(Params::from_arguments(&changed), Ok(expected));
}

#[test]
fn what_is_wrong_with_a_value_is_said() {
    use wire::ParameterValue::{Boolean, Decimal as Exact, Integer, Text};
    let cases = [
        ("fast-length", Some(Integer(0)), "parameter `fast-length` must be from 1 to 500, not 0"),
        ("fast-length", Some(Boolean(true)), "parameter `fast-length` must be an integer"),
        ("enabled", Some(Integer(1)), "parameter `enabled` must be true or false"),
        (
            "quantity",
            Some(Exact(decimal(dec!(1000.1)))),
            "parameter `quantity` must be from 0.001 to 1000, not 1000.1",
        ),
        ("quantity", None, "parameter `quantity` has no value"),
        (
            "direction",
            Some(Text("short".to_owned())),
            "parameter `direction` must be one of long, long-and-short, not short",
        ),
        (
            "note",
            Some(Text("far too long".to_owned())),
            "parameter `note` must have at most 8 bytes",
        ),
    ];
    for (name, value, message) in cases {
        assert_eq!(Params::from_arguments(&arguments(name, value)), Err(message.to_owned()));
    }
}
