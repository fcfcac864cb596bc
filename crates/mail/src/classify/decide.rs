//! From the rules that spoke to one label, and how sure it is.

use super::{Classification, Label, Reading, Reason};
use crate::message::Mail;

/// How much the second, third … rule of a label adds to the strongest: the same thing said twice is not twice as true.
const DAMPING: f32 = 0.5;

/// A label with less than this is not chosen.
const LEAST: f32 = 4.0;

/// Less than this of hiring words, and a mail is not about an application, whatever its sentences look like.
const LEAST_TOPIC: f32 = 2.0;

/// From this on, a mail names another business than hiring.
const FOREIGN: f32 = 9.0;

/// From this on, a mail is about hiring even when it names another business.
const CLEAR_TOPIC: f32 = 6.0;

/// From this on, a mail confirms an application whatever else it says.
const CONFIRMATION: f32 = 5.2;

/// What a label's evidence counts against another's. Confirmations are polite about everything, so any label that
/// something happened wins over them; a mail that ends or moves something says so beside what it ends or moves.
fn emphasis(label: Label) -> f32 {
    match label {
        Label::Rejected => 1.3,
        Label::EventRescheduled => 1.25,
        Label::OfferReceived => 1.15,
        Label::SurveyReceived => 1.1,
        Label::Digest | Label::InterviewScheduled => 1.0,
        Label::Unrelated => 1.0,
        Label::PositiveResponse => 0.9,
        Label::Neutral => 0.55,
    }
}

pub(super) fn decide(mail: &Mail, read: &Reading, reasons: Vec<Reason>) -> Classification {
    let mut scores = [0.0_f32; Label::ALL.len()];
    let mut topic = 0.0;
    for label in Label::ALL {
        let mut share = 1.0;
        for reason in reasons.iter().filter(|reason| reason.label == Some(label)) {
            scores[label.index()] += reason.weight * share;
            share *= DAMPING;
        }
    }
    for reason in reasons.iter().filter(|reason| reason.label.is_none()) {
        topic += reason.weight;
    }
    let about = topic >= LEAST_TOPIC;
    for label in Label::ALL {
        scores[label.index()] *= emphasis(label) * if about { 1.0 } else { without_topic(label) };
    }
    if scores[Label::Unrelated.index()] >= FOREIGN && topic < CLEAR_TOPIC {
        // A landlord's "we have chosen another applicant" is a rejection in every word.
        for label in Label::ALL.into_iter().filter(|label| *label != Label::Unrelated) {
            scores[label.index()] *= 0.5;
        }
    }
    if scores[Label::Neutral.index()] >= CONFIRMATION {
        // Confirmations praise the reader, advertise other openings and mention everything that a company does.
        for label in [Label::PositiveResponse, Label::Digest, Label::Unrelated] {
            scores[label.index()] *= 0.45;
        }
    }
    if about {
        // The more a mail speaks of hiring, the less its other words say.
        scores[Label::Unrelated.index()] *= 2.5 / (2.5 + 0.25 * (topic - LEAST_TOPIC));
    }
    add_invitation(mail, &mut scores);
    let mut order = Label::ALL;
    order.sort_by(|left, right| scores[right.index()].total_cmp(&scores[left.index()]));
    let (first, second) = (order[0], order[1]);
    let (best, next) = (scores[first.index()], scores[second.index()]);
    let label = match best >= LEAST {
        true => first,
        false if about && !read.body.is_empty() => Label::Neutral,
        false => Label::Unrelated,
    };
    let margin = if label == first { best - next } else { 1.0 };
    let evidence = reasons.iter().find(|reason| reason.label == Some(label)).map(|reason| reason.sentence.clone());
    let strongest = reasons.iter().find(|reason| reason.label == Some(label)).map_or(0.0, |reason| reason.weight);
    let certain = is_certain(label, strongest, best, next, about);
    Classification { label, confidence: confidence(best, margin, certain), certain, evidence, reasons }
}

/// An invitation by calendar says itself what it is, when the rest of the mail is about an application.
fn add_invitation(mail: &Mail, scores: &mut [f32; Label::ALL.len()]) {
    let Some(event) = &mail.event else { return };
    let interview = scores[Label::InterviewScheduled.index()];
    let cancelled = event.method.as_deref() == Some("CANCEL") || event.status.as_deref() == Some("CANCELLED");
    if interview <= 0.0 {
        return;
    }
    scores[Label::InterviewScheduled.index()] += 3.0;
    if cancelled || event.sequence > 0 {
        scores[Label::EventRescheduled.index()] += interview + 4.0;
    }
}

fn without_topic(label: Label) -> f32 {
    match label {
        Label::Unrelated | Label::Digest => 1.0,
        Label::PositiveResponse | Label::InterviewScheduled => 0.5,
        _ => 0.35,
    }
}

/// Certain is for mails in which a decisive sentence stands and nothing of weight speaks against it.
fn is_certain(label: Label, strongest: f32, best: f32, next: f32, about: bool) -> bool {
    let clear = match label {
        Label::Neutral => best >= 4.4 && next <= 0.3 * best,
        Label::Unrelated => !about && best >= 8.0 && next <= 0.25 * best,
        Label::PositiveResponse => best >= 13.0 && next <= 0.35 * best,
        _ => best >= 11.0 && next <= 0.5 * best,
    };
    clear && strongest >= if label == Label::Neutral { 6.0 } else { 8.0 }
}

fn confidence(best: f32, margin: f32, certain: bool) -> f32 {
    if certain {
        return 0.995;
    }
    let raw = 1.0 - 0.55 * (-0.22 * margin.max(0.0)).exp();
    let strength = (best / 9.0).clamp(0.55, 1.0);
    (raw * strength).clamp(0.05, 0.98)
}
