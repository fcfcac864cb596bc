//! Answers that are given again to exactly the same question of the same person. Off by default.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aerie_config::LlmCache;
use tokio::time::Instant;

use super::fingerprint::Fingerprint;
use crate::call::Answer;

/// Bytes of an entry besides its texts.
const ENTRY: usize = 512;

/// The answers.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes: usize,
    ttl: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Fingerprint, Entry>,
    /// Oldest first. An answer that was put again stands here twice; the older place is skipped.
    order: VecDeque<(Fingerprint, Instant)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Arc<Answer>,
    at: Instant,
    bytes: usize,
}

impl Cache {
    pub(crate) fn new(settings: LlmCache) -> Self {
        Self { bytes: settings.bytes, ttl: Duration::from_secs(settings.ttl_seconds), kept: Mutex::default() }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.bytes > 0
    }

    pub(crate) fn get(&self, fingerprint: &Fingerprint) -> Option<Arc<Answer>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.answers.get(fingerprint)?;
        (entry.at.elapsed() < self.ttl).then(|| entry.answer.clone())
    }

    pub(crate) fn put(&self, fingerprint: Fingerprint, answer: Answer) {
        let bytes = size(&answer);
        if bytes > self.bytes {
            return;
        }
        let at = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = kept.answers.insert(fingerprint, Entry { answer: Arc::new(answer), at, bytes }) {
            kept.bytes -= before.bytes;
        }
        kept.order.push_back((fingerprint, at));
        kept.bytes += bytes;
        while kept.bytes > self.bytes || kept.order.len() > 2 * kept.answers.len() {
            if !kept.drop_oldest() {
                break;
            }
        }
    }
}

impl Kept {
    fn drop_oldest(&mut self) -> bool {
        let Some((fingerprint, at)) = self.order.pop_front() else { return false };
        if self.answers.get(&fingerprint).is_some_and(|entry| entry.at == at)
            && let Some(entry) = self.answers.remove(&fingerprint)
        {
            self.bytes -= entry.bytes;
        }
        true
    }
}

fn size(answer: &Answer) -> usize {
    let completion = &answer.completion;
    let calls = completion.tool_calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len() + 72);
    let attempts = answer.trail.attempts.iter().map(|attempt| attempt.message.len() + attempt.backend.len() + 128);
    ENTRY + completion.content.len() + completion.reasoning.len() + calls.sum::<usize>() + attempts.sum::<usize>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::answer::Completion;

    fn answer(length: usize) -> Answer {
        Answer { completion: Completion { content: "a".repeat(length), ..Completion::default() }, ..Answer::default() }
    }

    fn cache() -> Cache {
        Cache::new(LlmCache { bytes: 10_000, ttl_seconds: 60 })
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_for_their_time() {
        let cache = cache();
        cache.put([1; 32], answer(5));
        assert_eq!(*cache.get(&[1; 32]).unwrap(), answer(5));
        assert_eq!(cache.get(&[2; 32]), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(cache.get(&[1; 32]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_answers_make_room_and_none_is_larger_than_all() {
        let cache = cache();
        for number in 0..100 {
            cache.put([number; 32], answer(1_000));
        }
        let kept = cache.kept.lock().unwrap();
        assert!(kept.bytes <= 10_000 && kept.answers.len() == 6, "{}", kept.answers.len());
        assert!(kept.answers.contains_key(&[99; 32]));
        drop(kept);
        cache.put([200; 32], answer(20_000));
        assert_eq!(cache.get(&[200; 32]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn putting_one_answer_again_and_again_takes_no_more_room() {
        let cache = cache();
        for _ in 0..1_000 {
            cache.put([1; 32], answer(1_000));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let kept = cache.kept.lock().unwrap();
        assert_eq!((kept.answers.len(), kept.bytes), (1, 1_000 + ENTRY));
        assert!(kept.order.len() <= 2);
    }
}
