#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

/// An event with its own text: `None` is a keep-alive.
type Seen = Option<(String, Vec<u8>)>;

fn drain(decoder: &mut EventDecoder, seen: &mut Vec<Seen>) {
    while let Some(event) = decoder.next_event().unwrap() {
        seen.push(match event {
            Event::Data { name, data } => Some((name.to_owned(), data.to_vec())),
            Event::KeepAlive => None,
        });
    }
}

/// Decodes bytes that come in pieces of the given lengths, over and over; taking events after every piece or only at
/// the end.
fn decode(framing: Framing, bytes: &[u8], lengths: &[usize], at_once: bool) -> Vec<Seen> {
    let mut decoder = EventDecoder::new(framing);
    let mut seen = Vec::new();
    let mut rest = bytes;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).clamp(1, rest.len()));
        decoder.push(piece);
        rest = after;
        if !at_once {
            drain(&mut decoder, &mut seen);
        }
    }
    decoder.finish();
    drain(&mut decoder, &mut seen);
    seen
}

fn data(name: &str, text: &str) -> Seen {
    Some((name.to_owned(), text.as_bytes().to_vec()))
}

#[test]
fn server_sent_events_follow_the_standard() {
    let text = "\u{feff}event: first\ndata: one\n\ndata:two\ndata: lines\r\nid: 7\r\rretry: 1\n\n: alive\n\n\
                data\ndata\n\nevent: no data\n\ndatax: no\n\ndata:  space\n\nevent: last\ndata: open";
    let seen = decode(Framing::ServerSentEvents, text.as_bytes(), &[usize::MAX], true);
    assert_eq!(
        seen,
        [data("first", "one"), data("", "two\nlines"), None, data("", "\n"), data("", " space"), data("last", "open"),]
    );
}

#[test]
fn json_lines_are_cut_at_line_feeds_and_empty_ones_are_keep_alives() {
    let seen = decode(Framing::JsonLines, b"{\"a\":1}\r\n\n{\"b\":2}", &[3], false);
    // The last line has no end of its own; the one that `finish` gives it closes nothing else.
    assert_eq!(seen, [data("", "{\"a\":1}"), None, data("", "{\"b\":2}")]);
}

#[test]
fn an_event_without_end_is_refused_at_the_limit_and_comments_do_not_count() {
    for framing in [Framing::ServerSentEvents, Framing::JsonLines] {
        let mut decoder = EventDecoder::with_limit(framing, 1_000);
        for _ in 0..1_001 {
            assert_eq!(decoder.next_event(), Ok(None));
            decoder.push(b"d");
        }
        assert_eq!(decoder.next_event(), Err(EventTooLong { limit: 1_000 }));
    }
    let mut decoder = EventDecoder::with_limit(Framing::ServerSentEvents, 1_000);
    for _ in 0..1_000 {
        decoder.push(b": alive\r\n\r\n");
        assert_eq!(decoder.next_event(), Ok(Some(Event::KeepAlive)));
        assert_eq!(decoder.next_event(), Ok(None));
    }
    decoder.push(&b"data: x\n".repeat(126));
    assert_eq!(decoder.next_event(), Err(EventTooLong { limit: 1_000 }));
}

/// Texts of the characters that matter.
fn stream_text() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(&b"data"[..]),
        Just(&b"data: {\"a\":\"\xc3\xa4\"}"[..]),
        Just(&b"event: ping"[..]),
        Just(&b":"[..]),
        Just(&b" "[..]),
        Just(&b"\r"[..]),
        Just(&b"\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\n\n"[..]),
        Just(&b"\xef\xbb\xbf"[..]),
        Just(&b"\xff"[..]),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_events(
        text in stream_text(),
        lengths in proptest::collection::vec(1usize..9, 1..6),
        at_once: bool,
        is_lines: bool,
    ) {
        let framing = if is_lines { Framing::JsonLines } else { Framing::ServerSentEvents };
        let whole = decode(framing, &text, &[usize::MAX], true);
        prop_assert_eq!(decode(framing, &text, &lengths, at_once), whole);
    }
}
