//! Matrix products of cuBLASLt, with what follows them.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;

use candle_core::cuda_backend::cudarc::cublaslt::{result, sys};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream};
use candle_core::{Error, Result};

use super::{Address, layers::LinearAt, start_of};

/// Memory for the products' own use; NVIDIA names this much for Hopper.
const WORKSPACE: usize = 32 << 20;
/// Shapes that are remembered.
const MOST_PLANS: usize = 4096;

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Finish {
    /// It is stored, with the bias.
    Store,
    /// It goes through the tanh form of GELU, with the bias.
    Gelu,
    /// It is added to what is there, with the bias.
    Add,
    /// It is stored in f32, without the bias.
    Plain,
}

pub(super) struct Products {
    handle: sys::cublasLtHandle_t,
    workspace: CudaSlice<u8>,
    stream: Arc<CudaStream>,
    plans: HashMap<(usize, usize, usize, Finish), Plan>,
}

// SAFETY: the handles are used by one thread at a time, which the lock around this sees to.
unsafe impl Send for Products {}

/// How a product of one shape is computed.
struct Plan {
    description: sys::cublasLtMatmulDesc_t,
    layouts: [sys::cublasLtMatrixLayout_t; 3],
    algorithm: sys::cublasLtMatmulAlgo_t,
}

impl Products {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        let handle = result::create_handle().map_err(Error::wrap)?;
        // SAFETY: products write it before they read it.
        let workspace = unsafe { stream.alloc::<u8>(WORKSPACE) }.map_err(Error::wrap)?;
        Ok(Self { handle, workspace, stream: Arc::clone(stream), plans: HashMap::new() })
    }

    /// `rows` rows of `x` times the layer's weight, to `out`.
    pub(super) fn multiply(
        &mut self,
        x: Address,
        layer: &LinearAt,
        finish: Finish,
        out: Address,
        rows: usize,
    ) -> Result<()> {
        let shape = (rows, layer.inputs, layer.outputs, finish);
        if !self.plans.contains_key(&shape) {
            if self.plans.len() >= MOST_PLANS {
                self.plans.clear();
            }
            let plan = Plan::new(self.handle, shape)
                .map_err(|error| Error::wrap(error).context(format!("a product {shape:?} on the GPU")))?;
            self.plans.insert(shape, plan);
        }
        let Some(plan) = self.plans.get(&shape) else { candle_core::bail!("no plan for {shape:?}") };
        let (one, kept) = (1.0f32, if finish == Finish::Add { 1.0f32 } else { 0.0 });
        let number = |value: &f32| std::ptr::from_ref(value).cast::<c_void>();
        let pointer = |address: Address| address as *mut c_void;
        let [weight, input, output] = plan.layouts;
        // SAFETY: the layouts say how large the three matrices are; the caller's addresses are of tensors that large.
        let done = unsafe {
            if finish == Finish::Plain {
                Ok(())
            } else {
                plan.set(sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &layer.bias)
            }
            .and_then(|()| {
                result::matmul(
                    self.handle,
                    plan.description,
                    number(&one),
                    number(&kept),
                    pointer(layer.weight),
                    weight,
                    pointer(x),
                    input,
                    pointer(out),
                    output,
                    pointer(out),
                    output,
                    &raw const plan.algorithm,
                    pointer(start_of(&self.workspace, &self.stream)),
                    WORKSPACE,
                    self.stream.cu_stream().cast(),
                )
            })
        };
        done.map_err(|error| Error::wrap(error).context(format!("a product {shape:?} on the GPU")))
    }
}

impl Drop for Products {
    fn drop(&mut self) {
        self.plans.clear();
        // SAFETY: nobody else has the handle.
        let destroyed = unsafe { result::destroy_handle(self.handle) };
        if let Err(error) = destroyed {
            tracing::debug!(?error, "cuBLASLt's handle stays");
        }
    }
}

impl Plan {
    /// Rows lie one after the other, which cuBLAS sees as columns: it multiplies the turned weight with the input.
    fn new(
        handle: sys::cublasLtHandle_t,
        (rows, inputs, outputs, finish): (usize, usize, usize, Finish),
    ) -> std::result::Result<Self, result::CublasError> {
        use sys::cublasLtEpilogue_t as Epilogue;
        use sys::cublasLtMatmulDescAttributes_t as Attribute;
        use sys::cudaDataType_t::{CUDA_R_16BF, CUDA_R_32F};
        let layout = |kind, height: usize, width: usize| {
            result::create_matrix_layout(kind, height as u64, width as u64, height as i64)
        };
        let stored = if finish == Finish::Plain { CUDA_R_32F } else { CUDA_R_16BF };
        let description = result::create_matmul_desc(sys::cublasComputeType_t::CUBLAS_COMPUTE_32F, CUDA_R_32F)?;
        let layouts =
            [layout(CUDA_R_16BF, inputs, outputs)?, layout(CUDA_R_16BF, inputs, rows)?, layout(stored, outputs, rows)?];
        // SAFETY: an algorithm is plain numbers; this one is replaced before it is used.
        let mut plan = Self { description, layouts, algorithm: unsafe { std::mem::zeroed() } };
        let epilogue = match finish {
            Finish::Store | Finish::Add => Epilogue::CUBLASLT_EPILOGUE_BIAS,
            Finish::Gelu => Epilogue::CUBLASLT_EPILOGUE_GELU_BIAS,
            Finish::Plain => Epilogue::CUBLASLT_EPILOGUE_DEFAULT,
        };
        let preference = result::create_matmul_pref()?;
        // SAFETY: every value has the size that the attribute wants, and the handles are those just made.
        let chosen = unsafe {
            let (turned, as_it_is) = (1i32, 0i32);
            let limit = sys::cublasLtMatmulPreferenceAttributes_t::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
            let bytes = std::ptr::from_ref(&WORKSPACE).cast();
            plan.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSA, &turned)
                .and_then(|()| plan.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSB, &as_it_is))
                .and_then(|()| plan.set(Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue))
                .and_then(|()| result::set_matmul_pref_attribute(preference, limit, bytes, size_of::<usize>()))
                .and_then(|()| {
                    let [weight, input, output] = plan.layouts;
                    result::get_matmul_algo_heuristic(
                        handle,
                        plan.description,
                        weight,
                        input,
                        output,
                        output,
                        preference,
                    )
                })
        };
        // SAFETY: it is used no more.
        unsafe { result::destroy_matmul_pref(preference) }?;
        plan.algorithm = chosen?.algo;
        Ok(plan)
    }

    /// # Safety
    /// `T` has to be what the attribute holds.
    unsafe fn set<T>(
        &self,
        attribute: sys::cublasLtMatmulDescAttributes_t,
        value: &T,
    ) -> std::result::Result<(), result::CublasError> {
        let value = std::ptr::from_ref(value).cast();
        // SAFETY: as the caller promises.
        unsafe { result::set_matmul_desc_attribute(self.description, attribute, value, size_of::<T>()) }
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        for layout in self.layouts {
            // SAFETY: nobody else has it.
            _ = unsafe { result::destroy_matrix_layout(layout) };
        }
        // SAFETY: nobody else has it.
        _ = unsafe { result::destroy_matmul_desc(self.description) };
    }
}
