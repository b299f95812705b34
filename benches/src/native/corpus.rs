//! Contexts like those of real services, for the sizes and speeds of the codec.

use context_mesh_core::context::Context;
use context_mesh_core::testing::context;

/// Returns the contexts: of a shop with the fields of the demo, with more and fewer of them, of an application that is
/// not in the demo's schema, and of one that carries claims.
pub fn contexts() -> Vec<Context> {
    (0..60).map(|number| context_of(number, &Ids::of(number))).collect()
}

/// Values that differ for each request.
struct Ids {
    tenant: String,
    user: String,
    uuid: String,
}

impl Ids {
    fn of(number: usize) -> Self {
        let spread = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let hex = format!("{spread:032x}");
        let uuid = [&hex[..8], &hex[8..12], "4ba3", "823d", &hex[20..]].join("-");
        let companies = ["acme", "globex", "initech", "umbrella", "stark_industries", "wayne"];
        Self {
            tenant: format!("\"tenant_{}\"", companies[number % companies.len()]),
            user: format!("\"user_{}\"", spread % 1_000_000),
            uuid: format!("\"{uuid}\""),
        }
    }
}

fn context_of(number: usize, ids: &Ids) -> Context {
    let Ids { tenant, user, uuid } = ids;
    let tier = ["\"bronze\"", "\"silver\"", "\"gold\""][number % 3];
    let demo = [
        ("tenant_id", tenant.as_str()),
        ("user_id", user),
        ("loyalty_tier", tier),
        ("feature_flags", "[\"new_checkout\"]"),
        ("correlation_id", uuid),
        ("environment", "\"production\""),
        ("caller", "\"web-frontend\""),
    ];
    match number % 6 {
        0 | 1 => context(&demo),
        2 => context(&[demo[0], demo[4], demo[5], demo[6]]),
        3 => {
            let flags = "[\"new_checkout\",\"fast_search\",\"beta_cart\",\"dark_mode\"]";
            context(&[demo[0], demo[1], demo[2], ("feature_flags", flags), demo[4], demo[5], demo[6]])
        }
        4 => context(&[
            demo[0],
            demo[4],
            ("session_id", uuid),
            ("attempt", "3"),
            ("risk_score", "0.35"),
            ("is_internal", "false"),
            ("caller", "\"ledger\""),
        ]),
        _ => context(&[
            demo[0],
            demo[1],
            demo[4],
            ("roles", "[\"admin\",\"auditor\",\"reader\"]"),
            ("plan", "{\"name\":\"enterprise\",\"seats\":250,\"trial\":false}"),
            ("region", "\"eu-central-1\""),
        ]),
    }
}

/// Returns a context as a compact JSON object, which is how it would be sent without an encoding.
pub fn json(context: &Context) -> String {
    let members: Vec<String> = context.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_json_objects() {
        let contexts = contexts();
        assert_eq!(contexts.len(), 60);
        for context in &contexts {
            let value: serde_json::Value = serde_json::from_str(&json(context)).unwrap();
            assert_eq!(value.as_object().unwrap().len(), context.len());
        }
        assert_ne!(json(&contexts[0]), json(&contexts[6]));
    }
}
