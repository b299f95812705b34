//! The async runtime that all users of this crate in a process share.

use std::future::Future;
use std::sync::OnceLock;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Context as _, Result};

/// Number of threads for the clients. Two keep a load generator from being the bottleneck on a small machine.
const WORKERS: usize = 2;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    #[expect(clippy::expect_used, reason = "without threads there is nothing that this process could do")]
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build().expect("the async runtime starts")
    })
}

/// Runs `future` to its end and returns its result. Must not be called from an async task.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// Waits until this process is asked to end (SIGINT as by Ctrl-C, or SIGTERM). The signal then no longer ends it
/// directly, so that a running mesh is dropped in order, including its folder.
///
/// # Errors
/// The system refuses to deliver the signals.
pub fn wait_for_interrupt() -> Result<()> {
    block_on(interrupted())
}

/// Waits like [`wait_for_interrupt`], in an async task.
///
/// # Errors
/// The system refuses to deliver the signals.
pub async fn interrupted() -> Result<()> {
    let what = "cannot wait for signals";
    let mut interrupt = signal(SignalKind::interrupt()).context(what)?;
    let mut terminate = signal(SignalKind::terminate()).context(what)?;
    std::future::poll_fn(|task| match (interrupt.poll_recv(task), terminate.poll_recv(task)) {
        (Poll::Pending, Poll::Pending) => Poll::Pending,
        _ => Poll::Ready(Ok(())),
    })
    .await
}
