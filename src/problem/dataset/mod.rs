//! Readers for the public data sets, chosen by content.
