//! Single sentences that end an application, and sentences that only look like it.
#![allow(clippy::unwrap_used, clippy::panic)]

use aerie_mail::{Label, Mail, classify};

/// Around the sentence stands what every hiring system writes.
fn mail_with(sentence: &str) -> Mail {
    let body = format!(
        "Hi Robin,\n\nThank you for applying for the Data Engineer role. {sentence}\n\nBest regards,\nThe team"
    );
    Mail::from_fields("Acme <no-reply@acme.example>", "Your application", &body)
}

const ENDINGS: &[&str] = &[
    "We will not be pursuing your application further.",
    "We've decided to go in a different direction.",
    "We have chosen to move forward with candidates whose experience is closer to what we need.",
    "Your application has been unsuccessful on this occasion.",
    "After careful consideration, we will not be progressing your application.",
    "We are not able to move forward with your candidacy.",
    "We do not feel that your skills are the right match for this team.",
    "We made the decision to proceed with another candidate.",
    "You have not been shortlisted.",
    "We're unable to progress your application at this time.",
    "We won't be able to invite you to the next stage, and we will not be taking your application further.",
    "This role has been filled internally.",
    "The hiring team reviewed your application and decided not to proceed.",
    "After much thought, we have decided to pass on your application.",
    "The role is no longer available.",
    "Your application will not be taken forward.",
    "Unfortunately we cannot offer you a position at this time.",
    "Your application was declined.",
    "Acme has moved to the next step in their hiring process, and your application was not selected.",
    "We are proceeding with applicants whose background is a better match.",
    "Your qualifications, while impressive, do not match the requirements.",
    "Other candidates were a closer fit for what we are building.",
    "Ultimately, the team decided on another candidate.",
    "We have offered the position to another candidate.",
    "Another candidate has accepted our offer.",
    "We have put this position on hold.",
    "I’m sorry to let you know that we can’t take you further in our process.",
    "We regret to inform you that you were not selected for an interview.",
    "At this time we've elected to continue the process with other applicants.",
    "It was a tough call, but we went with a candidate who has more experience with payments.",
    "The position you applied for has been cancelled.",
    "We are no longer considering applications for this role.",
    "Leider müssen wir Ihnen mitteilen, dass wir uns für einen anderen Bewerber entschieden haben.",
    "Leider konnten wir Ihre Bewerbung nicht berücksichtigen.",
    "Die Stelle wurde bereits besetzt.",
    "Nous sommes au regret de vous informer que votre candidature n'a pas été retenue.",
    "Malheureusement, nous ne pouvons pas donner suite à votre candidature.",
    "Lamentamos informarte de que no has sido seleccionado.",
    "Hemos decidido continuar con otros candidatos.",
];

const OPEN: &[&str] = &[
    "We have received it and will review it soon. If we decide not to move forward, we will let you know.",
    "We have received it. Only candidates who are selected will be contacted; those not selected will not hear from us.",
    "Should we decide to move forward with other candidates, we will inform you.",
    "Your application was received. Unfortunately, we cannot answer every mail individually.",
    "We have received your application. Once the position has been filled we will notify everybody.",
    "We have received it. If the position is filled before we get to you, please do not be discouraged.",
    "Due to the volume of applications, unfortunately we are unable to give feedback to every candidate.",
    "We have your application. Not the right role for you? Have a look at our other openings.",
    "We have received it. Jobs may no longer be available by the time you read this.",
    "Your application was submitted. Incomplete applications will not be considered for this position.",
    "We are still interviewing other candidates and will get back to you next week.",
    "We received your application and are reviewing it. We have not made any decisions yet.",
    "If you do not complete your profile, your application will not move forward.",
    "We confirm your application. Whether or not you are selected, we will keep you posted.",
    "We have received your application. In the event that you are not selected, we keep your data for six months.",
    "Wir haben Ihre Bewerbung erhalten. Falls die Stelle bereits besetzt ist, melden wir uns.",
    "Nous avons bien reçu votre candidature. Si votre candidature n'est pas retenue, nous vous en informerons.",
    "Hemos recibido tu candidatura. Si no has sido seleccionado, te avisaremos.",
];

#[test]
fn endings_are_recognised_and_possibilities_are_not() {
    let wrong = |sentences: &[&str], rejected: bool| -> Vec<String> {
        let found = sentences.iter().map(|sentence| (sentence, classify(&mail_with(sentence))));
        found
            .filter(|(_, found)| (found.label == Label::Rejected) != rejected)
            .map(|(sentence, found)| format!("{}: {sentence} {:?}", found.label.name(), found.reasons.first()))
            .collect()
    };
    let (missed, invented) = (wrong(ENDINGS, true), wrong(OPEN, false));
    assert!(missed.is_empty() && invented.is_empty(), "missed {missed:#?}\ninvented {invented:#?}");
}
