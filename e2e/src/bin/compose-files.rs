//! Writes the folder that `docker-compose.yml` mounts into its containers; `make compose-files` calls it.
//!
//!     compose-files --out .mesh/compose [--policies DIR] [--wasm FILE] [--claims JSON]
//!     compose-files --out .mesh/compose --without-filter
//!
//! It compiles the policy tree DIR (`examples/shop` by default) and writes the part of each Envoy. FILE is the filter,
//! by default `$CONTEXT_MESH_FILTER`. A token for clients with the claims of `--claims` is written to `client-token`.

use std::path::PathBuf;
use std::process::ExitCode;

use context_mesh_e2e::compose::Compose;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Topology;
use serde_json::{Value, json};

const USAGE: &str = "usage: compose-files --out DIR [--policies DIR] [--wasm FILE] [--claims JSON]\n       compose-files --out DIR --without-filter";

#[derive(Default)]
struct Arguments {
    out: PathBuf,
    policies: Option<PathBuf>,
    wasm: Option<PathBuf>,
    claims: Option<Value>,
    without_filter: bool,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("compose-files: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match write(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("compose-files: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: Arguments) -> Result<()> {
    let Arguments { out, policies, wasm, claims, without_filter } = arguments;
    let cannot = |problem: std::io::Error| Error::new(format!("cannot make a folder: {problem}"));
    std::fs::create_dir_all(&out).map_err(cannot)?;
    let topology = Topology::shop();
    // Only needed until its files are copied.
    let configurations = tempfile::tempdir().map_err(cannot)?;
    let filter = if without_filter {
        None
    } else {
        let policy = Policy::compile(&policies.unwrap_or_else(policy::shop_folder))?;
        policy.write_configurations(&topology, configurations.path())?;
        println!("policies: {} rules, sha256 {}", policy.tables.rules.len(), policy.digest);
        Some((wasm.map_or_else(policy::filter, Ok)?, configurations.path().to_owned()))
    };
    // A client that may use everything in the demo.
    let claims =
        claims.or_else(|| Some(json!({"sub": "user_7", "tenant": "tenant_acme", "tier": "gold", "plan": "beta"})));
    Compose { topology, filter, claims }.write(&out)?;
    println!("wrote `{}`", out.display());
    Ok(())
}

fn parse(mut flags: impl Iterator<Item = String>) -> std::result::Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut out = None;
    while let Some(flag) = flags.next() {
        if flag == "--without-filter" {
            arguments.without_filter = true;
            continue;
        }
        if !["--out", "--policies", "--wasm", "--claims"].contains(&flag.as_str()) {
            return Err(format!("`{flag}` is not an option"));
        }
        let value = flags.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--out" => out = Some(PathBuf::from(value)),
            "--policies" => arguments.policies = Some(PathBuf::from(value)),
            "--wasm" => arguments.wasm = Some(PathBuf::from(value)),
            _ => {
                let claims =
                    serde_json::from_str(&value).map_err(|problem| format!("`--claims` is not JSON: {problem}"))?;
                arguments.claims = Some(claims);
            }
        }
    }
    if arguments.without_filter && (arguments.policies.is_some() || arguments.wasm.is_some()) {
        return Err("`--without-filter` goes with neither `--policies` nor `--wasm`".to_owned());
    }
    arguments.out = out.ok_or("`--out` is missing")?;
    Ok(arguments)
}
