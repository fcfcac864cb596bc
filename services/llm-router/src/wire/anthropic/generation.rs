//! What the generations of Claude differ in (<https://platform.claude.com/docs/en/about-claude/models/migration-guide>).

/// A model's generation, as in `claude-sonnet-4-5-20250929` (4.5) or `claude-3-7-sonnet-latest` (3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u32, u32);

impl Generation {
    /// The generation that a model's name tells; none for names of another kind.
    pub(super) fn of(model: &str) -> Option<Self> {
        let rest = model.rsplit('/').next().unwrap_or(model).strip_prefix("claude-")?;
        // Dates have eight digits.
        let mut numbers =
            rest.split(['-', '.', '@']).filter(|word| word.len() <= 2).filter_map(|word| word.parse().ok());
        let first = numbers.next()?;
        Some(Self(first, numbers.next().unwrap_or(0)))
    }

    /// Whether it is held to a schema by `output_config`.
    pub(super) fn has_output_format(self) -> bool {
        self >= Self(4, 5)
    }

    /// Whether it can think at all.
    pub(super) fn thinks(self) -> bool {
        self >= Self(3, 7)
    }

    /// Whether it decides by itself how long to think, and is told only how hard to try.
    pub(super) fn thinks_adaptively(self) -> bool {
        self >= Self(4, 6)
    }

    /// Whether it takes `temperature` and `top_p`.
    pub(super) fn takes_sampling(self) -> bool {
        self < Self(4, 7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_generation_whatever_their_order() {
        for (model, expected) in [
            ("claude-sonnet-4-5-20250929", Some(Generation(4, 5))),
            ("claude-opus-4-20250514", Some(Generation(4, 0))),
            ("claude-3-7-sonnet-latest", Some(Generation(3, 7))),
            ("claude-3-haiku-20240307", Some(Generation(3, 0))),
            ("anthropic/claude-haiku-5-5", Some(Generation(5, 5))),
            ("claude-haiku-4.5", Some(Generation(4, 5))),
            ("claude-next", None),
            ("gpt-4", None),
        ] {
            assert_eq!(Generation::of(model), expected, "{model}");
        }
        let haiku = Generation(4, 5);
        assert!(haiku.has_output_format() && haiku.thinks() && !haiku.thinks_adaptively() && haiku.takes_sampling());
        assert!(!Generation(4, 7).takes_sampling() && !Generation(3, 5).thinks());
    }
}
