//! Timestamps and durations.

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

pub(in crate::vm) fn timestamp<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn duration<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn year<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn month<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn day_of_year<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn day_of_month<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn date<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn day_of_week<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn hours<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn minutes<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn seconds<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn milliseconds<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}
