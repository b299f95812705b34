//! The demo: the shop's mesh processes its sample requests, and the output shows how the context travelled.
//!
//! A newcomer reads three things: the policies and the requests in `examples/shop`, and this output.

mod check;
mod keep;
mod paint;
mod sample;
mod show;
mod trip;

use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;

pub use check::Difference;
pub use paint::of_stdout as paint_of_stdout;
pub use sample::{Expect, Hop, Refused, Sample, read as read_samples};
pub use trip::{Filtered, Seen, Step, Trip};

use policy_compiler::report::style::Paint;

use crate::client::{Request, Response};
use crate::error::{Context as _, Error, Result};
use crate::mesh::{Mesh, MeshBuilder};
use crate::policy::{self, Policy};

/// The sample requests, in the folder of the policies.
const REQUESTS: &str = "requests.json";

/// Formats the name of a step, in a separate column.
fn step(name: &str, paint: Paint) -> String {
    paint.strong(format_args!("{name:>9}"))
}

/// Runs the demo. Returns whether everything happened as its requests expect.
///
/// With `keep`, the mesh runs until the process is asked to end (Ctrl-C).
///
/// # Errors
/// The policies do not compile, the requests cannot be read, or the mesh does not start or answer.
pub fn run(keep: bool, paint: Paint) -> Result<bool> {
    let folder = policy::shop_folder();
    let policy = compile(&folder, paint)?;
    let samples = sample::read(&folder.join(REQUESTS))?;
    let mesh = start(&policy, paint)?;
    say(format_args!("{} {} of examples/shop/{REQUESTS}\n", step("requests", paint), samples.len()))?;
    let mut differing = 0_usize;
    for (number, sample) in samples.iter().enumerate() {
        let trip = trip::travel(&mesh, sample, &trace_parent(number))?;
        let differences = check::differences(sample, &trip);
        say(show::request(number.saturating_add(1), sample, &trip, &policy, paint))?;
        say(show::verdict(&differences, paint))?;
        differing = differing.saturating_add(usize::from(!differences.is_empty()));
    }
    say(show::summary(samples.len(), differing, paint))?;
    if keep {
        keep::keep(&mesh, &samples, paint)?;
    }
    mesh.stop()?;
    Ok(differing == 0)
}

fn compile(folder: &Path, paint: Paint) -> Result<Policy> {
    say(format_args!("{} compiling examples/shop\n", step("policies", paint)))?;
    let policy = Policy::compile(folder)?;
    let tables = &policy.tables;
    say(format_args!(
        "{} {} rules for {} services, {} fields; the artifact has {} bytes, sha256 {}\n",
        step("", paint),
        tables.rules.len(),
        tables.services.len(),
        tables.fields.len(),
        policy.artifact.len(),
        policy.digest
    ))?;
    say(&policy.warnings)?;
    Ok(policy)
}

fn start(policy: &Policy, paint: Paint) -> Result<Mesh> {
    say(format_args!("{} starting a gateway and four services, each with an Envoy\n", step("mesh", paint)))?;
    let configuration = policy.clone();
    MeshBuilder::shop()
        .filter(policy::filter()?, move |service, role| configuration.configuration(service, role))
        .on_ready(move |envoy, took| {
            let line = format!("{} {:<16} ready after {:.1} s\n", step("", paint), envoy.name(), took.as_secs_f64());
            // If the reader has closed the output, the next important line reports it.
            let _ = say(line);
        })
        .start()
}

/// Writes to standard output without buffering.
fn say(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Returns a separate trace for each request, like a client with a tracer (W3C Trace Context).
fn trace_parent(number: usize) -> String {
    format!("00-{:032x}-{:016x}-01", number.saturating_add(0x5e_d0c0_ffee_0001), 0xc11e_u64)
}

/// Sends a sample's request to the gateway.
fn send(mesh: &Mesh, sample: &Sample, trace: &str) -> Result<Response> {
    let mut request =
        if sample.grpc { Request::grpc(&sample.path) } else { Request::new(&sample.method, &sample.path) };
    request = request.header("traceparent", trace);
    if let Some(claims) = &sample.token {
        request = request.header("authorization", format!("Bearer {}", mesh.signer().token(claims)));
    }
    for (name, value) in &sample.headers {
        let value = value.as_str().ok_or_else(|| Error::new(format!("the header `{name}` is not a string")))?;
        request = request.header(name, value);
    }
    let gateway = if sample.grpc { mesh.gateway().http2() } else { mesh.gateway() };
    mesh.send(&gateway, request).context(format_args!("`{}`", sample.name))
}
