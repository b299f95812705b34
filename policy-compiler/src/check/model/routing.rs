//! The fields whose headers the proxies' routes see.

use super::{Context, Field};
use crate::report::{
    diagnostic::{Diagnostic, Diagnostics, code},
    near,
    source::Spanned,
};

/// Marks the fields. Reports a field that no header shows, because a route cannot match it.
pub(super) fn check(
    names: &[Spanned<String>],
    fields: &mut [Field],
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) {
    for name in names {
        let Some(place) = fields.iter().position(|field| field.table.name == name.value) else {
            let message = format!("no schema declares the field `{}`", name.value);
            let help = near::suggestion(&name.value, fields.iter().map(|field| field.table.name.as_str()));
            diagnostics.push(context.unknown(code::UNKNOWN_FIELD, name.span, message).maybe_help(help));
            continue;
        };
        let Some(field) = fields.get_mut(place) else { continue };
        if field.table.header.is_none() {
            let message = format!("routes cannot see the field `{}`: it has no `header`", name.value);
            let help = "give it a `header` in its schema, which the routes then match";
            diagnostics.push(Diagnostic::error(code::FIELD_OPTIONS, name.span, message).help(help));
            continue;
        }
        field.table.routed = true;
    }
}
