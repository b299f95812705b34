//! Certificates are renewed while requests flow, without a restart and without a failed request.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use context_mesh_e2e::certs::{Authority, Identity};
use context_mesh_e2e::client::{Connection, Endpoint, Request, certificate_of};
use context_mesh_e2e::mesh::{As, Mesh};
use context_mesh_e2e::runtime::block_on;
use serde_json::Value;

use crate::support::*;

/// How long a renewal may take until it shows.
const LIMIT: Duration = Duration::from_secs(20);

/// The pair, with connections that end after a second and not after an hour.
fn mesh() -> Mesh {
    pair_built(MESH, |mesh| {
        mesh.bootstrap(|text| {
            assert_eq!(text.matches("max_connection_duration: 3600s").count(), 1);
            text.replace("max_connection_duration: 3600s", "max_connection_duration: 1s")
        })
    })
}

/// Runs `work` while requests flow from a peer through `front` to `back`, over HTTP/1.1 and HTTP/2, on connections that are
/// used as long as they are open. None may fail. `work` gets a function that waits for a hundred more answers.
fn under_load(mesh: &Mesh, work: impl FnOnce(&dyn Fn())) {
    let (done, answered, problems) = (AtomicBool::new(false), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for endpoint in [peer(mesh, "front"), peer(mesh, "front"), peer(mesh, "front").http2()] {
            let (done, answered, problems) = (&done, &answered, &problems);
            scope.spawn(move || {
                let mut connection = None;
                while !done.load(Ordering::Relaxed) {
                    if let Err(problem) = block_on(ask(&endpoint, &mut connection)) {
                        problems.lock().unwrap_or_else(PoisonError::into_inner).push(problem);
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Also where `work` panics.
        struct Ending<'a>(&'a AtomicBool);
        impl Drop for Ending<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _ending = Ending(&done);
        work(&|| {
            let (enough, start) = (answered.load(Ordering::Relaxed) + 100, Instant::now());
            while answered.load(Ordering::Relaxed) < enough {
                assert!(start.elapsed() < LIMIT, "requests do not flow");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} of {answered:?}: {:#?}", problems.len(), &problems[..problems.len().min(5)]);
}

async fn ask(endpoint: &Endpoint, connection: &mut Option<Connection>) -> Result<(), String> {
    // Hyper says so of a request that it did not write, because the server had announced the end of the connection.
    let unsent =
        |problem: &String| ["channel closed", "operation was canceled"].iter().any(|end| problem.ends_with(end));
    if let Some(before) = connection.take() {
        match ask_on(before, connection).await {
            Err(problem) if unsent(&problem) => {}
            other => return other,
        }
    }
    let fresh = Connection::open(endpoint).await.map_err(|error| error.to_string())?;
    ask_on(fresh, connection).await
}

async fn ask_on(mut open: Connection, kept: &mut Option<Connection>) -> Result<(), String> {
    let text = |error: context_mesh_e2e::error::Error| error.to_string();
    let response = open.send(Request::get("/")).await.map_err(text)?;
    *kept = Some(open);
    let called = response.json().map_err(text)?["downstream_status"].clone();
    if (response.status, &called) == (200, &Value::from(200)) {
        return Ok(());
    }
    Err(format!("{} from `front`, {called} from `back`: {}", response.status, response.text()))
}

/// Waits until the inbound listener of `service` shows this certificate to new connections.
fn wait_until_shown(endpoint: &Endpoint, identity: &Identity) {
    let expected = Some(identity.der().unwrap());
    let start = Instant::now();
    while block_on(certificate_of(endpoint)).unwrap() != expected {
        assert!(start.elapsed() < LIMIT, "the certificate {} does not show", identity.serial);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until `back` has seen requests of a peer with this certificate, and returns how many.
fn wait_until_seen(mesh: &Mesh, identity: &Identity) -> usize {
    let seen = |lines: &[Value]| lines.iter().filter(|line| line["peer_serial"] == identity.serial).count();
    seen(&mesh.access_log_when("back", |lines| seen(lines) > 0).unwrap())
}

#[test]
fn a_renewed_certificate_is_taken_while_requests_flow() {
    let mesh = mesh();
    let trusted = [mesh.authority()];
    under_load(&mesh, |requests_flow| {
        requests_flow();
        for _ in 0..2 {
            let front = mesh.renew("front", mesh.authority(), &trusted).unwrap();
            wait_until_shown(&peer(&mesh, "front"), &front);
            // As a client too: a connection that was open goes on with the certificate before, for a second here.
            wait_until_seen(&mesh, &front);
            let back = mesh.renew("back", mesh.authority(), &trusted).unwrap();
            wait_until_shown(&peer(&mesh, "back"), &back);
            requests_flow();
        }
    });
    let serials = |lines: &[Value]| {
        let inbound = lines.iter().filter(|line| line["listener"] == "inbound");
        let mut serials: Vec<String> = inbound.map(|line| line["peer_serial"].to_string()).collect();
        serials.dedup();
        serials.sort();
        serials.dedup();
        serials.len()
    };
    assert_eq!(serials(&mesh.access_log("back").unwrap()), 3, "the first certificate of `front` and two renewals");
    assert_no_trap(&mesh);
}

/// Both authorities are trusted before the first certificate of the new one is there, and until the last of the old one is gone.
#[test]
fn a_mesh_moves_to_a_new_authority_while_requests_flow() {
    let mesh = mesh();
    let (old, new) = (mesh.authority(), Authority::new("pair.example").unwrap());
    let stranger = |identity: &Identity, trusted: &Authority| {
        let address = mesh.inbound("back", As::Nobody).unwrap().address;
        Endpoint::tls(address, "back", trusted.certificate(), Some(identity)).unwrap()
    };
    let [of_old, of_new] = [old, &new].map(|authority| authority.issue("client").unwrap());
    let accepted = |identity: &Identity, trusted| mesh.send(&stranger(identity, trusted), get("/")).is_ok();
    assert!(accepted(&of_old, old) && !accepted(&of_new, old));
    // The clients of the load have certificates of the old authority, and trust only it: so `front` keeps to it.
    under_load(&mesh, |requests_flow| {
        requests_flow();
        for service in ["front", "back"] {
            let identity = mesh.renew(service, old, &[old, &new]).unwrap();
            wait_until_shown(&peer(&mesh, service), &identity);
        }
        let back = mesh.renew("back", &new, &[old, &new]).unwrap();
        wait_until_shown(&stranger(&of_new, &new), &back);
        assert!(accepted(&of_old, &new) && accepted(&of_new, &new));
        // Connections with the certificate before have ended.
        std::thread::sleep(Duration::from_millis(1500));
        requests_flow();
    });
    let back = mesh.renew("back", &new, &[&new]).unwrap();
    wait_until_shown(&stranger(&of_new, &new), &back);
    assert!(!accepted(&of_old, &new) && accepted(&of_new, &new));
}

/// Without links: one file after the other is renamed. Between the two, key and certificate do not belong together.
#[test]
fn a_certificate_without_its_key_is_refused_and_the_pair_before_it_goes_on() {
    let mesh = mesh();
    let folder = mesh.cert_dir("back").unwrap();
    let replace = |name: &str, content: &str| {
        std::fs::write(folder.join("new"), content).unwrap();
        std::fs::rename(folder.join("new"), folder.join(name)).unwrap();
    };
    let rejected = || mesh.stats("back").unwrap().sum_containing("key_rotation_failed");
    under_load(&mesh, |requests_flow| {
        for first in ["cert.pem", "key.pem"] {
            let (before, identity) = (rejected(), mesh.authority().issue("back").unwrap());
            let (cert, key) = (("cert.pem", &identity.certificate), ("key.pem", &identity.key));
            let order = if first == cert.0 { [cert, key] } else { [key, cert] };
            replace(order[0].0, order[0].1);
            let start = Instant::now();
            while rejected() == before {
                assert!(start.elapsed() < LIMIT, "half of a pair was not refused: {first}");
                std::thread::sleep(Duration::from_millis(20));
            }
            requests_flow();
            replace(order[1].0, order[1].1);
            wait_until_shown(&peer(&mesh, "back"), &identity);
            requests_flow();
        }
    });
}
