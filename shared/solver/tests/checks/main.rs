//! The formal checks together with the solver that answers them.

mod counterexamples;
mod fixtures;
mod go;
mod java;
mod limits;
mod marks;
mod process;
mod programs;
mod python;
mod random;
mod world;
