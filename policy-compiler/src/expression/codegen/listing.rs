//! Programs as text.

use std::net::{Ipv4Addr, Ipv6Addr};

use context_mesh_core::artifact::tables::{
    Attribute, Constant, DestinationPart, MeshPart, PeerPart, ProgramTable, RequestPart, ScalarConstant,
};
use context_mesh_core::index::{self, ProgramIndex};
use context_mesh_core::vm::EvalErrorKind;
use context_mesh_core::vm::function::Function;
use context_mesh_core::vm::op::{Op, Operand};

/// Formats a program with one instruction a line: its number, its mnemonic and the meaning of its operand. Invalid
/// indices are shown as they are, so that a damaged artifact can be examined.
pub fn listing(table: &ProgramTable, program: ProgramIndex) -> String {
    let Some(code) = table.code_of(program) else { return format!("no program {program}\n") };
    code.iter().enumerate().map(|(at, word)| format!("{at:>4}  {}\n", instruction(table, *word))).collect()
}

/// Formats one instruction: its mnemonic and the meaning of its operand.
pub(crate) fn instruction(table: &ProgramTable, word: u32) -> String {
    let Some(op) = Op::decode(word) else { return format!("unknown {word:#010x}") };
    let number = op.operand();
    let operand = match op.operand_kind() {
        Operand::Nothing => return op.mnemonic().to_owned(),
        Operand::Constant | Operand::Name => index::get(&table.constants, number).map(constant),
        Operand::Attribute => index::get(&table.attributes, number).map(attribute),
        Operand::Target | Operand::LoopTarget => Some(format!("-> {number}")),
        Operand::Function => Function::from_number(number).map(|function| function.name().to_owned()),
        Operand::Local => Some(format!("local {number}")),
        Operand::Error => EvalErrorKind::from_number(number).map(|kind| kind.as_str().to_owned()),
        Operand::Variable => Some(format!("variable {number}")),
        Operand::Regex => Some(format!("regex {number}")),
        Operand::Count => Some(number.to_string()),
    };
    format!("{} {}", op.mnemonic(), operand.unwrap_or(format!("? {number}")))
}

fn constant(constant: &Constant) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match constant {
        Constant::Scalar(value) => scalar(value),
        Constant::List(items) => format!("[{}]", list(items.iter().map(scalar).collect())),
        Constant::StringSet(words) => format!("{{{}}}", list(words.iter().map(|word| text(word)).collect())),
        Constant::Networks(networks) => {
            let v4 =
                networks.v4.iter().map(|(first, last)| format!("{}-{}", Ipv4Addr::from(*first), Ipv4Addr::from(*last)));
            let v6 =
                networks.v6.iter().map(|(first, last)| format!("{}-{}", Ipv6Addr::from(*first), Ipv6Addr::from(*last)));
            format!("networks {{{}}}", list(v4.chain(v6).collect()))
        }
        Constant::Map(entries) => {
            format!(
                "{{{}}}",
                list(entries.iter().map(|(key, value)| format!("{}: {}", scalar(key), scalar(value))).collect())
            )
        }
    }
}

fn scalar(value: &ScalarConstant) -> String {
    match value {
        ScalarConstant::Null => "null".to_owned(),
        ScalarConstant::Bool(value) => value.to_string(),
        ScalarConstant::Int(value) => value.to_string(),
        ScalarConstant::Uint(value) => format!("{value}u"),
        ScalarConstant::Double(value) => format!("{value:?}"),
        ScalarConstant::String(value) => text(value),
        ScalarConstant::Bytes(value) => format!("b'{}'", value.escape_ascii()),
        ScalarConstant::Duration(nanos) => format!("duration {nanos} ns"),
        ScalarConstant::Timestamp { seconds, nanos } => format!("timestamp {seconds} s {nanos} ns"),
        ScalarConstant::Type(name) => format!("type {name}"),
    }
}

fn text(value: &str) -> String {
    let escaped: String = value.chars().flat_map(char::escape_debug).collect();
    format!("'{}'", escaped.replace("\\\"", "\""))
}

/// Formats an attribute as in an expression.
pub(crate) fn attribute(attribute: &Attribute) -> String {
    match attribute {
        Attribute::Field(name, _) => format!("context.{name}"),
        Attribute::Header(name) => format!("request.headers[{}]", text(name)),
        Attribute::Headers => "request.headers".to_owned(),
        Attribute::HeaderValues(name) => format!("request.header_values[{}]", text(name)),
        Attribute::HeaderLines(name) => format!("request.header_lines[{}]", text(name)),
        Attribute::QueryParameters => "request.query_params".to_owned(),
        Attribute::Cookies => "request.cookies".to_owned(),
        Attribute::Request(part) => format!("request.{}", request(*part)),
        Attribute::Peer(part) => format!("peer.{}", peer(*part)),
        Attribute::Mesh(part) => format!("mesh.{}", mesh(*part)),
        Attribute::Destination(part) => format!("destination.{}", destination(*part)),
        Attribute::Host(path, _) => path.join("."),
        Attribute::Claim(path, field) => format!("claim {} ({field})", path.join(".")),
    }
}

fn request(part: RequestPart) -> &'static str {
    match part {
        RequestPart::Path => "path",
        RequestPart::UrlPath => "url_path",
        RequestPart::Query => "query",
        RequestPart::Host => "host",
        RequestPart::Hostname => "hostname",
        RequestPart::Method => "method",
        RequestPart::Scheme => "scheme",
        RequestPart::Referer => "referer",
        RequestPart::UserAgent => "useragent",
        RequestPart::Id => "id",
    }
}

fn destination(part: DestinationPart) -> &'static str {
    match part {
        DestinationPart::Service => "service",
        DestinationPart::Domain => "domain",
        DestinationPart::Region => "region",
        DestinationPart::Frameworks => "frameworks",
    }
}

fn peer(part: PeerPart) -> &'static str {
    match part {
        PeerPart::Principal => "principal",
        PeerPart::Service => "service",
        PeerPart::Domain => "domain",
        PeerPart::Region => "region",
        PeerPart::Namespace => "namespace",
        PeerPart::ServiceAccount => "serviceAccount",
    }
}

fn mesh(part: MeshPart) -> &'static str {
    match part {
        MeshPart::Service => "service",
        MeshPart::Domain => "domain",
        MeshPart::Region => "region",
        MeshPart::Direction => "direction",
    }
}
