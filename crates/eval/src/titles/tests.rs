#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;

const TAXONOMY: &str = "ORIGINURI,PREFERREDLABEL,ALTLABELS,DESCRIPTION,CODE\n\
    u:cook,cook,\"line cook\nkitchen cook\",Prepares food.,5120.1\n\
    u:nurse,nurse,hospital nurse,Cares for patients.,2221.1\n";
const TITLES: &str = ",vacancyTitle,conceptUri\n0,Line Cook (Berlin),u:cook\n1,Registered Nurse,u:nurse\n2,Nurse,\n";

#[test]
fn clear_titles_are_found() {
    let report = evaluate_titles(TITLES.as_bytes(), TAXONOMY.as_bytes(), None).unwrap();
    assert_eq!((report.titles, report.occupations), (3, 2));
    assert_eq!((report.mean_reciprocal_rank, report.hit_at_10), (Some(1.0), Some(1.0)));
}

#[test]
fn predictions_do_not_depend_on_the_gold_column() {
    let with = evaluate_titles(TITLES.as_bytes(), TAXONOMY.as_bytes(), None).unwrap();
    let bare = "vacancyTitle\nLine Cook (Berlin)\nRegistered Nurse\nNurse\n";
    let without = evaluate_titles(bare.as_bytes(), TAXONOMY.as_bytes(), None).unwrap();
    assert_eq!(with.predictions, without.predictions);
    assert_eq!(without.hit_at_1, None);
    assert!(
        evaluate_titles("a,b\n".as_bytes(), TAXONOMY.as_bytes(), None)
            .unwrap_err()
            .to_string()
            .contains("vacancyTitle")
    );
}

/// Every `step`-th row of the titles, so that the test stays short.
fn sample(step: usize) -> Option<(String, std::path::PathBuf)> {
    let titles = crate::testdata::file("titles/vacancy_title_esco.csv")?;
    let taxonomy = crate::testdata::file("taxonomy/esco_occupations.csv")?;
    let text = std::fs::read_to_string(titles).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap().to_owned();
    let rows = lines.step_by(step).fold(head, |rows, line| rows + "\n" + line);
    Some((rows, taxonomy))
}

#[test]
fn the_goal_is_met_on_real_titles() {
    let Some((titles, taxonomy)) = sample(5) else { return };
    let report = evaluate_titles(titles.as_bytes(), std::fs::File::open(taxonomy).unwrap(), None).unwrap();
    println!("{report}");
    assert!(report.mean_reciprocal_rank.unwrap() >= 0.35, "{report}");
}

#[test]
fn the_goal_is_met_with_a_sentence_model() {
    if std::env::var_os("AERIE_TEST_SLOW").is_none() {
        // It embeds every name of a taxonomy, which takes minutes without optimisation.
        println!("skipped: set AERIE_TEST_SLOW to measure titles with a sentence model");
        return;
    }
    let Some((titles, taxonomy)) = sample(15) else { return };
    let Some(embedder) = crate::testdata::embedder().map(aerie_embedding::CachedEmbedder::in_memory) else { return };
    let report = evaluate_titles(titles.as_bytes(), std::fs::File::open(taxonomy).unwrap(), Some(&embedder)).unwrap();
    println!("{report}");
    assert!(report.mean_reciprocal_rank.unwrap() >= 0.39, "{report}");
}
