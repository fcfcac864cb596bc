//! `aerie vision ask`, `caption` and `model`.

use std::{
    io::{IsTerminal, Write, stdout},
    process::ExitCode,
};

use aerie_proto::vision::v1 as pb;

use super::session::VisionSession;
use crate::{
    cli::{Cli, Drawn, Length, VisionAsk, VisionCaption, VisionModel},
    commands::read_input,
    output,
};

/// Asks about an image.
pub async fn ask(cli: &Cli, arguments: &VisionAsk) -> anyhow::Result<ExitCode> {
    let points = arguments.points.iter().map(|text| point(text));
    let boxes = arguments.boxes.iter().map(|text| area(text));
    let request = pb::QueryRequest {
        image: read_input(&arguments.image)?.into(),
        question: arguments.question.clone(),
        references: points.chain(boxes).collect::<Result<_, _>>()?,
        reasoning: arguments.reasoning,
        sampling: Some(sampling(&arguments.drawn)),
        variant: arguments.place.variant.clone(),
    };
    let session = VisionSession::open(cli, &arguments.place).await?;
    if arguments.json {
        let answer = session.client().query(request).await?.into_inner();
        output::print_json("aerie.vision.v1.QueryResponse", &answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut pieces = session.client().stream_query(pb::StreamQueryRequest { query: Some(request) }).await?.into_inner();
    let mut printer = Printer::default();
    while let Some(piece) = pieces.message().await? {
        match piece.event {
            Some(pb::stream_query_response::Event::Reasoning(reasoning)) => eprintln!("{}\n", reasoning.text.trim()),
            Some(pb::stream_query_response::Event::Text(text)) => printer.print(&text)?,
            Some(pb::stream_query_response::Event::End(end)) => printer.end(&end),
            None => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Describes an image.
pub async fn caption(cli: &Cli, arguments: &VisionCaption) -> anyhow::Result<ExitCode> {
    let length = match arguments.length {
        Length::Short => pb::CaptionLength::Short,
        Length::Normal => pb::CaptionLength::Normal,
        Length::Long => pb::CaptionLength::Long,
    };
    let request = pb::CaptionRequest {
        image: read_input(&arguments.image)?.into(),
        length: length.into(),
        sampling: Some(sampling(&arguments.drawn)),
        variant: arguments.place.variant.clone(),
    };
    let session = VisionSession::open(cli, &arguments.place).await?;
    if arguments.json {
        let answer = session.client().caption(request).await?.into_inner();
        output::print_json("aerie.vision.v1.CaptionResponse", &answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let request = pb::StreamCaptionRequest { caption: Some(request) };
    let mut pieces = session.client().stream_caption(request).await?.into_inner();
    let mut printer = Printer::default();
    while let Some(piece) = pieces.message().await? {
        match piece.event {
            Some(pb::stream_caption_response::Event::Text(text)) => printer.print(&text)?,
            Some(pb::stream_caption_response::Event::End(end)) => printer.end(&end),
            None => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which model answers.
pub async fn model(cli: &Cli, arguments: &VisionModel) -> anyhow::Result<ExitCode> {
    let session = VisionSession::open(cli, &arguments.place).await?;
    let model = session.client().get_model(pb::GetModelRequest {}).await?.into_inner();
    if arguments.json {
        output::print_json("aerie.vision.v1.GetModelResponse", &model)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("model     {}", model.name);
    println!("revision  {}", model.revision);
    println!("can       {}", model.skills().map(skill).collect::<Vec<_>>().join(", "));
    println!("device    {} ({})", model.device, model.dtype);
    println!("context   {} tokens", model.context_tokens);
    println!("cache     {} of {} MiB in use", model.cache_used_bytes >> 20, model.cache_bytes >> 20);
    if !model.variants.is_empty() {
        println!("variants  {}", model.variants.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

fn skill(skill: pb::Skill) -> &'static str {
    match skill {
        pb::Skill::Unspecified => "something newer than this program",
        pb::Skill::Caption => "caption",
        pb::Skill::Query => "ask",
        pb::Skill::Detect => "detect",
        pb::Skill::Point => "point",
        pb::Skill::Reasoning => "ask --reasoning",
        pb::Skill::References => "ask --point and --box",
    }
}

/// Prints an answer as it comes.
#[derive(Default)]
struct Printer {
    begun: bool,
}

impl Printer {
    fn print(&mut self, text: &str) -> anyhow::Result<()> {
        // The model begins its answers with a space.
        let text = if self.begun { text } else { text.trim_start() };
        self.begun |= !text.is_empty();
        let mut out = stdout();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        Ok(())
    }

    fn end(&self, end: &pb::StreamEnd) {
        println!();
        if end.finish_reason() == pb::FinishReason::MaxTokens {
            eprintln!("the answer was cut at its longest length; see --max-tokens");
        }
        if let (Some(usage), true) = (&end.usage, stdout().is_terminal()) {
            let seconds =
                usage.total_time.as_ref().map_or(0.0, |time| time.seconds as f64 + f64::from(time.nanos) / 1e9);
            let cached = if usage.image_cached { ", image known already" } else { "" };
            eprintln!("{} tokens in {seconds:.1} s{cached}", usage.output_tokens);
        }
    }
}

fn sampling(drawn: &Drawn) -> pb::Sampling {
    let Drawn { temperature, top_p, seed, max_tokens } = *drawn;
    pb::Sampling { temperature, top_p, seed, max_tokens }
}

fn numbers<const COUNT: usize>(text: &str, form: &str) -> anyhow::Result<[f64; COUNT]> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    let numbers = numbers.ok().and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| output::wrong_use(format!("\"{text}\" is not {form}")))
}

fn point(text: &str) -> anyhow::Result<pb::SpatialReference> {
    let [x, y] = numbers(text, "a point; write X,Y with numbers from 0 to 1")?;
    Ok(pb::SpatialReference { place: Some(pb::spatial_reference::Place::Point(pb::ImagePoint { x, y })) })
}

fn area(text: &str) -> anyhow::Result<pb::SpatialReference> {
    let form = "a box; write LEFT,TOP,RIGHT,BOTTOM with numbers from 0 to 1";
    let [x_min, y_min, x_max, y_max] = numbers(text, form)?;
    let place = pb::spatial_reference::Place::Box(pb::ImageBox { x_min, y_min, x_max, y_max });
    Ok(pb::SpatialReference { place: Some(place) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn places_are_read_and_what_is_none_is_named() {
        assert!(point("0.5, 0.25").is_ok() && area("0,0,1,1").is_ok());
        for wrong in ["0.5", "0.5,0.5,0.5", "a,b", ""] {
            let words = output::error_words(&point(wrong).unwrap_err());
            assert!(words.starts_with(&format!("\"{wrong}\" is not a point")), "{words}");
        }
    }
}
