//! A limited load: a number of requests over a number of connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Connection, Endpoint, Request, Response};
use crate::error::{Error, Result};
use crate::runtime::block_on;

/// Most requests of one load.
pub const MAX_REQUESTS: usize = 1_000_000;
/// Most connections of one load.
pub const MAX_CONNECTIONS: usize = 1_000;
/// Number of failures whose texts are kept.
const MAX_FAILURES: usize = 20;

/// The size and the time limit of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Total number of requests, at most [`MAX_REQUESTS`].
    pub requests: usize,
    /// Number of connections, at most [`MAX_CONNECTIONS`]. Each has one request in progress at a time.
    pub connections: usize,
    /// The time after which the load ends, finished or not.
    pub limit: Duration,
}

/// The result of a load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Number of requests without an answer, or with one that the check did not accept.
    pub failed: usize,
    /// The texts of the first 20 failures.
    pub failures: Vec<String>,
    /// Time from the first request to the last answer.
    pub took: Duration,
    /// The time of each answered request, in ascending order.
    pub latencies: Vec<Duration>,
}

impl Report {
    /// Returns the number of answered requests.
    pub fn answered(&self) -> usize {
        self.latencies.len()
    }

    /// Returns the time within which `share` (0.0 to 1.0) of the answers arrived, or `None` without answers.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index between 0 and `last`"
        )]
        let index = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        self.latencies.get(index).copied()
    }

    fn fail(&mut self, text: String) {
        self.failed += 1;
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(text);
        }
    }

    fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.failed += other.failed;
        let room = MAX_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(other.failures.into_iter().take(room));
        self.latencies.extend(other.latencies);
    }
}

/// Sends `request(number)` for each number from 0, and calls `check(number, answer)` for each answer. An error from it
/// counts as a failure.
///
/// # Errors
/// The load exceeds a limit. Requests that fail are in the report.
pub fn run(
    endpoint: &Endpoint,
    load: Load,
    request: impl Fn(usize) -> Request + Send + Sync + 'static,
    check: impl Fn(usize, &Response) -> std::result::Result<(), String> + Send + Sync + 'static,
) -> Result<Report> {
    if load.requests > MAX_REQUESTS || load.connections > MAX_CONNECTIONS || load.connections == 0 {
        let Load { requests, connections, .. } = load;
        let limits = format!("at most {MAX_REQUESTS} requests over 1 to {MAX_CONNECTIONS} connections");
        return Err(Error::new(format!("a load has {limits}, not {requests} over {connections}")));
    }
    let work = Arc::new(Work {
        endpoint: endpoint.clone(),
        load,
        next: AtomicUsize::new(0),
        started: Instant::now(),
        request,
        check,
    });
    Ok(block_on(async {
        let workers: Vec<_> = (0..load.connections).map(|_| tokio::spawn(Arc::clone(&work).worker())).collect();
        let mut report = Report::default();
        for worker in workers {
            match worker.await {
                Ok(part) => report.add(part),
                Err(panic) => report.fail(format!("a check panicked: {panic}")),
            }
        }
        report.took = work.started.elapsed();
        report.latencies.sort_unstable();
        report
    }))
}

struct Work<R, C> {
    endpoint: Endpoint,
    load: Load,
    next: AtomicUsize,
    started: Instant,
    request: R,
    check: C,
}

impl<R, C> Work<R, C>
where
    R: Fn(usize) -> Request,
    C: Fn(usize, &Response) -> std::result::Result<(), String>,
{
    /// Sends one request after the other over one connection, until all are sent or the time is over.
    async fn worker(self: Arc<Self>) -> Report {
        let mut report = Report::default();
        let mut connection = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.requests {
                return report;
            }
            let left = self.load.limit.saturating_sub(self.started.elapsed());
            let sent = Instant::now();
            match tokio::time::timeout(left, exchange(&self.endpoint, &mut connection, (self.request)(number))).await {
                Ok(Ok(response)) => {
                    report.latencies.push(sent.elapsed());
                    *report.statuses.entry(response.status).or_default() += 1;
                    if let Err(text) = (self.check)(number, &response) {
                        report.fail(format!("request {number}: {text}"));
                    }
                }
                Ok(Err(error)) => {
                    connection = None;
                    report.fail(format!("request {number}: {error}"));
                }
                Err(_) => {
                    report.fail(format!("request {number}: the load's {:?} were over", self.load.limit));
                    return report;
                }
            }
        }
    }
}

async fn exchange(endpoint: &Endpoint, connection: &mut Option<Connection>, request: Request) -> Result<Response> {
    let open = match connection.take() {
        Some(open) if !open.is_closed() => open,
        _ => Connection::open(endpoint).await?,
    };
    connection.insert(open).send(request).await
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_load_without_end_is_refused() {
        let endpoint = Endpoint::plain(SocketAddr::from(([127, 0, 0, 1], 1)), "x");
        for (requests, connections) in [(MAX_REQUESTS + 1, 1), (1, MAX_CONNECTIONS + 1), (1, 0)] {
            let load = Load { requests, connections, limit: Duration::from_secs(1) };
            assert!(run(&endpoint, load, |_| Request::get("/"), |_, _| Ok(())).is_err());
        }
    }

    #[test]
    fn requests_that_nobody_answers_are_failures() {
        let port = crate::ports::ReservedPort::reserve().unwrap();
        let load = Load { requests: 30, connections: 3, limit: Duration::from_secs(5) };
        let report = run(&Endpoint::plain(port.address(), "x"), load, |_| Request::get("/"), |_, _| Ok(())).unwrap();
        assert_eq!((report.failed, report.failures.len(), report.answered()), (30, MAX_FAILURES, 0));
    }

    #[test]
    fn a_percentile_is_one_of_the_latencies() {
        let latencies: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let report = Report { latencies, ..Report::default() };
        assert_eq!(report.percentile(0.0), Some(Duration::from_millis(1)));
        assert_eq!(report.percentile(1.0), Some(Duration::from_millis(100)));
        assert_eq!(Report::default().percentile(0.5), None);
    }
}
