//! Constants of the file format, shared by the writer and the reader.

use core::fmt;

/// First bytes of an artifact. The high bit and the line ends reveal transports that change bytes.
pub(super) const MAGIC: [u8; 8] = *b"\x89CMESH\r\n";

/// Version of the layout and of the tables that this crate writes and reads.
pub const FORMAT_VERSION: u32 = 7;

/// The features that this crate knows. None is defined yet.
pub const KNOWN_FEATURES: u64 = 0;

pub(super) const VERSION_AT: usize = 8;
pub(super) const FEATURES_AT: usize = 12;
pub(super) const LENGTH_AT: usize = 20;
pub(super) const DIGEST_AT: usize = 24;
pub(super) const REVISION_AT: usize = 56;

/// Flag of a section that a reader may skip if it does not know the section.
pub(super) const OPTIONAL: u16 = 1;

/// The settings of the bincode wire format: fixed-size integers, little endian, and this limit on the memory that is
/// reserved for one sequence, whatever length it claims.
pub(super) type Wire = wincode::config::Configuration<true, { 16 << 20 }>;

/// Those settings as a value.
pub(super) const WIRE: Wire = Wire::new();

macro_rules! sections {
    ($($(#[doc = $doc:literal])+ $number:literal $name:ident;)+) => {
        /// The sections of this format version.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Section {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Section {
            /// All sections, in the order in which they are written.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the number in the file.
            pub(super) const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// Returns the name in messages.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

sections! {
    /// Settings of the mesh.
    1 Mesh;
    /// Dictionaries of version 1 of `x-mesh-context`.
    2 Dictionaries;
    /// Declared fields.
    3 Fields;
    /// Domains.
    4 Domains;
    /// Services and the rules of each.
    5 Services;
    /// Rules that apply to unlisted services.
    6 Unlisted;
    /// Rules.
    7 Rules;
    /// Bytecode, constants, attributes, variables.
    8 Program;
    /// Serialized DFAs.
    9 Regexes;
    /// Words of `x-mesh-context` with their numbers.
    10 Words;
    /// Other names of services.
    11 Names;
}

/// Identifies an artifact: the SHA-256 of its content.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Returns the first twelve hex digits, for logs.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}
