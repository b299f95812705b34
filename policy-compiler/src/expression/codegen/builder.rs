//! Collects the programs of an artifact.

use context_mesh_core::index::{self, AttributeIndex, ConstantIndex, PatternIndex, ProgramIndex, VariableIndex};
use std::collections::{BTreeMap, HashMap};

use context_mesh_core::artifact::tables::{Attribute, Constant, FieldTable, ProgramTable, ScalarConstant, ZoneTable};
use context_mesh_core::limits::{MAX_FUEL, MAX_VARIABLE_DEPTH};
use context_mesh_core::schema::max_items;

use super::cost::{self, Estimate, MAX_COST, Sizes};
use super::costs::Costs;
use super::emit;
use super::pool::Pool;
use super::regex::{self, MAX_DFA_BYTES, RegexError};
use super::share;
use crate::expression::cel::{Problem, zone_needs_table, zone_table};
use crate::expression::ir::{Ir, Node, Pattern};
use crate::report::diagnostic::code;

/// Collects programs, and their pools, for one artifact.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    code: Vec<u32>,
    programs: Pool<ProgramIndex, (u32, u32)>,
    constants: Pool<ConstantIndex, Constant>,
    attributes: Pool<AttributeIndex, Attribute>,
    regexes: Pool<PatternIndex, Vec<u8>>,
    zones: BTreeMap<String, ZoneTable>,
    variables: Vec<Variable>,
    /// The variable that a program computes.
    variable_of: HashMap<ProgramIndex, VariableIndex>,
    sizes: Sizes,
    /// The worst-case cost of each program.
    costs: Vec<Estimate>,
    /// The expression of each program.
    roots: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Variable {
    program: ProgramIndex,
    /// One more than the depth of the deepest variable that it reads.
    depth: usize,
}

impl Builder {
    /// Creates a builder without programs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the longest values that the schemas allow, in bytes by the names of fields. They bound the cost of
    /// expressions.
    #[must_use]
    pub fn with_field_limits(mut self, limits: impl IntoIterator<Item = (String, u64)>) -> Self {
        self.sizes.fields = limits.into_iter().collect();
        self
    }

    /// Creates a builder that knows the limits of these fields (the length of values and the number of items), and the
    /// longest header value that conditions read, in bytes.
    pub(crate) fn with_limits<'f>(fields: impl Iterator<Item = &'f FieldTable>, header_value_bytes: u32) -> Self {
        let mut builder = Self::default();
        builder.sizes.header_bytes = Some(header_value_bytes);
        for field in fields {
            let name = || field.name.clone();
            if field.max_bytes > 0 {
                builder.sizes.fields.insert(name(), u64::from(field.max_bytes));
            }
            builder.sizes.items.insert(name(), u64::try_from(max_items(field)).unwrap_or(u64::MAX));
        }
        builder
    }

    /// Returns the worst-case cost of a program, including the variables that it may read. It is at most [`MAX_COST`]
    /// units of the machine's fuel.
    pub fn cost(&self, program: ProgramIndex) -> Option<u64> {
        program.get(&self.costs).map(|estimate| self.sizes.total(estimate))
    }

    /// Returns the worst-case costs of the programs, alone and together.
    pub fn costs(&self) -> Costs {
        Costs::new(&self.costs, &self.sizes)
    }

    /// Compiles a condition, or the value of a field. Returns the index of its program. Equal expressions share one
    /// program.
    ///
    /// # Errors
    /// A pattern that is too large, a limit of the virtual machine, or a cost beyond [`MAX_COST`].
    pub fn condition(&mut self, ir: &Ir) -> Result<ProgramIndex, Problem> {
        self.program(ir).map(|(program, _)| program)
    }

    fn program(&mut self, ir: &Ir) -> Result<(ProgramIndex, Estimate), Problem> {
        let estimate = cost::estimate(&self.sizes, &ir.root);
        let total = self.sizes.total(&estimate);
        if total > MAX_COST {
            return Err(too_costly(ir, total));
        }
        let words = emit::program(self, ir)?;
        let key = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let code = &mut self.code;
        let program = self.programs.get_or_add(key, || {
            let too_large =
                |_| Problem::new(code::PROGRAM_LIMIT, (ir.start, ir.end), "the programs are too large in all");
            let start = u32::try_from(code.len()).map_err(too_large)?;
            let length = u32::try_from(words.len()).map_err(too_large)?;
            code.extend(words);
            self.costs.push(estimate.clone());
            self.roots.push(ir.root.clone());
            Ok((start, length))
        })?;
        Ok((program, estimate))
    }

    /// Compiles a variable. Returns its index, for [`crate::expression::cel::Environment::with_variable`]. Equal
    /// variables share one index.
    ///
    /// # Errors
    /// As for [`Builder::condition`], and a chain of variables that is too long.
    pub fn variable(&mut self, ir: &Ir) -> Result<VariableIndex, Problem> {
        let (program, estimate) = self.program(ir)?;
        if let Some(known) = self.variable_of.get(&program) {
            return Ok(*known);
        }
        let depth = self.depth(&ir.root) + 1;
        if depth > MAX_VARIABLE_DEPTH {
            let message = format!("more than {MAX_VARIABLE_DEPTH} variables refer to each other in a chain");
            return Err(
                Problem::new(code::PROGRAM_LIMIT, (ir.start, ir.end), message).help("write some of them in one")
            );
        }
        let too_many = || Problem::new(code::PROGRAM_LIMIT, (ir.start, ir.end), "there are too many variables in all");
        let new = index::position(self.variables.len()).map(VariableIndex).ok_or_else(too_many)?;
        self.variables.push(Variable { program, depth });
        self.sizes.variables.push(estimate);
        self.variable_of.insert(program, new);
        Ok(new)
    }

    /// Compiles a pattern. Returns the index of its regex. With `whole` it must match all of a text, otherwise it may
    /// match anywhere in it. The place of a problem is the whole pattern, from character 0.
    ///
    /// # Errors
    /// A pattern that is not a regular expression, or is too large.
    pub fn regex(&mut self, pattern: &str, whole: bool) -> Result<PatternIndex, Problem> {
        let pattern = Pattern { text: pattern.to_owned(), start: 0, end: pattern.chars().count() };
        self.pattern(&pattern, whole)
    }

    /// Returns the regexes so far: text, whether all of a text must match, index.
    pub(crate) fn regex_indices(&self) -> Vec<(String, bool, PatternIndex)> {
        let read = |(key, index): (&[u8], PatternIndex)| {
            let (whole, text) = key.split_first()?;
            Some((String::from_utf8(text.to_vec()).ok()?, *whole == 1, index))
        };
        self.regexes.indices().filter_map(read).collect()
    }

    /// Returns the programs, and the regexes as serialized sparse DFAs. Expressions that several programs compute
    /// become variables.
    pub fn finish(self) -> (ProgramTable, Vec<Vec<u8>>) {
        let mut shared = self.clone();
        match shared.share() {
            Some(()) => shared.finish_as_it_is(),
            None => self.finish_as_it_is(),
        }
    }

    /// Replaces common subexpressions by variables. Returns `None` if there are none, or if the result would exceed a
    /// limit of the machine.
    fn share(&mut self) -> Option<()> {
        let roots = std::mem::take(&mut self.roots);
        let mut fixed = vec![false; roots.len()];
        for variable in &self.variables {
            *index::get_mut(&mut fixed, variable.program.into())? = true;
        }
        let first = u32::try_from(self.variables.len()).ok()?;
        let shared = share::share(self, &roots, &fixed, first)?;
        self.code.clear();
        for (index, root) in shared.programs.iter().enumerate() {
            let range = self.add_code(root)?;
            *self.programs.entry_mut(index)? = range;
        }
        for root in &shared.definitions {
            let depth = self.depth(root) + 1;
            let range = self.add_code(root)?;
            let program = self.programs.add(range);
            self.variables.push(Variable { program, depth });
        }
        let depths: Vec<usize> = self.variables.iter().map(|variable| variable.depth).collect();
        share::is_shallow(&depths).then_some(())
    }

    fn add_code(&mut self, root: &Node) -> Option<(u32, u32)> {
        let words = emit::program(self, &Ir { root: root.clone(), start: 0, end: 0 }).ok()?;
        let range = (u32::try_from(self.code.len()).ok()?, u32::try_from(words.len()).ok()?);
        self.code.extend(words);
        Some(range)
    }

    /// Returns the programs and regexes, without searching for common subexpressions.
    pub(crate) fn finish_as_it_is(self) -> (ProgramTable, Vec<Vec<u8>>) {
        let table = ProgramTable {
            code: self.code,
            programs: self.programs.into_entries(),
            constants: self.constants.into_entries(),
            attributes: self.attributes.into_entries(),
            variables: self.variables.into_iter().map(|variable| variable.program).collect(),
            zones: self.zones.into_values().collect(),
        };
        (table, self.regexes.into_entries())
    }

    pub(super) fn pattern(&mut self, pattern: &Pattern, whole: bool) -> Result<PatternIndex, Problem> {
        let mut key = vec![u8::from(whole)];
        key.extend_from_slice(pattern.text.as_bytes());
        let place = (pattern.start, pattern.end);
        self.regexes.get_or_add(key, || {
            regex::build(&pattern.text, whole).map_err(|error| match error {
                RegexError::Syntax(reason) => {
                    let message = format!("the pattern is not a regular expression: {reason}");
                    Problem::new(code::BAD_PATTERN, place, message)
                }
                RegexError::TooLarge => {
                    let budget = MAX_DFA_BYTES / 1024;
                    let message = format!("the compiled pattern would exceed {budget} KiB");
                    let help = "make repeats such as `{1,100}` shorter or open (`+`), or anchor the pattern with `^`";
                    Problem::new(code::PATTERN_TOO_LARGE, place, message).help(help)
                }
            })
        })
    }

    /// Adds the rules of a time zone. An unknown one is an error at run time.
    pub(super) fn zone(&mut self, name: &str) {
        if zone_needs_table(name) && !self.zones.contains_key(name) {
            self.zones.extend(zone_table(name).map(|table| (name.to_owned(), table)));
        }
    }

    pub(super) fn constant(&mut self, constant: &Constant) -> ConstantIndex {
        // The debug output distinguishes any two constants, including 0.0 and -0.0.
        Self::infallible(self.constants.get_or_add(format!("{constant:?}").into_bytes(), || Ok(constant.clone())))
    }

    pub(super) fn name(&mut self, name: &str) -> ConstantIndex {
        self.constant(&Constant::Scalar(ScalarConstant::String(name.to_owned())))
    }

    pub(super) fn attribute(&mut self, attribute: &Attribute) -> AttributeIndex {
        Self::infallible(self.attributes.get_or_add(format!("{attribute:?}").into_bytes(), || Ok(attribute.clone())))
    }

    fn infallible<I>(result: Result<I, std::convert::Infallible>) -> I {
        match result {
            Ok(index) => index,
        }
    }

    /// Returns the depth of the deepest variable that a node reads, or 0 if it reads none.
    fn depth(&self, node: &Node) -> usize {
        let own = match node {
            Node::Variable(index) => index.get(&self.variables),
            _ => None,
        };
        let children = node.children().into_iter().map(|child| self.depth(child)).max();
        own.map_or(0, |variable| variable.depth).max(children.unwrap_or(0))
    }
}

fn too_costly(ir: &Ir, cost: u64) -> Problem {
    let message = format!("the expression could cost {cost} units of fuel; a whole request has {MAX_FUEL}");
    let mut fields: Vec<&str> = ir
        .attributes()
        .into_iter()
        .filter_map(|attribute| match attribute {
            Attribute::Field(name, _) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let named: Vec<String> = fields.iter().map(|name| format!("`{name}`")).collect();
    let help = if named.is_empty() {
        "loop over less, or do not loop inside of a loop".to_owned()
    } else {
        format!(
            "say how long {} can be (`maxBytes` in the schema), or do not loop inside of a loop",
            named.join(" and ")
        )
    };
    Problem::new(code::TOO_COSTLY, (ir.start, ir.end), message).help(help)
}
