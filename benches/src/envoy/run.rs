//! Runs the chains: in each round, every chain gets the same load, one after the other.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use context_mesh_e2e::client::Endpoint;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::topology::Role;

use super::chains::{Chain, Http, Proxy};
use super::counters::{Counted, Perf, cpu_time};
use super::policies::FILLS_MEMORY;
use super::proxies::Proxies;
use crate::figures::Figures;
use crate::load::{self, Answers};
use crate::sidecar::{IN_ENVOY, Sidecar};

/// Number of traces of the application's calls. All of them are remembered before each round.
const TRACES: usize = 64;
/// Time limit of a load of HTTP/2, whose client has no shorter one.
const HTTP2_LIMIT: Duration = Duration::from_secs(30);

/// The names of the percentiles under load.
const LOADED: [&str; 3] = ["p50_loaded_us", "p99_us", "p999_us"];
/// The names of the percentiles with one connection.
const ALONE: [&str; 3] = ["p50_us", "p99_alone_us", "p999_alone_us"];
/// The names of the percentiles of the time in Envoy with one connection.
const IN_ENVOY_ALONE: [&str; 3] = ["p50_in_envoy_us", "p99_in_envoy_us", "p999_in_envoy_us"];

/// The size of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Number of rounds that count. One more runs before them.
    pub rounds: usize,
    /// Number of requests of a chain in a round.
    pub requests: usize,
    /// Number of connections.
    pub connections: usize,
    /// Number of requests with one connection.
    pub alone: usize,
    /// The time after which a slow chain sends no more requests in a round.
    pub limit: Duration,
    /// Whether the machine has hardware counters.
    pub counters: bool,
}

/// The rounds of one chain: a value for each round.
#[derive(Debug, Clone, Default)]
struct Rounds {
    values: BTreeMap<String, Vec<f64>>,
    statuses: BTreeMap<u16, usize>,
}

impl Rounds {
    fn add(&mut self, name: &str, value: f64) {
        self.values.entry(name.to_owned()).or_default().push(value);
    }
}

/// The chains with their running proxies.
pub struct Run {
    proxies: Proxies,
    sidecars: BTreeMap<(Proxy, u32), Sidecar>,
    chains: Vec<Chain>,
    rounds: BTreeMap<&'static str, Rounds>,
    /// What did not start, and why.
    pub notes: Vec<String>,
}

impl Run {
    /// Starts the proxies of these chains. One that does not start is noted, and its chains are left out.
    ///
    /// # Errors
    /// None of them starts.
    pub fn start(mut proxies: Proxies, chains: &[Chain]) -> Result<Self> {
        let (mut sidecars, mut notes) = (BTreeMap::new(), Vec::new());
        let mut failed = BTreeMap::new();
        for chain in chains {
            let key = (chain.proxy, chain.workers);
            if sidecars.contains_key(&key) || failed.contains_key(&key) {
                continue;
            }
            match proxies.start(chain.proxy, chain.workers) {
                Ok(sidecar) => _ = sidecars.insert(key, sidecar),
                Err(problem) => {
                    let text: String = problem.to_string().chars().take(400).collect();
                    notes.push(format!("{} is not measured: {text}", chain.name));
                    failed.insert(key, ());
                }
            }
        }
        let chains: Vec<Chain> =
            chains.iter().filter(|chain| sidecars.contains_key(&(chain.proxy, chain.workers))).copied().collect();
        if chains.is_empty() {
            return Err(Error::new(format!("no Envoy started: {}", notes.join("; "))));
        }
        Ok(Self { proxies, sidecars, chains, rounds: BTreeMap::new(), notes })
    }

    /// Runs all rounds. `tell` is called before each one with its number; 0 warms up.
    ///
    /// # Errors
    /// A request was not answered, or an Envoy has ended.
    pub fn run(&mut self, plan: Plan, mut tell: impl FnMut(usize)) -> Result<()> {
        for round in 0..=plan.rounds {
            tell(round);
            for chain in self.chains.clone() {
                let wrap = |problem: Error| Error::new(format!("{}: {problem}", chain.name));
                let mut rounds = self.rounds.remove(chain.name).unwrap_or_default();
                let mut fresh = Rounds::default();
                self.measure(chain, plan, round, &mut fresh).map_err(wrap)?;
                if round > 0 {
                    for (name, values) in fresh.values {
                        rounds.values.entry(name).or_default().extend(values);
                    }
                    for (status, count) in fresh.statuses {
                        *rounds.statuses.entry(status).or_default() += count;
                    }
                }
                self.rounds.insert(chain.name, rounds);
            }
        }
        self.note_statuses();
        self.note_counters()
    }

    fn measure(&self, chain: Chain, plan: Plan, round: usize, rounds: &mut Rounds) -> Result<()> {
        let sidecar = self.sidecar(chain)?;
        // The log only has to exist: without this, hours of requests would fill the disk.
        let _ = std::fs::File::options().write(true).truncate(true).open(sidecar.access_log());
        if chain.direction == Role::Outbound {
            self.send(chain, Role::Inbound, 0, TRACES, Plan { connections: 1, ..plan })?;
        }
        if matches!(chain.proxy, Proxy::ShopFull | Proxy::RulesFull(_)) {
            let first = (1 << 40) + round * FILLS_MEMORY;
            self.send(chain, Role::Inbound, first, FILLS_MEMORY, plan)?;
        }
        let first = round * (plan.requests + plan.alone) + TRACES;
        let asked = (chain.proxy == Proxy::ExtAuthz).then(|| self.proxies.service().id());
        let processes: Vec<u32> = std::iter::once(sidecar.id()).chain(asked).collect();
        let spent = || processes.iter().map(|process| cpu_time(*process)).sum::<Result<Duration>>();
        let perfs = processes.iter().filter(|_| plan.counters).map(|process| Perf::attach(*process));
        let perfs = perfs.collect::<Result<Vec<Perf>>>()?;
        let before = spent()?;
        let answers = self.send(chain, chain.direction, first, plan.requests, plan)?;
        let used = spent()?.saturating_sub(before);
        let counted = perfs.into_iter().map(Perf::finish).collect::<Result<Vec<Counted>>>()?;
        let requests = count(answers.latencies.len());
        rounds.add("cpu_us", used.as_secs_f64() * 1e6 / requests);
        if plan.counters {
            rounds.add("instr", counted.iter().map(|counted| counted.instructions).sum::<f64>() / requests);
            rounds.add("cycles", counted.iter().map(|counted| counted.cycles).sum::<f64>() / requests);
        }
        add_percentiles(LOADED, micros(&answers.latencies), rounds);
        for (status, count) in answers.statuses {
            *rounds.statuses.entry(status).or_default() += count;
        }
        if chain.alone && plan.alone > 0 {
            self.measure_alone(chain, sidecar, plan, first + plan.requests, rounds)?;
        }
        Ok(())
    }

    /// Measures latency with one connection: nothing waits for another request.
    fn measure_alone(
        &self,
        chain: Chain,
        sidecar: &Sidecar,
        plan: Plan,
        first: usize,
        rounds: &mut Rounds,
    ) -> Result<()> {
        // Envoy writes its log every 50 ms.
        let flushed = Duration::from_millis(300);
        std::thread::sleep(flushed);
        let log = || std::fs::read_to_string(sidecar.access_log()).unwrap_or_default();
        let before = log().len();
        let answers = self.send(chain, chain.direction, first, plan.alone, Plan { connections: 1, ..plan })?;
        add_percentiles(ALONE, micros(&answers.latencies), rounds);
        std::thread::sleep(flushed);
        add_percentiles(IN_ENVOY_ALONE, times_in_envoy(log().get(before..).unwrap_or_default()), rounds);
        Ok(())
    }

    fn send(&self, chain: Chain, direction: Role, first: usize, requests: usize, plan: Plan) -> Result<Answers> {
        let sidecar = self.sidecar(chain)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or_default();
        let number = |place: usize| match chain.direction == Role::Outbound && direction == Role::Outbound {
            true => (first + place) % TRACES,
            false => first + place,
        };
        let messages = (0..requests).map(|place| self.proxies.request(chain.proxy, direction, number(place), now));
        let messages = messages.collect::<Result<Vec<_>>>()?;
        let endpoint = if direction == Role::Outbound { sidecar.outbound() } else { sidecar.inbound() };
        match chain.http {
            Http::One => {
                let wire = messages.iter().map(crate::requests::Message::to_wire).collect();
                load::send(endpoint, plan.connections, wire, plan.limit)
            }
            Http::Two => send_http2(endpoint.clone().http2(), plan.connections, messages),
        }
    }

    fn sidecar(&self, chain: Chain) -> Result<&Sidecar> {
        let sidecar = self.sidecars.get(&(chain.proxy, chain.workers));
        sidecar.ok_or_else(|| Error::new(format!("BUG: `{}` was not started", chain.name)))
    }

    /// Notes chains whose requests were not all answered with 200.
    fn note_statuses(&mut self) {
        for chain in &self.chains {
            let Some(rounds) = self.rounds.get(chain.name) else { continue };
            let other: Vec<String> = rounds
                .statuses
                .iter()
                .filter(|(status, _)| **status != 200)
                .map(|(status, count)| format!("{count} with {status}"))
                .collect();
            if !other.is_empty() {
                let all: usize = rounds.statuses.values().sum();
                self.notes.push(format!("{}: of {all} requests, {} were refused", chain.name, other.join(", ")));
            }
        }
    }

    /// Notes what the filter counted: an ordinary request counts nothing.
    fn note_counters(&mut self) -> Result<()> {
        let mut notes = Vec::new();
        for ((proxy, workers), sidecar) in &self.sidecars {
            for (name, value) in sidecar.all_counted()? {
                notes.push(format!("the filter of {proxy:?} ({workers} workers) counted {name}: {value}"));
            }
        }
        self.notes.extend(notes);
        Ok(())
    }

    /// Adds the figures of all chains.
    pub fn figures(&self, figures: &mut Figures) {
        for chain in &self.chains {
            let Some(rounds) = self.rounds.get(chain.name) else { continue };
            for (name, values) in &rounds.values {
                figures.set_rounds(&format!("envoy.{name}.{}", chain.name), values);
            }
            let refused = rounds.statuses.iter().max_by_key(|(_, count)| **count);
            if let Some((status, _)) = refused.filter(|(status, _)| **status != 200) {
                figures.set(format!("envoy.status.{}", chain.name), f64::from(*status));
            }
            let Some(base) = self.rounds.get(chain.base()).filter(|_| chain.base() != chain.name) else { continue };
            for name in ["cpu_us", "instr", "cycles"] {
                let (Some(ours), Some(base)) = (rounds.values.get(name), base.values.get(name)) else { continue };
                // Of the same round, so that a change of the machine's speed affects both.
                let more: Vec<f64> = ours.iter().zip(base).map(|(ours, base)| ours - base).collect();
                figures.set_rounds(&format!("envoy.{name}_over_none.{}", chain.name), &more);
            }
        }
    }
}

fn send_http2(endpoint: Endpoint, connections: usize, messages: Vec<crate::requests::Message>) -> Result<Answers> {
    let load = context_mesh_e2e::load::Load { requests: messages.len(), connections, limit: HTTP2_LIMIT };
    let request = move |number: usize| {
        messages
            .get(number)
            .map(crate::requests::Message::to_request)
            .unwrap_or_else(|| context_mesh_e2e::client::Request::get("/"))
    };
    let report = context_mesh_e2e::load::run(&endpoint, load, request, |_, _| Ok(()))?;
    match report.failures.first() {
        Some(failure) => Err(Error::new(failure.clone())),
        None => Ok(Answers { statuses: report.statuses, latencies: report.latencies }),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of requests, far below 2^52")]
fn count(requests: usize) -> f64 {
    requests as f64
}

fn micros(latencies: &[Duration]) -> Vec<f64> {
    latencies.iter().map(|latency| latency.as_secs_f64() * 1e6).collect()
}

/// Returns the times in an access log, in microseconds.
fn times_in_envoy(log: &str) -> Vec<f64> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter_map(|line| {
            let time = line.get(IN_ENVOY)?;
            time.as_f64().or_else(|| time.as_str()?.parse().ok())
        })
        .collect()
}

/// Adds the 50th, 99th and 99.9th percentile. Without values, nothing is added.
fn add_percentiles(names: [&str; 3], mut values: Vec<f64>, rounds: &mut Rounds) {
    values.sort_by(f64::total_cmp);
    for (name, per_mille) in names.into_iter().zip([500, 990, 999]) {
        if let Some(value) = values.get((values.len() * per_mille / 1000).min(values.len().saturating_sub(1))) {
            rounds.add(name, *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_from_the_sorted_values() {
        let mut rounds = Rounds::default();
        add_percentiles(LOADED, (1..=1000).rev().map(f64::from).collect(), &mut rounds);
        add_percentiles(ALONE, Vec::new(), &mut rounds);
        let values: Vec<(&str, f64)> = rounds.values.iter().map(|(name, values)| (name.as_str(), values[0])).collect();
        assert_eq!(values, [("p50_loaded_us", 501.0), ("p999_us", 1000.0), ("p99_us", 991.0)]);
    }

    #[test]
    fn times_are_read_from_an_access_log() {
        let log = "{\"in_envoy_us\":41,\"status\":200}\n{\"in_envoy_us\":\"57\"}\n{\"in_envoy_us\":null}\nrubbish\n";
        assert_eq!(times_in_envoy(log), [41.0, 57.0]);
    }
}
