//! Istio's AuthorizationPolicies as Envoy's own RBAC filter enforces them: what imported policies are compared with.
//!
//! The RBAC configuration is generated as Istio's control plane generates it for a sidecar, from the YAML text, with
//! types of its own: the compiler's importer reads and converts the same text, and neither side knows the other.
//!
//! [`policy`] reads the resources, [`select`] finds those of a workload, [`matcher`], [`principal`] and [`permission`]
//! turn parts of rules into Envoy's messages, and [`filters`] puts them together.

pub mod filters;
pub mod jwt;
pub mod matcher;
pub mod permission;
pub mod policy;
pub mod principal;
pub mod rule;
pub mod select;
pub mod trust_domain;
pub mod yaml;
