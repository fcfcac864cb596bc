//! Finding and reading the parts of a model folder.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use ring::digest::{Context, SHA256};
use serde::Deserialize;
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use crate::EmbeddingError;

/// Number of tokens of one chunk when the folder does not say: the window MiniLM models were trained with.
const DEFAULT_WINDOW: usize = 128;

/// Files with the tokenizer, the preferred one first.
const TOKENIZER_FILES: [&str; 2] = ["tokenizer.json", "vocab.txt"];

/// Files with the weights, the preferred one first.
const WEIGHT_FILES: [&str; 2] = ["model.safetensors", "pytorch_model.bin"];

/// Bytes of the hash that a fingerprint shows.
const FINGERPRINT_BYTES: usize = 16;

/// The parts of a loaded folder.
pub(crate) struct ModelFolder {
    pub(crate) model: BertModel,
    pub(crate) tokenizer: Tokenizer,
    /// Tokens of one chunk, special ones included.
    pub(crate) window: usize,
    /// Length of a vector.
    pub(crate) dimensions: usize,
    pub(crate) classify_token: u32,
    pub(crate) separate_token: u32,
    pub(crate) pad_token: u32,
}

/// The two keys of `tokenizer_config.json` that matter for a bare vocabulary.
#[derive(Deserialize)]
struct TokenizerConfig {
    #[serde(default = "lowercase_by_default")]
    do_lower_case: bool,
}

fn lowercase_by_default() -> bool {
    true
}

/// Reads every part of `folder`.
pub(crate) fn read(folder: &Path) -> Result<ModelFolder, EmbeddingError> {
    if !folder.is_dir() {
        return Err(EmbeddingError::NoFolder { folder: folder.to_owned() });
    }
    let config = read_config(folder)?;
    let tokenizer = read_tokenizer(folder)?;
    let token = |text: &str| {
        tokenizer.token_to_id(text).ok_or_else(|| EmbeddingError::InvalidFile {
            file: folder.join("tokenizer.json"),
            reason: format!("the vocabulary has no {text} token"),
        })
    };
    let (classify_token, separate_token, pad_token) = (token("[CLS]")?, token("[SEP]")?, token("[PAD]")?);
    if tokenizer.get_vocab_size(true) > config.vocab_size {
        return Err(EmbeddingError::InvalidFile {
            file: folder.join("config.json"),
            reason: format!(
                "vocab_size {} is smaller than the tokenizer's vocabulary of {}",
                config.vocab_size,
                tokenizer.get_vocab_size(true)
            ),
        });
    }
    let model = read_weights(folder, &config)?;
    Ok(ModelFolder {
        model,
        tokenizer,
        window: DEFAULT_WINDOW.min(config.max_position_embeddings).max(8),
        dimensions: config.hidden_size,
        classify_token,
        separate_token,
        pad_token,
    })
}

/// A hash of the files that were read and of how texts are cut.
pub(crate) fn fingerprint(folder: &Path) -> Result<String, EmbeddingError> {
    let mut context = Context::new(&SHA256);
    context.update(&DEFAULT_WINDOW.to_le_bytes());
    for names in [&["config.json"][..], &TOKENIZER_FILES, &["tokenizer_config.json"], &WEIGHT_FILES] {
        // The settings of a bare vocabulary may be absent.
        if let Some(file) = names.iter().map(|name| folder.join(name)).find(|file| file.is_file()) {
            let bytes = read_file(&file)?;
            context.update(&bytes.len().to_le_bytes());
            context.update(&bytes);
        }
    }
    Ok(context.finish().as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect())
}

fn read_config(folder: &Path) -> Result<Config, EmbeddingError> {
    let file = require(folder, &["config.json"], "config.json")?;
    let bytes = read_file(&file)?;
    let config: Config = serde_json::from_slice(&bytes).map_err(|error| invalid(&file, error))?;
    let heads = config.num_attention_heads;
    if heads == 0 || config.hidden_size == 0 || !config.hidden_size.is_multiple_of(heads) {
        return Err(invalid(&file, format!("hidden_size {} is not a multiple of {heads} heads", config.hidden_size)));
    }
    Ok(config)
}

fn read_tokenizer(folder: &Path) -> Result<Tokenizer, EmbeddingError> {
    let file = require(folder, &TOKENIZER_FILES, "tokenizer.json, vocab.txt")?;
    let mut tokenizer = if file.extension().is_some_and(|extension| extension == "json") {
        Tokenizer::from_file(&file).map_err(|error| invalid(&file, error))?
    } else {
        tokenizer_from_vocabulary(folder, &file)?
    };
    // Chunking is done here over whole texts, so the file's own cutting and padding would only lose words.
    tokenizer.with_truncation(None).map_err(|error| invalid(&file, error))?;
    tokenizer.with_padding(None);
    Ok(tokenizer)
}

fn tokenizer_from_vocabulary(folder: &Path, file: &Path) -> Result<Tokenizer, EmbeddingError> {
    let name = file.to_str().ok_or_else(|| invalid(file, "its path is not valid Unicode"))?;
    let model =
        WordPiece::from_file(name).unk_token("[UNK]".to_owned()).build().map_err(|error| invalid(file, error))?;
    let lowercase = std::fs::read(folder.join("tokenizer_config.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<TokenizerConfig>(&bytes).ok())
        .is_none_or(|config| config.do_lower_case);
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::new(true, true, None, lowercase)));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(tokenizer)
}

fn read_weights(folder: &Path, config: &Config) -> Result<BertModel, EmbeddingError> {
    let file = require(folder, &WEIGHT_FILES, "model.safetensors, pytorch_model.bin")?;
    let weights = if file.extension().is_some_and(|extension| extension == "safetensors") {
        // Read rather than mapped: a mapped file that is replaced while in use would be undefined behaviour.
        VarBuilder::from_buffered_safetensors(read_file(&file)?, DType::F32, &Device::Cpu)
    } else {
        VarBuilder::from_pth(&file, DType::F32, &Device::Cpu)
    };
    weights.and_then(|weights| BertModel::load(weights, config)).map_err(|error| invalid(&file, error))
}

fn require(folder: &Path, names: &[&str], wanted: &'static str) -> Result<PathBuf, EmbeddingError> {
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| EmbeddingError::MissingFile { folder: folder.to_owned(), wanted })
}

fn read_file(file: &Path) -> Result<Vec<u8>, EmbeddingError> {
    std::fs::read(file).map_err(|error| EmbeddingError::Unreadable { file: file.to_owned(), reason: error.to_string() })
}

fn invalid(file: &Path, reason: impl ToString) -> EmbeddingError {
    EmbeddingError::InvalidFile { file: file.to_owned(), reason: reason.to_string() }
}
