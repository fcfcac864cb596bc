//! Numbers, amounts, years and durations.

use std::{ops::Range, sync::LazyLock};

use aerie_matching::text::words;

use super::{ClaimKind, Context, Unsupported, stance::Stance};
use crate::pattern::{Pattern, pattern};

static NUMBER: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)(?P<digits>\d+(?:[.,]\d{3})*(?:[.,]\d+)?)(?:\s?(?P<scale>k|m|mn|bn|thousand|million|billion|mio\.?|mrd\.?|millionen|milliarden|tausend|millions?|milliards?|mil|millones)\b)?
        | \b(?P<word>two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|hundreds|thousands|dozens?
        | zwei|drei|vier|f[üu]nf|sechs|sieben|acht|neun|zehn|elf|zw[öo]lf|zwanzig|drei[ßs]+ig|vierzig|f[üu]nfzig|hundert|deux|trois|quatre|cinq|sept|huit|neuf|dix|onze|douze|quinze|vingt|trente|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|quince|veinte)\b(?:\s(?P<word_scale>million|thousand|hundred|millionen)\b)?",
    )
});
static YEARS_AFTER: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(r"(?i)^\+?[\s-]*(?P<unit>years?|yrs?|jahren?|jahre|ans|ann[ée]es|a[ñn]os|months?|monate?n?|mois|meses)\b")
});
static RANGE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?P<since>since|seit|depuis|desde)?\s*(?:\w+\s+)?(?P<year>(?:19|20)\d\d)\b(?:\s*(?:to|until|till|through|bis|[àa]|hasta|[-–—]|and|und)\s*(?:\w+\s+)?(?P<end>(?:19|20)\d\d)\b)?",
    )
});

static EXPERIENCE: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)\b(?:experience|(?:berufs)?erfahrung|exp[ée]rience|experiencia)\b"));

/// Months by which a stated duration may be longer than the dates say.
const ROUNDING_MONTHS: i32 = 8;

/// A number in a text.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    range: Range<usize>,
    value: f64,
    word: bool,
}

/// All numbers of a text; years too.
pub(super) fn values(text: &str) -> Vec<f64> {
    find(text).into_iter().map(|found| found.value).collect()
}

fn find(text: &str) -> Vec<Found> {
    let mut numbers = Vec::new();
    for captures in NUMBER.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        let glued =
            text[..whole.start()].chars().next_back().is_some_and(|before| before.is_alphabetic() || before == '_');
        let (value, word) = match (captures.name("digits"), captures.name("word")) {
            (Some(digits), _) => (parse(digits.as_str()), false),
            (_, Some(word)) => (word_value(word.as_str()), true),
            _ => (None, false),
        };
        let Some(value) = value.filter(|_| !glued) else { continue };
        let scale = captures.name("scale").or(captures.name("word_scale")).map_or(1.0, |scale| factor(scale.as_str()));
        numbers.push(Found { range: whole.range(), value: value * scale, word });
    }
    numbers
}

/// "1,400", "1.400" and "1.4": three digits after a mark are thousands.
fn parse(digits: &str) -> Option<f64> {
    let groups: Vec<&str> = digits.split([',', '.']).collect();
    let (first, rest) = groups.split_first()?;
    let is_thousands =
        !rest.is_empty() && rest.iter().all(|group| group.len() == 3) && first.len() <= 3 && *first != "0";
    if is_thousands {
        return groups.concat().parse().ok();
    }
    let (fraction, whole) = groups.split_last()?;
    if whole.is_empty() { fraction.parse().ok() } else { format!("{}.{fraction}", whole.concat()).parse().ok() }
}

fn factor(scale: &str) -> f64 {
    match scale.trim_end_matches('.').to_lowercase().as_str() {
        "k" | "thousand" | "tausend" | "mil" => 1e3,
        "hundred" => 1e2,
        "bn" | "billion" | "mrd" | "milliarden" | "milliard" | "milliards" => 1e9,
        _ => 1e6,
    }
}

fn word_value(word: &str) -> Option<f64> {
    let folded = deunicode::deunicode(word).to_lowercase();
    Some(match folded.as_str() {
        "two" | "zwei" | "deux" | "dos" => 2.0,
        "three" | "drei" | "trois" | "tres" => 3.0,
        "four" | "vier" | "quatre" | "cuatro" => 4.0,
        "five" | "funf" | "cinq" | "cinco" => 5.0,
        "six" | "sechs" | "seis" => 6.0,
        "seven" | "sieben" | "sept" | "siete" => 7.0,
        "eight" | "acht" | "huit" | "ocho" => 8.0,
        "nine" | "neun" | "neuf" | "nueve" => 9.0,
        "ten" | "zehn" | "dix" | "diez" => 10.0,
        "eleven" | "elf" | "onze" | "once" => 11.0,
        "twelve" | "zwolf" | "douze" | "doce" | "dozen" => 12.0,
        "thirteen" => 13.0,
        "fourteen" => 14.0,
        "fifteen" | "quinze" | "quince" => 15.0,
        "sixteen" => 16.0,
        "seventeen" => 17.0,
        "eighteen" => 18.0,
        "nineteen" => 19.0,
        "twenty" | "zwanzig" | "vingt" | "veinte" => 20.0,
        "thirty" | "dreissig" | "trente" => 30.0,
        "forty" | "vierzig" => 40.0,
        "fifty" | "funfzig" => 50.0,
        "sixty" => 60.0,
        "seventy" => 70.0,
        "eighty" => 80.0,
        "ninety" => 90.0,
        "hundred" | "hundert" => 100.0,
        _ => return None,
    })
}

/// Checks years, durations and amounts of a clause.
pub(super) fn check(context: &Context<'_>) -> Vec<Unsupported> {
    let mut unsupported = Vec::new();
    let mut dated: Vec<Range<usize>> = Vec::new();
    if context.stance != Stance::Employer {
        for captures in RANGE.captures_iter(context.clause) {
            let Some(year) = captures.name("year") else { continue };
            let end = captures.name("end");
            dated.push(year.range());
            dated.extend(end.map(|end| end.range()));
            let range = year.start()..end.map_or(year.end(), |end| end.end());
            let year_of = |text: &str| text.parse::<u16>().unwrap_or(0);
            let years: Vec<u16> = [Some(year), end].into_iter().flatten().map(|year| year_of(year.as_str())).collect();
            if let Some(reason) = year_fault(context, &years) {
                unsupported.push(context.unsupported(ClaimKind::Date, range, reason));
            }
        }
    }
    for found in find(context.clause) {
        if dated.iter().any(|range| range.start < found.range.end && found.range.start < range.end) {
            continue;
        }
        let after = context.clause.get(found.range.end..).unwrap_or("");
        if let Some(unit) = YEARS_AFTER.captures(after).and_then(|captures| captures.name("unit")) {
            let months = found.value * if is_month(unit.as_str()) { 1.0 } else { 12.0 };
            if let Some(reason) = duration_fault(context, &found, months) {
                unsupported.push(context.unsupported(
                    ClaimKind::Date,
                    found.range.start..found.range.end + unit.end(),
                    reason,
                ));
            }
        } else if let Some(reason) = amount_fault(context, &found) {
            unsupported.push(context.unsupported(ClaimKind::Number, found.range, reason));
        }
    }
    unsupported
}

fn is_month(unit: &str) -> bool {
    unit.to_lowercase().starts_with('m')
}

fn year_fault(context: &Context<'_>, years: &[u16]) -> Option<String> {
    let facts = context.facts;
    let mentioned = facts.mentioned(context.sentence);
    let spans: Vec<(u16, u16)> = mentioned.iter().filter_map(|held| Some((held.start?.year, held.end?.year))).collect();
    let (from, to) = (spans.iter().map(|span| span.0).min(), spans.iter().map(|span| span.1).max());
    if let (Some(from), Some(to)) = (from, to) {
        let outside = years.iter().any(|year| !(from..=to).contains(year))
            && !years.iter().all(|year| facts.years.contains(year) && is_school_year(context, *year));
        return outside.then(|| format!("the profile dates this position {from} to {to}"));
    }
    let within = |year: &u16| {
        facts.years.contains(year)
            || facts
                .positions
                .iter()
                .any(|held| held.start.zip(held.end).is_some_and(|(start, end)| (start.year..=end.year).contains(year)))
    };
    (!years.iter().all(within)).then(|| "the profile has no such date".to_owned())
}

/// Whether the sentence also speaks of a degree, whose year is not that of a position.
fn is_school_year(context: &Context<'_>, year: u16) -> bool {
    context.facts.years.contains(&year) && !super::credentials::degrees(context.sentence).is_empty()
}

fn duration_fault(context: &Context<'_>, found: &Found, months: f64) -> Option<String> {
    let facts = context.facts;
    if context.stance != Stance::Own {
        return None;
    }
    let said = supported_by_statement(context, found);
    let mentioned = facts.mentioned(context.sentence);
    // "Nine years of experience" are all years, whichever employer the sentence goes on to name.
    let there = if mentioned.is_empty() || EXPERIENCE.is_match(context.clause) {
        facts.months(|_| true)
    } else {
        facts.months(|held| mentioned.iter().any(|other| std::ptr::eq(*other, held)))
    };
    let too_long = months > f64::from(there + ROUNDING_MONTHS);
    (too_long && !said).then(|| format!("the profile's dates add up to {:.1} years there", f64::from(there) / 12.0))
}

fn amount_fault(context: &Context<'_>, found: &Found) -> Option<String> {
    let facts = context.facts;
    let same =
        |numbers: &[f64]| numbers.iter().any(|number| (number - found.value).abs() <= 1e-6 * number.abs().max(1.0));
    if supported_by_statement(context, found) {
        return None;
    }
    let posting_counts = match context.stance {
        Stance::Own => facts.is_about_target(context.clause) && !is_acting(context.clause),
        Stance::Wish | Stance::Employer => true,
    };
    if posting_counts && same(&facts.target_numbers) {
        return None;
    }
    if found.word && found.value <= 12.0 && !counts_something(context, found) {
        return None;
    }
    Some("the profile has no such number in this matter".to_owned())
}

/// "I led ... at": the person is the one who acts, so that a number beside is theirs.
fn is_acting(clause: &str) -> bool {
    static ACTING: LazyLock<Pattern> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:I|we)\s+(?:have\s+|had\s+)?(?:led|lead|managed?|ran|run|built|grew|raised|cut|saved|trained|supervised?|oversaw|handled?|own|sold)\b",
        )
    });
    ACTING.is_match(clause)
}

/// Whether a statement of the profile has the number and speaks of the same.
fn supported_by_statement(context: &Context<'_>, found: &Found) -> bool {
    let terms: Vec<u32> = words(context.sentence)
        .iter()
        .filter(|word| !word.is_stop_word() && word.folded.len() > 1)
        .map(|word| word.term())
        .collect();
    let number_terms: Vec<u32> =
        words(context.clause.get(found.range.clone()).unwrap_or("")).iter().map(|word| word.term()).collect();
    context.facts.statements.iter().any(|statement| {
        let same = statement.numbers.iter().any(|number| (number - found.value).abs() <= 1e-6 * number.abs().max(1.0));
        same && terms.iter().any(|term| statement.terms.contains(term) && !number_terms.contains(term))
    })
}

/// Small numbers in words are often only a turn of phrase: "for two reasons".
fn counts_something(context: &Context<'_>, found: &Found) -> bool {
    const TURNS: &[&str] = &[
        "reasons",
        "things",
        "ways",
        "points",
        "aspects",
        "sides",
        "halves",
        "paragraphs",
        "examples",
        "times",
        "of",
        "words",
        "grunde",
        "dinge",
        "weeks",
        "days",
        "minutes",
        "hours",
        "lines",
        "worlds",
        "hands",
        "ends",
        "qualities",
        "strengths",
        "values",
    ];
    let after = context.clause.get(found.range.end..).unwrap_or("");
    let next: Vec<String> = words(after).into_iter().take(2).map(|word| word.folded).collect();
    let is_noun = next.first().is_some_and(|word| word.len() > 2);
    is_noun && !next.iter().any(|word| TURNS.contains(&word.as_str()))
}
