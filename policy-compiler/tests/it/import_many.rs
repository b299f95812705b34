//! A large mesh is imported as a whole: a thousand policies for two hundred workloads.

use policy_compiler::{
    compile,
    import::{self, convert, select},
    report::source::Sources,
};

use crate::support::many_policies::{Size, manifests};

#[test]
fn a_thousand_policies_are_imported_and_the_tree_compiles() {
    let size = Size { policies: 1_000, workloads: 200, namespaces: 10 };
    let mut sources = Sources::new("");
    for (name, text) in manifests(size) {
        sources.add(name, text);
    }
    let (resources, found) = import::read(&sources);
    assert!(found.is_empty(), "{}", found.to_text(&sources));
    assert_eq!((resources.policies.len(), resources.workloads.len()), (1_000, 200));
    let groups = select::groups(&resources);
    assert!(import::findings(&resources, &groups).is_empty());
    assert_eq!(groups.iter().map(|group| group.workloads.len()).sum::<usize>(), 200);
    let converted = convert::convert(&resources, &groups);
    let refused = converted.verdicts.iter().filter(|verdict| matches!(verdict, convert::Verdict::Refused(_)));
    assert_eq!((converted.verdicts.len(), refused.count()), (1_000, 0));
    let mut tree = Sources::new("");
    for file in &converted.files {
        tree.add(file.path.as_str(), file.text.as_str());
    }
    let compiled = compile(&tree).unwrap_or_else(|found| panic!("{}", found.to_text(&tree)));
    assert!(compiled.tables.rules.len() >= 1_000, "{} rules", compiled.tables.rules.len());
}
