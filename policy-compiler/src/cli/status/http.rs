//! GET over plain HTTP/1.1, for the admin interface of Envoy.

use std::{
    io::{Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    time::{Duration, Instant},
};

/// Most bytes of one answer. The configuration of a large mesh has tens of megabytes.
const MAX_BYTES: usize = 256 << 20;

/// Most bytes of status and headers.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Returns the body of the answer to a GET at `HOST:PORT`.
///
/// # Errors
/// There is no answer in time, it is larger than any answer of Envoy, or it is not 200. The text says which.
pub(super) fn get(address: &str, path: &str, end: Instant) -> Result<String, String> {
    let mut stream = connect(address, end)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: */*\r\n\r\n");
    let sent = left(end).and_then(|time| {
        stream
            .set_write_timeout(Some(time))
            .and_then(|()| stream.write_all(request.as_bytes()))
            .map_err(|e| e.to_string())
    });
    sent.map_err(|error| format!("cannot send a request: {error}"))?;
    let mut bytes = Vec::new();
    let mut part = vec![0; 64 << 10];
    loop {
        stream.set_read_timeout(Some(left(end)?)).map_err(|error| error.to_string())?;
        let read = match stream.read(&mut part) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) if left(end).is_err() => return Err(LATE.to_owned()),
            Err(error) => return Err(format!("the answer breaks off: {error}")),
        };
        bytes.extend_from_slice(&part[..read]);
        if bytes.len() > MAX_BYTES {
            return Err(format!("the answer to {path} has more than {} MiB", MAX_BYTES >> 20));
        }
        if let Some(body) = body(&bytes, read == 0, path)? {
            return Ok(String::from_utf8_lossy(&body).into_owned());
        }
        if read == 0 {
            return Err("the answer breaks off".to_owned());
        }
    }
}

const LATE: &str = "there is no answer in time; `--timeout` says how long to wait";

fn left(end: Instant) -> Result<Duration, String> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(LATE.to_owned()) } else { Ok(left) }
}

fn connect(address: &str, end: Instant) -> Result<TcpStream, String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("cannot find the host: {error}"))?;
    let mut last = "the host has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(end)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("cannot connect: {error}"),
        }
    }
    Err(last)
}

/// Returns the body of an answer that is complete. `closed` says that nothing follows.
fn body(bytes: &[u8], closed: bool, path: &str) -> Result<Option<Vec<u8>>, String> {
    const NO_HTTP: &str = "what answers does not speak HTTP/1.1; is it the admin port of an Envoy?";
    let Some(at) = bytes.windows(4).take(MAX_HEAD_BYTES).position(|four| four == b"\r\n\r\n") else {
        let hopeless = bytes.len() >= MAX_HEAD_BYTES || !b"HTTP/1.1 ".starts_with(&bytes[..bytes.len().min(9)]);
        return if hopeless { Err(NO_HTTP.to_owned()) } else { Ok(None) };
    };
    let head = String::from_utf8_lossy(&bytes[..at]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).ok_or(NO_HTTP)?;
    if status.split(' ').next() != Some("200") {
        return Err(format!("the answer to {path} is {status}; is it the admin port of an Envoy?"));
    }
    let header = |name: &str| {
        let mut of_name =
            lines.clone().filter_map(|line| line.split_once(':')).filter(|(key, _)| key.eq_ignore_ascii_case(name));
        of_name.next().map(|(_, value)| value.trim().to_ascii_lowercase())
    };
    let rest = &bytes[at + 4..];
    if header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        // Nothing is put together before the end is there, or nothing follows any more.
        return if closed || rest.ends_with(b"0\r\n\r\n") { chunks(rest) } else { Ok(None) };
    }
    match header("content-length").map(|length| length.parse::<usize>()) {
        Some(Ok(length)) => Ok(rest.get(..length).map(<[u8]>::to_vec)),
        Some(Err(_)) => Err(NO_HTTP.to_owned()),
        None => Ok(closed.then(|| rest.to_vec())),
    }
}

/// Returns the content of chunks up to the last one. `None` if that is not there yet.
fn chunks(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        let Some(at) = rest.windows(2).take(64).position(|two| two == b"\r\n") else { return Ok(None) };
        let line = String::from_utf8_lossy(&rest[..at]);
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| "the answer has a broken chunk".to_owned())?;
        if size == 0 {
            return Ok(Some(body));
        }
        let Some(chunk) = rest.get(at + 2..).and_then(|rest| rest.get(..size)) else { return Ok(None) };
        body.extend_from_slice(chunk);
        let Some(next) = rest.get(at + 2 + size + 2..) else { return Ok(None) };
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers one request with these parts, with a pause between them.
    fn answer(parts: Vec<Vec<u8>>, stay_open: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /stats HTTP/1.1\r\nHost: 127.0.0.1:"));
            for part in parts {
                // The client may have had enough.
                let _ = stream.write_all(&part);
                thread::sleep(Duration::from_millis(20));
            }
            if stay_open {
                thread::sleep(Duration::from_secs(40));
            }
        });
        address
    }

    fn ask(parts: &[&str], stay_open: bool, is_whole: bool) -> Result<String, String> {
        let address = answer(parts.iter().map(|part| part.as_bytes().to_vec()).collect(), stay_open);
        let patience = if stay_open && !is_whole { 1 } else { 30 };
        get(&address, "/stats", Instant::now() + Duration::from_secs(patience))
    }

    #[test]
    fn answers_are_read_in_every_framing() {
        let long = "x".repeat(300_000);
        let sized = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{long}", long.len());
        let cases: [(&[&str], bool, &str); 7] = [
            (&["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"], true, "abc"),
            (&["HTTP/1.1 200 ", "OK\r\nContent-Length: 3\r", "\n\r\na", "bc"], true, "abc"),
            (&["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"], true, "abcde"),
            (&["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\na", "bc\r\n", "0\r\n", "\r\n"], true, "abc"),
            (&["HTTP/1.1 200 OK\r\n\r\nab", "c"], false, "abc"),
            (&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], false, ""),
            (&[&sized], false, &long),
        ];
        for (parts, stay_open, expected) in cases {
            assert_eq!(ask(parts, stay_open, true).as_deref(), Ok(expected), "{:?}", parts[0].get(..60));
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD_BYTES));
        let cases: [(&[&str], bool, &str); 9] = [
            (
                &["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"],
                false,
                "the answer to /stats is 404 Not Found; is it",
            ),
            (&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"], false, "the answer breaks off"),
            (&["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"], false, "the answer breaks off"),
            (
                &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n"],
                false,
                "the answer has a broken chunk",
            ),
            (&["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"], true, "there is no answer in time"),
            (&["SSH-2.0-x\r\n"], false, "what answers does not speak HTTP/1.1"),
            (&["SSH-2.0-x\r\n\r\n"], false, "what answers does not speak HTTP/1.1"),
            (&[&long], false, "what answers does not speak HTTP/1.1"),
            (&[], false, "the answer breaks off"),
        ];
        for (parts, stay_open, expected) in cases {
            let error = ask(parts, stay_open, false).unwrap_err();
            assert!(error.starts_with(expected), "{parts:?}: {error}");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let error = get(&nobody, "/stats", Instant::now() + Duration::from_secs(1)).unwrap_err();
        assert!(error.starts_with("cannot connect: "), "{error}");
    }
}
