//! A request at one place of the mesh, as plain data.

use context_mesh_core::{context::Context, pipeline::Role};

use crate::read::document::HostAttribute;

/// The default time of a request: 2026-01-01T00:00:00Z.
pub const DEFAULT_NOW_MS: u64 = 1_767_225_600_000;

/// The default `x-request-id` of a request. Envoy gives every request one.
pub const DEFAULT_REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// A request at one place of the mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The service whose proxy decides.
    pub workload: String,
    /// The role of the proxy for this request.
    pub role: Role,
    /// The SPIFFE ID in the client certificate; `None` without one.
    pub principal: Option<String>,
    /// All headers, pseudo headers included, by lower-case name.
    pub headers: Vec<(String, String)>,
    /// Other attributes of the proxy.
    pub attributes: Vec<HostAttribute>,
    /// The context that the request carries.
    pub context: Context,
    /// The context remembered for the trace of the request.
    pub remembered: Option<Context>,
    /// The cluster to which the proxy routes the request.
    pub destination: Option<String>,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
    /// The region of the proxy's locality; empty if it names none.
    pub region: String,
    /// The age of the contexts, both of the carried and of the remembered one, in milliseconds.
    pub age_ms: u64,
}

impl Request {
    /// Creates a `GET /` to the service, without certificate and context.
    pub fn new(workload: impl Into<String>, role: Role) -> Self {
        Self {
            workload: workload.into(),
            role,
            principal: None,
            headers: Vec::new(),
            attributes: Vec::new(),
            context: Context::new(),
            remembered: None,
            destination: None,
            now_ms: DEFAULT_NOW_MS,
            region: String::new(),
            age_ms: 0,
        }
    }

    /// Returns the value of the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Describes the request: method, authority and path.
    pub fn line(&self) -> String {
        let part = |name| self.header(name).unwrap_or_default();
        format!("{} {}{}", part(":method"), part(":authority"), part(":path"))
    }
}
