//! The address of the direct peer, which Envoy keeps in no attribute: another filter puts it into the filter state.

use context_mesh_core::artifact::{Decoded, tables::Attribute};
use serde_json::{Value, json};

use crate::expression::cel::DIRECT_ADDRESS;

/// Whether a condition of the artifact reads `source.direct_ip`.
pub(super) fn is_read(artifact: &[u8]) -> bool {
    let is_it = |attribute: &Attribute| match attribute {
        Attribute::Host(path, _) => path.last().is_some_and(|name| name == DIRECT_ADDRESS),
        _ => false,
    };
    Decoded::decode(artifact).is_ok_and(|decoded| decoded.tables.program.attributes.iter().any(is_it))
}

/// Returns the filter that sets it. It runs before ours.
pub(super) fn filter() -> Value {
    json!({
        "name": "envoy.filters.http.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
            "on_request_headers": [{
                "object_key": DIRECT_ADDRESS,
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"}},
            }],
        },
    })
}
