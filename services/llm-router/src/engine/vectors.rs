//! Vectors, checked for number and length.

use super::{
    route::{Ask, Work},
    telemetry::Operation,
};
use crate::{
    answer::Embeddings,
    chat::{ChatRequest, EmbedRequest},
    fault::{Fault, FaultKind},
};

/// Asks for vectors.
#[derive(Debug)]
pub(crate) struct Vectors<'a>(pub(crate) &'a EmbedRequest);

impl Work for Vectors<'_> {
    type Answer = Embeddings;
    const OPERATION: Operation = Operation::Embeddings;
    const STREAMED: bool = false;

    async fn ask(&self, ask: Ask<'_>) -> Result<Embeddings, Fault> {
        let embeddings = ask.lane.backend.embed(self.0, ask.hop).await?;
        match mistake(&embeddings, self.0) {
            Some(mistake) => Err(Fault::new(FaultKind::Malformed, mistake)),
            None => Ok(embeddings),
        }
    }

    fn request(&self) -> Option<&ChatRequest> {
        None
    }
}

fn mistake(embeddings: &Embeddings, request: &EmbedRequest) -> Option<String> {
    let (given, asked) = (embeddings.vectors.len(), request.inputs.len());
    if given != asked {
        return Some(format!("{given} vectors for {asked} texts"));
    }
    let length = embeddings.vectors.first()?.len();
    let wanted = request.dimensions.map_or(length, |wanted| wanted as usize);
    let wrong = embeddings.vectors.iter().map(Vec::len).find(|length| *length != wanted || *length == 0)?;
    Some(format!("a vector of {wrong} numbers where {wanted} were asked for"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_wrong_number_or_length_are_no_answer() {
        let of = |lengths: &[usize], texts, dimensions| {
            let vectors = lengths.iter().map(|length| vec![0.5; *length]).collect();
            let request = EmbedRequest { inputs: vec![String::new(); texts], dimensions };
            mistake(&Embeddings { vectors, ..Embeddings::default() }, &request)
        };
        assert_eq!(of(&[3, 3], 2, None), None);
        assert_eq!(of(&[3, 3], 2, Some(3)), None);
        for (lengths, texts, dimensions) in
            [(&[3][..], 2, None), (&[3, 4], 2, None), (&[3, 3], 2, Some(4)), (&[0, 0], 2, None)]
        {
            assert!(of(lengths, texts, dimensions).is_some(), "{lengths:?}");
        }
    }
}
