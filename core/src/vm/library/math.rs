//! Functions of numbers.

use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

pub(in crate::vm) fn greatest<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn least<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn ceil<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn floor<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn round<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn trunc<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn abs<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn sign<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn is_inf<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn is_nan<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn is_finite<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_and<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_or<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_xor<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_not<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_shift_left<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn bit_shift_right<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}

pub(in crate::vm) fn sqrt<'a>(_env: &mut Env<'a>, _arguments: &[Value<'a>]) -> Outcome<'a> {
    Err(EvalErrorKind::NoSuchOverload)
}
