//! The library functions, one file for each family. The table of them is [`super::function`].

pub(super) mod arithmetic;
mod calendar;
pub(super) mod convert;
pub(super) mod encoders;
pub(super) mod format;
pub(super) mod lists;
pub(super) mod math;
pub(super) mod network;
mod number;
pub(super) mod optional;
pub(super) mod sort;
pub(super) mod strings;
#[cfg(test)]
mod testing;
pub(super) mod time;
mod zone;
