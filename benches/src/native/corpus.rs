//! Contexts like those of real services, for the sizes and speeds of the codec: with the fields of the example trees,
//! some of them with fields that the schemas of their tree do not declare.

use context_mesh_core::context::Context;

/// The contexts of one policy tree.
pub struct Corpus {
    /// The folder of the tree in `examples`.
    pub tree: &'static str,
    /// The contexts.
    pub contexts: Vec<Context>,
}

/// Number of contexts of each form.
const EACH: usize = 10;

/// The forms of contexts: the tree, and the fields with their JSON texts. `{user}`, `{uuid}`, `{company}` and
/// `{number}` are replaced by a value that differs for each context.
const FORMS: [(&str, &[(&str, &str)]); 8] = [
    // What the demo's gateway sets.
    (
        "shop",
        &[
            ("tenant_id", "\"tenant_{company}\""),
            ("user_id", "\"user_{user}\""),
            ("loyalty_tier", "\"gold\""),
            ("feature_flags", "[\"new_checkout\"]"),
            ("correlation_id", "\"{uuid}\""),
            ("environment", "\"production\""),
            ("caller", "\"web-frontend\""),
        ],
    ),
    // Without a user, as for work in the background.
    (
        "shop",
        &[
            ("tenant_id", "\"tenant_{company}\""),
            ("correlation_id", "\"{uuid}\""),
            ("environment", "\"production\""),
            ("caller", "\"checkout-service\""),
        ],
    ),
    // With an application's own fields, which no schema declares.
    (
        "shop",
        &[
            ("tenant_id", "\"tenant_{company}\""),
            ("user_id", "\"user_{user}\""),
            ("correlation_id", "\"{uuid}\""),
            ("feature_flags", "[\"new_checkout\",\"fast_search\",\"beta_cart\"]"),
            ("session_id", "\"{uuid}\""),
            ("risk_score", "0.35"),
            ("caller", "\"web-frontend\""),
        ],
    ),
    (
        "bank",
        &[
            ("correlation_id", "\"{uuid}\""),
            ("environment", "\"production\""),
            ("branch", "\"DE{number}\""),
            ("customer_id", "\"c-{user}\""),
            ("acting_user", "\"c-{user}\""),
            ("device_id", "\"{uuid}\""),
            ("segment", "\"private\""),
            ("authentication", "\"strong\""),
        ],
    ),
    (
        "bank",
        &[
            ("correlation_id", "\"{uuid}\""),
            ("environment", "\"production\""),
            ("customer_id", "\"c-{user}\""),
            ("authentication", "\"strong\""),
            ("amount_minor", "{number}"),
            ("currency", "\"EUR\""),
            ("risk_model", "\"champion\""),
        ],
    ),
    (
        "saas",
        &[
            ("tenant_id", "\"t{number}\""),
            ("user_id", "\"{user}\""),
            ("client_ip", "\"203.0.113.7\""),
            ("roles", "[\"admin\",\"auditor\"]"),
            ("plan", "\"enterprise\""),
        ],
    ),
    ("saas", &[("tenant_id", "\"t{number}\""), ("plan", "\"free\"")]),
    (
        "saas",
        &[
            ("tenant_id", "\"t{number}\""),
            ("user_id", "\"{uuid}\""),
            ("client_ip", "\"2001:db8:85a3::8a2e:370:7334\""),
            ("roles", "[\"reader\"]"),
            ("plan", "\"team\""),
            ("search_ranking", "\"semantic\""),
        ],
    ),
];

/// Returns the contexts by tree.
///
/// # Errors
/// A field cannot be in a context, which would be a bug.
pub fn all() -> Result<Vec<Corpus>, String> {
    let mut all: Vec<Corpus> = Vec::new();
    for (tree, fields) in FORMS {
        let contexts = (0..EACH).map(|number| context_of(fields, number)).collect::<Result<Vec<_>, _>>()?;
        match all.iter_mut().find(|corpus| corpus.tree == tree) {
            Some(corpus) => corpus.contexts.extend(contexts),
            None => all.push(Corpus { tree, contexts }),
        }
    }
    Ok(all)
}

fn context_of(fields: &[(&str, &str)], number: usize) -> Result<Context, String> {
    const COMPANIES: [&str; 6] = ["acme", "globex", "initech", "umbrella", "stark_industries", "wayne"];
    let spread = (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let hex = format!("{spread:032x}");
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    let mut context = Context::new();
    for (name, json) in fields {
        let json = json
            .replace("{uuid}", &uuid)
            .replace("{user}", &(spread % 1_000_000).to_string())
            .replace("{number}", &(1000 + spread % 9000).to_string())
            .replace("{company}", COMPANIES[number % COMPANIES.len()]);
        context.insert(name, &json).map_err(|error| format!("{name}: {error:?}"))?;
    }
    Ok(context)
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
    fn contexts_are_json_objects_that_differ() {
        let all = all().unwrap();
        assert_eq!(
            all.iter().map(|corpus| (corpus.tree, corpus.contexts.len())).collect::<Vec<_>>(),
            [("shop", 3 * EACH), ("bank", 2 * EACH), ("saas", 3 * EACH)]
        );
        let mut texts: Vec<String> = all.iter().flat_map(|corpus| &corpus.contexts).map(json).collect();
        let count = texts.len();
        for text in &texts {
            assert!(serde_json::from_str::<serde_json::Value>(text).unwrap().is_object(), "{text}");
        }
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), count);
    }
}
