//! Starts a mesh of real Envoys on loopback and sends requests through it.
//!
//! Describe a mesh with [`mesh::MeshBuilder`] and start it. Send requests to its gateway, as one of its applications,
//! or as a peer with any certificate. Then read the counters and logs of each Envoy. Everything that was started ends
//! with the [`mesh::Mesh`] value, also if a test panics. A panicking test shows the logs.
//!
//! The Envoys use the same files in `envoy-configs/` that users deploy, and any number of meshes can run at the same
//! time.
//!
//! ```no_run
//! use context_mesh_e2e::{client::Request, mesh::MeshBuilder};
//!
//! let mesh = MeshBuilder::shop().start()?;
//! let response = mesh.send(&mesh.gateway(), Request::get("/cart"))?;
//! assert_eq!(response.status, 200);
//! # Ok::<(), context_mesh_e2e::error::Error>(())
//! ```
//!
//! All functions that are not `async` block, and must not be called from an async task.

pub mod authorization;
pub mod bootstrap;
pub mod certs;
pub mod client;
pub mod compose;
pub mod demo;
pub mod docker;
pub mod envoy;
pub mod envoy_binary;
pub mod error;
pub mod filter_config;
pub mod jwt;
pub mod lists;
pub mod load;
mod logs;
pub mod mesh;
pub mod noop_filter;
pub mod opentelemetry;
pub mod outside;
pub mod policy;
pub mod ports;
pub mod process;
pub mod runtime;
pub mod shop;
pub mod stats;
pub mod template;
pub mod topology;
