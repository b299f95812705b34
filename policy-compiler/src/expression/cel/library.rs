//! The functions of the virtual machine, by name.

use context_mesh_core::vm::function::Function;

/// Returns the function of that name with this number of arguments, including a member function's target.
pub(crate) fn number(name: &str, arity: usize) -> Option<Function> {
    Function::from_name(name, u32::try_from(arity).ok()?)
}
