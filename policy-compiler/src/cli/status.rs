//! `policyc status`

mod http;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use policy_compiler::status::{self, Answers, Proxy, expected};
use serde_json::Value;

use super::output::{Exit, Failure, Outcome, Paint, Report};

/// Most bytes of a saved answer or of a list of digests.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Number of proxies that are asked at a time.
const AT_A_TIME: usize = 16;

/// The statistics that are asked for, as a regular expression in a query.
const STATS: &str = "/stats?filter=wasm%7Cextension_config_discovery%7Clistener_manager";

/// The resources that may hold plugin configurations. Clusters and routes are most of a dump, and hold none.
const DUMPS: [&str; 3] = [
    "/config_dump?resource=ecds_filters",
    "/config_dump?resource=dynamic_listeners",
    "/config_dump?resource=static_listeners",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc status --stats stats.txt --config-dump config_dump.json
  policyc status --stats stats.txt --expect digests.json

With a running proxy of Istio:
  kubectl port-forward --namespace shop deploy/ledger 15000 &
  policyc status --admin localhost:15000 --expect manifests/digests.json")]
pub(super) struct Arguments {
    #[command(flatten)]
    proxies: Proxies,
    /// The digests that proxies are expected to run: `digests.json` of `policyc emit ... --all`.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Longest time to wait for each proxy.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(super) struct Proxies {
    /// The address of the admin interface of an Envoy; may be given several times.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    admin: Vec<String>,
    /// A saved answer to `/stats`; may be given several times, once for each proxy.
    #[arg(long, value_name = "FILE")]
    stats: Vec<PathBuf>,
    /// A saved answer to `/config_dump`; may be given several times. The first one is of the proxy of the first
    /// `--stats`, and so on.
    #[arg(long, value_name = "FILE")]
    config_dump: Vec<PathBuf>,
}

/// What is known of the proxies.
struct Status {
    proxies: Vec<Proxy>,
    expected: Option<Vec<expected::Entry>>,
}

fn address(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("write HOST:PORT")?;
    let plain = !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | '@' | '?' | '#'));
    if !plain || port.parse::<u16>().is_err() {
        return Err("write HOST:PORT, for example localhost:15000".to_owned());
    }
    Ok(text.to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let Proxies { admin, stats, config_dump } = &arguments.proxies;
    if !stats.is_empty() && !config_dump.is_empty() && stats.len() != config_dump.len() {
        let text = "give as many `--config-dump` as `--stats`: the first ones are of one proxy, and so on".to_owned();
        return Err(Failure::Usage(text));
    }
    let expected = arguments.expect.as_deref().map(read_expected).transpose()?;
    let mut proxies = ask_all(admin, Duration::from_secs(arguments.timeout));
    for number in 0..stats.len().max(config_dump.len()) {
        proxies.push(read_saved(stats.get(number), config_dump.get(number))?);
    }
    Ok(Box::new(Status { proxies, expected }))
}

fn read_expected(path: &Path) -> Result<Vec<expected::Entry>, Failure> {
    let bytes = read(path)?;
    expected::parse(bytes.as_bytes()).map_err(|error| Failure::Usage(format!("`{}`: {error}", path.display())))
}

/// Reads what somebody saved of one proxy.
fn read_saved(stats: Option<&PathBuf>, dump: Option<&PathBuf>) -> Result<Proxy, Failure> {
    let names: Vec<String> = [stats, dump].into_iter().flatten().map(|path| path.display().to_string()).collect();
    let answers = Answers {
        source: names.join(", "),
        server_info: None,
        stats: stats.map(|path| read(path)).transpose()?,
        dumps: dump.map(|path| read(path)).transpose()?.into_iter().collect(),
    };
    Proxy::read(&answers).map_err(|error| Failure::Usage(format!("`{}`: {error}", answers.source)))
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::io("read", path, &error);
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(Failure::Usage(format!("`{}` has more than {} MiB", path.display(), MAX_FILE_BYTES >> 20)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Asks all proxies, several at a time. They keep their order.
fn ask_all(addresses: &[String], timeout: Duration) -> Vec<Proxy> {
    let mut proxies = Vec::new();
    for some in addresses.chunks(AT_A_TIME) {
        thread::scope(|scope| {
            let asked: Vec<_> = some.iter().map(|address| scope.spawn(move || ask(address, timeout))).collect();
            for (address, answer) in some.iter().zip(asked) {
                let gone = |_| Proxy::unknown(address.clone(), "BUG: the question was not asked".to_owned());
                proxies.push(answer.join().unwrap_or_else(gone));
            }
        });
    }
    proxies
}

/// Asks one proxy. Only its statistics are indispensable.
fn ask(address: &str, timeout: Duration) -> Proxy {
    let end = Instant::now() + timeout;
    let stats = match http::get(address, STATS, end) {
        Ok(stats) => stats,
        Err(error) => return Proxy::unknown(address.to_owned(), error),
    };
    let answers = Answers {
        source: address.to_owned(),
        server_info: http::get(address, "/server_info", end).ok(),
        stats: Some(stats),
        dumps: DUMPS.iter().filter_map(|path| http::get(address, path, end).ok()).collect(),
    };
    Proxy::read(&answers).unwrap_or_else(|error| Proxy::unknown(address.to_owned(), error))
}

impl Report for Status {
    fn text(&self, paint: Paint) -> String {
        status::text(&self.proxies, self.expected.as_deref(), paint)
    }

    fn json(&self) -> Value {
        status::json(&self.proxies, self.expected.as_deref())
    }

    fn exit(&self) -> Exit {
        let expected = self.expected.as_deref();
        if self.proxies.iter().any(|proxy| proxy.is_different(expected)) {
            Exit::Wrong
        } else if self.proxies.iter().any(|proxy| proxy.unknown.is_some()) {
            Exit::Usage
        } else {
            Exit::Well
        }
    }
}
