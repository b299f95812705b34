//! Optionals.

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

pub(in crate::vm) fn of<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn none<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn of_non_zero_value<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn has_value<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn value<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn unwrap<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}
