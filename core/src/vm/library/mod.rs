//! The library functions, one file for each family. The table of them is [`super::function`].

pub(super) mod convert;
pub(super) mod encoders;
pub(super) mod format;
pub(super) mod lists;
pub(super) mod math;
pub(super) mod network;
pub(super) mod optional;
pub(super) mod strings;
pub(super) mod time;
