//! Pixels on their way to the device.

use candle_core::cuda_backend::cudarc::driver::{CudaEvent, CudaSlice, PinnedHostSlice, result};
use candle_core::{Error, Result};
use rayon::prelude::*;

use super::{Gpu, start_of};

/// Memory that the device reads by itself while the processor goes on.
#[derive(Default)]
pub(super) struct Staging {
    memory: Option<PinnedHostSlice<u8>>,
    /// When the device has read what was written last.
    read: Option<CudaEvent>,
}

impl Staging {
    /// The bytes of `pieces`, all as long as the first, one after the other on the device.
    pub(super) fn upload(&mut self, gpu: &Gpu, pieces: &[&[u8]]) -> Result<CudaSlice<u8>> {
        let length = pieces.first().map_or(0, |piece| piece.len());
        if pieces.iter().any(|piece| piece.len() != length) {
            candle_core::bail!("crops of different sizes");
        }
        let total = pieces.len() * length;
        if let Some(read) = self.read.take() {
            read.synchronize().map_err(Error::wrap)?;
        }
        let memory = match self.memory.take().filter(|memory| memory.len() >= total) {
            Some(memory) => self.memory.insert(memory),
            // SAFETY: bytes are written before they are read.
            None => {
                self.memory.insert(unsafe { gpu.stream.context().alloc_pinned(total.max(1)) }.map_err(Error::wrap)?)
            }
        };
        let staged = memory.as_mut_slice().map_err(Error::wrap)?;
        if length > 0 {
            staged.par_chunks_exact_mut(length).zip(pieces).for_each(|(to, from)| to.copy_from_slice(from));
        }
        let Some(staged) = staged.get(..total) else { candle_core::bail!("{total} bytes are not staged") };
        // SAFETY: the copy writes all of it before anything on the stream reads it.
        let target = unsafe { gpu.stream.alloc::<u8>(total) }.map_err(Error::wrap)?;
        // SAFETY: the target is as long, and the staged bytes are written again only when the event has come.
        let copied =
            unsafe { result::memcpy_htod_async(start_of(&target, &gpu.stream), staged, gpu.stream.cu_stream()) };
        copied.map_err(Error::wrap)?;
        self.read = Some(gpu.stream.record_event(None).map_err(Error::wrap)?);
        Ok(target)
    }
}
