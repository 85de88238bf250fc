//! The `pointsman` program: everything is in the library.

use std::process::ExitCode;

/// Steps are made of many small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    one_thread_a_product();
    pointsman::cli::run()
}

/// candle asks rayon for its thread count on every matrix product, and
/// without this variable rayon reads the machine's CPU table each time: 50
/// times slower for one sequence.
#[allow(unsafe_code)]
fn one_thread_a_product() {
    const NAME: &str = "RAYON_NUM_THREADS";
    if std::env::var_os(NAME).is_none() {
        // SAFETY: first thing in `main`: no other thread exists that could
        // read or write the environment.
        unsafe { std::env::set_var(NAME, "1") };
    }
}
