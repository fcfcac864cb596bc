//! How much of a résumé an import gets right, on invented people in every format; the figures are printed.

use aerie_documents::{
    Imported, Limits, import,
    resume::{End, Position, Sourced},
};

use crate::support::{self, Sample};

/// Share of positions that must have the right employer, title and dates.
const POSITIONS_GOAL: f64 = 0.95;

#[test]
fn contacts_are_exact_and_positions_right() {
    let mut samples = support::written();
    samples.extend(support::generated());
    assert!(samples.len() >= 20);
    let (mut right, mut all, mut exact) = (0, 0, 0);
    let mut faults = Vec::new();
    for sample in &samples {
        let imported = import(&sample.name, &sample.bytes, &Limits::default()).expect(&sample.name);
        check_spans(&imported);
        let (hits, missed) = positions(&imported, sample);
        right += hits;
        all += sample.gold.positions.len();
        faults.extend(missed);
        match contact_faults(&imported, sample) {
            faulty if faulty.is_empty() => exact += 1,
            faulty => faults.extend(faulty),
        }
    }
    println!("{} résumés: contact exact in {exact}, positions right {right} of {all}", samples.len());
    for fault in &faults {
        println!("  {fault}");
    }
    assert_eq!(exact, samples.len(), "{faults:#?}");
    assert!(f64::from(right) >= POSITIONS_GOAL * all as f64, "{faults:#?}");
}

fn value(field: Option<&Sourced>) -> &str {
    field.map_or("", |field| field.value.as_str())
}

fn contact_faults(imported: &Imported, sample: &Sample) -> Vec<String> {
    let contact = &imported.profile.contact;
    let fields = [
        ("name", value(contact.name.as_ref()), &sample.gold.name),
        ("email", value(contact.email.as_ref()), &sample.gold.email),
        ("phone", value(contact.phone.as_ref()), &sample.gold.phone),
    ];
    let wrong = fields.iter().filter(|(_, found, gold)| found != gold);
    wrong.map(|(field, found, gold)| format!("{}: {field} is {found:?}, not {gold:?}", sample.name)).collect()
}

fn positions(imported: &Imported, sample: &Sample) -> (i32, Vec<String>) {
    let mut right = 0;
    let mut missed = Vec::new();
    let found: Vec<_> = imported.profile.positions.iter().map(quadruple).collect();
    for gold in &sample.gold.positions {
        if found.contains(gold) {
            right += 1;
        } else {
            missed.push(format!("{}: {gold:?} not in {found:?}", sample.name));
        }
    }
    if found.len() > sample.gold.positions.len() {
        missed.push(format!(
            "{}: {} positions too many: {found:?}",
            sample.name,
            found.len() - sample.gold.positions.len()
        ));
        right -= i32::try_from(found.len() - sample.gold.positions.len()).unwrap();
    }
    (right, missed)
}

fn quadruple(position: &Position) -> (String, String, String, String) {
    let period = position.period.as_ref().map(|period| period.value).unwrap_or_default();
    let end = match period.end {
        Some(End::Present) => "present".to_owned(),
        Some(End::At(month)) => month.to_string(),
        None => String::new(),
    };
    let start = period.start.map(|start| start.to_string()).unwrap_or_default();
    (value(position.employer.as_ref()).to_owned(), value(position.title.as_ref()).to_owned(), start, end)
}

/// What a field's span covers is what the field says.
fn check_spans(imported: &Imported) {
    let profile = &imported.profile;
    let contact = &profile.contact;
    let mut fields: Vec<&Sourced> =
        [&contact.name, &contact.email, &contact.phone, &contact.place].into_iter().flatten().collect();
    for position in &profile.positions {
        fields.extend([&position.employer, &position.title, &position.place].into_iter().flatten());
    }
    fields.extend(profile.skills.iter().flat_map(|group| &group.skills));
    for field in fields {
        let span = field.span.expect("every imported field has a span");
        let there: String = span.of(&imported.text).split_whitespace().collect();
        let said: String = field.value.split_whitespace().collect();
        assert_eq!(there, said, "{field:?}");
    }
    for position in &profile.positions {
        for bullet in &position.bullets {
            assert!(!bullet.span.expect("a span").of(&imported.text).is_empty());
        }
    }
}
