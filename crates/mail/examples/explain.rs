//! Reads JSON Lines of mails and prints what the rules say of each: for writing rules.
//!
//! `cargo run -p aerie-mail --example explain -- FILE.jsonl [--part tuning] [--all]`
#![allow(clippy::print_stdout)]

use aerie_mail::classify::{guess_company, guess_title};
use aerie_mail::{Mail, classify};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let part = arguments.iter().position(|argument| argument == "--part").and_then(|at| arguments.get(at + 1));
    let all = arguments.iter().any(|argument| argument == "--all");
    let Some(file) = arguments.first() else { return Err("give a file".into()) };
    for (row, line) in std::fs::read_to_string(file)?.lines().enumerate() {
        let mail: Value = serde_json::from_str(line)?;
        let field = |name: &str| mail.get(name).and_then(Value::as_str).unwrap_or("");
        if part.is_some_and(|part| field("part") != part) {
            continue;
        }
        let read = Mail::from_fields(field("from"), field("subject"), field("body"));
        let found = classify(&read);
        if !all && found.label.name() == field("label") {
            continue;
        }
        println!(
            "\n{row}: {} for {} ({:.2}{}) | {} | {}",
            found.label.name(),
            field("label"),
            found.confidence,
            if found.certain { ", certain" } else { "" },
            field("from"),
            read.subject
        );
        println!(
            "    company {:?}, title {:?}",
            guess_company(&read).unwrap_or_default(),
            guess_title(&read).unwrap_or_default()
        );
        for reason in found.reasons.iter().filter(|reason| reason.label.is_some()).take(12) {
            let label = reason.label.map_or("", aerie_mail::Label::name);
            println!("    {label:<20} {:>4} {}: {}", reason.weight, reason.rule, reason.sentence);
        }
    }
    Ok(())
}
