//! Requests on a tiny random model: alone, in company, on shared images, at their limits, and with damaged numbers.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "tiny/tiny.rs"]
mod tiny;

use aerie_vision::image::Crops;
use aerie_vision::model::{
    BoundingBox, CaptionLength, Config, Context, DEFAULT_MAX_OBJECTS, Event, Finish, Generation, LoadOptions, Model,
    ModelError, PromptTrace, Request, Sampling, SpatialReference,
};
use candle_core::DType;
use tiny::{finish, model, picture, prefix, run};

fn query(question: &str, reasoning: bool, sampling: Sampling) -> Request {
    Request::Query { question: question.to_owned(), references: Vec::new(), reasoning, sampling }
}

/// Requests of every kind.
fn requests() -> Vec<Request> {
    let greedy = Sampling::greedy(12);
    let drawn = |seed: u64| Sampling { temperature: 1.5, top_p: 0.95, seed, max_tokens: 20 };
    let references = vec![
        SpatialReference::Box(BoundingBox { x_min: 0.1, y_min: 0.2, x_max: 0.6, y_max: 0.9 }),
        SpatialReference::Point { x: 0.75, y: 0.125 },
    ];
    vec![
        Request::Caption { length: CaptionLength::Short, sampling: greedy },
        Request::Caption { length: CaptionLength::Long, sampling: drawn(3) },
        query("What is this?", false, greedy),
        query("Why?", true, drawn(4)),
        query(&"A long question. ".repeat(6), true, greedy),
        Request::Query { question: "Which?".to_owned(), references, reasoning: false, sampling: drawn(5) },
        Request::Detect { object: "cat".to_owned(), max_objects: 5 },
        Request::Point { object: "dog".to_owned(), max_objects: 4 },
    ]
}

/// Both gave the same events and ids, and the same logits to the last bit.
fn assert_same(one: &(Generation, Vec<Event>), other: &(Generation, Vec<Event>), what: &str) {
    assert_eq!(one.1, other.1, "{what}");
    let (one, other) = (&one.0.transcript().prompts, &other.0.transcript().prompts);
    assert_eq!(one.len(), other.len(), "{what}");
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one.generated, other.generated, "{what}");
        assert_eq!(one.step_logits.len(), other.step_logits.len(), "{what}");
        let bits = |prompt: &PromptTrace| -> Vec<u32> {
            prompt.logits.iter().chain(prompt.step_logits.iter().flatten()).map(|logit| logit.to_bits()).collect()
        };
        assert!(bits(one) == bits(other), "{what}: other logits");
    }
}

#[test]
fn company_changes_nothing() {
    let model = model(1);
    let images = [prefix(&model, &picture(16, 16, 1)), prefix(&model, &picture(60, 30, 2))];
    let requests = requests();
    let context = |index: usize| Context::Image(images[index % 2].clone());
    let alone: Vec<_> =
        requests.iter().enumerate().map(|(index, request)| run(&model, request, context(index))).collect();

    for stride in [0, 1, 3] {
        let mut running = Vec::new();
        let mut step = 0;
        let mut ended = 0;
        while ended < requests.len() {
            for (index, request) in requests.iter().enumerate().filter(|(index, _)| index * stride == step) {
                let mut generation = model.start(request, context(index)).unwrap();
                generation.keep_logits(usize::MAX);
                running.push((index, generation, Vec::new()));
            }
            model.step(&mut running.iter_mut().map(|(_, generation, _)| generation).collect::<Vec<_>>()).unwrap();
            for (_, generation, events) in &mut running {
                events.extend(generation.take_events());
            }
            for (index, generation, events) in running.extract_if(.., |(_, generation, _)| generation.is_finished()) {
                let what = format!("request {index}, joining every {stride} steps");
                assert_same(&(generation, events), &alone[index], &what);
                ended += 1;
            }
            step += 1;
        }
    }
}

#[test]
fn a_shared_prefix_is_as_good_as_a_new_one() {
    let model = model(2);
    let pictures = [picture(16, 16, 1), picture(60, 30, 2), picture(20, 90, 3)];
    let crops: Vec<Crops> = pictures.iter().map(|picture| model.cut(picture).unwrap()).collect();
    let together = model.encode_images(&crops.iter().collect::<Vec<_>>(), 40).unwrap();
    for (picture, embedding) in pictures.iter().zip(&together) {
        let anew = model.prefill_image(embedding, None).unwrap();
        let alone = prefix(&model, picture);
        for request in requests() {
            let first = run(&model, &request, Context::Image(alone.clone()));
            let again = run(&model, &request, Context::Image(alone.clone()));
            let other = run(&model, &request, Context::Image(anew.clone()));
            assert_same(&first, &again, "asked again");
            assert_same(&first, &other, "the image encoded beside others");
        }
    }
}

#[test]
fn a_question_needs_no_image_and_all_else_does() {
    let model = model(3);
    let (generation, events) = run(&model, &query("Why?", false, Sampling::greedy(5)), Context::NoImage(None));
    assert_eq!(generation.transcript().prompts[0].ids[0], model.config().tokenizer.bos_id);
    assert!(matches!(finish(&events), Finish::MaxTokens | Finish::Stop));
    let caption = Request::Caption { length: CaptionLength::Normal, sampling: Sampling::default() };
    let error = model.start(&caption, Context::NoImage(None)).err().unwrap().to_string();
    assert_eq!(error, "a caption needs an image; send one");
}

#[test]
fn the_name_of_a_special_token_stays_text() {
    let model = model(3);
    let prompt = |question: &str| {
        let generation = model.start(&query(question, false, Sampling::greedy(1)), Context::NoImage(None)).unwrap();
        generation.transcript().prompts[0].ids.clone()
    };
    let ids = prompt("<|special_0|>");
    assert!(ids.len() > 13, "one token for each byte: {ids:?}");
}

#[test]
fn numbers_out_of_range_are_named() {
    let model = model(3);
    let image = prefix(&model, &picture(16, 16, 1));
    let error = |request: Request| model.start(&request, Context::Image(image.clone())).err().unwrap().to_string();
    let sampling = Sampling::default();
    assert!(error(query("a", false, Sampling { temperature: -1.0, ..sampling })).contains("temperature is -1"));
    assert!(error(query("a", false, Sampling { temperature: f32::NAN, ..sampling })).contains("temperature is NaN"));
    assert!(error(query("a", false, Sampling { top_p: 1.5, ..sampling })).contains("top_p is 1.5"));
    assert!(error(query("a", false, Sampling { max_tokens: 0, ..sampling })).contains("max_tokens is 0"));
    assert!(error(Request::Detect { object: String::new(), max_objects: 0 }).contains("max_objects is 0"));
    let place = |reference: SpatialReference| Request::Query {
        question: String::new(),
        references: vec![reference],
        reasoning: false,
        sampling,
    };
    assert!(error(place(SpatialReference::Point { x: 0.0, y: 1.5 })).contains("coordinate 1.5"));
    assert!(error(place(SpatialReference::Point { x: f64::NAN, y: 0.5 })).contains("coordinate NaN"));
    let inside_out = BoundingBox { x_min: 0.9, y_min: 0.0, x_max: 0.1, y_max: 1.0 };
    assert!(error(place(SpatialReference::Box(inside_out))).contains("inside out"));
    let long = error(query(&"x".repeat(400), false, sampling));
    assert!(long.contains("is too long: 238 are left in the context"), "{long}");
    assert!(error(query(&"x".repeat(100_000), false, sampling)).contains("over the limit of 65536"));
}

#[test]
fn the_context_ends_an_answer_and_a_detection() {
    let mut config = tiny::config();
    // With another token to end an answer, some run to the end of the context.
    config.tokenizer.eos_id = 299;
    let folder = tiny::folder(&config, DType::F32, 5);
    let model = Model::load(folder.path(), &LoadOptions::default()).unwrap();
    let image = prefix(&model, &picture(16, 16, 1));
    let (generation, events) =
        run(&model, &query("a", false, Sampling::greedy(100_000)), Context::Image(image.clone()));
    if *finish(&events) == Finish::ContextFull {
        assert_eq!(generation.positions(), config.text.max_context);
    }
    let (generation, events) =
        run(&model, &Request::Detect { object: "a".to_owned(), max_objects: 100_000 }, Context::Image(image.clone()));
    assert!(generation.positions() <= config.text.max_context);
    assert!(matches!(finish(&events), Finish::ContextFull | Finish::Stop));
    let (generation, events) = run(&model, &query("a", true, Sampling::greedy(100_000)), Context::Image(image));
    assert!(generation.positions() <= config.text.max_context);
    assert!(events.iter().any(|event| matches!(event, Event::Reasoning { .. })));
    assert!(matches!(finish(&events), Finish::ContextFull | Finish::Stop));
}

#[test]
fn the_cache_is_reserved_before_a_request_starts_and_given_back_after_it() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 6);
    let one = Model::load(folder.path(), &LoadOptions::default()).unwrap();
    let request = query("a", false, Sampling::greedy(40));
    let budget = one.cache_bytes(17) + 2 * one.request_bytes(&request, true).unwrap().max(one.cache_bytes(64));
    let options = LoadOptions { cache_budget: budget, ..LoadOptions::default() };
    let model = Model::load(folder.path(), &options).unwrap();
    let image = prefix(&model, &picture(16, 16, 1));
    assert_eq!(model.cache_use().reserved, image.bytes());
    let start = || model.start(&request, Context::Image(image.clone()));
    let (first, _second) = (start().unwrap(), start().unwrap());
    let Err(ModelError::CacheFull { needed, free, budget: all }) = start() else { panic!("a third does not fit") };
    assert_eq!((needed, free, all), (model.cache_bytes(64), 0, budget));
    drop(first);
    let (third, events) = run(&model, &request, Context::Image(image.clone()));
    assert!(matches!(finish(&events), Finish::MaxTokens | Finish::Stop));
    drop((third, _second));
    assert_eq!(model.cache_use().reserved, image.bytes());
    drop(image);
    assert_eq!(model.cache_use().reserved, 0);
}

#[test]
fn damaged_weights_end_the_request_and_nothing_else() {
    let folder = tiny::folder(&tiny::config(), DType::F32, 7);
    let file = folder.path().join("model.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 4;
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let parsed: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let offset = parsed["model.text.lm_head.bias"]["data_offsets"][0].as_u64().unwrap() as usize + 8 + header;
    assert!(offset < last);
    bytes[offset..offset + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    let model = Model::load(folder.path(), &LoadOptions::default()).unwrap();
    let image = prefix(&model, &picture(16, 16, 1));
    for request in requests() {
        let (_, events) = run(&model, &request, Context::Image(image.clone()));
        assert!(matches!(finish(&events), Finish::Failed(reason) if reason.contains("not numbers")), "{events:?}");
    }
    let (generation, events) = run(&model, &requests()[0], Context::Image(image));
    let mut finished = generation;
    model.step(&mut [&mut finished]).unwrap();
    assert!(finished.take_events().is_empty() && !events.is_empty());
}

#[test]
fn pieces_of_a_stream_join_to_the_text() {
    let model = model(8);
    let image = prefix(&model, &picture(40, 16, 9));
    for seed in 0..12 {
        let sampling = Sampling { temperature: 3.0, top_p: 1.0, seed, max_tokens: 120 };
        let request = Request::Caption { length: CaptionLength::Normal, sampling };
        let (generation, events) = run(&model, &request, Context::Image(image.clone()));
        let joined: String = events
            .iter()
            .filter_map(|event| if let Event::Text(piece) = event { Some(piece.as_str()) } else { None })
            .collect();
        let ascii = |text: &str| text.chars().filter(char::is_ascii).collect::<String>();
        let decoded = model.tokenizer().decode(&generation.transcript().prompts[0].generated).unwrap();
        assert_eq!(ascii(&joined), ascii(&decoded), "what is not UTF-8 may differ, all else not");
    }
    assert_eq!(DEFAULT_MAX_OBJECTS, 50);
}

#[test]
fn a_configuration_survives_its_file() {
    let config = tiny::config();
    let text = serde_json::to_vec(&config).unwrap();
    assert_eq!(Config::parse(&text).unwrap(), config);
}
