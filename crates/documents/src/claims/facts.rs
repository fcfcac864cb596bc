//! What the profile and the posting say, prepared for look-up.

use std::collections::HashSet;

use aerie_matching::{
    SkillVocabulary,
    skills::SkillId,
    text::{is_stop_word, words},
};

use super::{Target, numbers};
use crate::resume::{End, Profile, Sourced, YearMonth, find_periods};

/// One statement of the profile with its numbers.
pub(super) struct Statement {
    pub terms: HashSet<u32>,
    pub numbers: Vec<f64>,
}

/// A position for questions about time.
pub(super) struct Held {
    pub employer: Vec<String>,
    pub title: Vec<String>,
    pub start: Option<YearMonth>,
    pub end: Option<YearMonth>,
}

/// Everything that a text may say.
pub(super) struct Facts {
    /// Words of the profile, as folded forms and as stems.
    words: HashSet<String>,
    terms: HashSet<u32>,
    pub organisations: Vec<Vec<String>>,
    pub titles: Vec<HashSet<String>>,
    pub positions: Vec<Held>,
    pub statements: Vec<Statement>,
    pub years: HashSet<u16>,
    pub skills: HashSet<SkillId>,
    pub degrees: HashSet<super::credentials::Degree>,
    pub certificates: HashSet<String>,
    pub company: Vec<String>,
    target_title: Vec<String>,
    target_words: HashSet<String>,
    pub target_numbers: Vec<f64>,
    pub target_skills: HashSet<SkillId>,
    pub person: Vec<String>,
}

pub(super) fn folded(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.folded).collect()
}

fn significant(text: &str) -> HashSet<u32> {
    words(text).iter().filter(|word| !word.is_stop_word() && word.folded.len() > 1).map(|word| word.term()).collect()
}

impl Facts {
    pub(super) fn of(profile: &Profile, target: Target<'_>, vocabulary: &SkillVocabulary, today: YearMonth) -> Self {
        let texts = texts(profile);
        let all = texts.join("\n");
        let target_text = [target.company, target.title, target.description].join("\n");
        let skills = |text: &str| vocabulary.mentions(text).into_iter().map(|mention| mention.skill).collect();
        let statements =
            texts.iter().map(|text| Statement { terms: significant(text), numbers: numbers::values(text) });
        Self {
            words: folded(&all).into_iter().collect(),
            terms: words(&all).iter().map(|word| word.term()).collect(),
            organisations: organisations(profile),
            titles: titles(profile),
            positions: positions(profile, today),
            statements: statements.collect(),
            years: years(profile, &all),
            skills: skills(&all),
            degrees: super::credentials::degrees(&education_text(profile)),
            certificates: profile
                .certificates
                .iter()
                .flat_map(|certificate| folded(&certificate.name.value))
                .filter(|word| !is_stop_word(word))
                .collect(),
            company: folded(target.company),
            target_title: folded(target.title),
            target_words: folded(&target_text).into_iter().collect(),
            target_numbers: numbers::values(&target_text),
            target_skills: skills(&target_text),
            person: folded(profile.name()),
        }
    }

    /// Whether the profile has this word in some form.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(word) || self.terms.contains(&aerie_matching::text::term(word)) || self.has_inflected(word)
    }

    /// A long word with another ending: "Westsächsischen Hochschule".
    fn has_inflected(&self, word: &str) -> bool {
        let stem = word.get(..word.len().saturating_sub(2)).filter(|stem| stem.len() >= 7);
        stem.is_some_and(|stem| {
            self.words.iter().any(|known| known.starts_with(stem) && known.len().abs_diff(word.len()) <= 2)
        })
    }

    /// Whether the posting has this word.
    pub(super) fn target_has_word(&self, word: &str) -> bool {
        self.target_words.contains(word)
    }

    /// Whether the words are the employer's name or the title offered, or part of one.
    pub(super) fn names_target(&self, words: &[String]) -> bool {
        let within = |whole: &[String]| !whole.is_empty() && words.iter().all(|word| whole.contains(word));
        within(&self.company) || within(&self.target_title)
    }

    /// Whether a clause speaks of the employer: by its name or as "you".
    pub(super) fn is_about_target(&self, clause: &str) -> bool {
        let words = folded(clause);
        let named = self.company.first().is_some_and(|first| first.len() > 2 && words.contains(first));
        let title = self.target_title.len() > 1 && self.target_title.iter().all(|word| words.contains(word));
        let addressed =
            ["you", "your", "sie", "ihr", "ihre", "ihrem", "ihrer", "vous", "votre", "vos", "usted", "su", "sus"];
        named || title || words.iter().any(|word| addressed.contains(&word.as_str()))
    }

    /// The positions whose employer or title the sentence names.
    pub(super) fn mentioned(&self, sentence: &str) -> Vec<&Held> {
        let words = folded(sentence);
        let begins = |name: &[String]| {
            name.first().is_some_and(|first| first.len() > 2 && !is_stop_word(first)) && contains_start(&words, name)
        };
        let by_employer: Vec<&Held> = self.positions.iter().filter(|held| begins(&held.employer)).collect();
        let by_title = |held: &&Held| held.title.len() > 1 && contains_run(&words, &held.title);
        let both: Vec<&Held> = by_employer.iter().copied().filter(by_title).collect();
        match (both.is_empty(), by_employer.is_empty()) {
            (false, _) => both,
            (true, false) => by_employer,
            (true, true) => self.positions.iter().filter(by_title).collect(),
        }
    }

    /// Months in employment, overlaps counted once; only positions that `counts` accepts.
    pub(super) fn months(&self, counts: impl Fn(&Held) -> bool) -> i32 {
        let mut spans: Vec<(i32, i32)> = self
            .positions
            .iter()
            .filter(|held| counts(held))
            .filter_map(|held| Some((held.start?.months(), months_end(held.end?))))
            .collect();
        spans.sort_unstable();
        let (mut total, mut reached) = (0, i32::MIN);
        for (start, end) in spans {
            total += (end - start.max(reached)).max(0);
            reached = reached.max(end);
        }
        total
    }
}

/// The month after the last one; a year alone ends with its December.
fn months_end(end: YearMonth) -> i32 {
    if end.month.is_some() { end.months() + 1 } else { end.months() + 12 }
}

/// Whether the first one or two words of a name stand in a row: people leave "GmbH" and "Inc." away.
fn contains_start(words: &[String], name: &[String]) -> bool {
    let length = name.len().min(2);
    name.get(..length).is_some_and(|start| contains_run(words, start))
        || (name.first().is_some_and(|first| first.len() > 4 && words.contains(first)))
}

pub(super) fn contains_run(words: &[String], run: &[String]) -> bool {
    !run.is_empty() && words.windows(run.len()).any(|window| window == run)
}

fn value(field: Option<&Sourced>) -> &str {
    field.map_or("", |field| field.value.as_str())
}

/// Every statement of the profile by itself.
fn texts(profile: &Profile) -> Vec<String> {
    let mut texts = Vec::new();
    let mut add = |parts: &[&str]| texts.push(parts.join(" "));
    let contact = &profile.contact;
    add(&[value(contact.name.as_ref()), value(contact.headline.as_ref()), value(contact.place.as_ref())]);
    add(&[value(profile.summary.as_ref())]);
    for position in &profile.positions {
        add(&[value(position.title.as_ref()), value(position.employer.as_ref()), value(position.place.as_ref())]);
        add(&[value(position.summary.as_ref())]);
        position.bullets.iter().for_each(|bullet| add(&[&bullet.value]));
    }
    add(&[&education_text(profile)]);
    profile.all_skills().for_each(|skill| add(&[skill]));
    profile.skills.iter().filter_map(|group| group.name.as_ref()).for_each(|name| add(&[&name.value]));
    for certificate in &profile.certificates {
        add(&[&certificate.name.value, value(certificate.issuer.as_ref())]);
    }
    profile.languages.iter().for_each(|language| add(&[&language.name.value, value(language.level.as_ref())]));
    profile.sections.iter().flat_map(|section| &section.lines).for_each(|line| add(&[&line.value]));
    texts.retain(|text| !text.trim().is_empty());
    texts
}

fn education_text(profile: &Profile) -> String {
    let mut text = String::new();
    for school in &profile.education {
        for field in [&school.degree, &school.field, &school.institution, &school.place, &school.score] {
            text.push_str(value(field.as_ref()));
            text.push('\n');
        }
        school.notes.iter().for_each(|note| text.push_str(&format!("{}\n", note.value)));
    }
    text
}

fn organisations(profile: &Profile) -> Vec<Vec<String>> {
    let employers = profile.positions.iter().filter_map(|position| position.employer.as_ref());
    let schools = profile.education.iter().filter_map(|school| school.institution.as_ref());
    let issuers = profile.certificates.iter().filter_map(|certificate| certificate.issuer.as_ref());
    employers.chain(schools).chain(issuers).map(|name| folded(&name.value)).collect()
}

fn titles(profile: &Profile) -> Vec<HashSet<String>> {
    let held =
        profile.positions.iter().filter_map(|position| position.title.as_ref()).map(|title| title.value.as_str());
    let named = profile.certificates.iter().map(|certificate| certificate.name.value.as_str());
    let own = [profile.contact.headline.as_ref(), profile.summary.as_ref()].into_iter().flatten();
    let said = own.map(|text| text.value.as_str());
    held.chain(named).chain(said).map(|title| folded(title).into_iter().collect()).collect()
}

fn positions(profile: &Profile, today: YearMonth) -> Vec<Held> {
    let position = |position: &crate::resume::Position| {
        let period = position.period.as_ref().map(|period| period.value).unwrap_or_default();
        let end = match period.end {
            Some(End::Present) => Some(today),
            Some(End::At(month)) => Some(month),
            None => period.start,
        };
        Held {
            employer: folded(value(position.employer.as_ref())),
            title: folded(value(position.title.as_ref())),
            start: period.start,
            end,
        }
    };
    profile.positions.iter().map(position).collect()
}

fn years(profile: &Profile, text: &str) -> HashSet<u16> {
    let mut years = HashSet::new();
    let periods = profile.positions.iter().filter_map(|position| position.period.as_ref());
    for period in periods.chain(profile.education.iter().filter_map(|school| school.period.as_ref())) {
        years.extend(period.value.start.map(|start| start.year));
        years.extend(period.value.end_month().map(|end| end.year));
    }
    years.extend(
        profile.certificates.iter().filter_map(|certificate| certificate.date.as_ref()).map(|date| date.value.year),
    );
    for found in find_periods(text) {
        years.extend(found.period.start.map(|start| start.year));
        years.extend(found.period.end_month().map(|end| end.year));
    }
    years
}
