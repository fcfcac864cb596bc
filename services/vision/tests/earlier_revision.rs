//! The service with weights of spring 2024: its answers are those of candle-transformers' own loop, it keeps the engine's
//! promises, and it says what it cannot do and what is wrong with a folder.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use aerie_config::{Loader, Vision};
use aerie_proto::vision::v1::{self as pb, vision_service_client::VisionServiceClient};
use aerie_rpc::{Backend, ErrorCode, RpcError};
use aerie_telemetry::Lifecycle;
use aerie_vision::VisionService;
use aerie_vision::engine::State;
use aerie_vision::image::{Filter, Picture, resize_by};
use aerie_vision::model::{LoadOptions, Model};
use aerie_vision::testing::{noise, write_tiny_earlier_model};
use aerie_vision::weights::{Quantization, quantize};
use bytes::Bytes;
use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{moondream, quantized_moondream};
use candle_transformers::quantized_var_builder;
use futures::StreamExt;
use serde_json::json;
use tempfile::TempDir;
use tokenizers::Tokenizer;

/// The end of a text, the first of the tokenizer's special tokens.
const END_OF_TEXT: u32 = 0;
/// Side of the picture that the tiny model reads.
const SIDE: usize = 28;

fn folder(seed: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_tiny_earlier_model(folder.path(), DType::F32, seed).unwrap();
    folder
}

fn tensors(folder: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap()
}

fn write(folder: &Path, tensors: &HashMap<String, Tensor>) {
    candle_core::safetensors::save(tensors, folder.join("model.safetensors")).unwrap();
}

fn settings(folder: &Path) -> Vision {
    with_variants(folder, &json!({}))
}

fn with_variants(folder: &Path, variants: &serde_json::Value) -> Vision {
    let overrides = json!({
        "vision": {"model": folder, "device": "cpu", "cache_bytes": 64 << 20, "variants": variants},
    });
    Loader::new().overrides(&overrides).unwrap().load().unwrap().vision
}

async fn settled(settings: &Vision) -> (VisionService, State) {
    let service = VisionService::create(settings, &Lifecycle::new()).await.unwrap();
    let state = service.engine().state().wait_for(|state| !matches!(state, State::Loading)).await.unwrap().clone();
    (service, state)
}

/// A service whose model has passed its test.
async fn ready(folder: &Path) -> VisionService {
    let (service, state) = settled(&settings(folder)).await;
    assert!(matches!(state, State::Ready(_)), "{state:?}");
    service
}

/// Why a folder cannot be used.
async fn failure(settings: &Vision) -> String {
    match settled(settings).await.1 {
        State::Failed(message) => message,
        state => panic!("{state:?}"),
    }
}

fn client(service: &VisionService) -> VisionServiceClient<Backend> {
    VisionServiceClient::new(service.backend())
}

fn picture(seed: u32) -> Picture {
    noise(50, 30, seed).unwrap()
}

fn png(seed: u32) -> Bytes {
    let image = image::RgbImage::from_raw(50, 30, picture(seed).pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

fn sampling(max_tokens: u32) -> Option<pb::Sampling> {
    Some(pb::Sampling { temperature: Some(0.0), max_tokens, ..Default::default() })
}

fn question(question: &str, seed: u32, max_tokens: u32) -> pb::QueryRequest {
    let sampling = sampling(max_tokens);
    pb::QueryRequest { image: png(seed), question: question.into(), sampling, ..Default::default() }
}

/// The tiny model's measures in candle-transformers' own words.
fn config() -> moondream::Config {
    let config = json!({
        "phi_config": {"vocab_size": 300, "n_positions": 256, "n_embd": 64, "n_layer": 2, "n_inner": 96, "n_head": 4,
            "rotary_dim": 8, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": false,
            "pad_vocab_size_multiple": 64},
        "vision_config": {"image_embedding_dim": 1152, "model_dim": 64, "hidden_dim": 32, "hidden_features": 32,
            "embed_len": 4, "embed_dim": 1152, "num_blocks": 1, "num_heads": 16, "act": "gelu_pytorch_tanh"},
    });
    serde_json::from_value(config).unwrap()
}

/// The picture `(1, 3, side, side)` from -1 to 1.
fn pixels(seed: u32) -> Tensor {
    let whole = resize_by(Filter::Cubic, &picture(seed), SIDE, SIDE).unwrap();
    let pixels = Tensor::from_slice(whole.pixels(), (SIDE, SIDE, 3), &Device::Cpu).unwrap();
    let pixels = ((pixels.to_dtype(DType::F32).unwrap() / 255.0).unwrap() - 0.5).unwrap();
    (pixels / 0.5).unwrap().permute((2, 0, 1)).unwrap().contiguous().unwrap().unsqueeze(0).unwrap()
}

/// Answers as candle-transformers' example does. The two forms of the model share their functions but no trait.
macro_rules! direct {
    ($model:expr, $folder:expr, $seed:expr, $question:expr, $tokens:expr) => {{
        let mut model = $model;
        let mut tokenizer = Tokenizer::from_file($folder.join("tokenizer.json")).unwrap();
        // What a caller spells out stays plain text.
        tokenizer.set_encode_special_tokens(true);
        let row = |ids: &[u32]| Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let image = model.vision_encoder().forward(&pixels($seed)).unwrap();
        let prompt = tokenizer.encode(format!("\n\nQuestion: {}\n\nAnswer:", $question), false).unwrap();
        let first = row(&[END_OF_TEXT]);
        let mut logits = model.text_model().forward_with_img(&first, &row(prompt.get_ids()), &image).unwrap();
        let mut ids: Vec<u32> = Vec::new();
        loop {
            let id: u32 = logits.squeeze(0).unwrap().argmax(0).unwrap().to_scalar().unwrap();
            if id == END_OF_TEXT {
                break;
            }
            ids.push(id);
            if ids.len() == $tokens {
                break;
            }
            logits = model.text_model().forward(&row(&[id])).unwrap();
        }
        (tokenizer.decode(&ids, true).unwrap().trim().to_owned(), ids.len() as u32)
    }};
}

fn plain(folder: &Path) -> moondream::Model {
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let builder = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu).unwrap();
    moondream::Model::new(&config(), builder).unwrap()
}

#[tokio::test]
async fn answers_are_those_of_candle_transformers_and_streams_join_to_the_same() {
    let folder = folder(1);
    let service = ready(folder.path()).await;
    let mut client = client(&service);
    for (seed, words, tokens) in [(1, "What is this?", 24), (2, "Why <|endoftext|>?", 9), (1, "", 40)] {
        let request = question(words, seed, tokens);
        let answer = client.query(request.clone()).await.unwrap().into_inner();
        let (text, count) = direct!(plain(folder.path()), folder.path(), seed, words, tokens as usize);
        let usage = answer.usage.unwrap();
        assert_eq!((answer.answer.as_str(), usage.output_tokens), (text.as_str(), count), "{words}");
        assert_eq!((usage.image_tokens, answer.reasoning), (5, None));

        let request = pb::StreamQueryRequest { query: Some(request) };
        let mut pieces = client.stream_query(request).await.unwrap().into_inner();
        let (mut joined, mut end) = (String::new(), None);
        while let Some(piece) = pieces.next().await {
            match piece.unwrap().event.unwrap() {
                pb::stream_query_response::Event::Text(text) => joined.push_str(&text),
                pb::stream_query_response::Event::End(last) => end = Some(last),
                pb::stream_query_response::Event::Reasoning(_) => panic!("it does not think aloud"),
            }
        }
        let end = end.unwrap();
        assert_eq!((joined, end.finish_reason), (text, answer.finish_reason));
        assert!(end.usage.unwrap().image_cached, "the second time the image is known");
    }
}

#[tokio::test]
async fn captions_are_asked_for_in_words() {
    let folder = folder(2);
    let service = ready(folder.path()).await;
    let mut client = client(&service);
    for (length, words) in [
        (pb::CaptionLength::Short, "Describe this image in one sentence."),
        (pb::CaptionLength::Unspecified, "Describe this image."),
        (pb::CaptionLength::Long, "Describe this image in detail."),
    ] {
        let request =
            pb::CaptionRequest { image: png(3), length: length.into(), sampling: sampling(12), ..Default::default() };
        let caption = client.caption(request.clone()).await.unwrap().into_inner().caption;
        assert_eq!(caption, direct!(plain(folder.path()), folder.path(), 3, words, 12).0, "{words}");
        let request = pb::StreamCaptionRequest { caption: Some(request) };
        let pieces: Vec<_> = client.stream_caption(request).await.unwrap().into_inner().collect().await;
        let text = pieces.into_iter().filter_map(|piece| match piece.unwrap().event {
            Some(pb::stream_caption_response::Event::Text(text)) => Some(text),
            _ => None,
        });
        assert_eq!(text.collect::<String>(), caption);
    }
    let without = pb::QueryRequest { question: "Why?".into(), sampling: sampling(4), ..Default::default() };
    let usage = client.query(without).await.unwrap().into_inner().usage.unwrap();
    assert_eq!((usage.image_tokens, usage.image_cached), (0, false));
}

/// The weights as q4_0 where whole blocks allow it, as candle's own tool writes them.
fn quantized(folder: &Path) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json"] {
        std::fs::copy(folder.join(name), target.path().join(name)).unwrap();
    }
    let tensors = tensors(folder).into_iter().map(|(name, tensor)| {
        let is_linear = tensor.rank() == 2 && tensor.dim(1).unwrap().is_multiple_of(32);
        let dtype = if is_linear { GgmlDType::Q4_0 } else { GgmlDType::F32 };
        (name, QTensor::quantize(&tensor, dtype).unwrap())
    });
    let tensors: Vec<_> = tensors.collect();
    let list: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut File::create(target.path().join("model-q4_0.gguf")).unwrap(), &[], &list).unwrap();
    target
}

#[tokio::test]
async fn quantised_weights_answer_as_candle_transformers_does_with_them() {
    let folder = folder(3);
    let small = quantized(folder.path());
    let service = ready(small.path()).await;
    let answer = client(&service).query(question("What is this?", 1, 20)).await.unwrap().into_inner();
    let file = small.path().join("model-q4_0.gguf");
    let builder = quantized_var_builder::VarBuilder::from_gguf(file, &Device::Cpu).unwrap();
    let model = quantized_moondream::Model::new(&config(), builder).unwrap();
    assert_eq!(answer.answer, direct!(model, small.path(), 1, "What is this?", 20).0);
    assert_ne!(answer.answer, direct!(plain(folder.path()), folder.path(), 1, "What is this?", 20).0);
}

#[tokio::test]
async fn narrow_weights_and_other_names_are_read_too() {
    let folder = folder(1);
    let wide = tensors(folder.path());
    let exact = client(&ready(folder.path()).await).query(question("What?", 1, 6)).await.unwrap().into_inner();
    // Some tools put everything under one more name; in f16 only rounding differs, which f32 keeps from here on.
    let narrow = wide.iter().map(|(name, tensor)| {
        let narrow = tensor.to_dtype(DType::F16).unwrap();
        (name.clone(), narrow.to_dtype(DType::F32).unwrap(), format!("model.{name}"), narrow)
    });
    let narrow: Vec<_> = narrow.collect();
    write(folder.path(), &narrow.iter().map(|(name, wide, ..)| (name.clone(), wide.clone())).collect());
    let expected = direct!(plain(folder.path()), folder.path(), 1, "What?", 6).0;
    write(folder.path(), &narrow.into_iter().map(|(_, _, name, narrow)| (name, narrow)).collect());
    let service = ready(folder.path()).await;
    let answer = client(&service).query(question("What?", 1, 6)).await.unwrap().into_inner();
    assert_eq!(answer.answer, expected);
    assert!(!exact.answer.is_empty());
}

#[tokio::test]
async fn an_answer_ends_with_the_end_of_the_text() {
    let folder = folder(4);
    let mut tensors = tensors(folder.path());
    let mut bias = vec![0f32; 300];
    bias[END_OF_TEXT as usize] = 1e4;
    tensors.insert("text_model.lm_head.linear.bias".into(), Tensor::new(bias, &Device::Cpu).unwrap());
    write(folder.path(), &tensors);
    let service = ready(folder.path()).await;
    let answer = client(&service).query(question("What?", 1, 50)).await.unwrap().into_inner();
    assert_eq!((answer.answer.as_str(), answer.finish_reason()), ("", pb::FinishReason::Stop));
    assert_eq!(answer.usage.unwrap().output_tokens, 0);
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_with_its_revision_and_the_remedy() {
    let folder = folder(1);
    let service = ready(folder.path()).await;
    let mut client = client(&service);
    let model = client.get_model(pb::GetModelRequest {}).await.unwrap().into_inner();
    assert_eq!((model.revision.as_str(), model.dtype.as_str(), model.context_tokens), ("2024-04-02", "f32", 256));
    assert_eq!(model.skills().collect::<Vec<_>>(), [pb::Skill::Caption, pb::Skill::Query]);

    let detect = pb::DetectRequest { image: png(1), object: "cat".into(), ..Default::default() };
    let point = pb::PointRequest { image: png(1), object: "cat".into(), ..Default::default() };
    let place = pb::spatial_reference::Place::Point(pb::ImagePoint { x: 0.5, y: 0.5 });
    let references = vec![pb::SpatialReference { place: Some(place) }];
    let thinking = pb::QueryRequest { reasoning: true, ..question("Why?", 1, 4) };
    let errors = [
        client.detect(detect).await.unwrap_err(),
        client.point(point).await.unwrap_err(),
        client.query(thinking.clone()).await.unwrap_err(),
        client.stream_query(pb::StreamQueryRequest { query: Some(thinking) }).await.unwrap_err(),
        client.query(pb::QueryRequest { references, ..question("What?", 1, 4) }).await.unwrap_err(),
    ];
    let cannot = ["draw boxes", "point at things", "think aloud", "think aloud", "be asked about places in an image"];
    for (error, cannot) in errors.into_iter().zip(cannot) {
        let error = RpcError::from(error);
        assert_eq!((error.code, error.reason.as_ref()), (ErrorCode::FailedPrecondition, "NOT_OFFERED"));
        for part in [cannot, "Moondream2 of 2024-04-02", "aerie vision fetch"] {
            assert!(error.message.contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn who_leaves_or_comes_late_gives_everything_back_and_the_next_is_answered() {
    let folder = folder(5);
    let service = ready(folder.path()).await;
    let mut client = client(&service);
    let first = client.query(question("What?", 1, 6)).await.unwrap().into_inner();
    let image_only = service.engine().cache_used();
    assert!(image_only > 0);
    let long = pb::StreamQueryRequest { query: Some(question("What?", 1, 200)) };
    let mut stream = client.stream_query(long.clone()).await.unwrap().into_inner();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    let mut late = tonic::Request::new(long.query.unwrap());
    late.set_timeout(Duration::from_nanos(1));
    let error = RpcError::from(client.query(late).await.unwrap_err());
    assert_eq!(error.code, ErrorCode::DeadlineExceeded, "{error}");
    // One at a time: this one starts when those before it are gone, and nothing of them is left in the decoder.
    let again = client.query(question("What?", 1, 6)).await.unwrap().into_inner();
    assert_eq!(again.answer, first.answer);
    assert!(again.usage.unwrap().image_cached);
    let too_long = client.query(question(&"x".repeat(300), 1, 6)).await.unwrap_err();
    assert!(too_long.message().contains("too long"), "{too_long}");
    // The turn that ends an answer gives its memory back before the next one begins.
    client.query(question("What?", 1, 1)).await.unwrap();
    while service.engine().cache_used() > image_only {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn callers_are_answered_in_turn_and_the_same_as_alone() {
    let folder = folder(6);
    let service = ready(folder.path()).await;
    let mut alone = Vec::new();
    for seed in 0..4 {
        alone.push(client(&service).query(question("What?", seed, 8)).await.unwrap().into_inner().answer);
    }
    let together = (0..4).map(|seed| {
        let mut client = client(&service);
        async move { client.query(question("What?", seed, 8)).await.unwrap().into_inner().answer }
    });
    assert_eq!(futures::future::join_all(together).await, alone);
    assert!(alone.windows(2).any(|pair| pair[0] != pair[1]), "{alone:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_folder_is_named() {
    let folder = folder(7);
    let whole = tensors(folder.path());
    let with = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = whole.clone();
        change(&mut tensors);
        write(folder.path(), &tensors);
    };
    with(&|tensors| {
        tensors.remove("text_model.transformer.h.1.mixer.out_proj.bias");
        let narrow = Tensor::zeros((32, 1151), DType::F32, &Device::Cpu).unwrap();
        tensors.insert("vision_encoder.projection.mlp.fc1.weight".into(), narrow);
    });
    let message = failure(&settings(folder.path())).await;
    assert!(message.contains("text_model.transformer.h.1.mixer.out_proj.bias [64] is missing"), "{message}");
    assert!(message.contains("projection.mlp.fc1.weight is [32, 1151] and should be [32, 1152]"), "{message}");

    with(&|tensors| drop(tensors.remove("text_model.transformer.embd.wte.weight")));
    let message = failure(&settings(folder.path())).await;
    assert!(message.contains("text_model.transformer.embd.wte.weight is missing"), "{message}");

    with(&|tensors| {
        let wide = Tensor::zeros((32, 2304), DType::F32, &Device::Cpu).unwrap();
        tensors.insert("vision_encoder.projection.mlp.fc1.weight".into(), wide);
    });
    assert!(failure(&settings(folder.path())).await.contains("between 2024-05-20 and 2024-12"));

    with(&|tensors| tensors.retain(|name, _| name.starts_with("vision_encoder")));
    let message = failure(&settings(folder.path())).await;
    assert!(message.contains("not those of a Moondream2"), "{message}");

    with(&|_| {});
    let varied = with_variants(folder.path(), &json!({"chart": "/chart.safetensors"}));
    let message = failure(&varied).await;
    assert!(message.contains("has no variants") && message.contains("/chart.safetensors"), "{message}");
    let tokenizer = std::fs::read_to_string(folder.path().join("tokenizer.json")).unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), tokenizer.replace("<|endoftext|>", "<|end|>")).unwrap();
    let message = failure(&settings(folder.path())).await;
    assert!(message.contains("tokenizer.json") && message.contains("<|endoftext|>"), "{message}");
    std::fs::write(folder.path().join("config.json"), r#"{"text_config": {"num_attention_heads": 7}}"#).unwrap();
    let message = failure(&settings(folder.path())).await;
    assert!(message.contains("text_config.num_attention_heads is 7"), "{message}");
}

#[test]
fn tools_for_the_current_model_say_that_these_weights_are_not_its() {
    let folder = folder(8);
    let target = tempfile::tempdir().unwrap();
    let loaded = Model::load(folder.path(), &LoadOptions::default()).err().unwrap();
    let quantised = quantize(folder.path(), target.path(), Quantization::Q8_0).err().unwrap();
    for error in [loaded, quantised] {
        assert!(error.to_string().contains("the weights are of Moondream2 2024-04-02"), "{error}");
    }
}
