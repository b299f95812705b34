//! Base64 and hashes.

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

pub(in crate::vm) fn encode<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn decode<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn hash<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}
