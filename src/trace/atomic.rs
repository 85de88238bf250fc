//! Files that are there whole or not at all.

use std::fs;
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
    /// Those of [`check`] and of the file system.
    pub fn create(path: &Path) -> io::Result<Self> {
        check(path)?;
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
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        Ok(Self {
            path: path.to_path_buf(),
            file: BufWriter::new(
                builder
                    .tempfile_in(folder)
                    .map_err(|error| unmade(folder, error))?,
            ),
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

    /// Puts the file on the disk and in its place. Whoever could read the one
    /// that it replaces can read it, and nobody else.
    ///
    /// # Errors
    /// Those of the file system, [`io::ErrorKind::AlreadyExists`] among them;
    /// what was there stays then.
    pub fn finish(self, existing: Existing) -> io::Result<()> {
        let file = self.file.into_inner().map_err(IntoInnerError::into_error)?;
        if existing == Existing::Replaced
            && let Ok(replaced) = fs::symlink_metadata(&self.path)
        {
            file.as_file().set_permissions(replaced.permissions())?;
        }
        file.as_file().sync_all()?;
        match existing {
            Existing::Kept => file.persist_noclobber(self.path)?,
            Existing::Replaced => file.persist(self.path)?,
        };
        Ok(())
    }
}

/// Whether a file can be put at `path`: a rename would take the place of a
/// device, a pipe or a link as well, which is never what was meant.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] where something is there that is no file.
pub fn check(path: &Path) -> io::Result<()> {
    let Ok(there) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let what = there.file_type();
    let why = if what.is_file() {
        return Ok(());
    } else if what.is_dir() {
        "it is a folder"
    } else if what.is_symlink() {
        "it is a link: name the file that it leads to"
    } else {
        "it is a device or a pipe, and no file"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

/// Why there is no temporary file, without its name: nobody asked for that one.
fn unmade(folder: &Path, error: io::Error) -> io::Error {
    let folder = folder.display();
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no folder {folder}"),
        io::ErrorKind::NotADirectory => format!("{folder} is no folder"),
        io::ErrorKind::PermissionDenied => format!("nothing may be written into {folder}"),
        _ => return error,
    };
    io::Error::new(error.kind(), why)
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
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        begin("third").finish(Existing::Replaced).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
        // No temporary file is left.
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_is_replaced_by_none() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("folder");
        fs::create_dir(&inside).unwrap();
        let refused = |path: &Path| AtomicFile::create(path).unwrap_err();
        assert_eq!(refused(&inside).kind(), io::ErrorKind::InvalidInput);
        let nowhere = folder.path().join("nowhere");
        let error = refused(&nowhere.join("a"));
        assert_eq!(
            error.to_string(),
            format!("there is no folder {}", nowhere.display())
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_and_so_do_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "private").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [&link, &socket] {
            let error = write_atomically(path, b"new").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{path:?}");
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_atomically(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
