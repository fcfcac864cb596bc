//! Cutting token lists into windows, and windows into batches of similar length.

/// Most tokens of one text that are looked at: some 40 pages. What lies behind adds nothing to a mean.
const MAXIMUM_TOKENS: usize = 20_000;

/// Most padded tokens of one batch; larger ones only cost memory.
const BATCH_TOKENS: usize = 2_048;

/// One window of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Index of the text it came from.
    pub(crate) text: usize,
    /// Token ids with the special tokens around them.
    pub(crate) tokens: Vec<u32>,
}

/// Cuts the tokens of text number `text` into windows of at most `window` tokens, special ones included. A text without
/// tokens gives one empty window, so that every text has a vector.
pub(crate) fn cut(text: usize, tokens: &[u32], window: usize, first: u32, last: u32) -> Vec<Chunk> {
    let tokens = tokens.get(..MAXIMUM_TOKENS).unwrap_or(tokens);
    let frame = |part: &[u32]| {
        let mut framed = Vec::with_capacity(part.len() + 2);
        framed.push(first);
        framed.extend_from_slice(part);
        framed.push(last);
        Chunk { text, tokens: framed }
    };
    if tokens.is_empty() {
        return vec![frame(&[])];
    }
    tokens.chunks(window.saturating_sub(2).max(1)).map(frame).collect()
}

/// Groups the chunks into batches of similar length, each within the token budget; gives indexes into `chunks`.
pub(crate) fn batches(chunks: &[Chunk]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..chunks.len()).collect();
    let length = |index: usize| chunks.get(index).map_or(0, |chunk| chunk.tokens.len());
    order.sort_by_key(|&index| length(index));
    let mut batches = Vec::new();
    let mut batch: Vec<usize> = Vec::new();
    for index in order {
        // Ascending order: the newcomer is the longest and sets the padded length of the whole batch.
        if !batch.is_empty() && (batch.len() + 1) * length(index) > BATCH_TOKENS {
            batches.push(std::mem::take(&mut batch));
        }
        batch.push(index);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_text_is_cut_without_losing_a_token() {
        let tokens: Vec<u32> = (10..310).collect();
        let chunks = cut(3, &tokens, 128, 1, 2);
        assert_eq!(chunks.len(), 3);
        let joined: Vec<u32> =
            chunks.iter().flat_map(|chunk| chunk.tokens[1..chunk.tokens.len() - 1].to_vec()).collect();
        assert_eq!(joined, tokens);
        assert!(chunks.iter().all(|chunk| chunk.tokens.len() <= 128 && chunk.text == 3));
        assert_eq!(cut(0, &[], 128, 1, 2), vec![Chunk { text: 0, tokens: vec![1, 2] }]);
    }

    #[test]
    fn batches_hold_every_chunk_once_within_the_budget() {
        let chunks: Vec<Chunk> = (0..200).map(|text| Chunk { text, tokens: vec![5; 2 + (text * 7) % 127] }).collect();
        let batches = batches(&chunks);
        let mut seen: Vec<usize> = batches.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        for batch in &batches {
            let longest = batch.iter().map(|&index| chunks[index].tokens.len()).max().unwrap();
            assert!(longest * batch.len() <= BATCH_TOKENS);
        }
    }
}
