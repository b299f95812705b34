//! The files of an example.

/// Where a file of an example belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the tree of `policyc init`. It replaces a file of the same name.
    Tree,
    /// Alone in its folder.
    Alone,
    /// Outside the tree: read by `check --envoy`.
    Envoy,
    /// Outside the tree: read by `check --istio`.
    Istio,
    /// Without a tree: read by `import authorizationpolicy`.
    Import,
    /// Alone in its folder, for `emit authorizationpolicy`.
    Emit,
}

/// A file of an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it belongs.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Its text. `<<TEXT x N>>` means a text N times, with `#` replaced by the count; `<<byte HH>>` means a byte that
    /// is not text.
    pub text: String,
}

const RULES: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: example, domain: payments}
spec:
  workloads: [ledger]
  rules:
";

const FIELDS: &str = "\
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: example, domain: payments}
spec:
  fields:
";

impl Part {
    /// Creates a part from the text below a heading. `rules` and `fields` are put into a document, the others are whole
    /// files.
    pub(super) fn new(kind: &str, body: &str) -> Self {
        let within = |head: &str| {
            let lines: String = body.trim_end().lines().map(|line| format!("    {line}\n")).collect();
            format!("{head}{lines}")
        };
        let (place, name, text) = match kind.split_once(' ') {
            Some(("alone", name)) => (Place::Alone, name, None),
            Some(("envoy", name)) => (Place::Envoy, name, None),
            Some(("istio", name)) => (Place::Istio, name, None),
            Some(("import", name)) => (Place::Import, name, None),
            Some(("emit", name)) => (Place::Emit, name, None),
            Some((_, name)) => (Place::Tree, name, None),
            None if kind == "fields" => (Place::Tree, "fields.yaml", Some(within(FIELDS))),
            None => (Place::Tree, "example.yaml", Some(within(RULES))),
        };
        Self { place, name: name.to_owned(), text: text.unwrap_or_else(|| format!("{}\n", body.trim_end())) }
    }

    /// Describes where the file belongs.
    pub fn whereabouts(&self) -> String {
        match self.place {
            Place::Tree => format!("`{}` in a tree of `policyc init`", self.name),
            Place::Alone => format!("`{}` alone in its folder", self.name),
            Place::Envoy => format!("`{}` for `check --envoy`", self.name),
            Place::Istio => format!("`{}` for `check --istio`", self.name),
            Place::Import => format!("`{}` for `import authorizationpolicy`", self.name),
            Place::Emit => format!("`{}` alone in its folder, for `emit authorizationpolicy`", self.name),
        }
    }

    /// Whether the text has abbreviations.
    pub fn is_abbreviated(&self) -> bool {
        self.text.contains("<<")
    }

    /// Returns the file in full.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = self.text.as_str();
        while let Some((before, (inside, after))) =
            rest.split_once("<<").and_then(|(before, rest)| Some((before, rest.split_once(">>")?)))
        {
            out.extend_from_slice(before.as_bytes());
            if let Some(byte) = inside.strip_prefix("byte ").and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                out.push(byte);
            } else if let Some((text, count)) = inside.rsplit_once(" x ") {
                let count: usize = count.parse().unwrap_or(0);
                out.extend((1..=count).flat_map(|n| text.replace('#', &n.to_string()).into_bytes()));
            }
            rest = after;
        }
        out.extend_from_slice(rest.as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_are_written_out() {
        let cases: [(&str, &[u8]); 6] = [
            ("plain", b"plain\n"),
            ("a<<b x 3>>c", b"abbbc\n"),
            ("<<a#, x 3>>", b"a1,a2,a3,\n"),
            ("<<( x 2>>1<<) x 2>>", b"((1))\n"),
            ("<<byte e9>>", b"\xe9\n"),
            ("1 << 2", b"1 << 2\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(Part::new("file a.yaml", text).bytes(), expected, "{text}");
        }
    }
}
