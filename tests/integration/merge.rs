//! A merge from the request to the merged head: a GitHub that keeps state and loses answers, a
//! real Postgres, the real orchestrator. Goal is that a head is merged once, after its checks have
//! passed and somebody has approved exactly that, or not at all.

mod merging;
mod place;
mod refusing;
