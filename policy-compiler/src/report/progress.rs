//! Progress of a compilation.

/// A stage of the compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading documents; counted in files.
    Reading,
    /// Checking references between documents; not counted.
    Checking,
    /// Compiling expressions; counted in rules.
    Compiling,
    /// Finding computations that several rules share; not counted.
    Sharing,
    /// Encoding the artifact and loading it as a filter does; not counted.
    Packing,
}

impl Stage {
    /// Returns the stage in a word or two.
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

/// The progress of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The current stage.
    pub stage: Stage,
    /// Number of items done.
    pub done: usize,
    /// Number of items in total; 0 if they are not counted.
    pub total: usize,
}

/// A callback that receives progress. It is called often, between pieces of work, and should return at once.
pub type Watcher<'w> = dyn FnMut(Progress) + 'w;

/// A watcher that ignores progress.
pub(crate) fn nobody(_: Progress) {}
