//! The head of an entry: which of its parts is the title, the employer, the place.

use std::sync::LazyLock;

use super::sourced_period;
use crate::pattern::{Pattern, pattern};
use crate::resume::{
    Period, Sourced,
    months::Found,
    places::{cut, is_place},
    span::Piece,
    words::{employer_score, is_field, title_score},
};

/// Marks between the parts of a head. A word between them ("at") says which side is which.
static SEPARATOR: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?x)\t+ | \s*[|•·]\s* | \s+[-–—―‒]+\s+ | \s*[—―]\s* | \s*ï¼\S{0,2}\s* | \s+/\s+
        | \s+(?P<word>at|@|bei|chez|AT)\s+ | \s+(?P<en>en|im|in\ der)\s+",
    )
});
static TITLE_LABEL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:job\s+title|title|position(?:\s+held)?|occupation(?:\s+or\s+position\s+held)?|role|funktion|t[äa]tigkeit|beruf\s+oder\s+funktion|poste|fonction|puesto|cargo)\s*[:\t]\s*",
    )
});
static EMPLOYER_LABEL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:company(?:\s+name)?|employer|organi[sz]ation|name\s+(?:and\s+address\s+)?of\s+employer|firma|arbeitgeber|unternehmen|entreprise|employeur|soci[ée]t[ée]|empresa|empleador)\s*[:\t]\s*",
    )
});
static NOISE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)^\(?(?:
        (?:full|part)[\s-]?time | contract(?:or)? | freelance | permanent | temporary | self[\s-]?employed | seasonal
        | vollzeit | teilzeit | befristet | cdi | cdd | temps\s+(?:plein|partiel) | jornada\s+completa | hybrid | on-?site
        | to | dates? | duration | period | zeitraum | from | since
        | \d+(?:[.,]\d+)?\+?\s*(?:yrs?|years?|mos?|months?|jahren?|jahre?|monate?|ans?|mois|a[ñn]os?|mes(?:es)?)\b.*
        )\)?$",
    )
});
/// "Mountain View , CA" without marks around it, as one large résumé builder sets it.
static SPACED_PLACE: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?P<city>(?:[\p{Lu}][\p{L}.'-]+\s){1,3}),\s(?:State|[A-Z]{2})(?:\s|$)"));
/// What anonymised résumés write in place of an employer.
static PLACEHOLDER: LazyLock<Pattern> = LazyLock::new(|| pattern(r"\bCompany Name\b"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Title,
    Employer,
}

#[derive(Debug, Clone, Copy)]
struct Part<'text> {
    piece: Piece<'text>,
    role: Option<Role>,
}

/// Whether the résumé names titles before employers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    TitleFirst,
    EmployerFirst,
}

impl Order {
    /// What most heads that are clear do.
    pub(super) fn of(readings: &[Reading<'_>]) -> Self {
        let votes: i32 = readings.iter().map(Reading::vote).sum();
        if votes < 0 { Self::EmployerFirst } else { Self::TitleFirst }
    }
}

/// The parts of a head as they were read.
#[derive(Debug, Default)]
pub(super) struct Reading<'text> {
    parts: Vec<Part<'text>>,
    place: Option<Piece<'text>>,
    period: Option<Sourced<Period>>,
    period_is_range: bool,
}

/// What a head says.
#[derive(Debug, Default)]
pub(super) struct Head<'text> {
    pub title: Option<Piece<'text>>,
    pub employer: Option<Piece<'text>>,
    pub place: Option<Piece<'text>>,
    pub period: Option<Sourced<Period>>,
}

impl<'text> Reading<'text> {
    /// Adds a line of the head.
    pub(super) fn add(&mut self, piece: Piece<'text>, found: &[Found]) {
        let mut start = 0;
        for period in found {
            self.add_period(piece, period);
            self.split(piece.slice(start..period.range.start.max(start)));
            start = period.range.end;
        }
        self.split(piece.slice(start..piece.text.len()));
    }

    fn add_period(&mut self, piece: Piece<'text>, found: &Found) {
        if self.period.is_none() || (found.is_range && !self.period_is_range) {
            self.period = Some(sourced_period(piece, found));
            self.period_is_range = found.is_range;
        }
    }

    fn split(&mut self, piece: Piece<'text>) {
        let mut start = 0;
        let mut role = None;
        for captures in SEPARATOR.captures_iter(piece.text) {
            let Some(whole) = captures.get(0) else { continue };
            let is_word = captures.name("word").is_some();
            let before_name = piece.text[whole.end()..].chars().next().is_some_and(char::is_uppercase);
            if captures.name("en").is_some() && !(before_name && employer_score(&piece.text[whole.end()..]) > 0) {
                continue;
            }
            let left = if is_word { Some(Role::Title) } else { role };
            self.push(piece.slice(start..whole.start()), left);
            role = is_word.then_some(Role::Employer);
            start = whole.end();
        }
        self.push(piece.slice(start..piece.text.len()), role);
    }

    fn push(&mut self, piece: Piece<'text>, role: Option<Role>) {
        let piece = unbracketed(piece);
        if piece.text.is_empty() || NOISE.is_match(piece.text) || !piece.text.chars().any(char::is_alphabetic) {
            return;
        }
        for (label, role) in [(&TITLE_LABEL, Role::Title), (&EMPLOYER_LABEL, Role::Employer)] {
            if let Some(found) = label.find(piece.text) {
                let piece = piece.slice(found.end()..piece.text.len());
                if !piece.text.is_empty() {
                    self.parts.push(Part { piece, role: Some(role) });
                }
                return;
            }
        }
        if let Some((before, place, after)) = spaced_place(piece) {
            self.place.get_or_insert(place);
            for rest in [before, after].into_iter().filter(|rest| !rest.text.is_empty()) {
                self.push(rest, role);
            }
            return;
        }
        if let Some(found) = PLACEHOLDER.find(piece.text).filter(|found| found.len() < piece.text.len()) {
            self.push(piece.slice(0..found.start()), role);
            self.parts.push(Part { piece: piece.slice(found.range()), role: Some(Role::Employer) });
            self.push(piece.slice(found.end()..piece.text.len()), role);
            return;
        }
        if role.is_none() && title_score(piece.text) == 0 && is_place(piece.text) && employer_score(piece.text) == 0 {
            self.place.get_or_insert(piece);
            return;
        }
        self.parts.push(Part { piece, role });
    }

    pub(super) fn has_place(&self) -> bool {
        self.place.is_some()
    }

    /// Whether there is enough for a title and an employer.
    pub(super) fn is_complete(&self) -> bool {
        self.parts.len() >= 2 || self.parts.iter().any(|part| comma_split(part.piece).is_some())
    }

    /// 1 for a clear head with the title first, -1 for one with the employer first, 0 for others.
    fn vote(&self) -> i32 {
        let (Some(first), Some(second)) = (self.parts.first(), self.parts.get(1)) else { return 0 };
        match (title_score(first.piece.text) > 0, title_score(second.piece.text) > 0) {
            (true, false) => 1,
            (false, true) => -1,
            _ => (employer_score(second.piece.text) as i32 - employer_score(first.piece.text) as i32).signum(),
        }
    }

    /// Decides which part is what.
    pub(super) fn assign(&self, order: Order) -> Head<'text> {
        let mut head = Head { place: self.place, period: self.period.clone(), ..Head::default() };
        let mut rest: Vec<Piece<'text>> = Vec::new();
        for part in &self.parts {
            match part.role {
                Some(Role::Title) if head.title.is_none() => head.title = Some(part.piece),
                Some(Role::Employer) if head.employer.is_none() => head.employer = Some(part.piece),
                _ => rest.push(part.piece),
            }
        }
        match (head.title.is_some(), head.employer.is_some()) {
            (true, true) => {}
            (true, false) => head.employer = best(&rest, employer_value),
            (false, true) => head.title = best(&rest, title_value),
            (false, false) => decide(&mut head, &rest, order),
        }
        head.tidy();
        head
    }
}

impl Head<'_> {
    /// Cuts places off, and a title that still holds its employer apart.
    fn tidy(&mut self) {
        if let Some(title) = self.title {
            let (title, place) = cut(title, false);
            (self.title, self.place) = (Some(title), self.place.or(place));
            if self.employer.is_none()
                && let Some((title, employer)) = comma_split(title)
            {
                (self.title, self.employer) = (Some(title), Some(employer));
            }
        }
        if let Some(employer) = self.employer {
            let (employer, place) = cut(employer, self.place.is_none());
            (self.employer, self.place) = (Some(employer), self.place.or(place));
        }
    }
}

fn decide<'text>(head: &mut Head<'text>, parts: &[Piece<'text>], order: Order) {
    match parts {
        [] => {}
        [only] => {
            let (only, place) = cut(*only, false);
            head.place = head.place.or(place);
            match comma_split(only) {
                Some((title, employer)) => (head.title, head.employer) = (Some(title), Some(employer)),
                None if title_score(only.text) == 0
                    && (employer_score(only.text) > 0 || order == Order::EmployerFirst) =>
                {
                    head.employer = Some(only);
                }
                None => head.title = Some(only),
            }
        }
        several => {
            // Departments and projects come after the two that matter.
            let candidates = several.get(..several.len().min(3)).unwrap_or(several);
            let mut best: Option<(i32, usize, usize)> = None;
            for (t, title) in candidates.iter().enumerate() {
                for (e, employer) in candidates.iter().enumerate().filter(|(e, _)| *e != t) {
                    let in_order = (t < e) == (order == Order::TitleFirst);
                    let near = if t.abs_diff(e) == 1 { 1 } else { 0 } + if t.min(e) == 0 { 1 } else { 0 };
                    let value =
                        4 * (title_value(title.text) + employer_value(employer.text)) + i32::from(in_order) * 3 + near;
                    if best.is_none_or(|(most, _, _)| value > most) {
                        best = Some((value, t, e));
                    }
                }
            }
            if let Some((_, t, e)) = best {
                (head.title, head.employer) = (candidates.get(t).copied(), candidates.get(e).copied());
            }
        }
    }
}

fn title_value(text: &str) -> i32 {
    i32::from(title_score(text) > 0) * 2 - i32::from(employer_score(text) > 0)
}

fn employer_value(text: &str) -> i32 {
    i32::from(employer_score(text) > 0) - i32::from(title_score(text) > 0) * 2 - i32::from(is_field(text))
}

fn best<'text>(parts: &[Piece<'text>], value: fn(&str) -> i32) -> Option<Piece<'text>> {
    let mut best: Option<(i32, Piece<'text>)> = None;
    for part in parts {
        let value = value(part.text);
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, *part));
        }
    }
    best.map(|(_, part)| part)
}

/// "Senior Engineer, Acme Corp" as title and employer, "Acme Corp, Senior Engineer" too. `None` where a comma only parts
/// a title from its field.
fn comma_split(piece: Piece<'_>) -> Option<(Piece<'_>, Piece<'_>)> {
    let (piece, _) = cut(piece, false);
    let commas: Vec<usize> = piece.text.match_indices(',').map(|(index, _)| index).collect();
    for index in commas {
        let (left, right) = (piece.slice(0..index), piece.slice(index + 1..piece.text.len()));
        let first_right = right.text.split(',').next().unwrap_or("");
        if left.text.is_empty() || right.text.is_empty() || is_field(first_right) {
            continue;
        }
        match (title_score(left.text) > 0, title_score(first_right) > 0) {
            (true, false) if !is_place(right.text) => return Some((left, right)),
            (false, true) => return Some((right, left)),
            (true, true) if employer_score(first_right) > 0 => return Some((left, right)),
            _ => {}
        }
    }
    None
}

/// Parts a text around a place set with a blank before its comma. Of the words before the comma the longest known city
/// is taken, else the last word.
fn spaced_place(piece: Piece<'_>) -> Option<(Piece<'_>, Piece<'_>, Piece<'_>)> {
    let found = SPACED_PLACE.captures(piece.text)?;
    let (whole, city) = (found.get(0)?, found.name("city")?);
    let mut starts: Vec<usize> = vec![city.start()];
    starts.extend(city.as_str().trim_end().match_indices(' ').map(|(index, _)| city.start() + index + 1));
    let known = starts.iter().copied().find(|start| is_place(piece.text[*start..city.end()].trim()));
    let start = known.or(starts.last().copied())?;
    Some((piece.slice(0..start), piece.slice(start..whole.end()), piece.slice(whole.end()..piece.text.len())))
}

/// "(Acme Corp)" without its brackets; an opening bracket that is never closed goes too.
fn unbracketed(piece: Piece<'_>) -> Piece<'_> {
    let text = piece.text;
    if text.starts_with('(') && text.ends_with(')') && text.matches('(').count() == 1 {
        return piece.slice(1..text.len() - 1);
    }
    if text.ends_with('(') {
        return piece.slice(0..text.len() - 1);
    }
    if text.starts_with(')') {
        return piece.slice(1..text.len());
    }
    piece
}
