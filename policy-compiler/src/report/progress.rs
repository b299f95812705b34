//! How far a compilation is, for who waits for it.

/// What the compiler is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading documents; counted in files.
    Reading,
    /// Checking what the documents say of each other; not counted.
    Checking,
    /// Compiling expressions; counted in rules.
    Compiling,
    /// Looking for what several rules compute; not counted.
    Sharing,
    /// Writing the artifact and loading it as a filter does; not counted.
    Packing,
}

impl Stage {
    /// The stage in a word or two.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reading => "reading documents",
            Self::Checking => "checking documents",
            Self::Compiling => "compiling rules",
            Self::Sharing => "sharing expressions",
            Self::Packing => "packing the artifact",
        }
    }
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it has been done.
    pub done: usize,
    /// How much there is; 0 where it is not counted.
    pub total: usize,
}

/// Who is told. It is called between pieces of work, often, and should return at once.
pub type Watcher<'w> = dyn FnMut(Progress) + 'w;

/// The one who does not want to know.
pub(crate) fn nobody(_: Progress) {}
