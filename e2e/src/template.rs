//! Fills in the `${NAME}` placeholders of `envoy-configs/`, like `envsubst`, but strictly.
//!
//! `envsubst` inserts nothing if a variable is not set. Here a name without a value is an error, so that a test cannot
//! pass with half a configuration.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// The values of the placeholders, by name.
pub type Values = BTreeMap<&'static str, String>;

/// Replaces every `${NAME}` in `text`.
///
/// # Errors
/// A placeholder without a value, one that is not closed, or a value with a control character in it (it would change
/// the structure of the YAML around it).
pub fn render(text: &str, values: &Values) -> Result<String> {
    let mut rendered = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) =
            after.split_once('}').ok_or_else(|| Error::new("a placeholder is not closed: `}` is missing"))?;
        rendered.push_str(before);
        rendered.push_str(value_of(name, values)?);
        rest = tail;
    }
    rendered.push_str(rest);
    Ok(rendered)
}

fn value_of<'v>(name: &str, values: &'v Values) -> Result<&'v str> {
    let value = values.get(name).ok_or_else(|| Error::new(format!("the placeholder `{name}` has no value")))?;
    if value.chars().any(char::is_control) {
        return Err(Error::new(format!("the value of the placeholder `{name}` contains a control character")));
    }
    Ok(value)
}

/// Removes the text between the lines `# begin:<section>` and `# end:<section>`, wherever they occur.
///
/// # Errors
/// The section does not occur, or does not end.
pub fn without_section(text: &str, section: &str) -> Result<String> {
    let begin = format!("# begin:{section}");
    let end = format!("# end:{section}");
    let (mut inside, mut found) = (false, false);
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        match line.trim() {
            marker if marker == begin => (inside, found) = (true, true),
            marker if marker == end => inside = false,
            _ if inside => {}
            _ => {
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    match (found, inside) {
        (true, false) => Ok(kept),
        (true, true) => Err(Error::new(format!("the section `{section}` does not end"))),
        (false, _) => Err(Error::new(format!("there is no section `{section}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::from([("SERVICE", "ledger".to_owned()), ("PORT", "80".to_owned())])
    }

    #[test]
    fn every_placeholder_is_replaced() {
        assert_eq!(render("${SERVICE}:${PORT} $5 {x} ${PORT}", &values()).unwrap(), "ledger:80 $5 {x} 80");
    }

    #[test]
    fn a_placeholder_without_a_value_is_named() {
        let error = render("port: ${PROT}", &values()).unwrap_err();
        assert_eq!(error.to_string(), "the placeholder `PROT` has no value");
    }

    #[test]
    fn a_placeholder_that_is_not_closed_is_an_error() {
        assert!(render("port: ${PORT", &values()).is_err());
    }

    #[test]
    fn a_value_cannot_add_lines() {
        let values = Values::from([("SERVICE", "a\nadmin: {}".to_owned())]);
        assert!(render("${SERVICE}", &values).unwrap_err().to_string().contains("`SERVICE`"));
    }

    #[test]
    fn a_section_is_left_out_wherever_it_occurs() {
        let text = "a\n  # begin:x\n  b\n  # end:x\nc\n# begin:x\nd\n# end:x\n";
        assert_eq!(without_section(text, "x").unwrap(), "a\nc\n");
    }

    #[test]
    fn a_section_that_is_missing_or_open_is_an_error() {
        assert!(without_section("a\n", "x").unwrap_err().to_string().contains("no section `x`"));
        assert!(without_section("# begin:x\n", "x").unwrap_err().to_string().contains("does not end"));
    }
}
