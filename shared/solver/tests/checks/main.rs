//! The formal checks together with the solver that answers them.

mod java;
mod marks;
mod process;
mod programs;
mod python;
mod random;
mod world;
