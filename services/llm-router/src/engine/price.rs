//! What a call costs, by the price table of the settings.

use std::collections::BTreeMap;

use aerie_config::ModelPrice;

use crate::answer::Usage;

/// Prices by model.
#[derive(Debug)]
pub(crate) struct Prices(BTreeMap<String, ModelPrice>);

impl Prices {
    pub(crate) fn new(prices: BTreeMap<String, ModelPrice>) -> Self {
        Self(prices)
    }

    /// The price of a model by its own name, or by the longest listed name that it is a version of (`gpt-4o` prices
    /// `gpt-4o-2024-08-06`, not `gpt-4omni`).
    pub(crate) fn of(&self, model: &str) -> Option<&ModelPrice> {
        let mut end = model.len();
        loop {
            let name = model.get(..end)?;
            if let Some(price) = self.0.get(name) {
                return Some(price);
            }
            end = name.rfind(['-', ':', '@'])?;
        }
    }

    /// Cost in millionths of a dollar, rounded up; none when the model has no price.
    pub(crate) fn cost(&self, model: &str, usage: &Usage) -> Option<u64> {
        let price = self.of(model)?;
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        // A dollar for a million tokens is a millionth of a dollar for one.
        let input = (usage.input_tokens - cached) as f64 * price.input;
        let cached = cached as f64 * price.cached_input.unwrap_or(price.input);
        let output = usage.output_tokens as f64 * price.output;
        Some((input + cached + output).max(0.0).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices() -> Prices {
        let price = ModelPrice { input: 2.5, output: 10.0, cached_input: Some(1.25) };
        Prices::new([("gpt-4o".to_owned(), price), ("free".to_owned(), ModelPrice { input: 0.0, ..price })].into())
    }

    #[test]
    fn question_cached_question_and_answer_have_their_own_prices() {
        let usage = Usage { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 100, ..Usage::default() };
        assert_eq!(prices().cost("gpt-4o", &usage), Some(1_500 + 500 + 1_000));
    }

    #[test]
    fn a_version_of_a_model_costs_as_the_model_and_an_unknown_one_has_no_price() {
        let usage = Usage { output_tokens: 1, ..Usage::default() };
        assert_eq!(prices().cost("gpt-4o-2024-08-06", &usage), Some(10));
        assert_eq!(prices().cost("gpt-4omni", &usage), None);
        assert_eq!(prices().cost("", &usage), None);
    }
}
