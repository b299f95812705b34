//! Compares a decision with many rules, none of which matches, with the same number of programs of the `cel` crate run
//! one after the other.

use std::fmt::Write as _;
use std::hint::black_box;

use bumpalo::Bump;
use cel::Value;
use context_mesh_core::artifact;
use context_mesh_core::decide::{RuleSet, decide_reusing};
use context_mesh_core::fuel::Fuel;
use context_mesh_core::vm::Scratch;
use policy_compiler::report::source::Sources;

use super::request::{self, FIELDS, MESH};
use super::theirs::Compiler;
use super::timing::{self, Pair, Plan};

/// The numbers of rules that are measured.
pub const COUNTS: [usize; 4] = [10, 100, 1000, 10_000];

/// Returns the condition of a rule.
pub fn condition(number: usize) -> String {
    format!("context.tenant_id == 'tenant_{number}' && request.path.startsWith('/svc{number}/')")
}

/// Times a decision with this number of rules.
///
/// # Errors
/// The rules do not compile, or one of them matches.
pub fn measure(plan: Plan, count: usize) -> Result<Pair, String> {
    let compiled = policy_compiler::compile(&sources(count)).map_err(|problems| format!("{problems:?}"))?;
    let program = artifact::load(&compiled.artifact).map_err(|error| error.to_string())?;
    let service = program.tables().services.iter().find(|service| service.name == MESH.service);
    let rules = service.map(|service| service.entry.inbound.as_slice()).unwrap_or_default();
    let rules = RuleSet::new(&program, rules);
    let request = request::request();
    let mut arena = Bump::new();
    let mut scratch = Scratch::new();
    let mut decide = || {
        arena.reset();
        let snapshot = request.snapshot(&request::attribute);
        let decision = decide_reusing(&program, &rules, snapshot, &arena, &mut scratch, &Fuel::default());
        decision.denial.is_none() && decision.errors.is_empty()
    };

    let compiler = Compiler::new()?;
    let variables = compiler.variables();
    let programs: Result<Vec<_>, _> = (0..count).map(|number| compiler.compile(&condition(number))).collect();
    let programs = programs?;
    let run_all = || programs.iter().all(|program| program.execute(&variables) == Ok(Value::Bool(false)));

    if rules.rules().len() != count || !decide() || !run_all() {
        return Err(format!("of {count} rules, one matched or ended with an error"));
    }
    Ok(timing::pair(plan, || _ = black_box(decide()), || _ = black_box(run_all())))
}

/// Returns a mesh of one service with this number of deny rules.
fn sources(count: usize) -> Sources {
    let mut policies = String::from(
        "apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: many}\nspec:\n  workloads: ['*']\n  rules:\n",
    );
    for number in 0..count {
        let condition = condition(number);
        let _ = writeln!(
            policies,
            "    - {{name: rule-{number}, when: \"{condition}\", deny: {{status: 403, message: no}}}}"
        );
    }
    let fields = FIELDS.iter().filter(|(name, ..)| *name == "tenant_id").map(|(name, ..)| *name);
    let fields: String = fields.map(|name| format!("    {name}: {{type: string, description: a tenant}}\n")).collect();
    let schema = format!(
        "apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: common, version: 1.0.0}}\nspec:\n  fields:\n{fields}"
    );
    let mesh = format!(
        "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: many}}\nspec:\n  trustDomain: shop.example\n  identity: /ns/default/sa/{{service}}\n  domains:\n    shop: {{services: [{}], region: us}}\n",
        MESH.service
    );
    let mut sources = Sources::new("many");
    sources.add("mesh.yaml", mesh);
    sources.add("enterprise/schema.yaml", schema);
    sources.add("enterprise/policies.yaml", policies);
    sources
}
