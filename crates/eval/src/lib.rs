//! Measures duplicates, relevance, titles and board parsing on labelled data.
