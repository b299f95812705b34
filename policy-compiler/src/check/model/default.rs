//! `default: deny`: a workload without an allow rule denies every request.
//!
//! It is an additional rule of the model, `mesh/default`, so everything after the model (analysis, pictures, tests,
//! artifacts, filters) handles it without a special case. A workload with an allow rule does not need it, because what
//! no rule allows there is denied anyway.

use context_mesh_core::artifact::tables::{Layer, Reply};

use super::{Directory, Effect, Owner, Policy, Rule, Workloads};
use crate::{
    read::document::{About, Direction, OnError},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// Name of the rule in reports. Names of other rules have two `/`.
pub const DEFAULT_RULE: &str = "mesh/default";

/// Most services that a finding names.
const MAX_NAMED: usize = 8;

/// The settings of the mesh and its domains for workloads without an allow rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    /// Whether they deny, if the mesh specifies it.
    pub(super) mesh: Option<Spanned<bool>>,
    /// Whether they deny, if the domain specifies it; in the order of the directory.
    pub(super) domains: Vec<Option<bool>>,
    /// Where the mesh is declared; `None` without one.
    pub(super) span: Option<Span>,
}

impl Defaults {
    fn closes(&self, domain: u16) -> bool {
        let own = self.domains.get(usize::from(domain)).copied().flatten();
        own.or(self.mesh.as_ref().map(|mesh| mesh.value)).unwrap_or(false)
    }
}

/// Returns the policy that denies requests to services without an allow rule, or `None` if all are open.
pub(super) fn policy(defaults: &Defaults, directory: &Directory, policies: &[Policy]) -> Option<Policy> {
    let allows = |rule: &Rule| matches!(rule.effect, Effect::Allow) && !rule.shadow;
    let lists = guards(policies, allows);
    let open = |service: usize| !lists.iter().any(|policy| policy.workloads.contains(service));
    let closed = directory.services.iter().enumerate().filter(|(_, service)| defaults.closes(service.domain));
    let services: Vec<usize> = closed.map(|(index, _)| index).filter(|index| open(*index)).collect();
    let mesh = defaults.mesh.as_ref().is_some_and(|mesh| mesh.value);
    let unlisted = mesh && !lists.iter().any(|policy| policy.workloads == Workloads::All);
    if services.is_empty() && !unlisted {
        return None;
    }
    let rule = Rule {
        about: About::default(),
        name: DEFAULT_RULE.to_owned(),
        span: defaults.mesh.as_ref().map(|mesh| mesh.span).or(defaults.span)?,
        when: None,
        on_error: OnError::Deny,
        shadow: false,
        named: Vec::new(),
        effect: Effect::Deny(Reply { status: 403, grpc_status: 7, message: "no rule allows this request".to_owned() }),
    };
    Some(Policy {
        name: "mesh".to_owned(),
        layer: Layer::Domain,
        workloads: Workloads::These(services),
        unlisted,
        direction: Direction::Inbound,
        owner: Owner::Enterprise,
        variables: Vec::new(),
        shared: 0,
        rules: vec![rule],
        unfinished: Vec::new(),
    })
}

/// Warns of services that no rule guards while others have allow rules, unless the mesh sets a default.
pub(super) fn report_unguarded(
    defaults: &Defaults,
    directory: &Directory,
    policies: &[Policy],
    diagnostics: &mut Diagnostics,
) {
    let refuses =
        |rule: &Rule| matches!(rule.effect, Effect::Deny(_) | Effect::Allow | Effect::Require(..)) && !rule.shadow;
    // Policies without allow rules guard by denying what is known to be bad.
    let lists = guards(policies, |rule| matches!(rule.effect, Effect::Allow) && !rule.shadow);
    if defaults.mesh.is_some() || lists.is_empty() {
        return;
    }
    let guards = guards(policies, refuses);
    let said = |domain: u16| defaults.domains.get(usize::from(domain)).is_some_and(Option::is_some);
    let guarded = |index: usize| guards.iter().any(|policy| policy.workloads.contains(index));
    let services = directory.services.iter().enumerate();
    let bare: Vec<&str> = services
        .filter(|(index, service)| !said(service.domain) && !guarded(*index))
        .map(|(_, service)| service.name.as_str())
        .collect();
    if bare.is_empty() {
        return;
    }
    let named: Vec<String> = bare.iter().take(MAX_NAMED).map(|name| format!("`{name}`")).collect();
    let more = bare.len().saturating_sub(MAX_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("no rule guards {}{more}: everybody may call them", named.join(", "));
    let help = "say `default: deny` in the Mesh, so that what no rule allows is refused; or `default: allow`, if everybody may call them";
    diagnostics.push(Diagnostic::warning(code::UNGUARDED, defaults.span, message).help(help));
}

/// Returns the policies for inbound requests that have a rule of this kind.
fn guards(policies: &[Policy], kind: impl Fn(&Rule) -> bool) -> Vec<&Policy> {
    let inbound = policies.iter().filter(|policy| policy.direction == Direction::Inbound);
    inbound.filter(|policy| policy.rules.iter().any(&kind)).collect()
}
