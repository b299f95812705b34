//! The table of chains: what is measured in Envoy.

use context_mesh_e2e::topology::Role;

use crate::rule_sets::Set;

/// What is in a proxy, beside what every sidecar has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proxy {
    /// Nothing.
    Bare,
    /// A filter in WebAssembly that does nothing.
    Noop,
    /// A filter in WebAssembly with the host calls that no policy filter with a memory can do without.
    Floor,
    /// A filter in WebAssembly that makes the host calls of Context Mesh with the demo's policies, and nothing else.
    Bound,
    /// Context Mesh with fields and no rules.
    Propagate,
    /// Context Mesh with the demo's policies.
    Shop,
    /// The same with a memory that has no room left.
    ShopFull,
    /// Context Mesh with rules about headers, for requests without a context.
    Enforce(usize),
    /// Context Mesh with rules about the context.
    Rules(Set, usize),
    /// The same with a memory that has no room left.
    RulesFull(usize),
    /// Envoy's RBAC filter with a policy for each rule.
    Rbac(usize),
    /// Envoy's RBAC filter with a matcher that looks the tenant up.
    RbacMatcher(usize),
    /// Envoy's Lua filter with an `if` for each rule.
    Lua(usize),
    /// Envoy's external authorization with a service that answers at once.
    ExtAuthz,
}

/// The protocol of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.1.
    One,
    /// HTTP/2.
    Two,
}

/// One chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// Its word in the names of figures.
    pub name: &'static str,
    /// The proxy.
    pub proxy: Proxy,
    /// Whether requests arrive from another service or from the application.
    pub direction: Role,
    /// The number of workers of the proxy.
    pub workers: u32,
    /// The protocol.
    pub http: Http,
    /// Whether it is also measured with one connection.
    pub alone: bool,
}

const fn inbound(name: &'static str, proxy: Proxy) -> Chain {
    Chain { name, proxy, direction: Role::Inbound, workers: 1, http: Http::One, alone: false }
}

const fn outbound(name: &'static str, proxy: Proxy) -> Chain {
    Chain { direction: Role::Outbound, ..inbound(name, proxy) }
}

const fn http2(chain: Chain) -> Chain {
    Chain { http: Http::Two, ..chain }
}

const fn workers2(chain: Chain) -> Chain {
    Chain { workers: 2, ..chain }
}

const fn alone(chain: Chain) -> Chain {
    Chain { alone: true, ..chain }
}

/// All chains, in the order in which they take turns.
pub const ALL: &[Chain] = &[
    alone(inbound("none", Proxy::Bare)),
    inbound("noop", Proxy::Noop),
    inbound("floor", Proxy::Floor),
    inbound("bound_inbound", Proxy::Bound),
    inbound("propagate", Proxy::Propagate),
    inbound("inbound", Proxy::Shop),
    inbound("inbound_full_memory", Proxy::ShopFull),
    inbound("enforce100", Proxy::Enforce(100)),
    inbound("rules10", Proxy::Rules(Set::Uniform, 10)),
    alone(inbound("rules100", Proxy::Rules(Set::Uniform, 100))),
    inbound("rules1000", Proxy::Rules(Set::Uniform, 1000)),
    inbound("rules10000", Proxy::Rules(Set::Uniform, 10_000)),
    inbound("rules100_full_memory", Proxy::RulesFull(100)),
    inbound("mixed10", Proxy::Rules(Set::Mixed, 10)),
    inbound("mixed100", Proxy::Rules(Set::Mixed, 100)),
    inbound("mixed1000", Proxy::Rules(Set::Mixed, 1000)),
    inbound("mixed10000", Proxy::Rules(Set::Mixed, 10_000)),
    inbound("rbac10", Proxy::Rbac(10)),
    alone(inbound("rbac100", Proxy::Rbac(100))),
    inbound("rbac200", Proxy::Rbac(200)),
    inbound("rbac1000", Proxy::Rbac(1000)),
    inbound("rbac10000", Proxy::Rbac(10_000)),
    inbound("rbac_matcher1000", Proxy::RbacMatcher(1000)),
    inbound("lua10", Proxy::Lua(10)),
    inbound("lua100", Proxy::Lua(100)),
    inbound("lua1000", Proxy::Lua(1000)),
    alone(inbound("ext_authz", Proxy::ExtAuthz)),
    outbound("none_outbound", Proxy::Bare),
    outbound("floor_outbound", Proxy::Floor),
    outbound("bound_outbound", Proxy::Bound),
    outbound("outbound", Proxy::Shop),
    outbound("outbound_full_memory", Proxy::ShopFull),
    http2(inbound("none_http2", Proxy::Bare)),
    http2(inbound("inbound_http2", Proxy::Shop)),
    http2(inbound("rules100_http2", Proxy::Rules(Set::Uniform, 100))),
    http2(outbound("none_outbound_http2", Proxy::Bare)),
    http2(outbound("outbound_http2", Proxy::Shop)),
    workers2(inbound("none_workers2", Proxy::Bare)),
    workers2(inbound("inbound_workers2", Proxy::Shop)),
    workers2(inbound("rules100_workers2", Proxy::Rules(Set::Uniform, 100))),
    workers2(outbound("none_outbound_workers2", Proxy::Bare)),
    workers2(outbound("outbound_workers2", Proxy::Shop)),
];

impl Chain {
    /// Returns the name of the chain without a filter that this one is compared with.
    pub fn base(self) -> &'static str {
        match (self.direction, self.http, self.workers) {
            (Role::Outbound, Http::Two, _) => "none_outbound_http2",
            (Role::Outbound, Http::One, 2) => "none_outbound_workers2",
            (Role::Outbound, ..) => "none_outbound",
            (_, Http::Two, _) => "none_http2",
            (_, Http::One, 2) => "none_workers2",
            _ => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_chain_has_a_name_of_its_own_and_one_to_compare_with() {
        let names: BTreeSet<&str> = ALL.iter().map(|chain| chain.name).collect();
        assert_eq!(names.len(), ALL.len());
        for chain in ALL {
            let base = ALL.iter().find(|base| base.name == chain.base()).unwrap();
            assert_eq!(base.proxy, Proxy::Bare, "{}", chain.name);
            assert_eq!((base.direction, base.http, base.workers), (chain.direction, chain.http, chain.workers));
        }
    }
}
