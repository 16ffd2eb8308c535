use domain::{Classify, ErrorKind};
use faults::Mutation;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Someone else changed the row first, or two transactions collided.
    #[error("the row was changed meanwhile")]
    ChangedMeanwhile,
    #[error("the database refused the statement")]
    Refused(#[source] tokio_postgres::Error),
    #[error("{table}.{column} holds a value that the domain refuses")]
    CorruptRow {
        table: &'static str,
        column: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("DATABASE_URL cannot be used: {0}")]
    Url(String),
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        // A parameter of the wrong type never reached the server: trying again would not help.
        let source = std::error::Error::source(&error);
        if source.is_some_and(|source| source.is::<tokio_postgres::types::WrongType>()) {
            return Self::Refused(error);
        }
        // The first two characters of a SQLSTATE are its class (Postgres manual, appendix A).
        match error.code().map(|state| state.code().get(..2).unwrap_or_default()) {
            Some("40") => Self::ChangedMeanwhile,
            None | Some("08" | "25" | "53" | "55" | "57" | "58") => {
                Self::Unreachable(Box::new(error))
            }
            Some(_) => Self::Refused(error),
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Unreachable(Box::new(error))
    }
}

impl Classify for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable(_) => ErrorKind::Unavailable,
            Self::ChangedMeanwhile if faults::mutated(Mutation::FailOnConflict) => {
                ErrorKind::Invalid
            }
            Self::ChangedMeanwhile => ErrorKind::Conflict,
            Self::Refused(_) | Self::CorruptRow { .. } | Self::Url(_) => ErrorKind::Bug,
        }
    }
}
