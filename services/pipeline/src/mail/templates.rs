//! Replies without a model: what is polite and true for each label, with blanks for what only the person knows.

use aerie_mail::Label;

/// What a reply needs to know.
pub(crate) struct Facts<'a> {
    /// Label of the mail that is answered.
    pub(crate) label: Label,
    /// The sender's first name; empty when none is known.
    pub(crate) greeted: &'a str,
    /// Title of the opening; may be empty.
    pub(crate) title: &'a str,
    /// Employer; may be empty.
    pub(crate) company: &'a str,
    /// When the mail's event is, in words; empty when it has none.
    pub(crate) when: &'a str,
    /// The person's name; may be empty.
    pub(crate) name: &'a str,
    /// What the person wants it to say.
    pub(crate) wish: &'a str,
}

/// The reply's text.
pub(crate) fn reply(facts: &Facts<'_>) -> String {
    let about = match (facts.title, facts.company) {
        ("", "") => "my application".to_owned(),
        ("", company) => format!("my application at {company}"),
        (title, "") => format!("the {title} position"),
        (title, company) => format!("the {title} position at {company}"),
    };
    let body = match facts.label {
        Label::InterviewScheduled if !facts.when.is_empty() => format!(
            "thank you for the invitation regarding {about}. I am glad to confirm {}.\n\nPlease let me know whether there \
             is anything that I should prepare.",
            facts.when
        ),
        Label::InterviewScheduled | Label::PositiveResponse => format!(
            "thank you for your message about {about}. I would be glad to talk.\n\nThese times suit me: [times and time \
             zone]."
        ),
        Label::EventRescheduled if !facts.when.is_empty() => {
            format!("thank you for letting me know. The new time suits me: {}.", facts.when)
        }
        Label::EventRescheduled => {
            "thank you for letting me know. These times suit me: [times and time zone].".to_owned()
        }
        Label::OfferReceived => format!(
            "thank you very much for the offer of {about}. I appreciate it and would like to read it with care; you will \
             have my answer by [date]."
        ),
        Label::SurveyReceived => {
            format!("thank you for the next step for {about}. I will complete it by [date].")
        }
        Label::Rejected => format!(
            "thank you for letting me know about {about}, and for your time. Should a suitable opening come up later, I \
             would be glad to hear from you."
        ),
        Label::Digest | Label::Neutral | Label::Unrelated => format!("thank you for your message about {about}."),
    };
    let greeting = if facts.greeted.is_empty() { "Hello,".to_owned() } else { format!("Hello {},", facts.greeted) };
    let wish = if facts.wish.is_empty() { String::new() } else { format!("\n\n{}", facts.wish) };
    let name = if facts.name.is_empty() { "[your name]" } else { facts.name };
    format!("{greeting}\n\n{body}{wish}\n\nKind regards\n{name}\n")
}

/// The subject of a reply, which keeps the thread.
pub(crate) fn subject(subject: &str) -> String {
    let answered = ["re:", "aw:", "antw:", "sv:"];
    let start: String = subject.chars().take(5).collect::<String>().to_lowercase();
    if answered.iter().any(|mark| start.starts_with(mark)) { subject.to_owned() } else { format!("Re: {subject}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_has_a_reply_that_promises_nothing() {
        for label in Label::ALL {
            let facts = Facts {
                label,
                greeted: "Ana",
                title: "Loom Mechanic",
                company: "Brasswick",
                when: "",
                name: "Robin",
                wish: "I am away on Friday.",
            };
            let text = reply(&facts);
            assert!(text.starts_with("Hello Ana,\n\nthank you"), "{text}");
            assert!(text.ends_with("I am away on Friday.\n\nKind regards\nRobin\n"), "{text}");
        }
    }

    #[test]
    fn a_subject_is_marked_once() {
        assert_eq!(subject("Your application"), "Re: Your application");
        assert_eq!(subject("AW: Ihre Bewerbung"), "AW: Ihre Bewerbung");
    }
}
