//! Every family of rules. A new one is a file in `rules/` and a line here.

use std::sync::LazyLock;

use super::rules::{Family, RuleError, Rules};

/// Name and content of each family's file.
const FAMILIES: &[(&str, &str)] = &[
    ("digest", include_str!("../../rules/digest.yaml")),
    ("interview", include_str!("../../rules/interview.yaml")),
    ("neutral", include_str!("../../rules/neutral.yaml")),
    ("offer", include_str!("../../rules/offer.yaml")),
    ("positive", include_str!("../../rules/positive.yaml")),
    ("rejected-english", include_str!("../../rules/rejected-english.yaml")),
    ("rejected-europe", include_str!("../../rules/rejected-europe.yaml")),
    ("rescheduled", include_str!("../../rules/rescheduled.yaml")),
    ("survey", include_str!("../../rules/survey.yaml")),
    ("topic", include_str!("../../rules/topic.yaml")),
    ("unrelated", include_str!("../../rules/unrelated.yaml")),
];

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    // A family that cannot be read is left out; the test of this module names it.
    Rules::new(FAMILIES.iter().filter_map(|(name, text)| Family::read(name, text).ok()).collect())
});

pub(super) fn rules() -> &'static Rules {
    &RULES
}

/// The families that are in use.
pub fn families() -> &'static [Family] {
    rules().families()
}

/// What is wrong with the files, one line each; empty when all is well.
pub fn problems() -> Vec<RuleError> {
    FAMILIES.iter().filter_map(|(name, text)| Family::read(name, text).err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_can_be_read() {
        assert_eq!(problems().iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(families().len(), FAMILIES.len());
    }
}
