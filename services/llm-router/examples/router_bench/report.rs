//! Tables and verdicts, as Markdown.

use std::fmt::Write;

/// Everything measured in one run.
#[derive(Debug, Default)]
pub struct Report {
    sections: Vec<Section>,
    goals: Vec<Goal>,
}

#[derive(Debug)]
struct Section {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Goal {
    what: String,
    wanted: String,
    got: String,
    kept: bool,
}

impl Report {
    /// Begins a table; rows follow.
    pub fn section(&mut self, title: impl Into<String>, columns: &[&'static str]) {
        self.sections.push(Section { title: title.into(), columns: columns.to_vec(), rows: Vec::new() });
    }

    /// Adds a row to the last table.
    pub fn row(&mut self, cells: Vec<String>) {
        println!("  {}", cells.join("  "));
        if let Some(section) = self.sections.last_mut() {
            section.rows.push(cells);
        }
    }

    /// A goal that a figure must not fall below.
    pub fn at_least(&mut self, what: impl Into<String>, wanted: f64, got: f64) {
        self.goal(what.into(), format!("≥ {wanted}"), got, got >= wanted);
    }

    /// A goal that a figure must not exceed.
    pub fn at_most(&mut self, what: impl Into<String>, wanted: f64, got: f64) {
        self.goal(what.into(), format!("≤ {wanted}"), got, got <= wanted);
    }

    fn goal(&mut self, what: String, wanted: String, got: f64, kept: bool) {
        let got = short(got);
        println!("  {what}: {got} (wanted {wanted}){}", if kept { "" } else { ": missed" });
        self.goals.push(Goal { what, wanted, got, kept });
    }

    /// The whole as Markdown.
    pub fn markdown(&self, machine: &str) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(text, "# The language-model router, measured\n");
        let _ = writeln!(text, "Written by `cargo xtask bench router`. {machine}\n");
        let _ = writeln!(
            text,
            "Everything runs on one machine: provider, load and gateway share its cores. Contenders take turns in each \
             round; figures are medians over the rounds. Ratios within a table mean something, absolute times do not.\n"
        );
        let missed = self.goals.iter().filter(|goal| !goal.kept).count();
        let _ = writeln!(text, "## Goals\n\n{} of {} kept.\n", self.goals.len() - missed, self.goals.len());
        let _ = writeln!(text, "| goal | wanted | got | |\n|---|---|---|---|");
        for Goal { what, wanted, got, kept } in &self.goals {
            let _ = writeln!(text, "| {what} | {wanted} | {got} | {} |", if *kept { "kept" } else { "**missed**" });
        }
        for section in &self.sections {
            let _ = writeln!(text, "\n## {}\n\n| {} |", section.title, section.columns.join(" | "));
            let _ = writeln!(text, "|{}", "---|".repeat(section.columns.len()));
            for row in &section.rows {
                let _ = writeln!(text, "| {} |", row.join(" | "));
            }
        }
        text
    }
}

/// A figure with three digits.
pub fn short(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".to_owned(),
        value if value.abs() >= 100.0 => format!("{value:.0}"),
        value if value.abs() >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
