//! Links connection managers to the route tables that they use. Names are looked up in the same file, which is one
//! proxy, and then in the other files, because a bootstrap and its resources are separate files.

use std::collections::HashMap;

use super::{
    super::found::{Found, Manager, RouteTable, User},
    uses::Side,
};

/// A place in a list of files: the file, and the index in it.
type Place = (usize, usize);

/// The links.
pub(super) struct Links<'f> {
    files: &'f [Found],
    /// The connection managers of each table.
    users: HashMap<Place, Vec<Place>>,
    /// The tables of each connection manager.
    tables: HashMap<Place, Vec<Place>>,
}

impl<'f> Links<'f> {
    /// Returns the links between all files.
    pub(super) fn new(files: &'f [Found]) -> Self {
        let mut links = Self { files, users: HashMap::new(), tables: HashMap::new() };
        let mut named: HashMap<&str, Vec<Place>> = HashMap::new();
        for (file, found) in files.iter().enumerate() {
            for (index, table) in found.tables.iter().enumerate() {
                match table.user {
                    User::Manager(manager) => links.link((file, manager), (file, index)),
                    User::WhoNamesIt => named.entry(&table.name).or_default().push((file, index)),
                    User::Inbound | User::Outbound => {}
                }
            }
        }
        for (file, found) in files.iter().enumerate() {
            for (index, manager) in found.managers.iter().enumerate() {
                for name in &manager.named {
                    let all = named.get(name.as_str()).map_or(&[][..], Vec::as_slice);
                    let own = all.iter().any(|(other, _)| *other == file);
                    for table in all.iter().filter(|(other, _)| !own || *other == file) {
                        links.link((file, index), *table);
                    }
                }
            }
        }
        links
    }

    fn link(&mut self, manager: Place, table: Place) {
        self.users.entry(table).or_default().push(manager);
        self.tables.entry(manager).or_default().push(table);
    }

    /// Returns the connection managers that use a table, each with its file.
    pub(super) fn users(&self, file: usize, table: usize) -> impl Iterator<Item = (&'f Found, &'f Manager)> {
        let places = self.users.get(&(file, table)).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|(file, index)| {
            let found = self.files.get(*file)?;
            Some((found, found.managers.get(*index)?))
        })
    }

    /// Returns the tables that a connection manager uses.
    pub(super) fn tables(&self, file: usize, manager: usize) -> impl Iterator<Item = &'f RouteTable> {
        let places = self.tables.get(&(file, manager)).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|(file, index)| self.files.get(*file)?.tables.get(*index))
    }

    /// Returns the side of a table that no connection manager uses.
    pub(super) fn side_without_users(&self, file: usize, table: usize) -> Side {
        let table = self.files.get(file).and_then(|found| found.tables.get(table));
        match table.map(|table| table.user) {
            Some(User::Inbound) => Side::Inbound,
            _ => Side::Outbound,
        }
    }

    /// Returns whether the filter is in the HTTP filters of any cluster, which replace those of the router.
    pub(super) fn clusters_have_it(&self) -> bool {
        self.files.iter().any(|found| found.clusters.values().any(|looks| *looks))
    }

    /// Returns whether the filter is in the HTTP filters of a cluster.
    pub(super) fn looks_at(&self, file: usize, cluster: &str) -> bool {
        match self.files.get(file).and_then(|found| found.clusters.get(cluster)) {
            Some(looks) => *looks,
            None => self.files.iter().any(|found| found.clusters.get(cluster) == Some(&true)),
        }
    }
}
