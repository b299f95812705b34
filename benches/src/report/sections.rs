//! The sections of the report: which figures are shown, under which words.

use super::{Bar, Family, Line, Plot, Section, number};
use crate::figures::Figures;
use crate::rule_sets::COUNTS;

const OURS: Family = Family::Ours;
const RBAC: Family = Family::Other(0);
const LUA: Family = Family::Other(1);
const AUTHZ: Family = Family::Other(2);

/// The chains of each table: the words for a reader, and the word in the names of figures.
type Chains = &'static [(&'static str, &'static str, Family)];

/// The chains on the inbound listener that are compared with each other.
const INBOUND: Chains = &[
    ("no filter", "none", Family::Floor),
    ("wasm: does nothing", "noop", Family::Floor),
    ("wasm: floor", "floor", Family::Floor),
    ("wasm: our host calls only", "bound_inbound", Family::Floor),
    ("Context Mesh, propagation only", "propagate", OURS),
    ("Context Mesh, demo's policies", "inbound", OURS),
    ("the same, memory full", "inbound_full_memory", OURS),
    ("Context Mesh, 100 rules, no context", "enforce100", OURS),
    ("Context Mesh, 100 rules", "rules100", OURS),
    ("the same, memory full", "rules100_full_memory", OURS),
    ("Envoy RBAC, 100 rules", "rbac100", RBAC),
    ("Envoy Lua, 100 rules", "lua100", LUA),
    ("ext_authz, with its service", "ext_authz", AUTHZ),
];

const OUTBOUND: Chains = &[
    ("no filter", "none_outbound", Family::Floor),
    ("wasm: floor", "floor_outbound", Family::Floor),
    ("wasm: our host calls only", "bound_outbound", Family::Floor),
    ("Context Mesh, demo's policies", "outbound", OURS),
    ("the same, memory full", "outbound_full_memory", OURS),
];

const RULES: Chains = &[
    ("Context Mesh, 10 rules", "rules10", OURS),
    ("Context Mesh, 100 rules", "rules100", OURS),
    ("Context Mesh, 1,000 rules", "rules1000", OURS),
    ("Context Mesh, 10,000 rules", "rules10000", OURS),
    ("Context Mesh, 10 mixed rules", "mixed10", OURS),
    ("Context Mesh, 100 mixed rules", "mixed100", OURS),
    ("Context Mesh, 1,000 mixed rules", "mixed1000", OURS),
    ("Context Mesh, 10,000 mixed rules", "mixed10000", OURS),
    ("Envoy RBAC, 10 rules", "rbac10", RBAC),
    ("Envoy RBAC, 100 rules", "rbac100", RBAC),
    ("Envoy RBAC, 200 rules", "rbac200", RBAC),
    ("Envoy RBAC, 1,000 rules", "rbac1000", RBAC),
    ("Envoy RBAC, 10,000 rules", "rbac10000", RBAC),
    ("Envoy RBAC, matcher tree of 1,000", "rbac_matcher1000", RBAC),
    ("Envoy Lua, 10 rules", "lua10", LUA),
    ("Envoy Lua, 100 rules", "lua100", LUA),
    ("Envoy Lua, 1,000 rules", "lua1000", LUA),
    ("ext_authz, with its service", "ext_authz", AUTHZ),
];

const OTHERWISE: Chains = &[
    ("no filter, HTTP/2", "none_http2", Family::Floor),
    ("inbound, HTTP/2", "inbound_http2", OURS),
    ("100 rules, HTTP/2", "rules100_http2", OURS),
    ("no filter, outbound, HTTP/2", "none_outbound_http2", Family::Floor),
    ("outbound, HTTP/2", "outbound_http2", OURS),
    ("no filter, two workers", "none_workers2", Family::Floor),
    ("inbound, two workers", "inbound_workers2", OURS),
    ("100 rules, two workers", "rules100_workers2", OURS),
    ("no filter, outbound, two workers", "none_outbound_workers2", Family::Floor),
    ("outbound, two workers", "outbound_workers2", OURS),
];

const ALONE: Chains = &[
    ("no filter", "none", Family::Floor),
    ("Context Mesh, 100 rules", "rules100", OURS),
    ("Envoy RBAC, 100 rules", "rbac100", RBAC),
    ("ext_authz, with its service", "ext_authz", AUTHZ),
];

/// The engines that are measured outside of Envoy.
const ENGINES: [(&str, &str, Family); 4] = [
    ("Context Mesh", "context_mesh", OURS),
    ("cel crate", "cel", Family::Other(0)),
    ("Cedar", "cedar", Family::Other(1)),
    ("regorus (Rego)", "regorus", Family::Other(2)),
];

/// Single figures: the words, the name and the unit.
const SINGLE: [(&str, &str, &str); 20] = [
    ("contexts encoded", "codec.encode_per_second", "per second"),
    ("contexts decoded", "codec.decode_per_second", "per second"),
    ("header smaller than JSON, worst context", "codec.size_reduction_percent_min", "%"),
    ("header smaller than JSON, median", "codec.size_reduction_percent_median", "%"),
    ("artifact per rule", "artifact.bytes_per_rule", "bytes"),
    ("artifact per mixed rule", "artifact.bytes_per_rule.mixed", "bytes"),
    ("loading and verifying 10,000 rules", "artifact.load_verify_ms.10000", "ms"),
    ("compiling 10,000 rules", "compile.seconds.10000", "s"),
    ("compiling 10,000 mixed rules", "compile.seconds.mixed.10000", "s"),
    ("the filter's .wasm", "filter.wasm_bytes", "bytes"),
    ("memory of a virtual machine, 10,000 rules", "filter.vm_bytes.10000", "bytes"),
    ("wasm instructions, inbound", "filter.instructions.inbound", ""),
    ("wasm instructions, outbound by trace id", "filter.instructions.outbound", ""),
    ("wasm instructions, 10 rules", "filter.instructions.rules10", ""),
    ("wasm instructions, 100 rules", "filter.instructions.rules100", ""),
    ("wasm instructions, 1,000 rules", "filter.instructions.rules1000", ""),
    ("wasm instructions, 10,000 rules", "filter.instructions.rules10000", ""),
    ("host calls, inbound", "filter.host_calls.inbound", ""),
    ("host calls, outbound by trace id", "filter.host_calls.outbound", ""),
    ("recalls that find their record, under load", "cache.hit_percent", "%"),
];

/// Returns all sections. Figures that were not measured are shown as `-`. Rows and sections without any figure are left
/// out.
pub fn sections(figures: &Figures) -> Vec<Section> {
    let all = [
        Section {
            title: "Inbound: what a request costs in Envoy",
            text: "A request of another service over mutual TLS, with seven fields that differ from request to request. \
                   CPU is user and system time of the Envoy process (and of the decision service of ext_authz). \
                   `over none` is the difference to the same sidecar without the filter, in brackets its lowest and \
                   highest round; `x floor` compares it with a filter that reads all headers, reads and writes one \
                   slot of shared data and sets two headers. Percentiles are of the client's time, with 16 \
                   connections that never wait, so they show throughput.",
            plots: vec![bars(INBOUND, figures)],
            ..chains(INBOUND, "floor", figures)
        },
        Section {
            title: "Outbound: what a call costs in Envoy",
            text: "A call of the application, which only forwards its trace id. The filter recalls the context of the \
                   request that the call is made for, and attaches it.",
            plots: vec![bars(OUTBOUND, figures)],
            ..chains(OUTBOUND, "floor_outbound", figures)
        },
        Section {
            title: "Number of rules",
            text: "Deny rules of which none matches: `context.tenant_id == 'tenant_7' && \
                   request.path.startsWith('/svc7/')`. Mixed rules have equality, prefixes, membership, patterns, \
                   ranges and negation. RBAC, its matcher tree and Lua compare a header with the tenant instead.",
            plots: vec![rules_in_envoy(figures)],
            ..chains(RULES, "floor", figures)
        },
        Section {
            title: "HTTP/2 and two workers",
            text: "The same requests over HTTP/2, and with two workers. Each is compared with the same proxy without a \
                   filter.",
            ..chains(OTHERWISE, "floor", figures)
        },
        alone(figures),
        native(
            "Decisions outside of Envoy",
            "Nanoseconds for one decision over rules of which none matches, in one process, in alternating batches; \
             the fastest round. Every engine has the request in its own form already; ours reads headers and fields \
             within the decision. regorus runs in the faster of its two modes.",
            "",
            figures,
        ),
        native(
            "Decisions over mixed rules, outside of Envoy",
            "The same with the mixed set. Cedar has no regular expressions, and compares those paths with `like`.",
            "mixed.",
            figures,
        ),
        single(figures),
    ];
    let with_rows = all.into_iter().map(|mut section| {
        section.rows.retain(|row| row.iter().skip(1).any(|cell| !cell.is_empty() && cell != "-"));
        section
    });
    with_rows.filter(|section| !section.rows.is_empty()).collect()
}

fn shown(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), number)
}

/// Returns the table of chains.
fn chains(chains: Chains, floor: &str, figures: &Figures) -> Section {
    let counted = chains.iter().any(|(_, name, _)| figures.get(&format!("envoy.instr.{name}")).is_some());
    let mut head = vec!["", "CPU µs", "over none", "(rounds)", "x floor"];
    if counted {
        head.extend(["k instr.", "over none", "x floor"]);
    }
    head.extend(["p50 µs", "p99 µs", "p99.9 µs"]);
    let floor_of = |unit: &str| figures.get(&format!("envoy.{unit}_over_none.{floor}"));
    let row = |(label, name, _): &(&str, &str, Family)| {
        let figure = |kind: &str| figures.get(&format!("envoy.{kind}.{name}"));
        let ratio =
            |unit: &str| Some(figure(&format!("{unit}_over_none"))? / floor_of(unit).filter(|floor| *floor > 0.0)?);
        let spread = figures.spread(&format!("envoy.cpu_us_over_none.{name}"));
        let mut label = (*label).to_owned();
        if let Some(status) = figure("status") {
            label.push_str(&format!(" (answered {status})"));
        }
        let mut row = vec![
            label,
            shown(figure("cpu_us")),
            shown(figure("cpu_us_over_none")),
            spread.map_or(String::new(), |(low, high)| format!("({} to {})", number(low), number(high))),
            shown(ratio("cpu_us")),
        ];
        if counted {
            row.push(shown(figure("instr").map(|count| count / 1000.0)));
            row.push(shown(figure("instr_over_none").map(|count| count / 1000.0)));
            row.push(shown(ratio("instr")));
        }
        row.extend(["p50_loaded_us", "p99_us", "p999_us"].map(|kind| shown(figure(kind))));
        row
    };
    Section {
        head: head.into_iter().map(str::to_owned).collect(),
        rows: chains.iter().map(row).collect(),
        ..Section::default()
    }
}

/// Returns bars of the differences to no filter: of instructions if they were counted, otherwise of CPU time.
fn bars(chains: Chains, figures: &Figures) -> Plot {
    let counted = chains.iter().any(|(_, name, _)| figures.get(&format!("envoy.instr_over_none.{name}")).is_some());
    let (kind, unit, scale) = match counted {
        true => ("instr", "thousand instructions over no filter", 1e-3),
        false => ("cpu_us", "CPU µs over no filter", 1.0),
    };
    let bar = |(label, name, family): &(&str, &str, Family)| {
        let name = format!("envoy.{kind}_over_none.{name}");
        let value = figures.get(&name)? * scale;
        let spread = figures.spread(&name).map(|(low, high)| (low * scale, high * scale));
        Some(Bar { label: (*label).to_owned(), family: *family, value, spread })
    };
    Plot::Bars { unit, bars: chains.iter().filter_map(bar).collect() }
}

fn rules_in_envoy(figures: &Figures) -> Plot {
    let line = |label: &str, prefix: &str, family| {
        let counts = [10, 100, 200, 1000, 10_000];
        let point = |count: usize| {
            let value = figures.get(&format!("envoy.cpu_us_over_none.{prefix}{count}"))?;
            (value > 0.0).then_some((as_number(count), value))
        };
        Line { label: label.to_owned(), family, points: counts.into_iter().filter_map(point).collect() }
    };
    let lines = vec![
        line("Context Mesh", "rules", OURS),
        line("Context Mesh, mixed", "mixed", Family::Other(3)),
        line("Envoy RBAC", "rbac", RBAC),
        line("RBAC matcher", "rbac_matcher", Family::Other(4)),
        line("Envoy Lua", "lua", LUA),
    ];
    Plot::Lines { unit: "CPU µs over no filter", lines }
}

fn alone(figures: &Figures) -> Section {
    let row = |(label, name, _): &(&str, &str, Family)| {
        let mut row = vec![(*label).to_owned()];
        let client = ["p50_us", "p99_alone_us", "p999_alone_us"];
        let in_envoy = ["p50_in_envoy_us", "p99_in_envoy_us", "p999_in_envoy_us"];
        let figures = client.iter().chain(&in_envoy).map(|kind| shown(figures.get(&format!("envoy.{kind}.{name}"))));
        row.extend(figures);
        row
    };
    let head = ["", "client p50 µs", "p99", "p99.9", "in Envoy p50 µs", "p99", "p99.9"];
    Section {
        title: "Latency of one request at a time",
        text: "One connection, one request at a time. The client's time includes its own work and the network; the time \
               in Envoy is from the first byte of the request to the first byte of the answer, from the access log.",
        head: head.map(str::to_owned).to_vec(),
        rows: ALONE.iter().map(row).collect(),
        ..Section::default()
    }
}

fn native(title: &'static str, text: &'static str, set: &str, figures: &Figures) -> Section {
    let figure = |engine: &str, count: usize| figures.get(&format!("native.ns_per_decision.{set}{engine}.{count}"));
    let row = |count: &usize| {
        let ours = figure("context_mesh", *count);
        let cell = |engine: &str| match (figure(engine, *count), ours) {
            (Some(value), Some(ours)) if engine != "context_mesh" && ours > 0.0 => {
                format!("{} ({}x)", number(value), number(value / ours))
            }
            (value, _) => shown(value),
        };
        std::iter::once(number(as_number(*count))).chain(ENGINES.map(|(_, engine, _)| cell(engine))).collect()
    };
    let line = |(label, engine, family): (&str, &str, Family)| Line {
        label: label.to_owned(),
        family,
        points: COUNTS.iter().filter_map(|count| Some((as_number(*count), figure(engine, *count)?))).collect(),
    };
    Section {
        title,
        text,
        head: std::iter::once("rules").chain(ENGINES.map(|(label, ..)| label)).map(str::to_owned).collect(),
        rows: COUNTS.iter().map(row).collect(),
        plots: vec![Plot::Lines { unit: "ns a decision", lines: ENGINES.map(line).to_vec() }],
    }
}

fn single(figures: &Figures) -> Section {
    let row = |(label, name, unit): &(&str, &str, &str)| {
        vec![(*label).to_owned(), shown(figures.get(name)), (*unit).to_owned()]
    };
    Section {
        title: "Contexts, artifacts and the filter",
        text: "Encoding and decoding of `x-mesh-context`, over a set of contexts like those of real services; sizes are \
               compared with the same fields as compact JSON. The memory is that of one worker's virtual machine. \
               Instructions are those of the filter's own WebAssembly.",
        head: ["", "", ""].map(str::to_owned).to_vec(),
        rows: SINGLE.iter().filter(|(_, name, _)| figures.get(name).is_some()).map(row).collect(),
        ..Section::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of rules, far below 2^52")]
fn as_number(count: usize) -> f64 {
    count as f64
}

#[cfg(all(test, feature = "whole"))]
mod tests {
    use super::*;
    use crate::envoy::chains::ALL;

    #[test]
    fn every_chain_is_in_a_table_and_every_row_is_a_chain() {
        let tables = [INBOUND, OUTBOUND, RULES, OTHERWISE];
        let shown: Vec<&str> = tables.into_iter().flatten().map(|(_, name, _)| *name).collect();
        for chain in ALL {
            assert!(shown.contains(&chain.name), "`{}` is in no table", chain.name);
        }
        for name in shown {
            assert!(ALL.iter().any(|chain| chain.name == name), "`{name}` is no chain");
        }
        for (_, name, _) in ALONE {
            assert!(ALL.iter().any(|chain| chain.name == *name && chain.alone), "`{name}` is not measured alone");
        }
    }
}
