//! Asks a forge about repositories that are known.

use super::PipelineError;
use crate::forge::{Answers, Forge, ForgeError, Found, KnownAs, LOCAL};
use crate::store::query::RepositoryRecord;

/// The answers about a batch, in its order: of those whose id is known in one question, of the others one by one. What goes wrong with one
/// of them says nothing of the others: it must not hold them up.
pub(super) async fn ask<F: Forge>(forge: &F, batch: &[RepositoryRecord]) -> Answers {
    let known_as = |record: &RepositoryRecord| {
        let id = record.forge_id()?;
        let node_id = Some(record.node_id.clone()).filter(|id| !id.is_empty());
        Some(KnownAs { id, node_id, full_name: record.full_name.clone() })
    };
    let known: Vec<KnownAs> = batch.iter().filter_map(known_as).collect();
    let mut answers = Answers { found: Vec::new(), ended: Ok(()) };
    if !known.is_empty() {
        answers = forge.repositories(&known).await;
    }
    let mut by_id = answers.found.into_iter();
    let mut found: Vec<Option<Found>> =
        batch.iter().map(|record| record.forge_id().and_then(|_| by_id.next()).flatten()).collect();
    if let Err(error) = answers.ended {
        // The question was too much, or its answer none. Others get their turn before it is asked again.
        if !error.is_of_one() || batch.len() == 1 {
            return Answers { found, ended: Err(error) };
        }
        for (answer, _) in found.iter_mut().zip(batch).filter(|(_, record)| record.forge_id().is_some()) {
            answer.get_or_insert_with(|| Found::Unknown(error.to_string()));
        }
    }
    for (answer, record) in found.iter_mut().zip(batch).filter(|(_, record)| record.forge_id().is_none()) {
        *answer = match forge.repository(&record.full_name).await {
            Ok(found) => Some(found),
            Err(error) if error.is_of_one() => Some(Found::Unknown(error.to_string())),
            Err(error) => return Answers { found, ended: Err(error) },
        };
    }
    Answers { found, ended: Ok(()) }
}

/// The forge that knows a repository; of a place on this machine there is nothing to ask.
pub(super) fn forge_of<'a, F: Forge>(forges: &'a [F], record: &RepositoryRecord) -> Option<&'a F> {
    forges.iter().find(|forge| forge.host() == record.forge && forge.host() != LOCAL)
}

/// Repositories by the forge that knows them, in their order.
pub(super) fn by_forge<F: Forge>(
    forges: &[F],
    records: Vec<RepositoryRecord>,
) -> Vec<(Option<&F>, Vec<RepositoryRecord>)> {
    let mut groups: Vec<(Option<&F>, Vec<RepositoryRecord>)> = Vec::new();
    for record in records {
        let forge = forge_of(forges, &record);
        let host = forge.map(Forge::host);
        match groups.iter_mut().find(|(known, _)| known.map(Forge::host) == host) {
            Some((_, group)) => group.push(record),
            None => groups.push((forge, vec![record])),
        }
    }
    groups
}

/// A forge that does not answer at all is told of with what to do about it.
pub(super) fn no_network<F: Forge>(forge: &F, error: ForgeError) -> PipelineError {
    match error {
        ForgeError::Unreachable { reason, .. } => PipelineError::NoNetwork { forge: forge.host().to_owned(), reason },
        error => error.into(),
    }
}
