//! Results, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// A bound that is promised, and what was measured.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    what: String,
    measured: f64,
    limit: f64,
    holds: bool,
}

/// What one case brought.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    case: &'static str,
    title: String,
    parameters: Value,
    figures: Map<String, Value>,
    checks: Vec<Check>,
}

impl Outcome {
    pub(crate) fn new(case: &'static str, title: impl Into<String>, parameters: Value) -> Self {
        Self { case, title: title.into(), parameters, figures: Map::new(), checks: Vec::new() }
    }

    /// Adds a figure; numbers are rounded to what can be told from noise.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        let value = match value.into() {
            Value::Number(number) if number.is_f64() => json!(rounded(number.as_f64().unwrap_or_default())),
            other => other,
        };
        self.figures.insert(name.to_owned(), value);
    }

    /// Promises that a figure is at most so much.
    pub(crate) fn at_most(&mut self, what: impl Into<String>, measured: f64, limit: f64) {
        let holds = measured <= limit;
        self.checks.push(Check { what: what.into(), measured, limit, holds });
    }

    /// Promises that a figure is at least so much.
    pub(crate) fn at_least(&mut self, what: impl Into<String>, measured: f64, limit: f64) {
        let holds = measured >= limit;
        self.checks.push(Check { what: what.into(), measured, limit, holds });
    }

    /// Promises that a figure is exactly so much.
    pub(crate) fn exactly(&mut self, what: impl Into<String>, measured: u64, limit: u64) {
        let holds = measured == limit;
        self.checks.push(Check { what: what.into(), measured: measured as f64, limit: limit as f64, holds });
    }

    pub(crate) fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    pub(crate) fn as_json(&self) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "what": check.what, "measured": rounded(check.measured), "limit": rounded(check.limit),
                    "holds": check.holds,
                })
            })
            .collect();
        json!({
            "case": self.case, "title": self.title, "parameters": self.parameters, "figures": self.figures,
            "checks": checks,
        })
    }

    /// A table: figures, then checks.
    pub(crate) fn as_text(&self) -> String {
        let mut text = format!("\n({}) {}\n", self.case, self.title);
        let width = self.figures.keys().map(String::len).max().unwrap_or_default();
        for (name, value) in &self.figures {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(text, "    {name:width$}  {value}");
        }
        for check in &self.checks {
            let sign = if check.holds { "ok    " } else { "MISSED" };
            let (measured, limit) = (rounded(check.measured), rounded(check.limit));
            let _ = writeln!(text, "  {sign} {}: {measured} (limit {limit})", check.what);
        }
        text
    }
}

/// Three significant decimals are more than a shared machine repeats.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The middle of some numbers; 0 of none.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
