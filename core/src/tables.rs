//! The tables of an artifact, which the compiler writes and the filter reads.
//!
//! They are plain data in the bincode wire format (by `wincode`). The order of fields and variants is part of the
//! format: changing it requires a new format version (see [`crate::artifact::FORMAT_VERSION`]).

use core::cmp::Ordering;
use core::fmt;

use wincode::{SchemaRead, SchemaWrite};

use crate::address::Networks;
use crate::index::{PatternIndex, ProgramIndex, RuleIndex, ServiceIndex};
use crate::limits::{DEFAULT_HEADER_VALUE_BYTES, MIN_MEMORY_BYTES, MIN_MEMORY_TTL_MS};

/// The content of an artifact, decoded but not yet verified.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tables {
    /// Settings of the mesh.
    pub mesh: MeshTable,
    /// The dictionaries of version 1 of `x-mesh-context` that can be read.
    pub dictionaries: Vec<DictionaryTable>,
    /// The declared fields, sorted by name.
    pub fields: Vec<FieldTable>,
    /// The services of the mesh, sorted by name, with the rules that apply to each.
    pub services: Vec<ServiceTable>,
    /// The domains of the mesh, sorted by name.
    pub domains: Vec<DomainTable>,
    /// The rules of all policies, in the order in which decisions report them.
    pub rules: Vec<RuleTable>,
    /// The bytecode and its pools.
    pub program: ProgramTable,
    /// Serialized sparse DFAs (regex-automata, little endian), each for a whole-string match.
    pub regexes: Vec<Vec<u8>>,
    /// The rules for a service that the mesh does not list: those of enterprise policies for all workloads.
    pub unlisted: EntryTable,
    /// The words of `x-mesh-context` that have numbers, sorted by number.
    pub words: Vec<WordTable>,
    /// Other names of services.
    pub names: NamesTable,
}

/// Settings of the mesh.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct MeshTable {
    /// Name of the mesh.
    pub name: String,
    /// The SPIFFE trust domain, for example `acme.corp`.
    pub trust_domain: String,
    /// Trust domains whose identities count as those of `trust_domain`, for a mesh that moves from one to another.
    pub trust_domain_aliases: Vec<String>,
    /// Path of a workload's SPIFFE ID, for example `/ns/{namespace}/sa/{service}`. One segment has `{service}` (and
    /// letters around it), at most one is `{namespace}`, and any number are `*`, which is any one segment.
    pub identity_path: String,
    /// Whether carriers are only trusted from a peer with a certificate of the trust domain.
    pub require_peer: bool,
    /// What happens when the claimed caller is not the peer.
    pub caller_mismatch: OnMismatch,
    /// Services without a filter of ours: all of their carriers count, not only `x-mesh-context`. `None`: every service
    /// whose request has no `x-mesh-context`, because filters always attach it.
    pub peers_without_filter: Option<Vec<String>>,
    /// The DNS domain of the mesh's Kubernetes clusters, for example `cluster.local`.
    pub cluster_domain: String,
    /// What happens if a carrier or a field is invalid.
    pub on_invalid: OnInvalid,
    /// Whether the context is shown to the application as mapped headers.
    pub present_headers: bool,
    /// Whether the context is shown to the application as members of `baggage`.
    pub present_baggage: bool,
    /// Whether the context is shown to the application as `x-mesh-context`.
    pub present_mesh_header: bool,
    /// Oldest context that is accepted in `x-mesh-context`, in milliseconds since it was made (at the gateway, or at
    /// the first sidecar that sent it); 0 means any age.
    pub max_age_ms: u64,
    /// What a gateway does with the client's trace.
    pub gateway_traces: GatewayTraces,
    /// Whether traces that a gateway starts are sampled.
    pub gateway_sampled: bool,
    /// Longest header value that conditions read, in bytes. Reading a longer one is an error.
    pub header_value_bytes: u32,
    /// Most records of the memory.
    pub memory_slots: u32,
    /// Most bytes of all records of the memory.
    pub memory_bytes: u64,
    /// How long the records of a worker are kept after the worker itself is gone, in milliseconds.
    pub memory_ttl_ms: u64,
    /// How long a request is remembered after its stream ended, in milliseconds.
    pub memory_grace_ms: u64,
    /// What a call recalls if several requests with different contexts have its id.
    pub ambiguous_recall: AmbiguousRecall,
    /// What happens to a call for a request whose context could not be remembered.
    pub lost_recall: LostRecall,
    /// The only service that the artifact was built for; empty if it is for all of them.
    pub slice: String,
    /// The version of `x-mesh-context` that is written.
    pub carrier_version: CarrierVersion,
    /// How long a word must have been readable before it is written as its number, in milliseconds.
    pub rollout_window_ms: u64,
    /// The services at the edge of the mesh.
    pub gateways: Vec<String>,
}

impl MeshTable {
    /// Returns the settings of a mesh without services, for verifying an artifact that only contains programs.
    pub fn of_programs() -> Self {
        Self {
            trust_domain: "programs.invalid".to_owned(),
            identity_path: "/{service}".to_owned(),
            header_value_bytes: DEFAULT_HEADER_VALUE_BYTES,
            memory_slots: 1,
            memory_bytes: MIN_MEMORY_BYTES,
            memory_ttl_ms: MIN_MEMORY_TTL_MS,
            ..Self::default()
        }
    }
}

/// The version of `x-mesh-context` that is written. All versions are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum CarrierVersion {
    /// 1 until the first number may be written, then 2.
    #[default]
    Dated,
    /// Always 1: for a mesh with filters that only know version 1.
    One,
    /// Always 2.
    Two,
}

/// What happens if the claimed caller is not the peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnMismatch {
    /// The verified peer replaces the claim, and the mismatch is counted.
    #[default]
    Replace,
    /// The request is answered with 403.
    Deny,
}

/// What a gateway does with the client's trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum GatewayTraces {
    /// It continues. If there is none, the gateway does not start one; applications and tracers do.
    #[default]
    Keep,
    /// Every request gets a new trace id, with the client's flags.
    New,
    /// It continues. If there is none, the gateway starts one.
    Start,
}

/// What a call recalls if several requests with different contexts have its id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum AmbiguousRecall {
    /// The fields on which all of them agree.
    #[default]
    Agree,
    /// Nothing.
    None,
    /// The call is answered with 409.
    Deny,
}

/// What happens to a call for a request whose context could not be remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum LostRecall {
    /// The call continues without the context; this is counted and reported.
    #[default]
    Ignore,
    /// The call is answered with 503.
    Deny,
}

/// What happens if a carrier or a field is invalid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnInvalid {
    /// The carrier or the field is ignored; it is counted and reported.
    #[default]
    Ignore,
    /// The request is answered with 400.
    Deny,
}

/// A word that `x-mesh-context` may write as a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct WordTable {
    /// Its number, which never belongs to another word.
    pub number: u32,
    /// The word: the name of a field, a service or a domain, or a value of an enum.
    pub text: String,
    /// Time when an artifact with the word was first shipped, in milliseconds since 1970.
    pub released_at_ms: u64,
}

/// The words that version 1 of `x-mesh-context` writes as numbers.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct DictionaryTable {
    /// Identifies the words and their order: the first four bytes of their SHA-256, little endian.
    pub id: u32,
    /// Field names and frequent values, each once.
    pub words: Vec<String>,
}

/// A declared field.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct FieldTable {
    /// Name in the context.
    pub name: String,
    /// Type of the value.
    pub value: FieldType,
    /// Whether a context without the field is invalid.
    pub required: bool,
    /// Whether an application may not change it.
    pub immutable: bool,
    /// How a forwarded and a remembered value are merged.
    pub merge: Merge,
    /// Pattern that a string must match as a whole: an index into [`Tables::regexes`].
    pub pattern: Option<PatternIndex>,
    /// The allowed values, as JSON texts; empty means any.
    pub allowed: Vec<String>,
    /// Longest JSON text, in bytes; 0 means that only the limits of the context apply.
    pub max_bytes: u32,
    /// Header that shows the field to applications, in lower case.
    pub header: Option<String>,
    /// The domain that owns the field: an index into [`Tables::domains`]; `None` is the enterprise.
    pub owner: Option<u16>,
    /// The kind of data in the field.
    pub classification: Classification,
    /// Regions that the field may be sent to; empty means any.
    pub residency: Vec<String>,
    /// How long a value is valid after its context was made, in milliseconds; 0 means as long as the context.
    pub ttl_ms: u64,
    /// What happens if two sources disagree about the value.
    pub consistency: Consistency,
    /// Smallest number.
    pub minimum: Option<Number>,
    /// Largest number.
    pub maximum: Option<Number>,
    /// Most elements of a list or members of a map; 0 means any number.
    pub max_items: u32,
    /// The services whose applications are an origin of the field.
    pub origin: Vec<String>,
    /// Whether its header is shown to the proxy's routes.
    pub routed: bool,
    /// The key of the field in `baggage`.
    pub baggage: BaggageKey,
}

impl FieldTable {
    /// Returns the field with this name, in `fields` sorted by name.
    pub fn find<'f>(fields: &'f [Self], name: &str) -> Option<&'f Self> {
        fields.get(Self::place(fields, name)?)
    }

    /// Returns the position of the field with this name, in `fields` sorted by name.
    pub fn place(fields: &[Self], name: &str) -> Option<usize> {
        fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok()
    }

    /// Returns the field with this key in `baggage`.
    pub fn of_baggage<'f>(fields: &'f [Self], key: &str) -> Option<&'f Self> {
        let own = Self::find(fields, key).filter(|field| field.baggage == BaggageKey::Name);
        own.or_else(|| fields.iter().find(|field| matches!(&field.baggage, BaggageKey::Key(own) if own == key)))
    }

    /// Returns the field's key in `baggage`, or `None` if the field is not written there.
    pub fn baggage_key(&self) -> Option<&str> {
        match &self.baggage {
            BaggageKey::Name => Some(&self.name),
            BaggageKey::Key(key) => Some(key),
            BaggageKey::Never => None,
        }
    }

    /// Returns whether the field is never lost, changed or trusted silently. This is the only definition of protected
    /// fields.
    pub(crate) fn is_protected(&self) -> bool {
        self.immutable
            || !self.residency.is_empty()
            || self.ttl_ms > 0
            || self.consistency == Consistency::Strong
            || self.classification > Classification::Internal
    }
}

/// The kind of data in a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, SchemaRead, SchemaWrite)]
pub enum Classification {
    /// For everyone.
    Public,
    /// For the company.
    #[default]
    Internal,
    /// For a part of the company.
    Confidential,
    /// Identifies a person.
    Pii,
    /// About a person's health.
    Phi,
    /// About money.
    Financial,
}

impl Classification {
    /// All kinds, with the names that documents use.
    pub const ALL: [(&'static str, Self); 6] = [
        (Self::Public.name(), Self::Public),
        (Self::Internal.name(), Self::Internal),
        (Self::Confidential.name(), Self::Confidential),
        (Self::Pii.name(), Self::Pii),
        (Self::Phi.name(), Self::Phi),
        (Self::Financial.name(), Self::Financial),
    ];

    /// Returns the name that documents use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Pii => "pii",
            Self::Phi => "phi",
            Self::Financial => "financial",
        }
    }
}

/// What happens if two sources disagree about the value of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum Consistency {
    /// The value is invalid, because the right one is unknown.
    Strong,
    /// The source with the higher precedence wins, and the disagreement is counted.
    #[default]
    Session,
    /// The source with the higher precedence wins. Temporary differences are expected.
    Eventual,
}

/// A limit of a number.
#[derive(Debug, Clone, Copy, PartialEq, SchemaRead, SchemaWrite)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// Any finite number.
    Double(f64),
}

/// The key of a field in `baggage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum BaggageKey {
    /// Under its own name.
    #[default]
    Name,
    /// Under this key.
    Key(String),
    /// The field is not written to `baggage`.
    Never,
}

/// Type of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum FieldType {
    /// One value of this type.
    One(Scalar),
    /// A JSON array whose elements have this type.
    List(Scalar),
    /// A JSON object whose members have this type.
    Map(Scalar),
}

impl Default for FieldType {
    fn default() -> Self {
        Self::One(Scalar::Any)
    }
}

/// Writes the type in the notation of schemas: `list<string>`.
impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(scalar) => f.write_str(scalar.name()),
            Self::List(scalar) => write!(f, "list<{}>", scalar.name()),
            Self::Map(scalar) => write!(f, "map<string, {}>", scalar.name()),
        }
    }
}

/// Type of a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum Scalar {
    /// A JSON string.
    String,
    /// A JSON number without fraction, within 64 bits.
    Int,
    /// A JSON number.
    Double,
    /// `true` or `false`.
    Bool,
    /// Any JSON value.
    Any,
}

impl Scalar {
    /// Returns the name that schemas use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::Any => "json",
        }
    }
}

/// How a forwarded and a remembered value are merged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum Merge {
    /// The forwarded value wins.
    #[default]
    Replace,
    /// The remembered value wins.
    Keep,
    /// Lists: the remembered elements, then the forwarded ones that are new.
    Union,
}

/// A domain of the mesh.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct DomainTable {
    /// Name of the domain.
    pub name: String,
    /// Region of its workloads; empty if not specified.
    pub region: String,
    /// Frameworks (gdpr, sox, ...) that apply to it.
    pub frameworks: Vec<String>,
    /// The namespaces in which its services are trusted, if the identity path has a `{namespace}`.
    pub namespaces: Vec<String>,
}

/// A service of the mesh.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct ServiceTable {
    /// Name of the service: its identity and its workload name.
    pub name: String,
    /// Its domain: an index into [`Tables::domains`].
    pub domain: u16,
    /// Whether its identities are listed in [`NamesTable::identities`]. Its name is then not an identity.
    pub has_identities: bool,
    /// The regions in which it runs, sorted, if the mesh lists them. Otherwise it runs in the region of its domain.
    pub regions: Vec<String>,
    /// The rules that apply to it.
    pub entry: EntryTable,
}

impl ServiceTable {
    /// Returns the regions in which it runs. `domain` is its domain.
    pub fn regions<'t>(&'t self, domain: &'t DomainTable) -> &'t [String] {
        if self.regions.is_empty() { core::slice::from_ref(&domain.region) } else { &self.regions }
    }
}

/// Returns the region of what runs in these regions. It is empty if there are several: nobody else knows which of them.
pub fn only_region(regions: &[String]) -> &str {
    if let [region] = regions { region } else { "" }
}

/// Other names of services: each list is sorted by name, with the services.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct NamesTable {
    /// Identities: the text in place of `{service}` in a SPIFFE ID, alone or after its namespace (`shop/cart-account`),
    /// or a whole SPIFFE ID.
    pub identities: Vec<(String, ServiceIndex)>,
    /// Hosts and clusters: `reviews`, `reviews.shop` (in that namespace), or any other name unchanged. In lower case.
    pub hosts: Vec<(String, ServiceIndex)>,
    /// Workloads, by the names that proxies have for themselves.
    pub workloads: Vec<(String, ServiceIndex)>,
}

impl NamesTable {
    /// Returns the service of a name in one of the lists.
    pub fn find(names: &[(String, ServiceIndex)], name: &str) -> Option<ServiceIndex> {
        let at = names.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        names.get(at).map(|(_, service)| *service)
    }
}

/// What happens to a request with an ambiguous path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum AmbiguousPath {
    /// It continues: no rule reads the path.
    #[default]
    Pass,
    /// It is refused.
    Deny,
    /// The rules decide on all readings, and all decisions must allow it.
    DecideOnBoth,
}

/// The rules that apply to one workload, as indices into [`Tables::rules`], ascending.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct EntryTable {
    /// Rules for requests that arrive.
    pub inbound: Vec<RuleIndex>,
    /// Rules for requests that leave.
    pub outbound: Vec<RuleIndex>,
    /// What happens to a request that arrives with an ambiguous path.
    pub ambiguous_path: AmbiguousPath,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub struct RuleTable {
    /// `domain/policy/rule`, or `enterprise/policy/rule`: the name in logs and reports.
    pub name: String,
    /// The author of the rule.
    pub layer: Layer,
    /// When it applies; `None` is always. An index into [`ProgramTable::programs`].
    pub condition: Option<ProgramIndex>,
    /// How a failing condition counts.
    pub on_error: OnError,
    /// Whether the rule is only evaluated and reported, without an effect.
    pub shadow: bool,
    /// What it does.
    pub effect: Effect,
    /// Its position in the source, as `file:line`.
    pub place: String,
}

/// The author of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, SchemaRead, SchemaWrite)]
pub enum Layer {
    /// The enterprise: no other rule overrides it.
    #[default]
    Enterprise,
    /// A domain, for its own workloads.
    Domain,
}

/// How a failing condition counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnError {
    /// A deny rule applies, an allow rule does not match, any other effect is applied.
    #[default]
    Deny,
    /// The rule does not match.
    Ignore,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub enum Effect {
    /// Refuses the request.
    Deny(Reply),
    /// Lets the request pass its layer.
    Allow,
    /// Refuses the request if one of the fields is missing.
    Require {
        /// The fields that must be present.
        fields: Vec<String>,
        /// The answer otherwise.
        reply: Reply,
    },
    /// Removes the fields from the context.
    Redact {
        /// The fields.
        fields: Vec<String>,
    },
    /// Sets fields.
    Set {
        /// Field name and the program that computes its value, an index into [`ProgramTable::programs`].
        fields: Vec<(String, ProgramIndex)>,
    },
    /// Replaces the values of fields by values that reveal less.
    Mask {
        /// The fields: strings, or lists of strings.
        fields: Vec<String>,
        /// The method for each string.
        method: MaskMethod,
    },
    /// Lists the rule in the report of the request, and changes nothing.
    Audit,
}

/// How a string is masked. The order is by how little is revealed: of two methods for one field the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum MaskMethod {
    /// One `*` for each character, except for this number of the last ones. Nothing is shown of a string that is not
    /// longer.
    KeepLast(u16),
    /// A SHA-256, which is the same for equal strings everywhere. A reader who guesses the string can check the guess.
    Hash,
    /// A keyed pseudonym: the same for equal strings within one domain, and different in each domain.
    Pseudonym,
}

/// A reply instead of the service's.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// gRPC status for gRPC requests.
    pub grpc_status: u8,
    /// Text for the caller.
    pub message: String,
}

/// The bytecode and its pools.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct ProgramTable {
    /// All instructions; see [`crate::vm::op`].
    pub code: Vec<u32>,
    /// Each program's part of `code`: first instruction and number of instructions.
    pub programs: Vec<(u32, u32)>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Attributes that the code reads.
    pub attributes: Vec<Attribute>,
    /// Variables: the program of each. A variable only refers to variables before it.
    pub variables: Vec<ProgramIndex>,
    /// Time zones that the code names, sorted by name.
    pub zones: Vec<ZoneTable>,
}

impl ProgramTable {
    /// Returns the instructions of a program, or `None` if the table does not contain them.
    pub fn code_of(&self, program: ProgramIndex) -> Option<&[u32]> {
        let (start, length) = *program.get(&self.programs)?;
        let start = usize::try_from(start).ok()?;
        self.code.get(start..start.checked_add(usize::try_from(length).ok()?)?)
    }
}

/// A time zone: the offsets of its local time from UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct ZoneTable {
    /// Name in the IANA database, for example `Europe/Berlin`.
    pub name: String,
    /// Offset before the first transition, in seconds east of UTC.
    pub initial: i32,
    /// Times at which the offset changes, in seconds since 1970, ascending, each with the offset from then on.
    pub transitions: Vec<(i64, i32)>,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub enum Constant {
    /// A single value.
    Scalar(ScalarConstant),
    /// A list of single values, in their order. Not nested, so that decoding never recurses.
    List(Vec<ScalarConstant>),
    /// A list of distinct strings, sorted by bytes: membership is a binary search.
    StringSet(Vec<String>),
    /// A map of single values. Its keys are distinct and in the order of [`ScalarConstant::key_order`].
    Map(Vec<(ScalarConstant, ScalarConstant)>),
    /// A set of networks, in which addresses are looked up.
    Networks(Networks),
}

/// A constant that is not a list.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub enum ScalarConstant {
    /// `null`
    Null,
    /// A bool.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A double.
    Double(f64),
    /// A string.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A duration in nanoseconds.
    Duration(i64),
    /// A point in time.
    Timestamp {
        /// Seconds since 1970.
        seconds: i64,
        /// Nanoseconds within the second.
        nanos: u32,
    },
    /// A type, by its name, for example `int` or `google.protobuf.Timestamp`.
    Type(String),
}

impl ScalarConstant {
    /// Returns the order of two keys of a map: bools, then numbers (an int equals a uint of the same value), then
    /// strings. Returns `None` if one of them cannot be a key.
    pub(crate) fn key_order(&self, other: &Self) -> Option<Ordering> {
        use ScalarConstant::{Bool, Int, String, Uint};
        let rank = |key: &Self| match key {
            Bool(_) => Some(0_u8),
            Int(_) | Uint(_) => Some(1),
            String(_) => Some(2),
            _ => None,
        };
        Some(match (self, other) {
            (Bool(a), Bool(b)) => a.cmp(b),
            (Int(a), Int(b)) => a.cmp(b),
            (Uint(a), Uint(b)) => a.cmp(b),
            (Int(a), Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Uint(a), Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (String(a), String(b)) => a.cmp(b),
            (a, b) => rank(a)?.cmp(&rank(b)?),
        })
    }
}

/// An attribute that a condition reads: a numbered slot, filled at most once per request.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub enum Attribute {
    /// A field of the context, declared or not.
    Field(String, FieldType),
    /// A request header by lower-case name. A repeated header is an error.
    Header(String),
    /// The request's headers as a map.
    Headers,
    /// A part of the request line.
    Request(RequestPart),
    /// The peer, as verified.
    Peer(PeerPart),
    /// The workload that decides.
    Mesh(MeshPart),
    /// The destination of a call.
    Destination(DestinationPart),
    /// Any other attribute of the host, by path, with the type of its bytes.
    Host(Vec<String>, HostType),
    /// A value of the host's dynamic metadata with a declared type (a claim of a verified token): name space, then keys.
    Claim(Vec<String>, FieldType),
    /// All values of a header by lower-case name, as a list of strings; empty if it is absent.
    HeaderValues(String),
    /// The parameters of the query, decoded, as a map.
    QueryParameters,
    /// The cookies, as a map.
    Cookies,
    /// A header by lower-case name as lines: each value as it was sent, with a line break in front and behind; empty if
    /// it is absent.
    HeaderLines(String),
}

impl Attribute {
    /// Returns whether it is the path of the request, with or without the query.
    pub fn is_path(&self) -> bool {
        match self {
            Self::Request(part) => matches!(part, RequestPart::Path | RequestPart::UrlPath),
            Self::Header(name) | Self::HeaderValues(name) | Self::HeaderLines(name) => name == ":path",
            _ => false,
        }
    }
}

/// A part of the request that is taken from its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum RequestPart {
    /// `:path`, with the query.
    Path,
    /// `:path` up to the `?`.
    UrlPath,
    /// The text after the `?`.
    Query,
    /// `:authority`
    Host,
    /// `:method`
    Method,
    /// `:scheme`
    Scheme,
    /// `referer`
    Referer,
    /// `user-agent`
    UserAgent,
    /// `x-request-id`
    Id,
    /// `:authority` as a name: in lower case, without the port and the final dot.
    Hostname,
}

/// The attributes of the peer. All are empty strings for a peer without a verified identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum PeerPart {
    /// The SPIFFE ID.
    Principal,
    /// The service of the ID.
    Service,
    /// The domain of that service.
    Domain,
    /// The region of that domain.
    Region,
    /// The namespace of the ID.
    Namespace,
    /// The account of the ID: the text in place of the service.
    ServiceAccount,
}

/// The attributes of the workload that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum MeshPart {
    /// Its service.
    Service,
    /// Its domain.
    Domain,
    /// Its region.
    Region,
    /// `inbound` or `outbound`.
    Direction,
}

/// The attributes of the destination of a call. For requests that arrive, it is the workload itself. For a destination
/// that the mesh does not list, the strings and the list are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum DestinationPart {
    /// Its service.
    Service,
    /// Its domain.
    Domain,
    /// Its region.
    Region,
    /// The frameworks that apply to its domain, as a list.
    Frameworks,
}

/// The type of the bytes of a host attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum HostType {
    /// UTF-8.
    String,
    /// Eight bytes little endian.
    Int,
    /// One byte.
    Bool,
    /// Nanoseconds since 1970, eight bytes little endian.
    Timestamp,
    /// The text of an IP address with a port (`[::1]:80`). Only the address is read.
    Ip,
}
