//! How long a letter and a résumé take in a process that has set one before. The goal is 100 ms for a letter.
#![allow(clippy::unwrap_used, missing_docs)]

use aerie_documents::content::{EntryContent, LetterContent, ResumeContent};
use aerie_typesetting::{Paper, Templates, Typesetter};
use criterion::{Criterion, criterion_group, criterion_main};

const SENTENCE: &str = "I have spent the last six years on motor controllers that have to run for ten. ";

fn benchmark(criterion: &mut Criterion) {
    let typesetter = Typesetter::new(Templates::built_in());
    let mut number = 0;
    for template in ["classic", "modern", "compact"] {
        criterion.bench_function(&format!("letter_{template}"), |bencher| {
            bencher.iter(|| {
                // Another text each time, as another person's letter has.
                number += 1;
                let letter = LetterContent {
                    name: "Zoë Quillfeather".to_owned(),
                    paragraphs: (0..5).map(|part| format!("{number}.{part} {}", SENTENCE.repeat(5))).collect(),
                    ..LetterContent::default()
                };
                typesetter.letter(&letter, template, Paper::A4).unwrap()
            });
        });
    }
    criterion.bench_function("resume_modern", |bencher| {
        bencher.iter(|| {
            number += 1;
            let entry = |part: i32| EntryContent {
                title: format!("Engineer {number}.{part}"),
                organisation: "Marlowe Motion Ltd".to_owned(),
                period: "Mar 2020 – present".to_owned(),
                points: vec![SENTENCE.to_owned(); 4],
                ..EntryContent::default()
            };
            let resume = ResumeContent { positions: (0..6).map(entry).collect(), ..ResumeContent::default() };
            typesetter.resume(&resume, "modern", Paper::A4).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = benchmark
}
criterion_main!(benches);
