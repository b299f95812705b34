//! The tables of an artifact: what the compiler writes and the filter reads.
//!
//! Plain data in the bincode wire format (by `wincode`). The order of fields and variants is the format:
//! a change to it is a new format version (see [`crate::artifact::FORMAT_VERSION`]).

use core::cmp::Ordering;
use core::fmt;

use wincode::{SchemaRead, SchemaWrite};

use crate::address::Networks;
use crate::index::{PatternIndex, ProgramIndex, RuleIndex, ServiceIndex};
use crate::limits::{DEFAULT_HEADER_VALUE_BYTES, MIN_MEMORY_BYTES, MIN_MEMORY_TTL_MS};

/// Everything that an artifact holds, decoded but not yet verified.
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
    /// What the bytecode refers to.
    pub program: ProgramTable,
    /// Serialized sparse DFAs (regex-automata, little endian), each for a whole-string match.
    pub regexes: Vec<Vec<u8>>,
    /// Rules that apply to a service that the mesh does not list: those of enterprise policies for all workloads.
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
    /// Path of a workload's SPIFFE ID, with one segment with `{service}` (and letters around it), at most one `{namespace}` and any number
    /// of `*`, which is any one segment, for example `/ns/{namespace}/sa/{service}`.
    pub identity_path: String,
    /// Whether carriers are believed only from a peer with a certificate of the trust domain.
    pub require_peer: bool,
    /// What happens when the claimed caller is not the peer.
    pub caller_mismatch: OnMismatch,
    /// Services without a filter of ours: from them every carrier counts, and not `x-mesh-context` alone. `None`: every service whose
    /// request brings no `x-mesh-context`, which filters always attach.
    pub peers_without_filter: Option<Vec<String>>,
    /// The DNS domain of the mesh's Kubernetes clusters, for example `cluster.local`.
    pub cluster_domain: String,
    /// What happens when a carrier or a field is broken.
    pub on_invalid: OnInvalid,
    /// Whether the context is shown to the application as mapped headers.
    pub present_headers: bool,
    /// Whether the context is shown to the application as members of `baggage`.
    pub present_baggage: bool,
    /// Whether the context is shown to the application as `x-mesh-context`.
    pub present_mesh_header: bool,
    /// Oldest context that is accepted in `x-mesh-context`, in milliseconds since it was made (at the gateway, or at the
    /// first sidecar that sent it); 0 means any age.
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
    /// How long what a worker remembered stays when the worker itself is gone, in milliseconds.
    pub memory_ttl_ms: u64,
    /// How long a request is remembered after its stream ended, in milliseconds.
    pub memory_grace_ms: u64,
    /// What a call gets whose id several requests with different contexts have.
    pub ambiguous_recall: AmbiguousRecall,
    /// What becomes of a call for a request whose context could not be remembered.
    pub lost_recall: LostRecall,
    /// The one service that the artifact was built for; empty when it serves all of them.
    pub slice: String,
    /// The version of `x-mesh-context` that is written.
    pub carrier_version: CarrierVersion,
    /// How long a word must have been readable before it is written as its number, in milliseconds.
    pub rollout_window_ms: u64,
    /// The services at the edge of the mesh.
    pub gateways: Vec<String>,
}

impl MeshTable {
    /// The settings of a mesh without services: what an artifact verifies with that holds programs only.
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
    /// Always 1: for a mesh with filters that know no other.
    One,
    /// Always 2.
    Two,
}

/// What happens when the claimed caller is not the peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnMismatch {
    /// The verified peer takes the place of the claim; it is counted.
    #[default]
    Replace,
    /// The request is answered with 403.
    Deny,
}

/// What a gateway does with the client's trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum GatewayTraces {
    /// It goes on. Where there is none, the gateway starts none; applications and tracers do.
    #[default]
    Keep,
    /// Every request gets a new trace id, with the client's flags.
    New,
    /// It goes on. Where there is none, the gateway starts one.
    Start,
}

/// What a call gets whose id several requests with different contexts have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum AmbiguousRecall {
    /// The fields on which all of them agree.
    #[default]
    Agree,
    /// Nothing.
    None,
    /// It is answered with 409.
    Deny,
}

/// What becomes of a call for a request whose context could not be remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum LostRecall {
    /// It goes on without; it is counted and reported.
    #[default]
    Ignore,
    /// It is answered with 503.
    Deny,
}

/// What happens when a carrier or a field is broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnInvalid {
    /// The carrier or the field is ignored; it is counted and reported.
    #[default]
    Ignore,
    /// The request is answered with 400.
    Deny,
}

/// A word that `x-mesh-context` can write as a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct WordTable {
    /// Its number. It never belongs to another word.
    pub number: u32,
    /// The word: the name of a field, a service or a domain, or a value of an enum.
    pub text: String,
    /// When an artifact with the word was first shipped, in milliseconds since 1970.
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
    /// Whether a context without it is invalid.
    pub required: bool,
    /// Whether an application may not change it.
    pub immutable: bool,
    /// How a forwarded and a remembered value become one.
    pub merge: Merge,
    /// Pattern that a string must match as a whole: an index into [`Tables::regexes`].
    pub pattern: Option<PatternIndex>,
    /// The values that are allowed, as JSON texts; empty means any.
    pub allowed: Vec<String>,
    /// Longest JSON text, in bytes; 0 means only the limits of the context hold.
    pub max_bytes: u32,
    /// Header that shows the field to applications, in lower case.
    pub header: Option<String>,
    /// The domain that owns it: an index into [`Tables::domains`]; `None` is the enterprise.
    pub owner: Option<u16>,
    /// What kind of data it is.
    pub classification: Classification,
    /// Regions that it may be sent to; empty means any.
    pub residency: Vec<String>,
    /// How long a value is good after its context was made, in milliseconds; 0 means as long as the context.
    pub ttl_ms: u64,
    /// What happens when two sources disagree about the value.
    pub consistency: Consistency,
    /// Smallest number.
    pub minimum: Option<Number>,
    /// Largest number.
    pub maximum: Option<Number>,
    /// Most elements of a list or members of a map; 0 means any number.
    pub max_items: u32,
    /// The services whose applications are a source of the field.
    pub origin: Vec<String>,
    /// Whether its header is shown to the proxy's routes.
    pub routed: bool,
    /// How it stands in `baggage`.
    pub baggage: BaggageKey,
}

impl FieldTable {
    /// Returns the field with this name, in `fields` sorted by name.
    pub fn find<'f>(fields: &'f [Self], name: &str) -> Option<&'f Self> {
        fields.get(Self::place(fields, name)?)
    }

    /// Returns where the field with this name is, in `fields` sorted by name.
    pub fn place(fields: &[Self], name: &str) -> Option<usize> {
        fields.binary_search_by(|field| field.name.as_str().cmp(name)).ok()
    }

    /// Returns the field whose key in `baggage` this is.
    pub fn of_baggage<'f>(fields: &'f [Self], key: &str) -> Option<&'f Self> {
        let own = Self::find(fields, key).filter(|field| field.baggage == BaggageKey::Name);
        own.or_else(|| fields.iter().find(|field| matches!(&field.baggage, BaggageKey::Key(own) if own == key)))
    }

    /// Returns the field's key in `baggage`; `None` for one that does not stand there.
    pub fn baggage_key(&self) -> Option<&str> {
        match &self.baggage {
            BaggageKey::Name => Some(&self.name),
            BaggageKey::Key(key) => Some(key),
            BaggageKey::Never => None,
        }
    }

    /// Whether the field is never lost, changed or believed in silence. The one place that says which fields are.
    pub(crate) fn is_protected(&self) -> bool {
        self.immutable
            || !self.residency.is_empty()
            || self.ttl_ms > 0
            || self.consistency == Consistency::Strong
            || self.classification > Classification::Internal
    }
}

/// What kind of data a field holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, SchemaRead, SchemaWrite)]
pub enum Classification {
    /// For everybody.
    Public,
    /// For the company.
    #[default]
    Internal,
    /// For a part of the company.
    Confidential,
    /// Says who a person is.
    Pii,
    /// About a person's health.
    Phi,
    /// About money.
    Financial,
}

impl Classification {
    /// All of them, with the names that documents use.
    pub const ALL: [(&'static str, Self); 6] = [
        (Self::Public.name(), Self::Public),
        (Self::Internal.name(), Self::Internal),
        (Self::Confidential.name(), Self::Confidential),
        (Self::Pii.name(), Self::Pii),
        (Self::Phi.name(), Self::Phi),
        (Self::Financial.name(), Self::Financial),
    ];

    /// The name that documents use.
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

/// What happens when two sources disagree about the value of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum Consistency {
    /// The value is invalid: nobody can say which one is right.
    Strong,
    /// The source that takes precedence wins, and the disagreement is counted.
    #[default]
    Session,
    /// The source that takes precedence wins; that values differ for a while is expected.
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

/// How a field stands in `baggage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum BaggageKey {
    /// Under its own name.
    #[default]
    Name,
    /// Under this key.
    Key(String),
    /// Not at all.
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

/// Writes the type as schemas do: `list<string>`.
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

/// How a forwarded and a remembered value become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum Merge {
    /// What the application forwards wins.
    #[default]
    Replace,
    /// What is remembered wins.
    Keep,
    /// Lists: the remembered elements, then the forwarded ones that are new.
    Union,
}

/// A domain of the mesh.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct DomainTable {
    /// Name of the domain.
    pub name: String,
    /// Region of its workloads; empty when not said.
    pub region: String,
    /// Frameworks (gdpr, sox, ...) that it is under.
    pub frameworks: Vec<String>,
    /// The namespaces in which its services are believed, where the identity path has a `{namespace}`.
    pub namespaces: Vec<String>,
}

/// A service of the mesh.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct ServiceTable {
    /// Name of the service: its identity and its workload name.
    pub name: String,
    /// Its domain: an index into [`Tables::domains`].
    pub domain: u16,
    /// Whether its identities are listed in [`NamesTable::identities`], so that its name is not one.
    pub has_identities: bool,
    /// The rules that apply to it.
    pub entry: EntryTable,
}

/// What services are called by others than the mesh: each list sorted by name, with the services.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct NamesTable {
    /// Identities: what a SPIFFE ID has in place of `{service}`, alone or behind its namespace (`shop/cart-account`), or a whole
    /// SPIFFE ID.
    pub identities: Vec<(String, ServiceIndex)>,
    /// Hosts and clusters: `reviews`, `reviews.shop` (in that namespace), or any other name as it is. In lower case.
    pub hosts: Vec<(String, ServiceIndex)>,
    /// Workloads, as a proxy names its own.
    pub workloads: Vec<(String, ServiceIndex)>,
}

impl NamesTable {
    /// Returns the service of a name in one of the lists.
    pub fn find(names: &[(String, ServiceIndex)], name: &str) -> Option<ServiceIndex> {
        let at = names.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        names.get(at).map(|(_, service)| *service)
    }
}

/// The rules that apply to one workload, as indices into [`Tables::rules`], ascending.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct EntryTable {
    /// Rules for requests that arrive.
    pub inbound: Vec<RuleIndex>,
    /// Rules for requests that leave.
    pub outbound: Vec<RuleIndex>,
    /// Whether a request that arrives is refused when its path has more than one reading.
    pub deny_ambiguous_path: bool,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub struct RuleTable {
    /// `domain/policy/rule`, or `enterprise/policy/rule`: the name in logs and reports.
    pub name: String,
    /// Who wrote it.
    pub layer: Layer,
    /// When it applies; `None` is always. An index into [`ProgramTable::programs`].
    pub condition: Option<ProgramIndex>,
    /// What a failing condition means.
    pub on_error: OnError,
    /// Whether it is computed and reported but changes nothing.
    pub shadow: bool,
    /// What it does.
    pub effect: Effect,
    /// Where it stands in the source, as `file:line`.
    pub place: String,
}

/// Who wrote a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, SchemaRead, SchemaWrite)]
pub enum Layer {
    /// The enterprise: nothing undoes it.
    #[default]
    Enterprise,
    /// A domain, for its own workloads.
    Domain,
}

/// What a failing condition means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum OnError {
    /// A deny rule fires, an allow rule does not match, any other effect is carried out.
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
    /// Refuses the request when one of the fields is missing.
    Require {
        /// The fields that must be there.
        fields: Vec<String>,
        /// What to answer otherwise.
        reply: Reply,
    },
    /// Takes the fields out of the context.
    Redact {
        /// The fields.
        fields: Vec<String>,
    },
    /// Gives fields new values.
    Set {
        /// Field name and the program that makes its value, an index into [`ProgramTable::programs`].
        fields: Vec<(String, ProgramIndex)>,
    },
    /// Puts something in place of the values of fields that tells less.
    Mask {
        /// The fields: strings, or lists of strings.
        fields: Vec<String>,
        /// What takes the place of each string.
        method: MaskMethod,
    },
    /// Names the rule in the report of the request, and changes nothing.
    Audit,
}

/// What takes the place of a masked string. The order is by how little is left to see: of two methods for one field
/// the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum MaskMethod {
    /// As many `*` as it has characters, but for so many of the last ones. A string that is not longer shows nothing.
    KeepLast(u16),
    /// A SHA-256: the same for equal strings everywhere. Who can guess the string can check the guess.
    Hash,
    /// A keyed pseudonym: the same for equal strings within one domain, another one in each domain.
    Pseudonym,
}

/// A reply in place of the service's.
#[derive(Debug, Clone, Default, PartialEq, SchemaRead, SchemaWrite)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// gRPC status for gRPC requests.
    pub grpc_status: u8,
    /// Text for the caller.
    pub message: String,
}

/// The bytecode and what it refers to.
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
    /// Variables: the program of each. A variable refers only to variables before it.
    pub variables: Vec<ProgramIndex>,
    /// Time zones that the code names, sorted by name.
    pub zones: Vec<ZoneTable>,
}

impl ProgramTable {
    /// Returns the instructions of a program; `None` where the table does not hold them.
    pub fn code_of(&self, program: ProgramIndex) -> Option<&[u32]> {
        let (start, length) = *program.get(&self.programs)?;
        let start = usize::try_from(start).ok()?;
        self.code.get(start..start.checked_add(usize::try_from(length).ok()?)?)
    }
}

/// A time zone: what its clocks show, as offsets from UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct ZoneTable {
    /// Name in the IANA database, for example `Europe/Berlin`.
    pub name: String,
    /// Offset before the first transition, in seconds east of UTC.
    pub initial: i32,
    /// When the offset changes, in seconds since 1970, ascending, and the offset from then on.
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
    /// A map of single values, its keys distinct and in the order of [`ScalarConstant::key_order`].
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
    /// The order of two keys of a map: bools, then numbers (an int equals a uint of the same value), then strings.
    /// `None` when one of them cannot be a key.
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

/// An attribute that a condition reads: a numbered slot, filled at most once a request.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
pub enum Attribute {
    /// A field of the context, declared or not.
    Field(String, FieldType),
    /// A request header by lower-case name. One that repeats is an error.
    Header(String),
    /// The request's headers as a map.
    Headers,
    /// A part of the request line.
    Request(RequestPart),
    /// The peer, as verified.
    Peer(PeerPart),
    /// The workload that decides.
    Mesh(MeshPart),
    /// Where a call goes.
    Destination(DestinationPart),
    /// Any other attribute of the host, by path, with the type of its bytes.
    Host(Vec<String>, HostType),
    /// A value of the host's dynamic metadata with a declared type (a claim of a verified token): name space, then keys.
    Claim(Vec<String>, FieldType),
    /// All values of a header by lower-case name, as a list of strings; empty where it is absent.
    HeaderValues(String),
    /// The parameters of the query, decoded, as a map.
    QueryParameters,
    /// The cookies, as a map.
    Cookies,
}

impl Attribute {
    /// Whether it is the path of the request, with the query or without.
    pub fn is_path(&self) -> bool {
        match self {
            Self::Request(part) => matches!(part, RequestPart::Path | RequestPart::UrlPath),
            Self::Header(name) | Self::HeaderValues(name) => name == ":path",
            _ => false,
        }
    }
}

/// A part of the request that its headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum RequestPart {
    /// `:path`, with the query.
    Path,
    /// `:path` up to the `?`.
    UrlPath,
    /// What stands behind the `?`.
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

/// What is known of the peer. All are empty strings for a peer without a verified identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum PeerPart {
    /// The SPIFFE ID.
    Principal,
    /// The service that the ID names.
    Service,
    /// The domain of that service.
    Domain,
    /// The region of that domain.
    Region,
    /// The namespace that the ID names.
    Namespace,
    /// The account that the ID names: what it has in place of the service.
    ServiceAccount,
}

/// What is known of the workload that decides.
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

/// What is known of where a call goes. For requests that arrive, it is the workload itself. Strings are empty, and the
/// list too, for a destination that the mesh does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub enum DestinationPart {
    /// Its service.
    Service,
    /// Its domain.
    Domain,
    /// Its region.
    Region,
    /// The frameworks that its domain is under, as a list.
    Frameworks,
}

/// How the bytes of a host attribute read.
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
    /// The text of an IP address with a port (`[::1]:80`), of which the address is read.
    Ip,
}
