//! What clients are told of as it happens.
//!
//! A subscription is run anew for every event: each answer is resolved like a query's, against the data of its own moment.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use async_graphql::parser::types::OperationType;
use async_graphql::{
    Context, Description, Error, ID, Request, Response, Subscription as SubscriptionObject, Variables,
};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::caller::service;
use super::filter::{Conditions, ResourceEventFilter};
use super::id::{self, NodeType};
use super::sight::present;
use super::types::{EventsRecorded, Job, JobKind, JobState, events_recorded};
use super::{Prepared, Schema, execute, order, unanswered};
use crate::jobs::Service;
use crate::model;
use crate::store::Reader;
use crate::store::query::PublicationRecord;

/// What clients are told of as it happens.
#[derive(Description)]
pub struct Subscription;

/// What a subscription is run for.
struct Event {
    cause: Cause,
    /// What the subscription waits for: it says so itself when it is run.
    waits_for: OnceLock<Source>,
}

#[derive(Clone)]
enum Cause {
    /// It is run for the first time, to see whether it can be.
    Beginning,
    Job(Box<model::Job>),
    Publication(PublicationRecord),
}

/// Where events come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Jobs,
    Publications,
}

impl Event {
    const fn new(cause: Cause) -> Self {
        Self { cause, waits_for: OnceLock::new() }
    }

    /// The event, for a field that waits for events of this source.
    fn of<'c>(context: &Context<'c>, source: Source) -> Result<&'c Cause, Error> {
        let event = context.data::<Arc<Self>>()?;
        let _ = event.waits_for.set(source);
        Ok(&event.cause)
    }
}

#[SubscriptionObject(use_type_description)]
impl Subscription {
    /// Every change of every job of the server from now on: its state, and its progress about once a second. A client that is slow
    /// misses changes of a job, but never the last one.
    async fn job_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this job.")] id: Option<ID>,
        #[graphql(desc = "Only jobs that do this.")] kind: Option<JobKind>,
        #[graphql(desc = "Only changes that leave a job in this state.")] state: Option<JobState>,
    ) -> Result<impl Stream<Item = Job>, Error> {
        service(context)?;
        present(context)?.note();
        let id = id.map(|id| id::decode_as(NodeType::Job, &id)).transpose()?;
        let wanted = |job: &model::Job| {
            id.is_none_or(|id| job.id.0 == id)
                && kind.is_none_or(|kind| job.kind == kind.into())
                && state.is_none_or(|state| job.state == state.into())
        };
        let job = match Event::of(context, Source::Jobs)? {
            Cause::Job(job) if wanted(job) => Some(Job::from((**job).clone())),
            _ => None,
        };
        Ok(stream::iter(job))
    }

    /// Every scan that records events which the filter matches, from now on and whichever process runs it, about half a second after its
    /// events can be seen. A scan that reads a whole history again, because it was rewritten or by newer rules, records nothing new and is left out.
    async fn events_recorded(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events.")] filter: Option<ResourceEventFilter>,
    ) -> Result<impl Stream<Item = EventsRecorded>, Error> {
        let filter = filter.unwrap_or_default().conditions()?;
        let recorded = match Event::of(context, Source::Publications)? {
            Cause::Publication(publication) if !publication.is_rebuild => {
                events_recorded(context, publication, filter).await?
            }
            _ => None,
        };
        Ok(stream::iter(recorded))
    }
}

/// The answers to any operation: one to a query or mutation, one an event to a subscription.
pub fn answers(
    schema: &Schema,
    reader: &Reader,
    jobs: Option<&Service>,
    mut request: Request,
) -> BoxStream<'static, Response> {
    let asked = Asked { schema: schema.clone(), reader: reader.clone() };
    if is_subscription(&mut request) {
        // From here on nothing of the jobs is missed.
        let updates = jobs.map(|jobs| jobs.queue.updates());
        return asked.subscribe(Subscribed::new(request), updates).boxed();
    }
    stream::once(async move { execute(&asked.schema, &asked.reader, request).await }).boxed()
}

fn is_subscription(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return false };
    order::find(document, name.as_deref()).is_some_and(|operation| operation.ty == OperationType::Subscription)
}

struct Asked {
    schema: Schema,
    reader: Reader,
}

/// A subscription, to be run for every event.
struct Subscribed {
    document: String,
    operation: Option<String>,
    variables: Variables,
}

impl Subscribed {
    fn new(request: Request) -> Self {
        Self { document: request.query, operation: request.operation_name, variables: request.variables }
    }

    fn request(&self, event: &Arc<Event>) -> Request {
        let request = Request::new(&self.document).variables(self.variables.clone()).data(event.clone());
        match &self.operation {
            Some(operation) => request.operation_name(operation),
            None => request,
        }
    }
}

/// Where a subscription stands between two answers.
enum Progress {
    /// It was not run yet.
    New(Option<Receiver<model::Job>>),
    Jobs(Updates),
    Publications(Receiver<PublicationRecord>),
    Over,
}

impl Asked {
    fn subscribe(
        self,
        subscribed: Subscribed,
        updates: Option<Receiver<model::Job>>,
    ) -> impl Stream<Item = Response> + Send {
        let progress = Progress::New(updates);
        stream::unfold((self, subscribed, progress), async move |(asked, subscribed, mut progress)| {
            let response = asked.next(&subscribed, &mut progress).await?;
            Some((response, (asked, subscribed, progress)))
        })
    }

    async fn next(&self, subscribed: &Subscribed, progress: &mut Progress) -> Option<Response> {
        if let Progress::New(updates) = progress {
            let updates = updates.take();
            match self.begin(subscribed, updates).await {
                Ok(begun) => *progress = begun,
                Err(refused) => {
                    *progress = Progress::Over;
                    return Some(*refused);
                }
            }
        }
        loop {
            let cause = progress.next().await?;
            if let Some(response) = self.answer(subscribed.request(&Arc::new(Event::new(cause)))).await {
                return Some(response);
            }
        }
    }

    /// Runs the subscription for the first time, and listens to what it waits for.
    ///
    /// # Errors
    /// The answer to a subscription that cannot be.
    async fn begin(
        &self,
        subscribed: &Subscribed,
        updates: Option<Receiver<model::Job>>,
    ) -> Result<Progress, Box<Response>> {
        let beginning = Arc::new(Event::new(Cause::Beginning));
        if let Some(refused) = self.answer(subscribed.request(&beginning)).await {
            return Err(Box::new(refused));
        }
        match (beginning.waits_for.get(), updates) {
            (Some(Source::Jobs), Some(updates)) => Ok(Progress::Jobs(Updates { updates, caught_up: VecDeque::new() })),
            (Some(Source::Publications), _) => match self.reader.published().await {
                Ok(publications) => Ok(Progress::Publications(publications)),
                Err(failure) => Err(Box::new(unanswered(failure))),
            },
            _ => Ok(Progress::Over),
        }
    }

    /// The answer to one event; none when the subscription's arguments leave it out.
    async fn answer(&self, request: Request) -> Option<Response> {
        let prepared = match Prepared::new(request) {
            Ok(prepared) => prepared,
            Err(refused) => return Some(*refused),
        };
        // Not a recent one: what an event tells of is to be seen in its answer.
        match self.reader.snapshot().await {
            Ok(snapshot) => prepared.run_event(&self.schema, &self.reader, snapshot).await,
            Err(failure) => Some(unanswered(failure)),
        }
    }
}

impl Progress {
    /// What happened next; none when nothing will any more.
    async fn next(&mut self) -> Option<Cause> {
        match self {
            Self::Jobs(updates) => updates.next_job().await.map(|job| Cause::Job(Box::new(job))),
            Self::Publications(publications) => loop {
                match publications.recv().await {
                    Ok(publication) => return Some(Cause::Publication(publication)),
                    Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "a subscriber of events is too slow"),
                    Err(RecvError::Closed) => return None,
                }
            },
            Self::New(_) | Self::Over => None,
        }
    }
}

/// Changes of jobs for one subscription.
struct Updates {
    updates: Receiver<model::Job>,
    /// Events that came while others were answered, too many to keep all of them.
    caught_up: VecDeque<model::Job>,
}

impl Updates {
    async fn next_job(&mut self) -> Option<model::Job> {
        loop {
            if let Some(job) = self.caught_up.pop_front() {
                return Some(job);
            }
            match self.updates.recv().await {
                Ok(job) => return Some(job),
                Err(RecvError::Lagged(_)) => self.caught_up = newest_of_each(&mut self.updates),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// What waits in a channel that overflowed: the newest state of each job, in the order of these states.
fn newest_of_each(updates: &mut Receiver<model::Job>) -> VecDeque<model::Job> {
    let mut newest: VecDeque<model::Job> = VecDeque::new();
    loop {
        match updates.try_recv() {
            Ok(job) => {
                newest.retain(|older| older.id != job.id);
                newest.push_back(job);
            }
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return newest,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;
    use crate::model::{JobArguments, JobId, JobKind, JobProgress, JobState, Requester};

    fn job(id: JobId, done: u64, state: JobState) -> model::Job {
        model::Job {
            id,
            kind: JobKind::Scan,
            repository: None,
            arguments: JobArguments::default(),
            requested_by: Requester::Webhook,
            priority: 3,
            state,
            attempts: 1,
            progress: JobProgress { done, ..JobProgress::default() },
            error: None,
            created_at_ms: 0,
            started_at_ms: None,
            ended_at_ms: None,
            not_before_ms: None,
            run: None,
            worker: None,
            is_cancelled: false,
        }
    }

    const fn waiting(updates: Receiver<model::Job>) -> Updates {
        Updates { updates, caught_up: VecDeque::new() }
    }

    #[tokio::test]
    async fn nothing_is_skipped_for_those_who_keep_up() {
        let (sender, receiver) = broadcast::channel(16);
        let id = JobId::now();
        for done in 0..10 {
            sender.send(job(id, done, JobState::Running)).unwrap();
        }
        drop(sender);
        let mut updates = waiting(receiver);
        for done in 0..10 {
            assert_eq!(updates.next_job().await.unwrap().progress.done, done);
        }
        assert!(updates.next_job().await.is_none(), "it ends with the queue");
    }

    #[tokio::test]
    async fn those_who_lag_get_the_newest_state_of_each_job() {
        let (sender, receiver) = broadcast::channel(8);
        let (first, second) = (JobId::now(), JobId::now());
        for done in 0..100 {
            sender.send(job(first, done, JobState::Running)).unwrap();
        }
        sender.send(job(second, 1, JobState::Running)).unwrap();
        sender.send(job(first, 100, JobState::Succeeded)).unwrap();
        drop(sender);
        let mut updates = waiting(receiver);
        let seen = [updates.next_job().await.unwrap(), updates.next_job().await.unwrap()];
        assert_eq!(seen.map(|job| (job.id, job.progress.done)), [(second, 1), (first, 100)]);
        assert!(updates.next_job().await.is_none());
    }
}
