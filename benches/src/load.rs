//! A load with a low cost for its sender: prepared bytes are sent, and of the answers only the status and the length are
//! read.
//!
//! The sidecar must be the slowest part, with a filter and without. Otherwise it is woken for every single request when
//! it is fast, finds many of them waiting when it is slow, and the figures compare that.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use context_mesh_e2e::client::{Endpoint, Stream, open_stream};
use context_mesh_e2e::error::{Error, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The end of an answer's headers.
const END_OF_HEADERS: &[u8] = b"\r\n\r\n";
/// Time limit of a load whose requests must all be sent.
const LIMIT: Duration = Duration::from_secs(60);

/// The answers to a load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Number of answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// The time of each answered request.
    pub latencies: Vec<Duration>,
}

/// Sends requests over `connections` kept connections, each one request and its answer at a time, until all are
/// answered or `limit` is over.
///
/// # Errors
/// No connection, one that breaks, an answer without a length, or one that takes more than a minute.
pub fn send(endpoint: &Endpoint, connections: usize, requests: Vec<Vec<u8>>, limit: Duration) -> Result<Answers> {
    // One thread, because it shares the machine with the Envoy that is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|problem| Error::new(format!("no async runtime: {problem}")))?;
    let (requests, connections) = (Rc::new(requests), connections.max(1));
    let tasks = tokio::task::LocalSet::new();
    let work = async {
        let until = Instant::now() + limit;
        let workers: Vec<_> = (0..connections)
            .map(|first| {
                let (endpoint, requests) = (endpoint.clone(), Rc::clone(&requests));
                tasks.spawn_local(async move {
                    let mine = requests.iter().skip(first).step_by(connections);
                    exchange(&mut *open_stream(&endpoint).await?, mine, until).await
                })
            })
            .collect();
        let mut answers = Answers::default();
        for worker in workers {
            let part = worker.await.map_err(|panic| Error::new(panic.to_string()))??;
            answers.latencies.extend(part.latencies);
            for (status, count) in part.statuses {
                *answers.statuses.entry(status).or_default() += count;
            }
        }
        Ok(answers)
    };
    let late = |_| Error::new(format!("the load did not end within {LIMIT:?} of its time"));
    runtime.block_on(tasks.run_until(async { tokio::time::timeout(limit + LIMIT, work).await.map_err(late)? }))
}

/// Sends requests over `connections` kept connections like [`send`], and returns their number. `prepare(number)` returns
/// the request.
///
/// # Errors
/// The same as for [`send`], an answer that is not 200, or more than a minute.
pub fn run(
    endpoint: &Endpoint,
    connections: usize,
    requests: usize,
    prepare: impl Fn(usize) -> Vec<u8>,
) -> Result<usize> {
    let answers = send(endpoint, connections, (0..requests).map(prepare).collect(), LIMIT)?;
    match answers.statuses.get(&200) {
        Some(good) if *good == requests => Ok(requests),
        _ => Err(Error::new(format!("of {requests} requests, not all were answered with 200: {:?}", answers.statuses))),
    }
}

async fn exchange(
    stream: &mut dyn Stream,
    requests: impl Iterator<Item = &Vec<u8>>,
    until: Instant,
) -> Result<Answers> {
    let mut buffer = vec![0; 16 * 1024];
    let mut answers = Answers::default();
    for request in requests {
        let started = Instant::now();
        if started > until {
            break;
        }
        let broken = |problem: std::io::Error| Error::new(format!("the connection broke: {problem}"));
        stream.write_all(request).await.map_err(broken)?;
        let mut filled = 0;
        let status = loop {
            let room = buffer.get_mut(filled..).filter(|room| !room.is_empty());
            let count = stream.read(room.ok_or_else(|| Error::new("the answer is too long"))?).await.map_err(broken)?;
            filled += count;
            let answer = buffer.get(..filled).unwrap_or_default();
            match whole(answer)? {
                Some(status) => break status,
                None if count == 0 => return Err(Error::new("the connection ended before the answer")),
                None => {}
            }
        };
        answers.latencies.push(started.elapsed());
        *answers.statuses.entry(status).or_default() += 1;
    }
    Ok(answers)
}

/// Returns the status of an answer if it is complete.
fn whole(answer: &[u8]) -> Result<Option<u16>> {
    let Some(end) = answer.windows(END_OF_HEADERS.len()).position(|window| window == END_OF_HEADERS) else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default());
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let (Some(status), Some(length)) = (status, length) else {
        let start: String = head.chars().take(300).collect();
        return Err(Error::new(format!("an answer has no status or length: `{start}`")));
    };
    Ok((answer.len() >= end + END_OF_HEADERS.len() + length).then_some(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap(), Some(200));
        assert_eq!(whole(b"HTTP/1.1 431 no\r\ncontent-length: 0\r\n\r\n").unwrap(), Some(431));
        for part in [&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no"[..], b"HTTP/1.1 200 OK\r\n", b""] {
            assert_eq!(whole(part).unwrap(), None, "{}", String::from_utf8_lossy(part));
        }
        assert!(whole(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
