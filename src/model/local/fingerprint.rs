//! Which weights a local model has: two logs share results only where this agrees.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::weights::{WeightsSource, shards};

/// Bytes read from either end of a weight file. The beginning holds the
/// header with every tensor's name and place; whole checkpoints of many
/// gigabytes are not read to open the program.
const EDGE: u64 = 1 << 20;

/// SHA-256 over the configuration, the tokenizer and the weights: over all of
/// embedded ones, over length and both ends of each file of a folder. `None`
/// where a file cannot be read; loading says which.
pub fn fingerprint(source: &WeightsSource) -> Option<String> {
    let mut hash = Sha256::new();
    match source {
        WeightsSource::Bytes {
            config,
            tokenizer,
            weights,
        } => {
            for part in [config, tokenizer, weights] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        WeightsSource::Folder(folder) => {
            for name in ["config.json", "tokenizer.json"] {
                edges(&folder.join(name), &mut hash)?;
            }
            for shard in shards(folder).ok()? {
                edges(&shard, &mut hash)?;
            }
        }
    }
    Some(format!("{:x}", hash.finalize()))
}

fn edges(path: &Path, hash: &mut Sha256) -> Option<()> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    hash.update(length.to_le_bytes());
    let mut piece = Vec::new();
    file.by_ref().take(EDGE).read_to_end(&mut piece).ok()?;
    hash.update(&piece);
    if length > EDGE {
        piece.clear();
        file.seek(SeekFrom::Start(length.saturating_sub(EDGE).max(EDGE)))
            .ok()?;
        file.take(EDGE).read_to_end(&mut piece).ok()?;
        hash.update(&piece);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_weights_have_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        write("config.json", b"{}");
        write("tokenizer.json", b"{}");
        let mut weights = vec![7_u8; 3 << 20];
        write("model.safetensors", &weights);
        let source = WeightsSource::Folder(folder.path().to_owned());
        let first = fingerprint(&source).unwrap();
        assert_eq!(fingerprint(&source).unwrap(), first);
        *weights.last_mut().unwrap() = 8;
        write("model.safetensors", &weights);
        assert_ne!(fingerprint(&source).unwrap(), first);
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        assert_eq!(fingerprint(&source), None);
    }
}
