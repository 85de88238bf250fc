//! The members of an archive, each read as a stream within bounds: nothing is
//! ever written to a path that it names.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use crate::trace::import::error::{ImportError, open};
use crate::trace::import::limits;

use super::zstd::Frames;

/// Bytes of a member that are read at once.
const PIECE: usize = 1 << 16;

/// An archive that was found to be within its bounds.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    names: Vec<String>,
    /// What its members may still expand to, all together.
    left: u64,
}

impl Archive {
    /// Opens an archive and looks at the names of its members.
    ///
    /// # Errors
    /// One that is damaged, has too many members or names that lead out of it.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        let refused = |reason: String| ImportError::refused(path, reason);
        let file = open(path)?;
        let length = file
            .metadata()
            .map_err(|source| ImportError::io(path, source))?
            .len();
        let zip = ZipArchive::new(BufReader::with_capacity(PIECE, file))
            .map_err(|error| refused(format!("not an archive that can be read: {error}")))?;
        if zip.len() > limits::MEMBERS {
            return Err(refused(format!(
                "{} members, more than the {} that are read",
                zip.len(),
                limits::MEMBERS
            )));
        }
        let mut names = Vec::with_capacity(zip.len());
        for name in zip.file_names_raw() {
            let name = String::from_utf8_lossy(name).into_owned();
            check(&name).map_err(|why| refused(format!("its member `{name}` {why}")))?;
            names.push(name);
        }
        Ok(Self {
            zip,
            names,
            left: length
                .saturating_mul(limits::RATIO)
                .saturating_add(limits::TOTAL_FROM),
        })
    }

    /// Names of the members, in the order of the archive.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads a member.
    ///
    /// # Errors
    /// In words: a member that is not there, cannot be expanded, goes beyond
    /// its bounds, or that `with` cannot make sense of.
    pub(super) fn read<T>(
        &mut self,
        name: &str,
        with: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Result<T, String> {
        let at = self.zip.index_for_name(name).ok_or("it is not there")?;
        let raw = self
            .zip
            .by_index_raw(at)
            .map_err(|error| error.to_string())?;
        if raw.encrypted() {
            return Err("it is encrypted".to_owned());
        }
        let (packed, said) = (raw.compressed_size(), raw.size());
        let most = most(packed).min(self.left);
        if said > most {
            return Err(too_large(said, packed));
        }
        let (read, count) = if raw.compression() == CompressionMethod::ZSTD {
            let frames = Frames::new(BufReader::with_capacity(PIECE, raw));
            let mut member = Bounded::new(frames, most, packed);
            (with(&mut member), member.count)
        } else {
            drop(raw);
            let inflated = self.zip.by_index(at).map_err(|error| error.to_string())?;
            let mut member = Bounded::new(inflated, most, packed);
            (with(&mut member), member.count)
        };
        self.left = self.left.saturating_sub(count);
        read
    }
}

/// What a member of this size may expand to.
fn most(packed: u64) -> u64 {
    packed
        .saturating_mul(limits::RATIO)
        .clamp(limits::RATIO_FROM, limits::MEMBER)
}

fn too_large(size: u64, packed: u64) -> String {
    format!(
        "it expands to {} MiB and more from {packed} bytes, more than is read",
        size >> 20
    )
}

/// What is wrong with the name of a member, if anything is.
fn check(name: &str) -> Result<(), &'static str> {
    let parts = || name.split(['/', '\\']);
    if name.starts_with(['/', '\\']) || name.contains('\0') {
        return Err("is no path within an archive");
    }
    if parts().any(|part| part == "..") {
        return Err("leads out of the archive");
    }
    if parts().count() > limits::PATH_PARTS {
        return Err("nests folders deeper than is read");
    }
    Ok(())
}

/// Counts what is read, and stops where it is too much, whatever the archive
/// said of it.
struct Bounded<R> {
    source: R,
    most: u64,
    packed: u64,
    count: u64,
}

impl<R: Read> Bounded<R> {
    fn new(source: R, most: u64, packed: u64) -> Self {
        Self {
            source,
            most,
            packed,
            count: 0,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.count += read as u64;
        if self.count > self.most {
            let what = too_large(self.count, self.packed);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::import::inspect::eval::tests::{Packing, archive};

    fn opened(members: &[(&str, &[u8], Packing)]) -> Result<Archive, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.eval");
        std::fs::write(&path, archive(members)).unwrap();
        Archive::open(&path)
    }

    fn whole(archive: &mut Archive, name: &str) -> Result<Vec<u8>, String> {
        archive.read(name, |source| {
            let mut bytes = Vec::new();
            source
                .read_to_end(&mut bytes)
                .map_err(|error| error.to_string())?;
            Ok(bytes)
        })
    }

    #[test]
    fn members_are_read_however_they_are_packed() {
        let text = b"all the same".repeat(1000);
        let mut archive = opened(&[
            ("a.json", &text, Packing::Stored),
            ("b.json", &text, Packing::Deflated),
            ("c.json", &text, Packing::Zstd(1)),
            ("d/e.json", &text, Packing::Zstd(3)),
        ])
        .unwrap();
        assert_eq!(archive.names(), ["a.json", "b.json", "c.json", "d/e.json"]);
        for name in ["a.json", "b.json", "c.json", "d/e.json"] {
            assert_eq!(whole(&mut archive, name).unwrap(), text, "{name}");
        }
        assert!(whole(&mut archive, "no").unwrap_err().contains("not there"));
    }

    #[test]
    fn what_expands_beyond_all_measure_is_not_read_to_its_end() {
        let zeros = vec![0; 40 << 20];
        for packing in [Packing::Deflated, Packing::Zstd(1)] {
            let mut bomb = opened(&[("a.json", &zeros, packing)]).unwrap();
            let error = whole(&mut bomb, "a.json").unwrap_err();
            assert!(error.contains("more than is read"), "{error}");
        }
        // What the archive says of a member is not taken for granted.
        let mut liar = opened(&[("a.json", &zeros, Packing::Lying)]).unwrap();
        let error = whole(&mut liar, "a.json").unwrap_err();
        assert!(error.contains("more than is read"), "{error}");
    }

    #[test]
    fn members_with_odd_paths_and_broken_archives_are_refused() {
        let deep = "a/".repeat(40) + "b.json";
        for name in ["../a.json", "a/../../b", "/etc/a", "a\\..\\b", &deep] {
            let error = opened(&[(name, b"{}", Packing::Stored)]).err().unwrap();
            assert!(error.to_string().contains("its member"), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.eval");
        let whole = archive(&[("a.json", b"{}", Packing::Stored)]);
        for bytes in [&whole[..whole.len() - 8], b"PK\x03\x04"] {
            std::fs::write(&path, bytes).unwrap();
            let error = Archive::open(&path).err().unwrap();
            assert!(error.to_string().contains("not an archive"), "{error}");
        }
    }
}
