//! Sentence embeddings from a local MiniLM-class model on candle.
