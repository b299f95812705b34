//! Services as peer, workload and destination: who can take these places, given the tests of a request.

use context_mesh_core::artifact::tables::only_region;

use super::patterns::Patterns;
use super::terms::{Part, Place};
use super::values::Values;
use crate::check::model::{Directory, Workloads};
use crate::read::document::Direction;

/// A service of the mesh, or a stranger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Somebody {
    /// A service that the mesh lists.
    Listed(usize),
    /// A name that the mesh does not list. If empty, nobody.
    Stranger(String),
}

/// The requests that a question is about.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    pub(super) directory: &'a Directory,
    pub(super) direction: Direction,
    /// The workloads that decide.
    pub(super) workloads: &'a Workloads,
    /// The peer, if it is known.
    pub(super) peer: Option<usize>,
    /// The destination, if it is known.
    pub(super) destination: Option<usize>,
    /// Whether a context that lacks a required field is denied before any rule runs.
    pub(super) refuses_incomplete: bool,
}

/// The services in the places of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cast {
    pub(super) peer: Somebody,
    pub(super) own: Somebody,
    pub(super) destination: Somebody,
}

/// What is required of one place, part by part.
type Wanted<'v> = Vec<(Part, &'v Values)>;

impl Scope<'_> {
    /// Whether one of the workloads may be a gateway. A gateway's requests go on to other services.
    pub(super) fn has_gateway(&self) -> bool {
        match self.workloads {
            Workloads::All => !self.directory.gateways.is_empty(),
            Workloads::These(services) => services.iter().any(|service| self.is_gateway(*service)),
        }
    }

    fn is_gateway(&self, service: usize) -> bool {
        self.directory.services.get(service).is_some_and(|service| self.directory.gateways.contains(&service.name))
    }

    /// Returns services for the places of a request, if the tests allow any.
    pub(super) fn cast<'v>(
        &self,
        wanted: impl Fn(Place) -> Vec<(Part, &'v Values)>,
        patterns: &Patterns,
    ) -> Option<Cast> {
        let peer = self.peer(&wanted(Place::Peer), patterns)?;
        let (own, destination) = (wanted(Place::Own), wanted(Place::Destination));
        let listed: Box<dyn Iterator<Item = usize>> = match self.workloads {
            Workloads::All => self.candidates(&own),
            Workloads::These(services) => Box::new(services.iter().copied()),
        };
        for service in listed {
            let somebody = Somebody::Listed(service);
            if self.fits(&somebody, &own, patterns)
                && let Some(destination) = self.destination(&somebody, &destination, patterns)
            {
                return Some(Cast { peer, own: somebody, destination });
            }
        }
        let stranger = match self.workloads {
            Workloads::All => self.stranger(&own, patterns)?,
            Workloads::These(_) => return None,
        };
        let destination = self.destination(&stranger, &destination, patterns)?;
        Some(Cast { peer, own: stranger, destination })
    }

    fn peer(&self, wanted: &Wanted<'_>, patterns: &Patterns) -> Option<Somebody> {
        match (self.direction, self.peer) {
            (Direction::Outbound, _) => {
                let nobody = Somebody::Stranger(String::new());
                self.fits(&nobody, wanted, patterns).then_some(nobody)
            }
            (Direction::Inbound, Some(peer)) => {
                let peer = Somebody::Listed(peer);
                self.fits(&peer, wanted, patterns).then_some(peer)
            }
            (Direction::Inbound, None) => self.anybody(wanted, patterns),
        }
    }

    fn destination(&self, own: &Somebody, wanted: &Wanted<'_>, patterns: &Patterns) -> Option<Somebody> {
        let gateway = matches!(own, Somebody::Listed(service) if self.is_gateway(*service));
        let somebody = match (self.direction, self.destination, own) {
            (_, Some(destination), _) => Somebody::Listed(destination),
            (Direction::Outbound, None, _) => return self.anybody_or_nobody(wanted, patterns),
            (Direction::Inbound, None, _) if gateway => return self.anybody_or_nobody(wanted, patterns),
            (Direction::Inbound, None, Somebody::Listed(service)) => Somebody::Listed(*service),
            // What the mesh does not list has no name as a destination either.
            (Direction::Inbound, None, Somebody::Stranger(_)) => Somebody::Stranger(String::new()),
        };
        self.fits(&somebody, wanted, patterns).then_some(somebody)
    }

    /// Returns a listed service, a stranger, or nobody.
    fn anybody(&self, wanted: &Wanted<'_>, patterns: &Patterns) -> Option<Somebody> {
        let mut listed = self.candidates(wanted).map(Somebody::Listed);
        let found = listed.find(|somebody| self.fits(somebody, wanted, patterns));
        found.or_else(|| self.stranger(wanted, patterns))
    }

    fn anybody_or_nobody(&self, wanted: &Wanted<'_>, patterns: &Patterns) -> Option<Somebody> {
        let mut listed = self.candidates(wanted).map(Somebody::Listed);
        let nobody = || Some(Somebody::Stranger(String::new())).filter(|nobody| self.fits(nobody, wanted, patterns));
        listed.find(|somebody| self.fits(somebody, wanted, patterns)).or_else(nobody)
    }

    /// Returns the services to try: the named ones, if only some names remain.
    fn candidates(&self, wanted: &Wanted<'_>) -> Box<dyn Iterator<Item = usize>> {
        let named = wanted.iter().find(|(part, _)| *part == Part::Service);
        let named = named.and_then(|(_, values)| values.text.as_ref()?.known());
        match named {
            Some(names) => {
                let found: Vec<usize> = names.iter().filter_map(|name| self.directory.service(name)).collect();
                Box::new(found.into_iter())
            }
            None => Box::new(0..self.directory.services.len()),
        }
    }

    /// Returns a stranger that satisfies the tests.
    fn stranger(&self, wanted: &Wanted<'_>, patterns: &Patterns) -> Option<Somebody> {
        let nobody = Somebody::Stranger(String::new());
        if self.fits(&nobody, wanted, patterns) {
            return Some(nobody);
        }
        // Domain and region are empty for every stranger; only the name can vary.
        let names = wanted.iter().filter(|(part, _)| *part == Part::Service);
        let mut texts = names.filter_map(|(_, values)| values.text.as_ref());
        let others_fit = wanted
            .iter()
            .filter(|(part, _)| *part != Part::Service)
            .all(|(part, values)| self.part_fits(&nobody, *part, values, patterns));
        let name = texts.next()?;
        if !others_fit || name.is_empty() {
            return None;
        }
        match name.known() {
            Some(names) => {
                let unlisted = names.iter().find(|name| self.directory.service(name).is_none());
                unlisted.cloned().map(Somebody::Stranger)
            }
            // A name fits that the mesh does not list. Which one only matters for examples.
            None => {
                let example = name.example(patterns).filter(|name| self.directory.service(name).is_none());
                Some(Somebody::Stranger(example.unwrap_or_default()))
            }
        }
    }

    fn fits(&self, somebody: &Somebody, wanted: &Wanted<'_>, patterns: &Patterns) -> bool {
        wanted.iter().all(|(part, values)| self.part_fits(somebody, *part, values, patterns))
    }

    fn part_fits(&self, somebody: &Somebody, part: Part, values: &Values, patterns: &Patterns) -> bool {
        if part == Part::Frameworks {
            let frameworks = self.domain(somebody).map_or(&[][..], |domain| &domain.frameworks);
            return values.list.as_ref().is_some_and(|list| list.accepts(frameworks));
        }
        let Some(text) = &values.text else { return false };
        if part == Part::Region {
            return self.regions(somebody).iter().any(|region| text.accepts(region, patterns));
        }
        text.accepts(self.name(somebody, part), patterns)
    }

    /// Returns the possible regions of a service or stranger. Of a service with several, only its own proxy may know which.
    fn regions(&self, somebody: &Somebody) -> Vec<&str> {
        let listed = match somebody {
            Somebody::Listed(service) => self.directory.services.get(*service),
            Somebody::Stranger(_) => None,
        };
        let Some(service) = listed else { return vec![""] };
        let regions = self.directory.regions_of(service).iter().map(String::as_str);
        if service.regions.len() > 1 { regions.chain([""]).collect() } else { regions.collect() }
    }

    fn domain(&self, somebody: &Somebody) -> Option<&context_mesh_core::artifact::tables::DomainTable> {
        let Somebody::Listed(service) = somebody else { return None };
        let service = self.directory.services.get(*service)?;
        self.directory.domains.get(usize::from(service.domain))
    }

    /// Returns the value of `mesh.direction`.
    pub(super) fn direction_name(&self) -> &'static str {
        match self.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }

    /// Returns a name of a listed service.
    pub(super) fn name_of(&self, service: usize, part: Part) -> &str {
        let service = self.directory.services.get(service);
        let domain = service.and_then(|service| self.directory.domains.get(usize::from(service.domain)));
        match part {
            Part::Service => service.map_or("", |service| &service.name),
            Part::Domain => domain.map_or("", |domain| &domain.name),
            Part::Region | Part::Frameworks => {
                service.map_or("", |service| only_region(self.directory.regions_of(service)))
            }
            Part::Direction => self.direction_name(),
        }
    }

    /// Returns a name of a service or stranger.
    pub(super) fn name<'s>(&'s self, somebody: &'s Somebody, part: Part) -> &'s str {
        match (part, somebody) {
            (Part::Service, Somebody::Stranger(name)) => name,
            (Part::Direction, Somebody::Stranger(_)) => self.direction_name(),
            (_, Somebody::Stranger(_)) => "",
            (part, Somebody::Listed(service)) => self.name_of(*service, part),
        }
    }
}
