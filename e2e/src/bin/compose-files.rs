//! Writes the folder that `docker-compose.yml` mounts into its containers.
//!
//!     compose-files --wasm FILE --config-dir DIR --out .mesh/compose [--claims JSON]
//!
//! DIR holds one plugin configuration for each Envoy and role: `<service>.<role>.json`. Without `--wasm` and
//! `--config-dir` the mesh runs without the filter. With `--claims`, a client's token with these claims is written to
//! `client-token`.

use std::path::PathBuf;
use std::process::ExitCode;

use context_mesh_e2e::compose::Compose;
use context_mesh_e2e::topology::Topology;

const USAGE: &str = "usage: compose-files [--wasm FILE --config-dir DIR] --out DIR [--claims JSON]";

fn main() -> ExitCode {
    let (compose, out) = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("compose-files: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match std::fs::create_dir_all(&out)
        .map_err(|problem| problem.to_string())
        .and_then(|()| compose.write(&out).map_err(|problem| problem.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("compose-files: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(Compose, PathBuf), String> {
    let (mut wasm, mut config_dir, mut out, mut claims) = (None, None, None, None);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--wasm" => wasm = Some(PathBuf::from(value)),
            "--config-dir" => config_dir = Some(PathBuf::from(value)),
            "--out" => out = Some(PathBuf::from(value)),
            "--claims" => {
                claims =
                    Some(serde_json::from_str(&value).map_err(|problem| format!("`--claims` is not JSON: {problem}"))?)
            }
            _ => return Err(format!("`{flag}` is not an option")),
        }
    }
    let filter = match (wasm, config_dir) {
        (Some(wasm), Some(config_dir)) => Some((wasm, config_dir)),
        (None, None) => None,
        _ => return Err("`--wasm` and `--config-dir` go together".to_owned()),
    };
    Ok((Compose { topology: Topology::shop(), filter, claims }, out.ok_or("`--out` is missing")?))
}
