//! Touches keys: the only crate that knows curves, KMS and what is signed.
//!
//! ```text
//! Attested ──statements()──▶ summary + detail ──sign()──▶ Envelope ──▶ *.dsse.json, Sigstore bundle
//!                                                             │
//!                       public key from the published history ┴──verify()──▶ Report
//! ```
//!
//! Nothing here reads a clock or a database. A verifier always takes the key from its caller:
//! a key found beside a signature proves nothing.

mod base64;
mod bundle;
mod dsse;
#[cfg(test)]
mod example;
mod key;
mod kms;
mod signer;
mod statement;
mod verify;

// Whoever only verifies needs this crate alone.
pub use domain::CommitSha;

pub use bundle::{BUNDLE_BYTES_MAX, bundle, parse_document};
pub use dsse::{
    ENVELOPE_BYTES_MAX, Envelope, EnvelopeError, PAYLOAD_TYPE, Signature, SignatureRefused,
    attestation_hash, pae, sign,
};
pub use key::{InvalidKey, KeyId, PublicKey};
pub use kms::KmsKey;
pub use signer::{InvalidSignerSetting, LocalKey, Signer, SignerError, SignerSetting};
pub use statement::{
    Attested, DECIDING_LISTED_MAX, Decision, FILES_LISTED_MAX, Parent, Standing, Statements,
    statements,
};
pub use verify::{Check, Expected, Outcome, Report, Step, Summary, verify};
