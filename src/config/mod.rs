//! Configuration: defaults < file < environment < flags, into a checked
//! [`Config`] that knows where each setting came from.

mod suggest;

pub use suggest::suggest;
