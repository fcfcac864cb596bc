#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

const FILE: &str = r#"{"from": "Acme <no-reply@greenhouse-mail.io>", "subject": "Your application", "company": "Acme", "body": "We have decided to move forward with other candidates.", "label": "rejection"}

{"from": "Birch <no-reply@ashbyhq.com>", "subject": "Thank you for applying to Birch", "company": "Birch Ltd", "body": "We have received your application and will review it.", "label": "confirmation"}
{"from": "x@y.example", "subject": "Lunch", "body": "Are you coming on Sunday?"}"#;

#[test]
fn clear_cases_are_right_and_predictions_do_not_depend_on_the_gold() {
    let with = evaluate_mail(FILE.as_bytes()).unwrap();
    assert_eq!((with.report.mails, with.report.labelled), (3, 2));
    assert_eq!(with.report.accuracy, Some(1.0));
    assert_eq!(with.report.company_accuracy, Some(1.0));
    let blind: String =
        FILE.lines().map(|line| line.replace("\"label\"", "\"x\"").replace("\"company\"", "\"y\"") + "\n").collect();
    let without = evaluate_mail(blind.as_bytes()).unwrap();
    assert_eq!(with.predictions, without.predictions);
    assert_eq!(without.report.accuracy, None);
}

#[test]
fn what_is_no_file_of_mails_is_refused() {
    assert!(matches!(evaluate_mail(&b""[..]), Err(MailError::Empty)));
    assert!(matches!(evaluate_mail(&b"{}\n["[..]), Err(MailError::Line { line: 2, .. })));
}

fn measure(name: &str) -> Option<MailReport> {
    let path = crate::testdata::file(&format!("emails/{name}.jsonl"))?;
    let report = evaluate_mail(std::fs::File::open(&path).unwrap()).unwrap().report;
    println!("{name}: {report}");
    Some(report)
}

#[test]
fn the_goals_are_met_on_labelled_mail() {
    let Some(labelled) = measure("job_mail_labelled") else { return };
    assert!(labelled.rejection_macro_f1.unwrap() >= 0.99, "{labelled}");
    assert!(labelled.certain_precision.unwrap() >= 0.995, "{labelled}");
    let raw = measure("rejections_raw").unwrap();
    assert!(raw.rejection_recall.unwrap() >= 0.97, "{raw}");
    let others = measure("reject_or_not").unwrap();
    assert!(others.rejection_macro_f1.unwrap() >= 0.95, "{others}");
    measure("synthetic_six_class").unwrap();
}
