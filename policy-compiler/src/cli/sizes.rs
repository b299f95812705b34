//! The size of an artifact, against the limits on its way to the proxies.

use context_mesh_core::index::{ProgramIndex, RuleIndex};
use policy_compiler::{
    Compiled, Slice,
    pack::{
        emit::{DEFAULT_WASM_PATH, EnvoyFilter, PluginConfig, Role, Routing, envoy_filter},
        slice::programs_of,
    },
};
use serde_json::{Value, json};

use super::output::{Failure, Paint};

/// Most services that are tried to find the largest slice.
const CANDIDATES: usize = 4;

/// What a limit applies to.
#[derive(Debug, Clone, Copy)]
enum Of {
    PluginConfiguration,
    EnvoyFilter,
}

impl Of {
    const fn as_str(self) -> &'static str {
        match self {
            Self::PluginConfiguration => "plugin configuration",
            Self::EnvoyFilter => "EnvoyFilter",
        }
    }
}

/// A limit on the way to the proxies.
struct Limit {
    bytes: usize,
    of: Of,
    /// The technology with this limit.
    what: &'static str,
    /// What to do about it.
    help: &'static str,
}

/// `kubectl apply` keeps the whole resource in an annotation, and Kubernetes allows 256 KiB for all annotations. An
/// object in etcd is one request, 1.5 MiB by default. A gRPC client accepts messages up to 4 MiB by default.
const LIMITS: [Limit; 3] = [
    Limit {
        bytes: 256 << 10,
        of: Of::EnvoyFilter,
        what: "`kubectl apply` keeps it in an annotation of up to 256 KB",
        help: "use `kubectl apply --server-side`, or slices",
    },
    Limit {
        bytes: 3 << 19,
        of: Of::EnvoyFilter,
        what: "an object of Kubernetes in etcd has up to 1.5 MB",
        help: "use slices (`--service`)",
    },
    Limit {
        bytes: 4 << 20,
        of: Of::PluginConfiguration,
        what: "a gRPC message to a proxy has up to 4 MiB",
        help: "use slices (`--service`)",
    },
];

/// The sizes of one artifact, in bytes.
#[derive(Debug)]
pub(super) struct Sizes {
    /// The service of a slice.
    service: Option<String>,
    artifact: usize,
    /// The JSON that the filter reads, with the artifact in base64.
    plugin_configuration: usize,
    /// The resource for a sidecar, as JSON. It contains the plugin configuration twice.
    envoy_filter: usize,
}

impl Sizes {
    fn new(artifact: &[u8], service: Option<&str>) -> Self {
        let config = PluginConfig {
            artifact: artifact.to_vec(),
            service: service.map(str::to_owned),
            role: Some(Role::Outbound),
            routing: Routing::Unknown,
        };
        let resource = envoy_filter(&EnvoyFilter {
            artifact,
            service,
            gateway: None,
            routing: Routing::Unknown,
            namespace: "default",
            labels: &[],
            wasm_path: DEFAULT_WASM_PATH,
        });
        Self {
            service: service.map(str::to_owned),
            artifact: artifact.len(),
            plugin_configuration: config.to_json().len(),
            envoy_filter: resource.to_string().len(),
        }
    }

    const fn of(&self, of: Of) -> usize {
        match of {
            Of::PluginConfiguration => self.plugin_configuration,
            Of::EnvoyFilter => self.envoy_filter,
        }
    }

    fn json(&self) -> Value {
        let limits = LIMITS.iter().map(|limit| {
            let of = match limit.of {
                Of::PluginConfiguration => "pluginConfiguration",
                Of::EnvoyFilter => "envoyFilter",
            };
            json!({"limit": limit.what, "bytes": limit.bytes, "of": of, "fits": self.of(limit.of) <= limit.bytes})
        });
        json!({
            "service": self.service,
            "artifact": self.artifact,
            "pluginConfiguration": self.plugin_configuration,
            "envoyFilter": self.envoy_filter,
            "limits": limits.collect::<Value>(),
        })
    }
}

/// The sizes of the whole artifact, and of the largest slice.
#[derive(Debug)]
pub(super) struct Report(Vec<Sizes>);

impl Report {
    pub(super) fn new(compiled: &Compiled) -> Result<Self, Failure> {
        let mut all = vec![Sizes::new(&compiled.artifact, None)];
        if let Some((service, slice)) = largest_slice(compiled)? {
            all.push(Sizes::new(&slice.artifact, Some(&service)));
        }
        Ok(Self(all))
    }

    pub(super) fn json(&self) -> Value {
        self.0.iter().map(Sizes::json).collect()
    }

    pub(super) fn text(&self, paint: Paint) -> String {
        let heads: Vec<String> = self.0.iter().map(head).collect();
        let widths: Vec<usize> = heads.iter().map(|head| head.len().max(9)).collect();
        let columns = |cells: Vec<String>| -> String {
            cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect()
        };
        let row = |name: &str, size: fn(&Sizes) -> usize| {
            let cells = self.0.iter().map(|sizes| size(sizes).to_string()).collect();
            format!("  {name:24}{}\n", columns(cells))
        };
        let mut out =
            format!("{}\n", paint.strong(format!("  {:24}{}", "size, in bytes", columns(heads)).trim_start()));
        out.push_str(&row("artifact", |sizes| sizes.artifact));
        out.push_str(&row("plugin configuration", |sizes| sizes.plugin_configuration));
        out.push_str(&row("EnvoyFilter of a sidecar", |sizes| sizes.envoy_filter));
        for limit in &LIMITS {
            out.push_str(&self.limit(limit, paint));
        }
        out
    }

    /// Formats a limit: what is within it, or what exceeds it and what to do about it.
    fn limit(&self, limit: &Limit, paint: Paint) -> String {
        let (subject, what) = (limit.of.as_str(), limit.what);
        let too_large: Vec<String> = self.0.iter().filter(|sizes| sizes.of(limit.of) > limit.bytes).map(head).collect();
        if too_large.is_empty() {
            return format!("  {}  {subject}: {what}\n", paint.good("fits     "));
        }
        let verdict = paint.bad("too large");
        format!("  {verdict}  {subject} of {}: {what}; {}\n", too_large.join(" and "), limit.help)
    }
}

fn head(sizes: &Sizes) -> String {
    sizes.service.as_ref().map_or_else(|| "the whole".to_owned(), |service| format!("slice of {service}"))
}

/// Returns the largest of the slices with the most code. Packing every slice of a large mesh would take long, and
/// compression only changes the order of similar sizes.
fn largest_slice(compiled: &Compiled) -> Result<Option<(String, Slice)>, Failure> {
    let tables = &compiled.tables;
    let length = |program: ProgramIndex| {
        let (_, length) = program.get(&tables.program.programs)?;
        usize::try_from(*length).ok()
    };
    let weight = |rule: &RuleIndex| {
        let rule = rule.get(&tables.rules)?;
        let code: usize = programs_of(rule).into_iter().filter_map(length).map(|words| words.saturating_mul(4)).sum();
        Some(code + rule.name.len() + rule.place.len())
    };
    let mut services: Vec<(usize, &str)> = tables
        .services
        .iter()
        .map(|service| {
            let rules = service.entry.inbound.iter().chain(&service.entry.outbound);
            (rules.filter_map(weight).sum(), service.name.as_str())
        })
        .collect();
    services.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let mut largest: Option<(String, Slice)> = None;
    for (_, service) in services.into_iter().take(CANDIDATES) {
        let slice = compiled.slice(service).map_err(Failure::artifact)?;
        if largest.as_ref().is_none_or(|(_, known)| known.artifact.len() < slice.artifact.len()) {
            largest = Some((service.to_owned(), slice));
        }
    }
    Ok(largest)
}
