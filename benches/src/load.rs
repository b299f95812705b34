//! A load with a low cost for its sender: prepared bytes are sent, and answers are counted without parsing them.
//!
//! The sidecar must be the slowest part, with a filter and without. Otherwise it is woken for every single request when
//! it is fast, finds many of them waiting when it is slow, and the figures compare that.

use std::time::Duration;

use context_mesh_e2e::client::{Endpoint, Stream, open_stream};
use context_mesh_e2e::error::{Error, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The end of an answer's headers.
const END_OF_HEADERS: &[u8] = b"\r\n\r\n";
/// Time limit of a load.
const LIMIT: Duration = Duration::from_secs(60);

/// Sends requests over `connections` kept connections, each `requests / connections` times one request and its answer.
/// `prepare(number)` returns the request. Each answer must be a 200 whose body is [`crate::sidecar::BODY`].
///
/// # Errors
/// No connection, another answer, or more than a minute.
pub fn run(
    endpoint: &Endpoint,
    connections: usize,
    requests: usize,
    prepare: impl Fn(usize) -> Vec<u8>,
) -> Result<usize> {
    // One thread, because it shares the machine with the Envoy that is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|problem| Error::new(format!("no async runtime: {problem}")))?;
    let each = requests / connections.max(1);
    let tasks = tokio::task::LocalSet::new();
    let work = async {
        let numbers = |connection: usize| connection * each..(connection + 1) * each;
        let prepared = (0..connections).map(|connection| numbers(connection).map(&prepare).collect::<Vec<_>>());
        let workers: Vec<_> = prepared
            .map(|requests| {
                let endpoint = endpoint.clone();
                tasks.spawn_local(async move { exchange(&mut *open_stream(&endpoint).await?, &requests).await })
            })
            .collect();
        for worker in workers {
            worker.await.map_err(|panic| Error::new(panic.to_string()))??;
        }
        Ok(each * connections)
    };
    let late = |_| Error::new(format!("the load did not end within {LIMIT:?}"));
    runtime.block_on(tasks.run_until(async { tokio::time::timeout(LIMIT, work).await.map_err(late)? }))
}

async fn exchange(stream: &mut dyn Stream, requests: &[Vec<u8>]) -> Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    for request in requests {
        let broken = |problem: std::io::Error| Error::new(format!("the connection broke: {problem}"));
        stream.write_all(request).await.map_err(broken)?;
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).filter(|room| !room.is_empty());
            let count = stream.read(room.ok_or_else(|| Error::new("the answer is too long"))?).await.map_err(broken)?;
            filled += count;
            let answer = buffer.get(..filled).unwrap_or_default();
            if count == 0 || is_whole(answer) {
                check(answer)?;
                break;
            }
        }
    }
    Ok(())
}

/// Returns whether an answer is complete. It ends with the known body.
fn is_whole(answer: &[u8]) -> bool {
    answer.strip_suffix(crate::sidecar::BODY.as_bytes()).is_some_and(|head| head.ends_with(END_OF_HEADERS))
}

fn check(answer: &[u8]) -> Result<()> {
    if answer.starts_with(b"HTTP/1.1 200 ") && is_whole(answer) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(answer);
    Err(Error::new(format!("an answer is not the expected 200: `{}`", text.chars().take(300).collect::<String>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_answer_is_accepted() {
        let good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        assert!(is_whole(good) && check(good).is_ok());
        for bad in [&b"HTTP/1.1 503 no\r\n\r\nok"[..], b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no", b""] {
            assert!(check(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
