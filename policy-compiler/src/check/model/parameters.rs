//! The parameters of conditions, with the values of the environment that is compiled.

use crate::{
    expression::cel::{ParameterValue, is_identifier},
    read::document::parameters::{Environment, Parameter},
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        near,
        source::Span,
    },
};

/// Returns the parameters with their values in the environment `chosen`; without one, those that they are declared with.
/// All environments are checked. `mesh` is where an unknown environment is reported.
pub(super) fn check(
    declared: Vec<Parameter>,
    environments: &[Environment],
    chosen: Option<&str>,
    mesh: Span,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, ParameterValue)> {
    for parameter in &declared {
        check_name(parameter, diagnostics);
    }
    for environment in environments {
        for parameter in &environment.parameters {
            diagnostics.extend(problem(parameter, &declared, environment));
        }
    }
    let environment = environments.iter().find(|environment| Some(environment.name.value.as_str()) == chosen);
    if let (Some(chosen), None) = (chosen, environment) {
        let names = environments.iter().map(|environment| environment.name.value.as_str());
        let help = near::suggestion(chosen, names)
            .unwrap_or_else(|| "add it to `environments` of the Mesh, or leave `--environment` out".to_owned());
        let message = format!("the mesh has no environment `{chosen}`");
        diagnostics.push(Diagnostic::error(code::INVALID_VALUE, mesh, message).help(help));
    }
    let value_of = |parameter: Parameter| {
        let mut own = environment.iter().flat_map(|environment| &environment.parameters);
        let value = own.find(|other| other.name.value == parameter.name.value).map(|other| other.value.clone());
        (parameter.name.value, value.unwrap_or(parameter.value))
    };
    declared.into_iter().map(value_of).collect()
}

fn check_name(parameter: &Parameter, diagnostics: &mut Diagnostics) {
    let name = &parameter.name;
    if !is_identifier(&name.value) {
        let message = format!("`{}` cannot be the name of a parameter", name.value);
        let help = "use letters, digits and `_`: conditions read `parameters.NAME`";
        diagnostics.push(Diagnostic::error(code::INVALID_VALUE, name.span, message).help(help));
    }
}

/// Returns what is wrong with the value of a parameter in an environment.
fn problem(parameter: &Parameter, declared: &[Parameter], environment: &Environment) -> Option<Diagnostic> {
    let (name, span) = (&parameter.name.value, parameter.name.span);
    let Some(known) = declared.iter().find(|known| known.name.value == *name) else {
        let message = format!("the mesh declares no parameter `{name}`");
        let help = near::suggestion(name, declared.iter().map(|known| known.name.value.as_str()));
        let help =
            help.unwrap_or_else(|| "declare it in `parameters`, with the value for all other environments".to_owned());
        return Some(Diagnostic::error(code::INVALID_VALUE, span, message).help(help));
    };
    if known.value.is_like(&parameter.value) {
        return None;
    }
    let message = format!(
        "the parameter `{name}` is `{}`, and in the environment `{}` it is `{}`",
        known.value.type_of(),
        environment.name.value,
        parameter.value.type_of()
    );
    let problem = Diagnostic::error(code::INVALID_VALUE, span, message).label(known.name.span, "declared here");
    Some(problem.help("give it one type in all environments"))
}
