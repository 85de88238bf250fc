//! The models inside the binary: the pair, and its judge.

use std::borrow::Cow;

use super::weights::WeightsSource;
use crate::pair::prm::{Head, HeadError};

/// The files of an embedded model.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedWeights {
    /// `config.json`
    pub config: &'static [u8],
    /// `tokenizer.json`
    pub tokenizer: &'static [u8],
    /// `model.safetensors`
    pub weights: &'static [u8],
}

/// `(name, files)` of every model this build carries.
const EMBEDDED: &[(&str, EmbeddedWeights)] = &[
    (
        "small",
        EmbeddedWeights {
            config: include_bytes!("../../../assets/pair/small/config.json"),
            tokenizer: include_bytes!("../../../assets/pair/small/tokenizer.json"),
            weights: include_bytes!("../../../assets/pair/small/model.safetensors"),
        },
    ),
    (
        "judge",
        EmbeddedWeights {
            config: include_bytes!("../../../assets/pair/judge/config.json"),
            tokenizer: include_bytes!("../../../assets/pair/judge/tokenizer.json"),
            weights: include_bytes!("../../../assets/pair/judge/model.safetensors"),
        },
    ),
    (
        "large",
        EmbeddedWeights {
            config: include_bytes!("../../../assets/pair/large/config.json"),
            tokenizer: include_bytes!("../../../assets/pair/large/tokenizer.json"),
            weights: include_bytes!("../../../assets/pair/large/model.safetensors"),
        },
    ),
];

/// The embedded model of that name, `small`, `large` or `judge`; `None` where this
/// build does not carry it.
pub fn embedded_weights(which: &str) -> Option<EmbeddedWeights> {
    let found = EMBEDDED.iter().find(|(name, _)| *name == which);
    found.map(|(_, files)| *files)
}

impl From<EmbeddedWeights> for WeightsSource {
    fn from(files: EmbeddedWeights) -> Self {
        Self::Bytes {
            config: Cow::Borrowed(files.config),
            tokenizer: Cow::Borrowed(files.tokenizer),
            weights: Cow::Borrowed(files.weights),
        }
    }
}

/// The head of the pair's process-reward model.
///
/// # Errors
/// The file in the repository is damaged; a test reads it.
pub fn embedded_prm_head() -> Result<Head, HeadError> {
    Head::parse(include_str!("../../../assets/pair/prm.json"))
}
