//! GGUF files, whose linear layers may be quantised.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device};

use super::{ExpectedTensor, TensorRole};
use crate::model::ModelError;

/// A GGUF file with tensors under canonical names.
pub(crate) struct GgufFile {
    path: PathBuf,
    content: Content,
    reader: Mutex<BufReader<File>>,
}

impl GgufFile {
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let file = File::open(path).map_err(|error| ModelError::file(path, error))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let content = Content::read(&mut reader)
            .map_err(|error| ModelError::file(path, format!("{error}; quantise or fetch it again")))?;
        Ok(Self { path: path.to_owned(), content, reader: Mutex::new(reader) })
    }

    /// The tensor `name`, on `device`; `None` where there is none.
    pub(crate) fn read(&self, name: &str, device: &Device) -> Result<Option<QTensor>, ModelError> {
        if !self.content.tensor_infos.contains_key(name) {
            return Ok(None);
        }
        let mut reader = self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let read = self.content.tensor(&mut *reader, name, device);
        read.map(Some).map_err(|error| ModelError::file(&self.path, format!("tensor {name}: {error}")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Shapes by the names in the file.
    pub(crate) fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        let infos = self.content.tensor_infos.iter();
        infos.map(|(name, info)| (name.clone(), info.shape.dims().to_vec())).collect()
    }

    pub(crate) fn is_quantized(&self, name: &str) -> bool {
        let plain = [GgmlDType::F32, GgmlDType::F16, GgmlDType::BF16];
        self.content.tensor_infos.get(name).is_some_and(|info| !plain.contains(&info.ggml_dtype))
    }

    /// The type that most numbers have which are not quantised.
    pub(crate) fn plain_dtype(&self) -> DType {
        let plain = self.content.tensor_infos.values().filter_map(|info| match info.ggml_dtype {
            GgmlDType::BF16 => Some((info.shape.elem_count(), DType::BF16)),
            GgmlDType::F16 => Some((info.shape.elem_count(), DType::F16)),
            GgmlDType::F32 => Some((info.shape.elem_count(), DType::F32)),
            _ => None,
        });
        plain.max_by_key(|(count, _)| *count).map_or(DType::F32, |(_, dtype)| dtype)
    }

    pub(crate) fn parameters(&self) -> usize {
        self.content.tensor_infos.values().map(|info| info.shape.elem_count()).sum()
    }

    pub(crate) fn fits(&self, expected: &ExpectedTensor) -> bool {
        let Some(info) = self.content.tensor_infos.get(&expected.name) else { return false };
        let found = info.shape.dims();
        if expected.role == TensorRole::Linear && self.is_quantized(&expected.name) {
            let block = info.ggml_dtype.block_size();
            return matches!((found, expected.shape.as_slice()), ([out, padded], [expected_out, input])
                if out == expected_out && *padded == input.next_multiple_of(block));
        }
        found == expected.shape
    }

    pub(crate) fn describe(&self) -> BTreeMap<String, String> {
        let describe = |info: &candle_core::quantized::gguf_file::TensorInfo| {
            format!("{:?} of {:?}", info.shape.dims(), info.ggml_dtype)
        };
        self.content.tensor_infos.iter().map(|(name, info)| (name.clone(), describe(info))).collect()
    }
}
