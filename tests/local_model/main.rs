//! The local models: the forward pass, batching, and the endpoint over them.

mod batch;
mod endpoint;
mod fixture;
mod folder;
mod reference;
