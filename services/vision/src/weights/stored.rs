//! Tensors in memory-mapped safetensors files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{host, packed};
use crate::kernels::{Matrix, Source, drop_pages, map_read_only};
use crate::model::{ModelError, files};

/// Largest list of shards that is read.
const LARGEST_INDEX: u64 = 16 << 20;

/// One tensor of a file.
pub(crate) struct RawTensor {
    file: Arc<MappedFile>,
    offset: usize,
    bytes: usize,
    dtype: DType,
    shape: Vec<usize>,
}

struct MappedFile {
    path: PathBuf,
    map: Mmap,
}

impl RawTensor {
    pub(crate) fn file(&self) -> &Path {
        &self.file.path
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.file.map.get(self.offset..self.offset + self.bytes).unwrap_or_default()
    }

    /// The tensor as stored, on `device`.
    pub(crate) fn read(&self, device: &Device) -> Result<Tensor, ModelError> {
        let tensor = Tensor::from_raw_buffer(self.bytes(), self.dtype, &self.shape, device)?;
        drop_pages(&self.file.map, self.offset, self.bytes);
        Ok(tensor)
    }

    /// The weight `(outputs, inputs)` of a linear layer; none of a type that is not one of numbers.
    fn pack(&self, (outputs, inputs): (usize, usize), dtype: DType) -> Option<io::Result<Matrix>> {
        let source = match self.dtype {
            DType::F32 => Source::F32(self.bytes()),
            DType::F16 => Source::F16(self.bytes()),
            DType::BF16 => Source::Bf16(self.bytes()),
            _ => return None,
        };
        let matrix = Matrix::pack(source, outputs, inputs, host::kind(dtype));
        drop_pages(&self.file.map, self.offset, self.bytes);
        Some(matrix)
    }
}

/// A tensor by its canonical name.
pub(crate) enum StoredTensor {
    /// As it is.
    Plain {
        /// The tensor.
        tensor: RawTensor,
        /// Whether its two sides are swapped in the file.
        transposed: bool,
    },
    /// A linear layer's weight packed to 4 bits.
    Packed {
        /// Two numbers a byte.
        packed: RawTensor,
        /// The scale of each group.
        scale: RawTensor,
        /// The zero of each group.
        zero_point: RawTensor,
    },
}

impl StoredTensor {
    /// The tensor in `dtype` on `device`.
    pub(crate) fn read(&self, dtype: DType, device: &Device) -> Result<Tensor, ModelError> {
        match self {
            Self::Plain { tensor, transposed: false } => Ok(tensor.read(device)?.to_dtype(dtype)?),
            Self::Plain { tensor, transposed: true } => Ok(tensor.read(device)?.t()?.contiguous()?.to_dtype(dtype)?),
            Self::Packed { packed, scale, zero_point } => {
                Ok(packed::unpack(packed, scale, zero_point)?.to_dtype(dtype)?.to_device(device)?)
            }
        }
    }

    /// The weight `(outputs, inputs)` of a linear layer, packed without a copy on the way; none where it lies
    /// otherwise in the file.
    pub(crate) fn pack(&self, sides: (usize, usize), dtype: DType) -> Option<io::Result<Matrix>> {
        match self {
            Self::Plain { tensor, transposed: false } => tensor.pack(sides, dtype),
            _ => None,
        }
    }

    /// Its shape in the file.
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Plain { tensor, .. } => tensor.shape(),
            Self::Packed { packed, .. } => packed.shape(),
        }
    }

    pub(crate) fn dtype(&self) -> DType {
        match self {
            Self::Plain { tensor, .. } => tensor.dtype,
            Self::Packed { scale, .. } => scale.dtype,
        }
    }

    pub(crate) fn elements(&self) -> usize {
        match self {
            Self::Plain { tensor, .. } => tensor.shape.iter().product(),
            Self::Packed { packed, .. } => 2 * packed.bytes,
        }
    }

    /// Whether this can be read as a tensor of numbers of `shape`. A packed weight knows only its number of elements.
    pub(crate) fn fits(&self, shape: &[usize]) -> bool {
        match self {
            Self::Plain { tensor, transposed } => {
                let is_number = matches!(tensor.dtype, DType::F32 | DType::F16 | DType::BF16);
                let found: Vec<usize> =
                    if *transposed { tensor.shape.iter().rev().copied().collect() } else { tensor.shape.clone() };
                is_number && found == shape
            }
            Self::Packed { packed, scale, zero_point } => packed::fits(packed, scale, zero_point, shape),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Plain { tensor, transposed } => {
                let note = if *transposed { ", stored transposed" } else { "" };
                format!("{:?} of {}{note}", tensor.shape, tensor.dtype.as_str())
            }
            Self::Packed { packed, scale, zero_point } => {
                format!("packed {:?}, scale {:?}, zero_point {:?}", packed.shape, scale.shape, zero_point.shape)
            }
        }
    }
}

/// The shards that an index file names, which must lie beside it.
pub(crate) fn index_shards(index: &Path) -> Result<Vec<PathBuf>, ModelError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: std::collections::BTreeMap<String, String>,
    }
    let bytes = files::read_bounded(index, LARGEST_INDEX)?;
    let parsed: Index = serde_json::from_slice(&bytes).map_err(|error| ModelError::file(index, error))?;
    let folder = index.parent().unwrap_or(Path::new("."));
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    let shard = |name: String| {
        if Path::new(&name).file_name().and_then(|file| file.to_str()) == Some(name.as_str()) {
            Ok(folder.join(name))
        } else {
            Err(ModelError::file(index, format!("it names {name}; shards must lie in the same folder")))
        }
    };
    names.into_iter().map(shard).collect()
}

/// Every tensor of `paths`, by the name in its file.
pub(crate) fn open_all(paths: &[PathBuf]) -> Result<Vec<(String, RawTensor)>, ModelError> {
    let mut tensors = Vec::new();
    for path in paths {
        let file = File::open(path).map_err(|error| ModelError::file(path, error))?;
        let map = map_read_only(&file).map_err(|error| ModelError::file(path, error))?;
        let file = Arc::new(MappedFile { path: path.clone(), map });
        let start = file.map.as_ptr() as usize;
        let parsed = SafeTensors::deserialize(&file.map)
            .map_err(|error| ModelError::file(path, format!("{error}; fetch the file again")))?;
        for (name, view) in parsed.iter() {
            let dtype = dtype(view.dtype()).ok_or_else(|| {
                ModelError::file(path, format!("tensor {name} is of type {:?}, which is not known", view.dtype()))
            })?;
            let offset = view.data().as_ptr() as usize - start;
            let (bytes, shape) = (view.data().len(), view.shape().to_vec());
            tensors.push((name.to_owned(), RawTensor { file: Arc::clone(&file), offset, bytes, dtype, shape }));
        }
    }
    Ok(tensors)
}

fn dtype(dtype: Dtype) -> Option<DType> {
    match dtype {
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::BF16),
        Dtype::U8 => Some(DType::U8),
        Dtype::I64 => Some(DType::I64),
        _ => None,
    }
}
