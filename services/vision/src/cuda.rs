//! What a GPU computes of a model in bf16: kernels of this crate (`cuda/kernels.cu`) between cuBLASLt's matrix products,
//! with biases, GELU and sums in the products themselves.
//!
//! Without this candle computes, one operation after the other, as it does for other types and for quantised weights on a
//! GPU. Everything here runs on the one stream of its device, in order; addresses are passed as numbers, and whoever
//! passes one keeps the tensor that it came from.
#![allow(unsafe_code)]

mod layers;
mod products;
mod staging;
mod step;
mod text;
mod vision;

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::cuda_backend::cudarc::driver::sys::{self, CUdevice_attribute_enum as Attribute};
use candle_core::cuda_backend::cudarc::driver::{CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr};
use candle_core::{CudaDevice, DType, Device, Error, Result, Storage, Tensor};
use half::bf16;

pub(crate) use step::RowInput;
pub(crate) use text::{BlockLayers as TextBlock, FusedText, Parts as TextParts};
pub(crate) use vision::{BlockLayers as VisionBlock, FusedVision, Parts as VisionParts};

use products::Products;

/// The kernels, compiled by this crate's build script, for every GPU with bf16.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels_80.ptx"));
/// The same for Hopper and later ones, where a kernel may start while the one before it ends.
const PTX_OF_HOPPER: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels_90.ptx"));
/// Hopper's compute capability.
const HOPPER: i32 = 9;
/// Kernels that want more shared memory than a block has unasked, and how much.
const LARGE: [(&str, i32); 8] = [
    ("attend_crop_16", shared_of_tile(128, 16)),
    ("attend_crop_32", shared_of_tile(128, 32)),
    ("attend_crop_64", shared_of_tile(128, 64)),
    ("attend_crop_80", shared_of_tile(128, 80)),
    ("attend_crop_128", shared_of_tile(128, 128)),
    ("attend_rows_64", shared_of_tile(64, 64)),
    ("attend_rows_128", shared_of_tile(128, 64)),
    ("block_out_4", text::FEW_ROWS_SHARED),
];
/// All others.
const SMALL: [&str; 17] = [
    "layer_norm",
    "embed",
    "begin_crops",
    "patches",
    "join_crops",
    "decide",
    "rotate_and_store",
    "attend_one",
    "join_shares",
    "block_in_1",
    "block_in_2",
    "block_in_4",
    "head_1",
    "head_2",
    "head_4",
    "block_out_1",
    "block_out_2",
];

/// Bytes of shared memory for attention of `queries` queries with heads of `padded` numbers.
const fn shared_of_tile(queries: i32, padded: i32) -> i32 {
    2 * (queries + 4 * 64) * (padded + 8)
}

/// An address in the device's memory.
type Address = u64;

/// What a kernel is called with.
#[derive(Clone, Copy)]
enum Argument {
    Address(Address),
    Number(i32),
}

fn at(address: Address) -> Argument {
    Argument::Address(address)
}

fn count(number: usize) -> Argument {
    Argument::Number(i32::try_from(number).unwrap_or(i32::MAX))
}

/// How often a kernel runs.
#[derive(Clone, Copy)]
struct Grid {
    blocks: [usize; 3],
    threads: u32,
    shared: i32,
    /// Whether it may start while the kernel before it ends; it waits by itself for what that writes.
    early: bool,
}

/// The kernels on one device.
pub(crate) struct Gpu {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    kernels: BTreeMap<&'static str, CudaFunction>,
    products: Mutex<Products>,
    processors: usize,
    starts_early: bool,
}

impl Gpu {
    /// Compiles the kernels for `device`.
    pub(crate) fn new(device: &Device) -> Result<Arc<Self>> {
        let device = device.as_cuda_device()?.clone();
        let stream = device.cuda_stream();
        let of_device = |attribute| stream.context().attribute(attribute).map_err(Error::wrap);
        let starts_early = of_device(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? >= HOPPER;
        let ptx = if starts_early { PTX_OF_HOPPER } else { PTX };
        let mut kernels = BTreeMap::new();
        for name in LARGE.iter().map(|(name, _)| *name).chain(SMALL) {
            kernels.insert(name, device.get_or_load_custom_func(name, "aerie-vision", ptx)?.into_cuda_function());
        }
        for (name, bytes) in LARGE {
            let attribute = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            kernels[name].set_attribute(attribute, bytes).map_err(Error::wrap)?;
        }
        let processors = of_device(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let processors = usize::try_from(processors).unwrap_or(1);
        let products = Mutex::new(Products::new(&stream)?);
        Ok(Arc::new(Self { device, stream, kernels, products, processors, starts_early }))
    }

    fn launch(&self, name: &'static str, grid: Grid, arguments: &[Argument]) -> Result<()> {
        let Some(kernel) = self.kernels.get(name) else { candle_core::bail!("there is no kernel {name}") };
        let parameter = |argument: &Argument| match argument {
            Argument::Address(address) => std::ptr::from_ref(address).cast_mut().cast::<c_void>(),
            Argument::Number(number) => std::ptr::from_ref(number).cast_mut().cast(),
        };
        let mut parameters: Vec<*mut c_void> = arguments.iter().map(parameter).collect();
        let mut early = sys::CUlaunchAttribute {
            id: sys::CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: [0; 4],
            value: sys::CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
        };
        let [x, y, z] = grid.blocks.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let config = sys::CUlaunchConfig {
            gridDimX: x,
            gridDimY: y,
            gridDimZ: z,
            blockDimX: grid.threads,
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: grid.shared.unsigned_abs(),
            hStream: self.stream.cu_stream(),
            attrs: &raw mut early,
            numAttrs: u32::from(grid.early && self.starts_early),
        };
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: callers pass the kernel's own parameters, addresses of tensors that are at least as large as the
        // numbers say and outlive the call; what is freed later is freed on the same stream, behind it.
        let started = unsafe {
            let function = kernel.cu_function();
            sys::cuLaunchKernelEx(&raw const config, function, parameters.as_mut_ptr(), std::ptr::null_mut())
        };
        started.result().map_err(|error| Error::wrap(error).context(format!("kernel {name}")))
    }

    fn products(&self) -> MutexGuard<'_, Products> {
        self.products.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A matrix whose every number the caller writes before it is read.
    fn empty(&self, shape: (usize, usize), dtype: DType) -> Result<Tensor> {
        // SAFETY: kernels and products write all of it.
        unsafe { Tensor::empty(shape, dtype, &Device::Cuda(self.device.clone())) }
    }

    fn upload<T: DeviceRepr>(&self, numbers: &[T]) -> Result<CudaSlice<T>> {
        self.stream.clone_htod(numbers).map_err(Error::wrap)
    }

    fn layer_norm(&self, x: Address, norm: &layers::NormAt, out: Address, rows: usize) -> Result<()> {
        let grid = Grid { blocks: [rows.div_ceil(8), 1, 1], threads: 256, shared: 0, early: false };
        let arguments = [at(x), at(norm.weight), at(norm.bias), at(out), count(rows), count(norm.dim)];
        self.launch("layer_norm", grid, &arguments)
    }
}

/// Where a slice begins.
fn start_of<T>(slice: &CudaSlice<T>, stream: &CudaStream) -> Address {
    slice.device_ptr(stream).0
}

/// Where the numbers of a contiguous tensor begin. The tensor has to outlive the use of it.
pub(crate) fn address(tensor: &Tensor) -> Result<Address> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { candle_core::bail!("a tensor that is not on a GPU") };
    let Some((offset, _)) = layout.contiguous_offsets() else { candle_core::bail!("a tensor with gaps") };
    let stream = storage.device.cuda_stream();
    let (start, width) = match tensor.dtype() {
        DType::BF16 => (start_of(storage.as_cuda_slice::<bf16>()?, &stream), 2),
        DType::F32 => (start_of(storage.as_cuda_slice::<f32>()?, &stream), 4),
        other => candle_core::bail!("an address of {other:?}"),
    };
    Ok(start + (offset * width) as u64)
}

/// A device with a stream of its own, whose memory stays with this process once it was taken.
pub(crate) fn open(number: usize) -> Result<Device> {
    let device = Device::new_cuda_with_stream(number)?;
    let cuda = device.as_cuda_device()?;
    // SAFETY: this process uses no other stream of the device, so that its order is the order of everything.
    unsafe { cuda.disable_event_tracking() };
    let context = Arc::clone(cuda.cuda_stream().context());
    let keep = u64::MAX;
    // SAFETY: the pool is the device's own, and the attribute is a number of 64 bits.
    unsafe {
        let pool = candle_core::cuda_backend::cudarc::driver::result::device::get_default_mem_pool(context.cu_device());
        let pool = pool.map_err(Error::wrap)?;
        let attribute = sys::CUmemPool_attribute_enum::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        let value = std::ptr::from_ref(&keep).cast_mut().cast();
        sys::cuMemPoolSetAttribute(pool, attribute, value).result().map_err(Error::wrap)?;
    }
    Ok(device)
}
