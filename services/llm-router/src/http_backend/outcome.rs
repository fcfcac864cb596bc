//! What a failed sending, or an answer that does not fit its question, means.

use crate::{
    answer::Embeddings,
    chat::EmbedRequest,
    fault::{Fault, FaultKind, Stage},
    transport::SendError,
};

/// Why there is no answer. `is_total` says that the time for the headers was cut short by the whole call's end.
pub(crate) fn no_answer(error: SendError, is_total: bool) -> Fault {
    let kind = match error {
        SendError::Connect { .. } | SendError::Broken { .. } => FaultKind::Connect,
        SendError::ConnectTimeout { .. } => FaultKind::Timeout(Stage::Connect),
        SendError::HeadersTimeout { .. } if is_total => FaultKind::Timeout(Stage::Total),
        SendError::HeadersTimeout { .. } => FaultKind::Timeout(Stage::Headers),
        SendError::Request { .. } => FaultKind::Caller,
    };
    Fault::new(kind, error.to_string())
}

/// Vectors must be one for each text, of one length, and of the length that was asked for.
pub(super) fn check_vectors(embeddings: &Embeddings, request: &EmbedRequest) -> Result<(), Fault> {
    let (got, asked) = (embeddings.vectors.len(), request.inputs.len());
    if got != asked {
        return Err(Fault::new(FaultKind::Malformed, format!("{got} vectors came for {asked} texts")));
    }
    let mut lengths = embeddings.vectors.iter().map(Vec::len);
    let Some(first) = lengths.next() else { return Ok(()) };
    if first == 0 || lengths.any(|length| length != first) {
        return Err(Fault::new(FaultKind::Malformed, "the vectors are empty or of different lengths"));
    }
    match request.dimensions {
        Some(asked) if asked as usize != first => {
            let message = format!("vectors of {asked} numbers were asked for, those that came have {first}");
            Err(Fault::new(FaultKind::Unsupported, message))
        }
        _ => Ok(()),
    }
}
