//! Times and names as a person reads them.

use std::time::Duration;

/// A span in its two largest units: `15ms`, `8s`, `3m12s`, `2h05m`, `4d06h`.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.is_zero() => "0s".to_owned(),
        0 => format!("{}ms", time.as_millis().max(1)),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A short time with three significant digits: `870 us`, `1.24 ms`, `2.05 s`.
pub(crate) fn latency(time: Duration) -> String {
    let micros = time.as_nanos() as f64 / 1e3;
    let (number, unit) = match micros {
        ..1e3 => (micros, "us"),
        ..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = match number {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

/// How many of something: `1 service`, `2 services`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// Text that came from elsewhere, without what would move a terminal's cursor or colour it.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "service")), ["0 services", "1 service", "2 services"]);
    }

    #[test]
    fn spans_show_two_units() {
        let cases = [(0, "0s"), (8_000, "8s"), (192_000, "3m12s"), (7_500_000, "2h05m"), (367_200_000, "4d06h")];
        for (millis, text) in cases {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
        assert_eq!(span(Duration::from_millis(15)), "15ms");
        assert_eq!(span(Duration::from_micros(15)), "1ms");
    }

    #[test]
    fn latencies_have_three_digits() {
        let cases = [(870, "870 us"), (1_240, "1.24 ms"), (12_340, "12.3 ms"), (2_050_000, "2.05 s")];
        for (micros, text) in cases {
            assert_eq!(latency(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
        assert_eq!(printable_lines("a\x1b[2J\nb\n"), "a\u{fffd}[2J\nb\n");
    }
}
