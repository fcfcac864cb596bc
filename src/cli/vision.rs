//! What can be typed after `aerie vision`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand, ValueEnum};

/// What to do with the vision model.
#[derive(Subcommand, Debug)]
pub enum Vision {
    /// Run the vision service as a process of its own: gRPC, and the prior system's /health and /analyze, on one port.
    ///
    /// `aerie up` does this by itself when vision.model is set. The service answers once the model has passed a test of
    /// itself; /readyz says so.
    Up(VisionUp),
    /// Ask a question about an image.
    Ask(VisionAsk),
    /// Describe an image.
    Caption(VisionCaption),
    /// Draw boxes around every object of a kind.
    Detect(Find),
    /// Point at every object of a kind.
    Point(Find),
    /// Say which model answers, and how much of its memory is in use.
    Model(VisionModel),
    /// Compare a model with the numbers that a reference implementation computed; exit code 1 when anything differs.
    Verify(VisionVerify),
    /// Write a smaller model: its linear layers in 8 or 4 bits.
    Quantize(VisionQuantize),
    /// Download the model, or go on with a download that broke off.
    ///
    /// Files go into the hub's usual cache, where other programs find them too, and are checked against the hub's
    /// checksums. The folder is printed at the end; name it in vision.model.
    Fetch(VisionFetch),
    /// Write a model with random weights: it says nothing that means anything, but does so as fast as a real one.
    Random(VisionRandom),
}

/// Where the model runs for one command.
#[derive(Args, Debug)]
pub struct VisionPlaceArguments {
    /// Load this folder for the command, instead of asking the service that runs (or loading vision.model).
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Where to compute when a model is loaded: auto, cpu or cuda:0.
    #[arg(long)]
    pub device: Option<String>,
    /// Variant of the model to ask, out of vision.variants.
    #[arg(long, default_value = "")]
    pub variant: String,
}

/// How an answer is drawn.
#[derive(Args, Debug)]
pub struct Drawn {
    /// 0 always takes the likeliest word; higher values vary more. 0.5 when left out.
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Draw from the likeliest words that have this much probability together, 0 to 1. 0.3 when left out.
    #[arg(long)]
    pub top_p: Option<f32>,
    /// The same seed gives the same answer.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Longest answer in tokens; 768 or the service's limit, whichever is less, when left out.
    #[arg(long, default_value_t = 0)]
    pub max_tokens: u32,
}

/// Arguments of `vision up`.
#[derive(Args, Debug)]
pub struct VisionUp {
    /// Folder of the model, instead of vision.model.
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Address to listen on, instead of vision.listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where to compute, instead of vision.device: auto, cpu or cuda:0.
    #[arg(long)]
    pub device: Option<String>,
    /// Type that weights are kept in, instead of vision.dtype: f32, bf16 or f16.
    #[arg(long)]
    pub dtype: Option<String>,
    /// End when standard input ends: somebody else watches this process.
    #[arg(long, hide = true)]
    pub supervised: bool,
}

/// Arguments of `vision ask`.
#[derive(Args, Debug)]
pub struct VisionAsk {
    /// The image: JPEG, PNG, WebP or GIF; "-" reads standard input.
    pub image: PathBuf,
    /// The question.
    pub question: String,
    /// Think aloud first.
    #[arg(long)]
    pub reasoning: bool,
    /// Point that the question is about, X,Y from 0,0 (left, top) to 1,1; may be given several times.
    #[arg(long = "point", value_name = "X,Y")]
    pub points: Vec<String>,
    /// Box that the question is about, LEFT,TOP,RIGHT,BOTTOM from 0 to 1; may be given several times.
    #[arg(long = "box", value_name = "L,T,R,B")]
    pub boxes: Vec<String>,
    /// How the answer is drawn.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Where the model runs.
    #[command(flatten)]
    pub place: VisionPlaceArguments,
    /// Print the answer with what it took as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision caption`.
#[derive(Args, Debug)]
pub struct VisionCaption {
    /// The image: JPEG, PNG, WebP or GIF; "-" reads standard input.
    pub image: PathBuf,
    /// How long the caption should be.
    #[arg(long, value_enum, default_value_t = Length::Normal)]
    pub length: Length,
    /// How the caption is drawn.
    #[command(flatten)]
    pub drawn: Drawn,
    /// Where the model runs.
    #[command(flatten)]
    pub place: VisionPlaceArguments,
    /// Print the caption with what it took as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Length of a caption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Length {
    /// A sentence.
    Short,
    /// A few sentences.
    Normal,
    /// A paragraph or more.
    Long,
}

/// Arguments of `vision detect` and `vision point`.
#[derive(Args, Debug)]
pub struct Find {
    /// The image: JPEG, PNG, WebP or GIF; "-" reads standard input.
    pub image: PathBuf,
    /// What to look for: "face", "submit button".
    pub object: String,
    /// Objects at most.
    #[arg(long, default_value_t = 50)]
    pub max_objects: u32,
    /// Write the image with what was found drawn into it.
    #[arg(long, value_name = "OUT.png")]
    pub draw: Option<PathBuf>,
    /// Where the model runs.
    #[command(flatten)]
    pub place: VisionPlaceArguments,
    /// Print what was found as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision model`.
#[derive(Args, Debug)]
pub struct VisionModel {
    /// Where the model runs.
    #[command(flatten)]
    pub place: VisionPlaceArguments,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision verify`.
#[derive(Args, Debug)]
pub struct VisionVerify {
    /// Folder with a model, pictures, and the numbers to compare with (golden.json, golden.safetensors).
    pub folder: PathBuf,
    /// Where to compute: auto, cpu or cuda:0.
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Type that weights are kept in: f32, bf16 or f16. What is narrower than f32 is allowed larger errors.
    #[arg(long, default_value = "f32")]
    pub dtype: String,
    /// Compute on a CPU as on a GPU: slowly, with the operations that are used there.
    #[arg(long)]
    pub as_on_gpu: bool,
    /// Print every comparison as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision quantize`.
#[derive(Args, Debug)]
pub struct VisionQuantize {
    /// Folder of the model.
    pub source: PathBuf,
    /// Folder to write; new or empty.
    pub target: PathBuf,
    /// Form of the linear layers: q8_0, q4_0 or q4_k.
    #[arg(long = "to", default_value = "q8_0")]
    pub quantization: String,
    /// Print what was written as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision fetch`.
#[derive(Args, Debug)]
pub struct VisionFetch {
    /// Repository of the model on the hub.
    #[arg(long, default_value = "vikhyatk/moondream2")]
    pub repository: String,
    /// Tag, branch or commit; what it stood for at the first download is kept.
    #[arg(long, default_value = "2025-06-21")]
    pub revision: String,
    /// Repository of the tokenizer, where the model's own has none.
    #[arg(long, default_value = "moondream/starmie-v1")]
    pub tokenizer: String,
    /// Tag, branch or commit of the tokenizer's repository.
    #[arg(long, default_value = "main")]
    pub tokenizer_revision: String,
    /// Folder of the hub's cache.
    #[arg(long, value_name = "DIR", env = "HF_HUB_CACHE")]
    pub cache: Option<PathBuf>,
    /// Address of the hub.
    #[arg(long, env = "HF_ENDPOINT", default_value = "https://huggingface.co")]
    pub endpoint: String,
    /// Connect to nothing: only say where an earlier download lies, and check it.
    #[arg(long)]
    pub offline: bool,
    /// Print the folder and its files as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `vision random`.
#[derive(Args, Debug)]
pub struct VisionRandom {
    /// Folder to write; new or empty.
    pub folder: PathBuf,
    /// How large: "full" is the real model's 3.9 GB, "tiny" a few hundred kilobytes.
    #[arg(long, value_enum, default_value_t = Size::Tiny)]
    pub size: Size,
    /// Seed of the weights.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Size of a random model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// For trying things out.
    Tiny,
    /// As large as the real one.
    Full,
}
