#![allow(clippy::unwrap_used)]
use std::time::Instant;

use proptest::prelude::*;

use super::*;

const INVITATION: &[u8] = b"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <Joerg@Mail.Acme.co.uk>\r\nTo: robin@example.net, \"Vale, R\" <r@example.net>\r\nReply-To: jobs@acme.co.uk\r\nSubject: =?utf-8?B?SW50ZXJ2aWV3?=\r\n =?utf-8?Q?_on_Tuesday?=\r\nDate: Tue, 03 Mar 2026 10:00:00 +0100\r\nMessage-ID: <a1@acme.co.uk>\r\nIn-Reply-To: <b2@example.net>\r\nReferences: <c3@example.net>\r\n <b2@example.net>\r\nAuto-Submitted: auto-generated\r\nList-Unsubscribe: <https://x.example/u>\r\nList-Id: Hiring <hiring.acme.co.uk>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease view this email in HTML.\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>We=E2=80=99d like to invite you to an <a href=3D\"https://cal.example/robin\">inter=\r\nview</a> with the whole team of engineers next week.</p>\r\n--inner--\r\n--outer\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/London:20260310T093000\r\nSUMMARY:Interview\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--outer\r\nContent-Type: application/pdf; name=\"x\"\r\nContent-Disposition: attachment; filename=\"../../etc/offer.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--outer--\r\n";

#[test]
fn every_part_of_a_message_is_read() {
    let mail = parse(INVITATION);
    assert_eq!(mail.message_id.as_deref(), Some("a1@acme.co.uk"));
    assert_eq!(mail.thread_ids().collect::<Vec<_>>(), ["b2@example.net", "b2@example.net", "c3@example.net"]);
    let from = mail.from.clone().unwrap();
    assert_eq!((from.name.as_str(), from.address.as_str()), ("Jörg Müller", "joerg@mail.acme.co.uk"));
    assert_eq!(from.domain(), Some("acme.co.uk"));
    assert_eq!((mail.to.len(), mail.reply_to.len()), (2, 1));
    assert_eq!(mail.subject, "Interview on Tuesday");
    assert_eq!(mail.date.unwrap().to_rfc3339(), "2026-03-03T09:00:00+00:00");
    assert!(mail.automatic && mail.list_unsubscribe && mail.list_id.is_some());
    assert_eq!(mail.body.text, "We’d like to invite you to an interview with the whole team of engineers next week.");
    assert_eq!((mail.links[0].url.as_str(), mail.links[0].text.as_str()), ("https://cal.example/robin", "interview"));
    let event = mail.event.unwrap();
    assert_eq!(event.start.unwrap().zone, Zone::Named("Europe/London".to_owned()));
    let attachment = &mail.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.media_type.as_str()), ("offer.pdf", "application/pdf"));
}

#[test]
fn a_real_plain_part_is_preferred() {
    let raw = "From: a@b.example\nContent-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\nUnfortunately we have decided to go on with other people this time.\n--x\nContent-Type: text/html\n\n<p>Unfortunately, and a very long footer that nobody reads anyway because it is only about the law.</p><a href='https://x.example/1'>One</a>\n--x--\n";
    let mail = parse(raw.as_bytes());
    assert!(mail.body.text.ends_with("other people this time."));
    assert_eq!(mail.links.len(), 1);
}

#[test]
fn hostile_messages_are_read_quickly_and_bounded() {
    let started = Instant::now();
    let mut many = b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n".to_vec();
    for number in 0..10_000 {
        many.extend(format!("--b\nContent-Disposition: attachment; filename=f{number}\n\nx\n").bytes());
    }
    let mail = parse(&many);
    assert!(mail.attachments.len() <= MAX_ITEMS);

    let mut containers = b"Content-Type: multipart/mixed; boundary=b\n\n".to_vec();
    for number in 0..10_000 {
        containers.extend(format!("--b\nContent-Type: multipart/mixed; boundary=none{number}\n\nx\n").bytes());
    }
    let _ = parse(&containers);

    let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let _ = parse(nested.as_bytes());

    let digest = format!("Content-Type: multipart/digest; boundary=b\n\n{}", "--b\n\nSubject: y\n\nz\n".repeat(10_000));
    let _ = parse(digest.as_bytes());

    let subject = format!("Subject: {}\n\nHello", "=?utf-8?B?4oCL?= \u{202E}<script>".repeat(50_000));
    let mail = parse(subject.as_bytes());
    assert!(mail.subject.chars().count() <= MAX_FIELD_CHARACTERS && !mail.subject.contains('\u{202E}'));

    let from = format!("From: {}\nTo: {}\n\nHello", "(".repeat(200_000), "a@b.example, ".repeat(50_000));
    assert!(parse(from.as_bytes()).to.len() <= MAX_ITEMS);

    let anchors = format!("Content-Type: text/html\n\n{}", "<a href='https://x.example/'>".repeat(20_000));
    assert!(parse(anchors.as_bytes()).links.len() <= MAX_ITEMS);

    let headers = "X-A: b\n".repeat(200_000);
    let _ = parse(headers.as_bytes());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

fn is_bounded(mail: &Mail) -> bool {
    let texts = mail.body.text.len() + mail.body.quoted.len() + mail.body.signature.len();
    texts <= MAX_TEXT_BYTES + 8
        && mail.subject.chars().count() <= MAX_FIELD_CHARACTERS
        && mail.links.len() <= MAX_ITEMS
        && mail.attachments.len() <= MAX_ITEMS
        && mail.to.len() <= MAX_ITEMS
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_give_a_bounded_mail(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(is_bounded(&parse(&raw)));
    }

    #[test]
    fn any_cut_or_changed_message_gives_a_bounded_mail(cut in 0..INVITATION.len(), at in 0..INVITATION.len(), byte in any::<u8>()) {
        let mut raw = INVITATION.to_vec();
        raw[at] = byte;
        prop_assert!(is_bounded(&parse(&raw[cut..])));
        prop_assert!(is_bounded(&parse(&raw[..cut])));
    }

    #[test]
    fn any_fields_give_a_bounded_mail(from in ".*", subject in ".*", body in "(.|\n){0,400}") {
        prop_assert!(is_bounded(&Mail::from_fields(&from, &subject, &body)));
    }
}
