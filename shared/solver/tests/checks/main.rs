//! The formal checks together with the solver that answers them.

mod java;
mod process;
mod programs;
mod random;
mod world;
