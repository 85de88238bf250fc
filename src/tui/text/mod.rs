//! Model text on its way to the screen: made safe, measured, wrapped, with
//! mathematics made readable or the source coloured. Every stage keeps the
//! byte ranges of the source, so that the confidence of a token can be shown
//! under whatever became of it.

pub mod highlight;
pub mod math;
pub mod sanitize;
pub mod width;
pub mod wrap;

#[cfg(test)]
mod tests;
