//! The workload that decides. What a condition reads of it is known while compiling.

use context_mesh_core::artifact::tables::{Attribute, DestinationPart, MeshPart};

use super::{
    Authorization, atom,
    peer::Callers,
    refusal::{Difference, Refusal},
};

/// The workload that decides, and what the translation of one of its rules depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) authorization: &'a Authorization<'a>,
    pub(super) callers: &'a Callers<'a>,
    pub(super) service: &'a str,
    pub(super) domain: &'a str,
    pub(super) regions: &'a [String],
    /// Whether the rule denies what it matches.
    pub(super) denies: bool,
}

impl Place<'_> {
    /// Checks that a difference is accepted.
    pub(super) fn require(&self, difference: Difference) -> Result<(), Refusal> {
        self.authorization.require(difference)
    }

    /// Returns what a condition reads of the workload.
    pub(super) fn mesh(&self, part: MeshPart) -> Result<&str, Refusal> {
        match part {
            MeshPart::Service => Ok(self.service),
            MeshPart::Domain => Ok(self.domain),
            MeshPart::Region => self.region(),
            MeshPart::Direction => Ok("inbound"),
        }
    }

    /// Returns a part of the destination, which is the workload itself.
    pub(super) fn destination(&self, part: DestinationPart) -> Result<&str, Refusal> {
        match part {
            DestinationPart::Service => Ok(self.service),
            DestinationPart::Domain => Ok(self.domain),
            DestinationPart::Region => self.region(),
            DestinationPart::Frameworks => Err(atom::unreadable(&Attribute::Destination(part))),
        }
    }

    fn region(&self) -> Result<&str, Refusal> {
        match self.regions {
            [region] => Ok(region),
            _ => Err(Refusal::new(
                format!("`{}` runs in several regions", self.service),
                "compare with `mesh.service`, or list one region",
            )),
        }
    }
}
