//! The configuration of the plugin: one JSON object, provided by Envoy and Istio.
//!
//! ```json
//! {"artifact": "<base64>", "service": "checkout-service", "role": "outbound", "routing": "upstream"}
//! ```
//!
//! `service` and `role` are optional: without them, the filter takes the service from its environment or from Envoy's
//! node, and the role from the direction of the listener, so that one configuration can be used for a whole mesh.
//! `routing` specifies what is known about the proxy's routes for outbound calls; see [`Routing`].

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::context::json;
use crate::limits::MAX_ARTIFACT_BYTES;
use crate::pipeline::{Role, Routing};

/// Variable of the plugin's environment (`vm_config`) with the name of the service, if the configuration does not
/// contain it.
pub const SERVICE_VARIABLE: &str = "CONTEXT_MESH_SERVICE";

/// Variable of the plugin's environment with the secret of pseudonyms, the same in all proxies of a mesh. It must not be in a configuration.
pub const PSEUDONYM_VARIABLE: &str = "CONTEXT_MESH_PSEUDONYM_KEY";

/// The configuration of the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginConfig {
    /// The artifact's bytes.
    pub artifact: Vec<u8>,
    /// The service of the proxy; `None`: the proxy determines it.
    pub service: Option<String>,
    /// The role; `None`: the listener's direction determines it.
    pub role: Option<Role>,
    /// What is known about the proxy's routes.
    pub routing: Routing,
}

/// The reason why a configuration is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginConfigError {
    /// It is not one JSON object.
    NotAnObject,
    /// It has an unknown key.
    UnknownKey(String),
    /// A key is duplicate.
    RepeatedKey(String),
    /// A value is not a string, or is empty.
    NotAString(&'static str),
    /// There is no artifact.
    NoArtifact,
    /// The artifact is not base64, or larger than an artifact can be.
    Artifact,
    /// The role is unknown.
    Role(String),
    /// The value of `routing` is unknown.
    Routing(String),
}

impl fmt::Display for PluginConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => {
                write!(f, "the plugin configuration is not a JSON object; `policyc emit` writes one that fits")
            }
            Self::UnknownKey(key) => {
                write!(
                    f,
                    "the plugin configuration has the unknown key `{key}`; known are `artifact`, `service`, `role`, `routing`"
                )
            }
            Self::RepeatedKey(key) => write!(f, "the plugin configuration has the key `{key}` twice"),
            Self::NotAString(key) => write!(f, "`{key}` of the plugin configuration must be a string with content"),
            Self::NoArtifact => write!(f, "the plugin configuration has no `artifact`; `policyc build` makes one"),
            Self::Artifact => {
                write!(f, "`artifact` of the plugin configuration is not base64 of at most {MAX_ARTIFACT_BYTES} bytes")
            }
            Self::Role(role) => write!(
                f,
                "`role` of the plugin configuration is `{role}`; known are `inbound`, `outbound`, `gateway`, `egress`, `upstream`"
            ),
            Self::Routing(routing) => write!(
                f,
                "`routing` of the plugin configuration is `{routing}`; known are `fixed` (no route matches a header that the filter changes) and \
                 `upstream` (the filter stands behind the router too)"
            ),
        }
    }
}

impl core::error::Error for PluginConfigError {}

impl PluginConfig {
    /// Parses a configuration.
    ///
    /// # Errors
    /// [`PluginConfigError`] for everything except the object described above.
    pub fn parse(bytes: &[u8]) -> Result<Self, PluginConfigError> {
        let text = core::str::from_utf8(bytes).map_err(|_| PluginConfigError::NotAnObject)?.trim_ascii();
        json::check(text).map_err(|_| PluginConfigError::NotAnObject)?;
        if json::kind(text) != json::JsonKind::Object {
            return Err(PluginConfigError::NotAnObject);
        }
        let (mut artifact, mut service, mut role, mut routing) = (None, None, None, None);
        for (key, value) in json::members(text) {
            let key = json::string_content(key).unwrap_or_default();
            let (place, name) = match key.as_ref() {
                "artifact" => (&mut artifact, "artifact"),
                "service" => (&mut service, "service"),
                "role" => (&mut role, "role"),
                "routing" => (&mut routing, "routing"),
                _ => return Err(PluginConfigError::UnknownKey(key.into_owned())),
            };
            let value = if json::kind(value) == json::JsonKind::String { json::string_content(value) } else { None };
            let value = value.filter(|value| !value.is_empty()).ok_or(PluginConfigError::NotAString(name))?;
            if place.replace(value).is_some() {
                return Err(PluginConfigError::RepeatedKey(key.into_owned()));
            }
        }
        let role = match role {
            Some(role) => Some(Role::parse(&role).ok_or_else(|| PluginConfigError::Role(role.into_owned()))?),
            None => None,
        };
        let routing = match routing {
            Some(routing) => {
                Routing::parse(&routing).ok_or_else(|| PluginConfigError::Routing(routing.into_owned()))?
            }
            None => Routing::Unknown,
        };
        let artifact = decode(&artifact.ok_or(PluginConfigError::NoArtifact)?)?;
        Ok(Self { artifact, service: service.map(|service| service.into_owned()), role, routing })
    }

    /// Writes the configuration in the format that [`PluginConfig::parse`] reads.
    pub fn to_json(&self) -> String {
        let mut out = format!("{{\"artifact\":\"{}\"", STANDARD.encode(&self.artifact));
        if let Some(service) = &self.service {
            out.push_str(",\"service\":");
            json::write_string(&mut out, service);
        }
        if let Some(role) = self.role {
            out.push_str(",\"role\":");
            json::write_string(&mut out, role.as_str());
        }
        if let Some(routing) = self.routing.as_str() {
            out.push_str(",\"routing\":");
            json::write_string(&mut out, routing);
        }
        out.push('}');
        out
    }
}

fn decode(artifact: &str) -> Result<Vec<u8>, PluginConfigError> {
    if artifact.len() > MAX_ARTIFACT_BYTES {
        return Err(PluginConfigError::Artifact);
    }
    STANDARD.decode(artifact).map_err(|_| PluginConfigError::Artifact)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_configuration_reads_back_as_it_was_written() {
        let config = PluginConfig {
            artifact: vec![1, 2, 255],
            service: Some("a \"b\"".into()),
            role: Some(Role::Outbound),
            routing: Routing::Upstream,
        };
        assert_eq!(PluginConfig::parse(config.to_json().as_bytes()), Ok(config));
        let least = PluginConfig { artifact: vec![7], service: None, role: None, routing: Routing::Unknown };
        assert_eq!(PluginConfig::parse(least.to_json().as_bytes()), Ok(least));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let cases: [(&[u8], PluginConfigError); 11] = [
            (b"", PluginConfigError::NotAnObject),
            (b"\xff", PluginConfigError::NotAnObject),
            (b"[]", PluginConfigError::NotAnObject),
            (b"{}", PluginConfigError::NoArtifact),
            (b"{\"artifact\":7}", PluginConfigError::NotAString("artifact")),
            (b"{\"artifact\":\"\"}", PluginConfigError::NotAString("artifact")),
            (b"{\"artifact\":\"!\"}", PluginConfigError::Artifact),
            (b"{\"artifact\":\"AQ==\",\"artifact\":\"AQ==\"}", PluginConfigError::RepeatedKey("artifact".into())),
            (b"{\"artifact\":\"AQ==\",\"roles\":\"x\"}", PluginConfigError::UnknownKey("roles".into())),
            (b"{\"artifact\":\"AQ==\",\"role\":\"x\"}", PluginConfigError::Role("x".into())),
            (b"{\"artifact\":\"AQ==\",\"routing\":\"x\"}", PluginConfigError::Routing("x".into())),
        ];
        for (bytes, error) in cases {
            assert_eq!(PluginConfig::parse(bytes), Err(error), "{}", String::from_utf8_lossy(bytes));
        }
    }
}
