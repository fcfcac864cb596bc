//! Checks that many requests share, collected so that a caller learns of every wrong field at once.

use crate::error::{FieldProblem, RpcError};

/// Sizes that a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Largest page of a listing.
    pub page_size_max: u32,
    /// Page size when none is asked for.
    pub page_size_default: u32,
    /// Most entries in one list.
    pub list_length: usize,
    /// Longest text, in characters.
    pub string_length: usize,
}

/// Collects what is wrong with one request.
#[derive(Debug)]
pub struct Validation {
    limits: RequestLimits,
    problems: Vec<FieldProblem>,
}

impl Validation {
    /// Starts checking a request.
    #[must_use]
    pub fn new(limits: RequestLimits) -> Self {
        Self { limits, problems: Vec::new() }
    }

    /// The page size to use: the default for 0, never more than the maximum; a negative one is a problem.
    pub fn page_size(&mut self, field: &str, asked: i32) -> u32 {
        match u32::try_from(asked) {
            Ok(0) => self.limits.page_size_default,
            Ok(size) => size.min(self.limits.page_size_max),
            Err(_) => {
                self.problem(field, format!("is {asked}; write 0 for the default or a positive number"));
                self.limits.page_size_default
            }
        }
    }

    /// A text that may be empty but not too long.
    pub fn text(&mut self, field: &str, text: &str) {
        let longest = self.limits.string_length;
        // A text has at most as many characters as bytes, so most need no counting.
        if text.len() > longest && text.chars().nth(longest).is_some() {
            self.problem(field, format!("is longer than {longest} characters"));
        }
    }

    /// A text that must not be empty or too long.
    pub fn required_text(&mut self, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.problem(field, "is empty".into());
        }
        self.text(field, text);
    }

    /// A list that may not be too long.
    pub fn list<T>(&mut self, field: &str, entries: &[T]) {
        let (length, longest) = (entries.len(), self.limits.list_length);
        if length > longest {
            self.problem(field, format!("has {length} entries; at most {longest} are allowed"));
        }
    }

    /// A list of texts: neither the list nor any text too long.
    pub fn texts(&mut self, field: &str, texts: &[String]) {
        self.list(field, texts);
        for (index, text) in texts.iter().enumerate().take(self.limits.list_length) {
            self.text(&format!("{field}[{index}]"), text);
        }
    }

    /// Any other rule.
    pub fn require(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            self.problem(field, description.to_owned());
        }
    }

    /// Ends the checking.
    ///
    /// # Errors
    /// `InvalidArgument` with every field that is wrong.
    pub fn finish(self) -> Result<(), RpcError> {
        if self.problems.is_empty() { Ok(()) } else { Err(RpcError::invalid_fields(self.problems)) }
    }

    fn problem(&mut self, field: &str, description: String) {
        self.problems.push(FieldProblem { field: field.to_owned(), description });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn validation() -> Validation {
        let limits = RequestLimits { page_size_max: 100, page_size_default: 20, list_length: 2, string_length: 3 };
        Validation::new(limits)
    }

    #[test]
    fn page_sizes_are_defaulted_and_capped() {
        let mut check = validation();
        assert_eq!(check.page_size("page_size", 0), 20);
        assert_eq!(check.page_size("page_size", 7), 7);
        assert_eq!(check.page_size("page_size", i32::MAX), 100);
        assert!(check.finish().is_ok());
    }

    #[test]
    fn every_wrong_field_is_reported() {
        let mut check = validation();
        check.page_size("page_size", -1);
        check.text("note", "äöü");
        check.text("title", "äöüß");
        check.required_text("name", "  ");
        check.texts("tags", &["a".into(), "long".into(), "c".into()]);
        check.require(false, "url", "is not a web address");
        let error = check.finish().unwrap_err();
        let fields: Vec<&str> = error.fields.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["page_size", "title", "name", "tags", "tags[1]", "url"]);
        assert!(error.message.contains("page_size is -1"), "{}", error.message);
    }
}
