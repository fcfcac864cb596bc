//! The skills vocabulary: canonical labels with the names they go by, found in texts as whole words.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use crate::phrases::PhraseFinder;
use crate::text::{Folded, fold_phrase, hash};

/// The vocabulary that ships with Aerie.
static BUILT_IN: LazyLock<Arc<SkillVocabulary>> =
    LazyLock::new(|| Arc::new(SkillVocabulary::parse(include_str!("../data/skills.txt"))));

/// Bytes around a guarded name in which another skill or a cue word must stand.
const CONTEXT: usize = 40;

/// Words that make a guarded name beside them a skill.
const CUES: [&str; 14] = [
    "language",
    "languages",
    "programming",
    "developer",
    "developers",
    "engineer",
    "coding",
    "framework",
    "skills",
    "fluent",
    "fluency",
    "speaking",
    "proficient",
    "written",
];

/// How much a skill everybody lists counts against one that tells people apart.
const SOFT_WEIGHT: f32 = 0.4;

/// Identity of a skill: the hash of its folded label, the same whatever vocabulary is loaded.
pub type SkillId = u32;

/// Labels and names of skills, ready to be found.
#[derive(Debug, Clone)]
pub struct SkillVocabulary {
    skills: Vec<Skill>,
    /// For every name of the finder: the index of its skill, and its exact spelling when guarded.
    names: Vec<Name>,
    finder: PhraseFinder,
    by_name: HashMap<String, usize>,
    by_id: HashMap<SkillId, usize>,
}

#[derive(Debug, Clone)]
struct Skill {
    id: SkillId,
    label: String,
    weight: f32,
}

#[derive(Debug, Clone)]
struct Name {
    skill: usize,
    guarded: Option<String>,
}

/// One mention of a skill in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Which skill.
    pub skill: SkillId,
    /// Bytes of the text that name it.
    pub span: Range<usize>,
}

impl SkillVocabulary {
    /// The vocabulary that ships with Aerie, some 550 skills of all trades.
    pub fn built_in() -> Arc<Self> {
        BUILT_IN.clone()
    }

    /// The built-in vocabulary with more labels, for example those of ESCO, one a line. A label the vocabulary already
    /// knows by some name is not added again; those of fewer than four characters are too short to be told from words.
    pub fn with_labels<'text>(labels: impl IntoIterator<Item = &'text str>) -> Self {
        let mut source = include_str!("../data/skills.txt").to_owned();
        source.push_str("\n[loaded]\n");
        let known = Self::built_in();
        for label in labels {
            let label = label.trim();
            let plain = !label.starts_with(['#', '[', '!']) && !label.contains(['=', ',', '\n']);
            if plain && label.chars().count() >= 4 && known.lookup(label).is_none() {
                source.push_str(label);
                source.push_str(" =\n");
            }
        }
        Self::parse(&source)
    }

    /// Reads the format of `data/skills.txt`; lines it does not understand are passed over.
    fn parse(source: &str) -> Self {
        let mut skills: Vec<Skill> = Vec::new();
        let mut names: Vec<Name> = Vec::new();
        let mut spellings: Vec<String> = Vec::new();
        let mut by_name = HashMap::new();
        let mut weight = 1.0;
        for line in source.lines().map(str::trim) {
            if let Some(group) = line.strip_prefix('[') {
                weight = if group.starts_with("soft") { SOFT_WEIGHT } else { 1.0 };
                continue;
            }
            let Some((label, aliases)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
            let label = label.trim();
            let skill = skills.len();
            let aliases: Vec<&str> = aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty()).collect();
            let guards_label = aliases.iter().any(|alias| alias.strip_prefix('!') == Some(label));
            let label_name = (!guards_label).then_some(label);
            for alias in label_name.into_iter().chain(aliases) {
                let (spelling, guarded) = match alias.strip_prefix('!') {
                    Some(exact) => (exact, Some(exact.to_owned())),
                    None => (alias, None),
                };
                by_name.entry(fold_phrase(spelling)).or_insert(skill);
                spellings.push(spelling.to_owned());
                names.push(Name { skill, guarded });
            }
            skills.push(Skill { id: hash(&fold_phrase(label)), label: label.to_owned(), weight });
        }
        let by_id = skills.iter().enumerate().map(|(index, skill)| (skill.id, index)).collect();
        Self { finder: PhraseFinder::new(&spellings), skills, names, by_name, by_id }
    }

    /// Number of skills.
    pub fn len(&self) -> usize {
        self.skills.len()
    }

    /// Whether it holds no skill.
    pub fn is_empty(&self) -> bool {
        self.skills.is_empty()
    }

    /// The skill with exactly this name, however written ("k8s", "Kubernetes").
    pub fn lookup(&self, name: &str) -> Option<SkillId> {
        let folded = fold_phrase(name);
        let singular = folded.strip_suffix('s').filter(|singular| singular.len() >= 4);
        let index = self.by_name.get(&folded).or_else(|| self.by_name.get(singular?))?;
        self.skills.get(*index).map(|skill| skill.id)
    }

    /// The label of a skill, `None` when it belongs to another vocabulary.
    pub fn label(&self, id: SkillId) -> Option<&str> {
        self.by_id.get(&id).and_then(|index| self.skills.get(*index)).map(|skill| skill.label.as_str())
    }

    /// What a skill counts: 1, or less for those everybody lists.
    pub fn weight(&self, id: SkillId) -> f32 {
        self.by_id.get(&id).and_then(|index| self.skills.get(*index)).map_or(1.0, |skill| skill.weight)
    }

    /// Every mention in a text, in order.
    pub fn mentions(&self, text: &str) -> Vec<Mention> {
        let folded = Folded::new(text);
        let found = self.finder.find(&folded);
        let sure: Vec<Range<usize>> = found
            .iter()
            .filter(|found| self.names.get(found.phrase as usize).is_some_and(|name| name.guarded.is_none()))
            .map(|found| found.range.clone())
            .collect();
        let mut mentions = Vec::new();
        for hit in &found {
            let Some(name) = self.names.get(hit.phrase as usize) else { continue };
            let span = folded.original(&hit.range);
            if let Some(exact) = &name.guarded
                && (text.get(span.clone()) != Some(exact.as_str()) || !has_context(&folded, &hit.range, &sure))
            {
                continue;
            }
            if let Some(skill) = self.skills.get(name.skill) {
                mentions.push(Mention { skill: skill.id, span });
            }
        }
        mentions
    }
}

/// Whether another, unguarded skill or a cue word stands near, within the same line.
fn has_context(folded: &Folded, range: &Range<usize>, sure: &[Range<usize>]) -> bool {
    let text = folded.text();
    let line_start = text.get(..range.start).and_then(|before| before.rfind(['\n', ';'])).map_or(0, |end| end + 1);
    let line_end =
        text.get(range.end..).and_then(|after| after.find(['\n', ';'])).map_or(text.len(), |end| range.end + end);
    let mut start = line_start.max(range.start.saturating_sub(CONTEXT));
    let mut end = line_end.min(range.end + CONTEXT);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    if sure.iter().any(|other| other.start < end && other.end > start) {
        return true;
    }
    let near = text.get(start..end).unwrap_or_default();
    near.split(|character: char| !character.is_alphanumeric()).any(|word| CUES.contains(&word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn labels(text: &str) -> Vec<String> {
        let vocabulary = SkillVocabulary::built_in();
        let mentions = vocabulary.mentions(text);
        mentions.iter().map(|mention| vocabulary.label(mention.skill).unwrap().to_owned()).collect()
    }

    #[test]
    fn names_are_found_as_whole_words() {
        let table: [(&str, &[&str]); 14] = [
            ("We run k8s and Kubernetes.", &["Kubernetes", "Kubernetes"]),
            ("a scalable design", &[]),
            ("C++, C# and .NET", &["C++", "C#", ".NET"]),
            ("ASP.NET Core on Azure", &[".NET", "Microsoft Azure"]),
            ("Go and Python", &["Go", "Python"]),
            ("Go to the office. Let's Go!", &[]),
            ("R, SQL and SAS", &["R", "SQL", "SAS"]),
            ("R&D department", &[]),
            ("the C programming language", &["C"]),
            ("Rust removal from steel", &[]),
            ("relational databases", &["Database"]),
            ("machine-learning, Deep  Learning", &["Machine learning", "Deep learning"]),
            ("javascript and java", &["JavaScript", "Java"]),
            ("node.js; ReactJS", &["Node.js", "React"]),
        ];
        for (text, expected) in table {
            assert_eq!(labels(text), expected, "{text}");
        }
    }

    #[test]
    fn labels_and_names_lead_to_the_same_skill() {
        let vocabulary = SkillVocabulary::built_in();
        assert!(vocabulary.len() > 500);
        assert_eq!(vocabulary.lookup("postgres"), vocabulary.lookup("PostgreSQL"));
        assert_eq!(vocabulary.lookup("REST APIs"), vocabulary.lookup("rest api"));
        assert_eq!(vocabulary.lookup("no such thing"), None);
    }

    #[test]
    fn more_labels_can_be_loaded() {
        let vocabulary = SkillVocabulary::with_labels(["manage musical staff", "Python", "abc"]);
        assert_eq!(vocabulary.len(), SkillVocabulary::built_in().len() + 1);
        assert_eq!(vocabulary.mentions("You manage musical staff daily").len(), 1);
    }
}
