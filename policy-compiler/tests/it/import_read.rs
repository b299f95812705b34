//! Reading AuthorizationPolicies and what they depend on, row by row.
//!
//! A case is a document and its findings, as `CODE severity text`, where the text is the source at the place.

use policy_compiler::{
    import::{
        self,
        istio::{Resources, Workload},
        select,
    },
    read::yaml::{self, Node, Value},
    report::{
        diagnostic::{Diagnostic, Diagnostics},
        source::{MAX_PROXY_FILE_BYTES, Sources, Span},
    },
};

use crate::support::{golden, repository};

fn sources(files: &[&str]) -> Sources {
    let mut sources = Sources::new("");
    for (index, text) in files.iter().enumerate() {
        sources.add_limited(format!("{index}.yaml"), *text, MAX_PROXY_FILE_BYTES);
    }
    sources
}

/// Returns what was read, and the findings.
fn look(files: &[&str]) -> (Resources, Vec<String>) {
    let sources = sources(files);
    let (resources, mut found) = import::read(&sources);
    if !found.has_errors() {
        found.extend(import::findings(&resources, &select::groups(&resources)));
    }
    let lines = lines(&found, &sources);
    (resources, lines)
}

fn lines(found: &Diagnostics, sources: &Sources) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let text = d.span.map_or("", |span| &sources.file(span.file).unwrap().text()[span.range()]);
        assert!(d.help.is_some() || !d.code.starts_with("CM08"), "no help: {}", d.message);
        // The place of a mapping in flow form is all of it.
        let text = if text.starts_with('{') { "{" } else { text };
        format!("{} {} {text}", d.code, d.severity.name())
    };
    found.iter().map(line).collect()
}

/// Returns a Deployment with these labels.
fn deployment(namespace: &str, name: &str, labels: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  \
         template: {{metadata: {{labels: {{{labels}}}}}, spec: {{serviceAccountName: {name}}}}}\n"
    )
}

fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )
}

/// Returns the findings about a policy with this specification, for workloads that it holds for.
fn found(spec: &str) -> Vec<String> {
    let cart = deployment("shop", "cart", "app: cart");
    let gateway = deployment("shop", "edge", "gateway.networking.k8s.io/gateway-name: edge");
    look(&[&policy("shop", "p", spec), &cart, &gateway]).1
}

#[track_caller]
fn check(cases: &[(&str, &[&str])], document: impl Fn(&str) -> String) {
    for (text, expected) in cases {
        assert_eq!(found(&document(text)), *expected, "{text}");
    }
}

#[test]
fn a_specification() {
    let gateway = "targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]";
    let both = format!("selector: {{matchLabels: {{app: cart}}}}, {gateway}");
    let cases: [(&str, &[&str]); 33] = [
        ("", &[]),
        ("rules: [{to: [{operation: {ports: [80]}}]}]", &[]),
        ("selector: {matchLabels: {app: cart}}", &[]),
        ("selector: {}", &[]),
        ("selectors: {matchLabels: {app: cart}}", &["CM0201 error selectors"]),
        ("selector: {matchLabel: {app: cart}}", &["CM0201 error matchLabel"]),
        ("selector: {matchExpressions: []}", &["CM0201 error matchExpressions"]),
        ("selector: {matchLabels: {app: '*'}}", &["CM0802 error app"]),
        ("selector: {matchLabels: {app: }}", &["CM0203 error "]),
        ("selector: [app]", &["CM0203 error [app]"]),
        (gateway, &[]),
        ("targetRef: {group: gateway.networking.k8s.io, kind: Gateway, name: edge}", &[]),
        ("targetRefs: [{kind: Service, name: s}]", &[]),
        ("targetRefs: [{group: core, kind: Service, name: s}]", &[]),
        ("targetRefs: [{kind: Gateway, name: edge}]", &["CM0802 error Gateway"]),
        ("targetRefs: [{kind: Service}]", &["CM0202 error {"]),
        ("targetRefs: [{kind: Service, name: s, namespace: a}]", &["CM0802 error namespace"]),
        ("targetRefs: []", &["CM0802 error []"]),
        (&both, &["CM0802 error {"]),
        ("action: ALLOW, rules: [{to: [{operation: {ports: [80]}}]}]", &[]),
        ("action: allow", &["CM0802 error allow"]),
        ("action: [DENY]", &["CM0203 error [DENY]"]),
        ("action: CUSTOM, provider: {name: opa}, rules: [{}]", &[]),
        ("action: CUSTOM, rules: [{}]", &["CM0802 error {"]),
        ("action: DENY, provider: {name: opa}, rules: [{}]", &["CM0802 error {"]),
        ("rules: []", &["CM0806 warning []"]),
        ("rules: [{}]", &["CM0806 warning {"]),
        ("rules: [{}, {to: [{operation: {ports: [80]}}]}]", &["CM0806 warning {"]),
        ("action: DENY", &["CM0806 warning p"]),
        ("action: DENY, rules: []", &["CM0806 warning []"]),
        ("action: DENY, rules: [{}]", &["CM0806 warning {"]),
        ("rules: [~]", &["CM0203 error ~"]),
        ("rules: {}", &["CM0203 error {"]),
    ];
    check(&cases, str::to_owned);
}

#[test]
fn the_rules() {
    let source = |text: &str| format!("rules: [{{from: [{{source: {{{text}}}}}]}}]");
    check(
        &[
            ("principals: [a, 'b*', '*c', '*']", &[]),
            ("principals: a", &["CM0203 error a"]),
            ("principals: []", &["CM0802 error []"]),
            ("principals: ['']", &["CM0802 error ''"]),
            ("principals: [~]", &["CM0203 error ~"]),
            ("principles: [a]", &["CM0201 error principles"]),
            ("not_principals: [a]", &["CM0201 error not_principals"]),
            ("", &["CM0802 error {"]),
            ("ipBlocks: [10.0.0.0/8, '::1'], notIpBlocks: [10.1.2.3]", &[]),
            ("ipBlocks: [10.0.0.0/33]", &["CM0802 error 10.0.0.0/33"]),
            ("notRemoteIpBlocks: ['10.*']", &["CM0802 error '10.*'"]),
            ("serviceAccounts: [shop/cart, cart]", &[]),
            ("serviceAccounts: ['shop/*']", &["CM0802 error 'shop/*'"]),
            ("notServiceAccounts: [a/b/c, /b, a/]", &["CM0802 error a/b/c", "CM0802 error /b", "CM0802 error a/"]),
            ("serviceAccounts: [cart], namespaces: [shop]", &["CM0802 error cart"]),
            ("serviceAccounts: [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]", &["CM0802 error q"]),
        ],
        source,
    );
    check(
        &[
            ("hosts: [a.example, '*.b.example'], notHosts: [c]", &[]),
            ("ports: [80, '443'], notPorts: [0]", &[]),
            ("ports: [http]", &["CM0802 error http"]),
            (
                "ports: [65536, -1, +1, 8*]",
                &["CM0802 error 65536", "CM0802 error -1", "CM0802 error +1", "CM0802 error 8*"],
            ),
            ("methods: [GET], paths: [/a, '/b/*', '/{*}/c/{**}']", &[]),
            ("paths: ['/{id}']", &["CM0802 error '/{id}'"]),
            ("notPaths: ['/{**}/{*}']", &["CM0802 error '/{**}/{*}'"]),
            ("method: [GET]", &["CM0201 error method"]),
            ("", &["CM0802 error {"]),
        ],
        |text| format!("rules: [{{to: [{{operation: {{{text}}}}}]}}]"),
    );
    check(
        &[
            ("key: 'request.headers[x-a]', values: [a]", &[]),
            ("key: 'request.auth.claims[a][b]', notValues: [a]", &[]),
            ("key: source.ip, values: [10.0.0.0/8]", &[]),
            ("key: source.ip, values: [a]", &["CM0802 error a"]),
            ("key: destination.port, notValues: [x]", &["CM0802 error x"]),
            ("key: source.serviceAccount, values: ['*']", &["CM0802 error '*'"]),
            ("key: source.principle, values: [a]", &["CM0802 error source.principle"]),
            ("key: 'destination.labels[v]', values: [a]", &["CM0802 error 'destination.labels[v]'"]),
            ("key: request.headers, notValues: [a]", &["CM0802 error request.headers"]),
            ("key: source.principal, values: []", &["CM0802 error []"]),
            ("key: source.principal, value: [a]", &["CM0802 error {", "CM0201 error value"]),
            ("values: [a]", &["CM0202 error {"]),
        ],
        |text| format!("rules: [{{when: [{{{text}}}]}}]"),
    );
    check(
        &[
            ("from: [], to: [{operation: {ports: [1]}}]", &["CM0802 error []"]),
            ("to: []", &["CM0802 error []"]),
            ("when: []", &["CM0802 error []"]),
            ("from: ", &["CM0203 error "]),
            ("from: [{}]", &["CM0202 error {"]),
            ("from: [{source: {principals: [a]}, principals: [b]}]", &["CM0201 error principals"]),
            ("to: [{operations: {ports: [1]}}]", &["CM0202 error {", "CM0201 error operations"]),
            ("form: [{source: {principals: [a]}}]", &["CM0201 error form"]),
        ],
        |text| format!("rules: [{{{text}}}]"),
    );
}

/// Returns the workloads as `namespace/name {labels} account services`.
fn workloads(resources: &Resources) -> Vec<String> {
    let shown = |one: &Workload| {
        let labels: Vec<String> = one.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let (namespace, name, account) = (&one.namespace, &one.name.value, &one.service_account);
        format!("{namespace}/{name} {{{}}} {account} [{}]", labels.join(","), one.services.join(","))
    };
    resources.workloads.iter().map(shown).collect()
}

#[test]
fn workloads_are_what_has_pods() {
    let pods = "metadata: {labels: {app: a}}, spec: {serviceAccountName: robot}";
    let owned = |kind: &str, owner: &str, labels: &str| {
        format!(
            "{{name: x, labels: {{app: a{labels}}}, ownerReferences: [{{kind: {kind}, name: {owner}, controller: true}}]}}"
        )
    };
    let pod = |metadata: &str| format!("{{apiVersion: v1, kind: Pod, metadata: {metadata}, spec: {{}}}}");
    let hash = ", pod-template-hash: 5d8";
    let cases: [(String, &[&str]); 15] = [
        (
            format!(
                "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: x}}, spec: {{template: {{{pods}}}}}}}"
            ),
            &["default/x {app=a} robot []"],
        ),
        (
            format!("{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: x}}, spec: {{template: {{{pods}}}}}}}"),
            &["default/x {app=a} robot []"],
        ),
        (
            format!("{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: x}}, spec: {{template: {{{pods}}}}}}}"),
            &["default/x {app=a} robot []"],
        ),
        (
            format!("{{apiVersion: batch/v1, kind: Job, metadata: {{name: x}}, spec: {{template: {{{pods}}}}}}}"),
            &["default/x {app=a} robot []"],
        ),
        (
            format!(
                "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: x}}, spec: {{jobTemplate: {{spec: {{template: {{{pods}}}}}}}}}}}"
            ),
            &["default/x {app=a} robot []"],
        ),
        (
            format!(
                "{{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {{name: x}}, spec: {{template: {{{pods}}}}}}}"
            ),
            &["default/x {app=a} robot []"],
        ),
        (pod("{name: x, labels: {app: a}}"), &["default/x {app=a} default []"]),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {serviceAccount: old}}".to_owned(),
            &["default/x {} old []"],
        ),
        (pod(&owned("ReplicaSet", "shop-5d8", hash)), &["default/shop {app=a} default []"]),
        (pod(&owned("ReplicaSet", "shop", hash)), &["default/shop {app=a} default []"]),
        (
            pod(&owned("StatefulSet", "db", ", statefulset.kubernetes.io/pod-name: db-0")),
            &["default/db {app=a} default []"],
        ),
        (
            pod(&owned("Job", "nightly-28312345", ", job-name: nightly-28312345")),
            &["default/nightly {app=a} default []"],
        ),
        (
            format!(
                "{}\n---\n{}",
                pod(&owned("ReplicaSet", "shop-5d8", hash)),
                pod(&owned("ReplicaSet", "shop-5d8", hash)).replace("name: x", "name: y")
            ),
            &["default/shop {app=a} default []"],
        ),
        (
            format!(
                "{}\n---\n{}",
                pod(&owned("ReplicaSet", "shop-5d8", hash)),
                pod(&owned("ReplicaSet", "shop-7f1", ", pod-template-hash: 7f1, v: b")).replace("name: x", "name: y")
            ),
            &["default/shop {app=a} default []", "default/y {app=a,v=b} default []"],
        ),
        (
            format!(
                "{}\n---\n{}",
                pod(&owned("ReplicaSet", "shop-5d8", hash)),
                deployment("default", "shop", "app: b")
            ),
            &["default/shop {app=b} shop []"],
        ),
    ];
    for (text, expected) in &cases {
        let (resources, found) = look(&[&policy("default", "p", ""), text]);
        assert_eq!(
            (workloads(&resources), found),
            (expected.iter().map(|line| (*line).to_owned()).collect(), vec![]),
            "{text}"
        );
    }
}

#[test]
fn services_select_pods_of_their_namespace() {
    let service = |namespace: &str, name: &str, selector: &str| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{selector}}}\n"
        )
    };
    let text = [
        service("shop", "web", "selector: {app: cart}"),
        service("shop", "all", "selector: {tier: web, app: cart}"),
        service("shop", "other", "selector: {app: cart, v: b}"),
        service("shop", "none", "selector: {}"),
        service("shop", "external", "externalName: a.example"),
        service("pay", "web", "selector: {app: cart}"),
        "---\n".to_owned(),
        deployment("shop", "cart", "app: cart, tier: web"),
    ];
    let (resources, found) = look(&[&policy("shop", "p", ""), &text.concat()]);
    assert_eq!(workloads(&resources), ["shop/cart {app=cart,tier=web} cart [all,web]"]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn lists_and_other_documents() {
    let inside = |text: &str| format!("  {}\n", text.trim_end().replace('\n', "\n  ").replacen("  ", "", 0));
    let item = |text: &str| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    let (cart, denied) = (deployment("shop", "cart", "app: cart"), policy("shop", "p", ""));
    let listed = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(&cart), item(&denied));
    let nested = format!(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n{}{}",
        inside(&item(&cart)),
        inside(&item(&denied))
    );
    let bare = |text: &str| item(&text.lines().skip(2).collect::<Vec<_>>().join("\n"));
    let typed = format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicyList\nitems:\n{}---\napiVersion: apps/v1\nkind: DeploymentList\nitems:\n{}",
        bare(&denied),
        bare(&cart)
    );
    let others = format!(
        "# nothing\n---\n---\nkind: Widget\n---\n[1]\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n---\n{cart}---\n{denied}"
    );
    for text in [listed, nested, typed, others] {
        let (resources, found) = look(&[&text]);
        assert_eq!((resources.policies.len(), resources.workloads.len(), found), (1, 1, vec![]), "{text}");
    }
}

#[test]
fn what_could_be_a_policy_is_not_skipped() {
    let cases: [(&str, &[&str]); 9] = [
        ("kind: AuthorizationPolicy\nmetadata: {name: p}", &["CM0202 error kind"]),
        ("apiVersion: security.istio.io/v1\nmetadata: {name: p}", &["CM0202 error apiVersion"]),
        (
            "apiVersion: security.istio.io/v1\nkind: AuthorisationPolicy\nmetadata: {name: p}",
            &["CM0205 error apiVersion"],
        ),
        (
            "apiVersion: security.istio.io/v9\nkind: AuthorizationPolicy\nmetadata: {name: p}",
            &["CM0205 error apiVersion"],
        ),
        ("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy", &["CM0202 error apiVersion"]),
        ("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: P}", &["CM0204 error P"]),
        (
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}\nrules: []",
            &["CM0201 error rules"],
        ),
        ("apiVersion: linkerd.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p}", &["CM0801 error "]),
        ("", &["CM0801 error "]),
    ];
    for (text, expected) in cases {
        let (resources, found) = look(&[text]);
        assert!(resources.policies.is_empty(), "{text}");
        let found: Vec<&str> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_dry_run_is_read_as_go_reads_a_bool() {
    let cases =
        [("'true'", Some(true)), ("'1'", Some(true)), ("True", Some(true)), ("'false'", Some(false)), ("'yes'", None)];
    for (value, expected) in cases {
        let text =
            policy("shop", "p", "").replace("name: p", &format!("name: p, annotations: {{istio.io/dry-run: {value}}}"));
        let (resources, found) = look(&[&text, &deployment("shop", "cart", "app: cart")]);
        assert_eq!(resources.policies.first().map(|policy| policy.dry_run), expected, "{found:?}");
    }
}

#[test]
fn the_settings_of_the_mesh() {
    let operator = |spec: &str| format!("apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {spec}");
    let map = |name: &str, text: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{mesh: \"{text}\"}}")
    };
    let default = "cluster.local [] istio-system";
    let cases: [(&[&str], &str, &[&str]); 13] = [
        (&[], default, &[]),
        (&["trustDomain: a.example\nrootNamespace: root\ntrustDomainAliases: [b, c]"], "a.example [b,c] root", &[]),
        (&["accessLogFile: /dev/stdout"], default, &[]),
        (&["meshConfig: {trustDomain: a}"], "a [] istio-system", &[]),
        (&[&operator("{meshConfig: {trustDomain: a}}")], "a [] istio-system", &[]),
        (&[&operator("{profile: minimal}")], default, &[]),
        (
            &["apiVersion: sailoperator.io/v1\nkind: Istio\nspec: {values: {meshConfig: {rootNamespace: r}}}"],
            "cluster.local [] r",
            &[],
        ),
        (&[&map("istio", "trustDomain: a\\nrootNamespace: r\\n")], "a [] r", &[]),
        (&[&map("other", "trustDomain: a")], default, &[]),
        (&[&map("istio", "trustDomain: [a]")], default, &["CM0203 error \"trustDomain: [a]\""]),
        (&[&map("istio", "{")], default, &["CM0103 error \"{\""]),
        (&["trustDomain: a", "trustDomain: a\nenableTracing: true"], "a [] istio-system", &[]),
        (&["trustDomain: a", "trustDomain: b"], "a [] istio-system", &["CM0807 error trustDomain"]),
    ];
    for (files, expected, findings) in cases {
        let (policy, cart) = (policy("shop", "p", ""), deployment("shop", "cart", "app: cart"));
        let (resources, found) = look(&[&[policy.as_str(), &cart], files].concat());
        let mesh = resources.mesh;
        let shown = format!("{} [{}] {}", mesh.trust_domain, mesh.trust_domain_aliases.join(","), mesh.root_namespace);
        assert_eq!(
            (shown.as_str(), found),
            (expected, findings.iter().map(|line| (*line).to_owned()).collect()),
            "{files:?}"
        );
        let sources = sources(files);
        assert!(
            sources.iter().all(|(id, file)| import::has_mesh_config(id, file)
                != (files == [&map("other", "trustDomain: a")] || files == [&operator("{profile: minimal}")])),
            "{files:?}"
        );
    }
}

#[test]
fn issuers_of_tokens() {
    let authentication = |spec: &str| {
        format!(
            "apiVersion: security.istio.io/v1beta1\nkind: RequestAuthentication\nmetadata: {{name: jwt, namespace: shop}}\nspec: {{jwtRules: [{{issuer: a}}, {{jwksUri: 'https://b'}}]{spec}}}"
        )
    };
    let cases = [
        ("", "[None]"),
        (", selector: {matchLabels: {app: cart}}", r#"[Some({"app": "cart"})]"#),
        (
            ", targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]",
            r#"[Some({"gateway.networking.k8s.io/gateway-name": "edge"})]"#,
        ),
        (", targetRefs: [{kind: Service, name: s}]", "[]"),
    ];
    for (spec, expected) in cases {
        let (resources, found) =
            look(&[&authentication(spec), &policy("shop", "p", ""), &deployment("shop", "cart", "app: cart")]);
        let selectors: Vec<_> = resources.authentications.iter().map(|one| &one.selector).collect();
        assert_eq!((format!("{selectors:?}").as_str(), found), (expected, vec![]), "{spec}");
        assert!(resources.authentications.iter().all(|one| one.issuers.len() == 1 && one.issuers[0].value == "a"));
    }
}

#[test]
fn a_resource_that_is_given_twice() {
    let cart = deployment("shop", "cart", "app: cart");
    let rule = "rules: [{to: [{operation: {methods: ['GET']}}]}]";
    let one = policy("shop", "p", rule);
    let dry = policy("shop", "p", rule).replace("name: p", "name: p, annotations: {istio.io/dry-run: 'true'}");
    let cases: [(String, &[&str], usize); 7] = [
        (dry, &["CM0803 error p"], 1),
        (policy("shop", "p", "rules: [{to: [{operation: {methods: [GET]}}]}]"), &["CM0803 warning p"], 1),
        (policy("shop", "p", &rule.replace("GET", "PUT")), &["CM0803 error p"], 1),
        (policy("shop", "p", "action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]"), &["CM0803 error p"], 1),
        (policy("shop", "q", rule), &[], 2),
        (policy("shop", "p", rule).replace("name: p", "name: p, uid: 7") + "status: {}", &["CM0803 warning p"], 1),
        (deployment("shop", "cart", "app: other"), &["CM0803 error cart"], 1),
    ];
    for (text, expected, policies) in cases {
        let (resources, found) = look(&[&one, &cart, &cart, &text]);
        assert_eq!(
            (found, resources.policies.len()),
            (expected.iter().map(|line| (*line).to_owned()).collect(), policies),
            "{text}"
        );
    }
}

/// Returns the groups as `workloads: policies`.
fn grouped(resources: &Resources) -> Vec<String> {
    let shown = |group: select::Group| {
        let workloads = group.workloads.iter().map(|index| {
            let workload = &resources.workloads[*index];
            format!("{}/{}", workload.namespace, workload.name.value)
        });
        let policies = group.policies.iter().map(|index| resources.policies[*index].name.value.clone());
        format!("{}: {}", workloads.collect::<Vec<_>>().join(" "), policies.collect::<Vec<_>>().join(" "))
    };
    select::groups(resources).into_iter().map(shown).collect()
}

#[test]
fn policies_hold_by_namespace_labels_and_targets() {
    let gateway = "gateway.networking.k8s.io/gateway-name";
    let workloads = [
        deployment("shop", "cart", "app: cart, version: v1"),
        deployment("shop", "cart-v2", "app: cart, version: v2"),
        deployment("shop", "web", "app: web"),
        deployment("pay", "ledger", "app: ledger"),
        deployment("pay", "cart", "app: cart, version: v1"),
        deployment("other", "idle", ""),
        deployment("edge", "public-istio", &format!("{gateway}: public")),
        deployment("shop", "public-istio", &format!("{gateway}: public")),
        deployment(
            "edge",
            "waypoint",
            &format!("{gateway}: waypoint, gateway.istio.io/managed: istio.io-mesh-controller"),
        ),
    ]
    .join("---\n");
    let target = |kind: &str, name: &str| {
        format!("targetRefs: [{{group: gateway.networking.k8s.io, kind: {kind}, name: {name}}}]")
    };
    let cases: [(&str, String, &[&str], &[&str]); 11] = [
        ("shop", String::new(), &["shop/cart shop/cart-v2 shop/web shop/public-istio: p"], &[]),
        ("shop", "selector: {matchLabels: {app: cart}}".to_owned(), &["shop/cart shop/cart-v2: p"], &[]),
        ("shop", "selector: {matchLabels: {app: cart, version: v2}}".to_owned(), &["shop/cart-v2: p"], &[]),
        ("shop", "selector: {matchLabels: {app: card}}".to_owned(), &[], &["CM0804 warning p"]),
        ("none", String::new(), &[], &["CM0804 warning p"]),
        (
            "istio-system",
            "selector: {matchLabels: {app: cart}}".to_owned(),
            &["shop/cart shop/cart-v2 pay/cart: p"],
            &[],
        ),
        (
            "istio-system",
            String::new(),
            &["shop/cart shop/cart-v2 shop/web pay/ledger pay/cart other/idle edge/public-istio shop/public-istio: p"],
            &[],
        ),
        ("edge", target("Gateway", "public"), &["edge/public-istio: p"], &[]),
        ("istio-system", target("Gateway", "public"), &[], &["CM0804 warning p"]),
        ("edge", target("Gateway", "waypoint"), &[], &["CM0804 warning p"]),
        ("istio-system", target("GatewayClass", "istio-waypoint"), &[], &[]),
    ];
    for (namespace, spec, expected, findings) in cases {
        let (resources, found) = look(&[&policy(namespace, "p", &spec), &workloads]);
        let findings: Vec<String> = findings.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(
            (grouped(&resources), found),
            (expected.iter().map(|line| (*line).to_owned()).collect(), findings),
            "{spec}"
        );
        assert_eq!(select::waypoint_target(&resources.policies[0]).is_some(), spec.contains("GatewayClass"));
    }
}

#[test]
fn workloads_with_the_same_policies_are_one_group() {
    let all = [
        policy("shop", "all", ""),
        policy("shop", "cart", "selector: {matchLabels: {app: cart}}"),
        policy("istio-system", "mesh", ""),
        deployment("shop", "a", "app: web"),
        deployment("pay", "b", "app: cart"),
        deployment("shop", "c", "app: cart"),
        deployment("shop", "d", "app: web"),
    ];
    let (resources, _) = look(&[&all.join("---\n")]);
    assert_eq!(grouped(&resources), ["shop/a shop/d: all mesh", "pay/b: mesh", "shop/c: all cart mesh"]);
}

#[test]
fn users_see_the_whole_text() {
    let folder = repository().join("policy-compiler/tests/import");
    let text = std::fs::read_to_string(folder.join("mistakes.yaml")).unwrap();
    let mut sources = Sources::new("");
    sources.add("mistakes.yaml", text);
    let (_, found) = import::read(&sources);
    golden::check(&folder.join("mistakes.txt"), &found.to_text(&sources));
}

#[test]
fn there_may_be_so_many_resources() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {a: b}}},";
    for (count, expected) in [(20_000, vec![]), (20_001, vec!["CM0204 error "])] {
        let list = format!("apiVersion: v1\nkind: List\nitems: [{}]", service.repeat(count));
        let (_, found) = look(&[&list, &policy("shop", "p", ""), &deployment("shop", "cart", "app: cart")]);
        assert_eq!(found, expected);
    }
}

#[test]
fn a_template_is_recognised() {
    let sources = sources(&["a: {{ .Values.x }}\nb: [\n", "a: ["]);
    let (_, found) = import::read(&sources);
    let notes: Vec<usize> = found.iter().map(|problem| problem.notes.len()).collect();
    assert_eq!(
        (found.iter().next().unwrap().span.unwrap().file, notes.last()),
        (sources.iter().next().unwrap().0, Some(&0))
    );
    assert!(found.to_text(&sources).contains("`helm template` makes manifests of a chart"));
}

#[test]
fn hostile_files_end_with_a_finding() {
    let deep = "[".repeat(10_000);
    let many = format!(
        "apiVersion: v1\nkind: List\nitems: [{}]",
        "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, spec: ~},".repeat(5_000)
    );
    let lists = format!("{}{}", "{apiVersion: v1, kind: List, items: [".repeat(20), "]}".repeat(20));
    for text in [deep.as_str(), &many, &lists, "\u{0}", "{{ .Values.policies }}", "- &a [*a]"] {
        let (resources, found) = look(&[text]);
        assert!(resources.policies.is_empty() && !found.is_empty(), "{found:?}");
    }
}

/// Returns the places of all keys below a node, other than those of labels, and of all its lists.
fn keys_and_lists(node: &Node, keys: &mut Vec<Span>, lists: &mut Vec<Span>) {
    match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                keys.push(key.span);
                if key.value != "matchLabels" {
                    keys_and_lists(value, keys, lists);
                }
            }
        }
        Value::Sequence(nodes) => {
            lists.push(node.span);
            nodes.iter().for_each(|node| keys_and_lists(node, keys, lists));
        }
        _ => {}
    }
}

#[test]
fn no_typo_makes_a_policy_looser() {
    let path = repository().join("policy-compiler/tests/import/full.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let cart = deployment("shop", "cart", "app: cart");
    let (resources, found) = look(&[&text, &cart]);
    assert_eq!((resources.policies.len(), found), (1, vec![]));
    let mut all = Sources::new("");
    let id = all.add("full.yaml", text.as_str());
    let documents = yaml::parse(id, all.file(id).unwrap(), &mut Diagnostics::new());
    let (mut keys, mut lists) = (Vec::new(), Vec::new());
    let Value::Mapping(top) = &documents[0].value else { panic!() };
    let (_, spec) = top.iter().find(|(key, _)| key.value == "spec").unwrap();
    keys_and_lists(spec, &mut keys, &mut lists);
    let changed = |span: Span, by: &str| {
        let range = span.range();
        [&text[..range.start], by, &text[range.end..]].concat()
    };
    let mut cases = 0;
    for span in keys {
        let key = &text[span.range()];
        let typo: String = format!("{}x{}", &key[..1], &key[1..]);
        let (resources, found) = look(&[&changed(span, &typo), &cart]);
        assert!(resources.policies.is_empty() && found.iter().any(|line| line.contains("error")), "{typo}: {found:?}");
        cases += 1;
    }
    // A list in flow form has its whole text as its place.
    for span in lists.into_iter().filter(|span| text[span.range()].starts_with('[')) {
        let (resources, found) = look(&[&changed(span, "[]"), &cart]);
        let list = &text[span.range()];
        assert!(resources.policies.is_empty() && found.iter().any(|line| line.contains("error")), "{list}: {found:?}");
        cases += 1;
    }
    assert!(cases >= 60, "{cases}");
}
