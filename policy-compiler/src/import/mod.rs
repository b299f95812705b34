//! Turns Istio's `AuthorizationPolicy` resources into a tree of the mesh that decides the same.
//!
//! [`istio`] holds the resources as types, [`read()`] fills them from YAML, [`select`] finds the policies of each workload,
//! and [`convert`] writes the tree and says for each policy whether it is exact. The conversion never decides looser than
//! the source: a policy that cannot be converted is refused with the reason, and then there is no tree.

pub mod convert;
mod derive;
mod findings;
pub mod istio;
mod read;
pub mod select;
pub mod shadow;

pub use findings::{findings, take_unused};
pub use read::{DEFAULT_NAMESPACE, has_mesh_config, read, read_into};
