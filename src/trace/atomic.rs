//! Files that are there whole or not at all.

use std::io::{self, BufWriter, IntoInnerError, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file in the place of what was there: a temporary file beside it,
/// on the disk, then a rename.
///
/// # Errors
/// Those of the file system; what was there stays then.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.finish(Existing::Replaced)
}

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and writing fails.
    Kept,
    Replaced,
}

/// A file that is written piece by piece, beside the place where it appears
/// once it is finished. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl AtomicFile {
    /// Begins a file that will be at `path`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".pointsman-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any new file: what the umask leaves. Temporary ones are private.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        Ok(Self {
            path: path.to_path_buf(),
            file: BufWriter::new(builder.tempfile_in(folder)?),
        })
    }

    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is meanwhile, for whoever writes to it by its path.
    #[must_use]
    pub fn meanwhile(&self) -> &Path {
        self.file.get_ref().path()
    }

    /// Puts the file on the disk and in its place.
    ///
    /// # Errors
    /// Those of the file system, [`io::ErrorKind::AlreadyExists`] among them;
    /// what was there stays then.
    pub fn finish(self, existing: Existing) -> io::Result<()> {
        let file = self.file.into_inner().map_err(IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        match existing {
            Existing::Kept => file.persist_noclobber(self.path)?,
            Existing::Replaced => file.persist(self.path)?,
        };
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.file.seek(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_and_what_was_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let begin = |text: &str| {
            let mut file = AtomicFile::create(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file
        };
        drop(begin("lost"));
        let file = begin("first");
        assert!(!path.exists());
        file.finish(Existing::Kept).unwrap();
        let error = begin("second").finish(Existing::Kept).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        begin("third").finish(Existing::Replaced).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        // No temporary file is left.
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
