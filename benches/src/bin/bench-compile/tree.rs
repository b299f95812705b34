//! A tree of the size of a large company: thousands of rules similar to those that people write.

use std::fmt::Write as _;

/// The size of the tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    /// Number of domains.
    pub domains: usize,
    /// Number of services.
    pub services: usize,
    /// Number of rules.
    pub rules: usize,
}

/// Returns the files of the tree: path and text.
pub(crate) fn files(size: Size) -> Vec<(String, String)> {
    let mut files = vec![("mesh.yaml".to_owned(), mesh(size)), ("enterprise.yaml".to_owned(), enterprise())];
    for domain in 0..size.domains {
        files.push((format!("domain-{domain}.yaml"), policies(size, domain)));
    }
    files
}

fn services_of(size: Size, domain: usize) -> impl Iterator<Item = usize> {
    (0..size.services).filter(move |service| service % size.domains == domain)
}

fn mesh(size: Size) -> String {
    let mut text = "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: large}\nspec:\n  trustDomain: large.example\n  identity: /ns/default/sa/{service}\n  domains:\n".to_owned();
    for domain in 0..size.domains {
        let names: Vec<String> = services_of(size, domain).map(|service| format!("svc-{service}")).collect();
        let region = ["eu", "us", "asia"][domain % 3];
        let _ = writeln!(text, "    domain-{domain}: {{services: [{}], region: {region}}}", names.join(", "));
    }
    text
}

fn enterprise() -> String {
    "apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: common, version: 1.0.0}
spec:
  fields:
    tenant_id:     {type: string, required: true, pattern: 'tenant_[a-z0-9_]+', header: x-tenant-id, immutable: true}
    user_id:       {type: string, classification: pii, header: x-user-id}
    email:         {type: string, classification: pii}
    tier:          {type: string, enum: [bronze, silver, gold]}
    feature_flags: {type: list<string>, merge: union, maxBytes: 512}
    amount:        {type: int}
    claims:        {type: json, maxBytes: 1024}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: guardrails}
spec:
  workloads: ['*']
  rules:
    - {name: no-trace, when: \"request.method in ['TRACE', 'CONNECT']\", deny: {status: 405}}
    - {name: no-admin, when: \"request.url_path.startsWith('/internal/admin/')\", deny: {}}
"
    .to_owned()
}

/// Returns the policies of one domain: one for each of its services.
fn policies(size: Size, domain: usize) -> String {
    let mut text = String::new();
    for service in services_of(size, domain) {
        let _ = write!(
            text,
            "---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {{name: svc-{service}, domain: domain-{domain}}}
spec:
  workloads: [svc-{service}]
  variables:
    - {{name: inside, expression: \"peer.domain == 'domain-{domain}'\"}}
    - {{name: writes, expression: \"request.method in ['POST', 'PUT', 'PATCH', 'DELETE']\"}}
    - {{name: staff, expression: \"has(context.claims.role) && context.claims.role == 'staff'\"}}
  rules:
"
        );
        for rule in (0..size.rules).filter(|rule| rule % size.services == service) {
            let _ = writeln!(text, "    - name: rule-{rule}\n      {}", rule_text(size, service, rule));
        }
    }
    text
}

/// Returns the condition and effect of a rule. Rules about tenants are more frequent than other kinds.
fn rule_text(size: Size, service: usize, rule: usize) -> String {
    let (other, tenant) = ((service * 7 + rule) % size.services, format!("tenant_{rule}"));
    match (rule / size.services) % 20 {
        0 => format!(
            "when: \"!variables.inside && peer.service != 'svc-{other}'\"\n      deny: {{message: not for others}}"
        ),
        1 => format!(
            "when: \"request.path.matches('^/svc{service}/v[0-9]+/(orders|items)/')  && !has(context.user_id)\"\n      deny: {{status: 401}}"
        ),
        2 => "when: \"!('export' in context.feature_flags)\"\n      redact: [email]".to_owned(),
        3 => format!(
            "when: \"variables.writes && context.amount > {rule} && context.tier != 'gold'\"\n      deny: {{status: 402}}"
        ),
        4 => "when: variables.writes\n      require: {fields: [user_id], status: 400}".to_owned(),
        5 => format!(
            "when: \"variables.staff && request.headers['x-ticket'].startsWith('T{rule}-')\"\n      audit: true"
        ),
        6 => format!(
            "when: \"context.tenant_id in ['tenant_{rule}', 'tenant_{rule}_test', 'tenant_{rule}_dev']\"\n      mask: {{fields: [user_id], keepLast: 4}}"
        ),
        7 => format!(
            "when: \"context.tenant_id == '{tenant}' && request.query.contains('debug=1')\"\n      redact: {{classification: [pii]}}"
        ),
        8 => format!(
            "when: \"context.feature_flags.exists(f, f.startsWith('beta-{service}')) && request.host.endsWith('.svc{service}.example')\"\n      audit: true"
        ),
        _ => format!(
            "when: \"context.tenant_id == '{tenant}' && request.path.startsWith('/svc{service}/')\"\n      deny: {{status: 403, message: tenant {rule} is closed}}"
        ),
    }
}
