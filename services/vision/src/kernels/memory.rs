//! Files as memory, and memory for weights.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapMut, UncheckedAdvice};

/// Maps all of `file` for reading.
///
/// # Errors
/// What the system says.
pub(crate) fn map_read_only(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process. Its bytes are only ever read as numbers, every pattern
    // of which is valid, so another process that writes to the file can change results but not memory safety; one
    // that truncates it ends this process, which is why the weights' process is its own.
    unsafe { Mmap::map(file) }
}

/// Gives the memory of `bytes` bytes at `offset` back; the system reads them from the file again if they are wanted.
pub(crate) fn drop_pages(map: &Mmap, offset: usize, bytes: usize) {
    // SAFETY: the map is of a file and read-only, so its pages hold nothing that the file does not.
    let dropped = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, offset, bytes) };
    if let Err(error) = dropped {
        tracing::debug!(%error, "pages of the weights' file stay in memory");
    }
}

/// Zeroed memory that begins at a page, in huge pages where the system has them.
pub(crate) struct Buffer(MmapMut);

impl Buffer {
    /// `bytes` bytes, at least one.
    ///
    /// # Errors
    /// What the system says where it has no memory left.
    pub(crate) fn zeroed(bytes: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(bytes.max(1))?;
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(memmap2::Advice::HugePage) {
            tracing::trace!(%error, "no huge pages");
        }
        Ok(Self(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// Asks for the `bytes` bytes that lie some way behind `start`, which is being read from front to back: with several rows
/// of a decoding step, a line is worked on for so long that the processor by itself asks for too few of the next.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn fetch_ahead<T>(start: *const T, bytes: usize) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    const LINE: usize = 64;
    // Less is not there in time, and more drives other things out of the innermost cache.
    const AHEAD: usize = 6 << 10;
    for line in (0..bytes).step_by(LINE) {
        // SAFETY: nothing is read, and an address where nothing is does no harm.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.cast::<i8>().wrapping_add(AHEAD + line)) };
    }
}

/// Numbers of which every pattern of bits is one.
///
/// # Safety
/// Only for types without padding whose every bit pattern is valid, and with an alignment of at most a page.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: integers and floats have neither padding nor patterns that are not theirs.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}

/// The whole numbers that `bytes` holds; none where they do not begin at a multiple of the number's alignment.
pub(crate) fn numbers<T: Plain>(bytes: &[u8]) -> &[T] {
    // SAFETY: every pattern of bits is a `T`.
    let (before, numbers, _) = unsafe { bytes.align_to::<T>() };
    if before.is_empty() { numbers } else { &[] }
}

/// The bytes of `numbers`.
pub(crate) fn as_bytes<T: Plain>(numbers: &[T]) -> &[u8] {
    // SAFETY: every number is a pattern of bytes, without any between them that are nobody's.
    unsafe { numbers.align_to::<u8>() }.1
}
