//! Files as memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use memmap2::Mmap;

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
