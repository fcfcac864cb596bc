//! `aerie vision detect` and `point`.

use std::{fs, process::ExitCode};

use aerie_proto::vision::v1 as pb;
use aerie_vision::{
    image::{ImageLimits, Picture},
    model::BoundingBox,
};
use anyhow::Context;

use super::session::VisionSession;
use crate::{
    cli::{Cli, Find},
    commands::read_input,
    output,
};

/// Draws boxes around objects.
pub async fn detect(cli: &Cli, arguments: &Find) -> anyhow::Result<ExitCode> {
    let image = read_input(&arguments.image)?;
    let session = VisionSession::open(cli, &arguments.place).await?;
    let request = pb::DetectRequest {
        image: image.clone().into(),
        object: arguments.object.clone(),
        max_objects: arguments.max_objects,
        variant: arguments.place.variant.clone(),
    };
    let found = session.client().detect(request).await?.into_inner();
    let boxes: Vec<BoundingBox> = found
        .boxes
        .iter()
        .map(|one| BoundingBox { x_min: one.x_min, y_min: one.y_min, x_max: one.x_max, y_max: one.y_max })
        .collect();
    draw(arguments, &image, &boxes, &[])?;
    if arguments.json {
        output::print_json("aerie.vision.v1.DetectResponse", &found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in &boxes {
        println!("{:.4} {:.4} {:.4} {:.4}", one.x_min, one.y_min, one.x_max, one.y_max);
    }
    tell(boxes.len(), &arguments.object);
    Ok(ExitCode::SUCCESS)
}

/// Points at objects.
pub async fn point(cli: &Cli, arguments: &Find) -> anyhow::Result<ExitCode> {
    let image = read_input(&arguments.image)?;
    let session = VisionSession::open(cli, &arguments.place).await?;
    let request = pb::PointRequest {
        image: image.clone().into(),
        object: arguments.object.clone(),
        max_objects: arguments.max_objects,
        variant: arguments.place.variant.clone(),
    };
    let found = session.client().point(request).await?.into_inner();
    let points: Vec<(f64, f64)> = found.points.iter().map(|one| (one.x, one.y)).collect();
    draw(arguments, &image, &[], &points)?;
    if arguments.json {
        output::print_json("aerie.vision.v1.PointResponse", &found)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (x, y) in &points {
        println!("{x:.4} {y:.4}");
    }
    tell(points.len(), &arguments.object);
    Ok(ExitCode::SUCCESS)
}

/// Writes the image with what was found, where that was asked for.
fn draw(arguments: &Find, image: &[u8], boxes: &[BoundingBox], points: &[(f64, f64)]) -> anyhow::Result<()> {
    let Some(file) = &arguments.draw else { return Ok(()) };
    let mut picture = Picture::decode(image, &ImageLimits::default())?;
    boxes.iter().for_each(|one| picture.draw_box(one));
    points.iter().for_each(|(x, y)| picture.draw_point(*x, *y));
    fs::write(file, picture.to_png()?).with_context(|| file.display().to_string())
}

fn tell(count: usize, object: &str) {
    let times = if count == 1 { "once" } else { "times" };
    match count {
        0 => eprintln!("no \"{object}\" was found"),
        1 => eprintln!("\"{object}\" was found {times}"),
        _ => eprintln!("\"{object}\" was found {count} {times}"),
    }
}
