#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

mod shared_data;

const LINES: &str = r#"{"rid":"a:1","list":"a","company":"Aldbrook","title":"Marine Biologist","locations":["Chicago, IL"],"posted":1945987261,"url":"https://boards.greenhouse.io/aldbrook/jobs/5100001","key":"gh:1"}
{"rid":"b:1","list":"b","company":"Aldbrook Inc.","title":"Marine Biologist","locations":["Chicago, IL"],"posted":1945987999,"url":"https://aldbrook.example/jobs?gh_jid=5100001","key":"gh:1"}
{"rid":"b:2","list":"b","company":"Veltraum","title":"Harbour Pilot","locations":["Austin, TX"],"posted":1945987999,"url":"N/A","key":"gh:2"}
"#;

const TABLE: &str = "name,address,city,cuisine,unique_id\n\
    the copper kettle,12 w. third st.,lakeport,american,7\n\
    copper kettle,12 3rd st.,lakeport,grill,7\n\
    blue heron,4 elm ave.,lakeport,american,8\n";

fn predictions_of(text: &str, hide_url: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let evaluation = evaluate_dedupe(text.as_bytes(), hide_url).unwrap();
    write_predictions(&evaluation.predictions, &mut out).unwrap();
    out
}

#[test]
fn a_labelled_file_gives_all_figures() {
    for hide_url in [false, true] {
        let report = evaluate_dedupe(LINES.as_bytes(), hide_url).unwrap().report;
        assert_eq!((report.records, report.true_pairs, report.labelled), (3, 1, true));
        assert_eq!((report.merge.precision, report.merge.recall, report.merge.f1), (1.0, 1.0, 1.0), "{report}");
        assert!((report.best_f1 - 1.0).abs() < 1e-9 && report.best_f1_threshold > 0.5);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["merge"]["correct_pairs"], 1);
        assert_eq!(json["format"], "jsonl");
    }
}

#[test]
fn a_table_is_recognised_by_itself_and_numbered_from_zero() {
    let evaluation = evaluate_dedupe(TABLE.as_bytes(), false).unwrap();
    assert_eq!(evaluation.report.format, Format::Csv);
    assert_eq!(evaluation.report.merge.f1, 1.0);
    let rows = String::from_utf8(predictions_of(TABLE, false)).unwrap();
    assert_eq!(
        rows,
        "{\"rid\":\"0\",\"merge_cluster\":\"0\",\"possible_cluster\":\"0\"}\n\
         {\"rid\":\"1\",\"merge_cluster\":\"0\",\"possible_cluster\":\"0\"}\n\
         {\"rid\":\"2\",\"merge_cluster\":\"2\",\"possible_cluster\":\"2\"}\n"
    );
}

#[test]
fn predictions_are_the_same_without_the_gold_columns() {
    let blind: String = LINES.lines().map(|line| format!("{}}}\n", line.split(",\"key\"").next().unwrap())).collect();
    assert!(!blind.contains("key"));
    for hide_url in [false, true] {
        assert_eq!(predictions_of(LINES, hide_url), predictions_of(&blind, hide_url));
    }
    let blind: String = TABLE.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    assert_eq!(predictions_of(TABLE, false), predictions_of(&blind, false));
    let report = evaluate_dedupe(blind.as_bytes(), false).unwrap().report;
    assert!(!report.labelled && report.to_string().contains("no gold column"));
}

#[test]
fn hidden_addresses_are_not_seen() {
    let changed = LINES.replace("5100001", "5100002").replace("aldbrook.example", "other.example");
    assert_eq!(predictions_of(LINES, true), predictions_of(&changed, true));
}

#[test]
fn errors_name_the_line_and_the_remedy() {
    let message = |text: &str| evaluate_dedupe(text.as_bytes(), false).unwrap_err().to_string();
    let broken = message("{\"rid\":\"1\"}\n\nnot json\n");
    assert!(broken.contains("line 3") && broken.contains("one object"), "{broken}");
    assert!(message("").contains("no records"));
    assert!(message("[{\"rid\":1}]").contains("one object a line"));
    let header = message("identifier,street\n1,2\n");
    assert!(header.contains("line 1") && header.contains("`name`"), "{header}");
    let bytes: &[u8] = b"{\"title\":\"\xff\"}";
    assert!(evaluate_dedupe(bytes, false).unwrap_err().to_string().contains("UTF-8"));
}

#[test]
fn a_field_of_the_wrong_type_counts_as_missing() {
    let text =
        "{\"rid\":1,\"title\":[1],\"locations\":\"Chicago, IL\",\"posted\":\"2031-09-01T00:00:00Z\"}\n{\"rid\":1}\n";
    let evaluation = evaluate_dedupe(text.as_bytes(), false).unwrap();
    let clusters: Vec<&str> = evaluation.predictions.iter().map(|row| row.merge_cluster.as_str()).collect();
    assert_eq!(clusters, ["1#0", "1#1"], "records that share a rid stay apart");
}
