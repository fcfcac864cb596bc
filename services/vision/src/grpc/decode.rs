//! Messages to asks.

use std::hash::{BuildHasher, Hasher, RandomState};

use aerie_proto::vision::v1 as pb;
use aerie_rpc::RpcError;
use bytes::Bytes;

use crate::engine::Ask;
use crate::model::{BoundingBox, CaptionLength, DEFAULT_MAX_OBJECTS, Request, Sampling, SpatialReference};

/// Places of one question at most; each takes two or three positions of the context.
const MOST_REFERENCES: usize = 64;
/// Objects of one answer at most.
const MOST_OBJECTS: u32 = 1_000;

pub(super) fn caption(message: pb::CaptionRequest) -> Result<Ask, RpcError> {
    let length = match message.length() {
        pb::CaptionLength::Short => CaptionLength::Short,
        pb::CaptionLength::Normal | pb::CaptionLength::Unspecified => CaptionLength::Normal,
        pb::CaptionLength::Long => CaptionLength::Long,
    };
    let sampling = sampling(message.sampling)?;
    ask(needed(message.image)?, message.variant, Request::Caption { length, sampling })
}

pub(super) fn query(message: pb::QueryRequest) -> Result<Ask, RpcError> {
    let pb::QueryRequest { image, question, references, reasoning, sampling: drawn, variant } = message;
    if references.len() > MOST_REFERENCES {
        let problem = format!("has {} places; send {MOST_REFERENCES} or fewer", references.len());
        return Err(RpcError::invalid_field("references", problem));
    }
    let references = references.into_iter().enumerate().map(|(index, place)| reference(index, place));
    let references = references.collect::<Result<_, _>>()?;
    let request = Request::Query { question, references, reasoning, sampling: sampling(drawn)? };
    ask((!image.is_empty()).then_some(image), variant, request)
}

pub(super) fn detect(message: pb::DetectRequest) -> Result<Ask, RpcError> {
    let max_objects = objects(message.max_objects)?;
    let request = Request::Detect { object: named(message.object)?, max_objects };
    ask(needed(message.image)?, message.variant, request)
}

pub(super) fn point(message: pb::PointRequest) -> Result<Ask, RpcError> {
    let max_objects = objects(message.max_objects)?;
    let request = Request::Point { object: named(message.object)?, max_objects };
    ask(needed(message.image)?, message.variant, request)
}

fn ask(image: Option<Bytes>, variant: String, request: Request) -> Result<Ask, RpcError> {
    Ok(Ask { caller: String::new(), image, variant, request, deadline: None })
}

fn needed(image: Bytes) -> Result<Option<Bytes>, RpcError> {
    if image.is_empty() {
        return Err(RpcError::invalid_field("image", "is empty; send a JPEG, PNG, WebP or GIF"));
    }
    Ok(Some(image))
}

fn named(object: String) -> Result<String, RpcError> {
    if object.trim().is_empty() {
        return Err(RpcError::invalid_field("object", "is empty; say what to look for, for example \"face\""));
    }
    Ok(object)
}

fn objects(asked: u32) -> Result<usize, RpcError> {
    match asked {
        0 => Ok(DEFAULT_MAX_OBJECTS),
        1..=MOST_OBJECTS => Ok(asked as usize),
        _ => Err(RpcError::invalid_field("max_objects", format!("is {asked}; ask for {MOST_OBJECTS} or fewer"))),
    }
}

/// The engine knows how many tokens 0 are.
fn sampling(message: Option<pb::Sampling>) -> Result<Sampling, RpcError> {
    let message = message.unwrap_or_default();
    let usual = Sampling::default();
    let drawn = Sampling {
        temperature: message.temperature.unwrap_or(usual.temperature),
        top_p: message.top_p.unwrap_or(usual.top_p),
        seed: message.seed.unwrap_or_else(any_seed),
        max_tokens: message.max_tokens as usize,
    };
    if !(0.0..=100.0).contains(&drawn.temperature) {
        let problem = format!("is {}; choose a number from 0 to 100", drawn.temperature);
        return Err(RpcError::invalid_field("sampling.temperature", problem));
    }
    if !(0.0..=1.0).contains(&drawn.top_p) {
        let problem = format!("is {}; choose a number from 0 to 1", drawn.top_p);
        return Err(RpcError::invalid_field("sampling.top_p", problem));
    }
    Ok(drawn)
}

fn reference(index: usize, message: pb::SpatialReference) -> Result<SpatialReference, RpcError> {
    let field = || format!("references[{index}]");
    let inside = |value: f64| (0.0..=1.0).contains(&value);
    match message.place {
        Some(pb::spatial_reference::Place::Point(pb::ImagePoint { x, y })) => {
            if !(inside(x) && inside(y)) {
                let problem = format!("is the point {x}, {y}; both lie between 0 and 1");
                return Err(RpcError::invalid_field(field(), problem));
            }
            Ok(SpatialReference::Point { x, y })
        }
        Some(pb::spatial_reference::Place::Box(pb::ImageBox { x_min, y_min, x_max, y_max })) => {
            let is_inside = [x_min, y_min, x_max, y_max].into_iter().all(inside);
            if !is_inside || x_min > x_max || y_min > y_max {
                let problem = format!(
                    "is the box {x_min}, {y_min}, {x_max}, {y_max}; all lie between 0 and 1, and the smaller come first"
                );
                return Err(RpcError::invalid_field(field(), problem));
            }
            Ok(SpatialReference::Box(BoundingBox { x_min, y_min, x_max, y_max }))
        }
        None => Err(RpcError::invalid_field(field(), "is empty; set a point or a box")),
    }
}

fn any_seed() -> u64 {
    // Every state of the hasher has other keys, drawn by the system.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn image() -> Bytes {
        Bytes::from_static(b"image")
    }

    #[test]
    fn what_is_left_out_has_the_usual_value() {
        let ask = caption(pb::CaptionRequest { image: image(), ..Default::default() }).unwrap();
        let Request::Caption { length, sampling } = ask.request else { unreachable!() };
        assert_eq!(length, CaptionLength::Normal);
        assert_eq!((sampling.temperature, sampling.top_p, sampling.max_tokens), (0.5, 0.3, 0));
        let ask = query(pb::QueryRequest { question: "Why?".into(), ..Default::default() }).unwrap();
        assert!(ask.image.is_none());
        let ask = detect(pb::DetectRequest { image: image(), object: "cat".into(), ..Default::default() }).unwrap();
        assert_eq!(ask.request, Request::Detect { object: "cat".into(), max_objects: DEFAULT_MAX_OBJECTS });
    }

    #[test]
    fn fields_that_cannot_be_used_are_named() {
        let of = |sampling| {
            let message = pb::CaptionRequest { image: image(), sampling: Some(sampling), ..Default::default() };
            caption(message).unwrap_err().to_string()
        };
        let nan = of(pb::Sampling { temperature: Some(f32::NAN), ..Default::default() });
        assert_eq!(nan, "sampling.temperature is NaN; choose a number from 0 to 100");
        assert!(of(pb::Sampling { top_p: Some(1.5), ..Default::default() }).starts_with("sampling.top_p is 1.5"));
        assert!(caption(pb::CaptionRequest::default()).unwrap_err().to_string().starts_with("image is empty"));
        let nothing = pb::PointRequest { image: image(), object: " ".into(), ..Default::default() };
        assert!(point(nothing).unwrap_err().to_string().starts_with("object is empty"));
        let many = pb::DetectRequest { image: image(), object: "a".into(), max_objects: 5_000, ..Default::default() };
        assert!(detect(many).unwrap_err().to_string().starts_with("max_objects is 5000"));
        let place = |place| {
            let references = vec![pb::SpatialReference { place }];
            query(pb::QueryRequest { references, ..Default::default() }).unwrap_err().fields[0].field.clone()
        };
        use pb::spatial_reference::Place;
        let turned = pb::ImageBox { x_min: 0.9, y_min: 0.1, x_max: 0.2, y_max: 0.5 };
        for wrong in [None, Some(Place::Point(pb::ImagePoint { x: -0.1, y: 0.5 })), Some(Place::Box(turned))] {
            assert_eq!(place(wrong), "references[0]");
        }
    }
}
