//! The status of a gRPC answer, by number or by name.

use super::decode::Decoder;
use crate::{
    read::yaml::{Node, Value},
    report::{near, source::Spanned},
};

/// The names of the statuses, by number.
pub(crate) const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Returns the name of a status.
pub fn name(status: u8) -> &'static str {
    NAMES.get(usize::from(status)).copied().unwrap_or("UNKNOWN")
}

impl Decoder<'_> {
    /// Reads the status of a denial: 1 to 16, or a name. 0 is `OK` and would tell the caller that the request was
    /// served.
    pub(super) fn grpc_status(&mut self, node: &Node) -> Option<Spanned<u8>> {
        let number = |number: i64| u8::try_from(number).ok();
        let Value::Scalar(scalar) = &node.value else {
            self.wrong_kind(node, "a gRPC status");
            return None;
        };
        if scalar.as_int().is_some() {
            let found = self.int(node, 1..=16)?;
            return number(found.value).map(|status| Spanned::new(status, node.span));
        }
        let text = self.string(node)?;
        let known = NAMES.iter().position(|name| *name == text.value);
        match known.and_then(|status| u8::try_from(status).ok()) {
            Some(0) => {
                self.invalid(text.span, "`OK` is not the status of a refusal", "write another one, or leave it out");
                None
            }
            Some(status) => Some(Spanned::new(status, text.span)),
            None => {
                let help = near::nearest(&text.value, NAMES.into_iter().skip(1)).map_or_else(
                    || "write a number from 1 to 16, or a name such as `PERMISSION_DENIED`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                self.invalid(text.span, format!("`{}` is not a gRPC status", text.value), help);
                None
            }
        }
    }
}
