//! Path templates, which replace hand-written patterns: `/orders/{id}/returns`.
//!
//! `{name}` and `{*}` match a part of a segment, which is not empty and has no slash. `{**}` at the end matches the
//! rest, including slashes. These are the templates of Envoy and Istio, except that they have only `*` and no names.

use std::collections::BTreeSet;

/// Returns a pattern that matches the paths of a template, from their beginning to their end.
///
/// # Errors
/// What is wrong with the template, as one line.
pub(super) fn pattern(template: &str) -> Result<String, String> {
    if !template.starts_with('/') {
        return Err("it does not begin with a `/`".to_owned());
    }
    let mut out = "^".to_owned();
    let mut names = BTreeSet::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}', '*']) {
        let (plain, found) = rest.split_at(at);
        out.push_str(&regex_syntax::escape(plain));
        let Some((name, behind)) = found.strip_prefix('{').and_then(|found| found.split_once('}')) else {
            return Err("`{`, `}` and `*` are only allowed in `{name}`, `{*}` and `{**}`".to_owned());
        };
        match name {
            "**" if behind.is_empty() => out.push_str(".*"),
            "**" => return Err("`{**}` is only allowed at the end".to_owned()),
            "*" => out.push_str("[^/]+"),
            name if is_name(name) => {
                if !names.insert(name) {
                    return Err(format!("`{{{name}}}` is there twice"));
                }
                out.push_str("[^/]+");
            }
            _ => return Err(format!("`{{{name}}}` is not a name in braces")),
        }
        if behind.starts_with('{') {
            return Err("there is nothing between two names, so the end of the first is ambiguous".to_owned());
        }
        rest = behind;
    }
    out.push_str(&regex_syntax::escape(rest));
    out.push('$');
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_become_patterns() {
        for (template, expected) in [
            ("/", Ok("^/$")),
            ("/orders", Ok("^/orders$")),
            ("/orders/{id}/returns", Ok("^/orders/[^/]+/returns$")),
            ("/orders/{*}", Ok("^/orders/[^/]+$")),
            ("/v{n}/a.b", Ok(r"^/v[^/]+/a\.b$")),
            ("/static/{**}", Ok("^/static/.*$")),
            ("/{a}/{b-2}", Ok("^/[^/]+/[^/]+$")),
            ("orders", Err("it does not begin with a `/`")),
            ("", Err("it does not begin with a `/`")),
            ("/orders/*", Err("`{`, `}` and `*` are only allowed in `{name}`, `{*}` and `{**}`")),
            ("/orders/{id", Err("`{`, `}` and `*` are only allowed in `{name}`, `{*}` and `{**}`")),
            ("/orders/id}", Err("`{`, `}` and `*` are only allowed in `{name}`, `{*}` and `{**}`")),
            ("/{**}/a", Err("`{**}` is only allowed at the end")),
            ("/{a}/{a}", Err("`{a}` is there twice")),
            ("/{}", Err("`{}` is not a name in braces")),
            ("/{a b}", Err("`{a b}` is not a name in braces")),
            ("/{a}{b}", Err("there is nothing between two names, so the end of the first is ambiguous")),
        ] {
            assert_eq!(pattern(template).as_deref().map_err(String::as_str), expected, "{template}");
        }
    }
}
