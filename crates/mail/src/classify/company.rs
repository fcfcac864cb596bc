//! Which company a mail is about. Several places name it, none reliably; each gives candidates, and they vote.

use std::sync::LazyLock;

use aerie_postings::company::company_key;
use aerie_postings::text::{fold, single_line, truncate_bytes};

use crate::message::{Mail, Mailbox, registrable_domain};
use crate::patterns::Pattern;

mod systems;

pub use systems::{HiringSystem, hiring_system};

/// Most bytes of the body in which a company is looked for.
const MAX_BODY_BYTES: usize = 6000;

/// Longest name of a company, in words.
const MAX_WORDS: usize = 7;

/// A name begins with a capital or a digit and goes on to the end of the phrase.
macro_rules! name {
    () => {
        r"(?:the )?(?P<name>[\p{Lu}\p{N}@][\p{L}\p{N}&'’.+°@/-]*(?:,? (?:[\p{Lu}\p{N}&(][\p{L}\p{N}&'’.+°/()-]*|of|and|the|for|de|la|du|und|der|by|y|et|Inc\.?|LLC|Ltd\.?|GmbH|AG)){0,6})"
    };
}

/// In the subject, the strongest first.
static SUBJECT: LazyLock<Vec<(Pattern, f32)>> = LazyLock::new(|| {
    vec![
        (
            Pattern::new(concat!(
                r"(?i:application was (?:sent to|viewed by)|update from(?: an?)?|applied to|position at|job at|role at|opening at|internship at|career at|careers at|candidacy at|candidacy with) ",
                name!()
            )),
            4.0,
        ),
        (
            Pattern::new(concat!(
                r"(?i:(?:application|apply|applying|applied|interest|interview|interviewing|submission|interested)(?: here)? (?:to|at|with|in|for a job at)) ",
                name!()
            )),
            3.5,
        ),
        (
            Pattern::new(concat!(
                r"(?i:thank(?:s| you)|message|update|note|offer|follow-up|news|congratulations|greetings|survey|invitation|regret letter|assessment invitation|update on your application|response|decision)(?i: from| by) ",
                name!()
            )),
            3.0,
        ),
        (Pattern::new(concat!(r"(?i:\bat) ", name!(), r"\s*(?:$|[:!|.,(–-])")), 3.0),
        (
            Pattern::new(concat!(
                r"(?i:welcome to|offer from|offer -|experience with|complete your|application with|interview with|invited to an assessment by|discovery survey for|join|interview -|for your) ",
                name!(),
                r"(?: (?:application|assessment|survey))?\s*[!?.]?$"
            )),
            2.0,
        ),
        (
            Pattern::new(concat!(
                r"(?i:your|the) ",
                name!(),
                r" (?i:application|internship|offer|candidacy|interview|careers application|job application)\b"
            )),
            2.5,
        ),
        (
            Pattern::new(concat!(
                r"^",
                name!(),
                r"(?i: application\b|\s*[-–—|:/]+\s*(?i:thank|application|your|update|decision|we |about|confirmation|status|interview|next|offer|regarding|data |software |/ ))"
            )),
            2.0,
        ),
        (Pattern::new(concat!(r"(?:[-–—|/]|(?i:interview|chat).{0,20}/)\s*", name!(), r"(?: panel)?\s*$")), 1.2),
        (
            Pattern::new(concat!(r"^", name!(), r" (?i:invites you|has invited you|wants to connect|is interested)")),
            3.0,
        ),
    ]
});

/// Boards name the employer at the end of a subject of their own, whatever its letters.
static SENT_TO: LazyLock<Pattern> =
    LazyLock::new(|| Pattern::new(r"(?i)your application was (?:sent to|viewed by) (?P<name>[^|]{2,120}?)[.!]?$"));

/// In the body.
static BODY: LazyLock<Vec<(Pattern, f32)>> = LazyLock::new(|| {
    vec![
        (
            Pattern::new(concat!(
                r"(?i:your update from|application was sent to|application was viewed by|items were sent to|the employer,) ",
                name!()
            )),
            4.0,
        ),
        (
            Pattern::new(concat!(
                r"(?i:(?:position|role|opening|internship|opportunity|career|careers|employment|job|join us|working|work|engineer|analyst|developer|team|selected|application|candidacy|interest|interested|considering|applying|applied|apply|interview(?:ing)?|welcome|hired|jobs)(?:\s+(?:here))? (?:at|to|with|in|for|by|aboard)) ",
                name!()
            )),
            1.6,
        ),
        (
            Pattern::new(
                r"(?m)^(?i:the )?(?P<name>[\p{Lu}\p{N}][\p{L}\p{N}&'’.+-]*(?: [\p{Lu}\p{N}&][\p{L}\p{N}&'’.+-]*){0,4}?) (?i:(?:university |global )?(?:recruiting|recruitment|talent|hiring|people|expansion|careers?|human resources|hr|acquisition|personal\p{L}*)(?: acquisition)?(?: team)?|team)\s*[.,]?$",
            ),
            2.5,
        ),
        (
            Pattern::new(concat!(
                r"(?i:thank you for (?:considering|choosing)|interest in|behalf of|join|joining|at|from|members of the|with us at|here at|bei|chez|en|sein von|sein de|team von) ",
                name!()
            )),
            1.0,
        ),
        (
            Pattern::new(concat!(
                r"^",
                name!(),
                r" (?i:has invited you|has asked you|would like you|has sent you|would love to|uses a|sent you|is interested in you|HR sent)"
            )),
            3.0,
        ),
    ]
});

/// Words of a display name that are not the company's.
static ROLE_WORDS: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"(?i)\b(?:recruiting|recruitment|recruiters?|recruiter|talent acquisition|talent|hiring|careers?|jobs?|hr|human resources|people(?: (?:team|ops|services|operations))?",
        r"|team|notifications?|no[ -]?reply|do[ -]?not[ -]?reply|donotreply|system|workday(?:[@.][\w.]+)?|greenhouse|lever|smartrecruiters|support|services?|university relations|university recruiting|campus(?: recruiting)?|candidate|application|portal|message|autonotification|auto|group hr|acquisition|karriere|recrutement|seleccion|selección|bewerbermanagement|personal|rrhh|staffing|early professional|international recruiting|interview|status update|sourcing|assessments?|via|from|at|@ ?icims|icims)\b"
    ))
});

/// Names that are no company's.
static NO_COMPANY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"(?i)^(?:the|a|an|our|your|you|we|us|this|that|it|i|hi|hello|dear|thank|thanks|best|regards|sincerely|application|position|role|job|team|interview|update|offer|re|fwd|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december|am|pm|mr|ms|mrs|dr",
        r"|human resources|hr|talent acquisition|talent|hiring|recruiting|recruitment|careers?|data|software|senior|junior|engineer|analyst|developer|scientist|manager|intern|zoom|google meet|google calendar|microsoft teams|teams|docusign|calendly|next|next steps?|follow|following|please|action|new|summer|fall|spring|winter|remote|hybrid|unfortunately|due|more|any|all|one|good|great|linkedin|indeed|workday|greenhouse|lever|united states|germany|berlin|london|california|new york|technical|phone|video|final|candidate|candidates|applicant|robin|congratulations|if|to|in|for|of|at|and|on|with|from|by|no|not|conditional)$"
    ))
});

/// Ends and words that make a phrase a job's title.
static IS_TITLE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)\b(?:analyst|engineer|developer|scientist|manager|intern|internship|coordinator|specialist|co-op|assistant|designer|architect|consultant|technician|administrator|associate)s?(?: (?:i|ii|iii|iv))?$|^(?:confirmation|reminder|survey|values|withdrawn|invitation|message|executive referral|summer \d+|questionnaire|assessment|online|notice|welcome|cancell?ed)$|\br-\d{3,}|^jr-?\d",
    )
});

/// The company that a mail is about, as its sender writes it; `None` when nothing names one.
pub fn guess_company(mail: &Mail) -> Option<String> {
    let mut votes = Votes::default();
    if let Some(found) = SENT_TO.captures(&mail.subject).and_then(|found| found.name("name")) {
        return Some(single_line(found.as_str()));
    }
    for (pattern, weight) in SUBJECT.iter() {
        votes.add_match(pattern, &mail.subject, *weight);
    }
    let body = truncate_bytes(&mail.body.text, MAX_BODY_BYTES);
    for (pattern, weight) in BODY.iter() {
        for line in body.lines().take(120) {
            votes.add_match(pattern, line, *weight);
        }
    }
    if let Some(from) = &mail.from {
        of_sender(&mut votes, from);
    }
    votes.winner()
}

fn of_sender(votes: &mut Votes, from: &Mailbox) {
    let system = hiring_system(from.host());
    let stripped = stripped_name(&from.name);
    let had_role = stripped.len() < from.name.trim().len();
    let local = fold(from.local_part());
    let is_person = !had_role && is_person(&from.name, &local);
    let domain_name = registrable_domain(from.host()).and_then(|domain| domain.split('.').next()).unwrap_or("");
    let is_system = system.is_some_and(|system| system.domain.split('.').next() == Some(squashed(&stripped).as_str()));
    if !stripped.is_empty() && !is_person && !is_system {
        let like_domain = squashed(&stripped) == squashed(domain_name) && !domain_name.is_empty();
        votes.add(&stripped, if had_role || like_domain || system.is_some() { 3.0 } else { 1.0 });
    }
    match system {
        Some(HiringSystem { company_in_local_part: true, .. }) => {
            let name = local.split(['+', '.']).next().unwrap_or("");
            let name = name.strip_prefix("no-reply").or_else(|| name.strip_prefix("noreply")).unwrap_or(name);
            votes.add_key(name, 1.5);
        }
        Some(_) => {}
        None => votes.add_key(domain_name, 1.5),
    }
}

/// A display name without the words for a department, and without brackets and quotes.
fn stripped_name(name: &str) -> String {
    let name = name.split(['(', '<', '|']).next().unwrap_or("");
    // "Ben from Acme" writes for Acme.
    let name = [" from ", " at "].iter().find_map(|mark| name.split_once(mark)).map_or(name, |(_, company)| company);
    let without = ROLE_WORDS.replace_all(name, " ");
    single_line(&without).trim_matches([' ', '-', '@', '"', '\'', '.', ',', '&', ':', '/', '–']).to_owned()
}

/// A name whose words stand in the local part, as in `ana.lopez@` or `alopez@`, is a person's.
fn is_person(name: &str, local: &str) -> bool {
    let folded = fold(name);
    let words: Vec<&str> = folded.split(' ').filter(|word| word.len() > 1).collect();
    let in_local = words.iter().filter(|word| local.contains(**word)).count();
    words.len() >= 2 && words.len() <= 4 && in_local >= 1 && !folded.contains('@') && !local.contains('+')
}

fn squashed(name: &str) -> String {
    company_key(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// Candidates, in the order of their first mention.
#[derive(Default)]
struct Votes {
    names: Vec<Candidate>,
    keys: Vec<(String, f32)>,
}

struct Candidate {
    name: String,
    key: String,
    votes: f32,
}

impl Votes {
    fn add_match(&mut self, pattern: &Pattern, text: &str, weight: f32) {
        if let Some(found) =
            pattern.captures(text).and_then(|found| found.name("name").map(|name| name.as_str().to_owned()))
        {
            self.add(&found, weight);
        }
    }

    fn add(&mut self, name: &str, weight: f32) {
        let name = clean(name);
        let key = company_key(&name);
        if key.len() < 2
            || !key.contains(|character: char| character.is_alphabetic())
            || IS_TITLE.is_match(&name)
            || name.split(' ').count() > MAX_WORDS
            || NO_COMPANY.is_match(&name)
            || NO_COMPANY.is_match(&key)
        {
            return;
        }
        if let Some(known) = self.names.iter_mut().find(|candidate| candidate.key == key) {
            // Said again it adds less than said first.
            known.votes += weight * 0.5;
        } else if self.names.len() < 60 {
            self.names.push(Candidate { name, key, votes: weight });
        }
    }

    /// A name in one word of lower case, as domains have it: it confirms a candidate, and stands in when there is none.
    fn add_key(&mut self, key: &str, weight: f32) {
        let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        if key.len() >= 2 && !NO_COMPANY.is_match(&key) {
            self.keys.push((key, weight));
        }
    }

    fn winner(mut self) -> Option<String> {
        for candidate in &mut self.names {
            let squashed = squashed(&candidate.name);
            let initials: String = candidate.key.split(' ').filter_map(|word| word.chars().next()).collect();
            let first = candidate.key.split(' ').next().unwrap_or("");
            for (key, weight) in &self.keys {
                let alike = *key == squashed
                    || *key == initials
                    || (first.len() > 3 && key.contains(first))
                    || (key.len() > 3 && squashed.contains(key.as_str()));
                candidate.votes += if alike { weight * 1.5 } else { 0.0 };
            }
        }
        // A shorter form of a name speaks for the longer one and the other way round.
        let support: Vec<f32> = self
            .names
            .iter()
            .map(|candidate| {
                let alike =
                    self.names.iter().filter(|other| other.key != candidate.key && is_part(&candidate.key, &other.key));
                candidate.votes + 0.4 * alike.map(|other| other.votes).sum::<f32>()
            })
            .collect();
        let best = self
            .names
            .iter()
            .zip(support)
            .max_by(|left, right| left.1.total_cmp(&right.1).then(std::cmp::Ordering::Greater));
        match best {
            Some((candidate, votes)) if votes >= 1.5 => Some(candidate.name.clone()),
            _ => self.keys.first().map(|(key, _)| capitalised(key)),
        }
    }
}

fn is_part(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.starts_with(' '))
}

fn capitalised(key: &str) -> String {
    let mut characters = key.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The name without what the phrase around it left on its ends.
fn clean(name: &str) -> String {
    static HEAD: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::new(r"^(?i:your|our|the|for|from|ihre?|dein|votre|l'equipe|equipo)\s+"));
    static TAIL: LazyLock<Pattern> = LazyLock::new(|| {
        Pattern::new(
            r"(?i)(?:[,.]? (?:and|of|the|for|de|la|by|we|you|i|if|our|after|at|in|to|thank|thanks|while|unfortunately|your|has|role|position|team|recruiting|careers?|hiring|application|candidate|assessment|opportunit(?:y|ies)|talent acquisition(?: team)?|human resources))+$|['’]s? .*$|['’]$|[.!] .*$",
        )
    });
    let name = single_line(name);
    let name = HEAD.replace_all(&name, "");
    let name = TAIL.replace_all(name.trim_end_matches(['.', ',', '!', '-', '(', ':', '/', '&', ' ']), "");
    let balanced = name.matches('(').count() == name.matches(')').count();
    let name = if balanced { name.as_str() } else { name.split(['(', ')']).next().unwrap_or("") };
    let name = name.trim_matches([' ', ',', '!', '-', ':', '/', '&', '"', '\'']);
    let name = if name.ends_with(" Inc") || name.ends_with(" Ltd") || name.ends_with(" Co") {
        format!("{name}.")
    } else {
        name.to_owned()
    };
    name.strip_prefix("the ").or_else(|| name.strip_prefix("The ")).map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(from: &str, subject: &str, body: &str) -> String {
        guess_company(&Mail::from_fields(from, subject, body)).unwrap_or_default()
    }

    #[test]
    fn companies_are_named_in_many_places() {
        assert_eq!(
            guess("no-reply@us.greenhouse-mail.io", "Thank you for applying to Fern & Hollow", ""),
            "Fern & Hollow"
        );
        assert_eq!(guess("Tidewater Hiring Team <no-reply@ashbyhq.com>", "An update", "Hi"), "Tidewater");
        assert_eq!(guess("cobaltair@myworkday.com", "Application received", "Hi"), "Cobaltair");
        assert_eq!(guess("Ana Lopez <ana.lopez@brookline.example>", "Hello", "Hi"), "Brookline");
        assert_eq!(
            guess("LinkedIn <jobs-noreply@linkedin.com>", "Robin, your application was sent to Redcap Software", ""),
            "Redcap Software"
        );
        assert_eq!(guess("a@gmail.com", "hi", "hello"), "");
    }
}
