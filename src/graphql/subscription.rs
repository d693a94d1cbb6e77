//! What clients are told of as it happens.
//!
//! A subscription is run anew for every event that it waits for: each answer is resolved like a query's, against the data of its own
//! moment. What its arguments leave out runs nothing.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{
    Context, Description, Error, ID, Request, Response, Subscription as SubscriptionObject, Variables,
};
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::caller::service;
use super::filter::{Conditions, ResourceEventFilter};
use super::id::{self, NodeType};
use super::sight::present;
use super::types::{EventsRecorded, Job, JobKind, JobState, events_recorded};
use super::{Prepared, Schema, execute, order, unanswered};
use crate::jobs::{Backlog, Service};
use crate::model;
use crate::store::Reader;
use crate::store::query::PublicationRecord;

/// What clients are told of as it happens.
#[derive(Description)]
pub struct Subscription;

/// What a subscription is run for.
struct Event {
    cause: Cause,
    /// What the subscription waits for: each of its fields says so when it is run.
    waits_for: Mutex<Vec<Wanted>>,
}

#[derive(Clone)]
enum Cause {
    /// It is run for the first time, to see whether it can be.
    Beginning,
    Job(Box<model::Job>),
    Publication(PublicationRecord),
}

/// Events that a field waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Jobs {
        id: Option<Uuid>,
        kind: Option<model::JobKind>,
        state: Option<model::JobState>,
    },
    /// Scans that recorded something new.
    Publications,
}

impl Wanted {
    fn picks(&self, cause: &Cause) -> bool {
        match (self, cause) {
            (Self::Jobs { id, kind, state }, Cause::Job(job)) => {
                id.is_none_or(|id| job.id.0 == id)
                    && kind.is_none_or(|kind| job.kind == kind)
                    && state.is_none_or(|state| job.state == state)
            }
            (Self::Publications, Cause::Publication(publication)) => !publication.is_rebuild,
            _ => false,
        }
    }
}

impl Event {
    const fn new(cause: Cause) -> Self {
        Self { cause, waits_for: Mutex::new(Vec::new()) }
    }

    /// The event, if a field waits for it.
    fn of<'c>(context: &Context<'c>, wanted: Wanted) -> Result<Option<&'c Cause>, Error> {
        let event = context.data::<Arc<Self>>()?;
        let cause = Some(&event.cause).filter(|cause| wanted.picks(cause));
        event.waits_for.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
        Ok(cause)
    }

    fn waits_for(&self) -> Vec<Wanted> {
        self.waits_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[SubscriptionObject(use_type_description)]
impl Subscription {
    /// Every change of every job of the server from now on: its state, and its progress a few times a second. A client that is slow
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
        let wanted = Wanted::Jobs { id, kind: kind.map(Into::into), state: state.map(Into::into) };
        let job = match Event::of(context, wanted)? {
            Some(Cause::Job(job)) => Some(Job::from((**job).clone())),
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
        let recorded = match Event::of(context, Wanted::Publications)? {
            Some(Cause::Publication(publication)) => events_recorded(context, publication, filter).await?,
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
    if let Err(refused) = schema.admit(&mut request) {
        return stream::once(ready(*refused)).boxed();
    }
    let asked = Asked { schema: schema.clone(), reader: reader.clone() };
    if let Some(document) = subscription(&mut request) {
        // From here on nothing of the jobs is missed.
        let updates = jobs.map(|jobs| jobs.queue.updates());
        let subscribed = Subscribed { document, operation: request.operation_name, variables: request.variables };
        return asked.subscribe(subscribed, updates).boxed();
    }
    stream::once(async move { execute(&asked.schema, &asked.reader, request).await }).boxed()
}

/// The document of a subscription; none of anything else.
fn subscription(request: &mut Request) -> Option<ExecutableDocument> {
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok()?;
    let operation = order::find(document, name.as_deref())?;
    (operation.ty == OperationType::Subscription).then(|| document.clone())
}

struct Asked {
    schema: Schema,
    reader: Reader,
}

/// A subscription, to be run for every event that it waits for.
struct Subscribed {
    /// Parsed once.
    document: ExecutableDocument,
    operation: Option<String>,
    variables: Variables,
}

impl Subscribed {
    fn request(&self, event: &Arc<Event>) -> Request {
        // Whoever is given a parsed document does not look at its text.
        let mut request = Request::new("").variables(self.variables.clone()).data(event.clone());
        request.set_parsed_query(self.document.clone());
        request.operation_name.clone_from(&self.operation);
        request
    }
}

/// Where a subscription stands between two answers.
enum Progress {
    /// It was not run yet.
    New(Option<Receiver<model::Job>>),
    Begun(Events, Vec<Wanted>),
    Over,
}

/// Where events come from.
enum Events {
    Jobs(Updates),
    Publications(Receiver<PublicationRecord>),
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
        let wanted = beginning.waits_for();
        let events = match (wanted.first(), updates) {
            (Some(Wanted::Jobs { .. }), Some(updates)) => {
                Events::Jobs(Updates { updates, caught_up: Backlog::default() })
            }
            (Some(Wanted::Publications), _) => match self.reader.published().await {
                Ok(publications) => Events::Publications(publications),
                Err(failure) => return Err(Box::new(unanswered(failure))),
            },
            _ => return Ok(Progress::Over),
        };
        Ok(Progress::Begun(events, wanted))
    }

    /// The answer to one event; none when it has nothing to tell of it.
    async fn answer(&self, request: Request) -> Option<Response> {
        let prepared = match Prepared::new(&self.schema, request) {
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
    /// What happened next of what is waited for; none when nothing will any more.
    async fn next(&mut self) -> Option<Cause> {
        let Self::Begun(events, wanted) = self else { return None };
        loop {
            let cause = events.next().await?;
            if wanted.iter().any(|wanted| wanted.picks(&cause)) {
                return Some(cause);
            }
        }
    }
}

impl Events {
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
        }
    }
}

/// Changes of jobs for one subscription.
struct Updates {
    updates: Receiver<model::Job>,
    /// Events that came while others were answered, too many to keep all of them.
    caught_up: Backlog,
}

impl Updates {
    async fn next_job(&mut self) -> Option<model::Job> {
        loop {
            if let Some(job) = self.caught_up.pop() {
                return Some(job);
            }
            match self.updates.recv().await {
                Ok(job) => return Some(job),
                Err(RecvError::Lagged(_)) => self.caught_up.take_in(&mut self.updates),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
