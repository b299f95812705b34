//! Inference of type variables, by cel-go's rules of assignability and generality.
//!
//! A type variable is a type that is not known yet, for example that of the elements of `[]`. Its first use that needs
//! a type determines it.

use super::types::Type;

/// The types found for type variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Inference {
    found: Vec<Option<Type>>,
    /// The undo log of an attempt: each changed variable with its previous type.
    journal: Vec<(u32, Option<Type>)>,
}

impl Inference {
    /// Creates a type variable.
    pub(super) fn variable(&mut self) -> Type {
        self.found.push(None);
        Type::Var(u32::try_from(self.found.len() - 1).unwrap_or(u32::MAX))
    }

    /// Whether values of the types of each pair are interchangeable. Type variables are bound as needed. If the answer
    /// is no, nothing changes.
    pub(super) fn assignable(&mut self, pairs: &[(&Type, &Type)]) -> bool {
        self.journal.clear();
        let fits = pairs.iter().all(|(a, b)| self.unify(a, b));
        if !fits {
            while let Some((variable, before)) = self.journal.pop() {
                self.set(variable, before);
            }
        }
        fits
    }

    fn known(&self, variable: u32) -> Option<&Type> {
        self.found.get(usize::try_from(variable).ok()?)?.as_ref()
    }

    fn set(&mut self, variable: u32, ty: Option<Type>) -> Option<Type> {
        let slot = usize::try_from(variable).ok().and_then(|index| self.found.get_mut(index))?;
        std::mem::replace(slot, ty)
    }

    fn learn(&mut self, variable: u32, ty: Type) {
        let before = self.set(variable, Some(ty));
        self.journal.push((variable, before));
    }

    fn unify(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Var(variable) = b {
            match self.substitution(a, *variable) {
                Substitution::Fits => return true,
                Substitution::Contradicts => return false,
                Substitution::Circular => {}
            }
        }
        if let Type::Var(variable) = a {
            return matches!(self.substitution(b, *variable), Substitution::Fits);
        }
        match (a, b) {
            (Type::Dyn | Type::Error, _) | (_, Type::Dyn | Type::Error) => true,
            (Type::Null, other) | (other, Type::Null) => other.takes_null(),
            (Type::List(_), Type::List(_))
            | (Type::Map(..), Type::Map(..))
            | (Type::Optional(_), Type::Optional(_)) => {
                a.parameters().into_iter().zip(b.parameters()).all(|(a, b)| self.unify(a, b))
            }
            (a, b) => a == b,
        }
    }

    /// Binds a variable to `ty`, or to the more general of `ty` and its current type.
    fn substitution(&mut self, ty: &Type, variable: u32) -> Substitution {
        if *ty == Type::Var(variable) {
            return Substitution::Fits;
        }
        let Some(known) = self.known(variable).cloned() else {
            if self.mentions(ty, variable) {
                return Substitution::Circular;
            }
            self.learn(variable, ty.clone());
            return Substitution::Fits;
        };
        if *ty == known {
            return Substitution::Fits;
        }
        if !self.unify(ty, &known) {
            return Substitution::Contradicts;
        }
        let general = self.more_general(ty, &known);
        if !self.mentions(&general, variable) {
            self.learn(variable, general);
        }
        Substitution::Fits
    }

    fn mentions(&self, ty: &Type, variable: u32) -> bool {
        match ty {
            Type::Var(other) if *other == variable => true,
            Type::Var(other) => self.known(*other).is_some_and(|ty| self.mentions(ty, variable)),
            ty => ty.parameters().into_iter().any(|of| self.mentions(of, variable)),
        }
    }

    fn more_general(&self, a: &Type, b: &Type) -> Type {
        if at_least_as_general(a, b) { a.clone() } else { b.clone() }
    }

    /// Returns the type of a value that has either type: the more general one, or `dyn` if they differ.
    pub(super) fn join(&mut self, a: &Type, b: &Type) -> Type {
        match (a, b) {
            (Type::Error, _) | (_, Type::Error) => Type::Error,
            (a, b) if self.assignable(&[(a, b)]) => self.more_general(a, b),
            _ => Type::Dyn,
        }
    }

    /// Returns the type with its bound variables replaced. Unbound variables stay.
    pub(super) fn resolved(&self, ty: &Type) -> Type {
        match ty {
            Type::Var(variable) => self.known(*variable).map_or_else(|| ty.clone(), |ty| self.resolved(ty)),
            Type::List(of) => Type::list(self.resolved(of)),
            Type::Optional(of) => Type::optional(self.resolved(of)),
            Type::Map(key, value) => Type::map(self.resolved(key), self.resolved(value)),
            other => other.clone(),
        }
    }

    /// Returns the final type, with unbound variables replaced by `dyn`.
    pub(super) fn closed(&self, ty: &Type) -> Type {
        match self.resolved(ty) {
            Type::Var(_) => Type::Dyn,
            Type::List(of) => Type::list(self.closed(&of)),
            Type::Optional(of) => Type::optional(self.closed(&of)),
            Type::Map(key, value) => Type::map(self.closed(&key), self.closed(&value)),
            other => other,
        }
    }
}

enum Substitution {
    Fits,
    /// The variable is bound to a type that does not fit.
    Contradicts,
    /// The type contains the variable.
    Circular,
}

fn at_least_as_general(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Var(_), _) => true,
        (_, Type::Dyn | Type::Var(_)) => false,
        (Type::List(_), Type::List(_)) | (Type::Map(..), Type::Map(..)) | (Type::Optional(_), Type::Optional(_)) => {
            a.parameters().into_iter().zip(b.parameters()).all(|(a, b)| at_least_as_general(a, b))
        }
        // Of `null` and a type that accepts it, the other one is more useful.
        (Type::Null, b) => *b == Type::Null,
        (a, b) => a == b || *b == Type::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_takes_the_type_of_its_first_use() {
        let mut inference = Inference::default();
        let empty = Type::list(inference.variable());
        assert!(inference.assignable(&[(&Type::list(Type::Int), &empty)]));
        assert_eq!(inference.resolved(&empty).to_string(), "list(int)");
        assert!(!inference.assignable(&[(&Type::list(Type::String), &empty)]));
    }

    #[test]
    fn a_failed_attempt_leaves_no_trace() {
        let mut inference = Inference::default();
        let open = inference.variable();
        assert!(!inference.assignable(&[(&Type::Int, &open), (&Type::Int, &Type::String)]));
        assert_eq!(inference.closed(&open), Type::Dyn);
    }

    #[test]
    fn a_variable_never_stands_for_a_type_that_is_made_of_it() {
        let mut inference = Inference::default();
        let open = inference.variable();
        assert!(!inference.assignable(&[(&Type::list(open.clone()), &open)]));
    }

    #[test]
    fn different_types_join_to_dyn() {
        let mut inference = Inference::default();
        assert_eq!(inference.join(&Type::Int, &Type::String), Type::Dyn);
        assert_eq!(inference.join(&Type::Null, &Type::Duration), Type::Duration);
        assert_eq!(inference.join(&Type::list(Type::Int), &Type::list(Type::Dyn)), Type::list(Type::Dyn));
    }
}
