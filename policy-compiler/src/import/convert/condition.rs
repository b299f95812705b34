//! Conditions of rules, as trees that are folded while they are made and printed with as few brackets as possible.

use std::fmt::Write as _;

/// Most bytes of one list of values. Longer lists become several tests, so that no expression exceeds its limit.
const MAX_LIST_BYTES: usize = 4096;

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// It holds for every request, or for none.
    Always(bool),
    /// `subject == value`, or `subject in [value, ...]`. The values are literals of CEL.
    Equals(String, Vec<String>),
    /// An expression that needs no brackets: a call, a name.
    Call(String),
    /// `key in map`, with a literal as the key.
    Contains(String, String),
    /// The opposite.
    Not(Box<Condition>),
    /// All of them hold.
    All(Vec<Condition>),
    /// One of them holds.
    Any(Vec<Condition>),
    /// A part that several rules may share, with the name that the variable would have.
    Named(String, Box<Condition>),
}

impl Condition {
    /// Returns a test of a subject against literals. Without any, nothing matches.
    pub(super) fn equals(subject: &str, values: Vec<String>) -> Self {
        let mut parts = Vec::new();
        let (mut part, mut bytes) = (Vec::new(), 0);
        for value in values {
            if bytes + value.len() > MAX_LIST_BYTES && !part.is_empty() {
                parts.push(Self::Equals(subject.to_owned(), std::mem::take(&mut part)));
                bytes = 0;
            }
            bytes += value.len() + 2;
            part.push(value);
        }
        if !part.is_empty() {
            parts.push(Self::Equals(subject.to_owned(), part));
        }
        Self::any(parts)
    }

    /// Returns the condition that all of these hold.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, true)
    }

    /// Returns the condition that one of these holds.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::join(parts, false)
    }

    /// Returns the opposite.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Always(value) => Self::Always(!value),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Gives a part a name, unless it is constant.
    pub(super) fn named(self, name: impl Into<String>) -> Self {
        match self {
            Self::Always(_) | Self::Named(..) => self,
            other => Self::Named(name.into(), Box::new(other)),
        }
    }

    fn join(parts: impl IntoIterator<Item = Self>, all: bool) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Always(value) if value == all => {}
                Self::Always(value) => return Self::Always(value),
                Self::All(inner) if all => kept.extend(inner),
                Self::Any(inner) if !all => kept.extend(inner),
                other if kept.contains(&other) => {}
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::Always(all),
            1 => kept.remove(0),
            _ if all => Self::All(kept),
            _ => Self::Any(kept),
        }
    }

    /// Returns the expression.
    pub(super) fn text(&self) -> String {
        self.print().0
    }

    /// Returns the expression as lines: one for each operand of the outermost operator, each with its operator in front,
    /// and the same within operands that are longer than `width`.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let (operator, level) = match self.unnamed() {
            Self::All(_) => ("&& ", Level::And),
            Self::Any(_) => ("|| ", Level::Or),
            _ => return vec![self.text()],
        };
        let mut lines: Vec<String> = Vec::new();
        for part in self.operands(level) {
            let text = part.within(level);
            let mut own = if text.len() <= width { vec![text] } else { part.lines_within(level, width) }.into_iter();
            let first = own.next().unwrap_or_default();
            lines.push(if lines.is_empty() { first } else { format!("{operator}{first}") });
            lines.extend(own.map(|line| format!("  {line}")));
        }
        lines
    }

    /// Returns the operands of an operator, also those of parts that have a name.
    fn operands(&self, level: Level) -> Vec<&Self> {
        match self.unnamed() {
            Self::All(parts) if level == Level::And => parts.iter().flat_map(|part| part.operands(level)).collect(),
            Self::Any(parts) if level == Level::Or => parts.iter().flat_map(|part| part.operands(level)).collect(),
            other => vec![other],
        }
    }

    fn lines_within(&self, level: Level, width: usize) -> Vec<String> {
        let (inner, not) = match self.unnamed() {
            Self::Not(inner) => (inner.unnamed(), "!"),
            inner => (inner, ""),
        };
        if !matches!(inner, Self::All(_) | Self::Any(_)) {
            return vec![self.within(level)];
        }
        let mut lines = inner.lines(width);
        if inner.print().1 < if not.is_empty() { level } else { Level::Unary } {
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, &format!("{not}("));
            }
            if let Some(last) = lines.last_mut() {
                last.push(')');
            }
        }
        lines
    }

    fn within(&self, level: Level) -> String {
        let (text, own) = self.print();
        if own < level { format!("({text})") } else { text }
    }

    fn print(&self) -> (String, Level) {
        match self {
            Self::Always(value) => (value.to_string(), Level::Unary),
            Self::Call(text) => (text.clone(), Level::Unary),
            Self::Contains(key, map) => (format!("{key} in {map}"), Level::Relation),
            Self::Equals(subject, values) => match values.as_slice() {
                [value] => (format!("{subject} == {value}"), Level::Relation),
                values => (format!("{subject} in [{}]", values.join(", ")), Level::Relation),
            },
            Self::Not(inner) => match inner.unnamed() {
                Self::Equals(subject, values) if values.len() == 1 => {
                    (format!("{subject} != {}", values.concat()), Level::Relation)
                }
                inner => (format!("!{}", inner.within(Level::Unary)), Level::Unary),
            },
            Self::All(parts) => (joined(parts, " && ", Level::And), Level::And),
            Self::Any(parts) => (joined(parts, " || ", Level::Or), Level::Or),
            Self::Named(_, inner) => inner.print(),
        }
    }

    /// Replaces an expression, wherever it is read.
    pub(super) fn replace(&mut self, expression: &str, by: &str) {
        match self {
            Self::Always(_) => {}
            Self::Equals(subject, _) => *subject = subject.replace(expression, by),
            Self::Call(text) => *text = text.replace(expression, by),
            Self::Contains(_, map) => *map = map.replace(expression, by),
            Self::Not(inner) | Self::Named(_, inner) => inner.replace(expression, by),
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.replace(expression, by)),
        }
    }

    /// Returns the condition without its name.
    pub(super) fn unnamed(&self) -> &Self {
        if let Self::Named(_, inner) = self { inner.unnamed() } else { self }
    }
}

/// How strongly an expression binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Relation,
    Unary,
}

fn joined(parts: &[Condition], operator: &str, level: Level) -> String {
    parts.iter().map(|part| part.within(level)).collect::<Vec<_>>().join(operator)
}

/// Returns a text as a literal of CEL.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() || ('\u{2028}'..='\u{2029}').contains(&c) || c == '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(text: &str) -> Condition {
        Condition::Call(text.to_owned())
    }

    #[test]
    fn brackets_are_written_where_they_are_needed() {
        let is = |value: &str| Condition::equals("x", vec![value.to_owned()]);
        let either = || Condition::any([call("a"), call("b")]);
        for (condition, text) in [
            (Condition::all([is("1"), either()]), "x == 1 && (a || b)"),
            (Condition::any([is("1"), Condition::all([call("a"), call("b")])]), "x == 1 || a && b"),
            (is("1").not(), "x != 1"),
            (is("1").not().not(), "x == 1"),
            (Condition::equals("x", vec!["1".into(), "2".into()]).not(), "!(x in [1, 2])"),
            (either().not(), "!(a || b)"),
            (Condition::all([either().named("who"), Condition::Always(true)]), "a || b"),
            (Condition::all([either(), Condition::Always(false)]), "false"),
            (Condition::any([]), "false"),
            (Condition::all([call("a"), call("a").named("who").not(), call("a")]), "a && !a"),
        ] {
            assert_eq!(condition.text(), text);
        }
    }

    #[test]
    fn long_conditions_have_several_lines() {
        let either = || Condition::any([call("first"), call("second")]);
        let both = Condition::all([either(), either().not(), call("third")]);
        assert_eq!(both.lines(100), ["(first || second)", "&& !(first || second)", "&& third"]);
        assert_eq!(both.lines(5), ["(first", "  || second)", "&& !(first", "  || second)", "&& third"]);
        let any = Condition::any([either().named("a"), Condition::all([call("third"), either()])]);
        assert_eq!(any.lines(9), ["first", "|| second", "|| third", "  && (first", "    || second)"]);
    }

    #[test]
    fn a_long_list_becomes_several() {
        let values: Vec<String> = (0..1000).map(|n| literal(&format!("value-{n}"))).collect();
        let Condition::Any(parts) = Condition::equals("x", values.clone()) else { panic!("one list") };
        assert!(parts.len() > 3);
        assert!(parts.iter().all(|part| part.text().len() < MAX_LIST_BYTES + 100));
        let texts: String = parts.iter().map(Condition::text).collect();
        assert!(values.iter().all(|value| texts.contains(value.as_str())));
    }

    #[test]
    fn literals_are_escaped() {
        for (text, expected) in
            [("it's", r"'it\'s'"), (r"a\b", r"'a\\b'"), ("a\nb", r"'a\nb'"), ("a\tb", r"'a\u0009b'"), ("é", "'é'")]
        {
            assert_eq!(literal(text), expected);
        }
    }
}
