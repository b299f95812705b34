//! Every limit on what comes from outside, in one place and each with its reason.
//!
//! Writer and reader share these constants, so what the compiler or another sidecar writes can always be
//! read back.

/// Longest JSON text of a claim, in bytes.
pub const MAX_CLAIM_BYTES: usize = 4096;

/// Longest value of one context carrier header in plain text, in bytes. Envoy accepts 60 KiB of headers in all; a context
/// that needs more than a quarter of that is a mistake or an attack.
pub(crate) const MAX_CARRIER_BYTES: usize = 16 * 1024;

/// Longest `x-mesh-context` in its compact form, in bytes: [`MAX_PAYLOAD_BYTES`] in base64, and a little for what stands
/// before it. So a context that can be read can be written.
pub(crate) const MAX_MESH_HEADER_BYTES: usize = 24 * 1024;

/// Size of the payload of `x-mesh-context` before compression, in bytes: a whole context, and for each field the
/// lengths of its name and value. Bounds what lz4 may inflate a carrier to.
pub(crate) const MAX_PAYLOAD_BYTES: usize = MAX_CONTEXT_BYTES + 1024;

/// Most extensions of one `x-mesh-context`. Five numbers are reserved today.
pub(crate) const MAX_EXTENSIONS: usize = 16;

/// Longest word that can have a number, in bytes: field names may be as long.
pub const MAX_WORD_BYTES: usize = MAX_FIELD_NAME_BYTES;

/// Most words of one artifact. Every sidecar holds all of them.
pub const MAX_WORDS: usize = 1 << 16;

/// Largest number of a word. Numbers are given out one after the other, so this is far away.
pub const MAX_WORD_NUMBER: u32 = 1 << 24;

/// Longest SPIFFE ID, in bytes, as its specification says (section 2.3).
pub const MAX_SPIFFE_ID_BYTES: usize = 2048;

/// Most fields of one context.
pub(crate) const MAX_CONTEXT_FIELDS: usize = 128;

/// Longest name of a context field, in bytes.
pub const MAX_FIELD_NAME_BYTES: usize = 128;

/// Size of a whole context (names and JSON texts), in bytes, wherever its fields come from. One limit for reading and
/// writing: what is within it fits into `x-mesh-context`, even where it cannot be compressed.
pub const MAX_CONTEXT_BYTES: usize = 16 * 1024;

/// Deepest nesting of a JSON value. Scanning keeps one bit a level, so this also bounds memory.
pub(crate) const MAX_JSON_DEPTH: usize = 64;

/// Up to how many members of a `baggage` header, ours included, foreign ones are kept: what W3C Baggage section 3.3.2 asks of a propagator.
pub(crate) const MAX_BAGGAGE_MEMBERS: usize = 64;

/// Up to which size foreign members of a `baggage` header are kept, in bytes: what W3C Baggage asks libraries to carry on.
pub(crate) const MAX_BAGGAGE_BYTES: usize = 8192;

/// Size of an artifact after decompression, in bytes. Far above the 4 MiB that gRPC lets through compressed,
/// far below what would exhaust a sidecar.
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

/// Most locals of one program: three for a loop, one for a list or map that is being made.
pub const MAX_LOCALS: usize = 32;

/// Bytes that the conditions of one decision may make in all (texts, lists, maps).
pub const MAX_MADE_BYTES: usize = 1 << 20;

/// Deepest nesting that comparing, printing and measuring of values descends into.
pub(crate) const MAX_VALUE_DEPTH: usize = 64;

/// Most transitions of one time zone. Two a year for four centuries.
pub const MAX_ZONE_TRANSITIONS: usize = 1024;

/// Most frameworks of one domain: `destination.frameworks` is a list that conditions can loop over.
pub const MAX_FRAMEWORKS: usize = 64;

/// Longest chain of variables that refer to variables.
pub const MAX_VARIABLE_DEPTH: usize = 16;

/// Fuel of one request: for its conditions, and for everything else that it makes us do ([`crate::fuel`]). A unit is about
/// ten nanoseconds of a worker in Envoy, so this is one millisecond.
pub const MAX_FUEL: u64 = 100_000;

/// Fuel for what only watches one decision: its audit and shadow rules. A share of its own, so that they neither take
/// anything from the rules that decide nor refuse a request.
pub(crate) const MAX_WATCHING_FUEL: u64 = 25_000;

/// Most elements of a list, or members of a map, where the schema names no number.
pub const DEFAULT_MAX_ITEMS: usize = 256;

/// Most records that a memory in shared data can hold.
pub const MAX_MEMORY_SLOTS: u32 = 1 << 20;

/// Most bytes that the records of a memory can take: as much as a sidecar may ever need, and what a virtual machine can address.
pub const MAX_MEMORY_BYTES: u64 = 1 << 32;

/// Fewest bytes that a memory can be given: each of its parts has room for the largest record.
pub const MIN_MEMORY_BYTES: u64 = 8 << 20;

/// Shortest time for which a worker that does not answer keeps its part of the memory, in milliseconds. Workers renew it at a quarter.
pub const MIN_MEMORY_TTL_MS: u64 = 4000;

/// Most tickets of earlier requests that a record names. One is what a service that calls itself makes.
pub(crate) const MAX_PREDECESSORS: usize = 4;

/// Most open calls whose attached contexts a worker knows again: more than it has streams, at 100 bytes each.
pub(crate) const MAX_ATTACHED: usize = 1 << 16;

/// Most bytes of names and values that a worker keeps with them, as they were before its rules. Contexts of ordinary size reach the number
/// above first.
pub(crate) const MAX_ATTACHED_BYTES: usize = 1 << 20;

/// How long the attached context of a call is known after its end, in milliseconds: the proxy ends a call and then follows its redirect.
pub(crate) const ATTACHED_GRACE_MS: u64 = 500;

/// Most tickets of one call that are looked at. Two carriers bring one each.
pub(crate) const MAX_TICKETS: usize = 8;

/// Most contexts that one worker lists under an id. Where there are more, nothing is recalled by it.
pub(crate) const MAX_CONTEXTS_OF_AN_ID: usize = 8;

/// Largest remembered record, in bytes. A larger context is not remembered, and that is counted.
pub(crate) const MAX_RECORD_BYTES: usize = 48 * 1024;

/// Most members of one `tracestate`, ours among them: libraries drop the whole header when there are more.
pub(crate) const MAX_TRACESTATE_MEMBERS: usize = 32;

/// Longest `tracestate` that is written, in bytes: what W3C Trace Context asks libraries to carry on at least.
pub(crate) const MAX_TRACESTATE_BYTES: usize = 512;
