//! Dates: relative, partial and ranges.
