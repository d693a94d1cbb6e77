//! When batches of nested fields are sent: as soon as no resolver can go on without an answer.
//!
//! A loader hands the task that will send its batch to a spawner. Run on another thread, that task would wait for a fixed time
//! and cut a page in two whenever resolving took longer. Here it runs beside the request, in the same task, and gets its
//! turn only when the request waits: every key of a level is in the batch, and none waits longer than it must.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where loaders leave their tasks.
#[derive(Clone)]
pub struct Spawner(mpsc::UnboundedSender<Task>);

/// The tasks that loaders left.
pub struct Tasks(mpsc::UnboundedReceiver<Task>);

pub fn channel() -> (Spawner, Tasks) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Spawner(sender), Tasks(receiver))
}

impl Spawner {
    pub fn spawn(&self, task: Task) {
        // Without a receiver the request is gone, and nobody waits for the batch.
        let _ = self.0.send(task);
    }
}

impl Tasks {
    /// Runs a request to its end, and the loaders' tasks whenever it waits.
    pub async fn run_beside<T>(mut self, request: impl Future<Output = T>) -> T {
        let mut request = pin!(request);
        let mut running = FuturesUnordered::new();
        poll_fn(move |context| {
            let call = Arc::new(Call { outer: context.waker().clone(), came: AtomicBool::new(false) });
            let waker = Waker::from(call.clone());
            loop {
                if let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(answer);
                }
                if call.came.swap(false, Ordering::Relaxed) {
                    // It only let others have a turn, as long lists do, and may have more keys.
                    return Poll::Pending;
                }
                let mut progress = false;
                while let Poll::Ready(Some(task)) = self.0.poll_recv(context) {
                    running.push(task);
                    progress = true;
                }
                while let Poll::Ready(Some(())) = running.poll_next_unpin(context) {
                    progress = true;
                }
                // What the tasks answered is taken up at once.
                call.came.store(false, Ordering::Relaxed);
                if !progress {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// Notes that a request asked for another turn, and passes it on.
struct Call {
    outer: Waker,
    came: AtomicBool,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.came.store(true, Ordering::Relaxed);
        self.outer.wake_by_ref();
    }
}
