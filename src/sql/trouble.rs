//! How trouble with a database is told: what it means for the request, and nothing that a statement or a row holds.

use std::time::Duration;

use crate::host::{HostError, HostErrorKind};

/// What went wrong, without statement, values or the database's own words: those may quote what a person typed.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database answered with code {0}")]
    Answered(String),
    #[error("the connection failed: {0}")]
    Connection(std::io::ErrorKind),
    #[error("no connection was free in time")]
    Exhausted,
    #[error("the pool is closed")]
    Closed,
    #[error("there was no answer within {0:?}")]
    Late(Duration),
    #[error("the connection was lost, or speaks another protocol")]
    Lost,
    #[error("an answer could not be read")]
    Unreadable,
}

/// What the codes of one database mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    /// For a statement.
    pub(crate) statement: fn(&str) -> HostErrorKind,
    /// For a commit.
    pub(crate) commit: fn(&str) -> HostErrorKind,
}

impl Answers {
    /// What an error of a statement means.
    pub(crate) fn failed(self, error: sqlx::Error) -> HostError {
        told(error, self.statement, HostErrorKind::Unavailable)
    }

    /// What an error of a commit means: whoever lost the connection meanwhile does not know.
    pub(crate) fn uncommitted(self, error: sqlx::Error) -> HostError {
        told(error, self.commit, HostErrorKind::CommitUnknown)
    }
}

fn told(error: sqlx::Error, codes: fn(&str) -> HostErrorKind, lost: HostErrorKind) -> HostError {
    use sqlx::Error as E;
    match error {
        E::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            HostError::new(codes(&code), Trouble::Answered(code.into_owned()))
        }
        E::Io(error) => HostError::new(lost, Trouble::Connection(error.kind())),
        E::PoolTimedOut => HostError::unavailable(Trouble::Exhausted),
        E::PoolClosed => HostError::unavailable(Trouble::Closed),
        E::Tls(_) | E::Protocol(_) | E::WorkerCrashed | E::BeginFailed => HostError::new(lost, Trouble::Lost),
        _ => HostError::other(Trouble::Unreadable),
    }
}

/// Waits for work with the database, and no longer than this.
///
/// # Errors
///
/// The work's own, or one of kind `late`.
pub(crate) async fn within<T>(
    patience: Duration,
    late: HostErrorKind,
    work: impl Future<Output = Result<T, HostError>>,
) -> Result<T, HostError> {
    match tokio::time::timeout(patience, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HostError::new(late, Trouble::Late(patience))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_says_what_it_means_and_nothing_else() {
        let answers = Answers { statement: |_| HostErrorKind::Conflict, commit: |_| HostErrorKind::CommitUnknown };
        let io = || sqlx::Error::Io(std::io::Error::other("secret words"));
        let decode = sqlx::Error::Decode("secret words".into());

        let told = [
            (answers.failed(io()), HostErrorKind::Unavailable),
            (answers.uncommitted(io()), HostErrorKind::CommitUnknown),
            (answers.failed(sqlx::Error::PoolTimedOut), HostErrorKind::Unavailable),
            (answers.uncommitted(sqlx::Error::PoolTimedOut), HostErrorKind::Unavailable),
            (answers.failed(sqlx::Error::Protocol("secret words".to_owned())), HostErrorKind::Unavailable),
            (answers.failed(decode), HostErrorKind::Other),
        ];

        for (error, kind) in told {
            assert_eq!(error.kind(), kind);
            let source = std::error::Error::source(&error).unwrap();
            assert!(!format!("{error} {source} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_so() {
        let never = std::future::pending::<Result<(), HostError>>();

        let error = within(Duration::from_millis(10), HostErrorKind::Unavailable, never).await.unwrap_err();

        assert_eq!(error.kind(), HostErrorKind::Unavailable);
    }
}
