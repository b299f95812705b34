//! The reasons why an artifact cannot be loaded, or does not verify.

use core::fmt;

use super::format::{Digest, FORMAT_VERSION, KNOWN_FEATURES};
use crate::limits::{MAX_ARTIFACT_BYTES, MAX_SECTIONS};

/// The reason why an artifact cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// It is shorter than its header.
    Truncated {
        /// Its length in bytes.
        length: usize,
    },
    /// It does not begin with the magic bytes of an artifact.
    Magic,
    /// It has another format version.
    Version {
        /// The version that it states.
        found: u32,
    },
    /// It needs features that this reader does not know.
    Features {
        /// The unknown bits.
        unknown: u64,
    },
    /// Its content would be larger than [`MAX_ARTIFACT_BYTES`].
    TooLarge {
        /// The length that it states, in bytes.
        length: u32,
    },
    /// Its content does not match its digest.
    Digest {
        /// The digest that it states.
        stated: Digest,
        /// The digest of the received content.
        computed: Digest,
    },
    /// It does not decompress to the length that it states.
    Compression,
    /// It has more than [`MAX_SECTIONS`] sections.
    TooManySections,
    /// A section reaches beyond the end, or something follows the last one.
    SectionBounds,
    /// It has a required section that this reader does not know.
    UnknownSection {
        /// The number of the section.
        number: u16,
    },
    /// A section is missing or duplicate.
    SectionCount {
        /// The section.
        section: &'static str,
    },
    /// The content of a section does not decode.
    Section {
        /// The section.
        section: &'static str,
    },
    /// A table or an instruction violates a rule.
    Verify {
        /// The artifact.
        digest: Digest,
        /// The rule.
        error: VerifyError,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { length } => {
                write!(f, "the artifact ends after {length} bytes, inside its header: it was cut on its way")
            }
            Self::Magic => {
                write!(
                    f,
                    "this is not an artifact of Context Mesh: its first bytes differ; build one with `policyc build`"
                )
            }
            Self::Version { found } => write!(
                f,
                "the artifact has format version {found}, this reader knows version {FORMAT_VERSION}: use a filter and a compiler of matching releases"
            ),
            Self::Features { unknown } => write!(
                f,
                "the artifact needs features {unknown:#x}, this reader knows {KNOWN_FEATURES:#x}: use a newer filter"
            ),
            Self::TooLarge { length } => {
                write!(f, "the artifact states a length of {length} bytes, the limit is {MAX_ARTIFACT_BYTES}")
            }
            Self::Digest { stated, computed } => write!(
                f,
                "the artifact states the digest {stated} but its content has {computed}: it was changed or cut on its way"
            ),
            Self::Compression => write!(f, "the artifact does not decompress to the length that it states"),
            Self::TooManySections => write!(f, "the artifact has more than {MAX_SECTIONS} sections"),
            Self::SectionBounds => write!(f, "the sections of the artifact do not fill its body"),
            Self::UnknownSection { number } => {
                write!(f, "the artifact needs section {number}, which this reader does not know: use a newer filter")
            }
            Self::SectionCount { section } => write!(f, "the artifact must have one section {section}"),
            Self::Section { section } => write!(f, "section {section} of the artifact does not decode"),
            Self::Verify { digest, error } => write!(f, "artifact {digest} does not verify: {error}"),
        }
    }
}

impl core::error::Error for LoadError {}

/// The rule of the artifact that is violated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    /// An index is out of bounds.
    Index {
        /// The place of the index.
        of: &'static str,
        /// The index.
        index: u32,
    },
    /// A table is not sorted by name, or contains a duplicate name.
    Order {
        /// The table.
        table: &'static str,
    },
    /// A value is outside the range that its place allows.
    Value {
        /// The place.
        of: &'static str,
    },
    /// A regex does not load.
    Regex {
        /// Its index.
        index: u32,
    },
    /// An instruction does not decode.
    Instruction {
        /// Its index in the code.
        at: u32,
    },
    /// An operand does not fit its instruction.
    Operand {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// An instruction takes more values than there are, or leaves more than fit on the stack.
    Stack {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// A local is read before it is set, or does not hold the kind of value that the instruction needs.
    Local {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// A jump does not lead to a later instruction of its program, or a loop does not lead to an earlier one.
    Jump {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// A program does not leave exactly one value.
    Result {
        /// The program.
        program: u32,
    },
    /// Variables refer to each other in a cycle or too deeply.
    Variables {
        /// The variable.
        index: u32,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { of, index } => write!(f, "{of} {index} does not exist"),
            Self::Order { table } => write!(f, "table {table} is not sorted by distinct names"),
            Self::Value { of } => write!(f, "{of} is out of range"),
            Self::Regex { index } => write!(f, "regex {index} does not load"),
            Self::Instruction { at } => write!(f, "instruction {at} does not decode"),
            Self::Operand { program, at } => write!(f, "program {program}, instruction {at}: wrong operand"),
            Self::Stack { program, at } => write!(f, "program {program}, instruction {at}: wrong stack depth"),
            Self::Local { program, at } => write!(f, "program {program}, instruction {at}: wrong local"),
            Self::Jump { program, at } => write!(f, "program {program}, instruction {at}: wrong jump"),
            Self::Result { program } => write!(f, "program {program} does not leave one value"),
            Self::Variables { index } => write!(f, "variable {index} refers to itself or too deeply"),
        }
    }
}
