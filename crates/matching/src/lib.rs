//! Scoring, skills, duplicates and learning from decisions: pure functions, no input or output.
