//! Answers to messages.

use std::time::Duration;

use aerie_proto::vision::v1 as pb;

use crate::engine::{ModelInfo, Piece, Summary};
use crate::model::{BoundingBox, Event, Finish, Grounding, Skill};

pub(super) fn caption(events: Vec<Event>, summary: &Summary) -> pb::CaptionResponse {
    let finish_reason = finish(&summary.finish).into();
    pb::CaptionResponse { caption: text(&events), finish_reason, usage: Some(usage(summary)) }
}

pub(super) fn caption_piece(piece: Piece) -> Option<pb::StreamCaptionResponse> {
    use pb::stream_caption_response::Event as Message;
    let event = match piece {
        Piece::Event(Event::Text(text)) => Message::Text(text),
        Piece::Event(_) => return None,
        Piece::End(summary) => Message::End(end(&summary)),
    };
    Some(pb::StreamCaptionResponse { event: Some(event) })
}

pub(super) fn query(events: Vec<Event>, summary: &Summary) -> pb::QueryResponse {
    let answer = text(&events);
    let thought = events.into_iter().find_map(|event| match event {
        Event::Reasoning { text, grounding } => Some(reasoning(text, grounding)),
        _ => None,
    });
    let finish_reason = finish(&summary.finish).into();
    pb::QueryResponse { answer, reasoning: thought, finish_reason, usage: Some(usage(summary)) }
}

pub(super) fn query_piece(piece: Piece) -> Option<pb::StreamQueryResponse> {
    use pb::stream_query_response::Event as Message;
    let event = match piece {
        Piece::Event(Event::Text(text)) => Message::Text(text),
        Piece::Event(Event::Reasoning { text, grounding }) => Message::Reasoning(reasoning(text, grounding)),
        Piece::Event(_) => return None,
        Piece::End(summary) => Message::End(end(&summary)),
    };
    Some(pb::StreamQueryResponse { event: Some(event) })
}

pub(super) fn detect(events: Vec<Event>, summary: &Summary) -> pb::DetectResponse {
    let boxes = events.into_iter().filter_map(|event| match event {
        Event::Box(BoundingBox { x_min, y_min, x_max, y_max }) => Some(pb::ImageBox { x_min, y_min, x_max, y_max }),
        _ => None,
    });
    let finish_reason = finish(&summary.finish).into();
    pb::DetectResponse { boxes: boxes.collect(), finish_reason, usage: Some(usage(summary)) }
}

pub(super) fn point(events: Vec<Event>, summary: &Summary) -> pb::PointResponse {
    let points = events.into_iter().filter_map(|event| match event {
        Event::Point { x, y } => Some(pb::ImagePoint { x, y }),
        _ => None,
    });
    let finish_reason = finish(&summary.finish).into();
    pb::PointResponse { points: points.collect(), finish_reason, usage: Some(usage(summary)) }
}

pub(super) fn model(info: &ModelInfo, cache_used: u64) -> pb::GetModelResponse {
    pb::GetModelResponse {
        name: info.name.clone(),
        device: info.device.clone(),
        dtype: info.dtype.clone(),
        context_tokens: number(info.context),
        variants: info.variants.clone(),
        cache_used_bytes: cache_used,
        cache_bytes: info.cache_budget,
        revision: info.revision.name().to_owned(),
        skills: info.skills.iter().map(|skill| self::skill(*skill).into()).collect(),
    }
}

fn skill(skill: Skill) -> pb::Skill {
    match skill {
        Skill::Caption => pb::Skill::Caption,
        Skill::Query => pb::Skill::Query,
        Skill::Detect => pb::Skill::Detect,
        Skill::Point => pb::Skill::Point,
        Skill::Reasoning => pb::Skill::Reasoning,
        Skill::References => pb::Skill::References,
    }
}

fn text(events: &[Event]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        Event::Text(piece) => Some(piece.as_str()),
        _ => None,
    });
    pieces.collect()
}

fn reasoning(text: String, grounding: Vec<Grounding>) -> pb::Reasoning {
    let grounding = grounding.into_iter().map(|part| pb::Grounding {
        start: number(part.start),
        end: number(part.end),
        points: part.points.into_iter().map(|(x, y)| pb::ImagePoint { x, y }).collect(),
    });
    pb::Reasoning { text, grounding: grounding.collect() }
}

fn end(summary: &Summary) -> pb::StreamEnd {
    pb::StreamEnd { finish_reason: finish(&summary.finish).into(), usage: Some(usage(summary)) }
}

fn finish(finish: &Finish) -> pb::FinishReason {
    match finish {
        Finish::Stop => pb::FinishReason::Stop,
        Finish::MaxTokens => pb::FinishReason::MaxTokens,
        Finish::MaxObjects => pb::FinishReason::MaxObjects,
        Finish::ContextFull => pb::FinishReason::ContextFull,
        Finish::Failed(_) => pb::FinishReason::Unspecified,
    }
}

fn usage(summary: &Summary) -> pb::Usage {
    pb::Usage {
        image_tokens: number(summary.image_tokens),
        prompt_tokens: number(summary.prompt_tokens),
        output_tokens: number(summary.output_tokens),
        image_cached: summary.image_cached,
        queue_time: duration(summary.queue_time),
        image_time: duration(summary.image_time),
        first_piece_time: duration(summary.first_piece_time),
        total_time: duration(summary.total_time),
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn duration(time: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(time).ok()
}
