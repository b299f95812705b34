//! `AuthorizationPolicy`. What Istio's own validation rejects is rejected here, in the order of the keys.

use super::{
    manifest::Manifest,
    rule,
    values::{self, rejected},
};
use crate::{
    import::istio::{Action, AuthorizationPolicy, Labels, TargetRef},
    read::{
        document::{Decoder, Keys},
        yaml::{Node, Value},
    },
    report::{
        diagnostic::{Diagnostic, code},
        near,
        source::{Span, Spanned},
    },
};

/// The annotation with which a policy is only evaluated.
pub(super) const DRY_RUN: &str = "istio.io/dry-run";

const ACTIONS: [&str; 4] = ["ALLOW", "DENY", "AUDIT", "CUSTOM"];

/// What a policy may be attached to: group and kind.
const TARGETS: [(&str, &str); 5] = [
    ("", "Service"),
    ("core", "Service"),
    ("networking.istio.io", "ServiceEntry"),
    ("gateway.networking.k8s.io", "Gateway"),
    ("gateway.networking.k8s.io", "GatewayClass"),
];

/// Reads a policy. Returns `None` if something is wrong with it, which has been reported.
pub(super) fn read(manifest: &Manifest<'_>, decoder: &mut Decoder<'_>) -> Option<AuthorizationPolicy> {
    let before = decoder.errors();
    let mut policy = AuthorizationPolicy {
        name: manifest.name.clone(),
        namespace: manifest.namespace.clone(),
        span: manifest.span,
        selector: None,
        target_refs: Vec::new(),
        action: Action::Allow,
        dry_run: dry_run(manifest, decoder),
        rules: Vec::new(),
    };
    let mut keys = decoder.keys(manifest.node, manifest.span, "the AuthorizationPolicy")?;
    for key in ["apiVersion", "kind", "metadata", "status"] {
        keys.get(key);
    }
    // Without a specification, a policy lets nothing pass.
    if let Some(node) = keys.get("spec")
        && let Some(spec) = decoder.keys(node, node.span, "the AuthorizationPolicy")
    {
        self::spec(&mut policy, spec, node.span, decoder);
    }
    keys.finish(decoder);
    (decoder.errors() == before).then_some(policy)
}

fn spec(policy: &mut AuthorizationPolicy, mut keys: Keys<'_>, span: Span, decoder: &mut Decoder<'_>) {
    let before = decoder.errors();
    policy.selector = keys.get("selector").and_then(|node| selector(node, decoder));
    let refs = keys.get("targetRefs").map(|node| (node, decoder.list(node)));
    let single = keys.get("targetRef");
    if let Some((node, [])) = refs {
        rejected(decoder, node.span, "`targetRefs` is an empty list", "leave it out");
    }
    let refs = refs.map_or(&[] as &[Node], |(_, list)| list).iter().chain(single);
    policy.target_refs = refs.filter_map(|node| target_ref(node, decoder)).collect();
    let (selected, several, one) = (keys.has("selector"), keys.has("targetRefs"), keys.has("targetRef"));
    if [selected, several, one].iter().filter(|given| **given).count() > 1 {
        let message = "a policy has a `selector` or `targetRefs`, not both";
        rejected(decoder, span, message, "write one policy for each");
    }
    let action = keys.get("action").and_then(|node| action(node, decoder));
    let provider = keys.get("provider").map(|node| (node.span, provider(node, decoder)));
    policy.action = match (action.as_ref().map(|action| action.value.as_str()), provider) {
        (Some("CUSTOM"), Some((_, Some(name)))) => Action::Custom(name.value),
        (Some("CUSTOM"), Some(_)) => Action::Custom(String::new()),
        (Some("CUSTOM"), None) => {
            rejected(decoder, span, "the action `CUSTOM` has no `provider`", "add `provider: {name: NAME}`");
            Action::Custom(String::new())
        }
        (other, provider) => {
            if let Some((span, _)) = provider {
                rejected(decoder, span, "only the action `CUSTOM` has a `provider`", "leave it out");
            }
            match other {
                Some("DENY") => Action::Deny,
                Some("AUDIT") => Action::Audit,
                _ => Action::Allow,
            }
        }
    };
    if let Some(node) = keys.get("rules") {
        policy.rules = decoder.list(node).iter().filter_map(|node| rule::read(node, decoder)).collect();
    }
    let rules = keys.get("rules");
    keys.finish(decoder);
    if decoder.errors() == before {
        warn_of_empty_rules(policy, rules, decoder);
    }
}

/// Returns the labels of a selector. Istio matches labels only exactly.
pub(super) fn selector(node: &Node, decoder: &mut Decoder<'_>) -> Option<Labels> {
    let mut keys = decoder.keys(node, node.span, "`selector`")?;
    keys.refuse("matchExpressions", "Istio only has `matchLabels`, which must all match", decoder);
    let entries = keys.get("matchLabels").map_or(&[] as &[_], |node| decoder.entries(node));
    let mut labels = Labels::new();
    for (key, value) in entries {
        let Some(value) = values::text(value, decoder) else { continue };
        if key.value.is_empty() || key.value.contains('*') || value.value.contains('*') {
            let message = format!("`{}: {}` is no label", key.value, value.value);
            rejected(decoder, key.span, message, "a selector has no wildcards; select by another label, or by none");
        }
        labels.insert(key.value.clone(), value.value);
    }
    keys.finish(decoder);
    Some(labels)
}

/// Reads an entry of `targetRefs`.
pub(super) fn target_ref(node: &Node, decoder: &mut Decoder<'_>) -> Option<TargetRef> {
    let mut keys = decoder.keys(node, node.span, "the target")?;
    if let Some((key, _)) = keys.entry("namespace") {
        let help = "leave `namespace` out: a policy is attached to what is in its own namespace";
        rejected(decoder, key.span, "a target has no namespace", help);
    }
    let group = keys.get("group").and_then(|node| values::text(node, decoder)).map_or(String::new(), |text| text.value);
    let kind = keys.require("kind", decoder).and_then(|node| values::text(node, decoder));
    let name = keys.require("name", decoder).and_then(|node| values::text(node, decoder));
    keys.finish(decoder);
    let (kind, name) = (kind?, name?);
    if !TARGETS.contains(&(&group, &kind.value)) {
        let message = format!("a policy cannot be attached to `{}` of the group `{group}`", kind.value);
        let help = "targets are Gateway and GatewayClass (`gateway.networking.k8s.io`), Service (`\"\"`) and \
                    ServiceEntry (`networking.istio.io`)";
        rejected(decoder, kind.span, message, help);
        return None;
    }
    let group = if group == "core" { String::new() } else { group };
    Some(TargetRef { group, kind: kind.value, name })
}

fn action(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
    let text = values::text(node, decoder)?;
    if ACTIONS.contains(&text.value.as_str()) {
        return Some(text);
    }
    let problem = Diagnostic::error(code::NOT_OF_ISTIO, text.span, format!("there is no action `{}`", text.value));
    decoder.report(problem.maybe_help(near::suggestion(&text.value, ACTIONS)));
    None
}

fn provider(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
    let mut keys = decoder.keys(node, node.span, "`provider`")?;
    let name = keys.require("name", decoder).and_then(|node| values::text(node, decoder));
    keys.finish(decoder);
    name
}

/// Returns whether the policy is only evaluated. Istio reads the annotation as Go reads a bool.
fn dry_run(manifest: &Manifest<'_>, decoder: &mut Decoder<'_>) -> bool {
    let Some(value) = manifest.annotation(DRY_RUN) else { return false };
    match value.value.as_str() {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
        "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
        other => {
            let message = format!("`{DRY_RUN}` is neither true nor false, but `{other}`");
            rejected(decoder, value.span, message, "write \"true\" or \"false\"");
            false
        }
    }
}

/// Warns of a policy that matches everything or nothing. `spec: {}`, which allows nothing, is how Istio's documentation
/// writes it, so it is no mistake.
fn warn_of_empty_rules(policy: &AuthorizationPolicy, rules: Option<&Node>, decoder: &mut Decoder<'_>) {
    let all = policy.rules.iter().find(|rule| rule.from.is_empty() && rule.to.is_empty() && rule.when.is_empty());
    let written = rules.filter(|node| matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty()));
    let name = &policy.name.value;
    let (span, effect, help) = match (&policy.action, all, written) {
        (Action::Allow, Some(rule), _) if policy.rules.len() > 1 => {
            (rule.span, "lets every request pass, whatever its other rules say", "leave the empty rule out")
        }
        (Action::Allow, Some(rule), _) => {
            (rule.span, "lets every request pass that no other policy denies", "add conditions if only some should")
        }
        (Action::Deny, Some(rule), _) => (rule.span, "denies every request", "add conditions if only some should be"),
        (Action::Audit, Some(rule), _) => (rule.span, "marks every request", "add conditions if only some should be"),
        (Action::Allow, None, Some(node)) => {
            (node.span, "matches no request, so only other policies let any pass", "add rules, or write `spec: {}`")
        }
        (Action::Deny | Action::Audit, None, _) if rules.is_none() || written.is_some() => (
            rules.map_or(policy.name.span, |node| node.span),
            "has no rules and so no effect",
            "add rules: `- {}` matches every request; Istio's webhook rejects a `DENY` without rules",
        ),
        _ => return,
    };
    decoder.report(Diagnostic::warning(code::EMPTY_RULES, span, format!("the policy `{name}` {effect}")).help(help));
}
