//! The plugin configurations in a configuration dump of Envoy.

use context_mesh_core::{
    artifact::{self, Stamp},
    info::{self, Reason},
    plugin_config::PluginConfig,
};
use serde_json::Value;

use crate::pack::emit::FILTER_NAME;

/// Most configurations that are looked at. An Envoy has one or two for each listener.
const MAX_CONFIGURATIONS: usize = 10_000;

/// One plugin configuration, loaded as the filter would.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Configured {
    /// The service, if the configuration names it.
    pub(super) service: Option<String>,
    /// The role, or `listener`.
    pub(super) role: String,
    /// The artifact, as far as it says which one it is.
    pub(super) stamp: Option<Stamp>,
    /// Why a filter refuses it: the kind, and the text.
    pub(super) problem: Option<(Reason, String)>,
}

/// What a dump says.
#[derive(Debug, Default)]
pub(super) struct Dump {
    /// Identity of the node.
    pub(super) node: Option<String>,
    /// Name of the service in Envoy's node, for configurations that name none.
    pub(super) service: Option<String>,
    pub(super) configured: Vec<Configured>,
    /// Why Envoy refused listeners.
    pub(super) errors: Vec<String>,
}

/// Reads an answer to `/config_dump`.
///
/// # Errors
/// It is not JSON, or no such answer.
pub(super) fn parse(text: &str) -> Result<Dump, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    // Nothing is found where a dump was asked for one kind of resource.
    if !value.is_object() || !(value["configs"].is_array() || value.as_object().is_some_and(serde_json::Map::is_empty))
    {
        return Err("there is no `configs` in it: it must be the answer to `/config_dump` of Envoy's admin interface"
            .to_owned());
    }
    let mut dump = Dump::default();
    let node = value["configs"].as_array().into_iter().flatten().find_map(|config| config["bootstrap"].get("node"));
    if let Some(node) = node {
        (dump.node, dump.service) = identity(node);
    }
    walk(&value["configs"], &mut dump);
    Ok(dump)
}

/// Returns the name of a node, and the service that it stands for, as the filter finds it.
pub(super) fn identity(node: &Value) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    (text(&node["id"]), text(&node["metadata"]["WORKLOAD_NAME"]).or_else(|| text(&node["cluster"])))
}

fn walk(value: &Value, dump: &mut Dump) {
    match value {
        Value::Object(members) => {
            if let Some(details) = members.get("error_state").and_then(|state| state["details"].as_str()) {
                dump.errors.push(details.to_owned());
            }
            let is_wasm = members.get("@type").and_then(Value::as_str).is_some_and(|ty| ty.ends_with(".wasm.v3.Wasm"));
            if let Some(config) = members.get("config").filter(|_| is_wasm)
                && dump.configured.len() < MAX_CONFIGURATIONS
            {
                dump.configured.extend(configured(config, dump.service.as_deref()));
            }
            // A listener that is warming up serves nothing yet.
            members.iter().filter(|(key, _)| *key != "warming_state").for_each(|(_, value)| walk(value, dump));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, dump)),
        _ => {}
    }
}

/// Reads the configuration of a plugin. `None` if it is the plugin of somebody else.
fn configured(config: &Value, service_of_node: Option<&str>) -> Option<Configured> {
    let value = &config["configuration"]["value"];
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let object: Value = serde_json::from_str(&text).unwrap_or_default();
    if object.get("artifact").is_none() && config["name"] != FILTER_NAME {
        return None;
    }
    let named = |key: &str| object[key].as_str().map(str::to_owned);
    let (service, role) = (named("service"), named("role").unwrap_or_else(|| info::LISTENER.to_owned()));
    let config = match PluginConfig::parse(text.as_bytes()) {
        Ok(config) => config,
        Err(error) => {
            let problem = Some((Reason::Configuration, error.to_string()));
            return Some(Configured { service, role, stamp: None, problem });
        }
    };
    let stamp = artifact::stated(&config.artifact);
    let problem = match artifact::load(&config.artifact) {
        Err(error) => Some((Reason::from(&error), error.to_string())),
        Ok(program) => {
            let service = config.service.as_deref().or(service_of_node);
            let wrong = service.and_then(|service| info::wrong_slice(&program.tables().mesh.slice, service));
            wrong.map(|text| (Reason::Service, text))
        }
    };
    Some(Configured { service, role, stamp, problem })
}

#[cfg(test)]
mod tests {
    use context_mesh_core::{
        artifact::{Revision, encode, with_revision},
        pipeline::{Role, Routing},
        testing::tables,
    };
    use serde_json::json;

    use super::*;

    fn artifact(slice: &str) -> Vec<u8> {
        let mut tables = tables();
        tables.mesh.slice = slice.to_owned();
        with_revision(&encode(&tables).unwrap(), Some(&Revision::parse("v7").unwrap())).unwrap()
    }

    fn config(artifact: Vec<u8>, service: Option<&str>) -> String {
        let service = service.map(str::to_owned);
        PluginConfig { artifact, service, role: Some(Role::Inbound), routing: Routing::Fixed }.to_json()
    }

    fn wasm(name: &str, configuration: Value) -> Value {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {"name": name, "configuration": {"value": configuration}},
        })
    }

    fn dump(filter: Value) -> Dump {
        let node = json!({"id": "node-1", "cluster": "a"});
        let configs =
            json!([{"bootstrap": {"node": node}}, {"ecds_filters": [{"ecds_filter": {"typed_config": filter}}]}]);
        parse(&json!({"configs": configs}).to_string()).unwrap()
    }

    #[test]
    fn configurations_are_loaded_as_the_filter_does() {
        let mut broken = artifact("");
        *broken.last_mut().unwrap() ^= 1;
        let cases: [(Value, Option<&str>); 7] = [
            (config(artifact(""), Some("a")).into(), None),
            (config(artifact("a"), None).into(), None),
            (serde_json::from_str(&config(artifact(""), Some("a"))).unwrap(), None),
            (config(artifact("b"), None).into(), Some("the artifact was built for service `b`, and this is `a`")),
            (config(artifact("b"), Some("c")).into(), Some("the artifact was built for service `b`, and this is `c`")),
            (config(broken, None).into(), Some("the artifact states the digest")),
            ("not JSON".into(), Some("the plugin configuration is not a JSON object")),
        ];
        for (configuration, expected) in cases {
            let dump = dump(wasm(FILTER_NAME, configuration.clone()));
            assert_eq!((dump.node.as_deref(), dump.configured.len()), (Some("node-1"), 1));
            let found = &dump.configured[0];
            match (&found.problem, expected) {
                (None, None) => {}
                (Some((_, text)), Some(expected)) if text.starts_with(expected) => {}
                other => panic!("{configuration}: {other:?}"),
            }
            let revision = found.stamp.as_ref().and_then(|stamp| stamp.revision.as_ref()).map(Revision::as_str);
            assert_eq!(revision, if configuration == "not JSON" { None } else { Some("v7") });
        }
    }

    #[test]
    fn plugins_of_others_and_listeners_that_warm_up_are_passed_over() {
        assert_eq!(dump(wasm("another", json!("{\"a\": 1}"))).configured, []);
        let filter = wasm(FILTER_NAME, config(artifact(""), None).into());
        let listener = |state: &str| json!({"configs": [{"dynamic_listeners": [{state: {"filter": filter.clone()}}]}]});
        let count = |state| parse(&listener(state).to_string()).unwrap().configured.len();
        assert_eq!((count("warming_state"), count("active_state")), (0, 1));
    }

    #[test]
    fn what_envoy_says_of_a_refused_listener_is_kept() {
        let state = json!({"details": "Unable to create Wasm plugin", "failed_configuration": {}});
        let text = json!({"configs": [{"dynamic_listeners": [{"name": "l", "error_state": state}]}]}).to_string();
        assert_eq!(parse(&text).unwrap().errors, ["Unable to create Wasm plugin"]);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (text, expected) in [
            ("{", "it is not JSON: "),
            ("[]", "there is no `configs` in it"),
            (r#"{"a": 1}"#, "there is no `configs` in it"),
        ] {
            assert!(parse(text).unwrap_err().starts_with(expected), "{text}");
        }
        assert!(parse("{}").unwrap().configured.is_empty());
    }
}
