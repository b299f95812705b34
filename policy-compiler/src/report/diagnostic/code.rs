//! The codes of all diagnostics, in one table.
//!
//! A code keeps its meaning forever, and a retired code is never reused. `CM01` is reading, `CM02` the shape of
//! documents, `CM03` references between documents, `CM04` CEL, `CM05` the artifact, `CM06` the interplay of rules (see
//! [`crate::check::analysis`]), `CM07` what proxies do with the context (see [`crate::routes`]), `CM08` resources of Istio
//! that are imported (see [`crate::import`]), and in the place of the filter (see
//! [`crate::pack::emit::authorization`]).

macro_rules! codes {
    ($($id:literal $name:ident $summary:literal;)+) => {
        $(#[doc = $summary] pub const $name: &str = $id;)+

        /// Every code with a one-line summary.
        pub const TABLE: &[(&str, &str)] = &[$(($id, $summary),)+];
    };
}

codes! {
    "CM0101" NOT_UTF8 "The file is not UTF-8.";
    "CM0102" FILE_TOO_LARGE "The file exceeds the size limit.";
    "CM0103" YAML_SYNTAX "The text is not YAML.";
    "CM0104" YAML_UNSUPPORTED "The YAML uses tags, keys that are not strings, or aliases that lead nowhere or multiply.";
    "CM0105" DUPLICATE_KEY "A mapping has a duplicate key.";
    "CM0106" NO_DOCUMENTS "The tree holds no policy document.";
    "CM0201" UNKNOWN_KEY "The document has a key that is not known there.";
    "CM0202" MISSING_KEY "The document lacks a key that is required.";
    "CM0203" WRONG_KIND "The value is of another kind than is expected there.";
    "CM0204" INVALID_VALUE "The value is of the right kind, but not allowed.";
    "CM0205" UNKNOWN_DOCUMENT "The document has an apiVersion or kind that is not known.";
    "CM0206" NOT_SUPPORTED "The feature is planned, but this version does not have it.";
    "CM0301" NO_MESH "The tree has no Mesh document.";
    "CM0302" DUPLICATE_DOCUMENT "Two documents have the same kind, name and domain, or there are two Mesh documents.";
    "CM0303" DUPLICATE_NAME "A domain, service, field, header, variable or rule is declared twice.";
    "CM0304" UNKNOWN_DOMAIN "The domain is not in the Mesh document.";
    "CM0305" UNKNOWN_SERVICE "The service is not in the Mesh document.";
    "CM0306" UNKNOWN_FIELD "No schema declares the field.";
    "CM0307" FOREIGN_WORKLOAD "A domain's policy names a workload that it does not own.";
    "CM0308" FOREIGN_FIELD "A domain's policy sets a field that it does not own.";
    "CM0309" RESERVED_NAME "The name or header is used by HTTP, by tracing or by the mesh itself.";
    "CM0310" CONFLICTING_SET "Two rules of one layer can set one field to different values.";
    "CM0311" FIELD_OPTIONS "The options of a field contradict each other.";
    "CM0312" CANNOT_MASK "A field cannot be masked, because the masked value would not fit its schema.";
    "CM0313" LOST_PROTECTION "A field would take over the value of one that is protected better.";
    "CM0314" GUESSABLE_HASH "A hash without a key can be undone by trying all values.";
    "CM0315" UNUSED_SILENCE "An entry of `silence` silences nothing.";
    "CM0316" EXPIRED "A rule has passed its last day.";
    "CM0320" UNKNOWN_REGION "No domain of the mesh is in the region.";
    "CM0321" NO_REGION "A domain has no region although fields are bound to regions.";
    "CM0322" SCHEMA_VERSIONS "Two versions of a schema in one tree do not understand each other.";
    "CM0323" NO_NAMESPACES "A domain does not list the namespaces in which its services are trusted.";
    "CM0324" ANY_NAMESPACE "The identity path trusts a service in any namespace.";
    "CM0325" PROTECTED_IN_BAGGAGE "Data about persons is shown in `baggage`, and no schema says that it may be.";
    "CM0330" UNKNOWN_FIXTURE "A test names a principal, request, context or attribute that does not exist.";
    "CM0331" UNKNOWN_RULE "A test expects a rule that no policy has.";
    "CM0332" TEST_CONTRADICTION "The keys of a test contradict each other.";
    "CM0340" BROKEN_LOCK "A line of the lock file cannot be read, or contradicts another one.";
    "CM0401" SYNTAX "The text is not a CEL expression.";
    "CM0402" TOO_LARGE "The expression is too long or nested too deeply.";
    "CM0403" CEL_NOT_SUPPORTED "The expression uses a part of CEL that policies do not have.";
    "CM0404" UNDECLARED_NAME "The expression uses a name or function that is not declared.";
    "CM0405" UNDECLARED_FIELD "The expression reads a field or attribute that does not exist.";
    "CM0406" NO_OVERLOAD "An operator or function does not accept values of these types.";
    "CM0407" WRONG_TYPE "The expression has another type than its place requires.";
    "CM0408" NOT_KNOWN_YET "The attribute is not known when the request is decided.";
    "CM0409" NOT_A_VALUE "A group of attributes is used as if it were a value.";
    "CM0410" NOT_CONSTANT "A key, pattern or time zone must be a string literal.";
    "CM0411" BAD_PATTERN "The pattern is not a regular expression.";
    "CM0412" PATTERN_TOO_LARGE "The compiled pattern exceeds its size budget.";
    "CM0413" PROGRAM_LIMIT "The compiled expression exceeds a limit of the virtual machine.";
    "CM0414" BAD_ZONE "There is no such time zone.";
    "CM0415" TOO_COSTLY "The expression could cost more than ten times the fuel of a request.";
    "CM0416" BAD_LITERAL "The text of a constant does not have the form that its function asks for.";
    "CM0501" ARTIFACT_LIMIT "The artifact would exceed a limit of its format.";
    "CM0502" DECISION_COST "The rules of a workload can together take more fuel than a decision has.";
    "CM0601" NEVER_MATCHES "A rule can never match, or its condition is never true.";
    "CM0602" ALWAYS_MATCHES "A rule matches every request, though it has a condition.";
    "CM0603" COVERED_DENY "A deny rule denies nothing that another one does not deny already.";
    "CM0604" POINTLESS_ALLOW "A deny rule denies everything that an allow rule lets through.";
    "CM0605" NOBODY_ALLOWED "No request can satisfy the allow rules of a workload.";
    "CM0606" UNGUARDED "Services are open to everybody, and the mesh does not say that this is intended.";
    "CM0607" PATH_WITH_QUERY "A path with its query is compared with one without.";
    "CM0608" HOST_AS_WRITTEN "A host as the client writes it is compared with a name.";
    "CM0609" NOBODYS_NAME "A service, domain, region or principal is compared with a name that does not exist in the mesh.";
    "CM0610" ADDRESS_WITH_PORT "An address with its port is compared with an address.";
    "CM0611" TEXT_OF_PAIRS "A query or the cookies are searched as one text.";
    "CM0612" DIFFERENT_MASKS "Two masks of one layer can mask a field of one request in different ways.";
    "CM0613" COVERED_MASK "A mask has no effect, because a redact removes the field whenever the mask matches.";
    "CM0614" MISPLACED_ATTRIBUTE "A rule reads an attribute that says nothing in its direction.";
    "CM0701" NO_PROXY_CONFIG "The file holds no configuration of a proxy.";
    "CM0702" ROUTE_BY_FIELD "A route matches the header of a field, which the filter removes.";
    "CM0703" NOT_BEHIND_ROUTER "The filter does not run after the router, although a route or its own configuration requires it.";
    "CM0704" ROUTE_BY_CARRIER "A route matches a header that the filter rewrites.";
    "CM0705" MIRRORED_CONTEXT "A mirror sends the context to a destination that the filter does not check.";
    "CM0706" CHANGED_BY_ROUTE "A route writes or removes a header of the context after the filter.";
    "CM0707" COUNTED_BY_FIELD "A hash or a rate limit uses a header that the filter removes or rewrites.";
    "CM0708" FILTER_IN_FRONT "A filter before ours sees a route that the client's header chose.";
    "CM0709" WITHOUT_FILTER "Requests are routed without the filter, although others of the proxy pass through it.";
    "CM0801" NO_POLICIES "There is no AuthorizationPolicy to import.";
    "CM0802" NOT_OF_ISTIO "Istio rejects the AuthorizationPolicy.";
    "CM0803" GIVEN_TWICE "A resource is given twice.";
    "CM0804" SELECTS_NOTHING "An AuthorizationPolicy holds for none of the given workloads.";
    "CM0805" NO_WORKLOADS "No workloads are given, so they are derived from the selectors of the policies.";
    "CM0806" EMPTY_RULES "An AuthorizationPolicy matches every request, or has no effect.";
    "CM0807" TWO_MESH_CONFIGS "Two MeshConfigs contradict each other.";
    "CM0820" NOT_IN_RBAC "An AuthorizationPolicy cannot decide as the tree does.";
}

/// Returns the one-line summary of a code, or `None` if there is no such code.
pub fn summary(code: &str) -> Option<&'static str> {
    TABLE.iter().find(|(id, _)| *id == code).map(|(_, summary)| *summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(summary(UNKNOWN_KEY), Some("The document has a key that is not known there."));
        assert_eq!(summary("CM9999"), None);
    }
}
