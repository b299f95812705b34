//! Keeps the mesh running, and prints what to try.

use std::fmt::Write as _;

use super::sample::Sample;
use super::say;
use crate::error::{Context as _, Result};
use crate::mesh::Mesh;
use crate::runtime::wait_for_interrupt;
use policy_compiler::report::style::Paint;

/// The file with the token for the commands, in the folder of the mesh.
const TOKEN: &str = "token";

/// Prints what to try, and waits for Ctrl-C.
pub(super) fn keep(mesh: &Mesh, samples: &[Sample], paint: Paint) -> Result<()> {
    // The claims of the first sample: a client that may use everything.
    if let Some(claims) = samples.iter().find_map(|sample| sample.token.as_ref()) {
        let file = mesh.folder().join(TOKEN);
        std::fs::write(&file, mesh.signer().token(claims))
            .context(format_args!("cannot write `{}`", file.display()))?;
    }
    say(text(mesh, paint))?;
    wait_for_interrupt()?;
    say("\nending the mesh\n")
}

fn text(mesh: &Mesh, paint: Paint) -> String {
    let (url, folder) = (mesh.gateway_url(), mesh.folder().display());
    let mut text = format!(
        "
{title}

Another terminal, from here on:
    MESH={folder}
    TOKEN=$(cat $MESH/{TOKEN})

A request, and what each application saw of it:
    curl -s -H \"authorization: Bearer $TOKEN\" {url}/cart | python3 -m json.tool

The same without a token, with a forged tenant, and by an application that changes the tenant:
    curl -i {url}/cart
    curl -s -H \"authorization: Bearer $TOKEN\" -H 'x-tenant-id: tenant_evil' {url}/cart | python3 -m json.tool
    curl -s -H \"authorization: Bearer $TOKEN\" '{url}/cart?send.checkout-service=x-tenant-id:tenant_evil' | python3 -m json.tool

What a filter decided (`context_mesh` names carriers, fields and rules, never values):
    tail -n 2 $MESH/payment-service/access.log | python3 -m json.tool --json-lines

What was counted, and the rest of each Envoy's admin interface:
",
        title = paint.strong("The mesh runs until Ctrl-C"),
    );
    for envoy in mesh.envoys() {
        let _ = writeln!(text, "    curl -s 'http://{}/stats?filter=context_mesh'   # {}", envoy.admin(), envoy.name());
    }
    text
}
