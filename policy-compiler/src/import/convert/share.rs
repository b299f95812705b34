//! Variables: for parts of conditions that several rules have, and for parts of conditions that are too long.

use std::collections::BTreeMap;

use super::claims::Variable;
use super::condition::Condition;
use super::names;

/// Shorter parts are written out.
const MIN_SHARED_BYTES: usize = 40;

/// Most bytes of an expression. The compiler takes 16 KiB.
const MAX_BYTES: usize = 8 << 10;

/// Replaces parts of the conditions by variables, and adds these to `variables`.
pub(super) fn share(conditions: &mut [&mut Condition], variables: &mut Vec<Variable>) {
    let mut count: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for condition in conditions.iter() {
        named(condition, &mut |name, text| {
            count.entry(text).or_insert_with(|| (name.to_owned(), 0)).1 += 1;
        });
    }
    let mut shared: BTreeMap<String, String> = BTreeMap::new();
    for (text, (name, times)) in count {
        if times > 1 && text.len() >= MIN_SHARED_BYTES && text.len() <= MAX_BYTES {
            let name = add(&name, text.clone(), variables);
            shared.insert(text, name);
        }
    }
    for condition in conditions.iter_mut() {
        replace(condition, &shared);
        shorten(condition, variables);
    }
    for (name, expression) in SUBJECTS {
        share_subject(name, expression, conditions, variables);
    }
}

/// Texts that conditions make of an attribute, with the names of their variables.
const SUBJECTS: [(&str, &str); 2] =
    [("host", "request.host.lowerAscii()"), ("server_name", "connection.?requested_server_name.orValue('')")];

/// Makes a variable of an expression that is read more than twice, so that it is computed once.
fn share_subject(name: &str, expression: &str, conditions: &mut [&mut Condition], variables: &mut Vec<Variable>) {
    let of_variables = variables.iter().map(|(_, text)| text.matches(expression).count());
    let of_rules = conditions.iter().map(|condition| condition.text().matches(expression).count());
    if of_variables.chain(of_rules).sum::<usize>() <= 2 {
        return;
    }
    let name = names::unique(name, |name| variables.iter().any(|(known, _)| known == name));
    let read = format!("variables.{name}");
    variables.iter_mut().for_each(|(_, text)| *text = text.replace(expression, &read));
    conditions.iter_mut().for_each(|condition| condition.replace(expression, &read));
    variables.insert(0, (name, expression.to_owned()));
}

/// Adds a variable, and returns its name.
fn add(name: &str, text: String, variables: &mut Vec<Variable>) -> String {
    let name = names::unique(name, |name| variables.iter().any(|(known, _)| known == name));
    variables.push((name.clone(), text));
    name
}

fn named(condition: &Condition, seen: &mut impl FnMut(&str, String)) {
    match condition {
        Condition::Named(name, inner) => seen(name, inner.text()),
        Condition::Not(inner) => named(inner, seen),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| named(part, seen)),
        _ => {}
    }
}

fn replace(condition: &mut Condition, shared: &BTreeMap<String, String>) {
    match condition {
        Condition::Named(_, inner) => {
            if let Some(name) = shared.get(&inner.text()) {
                *condition = Condition::Call(format!("variables.{name}"));
            }
        }
        Condition::Not(inner) => replace(inner, shared),
        Condition::All(parts) | Condition::Any(parts) => parts.iter_mut().for_each(|part| replace(part, shared)),
        _ => {}
    }
}

/// Moves parts of a condition that is too long into variables.
fn shorten(condition: &mut Condition, variables: &mut Vec<Variable>) {
    if condition.text().len() <= MAX_BYTES {
        return;
    }
    match condition {
        Condition::Named(_, inner) | Condition::Not(inner) => shorten(inner, variables),
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter_mut().for_each(|part| shorten(part, variables));
            let all = matches!(condition, Condition::All(_));
            let (Condition::All(parts) | Condition::Any(parts)) = condition else { return };
            let mut chunks: Vec<Condition> = Vec::new();
            let mut chunk: Vec<Condition> = Vec::new();
            let mut bytes = 0;
            let mut close = |chunk: &mut Vec<Condition>| {
                let parts = std::mem::take(chunk);
                let whole = if all { Condition::all(parts) } else { Condition::any(parts) };
                let name = add("part", whole.text(), variables);
                chunks.push(Condition::Call(format!("variables.{name}")));
            };
            for part in std::mem::take(parts) {
                let length = part.text().len() + 8;
                if bytes + length > MAX_BYTES && !chunk.is_empty() {
                    close(&mut chunk);
                    bytes = 0;
                }
                bytes += length;
                chunk.push(part);
            }
            if !chunk.is_empty() {
                close(&mut chunk);
            }
            *condition = if all { Condition::all(chunks) } else { Condition::any(chunks) };
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_rules_share_is_a_variable() {
        let callers =
            || Condition::Call("a.very.long.condition.of.forty.letters.or.more()".to_owned()).named("callers");
        let other = || Condition::Call("b()".to_owned()).named("other");
        let mut conditions = [Condition::all([callers(), other()]), Condition::all([callers().not(), other()])];
        let mut variables = Vec::new();
        share(&mut conditions.each_mut(), &mut variables);
        assert_eq!(conditions.map(|one| one.text()), ["variables.callers && b()", "!variables.callers && b()"]);
        assert_eq!(variables.len(), 1);
    }

    #[test]
    fn a_long_condition_is_taken_apart() {
        let parts = (0..2000).map(|n| Condition::Call(format!("x.startsWith('a long prefix {n}')")));
        let mut condition = Condition::any(parts.collect::<Vec<_>>());
        let length = condition.text().len();
        let mut variables = Vec::new();
        share(&mut [&mut condition], &mut variables);
        assert!(condition.text().len() <= MAX_BYTES);
        assert!(variables.iter().all(|(_, text)| text.len() <= MAX_BYTES));
        assert!(variables.iter().map(|(_, text)| text.len()).sum::<usize>() > length * 9 / 10);
    }
}
