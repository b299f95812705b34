//! The instruction set, in one table: the type, the decoder, the encoder, the printer and the costs are generated from
//! it.
//!
//! An instruction is one `u32`: the opcode in the low byte, one operand in the upper three. The machine is a stack
//! machine. A CEL error is a value like any other: an instruction propagates an error that it gets as an operand.
//! `And`, `Or` and the jumps follow CEL's rules of absorption.

use super::cost::CostClass;
use super::function::Function;

/// Largest operand of an instruction.
pub const MAX_OPERAND: u32 = (1 << 24) - 1;

macro_rules! instructions {
    ($($(#[doc = $doc:literal])+ $code:literal $name:ident $mnemonic:literal $operand:ident $pops:literal $pushes:literal $cost:ident;)+) => {
        /// One instruction.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Op {
            $($(#[doc = $doc])+ $name(u32),)+
        }

        /// All opcodes, for tests and documents.
        pub const TABLE: &[Instruction] = &[$(Instruction {
            code: $code,
            mnemonic: $mnemonic,
            operand: Operand::$operand,
            pops: $pops,
            pushes: $pushes,
            cost: CostClass::$cost,
            about: concat!($($doc),+),
        },)+];

        impl Op {
            /// Decodes an instruction. Returns `None` for an unknown opcode, or for an operand of an instruction that
            /// has none.
            pub const fn decode(word: u32) -> Option<Self> {
                let operand = word >> 8;
                match word & 0xff {
                    $($code => if matches!(Operand::$operand, Operand::Nothing) && operand != 0 {
                        None
                    } else {
                        Some(Self::$name(operand))
                    },)+
                    _ => None,
                }
            }

            /// Returns the instruction as a word. The operand must not exceed [`MAX_OPERAND`]; higher bits are lost.
            pub const fn encode(self) -> u32 {
                match self { $(Self::$name(operand) => $code | (operand << 8),)+ }
            }

            /// Returns the operand.
            pub const fn operand(self) -> u32 {
                match self { $(Self::$name(operand) => operand,)+ }
            }

            /// Returns the same instruction with another operand.
            pub(super) const fn with_operand(self, operand: u32) -> Self {
                match self { $(Self::$name(_) => Self::$name(operand),)+ }
            }

            /// Returns the kind of the operand.
            pub const fn operand_kind(self) -> Operand {
                match self { $(Self::$name(_) => Operand::$operand,)+ }
            }

            /// Returns the name in listings.
            pub const fn mnemonic(self) -> &'static str {
                match self { $(Self::$name(_) => $mnemonic,)+ }
            }

            /// Returns the number of values that it takes from the stack, except those that the operand counts.
            const fn fixed_pops(self) -> u32 {
                match self { $(Self::$name(_) => $pops,)+ }
            }

            /// Returns how the cost of the instruction itself grows.
            const fn own_cost(self) -> CostClass {
                match self { $(Self::$name(_) => CostClass::$cost,)+ }
            }

            /// Returns the number of values that it pushes onto the stack.
            pub const fn pushes(self) -> u32 {
                match self { $(Self::$name(_) => $pushes,)+ }
            }
        }
    };
}

/// The table's entry for one opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The low byte of the instruction.
    pub code: u8,
    /// The name in listings.
    pub mnemonic: &'static str,
    /// The kind of the operand.
    pub operand: Operand,
    /// Number of values that it takes from the stack, in addition to those that the operand counts.
    pub pops: u32,
    /// Number of values that it pushes onto the stack.
    pub pushes: u32,
    /// How its cost grows.
    pub cost: CostClass,
    /// Its description.
    pub about: &'static str,
}

/// The kind of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// No operand; it is 0.
    Nothing,
    /// An index into the constants.
    Constant,
    /// An index into the constants; the constant is a string.
    Name,
    /// An index into the attributes.
    Attribute,
    /// An index into the variables.
    Variable,
    /// An index into the regexes.
    Regex,
    /// A number of values on the stack.
    Count,
    /// The index of a later instruction of the same program.
    Target,
    /// The index of an earlier instruction of the same program.
    LoopTarget,
    /// The number of a library function, see [`super::function::Function`].
    Function,
    /// The number of a local, less than [`crate::limits::MAX_LOCALS`].
    Local,
    /// The number of an error, see [`super::EvalErrorKind::number`].
    Error,
}

instructions! {
    /// Pushes a constant.
    0x01 Const "const" Constant 0 1 Fixed;
    /// Pushes an attribute, or the error `no-value`.
    0x02 Attr "attr" Attribute 0 1 Fixed;
    /// Pushes whether an attribute has a value.
    0x03 HasAttr "has-attr" Attribute 0 1 Fixed;
    /// Pushes a variable, which runs at most once in a decision.
    0x04 Var "var" Variable 0 1 Fixed;
    /// Pops a map and pushes its member of that name.
    0x05 Member "member" Name 1 1 Linear;
    /// Pops a map and pushes whether it has a member of that name.
    0x06 HasMember "has-member" Name 1 1 Linear;
    /// Pops a list or map and an index or key; pushes the element.
    0x07 Index "index" Nothing 2 1 Linear;
    /// Pops that many values and pushes a list of them.
    0x08 List "list" Count 0 1 Fixed;
    /// Pops a map, or an optional of one, and pushes an optional of its member of that name: `a.?b`.
    0x09 OptMember "opt-member" Name 1 1 Linear;
    /// Pops a list or map, or an optional of one, and an index or key; pushes an optional of the element: `a[?b]`.
    0x0a OptIndex "opt-index" Nothing 2 1 Linear;
    /// Pushes an optional of an attribute, which is empty if the attribute has no value.
    0x0b OptAttr "opt-attr" Attribute 0 1 Fixed;
    /// Pushes an error.
    0x0c Fail "fail" Error 0 1 Fixed;
    /// Removes the top value.
    0x0d Pop "pop" Nothing 1 0 Fixed;
    /// Pops a bool and pushes its negation.
    0x10 Not "not" Nothing 1 1 Fixed;
    /// Pops the two sides of `&&` and pushes CEL's conjunction.
    0x11 And "and" Nothing 2 1 Fixed;
    /// Pops the two sides of `||` and pushes CEL's disjunction.
    0x12 Or "or" Nothing 2 1 Fixed;
    /// Jumps if the top is `false`, which stays.
    0x13 JumpIfFalse "jump-if-false" Target 1 1 Fixed;
    /// Jumps if the top is `true`, which stays.
    0x14 JumpIfTrue "jump-if-true" Target 1 1 Fixed;
    /// Jumps if the top is not a bool; it stays, as an error. Otherwise it stays too, unchanged.
    0x15 JumpIfError "jump-if-error" Target 1 1 Fixed;
    /// Pops a bool and jumps if it is not `true`.
    0x16 PopJumpIfFalse "pop-jump-if-false" Target 1 0 Fixed;
    /// Jumps.
    0x17 Jump "jump" Target 0 0 Fixed;
    /// Jumps if the top is neither a list nor a map; it stays, as an error. Otherwise it stays too, unchanged.
    0x18 JumpIfNotIterable "jump-if-not-iterable" Target 1 1 Fixed;
    /// Jumps if the top is an optional with a value, or an error; it stays. A value that is not an optional
    /// becomes an error. Otherwise the empty optional stays too.
    0x19 JumpIfPresent "jump-if-present" Target 1 1 Fixed;
    /// Jumps if the top is an empty optional, or an error; it stays. A value that is not an optional becomes an
    /// error. Otherwise the optional stays too.
    0x1a JumpIfAbsent "jump-if-absent" Target 1 1 Fixed;
    /// Jumps back to the target. It is the only instruction that jumps back.
    0x1b Loop "loop" LoopTarget 0 0 Fixed;
    /// `==`
    0x20 Eq "eq" Nothing 2 1 Linear;
    /// `!=`
    0x21 Ne "ne" Nothing 2 1 Linear;
    /// `<`
    0x22 Lt "lt" Nothing 2 1 Linear;
    /// `<=`
    0x23 Le "le" Nothing 2 1 Linear;
    /// `>`
    0x24 Gt "gt" Nothing 2 1 Linear;
    /// `>=`
    0x25 Ge "ge" Nothing 2 1 Linear;
    /// Pops a value and a list or map; pushes whether it is an element or a key.
    0x26 In "in" Nothing 2 1 Linear;
    /// `+` of numbers, texts, bytes, lists, timestamps and durations.
    0x28 Add "add" Nothing 2 1 Linear;
    /// `-` of numbers, timestamps and durations.
    0x29 Sub "sub" Nothing 2 1 Fixed;
    /// `*`
    0x2a Mul "mul" Nothing 2 1 Fixed;
    /// `/`
    0x2b Div "div" Nothing 2 1 Fixed;
    /// `%`
    0x2c Mod "mod" Nothing 2 1 Fixed;
    /// `-` before a number.
    0x2d Neg "neg" Nothing 1 1 Fixed;
    /// `startsWith`
    0x30 StartsWith "starts-with" Nothing 2 1 Linear;
    /// `endsWith`
    0x31 EndsWith "ends-with" Nothing 2 1 Linear;
    /// `contains`
    0x32 Contains "contains" Nothing 2 1 Linear;
    /// `size`
    0x33 Size "size" Nothing 1 1 Linear;
    /// Pops a string and pushes whether the regex matches the whole string.
    0x34 Matches "matches" Regex 1 1 Linear;
    /// Pops the arguments of a library function, of which the last one is on top, and pushes its result.
    0x40 Call "call" Function 0 1 Fixed;
    /// Pushes the value of a local.
    0x50 Load "load" Local 0 1 Fixed;
    /// Pops a value and stores it in a local. An error is a value.
    0x51 Store "store" Local 1 0 Fixed;
    /// Pops a list or map and starts to iterate over it in the local. Any other value is treated as empty.
    0x52 IterBegin "iter-begin" Local 1 0 Fixed;
    /// Pushes whether there is a next element, and stores it in the next local: the element of a list, the key of a map.
    0x53 IterNext "iter-next" Local 0 1 Linear;
    /// As `iter-next`, with two locals: index and element of a list, key and value of a map.
    0x54 IterNext2 "iter-next-2" Local 0 1 Linear;
    /// Begins a list in the local.
    0x58 ListBegin "list-begin" Local 0 0 Fixed;
    /// Pops a value and appends it to the list in the local.
    0x59 ListPush "list-push" Local 1 0 Fixed;
    /// Pops an optional and appends its value, if it has one, to the list in the local.
    0x5a ListPushOptional "list-push-optional" Local 1 0 Fixed;
    /// Begins a map in the local.
    0x5b MapBegin "map-begin" Local 0 0 Fixed;
    /// Pops a value and then its key, and puts them into the map in the local.
    0x5c MapPut "map-put" Local 2 0 Linear;
    /// Pops an optional and then its key, and puts them into the map in the local if there is a value.
    0x5d MapPutOptional "map-put-optional" Local 2 0 Linear;
    /// Pops a map and puts all of its entries into the map in the local.
    0x5e MapPutAll "map-put-all" Local 1 0 Quadratic;
    /// Ends the list or map in the local and pushes it, or the first error that was put into it.
    0x5f BuildEnd "build-end" Local 0 1 Fixed;
}

impl Op {
    /// Returns the number of values that it takes from the stack.
    pub const fn pops(self) -> u32 {
        match self {
            Self::List(count) => count,
            Self::Call(number) => match Function::from_number(number) {
                Some(function) => function.arity(),
                None => 0,
            },
            other => other.fixed_pops(),
        }
    }

    /// Returns how its cost grows.
    pub const fn cost(self) -> CostClass {
        match self {
            Self::Call(number) => match Function::from_number(number) {
                Some(function) => function.cost(),
                None => CostClass::Fixed,
            },
            other => other.own_cost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_opcode_reads_back_as_it_was_written() {
        for row in TABLE {
            let word = u32::from(row.code) | if row.operand == Operand::Nothing { 0 } else { MAX_OPERAND << 8 };
            let op = Op::decode(word).unwrap();
            assert_eq!((op.encode(), op.mnemonic()), (word, row.mnemonic));
        }
        assert_eq!(Op::decode(0), None);
        assert_eq!(Op::decode(0x10 | (1 << 8)), None, "an operand where none belongs");
    }
}
