//! Rows of the table, and how a ratio is measured.

use std::time::Duration;

/// One figure, its yardstick and its target.
#[derive(Debug)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The figure.
    pub ours: String,
    /// The yardstick's.
    pub yardstick: String,
    /// Their ratio, or the figure itself.
    pub value: f64,
    /// What it must be.
    pub target: Target,
}

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this, in this unit.
    AtMost(f64, &'static str),
    /// For orientation only.
    None,
}

impl Row {
    /// Whether the target is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        match self.target {
            Target::AtLeast(bound) => self.value >= bound,
            Target::AtMost(bound, _) => self.value <= bound,
            Target::None => true,
        }
    }

    /// Prints the row as a line of a Markdown table.
    #[allow(clippy::print_stdout, reason = "the table is for a person to read")]
    pub fn print(&self) {
        let (target, unit) = match self.target {
            Target::AtLeast(bound) => (format!(">= {bound:.2}"), ""),
            Target::AtMost(bound, unit) => (format!("<= {bound} {unit}"), unit),
            Target::None => ("-".to_owned(), ""),
        };
        let verdict = match self.target {
            Target::None => "",
            _ if self.is_met() => "met",
            _ => "MISSED",
        };
        let Self { what, ours, yardstick, value, .. } = self;
        println!("| {what} | {ours} | {yardstick} | {value:.2} {unit} | {target} | {verdict} |");
    }
}

/// The middle one.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many rounds a ratio is the median of.
const ROUNDS: usize = 7;

/// Measures two rates in turns; returns the medians and the median of the rounds' ratios.
#[must_use]
pub fn in_turns(mut ours: impl FnMut() -> f64, mut yardstick: impl FnMut() -> f64) -> (f64, f64, f64) {
    // The first round warms caches and connections up and does not count.
    ours();
    yardstick();
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(), yardstick())).collect();
    let ratio = median(rounds.iter().map(|(ours, yardstick)| ours / yardstick).collect());
    let (ours, yardstick): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    (median(ours), median(yardstick), ratio)
}

/// A ratio of two rates as a row.
#[must_use]
pub fn rates(what: &str, target: Target, (ours, yardstick, value): (f64, f64, f64)) -> Row {
    let per_second = |rate: f64| format!("{rate:.0}/s");
    Row { what: what.to_owned(), ours: per_second(ours), yardstick: per_second(yardstick), value, target }
}

/// How many a second.
#[must_use]
pub fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
