//! Slices: what one service needs of the whole, and nothing that it decides differently.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use context_mesh_core::{
    artifact::{
        load,
        tables::{Constant, EntryTable, ScalarConstant},
    },
    context::Context,
    decide,
    vm::Snapshot,
};
use policy_compiler::{Compiled, Slice, compile, source::Sources};

fn main() {}
