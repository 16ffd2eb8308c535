//! The formal checks together with the solver that answers them.

mod counterexamples;
mod ecma;
mod ecma_random;
mod fixtures;
mod go;
mod go_random;
mod golang;
mod java;
mod limits;
mod marks;
mod process;
mod programs;
mod python;
mod random;
mod rust;
mod rust_random;
mod rustc;
mod world;
