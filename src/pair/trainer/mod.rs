//! Trains the embedded pair from scratch, on one thread, without any framework.
//!
//! [`recipe`] says how, [`run`] is the loop; [`batch`] draws the rows; [`network`] holds the weights,
//! [`mod@pass`] and [`attention`] are the forward and the hand-written backward pass on the products
//! of [`matrix`]; [`optimizer`] updates the weights and [`checkpoint`] writes them as Hugging Face
//! files; [`sampler`] decodes, [`drafts`] are what [`judge`] and PRM learn from, [`measure`] judges the pair and [`release`] puts it in its place.

pub mod attention;
pub mod batch;
pub mod checkpoint;
pub mod drafts;
pub mod judge;
pub mod loss;
pub mod matrix;
pub mod measure;
pub mod network;
pub mod optimizer;
pub mod pass;
pub mod prm;
pub mod recipe;
pub mod release;
pub mod run;
pub mod sampler;

#[cfg(test)]
mod tests;
