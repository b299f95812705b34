//! Envoy's Lua filter with the rules of [`Set::Uniform`](crate::rule_sets::Set::Uniform), as people write them: an `if`
//! for each rule.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::proxies::TENANT_HEADER;

/// Returns the filter.
pub fn filter(rules: usize) -> Value {
    let mut code = format!(
        "function envoy_on_request(request)\n  local headers = request:headers()\n  local tenant = \
         headers:get(\"{TENANT_HEADER}\")\n  local path = headers:get(\":path\")\n"
    );
    for number in 0..rules {
        let prefix = format!("/svc{number}/");
        let length = prefix.len();
        let _ = writeln!(
            code,
            "  if tenant == \"tenant_{number}\" and path:sub(1, {length}) == \"{prefix}\" then \
             return request:respond({{[\":status\"] = \"403\"}}, \"not here\") end"
        );
    }
    code.push_str("end\n");
    let kind = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {"@type": kind, "default_source_code": {"inline_string": code}},
    })
}
