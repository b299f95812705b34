//! The library functions, in one table: number, name in CEL, number of arguments, cost, implementation.
//!
//! The receiver of a method is its first argument. One entry serves all overloads of a name with that many
//! arguments: it looks at the types of its values when it runs. A function never sees an error: an error among
//! its arguments is its result.

use bumpalo::Bump;

use super::cost::CostClass;
use super::env::{Env, Outcome};
use super::library::{convert, encoders, format, lists, math, network, optional, strings, time};
use super::value::Value;
use crate::tables::ScalarConstant;

macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $number:literal $function:ident $name:literal $arity:literal $cost:ident $call:path;)+) => {
        /// A library function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function {
            $($(#[doc = $doc])+ $function,)+
        }

        impl Function {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$function,)+];

            /// The function of that number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$function),)+
                    _ => None,
                }
            }

            /// The number, which is the operand of `call`.
            pub const fn number(self) -> u32 {
                match self { $(Self::$function => $number,)+ }
            }

            /// The name in CEL.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$function => $name,)+ }
            }

            /// How many arguments it takes, the receiver among them.
            pub const fn arity(self) -> u32 {
                match self { $(Self::$function => $arity,)+ }
            }

            /// How its cost grows.
            pub const fn cost(self) -> CostClass {
                match self { $(Self::$function => CostClass::$cost,)+ }
            }

            /// What it does, for documents.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$function => concat!($($doc),+),)+ }
            }

            /// Calls it with as many arguments as it takes, none of them an error.
            pub(super) fn call<'a>(self, env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
                match self { $(Self::$function => $call(env, arguments),)+ }
            }
        }
    };
}

impl Function {
    /// Returns whether the function gives an error for this constant alone: a text that it cannot read.
    pub fn fails(self, constant: &ScalarConstant) -> bool {
        let arena = Bump::new();
        self.arity() != 1 || self.call(&mut Env::new(&arena, &[]), &[Value::constant(constant)]).is_err()
    }

    /// Returns the function with this name in CEL and this number of arguments, including the receiver.
    pub fn from_name(name: &str, arity: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name && function.arity() == arity)
    }
}

functions! {
    /// The type of a value.
    1 Type "type" 1 Fixed convert::type_of;
    /// To a bool, from a string.
    2 Bool "bool" 1 Fixed convert::bool;
    /// To an int, from a number, a string or a timestamp (its seconds).
    3 Int "int" 1 Linear convert::int;
    /// To a uint, from a number or a string.
    4 Uint "uint" 1 Linear convert::uint;
    /// To a double, from a number or a string.
    5 Double "double" 1 Linear convert::double;
    /// To a string, from any value except a list, map, type or optional.
    6 String "string" 1 Linear convert::string;
    /// To bytes, from a string.
    7 Bytes "bytes" 1 Linear convert::bytes;
    /// To a timestamp, from RFC 3339 text or seconds since 1970.
    8 Timestamp "timestamp" 1 Linear time::timestamp;
    /// To a duration, from text such as `1h30m` or `1.5s`.
    9 Duration "duration" 1 Linear time::duration;

    /// The year of a timestamp in UTC.
    10 GetFullYear "getFullYear" 1 Fixed time::year;
    /// The year of a timestamp in a time zone.
    11 GetFullYearIn "getFullYear" 2 Fixed time::year;
    /// The month of a timestamp in UTC, from 0.
    12 GetMonth "getMonth" 1 Fixed time::month;
    /// The month of a timestamp in a time zone, from 0.
    13 GetMonthIn "getMonth" 2 Fixed time::month;
    /// The day of the year of a timestamp in UTC, from 0.
    14 GetDayOfYear "getDayOfYear" 1 Fixed time::day_of_year;
    /// The day of the year of a timestamp in a time zone, from 0.
    15 GetDayOfYearIn "getDayOfYear" 2 Fixed time::day_of_year;
    /// The day of the month of a timestamp in UTC, from 0.
    16 GetDayOfMonth "getDayOfMonth" 1 Fixed time::day_of_month;
    /// The day of the month of a timestamp in a time zone, from 0.
    17 GetDayOfMonthIn "getDayOfMonth" 2 Fixed time::day_of_month;
    /// The day of the month of a timestamp in UTC, from 1.
    18 GetDate "getDate" 1 Fixed time::date;
    /// The day of the month of a timestamp in a time zone, from 1.
    19 GetDateIn "getDate" 2 Fixed time::date;
    /// The day of the week of a timestamp in UTC, from 0 for Sunday.
    20 GetDayOfWeek "getDayOfWeek" 1 Fixed time::day_of_week;
    /// The day of the week of a timestamp in a time zone, from 0 for Sunday.
    21 GetDayOfWeekIn "getDayOfWeek" 2 Fixed time::day_of_week;
    /// The hour of a timestamp in UTC; the whole hours of a duration.
    22 GetHours "getHours" 1 Fixed time::hours;
    /// The hour of a timestamp in a time zone.
    23 GetHoursIn "getHours" 2 Fixed time::hours;
    /// The minute of a timestamp in UTC; the whole minutes of a duration.
    24 GetMinutes "getMinutes" 1 Fixed time::minutes;
    /// The minute of a timestamp in a time zone.
    25 GetMinutesIn "getMinutes" 2 Fixed time::minutes;
    /// The second of a timestamp in UTC; the whole seconds of a duration.
    26 GetSeconds "getSeconds" 1 Fixed time::seconds;
    /// The second of a timestamp in a time zone.
    27 GetSecondsIn "getSeconds" 2 Fixed time::seconds;
    /// The millisecond within the second of a timestamp or a duration.
    28 GetMilliseconds "getMilliseconds" 1 Fixed time::milliseconds;
    /// The millisecond of a timestamp in a time zone.
    29 GetMillisecondsIn "getMilliseconds" 2 Fixed time::milliseconds;

    /// The character at an index of a string.
    40 CharAt "charAt" 2 Linear strings::char_at;
    /// The index of the first occurrence of a string, or -1.
    41 IndexOf "indexOf" 2 Linear strings::index_of;
    /// The index of the first occurrence of a string from an index on, or -1.
    42 IndexOfFrom "indexOf" 3 Linear strings::index_of;
    /// The index of the last occurrence of a string, or -1.
    43 LastIndexOf "lastIndexOf" 2 Linear strings::last_index_of;
    /// The index of the last occurrence of a string up to an index, or -1.
    44 LastIndexOfTo "lastIndexOf" 3 Linear strings::last_index_of;
    /// The strings of a list in one.
    45 Join "join" 1 Linear strings::join;
    /// The strings of a list in one, with a separator.
    46 JoinWith "join" 2 Linear strings::join;
    /// ASCII letters in lower case.
    47 LowerAscii "lowerAscii" 1 Linear strings::lower_ascii;
    /// ASCII letters in upper case.
    48 UpperAscii "upperAscii" 1 Linear strings::upper_ascii;
    /// A string in quotes, with escapes.
    49 Quote "strings.quote" 1 Linear strings::quote;
    /// A string with all occurrences of one string replaced by another.
    50 Replace "replace" 3 Linear strings::replace;
    /// A string with at most a given number of occurrences of one string replaced by another.
    51 ReplaceUpTo "replace" 4 Linear strings::replace;
    /// The parts of a string between separators.
    52 Split "split" 2 Linear strings::split;
    /// The parts of a string between separators, at most a given number.
    53 SplitUpTo "split" 3 Linear strings::split;
    /// A string from an index on.
    54 SubstringFrom "substring" 2 Linear strings::substring;
    /// A string from an index up to another.
    55 Substring "substring" 3 Linear strings::substring;
    /// A string without leading and trailing white space.
    56 Trim "trim" 1 Linear strings::trim;
    /// The characters of a string, or the elements of a list, in the opposite order.
    57 Reverse "reverse" 1 Linear lists::reverse;
    /// A text with the values of a list in the places of its clauses (`%s`, `%d`, ...).
    58 Format "format" 2 Linear format::format;

    /// The greatest of the numbers of a list.
    70 Greatest "math.greatest" 1 Linear math::greatest;
    /// The least of the numbers of a list.
    71 Least "math.least" 1 Linear math::least;
    /// The next integer above.
    72 Ceil "math.ceil" 1 Fixed math::ceil;
    /// The next integer below.
    73 Floor "math.floor" 1 Fixed math::floor;
    /// The nearest integer, halves away from zero.
    74 Round "math.round" 1 Fixed math::round;
    /// The integer part.
    75 Trunc "math.trunc" 1 Fixed math::trunc;
    /// The absolute value.
    76 Abs "math.abs" 1 Fixed math::abs;
    /// -1, 0 or 1, in the type of the number.
    77 Sign "math.sign" 1 Fixed math::sign;
    /// Whether a double is infinite.
    78 IsInf "math.isInf" 1 Fixed math::is_inf;
    /// Whether a double is not a number.
    79 IsNaN "math.isNaN" 1 Fixed math::is_nan;
    /// Whether a double is a number and finite.
    80 IsFinite "math.isFinite" 1 Fixed math::is_finite;
    /// The bits that both have.
    81 BitAnd "math.bitAnd" 2 Fixed math::bit_and;
    /// The bits that one has.
    82 BitOr "math.bitOr" 2 Fixed math::bit_or;
    /// The bits that exactly one has.
    83 BitXor "math.bitXor" 2 Fixed math::bit_xor;
    /// The opposite bits.
    84 BitNot "math.bitNot" 1 Fixed math::bit_not;
    /// The bits moved left.
    85 BitShiftLeft "math.bitShiftLeft" 2 Fixed math::bit_shift_left;
    /// The bits moved right, with zeros from the left.
    86 BitShiftRight "math.bitShiftRight" 2 Fixed math::bit_shift_right;
    /// The square root, as a double.
    87 Sqrt "math.sqrt" 1 Fixed math::sqrt;

    /// A list without repetitions.
    100 Distinct "distinct" 1 Quadratic lists::distinct;
    /// A list with the elements of its lists in their place.
    101 Flatten "flatten" 1 Linear lists::flatten;
    /// A list with the elements of its lists in their place, down to a depth.
    102 FlattenTo "flatten" 2 Linear lists::flatten;
    /// The integers from 0 to below a number.
    103 Range "lists.range" 1 Fixed lists::range;
    /// The elements of a list from an index to another.
    104 Slice "slice" 3 Linear lists::slice;
    /// A list in ascending order.
    105 Sort "sort" 1 Sorting lists::sort;
    /// A list in the ascending order of the keys in a second list of the same length: what `sortBy` compiles to.
    106 SortByKeys "@sortByAssociatedKeys" 2 Sorting lists::sort_by_keys;
    /// The first element of a list, as an optional.
    107 First "first" 1 Linear lists::first;
    /// The last element of a list, as an optional.
    108 Last "last" 1 Linear lists::last;

    /// Bytes as base64 text.
    120 Base64Encode "base64.encode" 1 Linear encoders::encode;
    /// Base64 text, with or without padding, as bytes.
    121 Base64Decode "base64.decode" 1 Linear encoders::decode;
    /// A number of a string, not negative: the first eight bytes of its SHA-256, big endian, without the highest bit.
    122 Hash "hash" 1 Linear encoders::hash;

    /// An optional with this value.
    130 OptionalOf "optional.of" 1 Fixed optional::of;
    /// The empty optional.
    131 OptionalNone "optional.none" 0 Fixed optional::none;
    /// An optional with this value, empty if it is the zero of its type.
    132 OptionalOfNonZero "optional.ofNonZeroValue" 1 Linear optional::of_non_zero_value;
    /// Whether an optional has a value.
    133 HasValue "hasValue" 1 Fixed optional::has_value;
    /// The value of an optional; an error without one.
    134 OptionalValue "value" 1 Fixed optional::value;
    /// The values of a list of optionals.
    135 Unwrap "optional.unwrap" 1 Linear optional::unwrap;
    /// The values of a list of optionals.
    136 UnwrapOpt "unwrapOpt" 1 Linear optional::unwrap;

    /// To an IP address, from a string; the address of a CIDR range.
    150 Ip "ip" 1 Linear network::ip;
    /// To a CIDR range, from a string.
    151 Cidr "cidr" 1 Linear network::cidr;
    /// Whether a string is an IP address.
    152 IsIp "isIP" 1 Linear network::is_ip;
    /// Whether a string is a CIDR range.
    153 IsCidr "isCIDR" 1 Linear network::is_cidr;
    /// Whether a string is an IP address in its canonical form.
    154 IsCanonical "ip.isCanonical" 1 Linear network::is_canonical;
    /// 4 or 6.
    155 Family "family" 1 Fixed network::family;
    /// Whether an address is `0.0.0.0` or `::`.
    156 IsUnspecified "isUnspecified" 1 Fixed network::is_unspecified;
    /// Whether an address is a loopback address.
    157 IsLoopback "isLoopback" 1 Fixed network::is_loopback;
    /// Whether an address is a global unicast address.
    158 IsGlobalUnicast "isGlobalUnicast" 1 Fixed network::is_global_unicast;
    /// Whether an address is a link-local multicast address.
    159 IsLinkLocalMulticast "isLinkLocalMulticast" 1 Fixed network::is_link_local_multicast;
    /// Whether an address is a link-local unicast address.
    160 IsLinkLocalUnicast "isLinkLocalUnicast" 1 Fixed network::is_link_local_unicast;
    /// Whether a range has an address (or its text) in it.
    161 ContainsIp "containsIP" 2 Linear network::contains_ip;
    /// Whether a range has another (or its text) in it.
    162 ContainsCidr "containsCIDR" 2 Linear network::contains_cidr;
    /// A range with its address cut to the prefix.
    163 Masked "masked" 1 Fixed network::masked;
    /// The length of a range's prefix in bits.
    164 PrefixLength "prefixLength" 1 Fixed network::prefix_length;
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn numbers_ascend_and_names_are_distinct() {
        assert!(Function::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        for function in Function::ALL {
            assert_eq!(Function::from_number(function.number()), Some(*function));
            assert_eq!(Function::from_name(function.name(), function.arity()), Some(*function));
        }
        assert_eq!(Function::from_number(0), None);
        assert_eq!(Function::from_name("int", 2), None);
    }
}
