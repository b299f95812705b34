//! One application of the demo mesh; see `context_mesh_e2e::shop` for its answers.
//!
//!     shop-service --name checkout-service --listen 127.0.0.1:8080 --outbound 127.0.0.1:15001 --calls payment-service
//!
//! It ends on SIGTERM and SIGINT, and with `--until-stdin-closes` also together with the process that started it.

use std::net::SocketAddr;
use std::process::ExitCode;

use context_mesh_e2e::runtime::{block_on, interrupted};
use context_mesh_e2e::shop::{Shop, ShopConfig, bind};
use tokio::io::AsyncReadExt as _;

const USAGE: &str = "usage: shop-service --name NAME --listen ADDRESS:PORT --outbound ADDRESS:PORT [--calls NAME[,NAME...]] [--until-stdin-closes]";

struct Arguments {
    config: ShopConfig,
    listen: SocketAddr,
    until_stdin_closes: bool,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("shop-service: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("shop-service: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let listener = bind(arguments.listen)?;
    tokio::spawn(Shop::new(arguments.config).serve(listener));
    if arguments.until_stdin_closes {
        tokio::spawn(async {
            stdin_closes().await;
            std::process::exit(0);
        });
    }
    interrupted().await?;
    Ok(())
}

/// Waits until the process at the other end of stdin has ended.
async fn stdin_closes() {
    let mut ignored = [0; 64];
    let mut stdin = tokio::io::stdin();
    while matches!(stdin.read(&mut ignored).await, Ok(count) if count > 0) {}
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut name, mut listen, mut outbound, mut calls, mut until_stdin_closes) = (None, None, None, Vec::new(), false);
    while let Some(flag) = arguments.next() {
        if flag == "--until-stdin-closes" {
            until_stdin_closes = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("`{flag}` needs a value"))?;
        match flag.as_str() {
            "--name" => name = Some(value),
            "--listen" => listen = Some(address(&flag, &value)?),
            "--outbound" => outbound = Some(address(&flag, &value)?),
            "--calls" => calls = value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            _ => return Err(format!("`{flag}` is not an option")),
        }
    }
    Ok(Arguments {
        config: ShopConfig {
            name: name.ok_or("`--name` is missing")?,
            outbound: outbound.ok_or("`--outbound` is missing")?,
            calls,
        },
        listen: listen.ok_or("`--listen` is missing")?,
        until_stdin_closes,
    })
}

fn address(flag: &str, value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| format!("`{flag}` is `{value}`, which is not an address with a port, such as `127.0.0.1:8080`"))
}
