//! The functions of the machine, by name.

use context_mesh_core::vm::function::Function;

/// The function of that name that takes so many arguments, a member function's target among them.
pub(crate) fn number(name: &str, arity: usize) -> Option<Function> {
    Function::from_name(name, u32::try_from(arity).ok()?)
}
