//! Importing many AuthorizationPolicies, and compiling the tree that they become.

use std::time::Instant;

use policy_compiler::{
    compile,
    import::{self, convert, select},
    report::source::Sources,
};

use crate::many_policies::{Size, manifests};

/// Prints how long it takes to read and convert the policies, and to check and build the tree.
pub(crate) fn measure(rounds: usize) -> Result<(), String> {
    let size = Size { policies: 1_000, workloads: 200, namespaces: 10 };
    let files = manifests(size);
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    println!("{} AuthorizationPolicies for {} workloads: {bytes} bytes of YAML", size.policies, size.workloads);
    for round in 1..=rounds {
        let mut sources = Sources::new("");
        for (name, text) in &files {
            sources.add(*name, text.as_str());
        }
        let started = Instant::now();
        let (resources, found) = import::read(&sources);
        if found.has_errors() {
            return Err(found.to_text(&sources));
        }
        let converted = convert::convert(&resources, &select::groups(&resources));
        let import = started.elapsed();
        let mut tree = Sources::new("");
        for file in &converted.files {
            tree.add(file.path.as_str(), file.text.as_str());
        }
        let started = Instant::now();
        let compiled = compile(&tree).map_err(|problems| problems.to_text(&tree))?;
        let (time, rules, artifact) = (started.elapsed(), compiled.tables.rules.len(), compiled.artifact.len());
        println!(
            "round {round}: imported in {import:.3?}, checked and built in {time:.3?}: {rules} rules, artifact of \
             {artifact} bytes"
        );
    }
    Ok(())
}
