//! Conversions between types.

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

pub(in crate::vm) fn type_of<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bool<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn int<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn uint<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn double<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn string<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bytes<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}
