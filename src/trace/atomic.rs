//! Files that are there whole or not at all.

use std::io::Write as _;
use std::path::Path;

/// Writes a file in the place of what was there: a temporary file beside it,
/// on the disk, then a rename.
///
/// # Errors
/// Those of the file system; what was there stays then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
