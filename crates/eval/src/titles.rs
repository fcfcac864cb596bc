//! How well vacancy titles find their occupation in a taxonomy.
//!
//! The titles are a CSV file with the columns `vacancyTitle` and, for measuring, `conceptUri`; the taxonomy is a CSV file
//! with the columns of an ESCO export (`ORIGINURI`, `PREFERREDLABEL`, `ALTLABELS` one a line, `DESCRIPTION`, `CODE`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;

use aerie_embedding::{CachedEmbedder, VectorTable};
use aerie_matching::titles::{Meaning, Occupation, TitleIndex};
use rayon::prelude::*;
use serde::Serialize;

/// Occupations kept per title; the right one further down counts as not found.
const KEPT: usize = 100;

/// Titles compared with the whole taxonomy at a time.
const PORTION: usize = 128;

/// Why the files could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum TitlesError {
    /// A column that is needed is missing.
    #[error("the {file} file has no column {column}; it has {found}")]
    Column {
        /// Which file: titles or taxonomy.
        file: &'static str,
        /// The missing column.
        column: &'static str,
        /// The columns it has.
        found: String,
    },
    /// Not CSV at all.
    #[error("cannot read the {file} file as CSV: {reason}")]
    Csv {
        /// Which file: titles or taxonomy.
        file: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// The model failed.
    #[error(transparent)]
    Embedding(#[from] aerie_embedding::EmbeddingError),
}

/// The occupations found for one title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TitlePrediction {
    /// The title as given.
    pub title: String,
    /// Identifiers of up to 100 occupations, best first.
    pub uris: Vec<String>,
}

/// What was measured; the figures are `None` when no row has its occupation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TitlesReport {
    /// Titles predicted.
    pub titles: usize,
    /// Occupations of the taxonomy.
    pub occupations: usize,
    /// Whether a sentence model took part.
    pub embedding: bool,
    /// Mean over the titles of one over the rank of the right occupation, 0 beyond the first hundred.
    pub mean_reciprocal_rank: Option<f64>,
    /// Share of titles whose occupation comes first.
    pub hit_at_1: Option<f64>,
    /// Share among the first five.
    pub hit_at_5: Option<f64>,
    /// Share among the first ten.
    pub hit_at_10: Option<f64>,
    /// The predictions in the order of the rows.
    #[serde(skip)]
    pub predictions: Vec<TitlePrediction>,
}

impl fmt::Display for TitlesReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.embedding { "with embedding" } else { "lexical" };
        writeln!(formatter, "titles ({method}): {} titles, {} occupations", self.titles, self.occupations)?;
        let figures = (self.mean_reciprocal_rank, self.hit_at_1, self.hit_at_5, self.hit_at_10);
        let (Some(reciprocal), Some(one), Some(five), Some(ten)) = figures else {
            return write!(formatter, "  no occupations in the file: predicted only");
        };
        write!(formatter, "  MRR {reciprocal:.3}\n  hit at 1 / 5 / 10: {one:.3} / {five:.3} / {ten:.3}")
    }
}

/// Reads both files, predicts every title and, where occupations are given, measures.
///
/// # Errors
/// A file that is no CSV or lacks a needed column, or a failing model. Single malformed rows are passed over.
pub fn evaluate_titles(
    titles: impl Read,
    taxonomy: impl Read,
    embedder: Option<&CachedEmbedder>,
) -> Result<TitlesReport, TitlesError> {
    let index = TitleIndex::new(read_occupations(taxonomy)?);
    let meanings = embedder.map(|embedder| Meanings::of(&index, embedder)).transpose()?;
    let rows = read_titles(titles)?;
    let predictions = predict(&index, rows.iter().map(|row| row.title.as_str()), meanings.as_ref())?;
    let ranks = gold_ranks(&rows, &predictions);
    let share = |limit: usize| ranks.as_ref().map(|ranks| mean(ranks, |rank| f64::from(u8::from(rank <= limit))));
    Ok(TitlesReport {
        titles: predictions.len(),
        occupations: index.occupations().len(),
        embedding: embedder.is_some(),
        mean_reciprocal_rank: ranks.as_ref().map(|ranks| mean(ranks, |rank| 1.0 / rank as f64)),
        hit_at_1: share(1),
        hit_at_5: share(5),
        hit_at_10: share(10),
        predictions,
    })
}

/// One row of the titles file.
struct Row {
    title: String,
    /// For the scoring half only.
    gold: Option<String>,
}

/// Reads a taxonomy in the columns of an ESCO export.
///
/// # Errors
/// No CSV, or no `ORIGINURI` or `PREFERREDLABEL` column.
pub fn read_occupations(reader: impl Read) -> Result<Vec<Occupation>, TitlesError> {
    let mut table = Table::open(reader, "taxonomy")?;
    let (uri, label) = (table.column("ORIGINURI")?, table.column("PREFERREDLABEL")?);
    let [alternatives, description, code] = ["ALTLABELS", "DESCRIPTION", "CODE"].map(|name| table.optional(name));
    let occupation = |record: csv::StringRecord| {
        let field = |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or_default();
        Occupation {
            uri: field(Some(uri)).to_owned(),
            label: field(Some(label)).to_owned(),
            alternatives: field(alternatives).lines().map(|name| name.trim().to_owned()).collect(),
            description: field(description).to_owned(),
            code: field(code).to_owned(),
        }
    };
    Ok(table.records().map(occupation).filter(|occupation| !occupation.uri.is_empty()).collect())
}

fn read_titles(reader: impl Read) -> Result<Vec<Row>, TitlesError> {
    let mut table = Table::open(reader, "titles")?;
    let title = table.column("vacancyTitle")?;
    let gold = table.optional("conceptUri");
    let row = |record: csv::StringRecord| Row {
        title: record.get(title).unwrap_or_default().to_owned(),
        gold: gold.and_then(|column| record.get(column)).filter(|gold| !gold.is_empty()).map(str::to_owned),
    };
    Ok(table.records().map(row).collect())
}

/// A CSV file with named columns.
struct Table<Source> {
    reader: csv::Reader<Source>,
    headers: csv::StringRecord,
    file: &'static str,
}

impl<Source: Read> Table<Source> {
    fn open(source: Source, file: &'static str) -> Result<Self, TitlesError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(source);
        let headers = reader.headers().map_err(|error| TitlesError::Csv { file, reason: error.to_string() })?.clone();
        Ok(Self { reader, headers, file })
    }

    fn optional(&self, name: &str) -> Option<usize> {
        self.headers.iter().position(|header| header.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
    }

    fn column(&self, name: &'static str) -> Result<usize, TitlesError> {
        let found = || self.headers.iter().collect::<Vec<_>>().join(", ");
        self.optional(name).ok_or_else(|| TitlesError::Column { file: self.file, column: name, found: found() })
    }

    fn records(&mut self) -> impl Iterator<Item = csv::StringRecord> + '_ {
        self.reader.records().filter_map(Result::ok)
    }
}

/// Vectors of a taxonomy.
struct Meanings<'a> {
    embedder: &'a CachedEmbedder,
    labels: VectorTable,
    descriptions: VectorTable,
}

impl<'a> Meanings<'a> {
    fn of(index: &TitleIndex, embedder: &'a CachedEmbedder) -> Result<Self, TitlesError> {
        let table = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            VectorTable::new(&embedder.embed(&texts)?)
        };
        Ok(Self { embedder, labels: table(index.labels())?, descriptions: table(&index.description_texts())? })
    }
}

/// Predicts each different title once.
fn predict<'row>(
    index: &TitleIndex,
    titles: impl Iterator<Item = &'row str>,
    meanings: Option<&Meanings<'_>>,
) -> Result<Vec<TitlePrediction>, TitlesError> {
    let titles: Vec<&str> = titles.collect();
    let distinct: Vec<&str> = titles.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let vectors = meanings.map(|meanings| meanings.embedder.embed(&distinct)).transpose()?.unwrap_or_default();
    let mut answers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, portion) in distinct.chunks(PORTION).enumerate() {
        let vectors = vectors.chunks(PORTION).nth(number).unwrap_or_default();
        answers.extend(portion.iter().copied().zip(predict_portion(index, portion, meanings, vectors)?));
    }
    let answer = |title: &str| TitlePrediction {
        title: title.to_owned(),
        uris: answers.get(title).cloned().unwrap_or_default(),
    };
    Ok(titles.into_iter().map(answer).collect())
}

/// The occupations of titles whose cosines with the whole taxonomy fit into memory together.
fn predict_portion(
    index: &TitleIndex,
    titles: &[&str],
    meanings: Option<&Meanings<'_>>,
    vectors: &[Vec<f32>],
) -> Result<Vec<Vec<String>>, TitlesError> {
    let cosines = match meanings {
        Some(meanings) => Some((meanings.labels.cosines(vectors)?, meanings.descriptions.cosines(vectors)?)),
        None => None,
    };
    let meaning = |title: usize| {
        let (labels, descriptions) = cosines.as_ref()?;
        Some(Meaning { labels: labels.get(title)?, descriptions: descriptions.get(title)? })
    };
    let uri = |occupation: usize| index.occupations().get(occupation).map(|occupation| occupation.uri.clone());
    let answer = |(number, title): (usize, &&str)| {
        let ranked = index.rank(title, meaning(number), KEPT);
        ranked.iter().filter_map(|ranked| uri(ranked.occupation)).collect()
    };
    Ok(titles.par_iter().enumerate().map(answer).collect())
}

/// The scoring half: rank of the right occupation for every row that has one, `usize::MAX` when it was not found.
fn gold_ranks(rows: &[Row], predictions: &[TitlePrediction]) -> Option<Vec<usize>> {
    let ranks: Vec<usize> = rows
        .iter()
        .zip(predictions)
        .filter_map(|(row, prediction)| {
            let gold = row.gold.as_ref()?;
            Some(prediction.uris.iter().position(|uri| uri == gold).map_or(usize::MAX, |position| position + 1))
        })
        .collect();
    (!ranks.is_empty()).then_some(ranks)
}

fn mean(ranks: &[usize], value: impl Fn(usize) -> f64) -> f64 {
    let found = ranks.iter().filter(|rank| **rank != usize::MAX);
    found.map(|rank| value(*rank)).sum::<f64>() / ranks.len() as f64
}

#[cfg(test)]
mod tests;
