//! All limits on input from outside, in one place and each with its reason.
//!
//! Writer and reader share these constants, so that everything that the compiler or another sidecar writes can be read.

/// Longest JSON text of a claim, in bytes.
pub const MAX_CLAIM_BYTES: usize = 4096;

/// Most bytes of the strings of one value of metadata that is read as lines.
pub const MAX_STRINGS_BYTES: usize = 8192;

/// Longest value of one context carrier header in plain text, in bytes. Envoy accepts 60 KiB of headers in total. A
/// context that needs more than a quarter of that is a mistake or an attack.
pub(crate) const MAX_CARRIER_BYTES: usize = 16 * 1024;

/// Longest `x-mesh-context` in its compact form, in bytes: [`MAX_PAYLOAD_BYTES`] in base64, and a little for the bytes
/// before it. So every context that can be read can be written.
pub(crate) const MAX_MESH_HEADER_BYTES: usize = 24 * 1024;

/// Size of the payload of `x-mesh-context` before compression, in bytes: a whole context, and for each field the
/// lengths of its name and value. Also limits the size to which lz4 may
/// inflate a carrier.
pub(crate) const MAX_PAYLOAD_BYTES: usize = MAX_CONTEXT_BYTES + 1024;

/// Most extensions of one `x-mesh-context`. Five numbers are reserved today.
pub(crate) const MAX_EXTENSIONS: usize = 16;

/// Longest word that can have a number, in bytes: as long as field names.
pub const MAX_WORD_BYTES: usize = MAX_FIELD_NAME_BYTES;

/// Most words of one artifact. Every sidecar keeps all of them in memory.
pub const MAX_WORDS: usize = 1 << 16;

/// Largest number of a word. Numbers are assigned consecutively, so it is hardly ever reached.
pub const MAX_WORD_NUMBER: u32 = 1 << 24;

/// Longest SPIFFE ID, in bytes, according to its specification (section 2.3).
pub const MAX_SPIFFE_ID_BYTES: usize = 2048;

/// Most fields of one context.
pub(crate) const MAX_CONTEXT_FIELDS: usize = 128;

/// Longest name of a context field, in bytes.
pub const MAX_FIELD_NAME_BYTES: usize = 128;

/// Size of a whole context (names and JSON texts), in bytes, whatever carriers its fields come from. The limit is the
/// same for reading and writing: a context within it fits into `x-mesh-context`, even if it cannot be compressed.
pub const MAX_CONTEXT_BYTES: usize = 16 * 1024;

/// Deepest nesting of a JSON value. Scanning keeps one bit per level, so this also limits the memory.
pub(crate) const MAX_JSON_DEPTH: usize = 64;

/// Number of members of a `baggage` header, including ours, up to which foreign ones are kept. W3C Baggage section
/// 3.3.2 requires it of a propagator.
pub(crate) const MAX_BAGGAGE_MEMBERS: usize = 64;

/// Size of a `baggage` header up to which foreign members are kept, in bytes. W3C Baggage requires libraries to forward
/// this size.
pub(crate) const MAX_BAGGAGE_BYTES: usize = 8192;

/// Size of an artifact after decompression, in bytes. It is far above the 4 MiB that gRPC accepts compressed, and far
/// below what would exhaust a sidecar.
pub(crate) const MAX_ARTIFACT_BYTES: usize = 64 * 1024 * 1024;

/// Length of the revision of an artifact, in bytes. A commit of git has 40 or 64; names of releases and branches fit too. It
/// goes into each report and into the names of statistics.
pub const MAX_REVISION_BYTES: usize = 100;

/// Length of the name of a service in the names of statistics, in bytes. Names of Kubernetes have at most 63 in each part.
pub const MAX_INFO_SERVICE_BYTES: usize = 128;

/// Most sections of an artifact. Today's compiler writes ten.
pub(crate) const MAX_SECTIONS: usize = 64;

/// Deepest operand stack of one condition.
pub const MAX_STACK: usize = 64;

/// Most locals of one program: three for a loop, one for a list or map under construction.
pub const MAX_LOCALS: usize = 32;

/// Most bytes that the conditions of one decision may make in total (texts, lists, maps).
pub const MAX_MADE_BYTES: usize = 1 << 20;

/// Deepest nesting up to which values are compared, printed and measured.
pub(crate) const MAX_VALUE_DEPTH: usize = 64;

/// Most transitions of one time zone: two per year for four centuries.
pub const MAX_ZONE_TRANSITIONS: usize = 1024;

/// Most frameworks of one domain: `destination.frameworks` is a list that conditions can iterate over.
pub const MAX_FRAMEWORKS: usize = 64;

/// Longest chain of variables that refer to variables.
pub const MAX_VARIABLE_DEPTH: usize = 16;

/// Fuel of one request: for its conditions, and for all other work that it causes ([`crate::fuel`]). A unit is about
/// ten nanoseconds of a worker in Envoy, so this is one millisecond.
pub const MAX_FUEL: u64 = 100_000;

/// Fuel for the watching part of one decision: its audit and shadow rules. It is a separate share, so that they neither
/// use up the fuel of the deciding rules nor refuse a request.
pub(crate) const MAX_WATCHING_FUEL: u64 = 25_000;

/// Most query parameters, or cookies, that conditions can read. If there are more, reading any of them is an error.
pub const MAX_PAIRS: usize = 128;

/// Longest value of a header that conditions read, in bytes, if the mesh does not specify another limit. Reading a
/// longer one is an error.
pub const DEFAULT_HEADER_VALUE_BYTES: u32 = 8192;

/// Smallest such limit that a mesh can specify, in bytes.
pub const MIN_HEADER_VALUE_BYTES: u32 = 256;

/// Largest such limit that a mesh can specify, in bytes: all headers of a request, by Envoy's default limit.
pub const MAX_HEADER_VALUE_BYTES: u32 = 60 * 1024;

/// Most elements of a list, or members of a map, if the schema does not specify a number.
pub const DEFAULT_MAX_ITEMS: usize = 256;

/// Most records that a memory in shared data can hold.
pub const MAX_MEMORY_SLOTS: u32 = 1 << 20;

/// Most bytes that the records of a memory can use: as much as a sidecar may ever need, and what a virtual machine can
/// address.
pub const MAX_MEMORY_BYTES: u64 = 1 << 32;

/// Smallest size of a memory, in bytes: each of its parts has room for the largest record.
pub const MIN_MEMORY_BYTES: u64 = 8 << 20;

/// Shortest time for which a worker that does not respond keeps its part of the memory, in milliseconds. Workers renew
/// it after a quarter of the time.
pub const MIN_MEMORY_TTL_MS: u64 = 4000;

/// Most tickets of earlier requests that a record contains. A service that calls itself needs one.
pub(crate) const MAX_PREDECESSORS: usize = 4;

/// Most open calls whose attached contexts a worker recognises: more than it has streams, at 100 bytes each.
pub(crate) const MAX_ATTACHED: usize = 1 << 16;

/// Most bytes of names and values of these contexts before the rules changed them, which a worker keeps too. Contexts
/// of ordinary size reach the number above first.
pub(crate) const MAX_ATTACHED_BYTES: usize = 1 << 20;

/// Time for which the attached context of a call is known after its end, in milliseconds: the proxy ends a call and
/// then follows its redirect.
pub(crate) const ATTACHED_GRACE_MS: u64 = 500;

/// Most tickets of one call that are read. Two carriers have one each.
pub(crate) const MAX_TICKETS: usize = 8;

/// Most contexts that one worker lists for an id. If there are more, the id recalls nothing.
pub(crate) const MAX_CONTEXTS_OF_AN_ID: usize = 8;

/// Largest remembered record, in bytes. A larger context is not remembered, and is counted.
pub(crate) const MAX_RECORD_BYTES: usize = 48 * 1024;

/// Most members of one `tracestate`, including ours: libraries drop the whole header if there are more.
pub(crate) const MAX_TRACESTATE_MEMBERS: usize = 32;

/// Longest `tracestate` that is written, in bytes: the least that W3C Trace Context requires libraries to forward.
pub(crate) const MAX_TRACESTATE_BYTES: usize = 512;
