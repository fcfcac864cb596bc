//! Levels from whole words of a title.
