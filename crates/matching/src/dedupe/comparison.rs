//! One pair: the score, what speaks for and against, and what forbids a merge.
//!
//! The score is a sum of points, positive for likely the same. The weights began as a logistic regression on lists of the
//! same postings typed by several hands (companies held out in turn: F1 0.82 to 0.83 on those not seen) and were rounded
//! to quarters by hand. Those for other kinds, off-season internships and two entries of one source were then made
//! stronger by judgement, since they stand for rules; those for degree and grade, too rare there to fit, follow season.

use aerie_postings::identity::hamming;
use serde::{Deserialize, Serialize};

use super::features::Features;
use super::places::PlaceRelation;
use super::title::overlap;

/// Points, per feature.
mod weight {
    pub const BASE: f32 = -6.5;
    pub const SHARED_KEY: f32 = 30.0;
    pub const TITLE_SAME_WORK: f32 = 1.5;
    /// For each word of the rarest class that the side with less of its own has alone, at most one.
    pub const TITLE_BOTH_DIFFER: f32 = -4.0;
    /// Times the share of all title words, with season, year, kind and so on, that both have.
    pub const TITLE_SHARE: f32 = 1.25;
    /// For each shared word of the rarest class, at most two.
    pub const TITLE_SPECIFIC: f32 = 1.0;
    pub const TITLE_IDENTICAL: f32 = 0.25;
    pub const COMPANY_PART: f32 = -0.25;
    pub const COMPANY_UNKNOWN: f32 = -3.0;
    pub const COMPANY_OTHER: f32 = -6.0;
    /// Times the share of the places that both name.
    pub const PLACES_SHARE: f32 = 1.25;
    pub const PLACES_DISJOINT: f32 = -1.5;
    pub const SAME_MOMENT: f32 = 2.5;
    pub const WITHIN_3_DAYS: f32 = 0.5;
    pub const WITHIN_14_DAYS: f32 = 1.25;
    pub const WITHIN_60_DAYS: f32 = 1.0;
    /// One of the dates is missing: what an average pair gets.
    pub const DATE_UNKNOWN: f32 = 1.5;
    pub const OTHER_SEASON: f32 = -1.0;
    pub const OFF_SEASON: f32 = -1.25;
    pub const OTHER_YEAR: f32 = -1.0;
    pub const OTHER_KIND: f32 = -4.5;
    /// The title of one names a kind that the other's source or fields contradict.
    pub const KIND_CONTRADICTED: f32 = -4.0;
    /// Only the sources or fields differ in kind.
    pub const KIND_BY_SOURCE: f32 = -0.5;
    pub const OTHER_DEGREE: f32 = -1.0;
    pub const OTHER_GRADE: f32 = -1.0;
    pub const SAME_SOURCE: f32 = -4.0;
    pub const TEXT_SAME: f32 = 6.0;
    pub const TEXT_NEAR: f32 = 3.0;
    pub const TEXT_OTHER: f32 = -1.5;
}

/// Score from which a pair without a veto is merged, in points with rivals counted ([`super::rivals`]): on labelled lists
/// the point with the highest recall at a precision above 0.97. Most of what is counted as wrong above it are pairs that
/// are one opening under two ids.
pub const MERGE_POINTS: f32 = 1.5;

/// Score from which a pair is shown as a possible duplicate, in points: recall beyond the best F1, with four of five right.
pub const POSSIBLE_POINTS: f32 = -0.75;

/// Days after which an equal posting is a new one rather than the same.
const LONG_AGO_DAYS: i64 = 60;

/// Weight of the words that both titles have alone from which they name other work: one common word. The very common
/// ones ("software" against "developer") do not count.
const OTHER_WORK_WEIGHT: f32 = 0.5;

const DAY: i64 = 86_400;

/// Bits in which two SimHashes of the same text differ at most; of a text with edits; and from which texts are others.
/// In two consecutive months of hiring threads pairs below 13 bits were by the same author in 19 of 20 cases, pairs above
/// 16 hardly ever.
const TEXT_SAME_BITS: u32 = 3;
pub(super) const TEXT_NEAR_BITS: u32 = 12;
const TEXT_OTHER_BITS: u32 = 20;

/// What to do with a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Two openings.
    Different,
    /// To be shown to the person as a possible duplicate.
    Possible,
    /// One opening.
    Same,
}

/// What spoke for or against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A hiring-system id, an address or a source id in common.
    SharedKey,
    /// The titles name the same work.
    SameWork,
    /// Each title names something that the other lacks.
    TitlesDiffer,
    /// One company name is a part of the other.
    CompanyPart,
    /// A company is not named.
    CompanyUnknown,
    /// The companies differ.
    OtherCompany,
    /// The same places.
    SamePlaces,
    /// Some places in common.
    SharedPlaces,
    /// Posted at the same second in two sources: one copied from the other.
    SameMoment,
    /// Posted within two weeks.
    CloseDates,
    /// The descriptions are the same text.
    SameText,
    /// The descriptions are nearly the same text.
    NearText,
    /// The descriptions are other texts.
    OtherText,
    /// An entry of the other source fits as well or better.
    BetterRival,
    /// No other entry of that source fits as well.
    NoRival,
    /// The person joined the two.
    JoinedByPerson,
    /// The person split the two.
    SplitByPerson,
    /// A difference that forbids a merge.
    Vetoed(Veto),
}

/// A difference that forbids a merge, whatever the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Veto {
    /// Two ids of the employers' hiring systems or pages.
    OtherKey,
    /// Two entries of one source.
    SameSource,
    /// Other companies, or one is not named and the text is not the same.
    OtherCompany,
    /// Each title has a word of the work that the other lacks ("Frontend", "Backend"), and the text is not the same.
    OtherWork,
    /// No place in common.
    OtherPlaces,
    /// Another season, or one names an uncommon season and the other none.
    OtherSeason,
    /// Another year, or a year that the other's date cannot mean.
    OtherYear,
    /// Internship against graduate role.
    OtherKind,
    /// Bachelor against doctorate.
    OtherDegree,
    /// Another level or grade.
    OtherGrade,
    /// Posted months apart.
    LongAgo,
}

/// The outcome of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What to do.
    pub verdict: Verdict,
    /// Likeness from 0 to 1, the logistic function of `points`.
    pub score: f32,
    /// Sum of the weights.
    pub points: f32,
    /// What spoke for and against, most important first.
    pub reasons: Vec<Reason>,
}

impl Comparison {
    pub(super) fn new(points: f32, mut reasons: Vec<Reason>) -> Self {
        let vetoed = reasons.iter().any(|reason| matches!(reason, Reason::Vetoed(_)));
        let verdict = if points >= MERGE_POINTS && !vetoed {
            Verdict::Same
        } else if points >= POSSIBLE_POINTS {
            Verdict::Possible
        } else {
            Verdict::Different
        };
        reasons.dedup();
        Self { verdict, score: 1.0 / (1.0 + (-points).exp()), points, reasons }
    }

    /// The first difference that forbids a merge.
    pub fn veto(&self) -> Option<Veto> {
        self.reasons.iter().find_map(|reason| match reason {
            Reason::Vetoed(veto) => Some(*veto),
            _ => None,
        })
    }
}

/// Compares two postings on their own; symmetric. Where their alternatives are known, use [`super::assess`] or
/// [`super::cluster`], which also count rivals.
pub fn compare(left: &Features, right: &Features) -> Comparison {
    let (points, reasons) = points(left, right);
    Comparison::new(points, reasons)
}

/// Points without rivals.
pub(super) fn points(left: &Features, right: &Features) -> (f32, Vec<Reason>) {
    if shares_key(left, right) {
        return (weight::SHARED_KEY, vec![Reason::SharedKey]);
    }
    let mut tally = Tally { points: weight::BASE, reasons: Vec::with_capacity(8) };
    let text = text_likeness(left, right);
    tally.text(text);
    tally.company(left, right, text);
    tally.title(left, right, text);
    tally.places(left.places.relation(&right.places));
    tally.dates(left, right);
    tally.kinds(left, right);
    if left.source != 0 && left.source == right.source {
        tally.veto(weight::SAME_SOURCE, Veto::SameSource);
    }
    if left.own_key != 0 && right.own_key != 0 {
        tally.veto(0.0, Veto::OtherKey);
    }
    (tally.points, tally.reasons)
}

/// Whether the two have an identity key in common.
pub(super) fn shares_key(left: &Features, right: &Features) -> bool {
    left.keys.iter().any(|key| right.keys.contains(key))
}

/// Whether anything forbids to merge the two; cheaper than [`compare`] for the check of whole clusters.
pub(super) fn has_veto(left: &Features, right: &Features) -> bool {
    let (_, reasons) = points(left, right);
    reasons.iter().any(|reason| matches!(reason, Reason::Vetoed(_)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextLikeness {
    Unknown,
    Same,
    Near,
    Unlike,
    Other,
}

fn text_likeness(left: &Features, right: &Features) -> TextLikeness {
    if left.fingerprint == 0 || right.fingerprint == 0 {
        return TextLikeness::Unknown;
    }
    let bits = hamming(left.fingerprint, right.fingerprint);
    if bits <= TEXT_SAME_BITS {
        TextLikeness::Same
    } else if bits <= TEXT_NEAR_BITS {
        TextLikeness::Near
    } else if bits < TEXT_OTHER_BITS {
        TextLikeness::Unlike
    } else {
        TextLikeness::Other
    }
}

struct Tally {
    points: f32,
    reasons: Vec<Reason>,
}

impl Tally {
    fn add(&mut self, points: f32, reason: Reason) {
        self.points += points;
        self.reasons.push(reason);
    }

    fn veto(&mut self, points: f32, veto: Veto) {
        self.add(points, Reason::Vetoed(veto));
    }

    fn text(&mut self, likeness: TextLikeness) {
        match likeness {
            TextLikeness::Unknown | TextLikeness::Unlike => {}
            TextLikeness::Same => self.add(weight::TEXT_SAME, Reason::SameText),
            TextLikeness::Near => self.add(weight::TEXT_NEAR, Reason::NearText),
            TextLikeness::Other => self.add(weight::TEXT_OTHER, Reason::OtherText),
        }
    }

    /// An agency shows its own name, or none: then only the same text can make the two one.
    fn company(&mut self, left: &Features, right: &Features, text: TextLikeness) {
        if left.company == 0 || right.company == 0 {
            self.add(weight::COMPANY_UNKNOWN, Reason::CompanyUnknown);
            if text != TextLikeness::Same {
                self.veto(0.0, Veto::OtherCompany);
            }
        } else if left.company != right.company {
            if is_part(&left.company_words, &right.company_words) {
                self.add(weight::COMPANY_PART, Reason::CompanyPart);
            } else {
                self.add(weight::COMPANY_OTHER, Reason::OtherCompany);
                self.veto(0.0, Veto::OtherCompany);
            }
        }
    }

    fn title(&mut self, left: &Features, right: &Features, text: TextLikeness) {
        let (one, other) = (&left.title, &right.title);
        let words = overlap(&one.words, &other.words);
        if words.left_words == 0 && words.right_words == 0 {
            self.add(weight::TITLE_SAME_WORK, Reason::SameWork);
        }
        if words.left_words > 0 && words.right_words > 0 {
            let own = words.left_only.min(words.right_only).min(1.0);
            self.add(weight::TITLE_BOTH_DIFFER * own, Reason::TitlesDiffer);
            if own >= OTHER_WORK_WEIGHT && text != TextLikeness::Same {
                self.veto(0.0, Veto::OtherWork);
            }
        }
        let (attributes_shared, attributes_all) = attributes(left, right);
        let all = words.shared_words + words.left_words + words.right_words + attributes_all;
        if all > 0 {
            self.points += weight::TITLE_SHARE * (words.shared_words + attributes_shared) as f32 / all as f32;
        }
        self.points += weight::TITLE_SPECIFIC * words.shared.min(2.0);
        if one.exact == other.exact {
            self.points += weight::TITLE_IDENTICAL;
        }
    }

    fn places(&mut self, relation: PlaceRelation) {
        if relation.unknown {
            return;
        }
        self.points += weight::PLACES_SHARE * relation.overlap;
        if relation.equal {
            self.reasons.push(Reason::SamePlaces);
        } else if relation.overlap > 0.0 {
            self.reasons.push(Reason::SharedPlaces);
        }
        if relation.disjoint {
            self.veto(weight::PLACES_DISJOINT, Veto::OtherPlaces);
        }
    }

    fn dates(&mut self, left: &Features, right: &Features) {
        let (Some(one), Some(other)) = (left.posted, right.posted) else {
            self.points += weight::DATE_UNKNOWN;
            return;
        };
        let gap = one.abs_diff(other);
        // A moment on the full hour is a day written as a moment.
        let elsewhere = left.source == 0 || left.source != right.source;
        if gap == 0 && one % 3600 != 0 && elsewhere {
            self.add(weight::SAME_MOMENT, Reason::SameMoment);
        }
        let day = DAY.unsigned_abs();
        if gap <= 3 * day {
            self.points += weight::WITHIN_3_DAYS;
        }
        if gap <= 14 * day {
            self.add(weight::WITHIN_14_DAYS, Reason::CloseDates);
        }
        if gap <= LONG_AGO_DAYS.unsigned_abs() * day {
            self.points += weight::WITHIN_60_DAYS;
        } else {
            self.veto(0.0, Veto::LongAgo);
        }
    }

    fn kinds(&mut self, left: &Features, right: &Features) {
        let (one, other) = (&left.title, &right.title);
        if clash(one.seasons, other.seasons) {
            self.veto(weight::OTHER_SEASON, Veto::OtherSeason);
        } else if is_off_season(one.seasons, other.seasons) || is_off_season(other.seasons, one.seasons) {
            self.points += weight::OFF_SEASON;
        }
        if clash(one.years, other.years) || is_year_of_another(left, right) || is_year_of_another(right, left) {
            self.veto(weight::OTHER_YEAR, Veto::OtherYear);
        }
        if clash(one.kinds, other.kinds) {
            self.veto(weight::OTHER_KIND, Veto::OtherKind);
        } else if clash(left.effective_kinds(), right.effective_kinds()) {
            if one.kinds == 0 && other.kinds == 0 {
                self.points += weight::KIND_BY_SOURCE;
            } else {
                self.veto(weight::KIND_CONTRADICTED, Veto::OtherKind);
            }
        }
        if clash(one.degrees, other.degrees) {
            self.veto(weight::OTHER_DEGREE, Veto::OtherDegree);
        }
        if clash(one.grades, other.grades)
            || clash(one.levels, other.levels)
            || is_level_missing(one.levels, other.levels)
        {
            self.veto(weight::OTHER_GRADE, Veto::OtherGrade);
        }
    }
}

/// Season, year, kind, degree, level and grade bits: shared and all.
fn attributes(left: &Features, right: &Features) -> (u32, u32) {
    let (one, other) = (&left.title, &right.title);
    let pairs = [
        (u64::from(one.seasons), u64::from(other.seasons)),
        (one.years, other.years),
        (u64::from(one.kinds), u64::from(other.kinds)),
        (u64::from(one.degrees), u64::from(other.degrees)),
        (u64::from(one.levels), u64::from(other.levels)),
        (u64::from(one.grades), u64::from(other.grades)),
    ];
    pairs.iter().fold((0, 0), |(shared, all), (one, other)| {
        (shared + (one & other).count_ones(), all + (one | other).count_ones())
    })
}

/// Both sides name something, and nothing in common.
fn clash<T: std::ops::BitAnd<Output = T> + Default + PartialEq + Copy>(left: T, right: T) -> bool {
    let none = T::default();
    left != none && right != none && left & right == none
}

/// "Spring" against no season: for internships summer is the season that need not be named.
fn is_off_season(named: u8, unnamed: u8) -> bool {
    const SUMMER: u8 = 4;
    named != 0 && named & SUMMER == 0 && unnamed == 0
}

/// "Senior", "Manager" and above against no level word is another role; "Junior" or "Lead" often go unsaid.
fn is_level_missing(one: u16, other: u16) -> bool {
    const NEVER_UNSAID: u16 = 2 | 8 | 16 | 32 | 64 | 128 | 256 | 512;
    (one == 0) != (other == 0) && (one | other) & NEVER_UNSAID != 0
}

/// One names years, the other none, and the other's date lies outside the time in which openings for those years are
/// posted: from one and a half years before the year's begin to seven months after it.
fn is_year_of_another(named: &Features, unnamed: &Features) -> bool {
    const YEAR: i64 = 31_556_952;
    const START_OF_2000: i64 = 946_684_800;
    let Some(posted) = unnamed.posted.filter(|_| named.title.years != 0 && unnamed.title.years == 0) else {
        return false;
    };
    !(0..64).filter(|bit| named.title.years >> bit & 1 == 1).any(|bit| {
        let begin = START_OF_2000 + bit * YEAR;
        (begin - YEAR * 3 / 2..=begin + YEAR * 7 / 12).contains(&posted)
    })
}

/// Whether one name is the beginning of the other ("Aldbrook", "Aldbrook Robotics").
fn is_part(left: &[u32], right: &[u32]) -> bool {
    !left.is_empty() && !right.is_empty() && (left.starts_with(right) || right.starts_with(left))
}
