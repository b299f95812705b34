//! Proxies that cannot know which service they are.
//!
//! A proxy of Istio knows the name of its workload and not its namespace. Where two workloads have one name, its plugin
//! has to say which service it serves. A proxy that does not know is closed, because no policy would hold for it.

use std::fmt::Write as _;

use super::services::Services;
use super::{File, Reason, Report};
use crate::import::istio::Resources;
use crate::import::select::Group;

/// Returns the document that closes proxies whose name several workloads have, if there are any.
pub(super) fn file(services: &Services) -> Option<File> {
    if services.shared().is_empty() {
        return None;
    }
    let mut text = String::from(
        "# Several workloads have these names, so a proxy that only knows its name is closed until its plugin names the\n# service.\n",
    );
    text.push_str("apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: shared-names}\nspec:\n");
    text.push_str("  workloads: [\"*\"]\n  rules:\n    - name: name-the-service\n");
    let names = services.shared().iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "      when: mesh.service in [{names}]");
    text.push_str("      deny: {status: 403, message: the plugin of this proxy does not name its service}\n");
    Some(File { path: "enterprise/shared-names.yaml".to_owned(), text })
}

/// Notes for policies of such workloads that they are closed at first.
pub(super) fn note_shared_names(resources: &Resources, groups: &[Group], services: &Services, report: &mut Report) {
    for group in groups {
        for (index, workload) in
            group.workloads.iter().filter_map(|index| Some((*index, resources.workloads.get(*index)?)))
        {
            let name = &workload.name.value;
            if !services.shared().contains(name) {
                continue;
            }
            for policy in &group.policies {
                let Some(of) = resources.policies.get(*policy) else { continue };
                let text = format!(
                    "several workloads are called `{name}`: the one in `{}` is closed until its plugin has `service: {}`",
                    workload.namespace,
                    services.name(index)
                );
                report.stricter(*policy).push(Reason { span: of.name.span, text });
            }
        }
    }
}
