//! A question about pictures for models that take one picture and one text at a time.

use crate::{
    answer::Completion,
    chat::{ChatRequest, Image, Message, Role},
    fault::{Fault, FaultKind},
};

/// What is asked about each picture.
#[derive(Debug)]
pub(crate) struct PictureQuestion<'a> {
    /// The operator's instruction first, then what was said.
    pub(crate) text: String,
    /// All pictures, in order.
    pub(crate) images: Vec<&'a Image>,
}

impl<'a> PictureQuestion<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`FaultKind::Unsupported`] for a question without pictures or with functions.
    pub(crate) fn of(request: &'a ChatRequest) -> Result<Self, Fault> {
        let images: Vec<&Image> = request.images().collect();
        if images.is_empty() {
            return Err(Fault::new(FaultKind::Unsupported, "it answers only questions about pictures"));
        }
        if !request.tools.is_empty() {
            return Err(Fault::new(FaultKind::Unsupported, "it calls no functions"));
        }
        let of = |wanted: fn(Role) -> bool| request.messages.iter().filter(move |message| wanted(message.role));
        let said = of(|role| role == Role::System).chain(of(|role| role != Role::System)).flat_map(Message::texts);
        let said: Vec<&str> = said.map(str::trim).filter(|text| !text.is_empty()).collect();
        Ok(Self { text: said.join("\n\n"), images })
    }
}

/// One answer of the answers about each picture.
pub(crate) fn joined(model: String, mut answers: Vec<String>) -> Completion {
    let content = if answers.len() == 1 {
        answers.pop().unwrap_or_default()
    } else {
        let numbered = answers.iter().zip(1..).map(|(answer, number)| format!("Image {number}: {}", answer.trim()));
        numbered.collect::<Vec<_>>().join("\n\n")
    };
    Completion { model, content, ..Completion::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::chat::{ImageSource, Part, Tool};

    fn picture() -> Part {
        Part::Image(Image { source: ImageSource::Url("https://example.org".into()), detail: None })
    }

    #[test]
    fn the_instruction_comes_first_and_all_pictures_count() {
        let parts = vec![picture(), Part::Text(" Which? ".into()), picture()];
        let messages = vec![Message { role: Role::User, parts }, Message::text(Role::System, "Be terse.")];
        let request = ChatRequest { messages, ..ChatRequest::default() };
        let question = PictureQuestion::of(&request).unwrap();
        assert_eq!((question.text.as_str(), question.images.len()), ("Be terse.\n\nWhich?", 2));
        let tool = Tool { name: "t".into(), description: None, parameters: None, strict: None };
        let with_tools = ChatRequest { tools: vec![tool], ..request };
        for wrong in [with_tools, ChatRequest::default()] {
            assert_eq!(PictureQuestion::of(&wrong).unwrap_err().kind, FaultKind::Unsupported);
        }
    }

    #[test]
    fn one_answer_stands_alone_and_several_are_numbered() {
        assert_eq!(joined(String::new(), vec!["a".into()]).content, "a");
        assert_eq!(joined(String::new(), vec!["a".into(), "b\n".into()]).content, "Image 1: a\n\nImage 2: b");
    }
}
