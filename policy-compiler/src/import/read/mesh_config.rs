//! `MeshConfig`: a file of its own, the ConfigMap `istio`, or inside the resources of Istio's operators.

use crate::{
    import::istio::MeshConfig,
    read::{
        document::Decoder,
        foreign::{elements, entries, get, path, scalar, text},
        yaml::{self, Node, Value},
    },
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Sources, Span, Spanned},
    },
};

/// Keys by which a file without a kind is recognised as a MeshConfig.
const KEYS: [&str; 12] = [
    "trustDomain",
    "trustDomainAliases",
    "rootNamespace",
    "defaultConfig",
    "defaultProviders",
    "extensionProviders",
    "accessLogFile",
    "accessLogFormat",
    "accessLogEncoding",
    "enableTracing",
    "enablePrometheusMerge",
    "outboundTrafficPolicy",
];

/// The settings that were found.
#[derive(Default)]
pub(super) struct Meshes {
    found: Vec<(Span, MeshConfig)>,
}

/// Whether a document has the settings of a mesh.
pub(super) fn is_one(node: &Node) -> bool {
    place(node).is_some()
}

/// Where the settings are in a document.
enum Place<'n> {
    Here(&'n Node),
    /// As YAML in a text.
    Text(&'n Node),
}

fn place(node: &Node) -> Option<Place<'_>> {
    let has = |key: &str| entries(node).iter().any(|(name, _)| name.value == key);
    let here = |keys: &[&str]| path(node, keys).map(Place::Here);
    let word = |key| text(node, key).map(|text| text.value).unwrap_or_default();
    match (word("api_version").as_str(), word("kind").as_str()) {
        // Values of Istio's Helm charts have `meshConfig`.
        ("", "") if KEYS.iter().any(|key| has(key)) => Some(Place::Here(node)),
        ("", "") => here(&["mesh_config"]),
        ("v1", "ConfigMap") => {
            let name = text(get(node, "metadata")?, "name")?.value;
            // `istio-REVISION` belongs to a revision.
            let ours = name == "istio" || name.starts_with("istio-");
            path(node, &["data", "mesh"]).filter(|_| ours).map(Place::Text)
        }
        (_, "IstioOperator") => here(&["spec", "mesh_config"]),
        (version, "Istio") if version.starts_with("sailoperator.io/") => here(&["spec", "values", "mesh_config"]),
        _ => None,
    }
}

impl Meshes {
    /// Adds the settings of a document.
    pub(super) fn add(&mut self, node: &Node, decoder: &mut Decoder<'_>) {
        match place(node) {
            Some(Place::Here(settings)) => self.found.push((settings.span, read(settings, decoder))),
            Some(Place::Text(text)) => self.text(text, decoder),
            None => {}
        }
    }

    /// Adds settings that are YAML in a text. Problems are shown at the text.
    fn text(&mut self, node: &Node, decoder: &mut Decoder<'_>) {
        let Some(text) = scalar(node) else { return decoder.wrong_kind(node, "a text") };
        let (mut sources, mut problems) = (Sources::new(""), Diagnostics::new());
        let id = sources.add("", text.value);
        let Some(file) = sources.file(id) else { return };
        let documents = yaml::parse(id, file, &mut problems);
        let mut inner = Decoder::new(&sources, &mut problems);
        self.found.extend(documents.iter().map(|document| (node.span, read(document, &mut inner))));
        for problem in problems {
            decoder.report(Diagnostic { span: Some(node.span), labels: Vec::new(), ..problem });
        }
    }

    /// Returns the settings, or Istio's defaults. Reports settings that contradict each other.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) -> MeshConfig {
        let mut found = self.found.into_iter();
        let Some((first, mesh)) = found.next() else { return MeshConfig::default() };
        for (span, _) in found.filter(|(_, other)| *other != mesh) {
            let message = "two MeshConfigs differ in the trust domain, its aliases or the root namespace";
            let problem = Diagnostic::error(code::TWO_MESH_CONFIGS, span, message).label(first, "the first one");
            diagnostics.push(problem.help("give the files of one mesh and one revision"));
        }
        mesh
    }
}

fn read(node: &Node, decoder: &mut Decoder<'_>) -> MeshConfig {
    let mut mesh = MeshConfig::default();
    if !matches!(&node.value, Value::Mapping(_)) {
        decoder.wrong_kind(node, "a mapping");
    }
    let mut name = |key, default: String| match get(node, key) {
        None => default,
        Some(node) => match scalar(node) {
            Some(text) if !text.value.is_empty() => text.value,
            _ => {
                decoder.wrong_kind(node, "a name");
                default
            }
        },
    };
    mesh.trust_domain = name("trust_domain", mesh.trust_domain);
    mesh.root_namespace = name("root_namespace", mesh.root_namespace);
    let aliases = get(node, "trust_domain_aliases");
    if let Some(node) = aliases.filter(|node| !node.is_list()) {
        decoder.wrong_kind(node, "a list");
    }
    let aliases = aliases.map_or(&[] as &[Node], elements).iter();
    mesh.trust_domain_aliases = aliases.filter_map(scalar).map(|Spanned { value, .. }| value).collect();
    mesh
}
