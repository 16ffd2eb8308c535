use crate::{Error, Round};

/// How many results of files one sweep forgets.
const BATCH: i32 = 5_000;

/// Forgets what came of files that nobody has examined in a long time. What an organisation keeps
/// beyond its share is forgotten by whoever adds to it.
pub(crate) async fn sweep(round: &Round<'_>) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let tx = session.begin_unscoped().await?;
    let forgotten = tx.forget_file_results(BATCH).await?;
    tx.commit().await?;
    Ok(forgotten)
}
