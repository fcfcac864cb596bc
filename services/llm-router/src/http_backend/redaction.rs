//! Providers like to repeat the key that they refuse; our messages do not.

use aerie_config::Secret;

/// Longest message that is kept, in bytes.
const MOST_BYTES: usize = 600;
/// How keys of well-known providers begin.
const BEGINNINGS: [&str; 6] = ["sk-", "sk_", "AIza", "hf_", "xai-", "gsk_"];

/// The message on one line, bounded, and without keys: neither those given nor what looks like one.
pub(super) fn without_keys(message: &str, keys: &[Option<&Secret>]) -> String {
    let mut text = message.to_owned();
    for key in keys.iter().flatten().filter(|key| key.is_set()) {
        text = text.replace(key.reveal(), "[key]");
    }
    let mut clean = String::with_capacity(text.len().min(MOST_BYTES));
    for word in text.split_whitespace() {
        if clean.len() + word.len() > MOST_BYTES {
            clean.push('…');
            break;
        }
        if !clean.is_empty() {
            clean.push(' ');
        }
        match BEGINNINGS.iter().filter_map(|beginning| word.find(beginning)).min() {
            Some(start) if word.len() - start > 8 => {
                clean.push_str(word.get(..start).unwrap_or_default());
                clean.push_str("[key]");
            }
            _ => clean.push_str(word),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_out_whether_known_or_only_looking_like_one() {
        let own = Secret::new("topsecret");
        let message = "Incorrect API key provided: 'sk-proj-abc123456789'.\nYou sent topsecret, sk-1";
        let clean = without_keys(message, &[Some(&own), None, Some(&Secret::default())]);
        assert_eq!(clean, "Incorrect API key provided: '[key] You sent [key], sk-1");
    }

    #[test]
    fn messages_are_bounded_even_without_spaces() {
        assert_eq!(without_keys(&"x".repeat(10_000), &[]), "…");
        let clean = without_keys(&"ä ".repeat(1_000), &[]);
        assert!(clean.len() <= MOST_BYTES + "…".len() + 2 && clean.ends_with('…'));
    }
}
