//! Where an export is written to: files that are there whole or not at all, or
//! stdout.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::ExportArgs;
use crate::headless::{Exit, Failure};
use crate::trace::Log;
use crate::trace::atomic::{self, AtomicFile, Existing, write_atomically};

/// Where one format is written to.
pub(super) enum Target {
    File(AtomicFile, Existing),
    Stdout(BufWriter<io::Stdout>),
}

impl Target {
    /// Puts it in its place.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::File(file, existing) => file.finish(existing),
            Self::Stdout(mut out) => out.flush(),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file, _) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file, _) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}

impl Seek for Target {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file, _) => file.seek(place),
            Self::Stdout(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// What was written and is not in its place yet.
pub(super) struct Written {
    /// The format.
    pub name: &'static str,
    path: PathBuf,
    /// `None` where nobody reads it any more.
    target: Option<Target>,
}

impl Written {
    pub fn new(name: &'static str, path: &Path, target: Option<Target>) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            target,
        }
    }

    /// Where it is written to.
    pub fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// Those of the file system; one that is there by now is kept.
    pub fn finish(self) -> Result<(), Failure> {
        if let Some(target) = self.target {
            settled(&self.path, target.finish())?;
        }
        Ok(())
    }
}

/// Everything that is to be written.
pub(super) struct Outputs {
    files: Vec<(&'static str, PathBuf)>,
    force: bool,
}

/// A format that is replaced without being asked: it always was, and can be
/// made again.
pub(super) const PICTURE: &str = "svg";
/// The other one that is drawn.
pub(super) const RECORDING: &str = "cast";

impl Outputs {
    /// # Errors
    /// Two of them would be written to one place.
    pub fn of(args: &ExportArgs) -> Result<Self, Failure> {
        let all = [
            ("csv", &args.csv),
            ("parquet", &args.parquet),
            ("markdown", &args.markdown),
            ("html", &args.html),
            ("otel", &args.otel),
            ("inspect", &args.inspect),
            (PICTURE, &args.svg),
            (RECORDING, &args.cast),
        ];
        let files = all.into_iter();
        let files = files.filter_map(|(name, path)| Some((name, path.clone()?)));
        let files: Vec<(&'static str, PathBuf)> = files.collect();
        for (at, (name, path)) in files.iter().enumerate() {
            let same = files[..at]
                .iter()
                .find(|(_, other)| place(other) == place(path));
            if let Some((other, _)) = same {
                let path = path.display();
                let message = format!("--{other} and --{name} are both written to {path}");
                return Err(Failure::usage(message));
            }
        }
        Ok(Self {
            files,
            force: args.force,
        })
    }

    pub fn has_stdout(&self) -> bool {
        self.files.iter().any(|(_, path)| is_stdout(path))
    }

    /// Whether nothing but pictures is wanted.
    pub fn are_pictures(&self) -> bool {
        let is_picture = |name: &str| [PICTURE, RECORDING].contains(&name);
        self.files.iter().all(|(name, _)| is_picture(name))
    }

    /// Looks, before anything is done, whether a file would be written over.
    ///
    /// # Errors
    /// There is one, or it is a log that is being read.
    pub fn check(&self, log: &Log) -> Result<(), Failure> {
        for (name, path) in &self.files {
            if is_stdout(path) {
                continue;
            }
            atomic::check(path)
                .map_err(|error| failed(path, &error).hint("name a file; `-` writes to stdout"))?;
            let real = path.canonicalize().ok();
            let mut logs = log.paths().filter_map(|log| log.canonicalize().ok());
            if real.is_some_and(|real| logs.any(|log| log == real)) {
                let message = format!("--{name} {} is a log that is read", path.display());
                return Err(Failure::usage(message).hint("name another file"));
            }
            if self.existing(name) == Existing::Kept && path.symlink_metadata().is_ok() {
                return Err(is_there(path));
            }
        }
        Ok(())
    }

    fn existing(&self, name: &str) -> Existing {
        match self.force || name == PICTURE {
            true => Existing::Replaced,
            false => Existing::Kept,
        }
    }

    /// Begins to write a format.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(&self, name: &str, path: &Path) -> Result<Target, Failure> {
        if is_stdout(path) {
            return Ok(Target::Stdout(BufWriter::new(io::stdout())));
        }
        let file = AtomicFile::create(path).map_err(|error| failed(path, &error))?;
        Ok(Target::File(file, self.existing(name)))
    }
}

/// Whether a file's name means stdout.
pub(super) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Where a file is, however its folder is named.
fn place(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok();
    match folder.zip(path.file_name()) {
        Some((folder, name)) if !is_stdout(path) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// That a file is there already.
pub(in crate::cli) fn is_there(path: &Path) -> Failure {
    Failure::usage(format!("{} is there already", path.display()))
        .hint("--force writes over it; or name another file")
}

/// What came of writing; `None` where stdout was closed, which is no failure:
/// whoever reads has read enough.
///
/// # Errors
/// Those of writing, on what.
pub(super) fn settled<T>(path: &Path, done: io::Result<T>) -> Result<Option<T>, Failure> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && is_stdout(path) => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// That a file could not be written, and why.
pub(in crate::cli) fn failed(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    let folder = path.parent().filter(|of| !of.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let (path, folder) = (path.display(), folder.display());
        return Failure::usage(format!("{path}: no such folder {folder}"))
            .hint("make it first, or name another file");
    }
    match error.kind() {
        io::ErrorKind::InvalidInput => Failure::usage(message),
        io::ErrorKind::AlreadyExists => is_there(path),
        _ => Failure::new(Exit::Failed, message),
    }
}

/// Writes the file whole or not at all.
pub(in crate::cli) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomically(path, text.as_bytes()).map_err(|error| failed(path, &error))
}
