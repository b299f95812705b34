//! Slices: the part of a mesh's tables that one service needs.
//!
//! A slice is cut from the compiled tables. Its programs are the same as in the whole, instruction for instruction;
//! only the indices in their operands change. All services, domains and fields stay, because they determine who a peer
//! is and what a context may hold. The words stay too, so that services with slices understand each other.

use context_mesh_core::index::{
    self, AttributeIndex, ConstantIndex, PatternIndex, ProgramIndex, RuleIndex, VariableIndex,
};
use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::{
    artifact::tables::{Attribute, Constant, Effect, EntryTable, ProgramTable, RuleTable, ScalarConstant, Tables},
    vm::op::{Op, Operand},
};

/// Returns what `service` needs, or `None` if the tables do not list the service or have an invalid index.
pub fn slice(tables: &Tables, service: &str) -> Option<Tables> {
    let own = &tables.services.iter().find(|known| known.name == service)?.entry;
    let rules = Kept::new(own.inbound.iter().chain(&own.outbound).copied());
    let mut needs = Needs::default();
    for index in rules.old() {
        let programs = programs_of(index.get(&tables.rules)?);
        programs.into_iter().try_for_each(|program| needs.program(&tables.program, program))?;
    }
    needs.regexes.extend(tables.fields.iter().filter_map(|field| field.pattern));
    let numbers = needs.numbers();
    let services = tables.services.iter().cloned().map(|mut known| {
        known.entry = if known.name == service { rules.entry(own)? } else { EntryTable::default() };
        Some(known)
    });
    let fields = tables.fields.iter().cloned().map(|mut field| {
        if let Some(pattern) = &mut field.pattern {
            *pattern = numbers.regexes.new_number(*pattern)?;
        }
        Some(field)
    });
    let mut mesh = tables.mesh.clone();
    service.clone_into(&mut mesh.slice);
    Some(Tables {
        mesh,
        dictionaries: tables.dictionaries.clone(),
        words: tables.words.clone(),
        fields: fields.collect::<Option<_>>()?,
        services: services.collect::<Option<_>>()?,
        domains: tables.domains.clone(),
        rules: rules.old().map(|index| numbers.rule(index.get(&tables.rules)?)).collect::<Option<_>>()?,
        program: numbers.programs(&tables.program)?,
        regexes: numbers.regexes.of(&tables.regexes)?,
        unlisted: EntryTable::default(),
        names: tables.names.clone(),
    })
}

/// Returns the programs of a rule, as indices into [`ProgramTable::programs`]: its condition, then the values that it
/// sets.
pub fn programs_of(rule: &RuleTable) -> Vec<ProgramIndex> {
    let values: &[(String, ProgramIndex)] = match &rule.effect {
        Effect::Set { fields } => fields,
        _ => &[],
    };
    rule.condition.into_iter().chain(values.iter().map(|(_, program)| *program)).collect()
}

/// Returns the attributes that a rule may read, or `None` if the tables have an invalid index.
pub(super) fn attributes_of<'t>(rule: &RuleTable, tables: &'t Tables) -> Option<Vec<&'t Attribute>> {
    let mut needs = Needs::default();
    programs_of(rule).into_iter().try_for_each(|program| needs.program(&tables.program, program))?;
    needs.attributes.into_iter().map(|index| index.get(&tables.program.attributes)).collect()
}

/// What a set of programs refers to, directly or through variables.
#[derive(Default)]
struct Needs {
    programs: BTreeSet<ProgramIndex>,
    constants: BTreeSet<ConstantIndex>,
    attributes: BTreeSet<AttributeIndex>,
    variables: BTreeSet<VariableIndex>,
    regexes: BTreeSet<PatternIndex>,
}

impl Needs {
    /// Adds a program. Variables only read variables before them, so the recursion is no deeper than the longest chain
    /// of variables.
    fn program(&mut self, table: &ProgramTable, program: ProgramIndex) -> Option<()> {
        if !self.programs.insert(program) {
            return Some(());
        }
        for word in table.code_of(program)? {
            let op = Op::decode(*word)?;
            let number = op.operand();
            match op.operand_kind() {
                Operand::Constant | Operand::Name => drop(self.constants.insert(ConstantIndex(number))),
                Operand::Attribute => drop(self.attributes.insert(AttributeIndex(number))),
                Operand::Regex => drop(self.regexes.insert(PatternIndex(number))),
                Operand::Variable => {
                    let variable = VariableIndex(number);
                    self.variables.insert(variable);
                    self.program(table, *variable.get(&table.variables)?)?;
                }
                Operand::Nothing
                | Operand::Count
                | Operand::Target
                | Operand::LoopTarget
                | Operand::Function
                | Operand::Local
                | Operand::Error => {}
            }
        }
        Some(())
    }

    fn numbers(self) -> Numbers {
        Numbers {
            programs: Kept::new(self.programs),
            constants: Kept::new(self.constants),
            attributes: Kept::new(self.attributes),
            variables: Kept::new(self.variables),
            regexes: Kept::new(self.regexes),
        }
    }
}

/// The kept entries of a pool, in order: old indices and new ones.
struct Kept<I>(BTreeMap<I, I>);

impl<I: Ord + Copy + From<u32> + Into<u32>> Kept<I> {
    fn new(old: impl IntoIterator<Item = I>) -> Self {
        let sorted: BTreeSet<I> = old.into_iter().collect();
        Self(sorted.into_iter().zip((0..).map(I::from)).collect())
    }

    fn old(&self) -> impl Iterator<Item = I> {
        self.0.keys().copied()
    }

    fn new_number(&self, old: I) -> Option<I> {
        self.0.get(&old).copied()
    }

    /// Returns the new value of an operand.
    fn operand(&self, old: u32) -> Option<u32> {
        self.new_number(I::from(old)).map(I::into)
    }

    fn of<T: Clone>(&self, items: &[T]) -> Option<Vec<T>> {
        self.old().map(|old| index::get(items, old.into()).cloned()).collect()
    }
}

impl Kept<RuleIndex> {
    fn entry(&self, entry: &EntryTable) -> Option<EntryTable> {
        let list = |rules: &[RuleIndex]| rules.iter().map(|rule| self.new_number(*rule)).collect::<Option<Vec<_>>>();
        Some(EntryTable { inbound: list(&entry.inbound)?, outbound: list(&entry.outbound)?, ..*entry })
    }
}

/// The new indices of everything that programs refer to.
struct Numbers {
    programs: Kept<ProgramIndex>,
    constants: Kept<ConstantIndex>,
    attributes: Kept<AttributeIndex>,
    variables: Kept<VariableIndex>,
    regexes: Kept<PatternIndex>,
}

impl Numbers {
    fn rule(&self, rule: &RuleTable) -> Option<RuleTable> {
        let mut rule = rule.clone();
        if let Some(condition) = &mut rule.condition {
            *condition = self.programs.new_number(*condition)?;
        }
        if let Effect::Set { fields } = &mut rule.effect {
            for (_, program) in fields {
                *program = self.programs.new_number(*program)?;
            }
        }
        Some(rule)
    }

    fn programs(&self, table: &ProgramTable) -> Option<ProgramTable> {
        let mut sliced = ProgramTable {
            constants: self.constants.of(&table.constants)?,
            attributes: self.attributes.of(&table.attributes)?,
            ..ProgramTable::default()
        };
        for program in self.programs.old() {
            let words = table.code_of(program)?;
            sliced.programs.push((u32::try_from(sliced.code.len()).ok()?, u32::try_from(words.len()).ok()?));
            for word in words {
                sliced.code.push(self.instruction(*word)?);
            }
        }
        for variable in self.variables.old() {
            sliced.variables.push(self.programs.new_number(*variable.get(&table.variables)?)?);
        }
        // A zone is named by a constant of the code.
        let named = |name: &str| sliced.constants.iter().any(|constant| is_string(constant, name));
        sliced.zones = table.zones.iter().filter(|zone| named(&zone.name)).cloned().collect();
        Some(sliced)
    }

    /// Returns the instruction with its new operand, which is in the upper three bytes.
    fn instruction(&self, word: u32) -> Option<u32> {
        let op = Op::decode(word)?;
        let operand = op.operand();
        let number = match op.operand_kind() {
            Operand::Constant | Operand::Name => self.constants.operand(operand),
            Operand::Attribute => self.attributes.operand(operand),
            Operand::Variable => self.variables.operand(operand),
            Operand::Regex => self.regexes.operand(operand),
            Operand::Nothing
            | Operand::Count
            | Operand::Target
            | Operand::LoopTarget
            | Operand::Function
            | Operand::Local
            | Operand::Error => return Some(word),
        };
        Some((word & 0xff) | (number? << 8))
    }
}

fn is_string(constant: &Constant, text: &str) -> bool {
    matches!(constant, Constant::Scalar(ScalarConstant::String(string)) if string == text)
}
