//! The measurements as a table or as JSON.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use super::load::Measured;
use crate::{
    output::{Table, left, right},
    text::latency,
};

/// The summary of one run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    method: String,
    in_flight: usize,
    seconds: f64,
    calls: u64,
    per_second: f64,
    p50_us: u64,
    p90_us: u64,
    p99_us: u64,
    p99_9_us: u64,
    max_us: u64,
    errors: BTreeMap<&'static str, u64>,
}

impl Report {
    /// The summary of these measurements.
    pub(super) fn new(method: String, in_flight: usize, measured: &Measured) -> Self {
        let (seconds, latencies) = (measured.took.as_secs_f64(), &measured.latencies);
        Self {
            method,
            in_flight,
            seconds,
            calls: latencies.len(),
            per_second: if seconds > 0.0 { latencies.len() as f64 / seconds } else { 0.0 },
            p50_us: latencies.value_at_quantile(0.5),
            p90_us: latencies.value_at_quantile(0.9),
            p99_us: latencies.value_at_quantile(0.99),
            p99_9_us: latencies.value_at_quantile(0.999),
            max_us: latencies.max(),
            errors: measured.errors.iter().map(|(code, (count, _))| (*code, *count)).collect(),
        }
    }

    /// The summary for a person; the errors with the first sentence of each kind.
    pub(super) fn text(&self, measured: &Measured) -> String {
        let time = |micros| latency(Duration::from_micros(micros));
        let columns = [
            right("ANSWERED"),
            right("SECONDS"),
            right("PER SECOND"),
            right("P50"),
            right("P90"),
            right("P99"),
            right("P99.9"),
            right("MAX"),
        ];
        let latencies = Table::new(columns).with(&[self], |report| {
            let times = [report.p50_us, report.p90_us, report.p99_us, report.p99_9_us, report.max_us];
            let mut cells =
                vec![report.calls.to_string(), format!("{:.2}", report.seconds), format!("{:.0}", report.per_second)];
            let none = report.calls == 0;
            cells.extend(times.map(|micros| if none { String::new() } else { time(micros) }));
            cells
        });
        let mut text = format!("{}, {} in flight\n{latencies}", self.method, self.in_flight);
        if !measured.errors.is_empty() {
            let rows: Vec<_> = measured.errors.iter().collect();
            let errors = Table::new([left("ERROR"), right("COUNT"), left("THE FIRST")])
                .with(&rows, |(code, (count, first))| [(**code).to_owned(), count.to_string(), first.clone()]);
            text.push_str(&format!("\n{errors}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    #[test]
    fn a_run_is_summed_up_with_its_errors() {
        let mut latencies = Histogram::new_with_bounds(1, 1_000_000, 3).unwrap();
        for micros in 1..=1_000 {
            latencies.record(micros).unwrap();
        }
        let errors = BTreeMap::from([("UNAVAILABLE", (3, "no broker".to_owned()))]);
        let measured = Measured { latencies, errors, took: Duration::from_secs(2) };
        let report = Report::new("greeter.v1.Greeter/Hello".to_owned(), 64, &measured);
        assert_eq!((report.p50_us, report.p99_us, report.max_us), (500, 990, 1_000));
        let text = report.text(&measured);
        assert!(text.starts_with("greeter.v1.Greeter/Hello, 64 in flight\nANSWERED  SECONDS  PER SECOND"), "{text}");
        assert!(text.contains("    1000     2.00         500  500 us  900 us  990 us"), "{text}");
        assert!(text.ends_with("\nERROR        COUNT  THE FIRST\nUNAVAILABLE      3  no broker\n"), "{text}");
        assert_eq!(serde_json::to_value(&report).unwrap()["errors"]["UNAVAILABLE"], 3);
        assert_eq!(measured.failed(), 3);
    }
}
