//! Zip archives within limits: members, sizes, and names that stay inside.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::{ExtractError, Limits};

/// An archive whose members are read whole, each and all together within the limits.
pub(crate) struct Archive<'bytes> {
    zip: ZipArchive<Cursor<&'bytes [u8]>>,
    format: &'static str,
    limits: Limits,
    unpacked: usize,
}

impl<'bytes> Archive<'bytes> {
    /// # Errors
    /// No archive, too many members, or a member whose name leads out of the archive.
    pub(crate) fn open(bytes: &'bytes [u8], format: &'static str, limits: &Limits) -> Result<Self, ExtractError> {
        if bytes.len() > limits.file_bytes {
            return Err(ExtractError::TooLarge { what: "bytes", limit: limits.file_bytes });
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| ExtractError::broken(format, error))?;
        if zip.len() > limits.members {
            return Err(ExtractError::TooLarge { what: "archive members", limit: limits.members });
        }
        for name in zip.file_names() {
            let name = name.map_err(|error| ExtractError::broken(format, error))?;
            if leads_out(&name) {
                return Err(ExtractError::UnsafePath { name: name.chars().take(200).collect() });
            }
        }
        Ok(Self { zip, format, limits: *limits, unpacked: 0 })
    }

    /// The names of all members, in the archive's order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.zip.file_names().flatten().map(|name| name.into_owned()).collect()
    }

    /// Unpacks a member; `None` when there is none of that name.
    ///
    /// # Errors
    /// It is larger than a limit, whatever its header says, or broken or locked.
    pub(crate) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let member = self.zip.by_index(index).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(reason) if reason.contains("assword") => ExtractError::Protected,
            error => ExtractError::broken(self.format, error),
        })?;
        let one = self.limits.unpacked_bytes;
        let limit = one.min(self.limits.total_unpacked_bytes.saturating_sub(self.unpacked));
        let mut bytes = Vec::new();
        let mut bounded = member.take(limit as u64 + 1);
        bounded.read_to_end(&mut bytes).map_err(|error| ExtractError::broken(self.format, error))?;
        if bytes.len() > limit {
            let (what, limit) = if limit == one {
                ("unpacked bytes in one member", one)
            } else {
                ("unpacked bytes", self.limits.total_unpacked_bytes)
            };
            return Err(ExtractError::TooLarge { what, limit });
        }
        self.unpacked += bytes.len();
        Ok(Some(bytes))
    }
}

fn leads_out(name: &str) -> bool {
    let absolute = name.starts_with(['/', '\\']) || name.get(1..2) == Some(":");
    absolute || name.contains('\0') || name.split(['/', '\\']).any(|part| part == "..")
}
