//! How many tokens a question is, before any model has counted them.
//!
//! Two answers, because being wrong costs something else each time. `least` is what every usual tokenizer needs at the very
//! least; only a question whose `least` is longer than a model reads is kept from it. `most` is what it may come to; that
//! much is reserved of rates and money until the provider says what it was. English text has 4 to 5 characters a token,
//! code and JSON about 3, scripts without an alphabet about 1.

use crate::{
    answer::{Completion, Usage},
    chat::{ChatRequest, EmbedRequest, OutputFormat, Part},
};

/// Tokens of an answer where the caller sets no limit.
const ANSWER: u64 = 1_024;
/// Tokens of a picture: a large one at OpenAI and Anthropic is 1,100 to 1,600.
const IMAGE: u64 = 1_600;
/// Tokens around a message.
const MESSAGE: u64 = 8;

/// Tokens of a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    /// At the very least.
    pub(crate) least: u64,
    /// Perhaps.
    pub(crate) most: u64,
    /// Of the answer, perhaps.
    pub(crate) answer: u64,
}

impl Estimate {
    pub(crate) fn of_chat(request: &ChatRequest) -> Self {
        let mut text = Text::default();
        let mut images = 0;
        for part in request.messages.iter().flat_map(|message| &message.parts) {
            match part {
                Part::Text(part) | Part::ToolResult { text: part, .. } => text.add(part),
                Part::ToolCall(call) => text.add(&call.arguments),
                Part::Image(_) => images += 1,
            }
        }
        for tool in &request.tools {
            text.add(tool.description.as_deref().unwrap_or_default());
            text.add(tool.parameters.as_ref().map_or("", |parameters| parameters.json()));
        }
        if let OutputFormat::Schema { schema, .. } = &request.output {
            text.add(schema.json());
        }
        let messages = request.messages.len() as u64 * MESSAGE;
        let answer = request.sampling.max_tokens.map_or(ANSWER, u64::from);
        Self { least: text.least(), most: text.most() + images * IMAGE + messages, answer }
    }

    pub(crate) fn of_embedding(request: &EmbedRequest) -> Self {
        let mut text = Text::default();
        request.inputs.iter().for_each(|input| text.add(input));
        Self { least: 0, most: text.most(), answer: 0 }
    }
}

impl Estimate {
    /// What an answer used, when its provider does not say.
    pub(crate) fn usage_of(&self, completion: &Completion) -> Usage {
        let calls = completion.tool_calls.iter().map(|call| tokens_of(&call.arguments));
        let output_tokens = tokens_of(&completion.content) + tokens_of(&completion.reasoning) + calls.sum::<u64>();
        Usage { input_tokens: self.least.midpoint(self.most), output_tokens, ..Usage::default() }
    }
}

/// Tokens of a text, perhaps.
pub(crate) fn tokens_of(text: &str) -> u64 {
    let mut counts = Text::default();
    counts.add(text);
    counts.most()
}

#[derive(Debug, Default)]
struct Text {
    ascii: u64,
    other: u64,
}

impl Text {
    fn add(&mut self, text: &str) {
        if text.is_ascii() {
            self.ascii += text.len() as u64;
            return;
        }
        // Every character but ASCII begins with a byte of 0xc0 or more and goes on with bytes below.
        let (mut ascii, mut other) = (0u64, 0u64);
        for byte in text.bytes() {
            ascii += u64::from(byte < 0x80);
            other += u64::from(byte >= 0xc0);
        }
        self.ascii += ascii;
        self.other += other;
    }

    fn least(&self) -> u64 {
        self.ascii / 6 + self.other / 4
    }

    fn most(&self) -> u64 {
        self.ascii.div_ceil(3) + self.other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Role};

    #[test]
    fn the_truth_lies_between_least_and_most() {
        // Counted with the cl100k tokenizer: 10 and 9 tokens.
        for (text, tokens) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("{\"a\":1,\"b\":[2]}", 11),
            ("東京は日本の首都です。", 10),
        ] {
            let request = ChatRequest { messages: vec![Message::text(Role::User, text)], ..ChatRequest::default() };
            let estimate = Estimate::of_chat(&request);
            assert!(estimate.least <= tokens && tokens <= estimate.most, "{text}: {estimate:?}");
        }
    }

    #[test]
    fn the_callers_limit_is_what_an_answer_may_come_to() {
        let mut request = ChatRequest::default();
        assert_eq!(Estimate::of_chat(&request).answer, ANSWER);
        request.sampling.max_tokens = Some(20);
        assert_eq!(Estimate::of_chat(&request).answer, 20);
    }
}
