//! Cuts text and code into chunks, and turns them into terms and vectors. Pure.
//!
//! A chunk is what a search finds: in code one function, or a few tiny neighbours, or a piece of
//! a large one; in prose a section. Chunks of a file follow each other without gap or overlap,
//! so a citation of one always resolves. The same bytes give the same chunks, terms and vectors.

mod chunk;
mod code;
mod cut;
mod definition;
mod hash;
pub mod hashed;
mod prose;
mod query;
mod stem;
pub mod terms;

pub use chunk::{Chunk, FILE_BYTES_MAX, FILE_CHUNKS_MAX, PATH_BYTES_MAX, Skipped, chunk_file};
pub use query::{QUERY_CHARS_MAX, search_query};

/// Names what this crate makes of given bytes. It changes whenever chunks or terms would come
/// out differently, and whatever was indexed under another name is then indexed again.
pub const EXTRACTION: &str = "chunks-1";
