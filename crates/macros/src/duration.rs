//! Durations such as `2s`.

/// The units and their milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// The milliseconds of a text such as `500ms`, `2s`, `5m` or `1h`.
pub(crate) fn milliseconds(text: &str) -> Result<u64, String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
    let advice = "write a whole number and ms, s, m or h, such as \"2s\"";
    match (number.parse::<u64>(), factor) {
        (Ok(0), Some(_)) => Err(format!("{text:?} leaves the handler no time: {advice}")),
        (Ok(number), Some(factor)) => {
            number.checked_mul(*factor).ok_or_else(|| format!("{text:?} is longer than any call: {advice}"))
        }
        _ => Err(format!("{text:?} is no duration: {advice}")),
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn each_unit() {
        for (text, expected) in [("500ms", 500), ("2s", 2000), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(milliseconds(text), Ok(expected));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "2", "s", "2x", "-1s", "1.5s", "0s", "2 s", "1e9h", "18446744073709551615h", "99999999999999999999s"]
        {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }
}
