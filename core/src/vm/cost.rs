//! What everything costs: one table for the machine, which burns it as fuel, and for the compiler, which adds it
//! up with upper bounds of the sizes.
//!
//! The unit of fuel is one simple instruction. The unit of size is one element of a list, one entry of a map or
//! 64 bytes of text. Sizes are deep: a list costs one for each element and what the elements themselves cost.
//! What a condition makes costs one for every 64 bytes, too, and is bounded by
//! [`crate::limits::MAX_MADE_BYTES`] a decision.

use super::op::Op;

/// Bytes of text that cost as much as one element.
pub const BYTES_PER_UNIT: usize = 64;

/// How the cost of an instruction or a function grows with the sizes of what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostClass {
    /// Not at all.
    Fixed,
    /// Everything that it takes is read once.
    Linear,
    /// Everything that it takes is read once for each doubling of the number of elements.
    Sorting,
    /// Every element of what it takes is compared with every other one.
    Quadratic,
}

impl CostClass {
    /// The fuel for values of this size in all, beyond the one unit of the instruction itself.
    pub const fn fuel(self, units: u64) -> u64 {
        match self {
            Self::Fixed => 0,
            Self::Linear => units,
            Self::Sorting => {
                let doublings = match units.checked_ilog2() {
                    Some(log) => log.saturating_add(1),
                    None => 0,
                };
                #[expect(clippy::as_conversions, reason = "a conversion that loses nothing, in a const function")]
                units.saturating_mul(doublings as u64)
            }
            Self::Quadratic => units.saturating_mul(units),
        }
    }
}

/// The size of a text or bytes, in units.
pub fn text_units(bytes: usize) -> u64 {
    u64::try_from(bytes.wrapping_div(BYTES_PER_UNIT)).unwrap_or(u64::MAX)
}

impl Op {
    /// How its cost grows.
    pub const fn cost(self) -> CostClass {
        match self {
            Self::Call(number) => match super::function::Function::from_number(number) {
                Some(function) => function.cost(),
                None => CostClass::Fixed,
            },
            Self::Member(_)
            | Self::HasMember(_)
            | Self::OptMember(_)
            | Self::Index(_)
            | Self::OptIndex(_)
            | Self::Size(_)
            | Self::Matches(_)
            | Self::Eq(_)
            | Self::Ne(_)
            | Self::Lt(_)
            | Self::Le(_)
            | Self::Gt(_)
            | Self::Ge(_)
            | Self::In(_)
            | Self::StartsWith(_)
            | Self::EndsWith(_)
            | Self::Contains(_)
            | Self::Add(_)
            | Self::IterNext(_)
            | Self::IterNext2(_)
            | Self::MapPut(_)
            | Self::MapPutOptional(_) => CostClass::Linear,
            Self::MapPutAll(_) => CostClass::Quadratic,
            Self::Const(_)
            | Self::Attr(_)
            | Self::HasAttr(_)
            | Self::OptAttr(_)
            | Self::Var(_)
            | Self::List(_)
            | Self::Fail(_)
            | Self::Pop(_)
            | Self::Not(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::JumpIfFalse(_)
            | Self::JumpIfTrue(_)
            | Self::JumpIfError(_)
            | Self::PopJumpIfFalse(_)
            | Self::Jump(_)
            | Self::JumpIfNotIterable(_)
            | Self::JumpIfPresent(_)
            | Self::JumpIfAbsent(_)
            | Self::Loop(_)
            | Self::Sub(_)
            | Self::Mul(_)
            | Self::Div(_)
            | Self::Mod(_)
            | Self::Neg(_)
            | Self::Load(_)
            | Self::Store(_)
            | Self::IterBegin(_)
            | Self::ListBegin(_)
            | Self::ListPush(_)
            | Self::ListPushOptional(_)
            | Self::MapBegin(_)
            | Self::BuildEnd(_) => CostClass::Fixed,
        }
    }
}
