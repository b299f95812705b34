//! The types of generated expressions, and the requests that both sides run them with.

use std::collections::HashMap;
use std::sync::LazyLock;

use cel::objects::Key;
use context_mesh_core::artifact::tables::{FieldType, Scalar};
use context_mesh_core::context::Context;
use serde_json::Value as Json;

/// The type of a generated expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ty {
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    List(&'static Ty),
    Map(&'static Ty, &'static Ty),
}

impl Ty {
    /// Returns the type of the elements of a list or the values of a map.
    pub(super) fn element(&self) -> Option<&'static Ty> {
        match self {
            Self::List(of) | Self::Map(_, of) => Some(of),
            _ => None,
        }
    }

    pub(super) fn is_scalar(&self) -> bool {
        self.element().is_none()
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }
}

/// Every type that is generated.
pub(super) static TYPES: &[Ty] = &[
    Ty::Bool,
    Ty::Int,
    Ty::Uint,
    Ty::Double,
    Ty::String,
    Ty::Bytes,
    Ty::Null,
    Ty::List(&Ty::Int),
    Ty::List(&Ty::String),
    Ty::List(&Ty::Double),
    Ty::List(&Ty::Bool),
    Ty::List(&Ty::List(&Ty::Int)),
    Ty::Map(&Ty::String, &Ty::Int),
    Ty::Map(&Ty::String, &Ty::String),
    Ty::Map(&Ty::Int, &Ty::String),
    Ty::Map(&Ty::Bool, &Ty::List(&Ty::Int)),
    Ty::Map(&Ty::Uint, &Ty::Double),
];

/// A field of the context.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) declared: FieldType,
    /// The type of an expression that reads it; `None` for any.
    pub(super) ty: Option<&'static Ty>,
}

const fn field(name: &'static str, declared: FieldType, ty: Option<&'static Ty>) -> Field {
    Field { name, declared, ty }
}

/// The fields of the context.
pub(super) static FIELDS: &[Field] = &[
    field("s", FieldType::One(Scalar::String), Some(&Ty::String)),
    field("t", FieldType::One(Scalar::String), Some(&Ty::String)),
    field("i", FieldType::One(Scalar::Int), Some(&Ty::Int)),
    field("d", FieldType::One(Scalar::Double), Some(&Ty::Double)),
    field("b", FieldType::One(Scalar::Bool), Some(&Ty::Bool)),
    field("ls", FieldType::List(Scalar::String), Some(&Ty::List(&Ty::String))),
    field("li", FieldType::List(Scalar::Int), Some(&Ty::List(&Ty::Int))),
    field("ld", FieldType::List(Scalar::Double), Some(&Ty::List(&Ty::Double))),
    field("mi", FieldType::Map(Scalar::Int), Some(&Ty::Map(&Ty::String, &Ty::Int))),
    field("ms", FieldType::Map(Scalar::String), Some(&Ty::Map(&Ty::String, &Ty::String))),
    field("any", FieldType::One(Scalar::Any), None),
];

/// A request.
pub(super) struct Input {
    pub(super) name: &'static str,
    /// The context of the request, for our side.
    pub(super) context: Context,
    /// The variable `context`, for the other side.
    pub(super) variable: cel::Value,
}

/// The requests.
pub(super) static INPUTS: LazyLock<Vec<Input>> = LazyLock::new(|| {
    vec![
        input(
            "all fields",
            &[
                ("s", r#""acme""#),
                ("t", r#""\u00e9\ud83d\ude00 \"q\"""#),
                ("i", "3"),
                ("d", "2.5"),
                ("b", "true"),
                ("ls", r#"["a","acme","\u0062"]"#),
                ("li", "[1,2,3]"),
                ("ld", "[0.5,1,-2e3]"),
                ("mi", r#"{"a":1,"rps":10}"#),
                ("ms", r#"{"acme":"x","b":"12"}"#),
                ("any", r#"{"a":1,"b":[1,"a",null,2.5,{"c":true}],"rps":18446744073709551615}"#),
            ],
        ),
        input(
            "extreme values",
            &[
                ("s", r#""""#),
                ("i", "-9223372036854775808"),
                ("d", "-1e300"),
                ("b", "false"),
                ("ls", "[]"),
                ("li", "[9223372036854775807,-1,0]"),
                ("ld", "[1e308,-0.0]"),
                ("mi", "{}"),
                ("any", r#"[1,2.0,"a",[],{}]"#),
            ],
        ),
        input("a few fields", &[("t", r#""b""#), ("i", "0"), ("ms", "{}"), ("any", "7")]),
        input("no fields", &[]),
    ]
});

fn input(name: &'static str, values: &[(&str, &str)]) -> Input {
    let mut context = Context::new();
    let mut variable: HashMap<Key, cel::Value> = HashMap::new();
    for (name, text) in values {
        assert!(context.insert(name, text).is_ok(), "{name}");
        let field = FIELDS.iter().find(|field| field.name == *name);
        let (declared, json) = (field.map(|field| field.declared), serde_json::from_str::<Json>(text));
        let (Some(declared), Ok(json)) = (declared, json) else { panic!("{name} is no field, or its value no JSON") };
        variable.insert((*name).into(), value(&json, declared));
    }
    Input { name, context, variable: cel::Value::Map(variable.into()) }
}

fn value(json: &Json, declared: FieldType) -> cel::Value {
    match declared {
        FieldType::One(scalar) => typed(json, scalar),
        FieldType::List(scalar) | FieldType::Map(scalar) => typed(json, scalar),
    }
}

/// Returns a JSON value whose numbers have the type that the schema states.
pub(super) fn typed(json: &Json, scalar: Scalar) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(value) => cel::Value::Bool(*value),
        Json::Number(number) => match (scalar, number.as_i64(), number.as_u64()) {
            (Scalar::Double, ..) => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            (_, Some(value), _) => cel::Value::Int(value),
            (_, _, Some(value)) => cel::Value::UInt(value),
            _ => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => cel::Value::String(text.clone().into()),
        Json::Array(items) => cel::Value::List(items.iter().map(|item| typed(item, scalar)).collect::<Vec<_>>().into()),
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| (Key::from(key.clone()), typed(value, scalar));
            cel::Value::Map(entries.iter().map(entry).collect::<HashMap<Key, cel::Value>>().into())
        }
    }
}
