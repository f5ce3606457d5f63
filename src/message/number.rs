//! How a number is shown inside a text.

use serde_json::{Number, Value};

/// A number with its shortest digits, in exponent form below 1e-4 and from 1e+06 on, as the contract shows it.
///
/// Other values are shown as their JSON text.
pub(crate) fn shown(value: &Value) -> String {
    match value.as_f64() {
        Some(number) => shortest(number),
        None => value.to_string(),
    }
}

/// A number without a fraction that is none: `5` for `5.0`. Other values stay.
pub(crate) fn plain(value: Value) -> Value {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) => whole(number),
        None => value,
    }
}

fn whole(number: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "only taken when nothing is lost")]
    let integer = number as i64;
    #[allow(clippy::cast_precision_loss, reason = "the comparison is what notices a loss")]
    let exact = integer as f64 == number;
    if exact { Value::from(integer) } else { Number::from_f64(number).map_or(Value::Null, Value::Number) }
}

fn shortest(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use serde_json::json;

    #[test]
    fn numbers_look_as_the_contract_shows_them() {
        let cases = [
            (json!(123456), "123456"),
            (json!(1000000), "1e+06"),
            (json!(1234567), "1.234567e+06"),
            (json!(0.00001), "1e-05"),
            (json!(0.25), "0.25"),
            (json!(-12), "-12"),
            (json!(5.0), "5"),
            (json!(0), "0"),
        ];
        for (value, text) in cases {
            assert_eq!(shown(&value), text);
        }
    }
}
