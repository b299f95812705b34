//! Figures outside of Envoy: artifacts, contexts, and the filter in an interpreter.

use std::hint::black_box;
use std::time::{Duration, Instant};

use context_mesh_core::artifact::{self, VerifiedProgram};
use context_mesh_core::carrier::mesh_header;
use context_mesh_core::context::Context;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::{self, Policy, shop_folder};
use context_mesh_e2e::topology::Role;

use crate::counted::Filter;
use crate::counted::ordinary::{ordinary, sent, trace};
use crate::demo::{NOW_MS, PEER};
use crate::figures::{Figures, median};
use crate::native::corpus::{self, Corpus};
use crate::native::decision::compile;
use crate::requests::{ATTEMPT, varied_context};
use crate::rule_sets::{COUNTS, SETS, Set, tree};
use crate::sidecar::SERVICE;

/// The largest number of rules, for which sizes and times are reported.
const MOST: usize = 10_000;
/// Number of times that something short is repeated; the median counts.
const REPEATS: usize = 9;
/// Time for which encoding and decoding are repeated.
const CODEC: Duration = Duration::from_millis(300);

/// Measures all of them.
///
/// # Errors
/// The filter is missing, or policies do not compile.
pub fn measure(figures: &mut Figures) -> Result<()> {
    for set in SETS {
        artifacts(set, figures)?;
    }
    codec(figures)?;
    filter(figures)
}

fn artifacts(set: Set, figures: &mut Figures) -> Result<()> {
    let kind = if set == Set::Uniform { String::new() } else { format!(".{}", set.name()) };
    let text = tree(&set.conditions(MOST));
    let started = Instant::now();
    let artifact = compile(&text).map_err(Error::new)?;
    figures.set(format!("compile.seconds{kind}.{MOST}"), started.elapsed().as_secs_f64());
    let few = compile(&tree(&[])).map_err(Error::new)?.len();
    figures.set(format!("artifact.bytes_per_rule{kind}"), number(artifact.len() - few) / number(MOST));
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..REPEATS {
        let started = Instant::now();
        black_box(artifact::load(&artifact).map_err(|error| Error::new(error.to_string()))?);
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    figures.set_rounds(&format!("artifact.load_verify_ms{kind}.{MOST}"), &times);
    Ok(())
}

fn codec(figures: &mut Figures) -> Result<()> {
    let mut smaller: Vec<f64> = Vec::new();
    for Corpus { tree, contexts } in corpus::all().map_err(Error::new)? {
        let policy = Policy::compile(&shop_folder().with_file_name(tree))?;
        let program = artifact::load(&policy.artifact).map_err(|error| Error::new(error.to_string()))?;
        let encoded = contexts.iter().map(|context| encode(context, &program)).collect::<Result<Vec<_>>>()?;
        let percent = |(context, header): (&Context, &String)| {
            100.0 * (1.0 - number(header.len()) / number(corpus::json(context).len()))
        };
        smaller.extend(contexts.iter().zip(&encoded).map(percent));
        if tree == "shop" {
            let encoding = per_second(&contexts, |context| _ = black_box(encode(context, &program)));
            figures.set_rounds("codec.encode_per_second", &encoding);
            let decode = |header: &String| _ = black_box(mesh_header::decode(header.as_bytes(), program.words()));
            figures.set_rounds("codec.decode_per_second", &per_second(&encoded, decode));
        }
    }
    smaller.sort_by(f64::total_cmp);
    figures.set("codec.size_reduction_percent_min", smaller.first().copied().unwrap_or_default());
    figures.set("codec.size_reduction_percent_median", median(&smaller));
    Ok(())
}

fn encode(context: &Context, program: &VerifiedProgram) -> Result<String> {
    mesh_header::encode(context, program.words().writer(NOW_MS), NOW_MS)
        .map_err(|error| Error::new(format!("a context of the corpus: {}", error.as_str())))
}

/// Returns how many things are processed per second, by round.
fn per_second<T>(things: &[T], mut process: impl FnMut(&T)) -> Vec<f64> {
    let mut round = || {
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < CODEC {
            things.iter().for_each(&mut process);
            count += things.len();
        }
        number(count) / started.elapsed().as_secs_f64()
    };
    (0..5).map(|_| round()).collect()
}

fn filter(figures: &mut Figures) -> Result<()> {
    let (wasm, shop) = (policy::filter()?, Policy::shop()?);
    let size = std::fs::metadata(&wasm).map(|about| about.len()).unwrap_or_default();
    figures.set("filter.wasm_bytes", number(usize::try_from(size).unwrap_or_default()));
    let demo = ordinary(&wasm, &shop, true)?;
    for (name, spent) in [("inbound", demo.inbound.spent), ("outbound", demo.by_id.spent)] {
        figures.set(format!("filter.instructions.{name}"), whole(spent.instructions));
        figures.set(format!("filter.host_calls.{name}"), whole(spent.host_calls));
    }
    for set in SETS {
        for count in COUNTS {
            let policy = Policy::from_text(&tree(&set.conditions(count)))?.slice(SERVICE)?;
            let configurations = [Role::Inbound, Role::Outbound].map(|role| policy.configuration(SERVICE, role));
            let [inbound, outbound] = configurations.each_ref().map(String::as_str);
            let mut filter = Filter::load(&wasm, [inbound, outbound])?;
            let program = artifact::load(&policy.artifact).map_err(|error| Error::new(error.to_string()))?;
            let mut spent = 0;
            for request in 0..10 {
                let context = varied_context(&program, request, NOW_MS, &[ATTEMPT])?;
                let headers = [("traceparent", trace(request)), ("x-mesh-context", context)];
                let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
                spent = filter.inbound(PEER, &sent(&headers))?.spent.instructions;
            }
            figures.set(format!("filter.instructions.{}{count}", set.name()), whole(spent));
            if count == MOST {
                let kind = if set == Set::Uniform { String::new() } else { format!(".{}", set.name()) };
                figures.set(format!("filter.vm_bytes{kind}.{count}"), number(filter.memory_bytes()));
            }
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "sizes and counts, far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "numbers of instructions, far below 2^52")]
fn whole(count: u64) -> f64 {
    count as f64
}
