//! Recognition on blind records.

use std::collections::HashMap;
use std::io::Write;

use aerie_matching::dedupe::cluster::cluster_scored;
use aerie_matching::dedupe::entity::{Entity, cluster_entities, score_entities};
use aerie_matching::dedupe::{Clusters, Decisions, Features, Listing, score_pairs};
use chrono::DateTime;
use rayon::prelude::*;
use serde::Serialize;

use super::DedupeError;
use super::load::{ListedPosting, Records, Rows};

/// What was recognised about one record: records with the same cluster belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// The record.
    pub rid: String,
    /// Name of the cluster of records that are one: the `rid` of its first record.
    pub merge_cluster: String,
    /// Name of the cluster of records that may be one, likewise.
    pub possible_cluster: String,
}

/// All that was recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// One row a record, in the order of the file.
    pub rows: Vec<Prediction>,
    /// Clusters by record number.
    pub clusters: Clusters,
    /// Scored pairs: record numbers and likeness from 0 to 1.
    pub pairs: Vec<(usize, usize, f32)>,
}

/// Recognises duplicates among blind records.
pub fn predict(records: &Records) -> Predictions {
    let (clusters, pairs) = match &records.rows {
        Rows::Postings(postings) => predict_postings(postings),
        Rows::Entities(rows) => predict_entities(rows),
    };
    let names = cluster_names(&records.rids);
    let name = |number: Option<&usize>| number.and_then(|number| names.get(*number)).cloned().unwrap_or_default();
    let rows = records
        .rids
        .iter()
        .enumerate()
        .map(|(number, rid)| Prediction {
            rid: rid.clone(),
            merge_cluster: name(clusters.merge.get(number)),
            possible_cluster: name(clusters.possible.get(number)),
        })
        .collect();
    Predictions { rows, clusters, pairs }
}

/// A record's `rid` names its cluster; when records share a `rid`, the number is added so that clusters stay apart.
fn cluster_names(rids: &[String]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for rid in rids {
        *counts.entry(rid).or_default() += 1;
    }
    let unique = |rid: &String| counts.get(rid.as_str()) == Some(&1);
    rids.iter()
        .enumerate()
        .map(|(number, rid)| if unique(rid) { rid.clone() } else { format!("{rid}#{number}") })
        .collect()
}

fn predict_postings(postings: &[ListedPosting]) -> (Clusters, Vec<(usize, usize, f32)>) {
    let features: Vec<Features> = postings.par_iter().map(features).collect();
    let pairs = score_pairs(&features);
    let clusters = cluster_scored(&features, &pairs, &Decisions::none());
    (clusters, pairs.into_iter().map(|pair| (pair.left, pair.right, pair.comparison.score)).collect())
}

fn features(posting: &ListedPosting) -> Features {
    let places: Vec<&str> = posting.locations.iter().map(String::as_str).collect();
    Features::from_listing(&Listing {
        source: &posting.list,
        url: posting.url.as_deref(),
        company: &posting.company,
        title: &posting.title,
        places: &places,
        posted: posting.posted.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        description: &posting.description,
    })
}

fn predict_entities(rows: &[Entity]) -> (Clusters, Vec<(usize, usize, f32)>) {
    let pairs = score_entities(rows);
    let clusters = cluster_entities(rows.len(), &pairs);
    let likeness = |points: f32| 1.0 / (1.0 + (-points).exp());
    (clusters, pairs.into_iter().map(|(left, right, points)| (left, right, likeness(points))).collect())
}

/// Writes one JSON object a line.
pub fn write_predictions(rows: &[Prediction], mut out: impl Write) -> Result<(), DedupeError> {
    for row in rows {
        serde_json::to_writer(&mut out, row).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
