//! Configurations of Envoy and Istio for deployment, with the artifact inside.

pub mod authorization;
mod direct_address;
mod ecds;
mod envoyfilter;
mod extension;
mod http_filter;
pub mod kubernetes;
mod yaml;

pub use context_mesh_core::{
    pipeline::{Role, Routing},
    plugin_config::PluginConfig,
};
pub use ecds::discovery_response;
pub use envoyfilter::{EnvoyFilter, envoy_filter};
pub use extension::{Extension, Module, OnFailure, Phase, Pull, Target, TargetRef, traffic_extension, wasm_plugin};
pub use http_filter::{FILTER_NAME, HOST_VARIABLES, VM_ID, http_filter};
pub use yaml::to_yaml;

/// Default path of the filter in a proxy's file system.
pub const DEFAULT_WASM_PATH: &str = "/etc/context-mesh/context_mesh_filter.wasm";
