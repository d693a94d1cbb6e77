//! What clients are told of as it happens.
//!
//! A subscription is run anew for every event: each answer is resolved like a query's, against the data of its own moment.

use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{
    Context, Description, Error, ID, Request, Response, Subscription as SubscriptionObject, Variables,
};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::caller::service;
use super::id::{self, NodeType};
use super::sight::present;
use super::types::{Job, JobKind, JobState};
use super::{Prepared, Schema, execute, order, unanswered};
use crate::jobs::Service;
use crate::model;
use crate::store::Reader;

/// What clients are told of as it happens.
#[derive(Description)]
pub struct Subscription;

/// The job of the event that a subscription is run for; none when it is run for the first time, to see whether it can be.
struct Event(Option<model::Job>);

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
        let job = context.data::<Arc<Event>>()?.0.clone().filter(wanted);
        Ok(stream::iter(job.map(Job::from)))
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
    match jobs {
        Some(jobs) if is_subscription(&mut request) => {
            // From here on nothing is missed.
            let updates = jobs.queue.updates();
            asked.subscribe(Subscribed::new(request), updates).boxed()
        }
        _ => stream::once(async move { execute(&asked.schema, &asked.reader, request).await }).boxed(),
    }
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

    fn request(&self, event: Event) -> Request {
        let request = Request::new(&self.document).variables(self.variables.clone()).data(Arc::new(event));
        match &self.operation {
            Some(operation) => request.operation_name(operation),
            None => request,
        }
    }
}

/// Where a subscription stands between two answers.
struct Progress {
    updates: Receiver<model::Job>,
    /// Events that came while others were answered, too many to keep all of them.
    caught_up: VecDeque<model::Job>,
    has_begun: bool,
    is_over: bool,
}

impl Asked {
    fn subscribe(self, subscribed: Subscribed, updates: Receiver<model::Job>) -> impl Stream<Item = Response> + Send {
        let progress = Progress { updates, caught_up: VecDeque::new(), has_begun: false, is_over: false };
        stream::unfold((self, subscribed, progress), async move |(asked, subscribed, mut progress)| {
            let response = asked.next(&subscribed, &mut progress).await?;
            Some((response, (asked, subscribed, progress)))
        })
    }

    async fn next(&self, subscribed: &Subscribed, progress: &mut Progress) -> Option<Response> {
        if progress.is_over {
            return None;
        }
        if !progress.has_begun {
            progress.has_begun = true;
            if let Some(refused) = self.answer(subscribed.request(Event(None))).await {
                progress.is_over = true;
                return Some(refused);
            }
        }
        loop {
            let job = progress.next_job().await?;
            if let Some(response) = self.answer(subscribed.request(Event(Some(job)))).await {
                return Some(response);
            }
        }
    }

    /// The answer to one event; none when the subscription's arguments leave it out.
    async fn answer(&self, request: Request) -> Option<Response> {
        let prepared = match Prepared::new(request) {
            Ok(prepared) => prepared,
            Err(refused) => return Some(*refused),
        };
        match self.reader.recent_snapshot().await {
            Ok(snapshot) => prepared.run_event(&self.schema, &self.reader, snapshot).await,
            Err(failure) => Some(unanswered(failure)),
        }
    }
}

impl Progress {
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

    fn progress(updates: Receiver<model::Job>) -> Progress {
        Progress { updates, caught_up: VecDeque::new(), has_begun: true, is_over: false }
    }

    #[tokio::test]
    async fn nothing_is_skipped_for_those_who_keep_up() {
        let (sender, receiver) = broadcast::channel(16);
        let id = JobId::now();
        for done in 0..10 {
            sender.send(job(id, done, JobState::Running)).unwrap();
        }
        drop(sender);
        let mut progress = progress(receiver);
        for done in 0..10 {
            assert_eq!(progress.next_job().await.unwrap().progress.done, done);
        }
        assert!(progress.next_job().await.is_none(), "it ends with the queue");
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
        let mut progress = progress(receiver);
        let seen = [progress.next_job().await.unwrap(), progress.next_job().await.unwrap()];
        assert_eq!(seen.map(|job| (job.id, job.progress.done)), [(second, 1), (first, 100)]);
        assert!(progress.next_job().await.is_none());
    }
}
