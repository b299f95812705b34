//! Runs the rules that apply to a request and combines their results into a decision.
//!
//! Every rule sees the same snapshot, so their order only matters for reports. Precedence: a deny of the enterprise, a
//! deny of the domain, then each layer's allow rules (if a layer has any, one must match), then the default: the
//! request continues.
//!
//! A condition that fails with a CEL error is neither true nor false. With `onError: deny` a deny, require or redact
//! rule then applies; an allow or set rule never does. With `onError: ignore` no rule applies.
//!
//! Exhausted fuel or memory is not an error of the data, and no expression can absorb it: the request is refused. Audit
//! and shadow rules run after all others, on a separate share. When that is used up, the remaining ones are skipped.

use bumpalo::Bump;

mod decision_index;
mod rule_set;

use crate::artifact::VerifiedProgram;
use crate::cause::{Cause, MeshCause};
use crate::fuel::{self, Fuel};
use crate::index::{self, ProgramIndex};
use crate::limits::MAX_WATCHING_FUEL;
use crate::tables::{Effect, Layer, MaskMethod, OnError, Reply, RuleTable};
use crate::vm::{EvalErrorKind, Machine, Scratch, Snapshot, Value};
use rule_set::Part;

pub use rule_set::RuleSet;

/// The answer to a request that matches no allow rule of a layer: HTTP status, gRPC status and message.
pub const NOT_ALLOWED: (u16, u8, &str) = (403, 7, "no rule allows this request");

/// The combined decision of the rules.
#[derive(Debug, Default)]
pub struct Decision<'p> {
    /// Why the request is refused, if it is.
    pub denial: Option<Denial<'p>>,
    /// Names of the rules with an effect that applied: first the deciding rules, then the watching rules, in the order
    /// of the artifact.
    pub applied: Vec<&'p str>,
    /// Names of the shadow rules that would have applied. If the request would be refused with the allow rules that are
    /// in shadow mode, the name of that cause.
    pub shadow: Vec<&'p str>,
    /// Fields to remove from the context, each with its rule. Of several rules for a field, the first counts.
    pub redact: Vec<(&'p str, &'p str)>,
    /// Fields whose values are masked, with the method and the rule. Of several rules for a field, the strictest method
    /// counts, and of equal methods the first rule. A field that is removed is not masked.
    pub mask: Vec<(&'p str, MaskMethod, &'p str)>,
    /// Names of the audit rules that applied.
    pub audited: Vec<&'p str>,
    /// Fields to set, with the JSON texts of their values. A later entry overrides an earlier one.
    pub set: Vec<(&'p str, String)>,
    /// Rules whose condition or value failed with an error.
    pub errors: Vec<(&'p str, EvalErrorKind)>,
    /// Whether audit and shadow rules were skipped, because their share of the fuel or memory was used up.
    pub unwatched: bool,
}

/// The refusal of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial<'p> {
    /// What refuses the request.
    pub cause: Cause<'p>,
    /// The answer.
    pub reply: Reply,
}

/// Decides on a request. `rules` are rules of the program.
pub fn decide<'p: 'a, 'a>(
    program: &'p VerifiedProgram,
    rules: &RuleSet,
    snapshot: Snapshot<'a>,
    arena: &'a Bump,
) -> Decision<'p> {
    decide_reusing(program, rules, snapshot, arena, &mut Scratch::new(), &Fuel::default())
}

/// Decides like [`decide`], with memory that is reused for all decisions, and with the fuel that the request has left.
pub fn decide_reusing<'p: 'a, 'a>(
    program: &'p VerifiedProgram,
    rules: &RuleSet,
    snapshot: Snapshot<'a>,
    arena: &'a Bump,
    scratch: &mut Scratch<'static>,
    fuel: &Fuel,
) -> Decision<'p> {
    let memory = core::mem::take(scratch);
    let mut tally = Tally {
        machine: Machine::with_scratch(program.code(), snapshot, arena, memory),
        snapshot,
        decision: Decision::default(),
        enterprise: LayerTally::default(),
        domain: LayerTally::default(),
    };
    let tables = &program.tables().rules;
    tally.machine.refill(fuel.left());
    tally.run(tables, &rules.deciding);
    let exhausted = tally.machine.is_exhausted();
    let left = tally.machine.refill(MAX_WATCHING_FUEL);
    fuel.settle(left);
    if exhausted {
        fuel.exhaust();
    } else {
        tally.run(tables, &rules.watching);
        tally.decision.unwatched = tally.machine.is_exhausted();
    }
    let (mut decision, machine) = tally.finish();
    if exhausted {
        // This overrides every other reason, because not all rules have run.
        decision.denial = Some(Denial { cause: Cause::Mesh(MeshCause::Budget), reply: fuel::refusal() });
    }
    *scratch = machine.into_scratch().recycle();
    decision
}

/// The intermediate result of some of the rules.
struct Tally<'p, 'a> {
    machine: Machine<'a>,
    snapshot: Snapshot<'a>,
    decision: Decision<'p>,
    enterprise: LayerTally<'p>,
    domain: LayerTally<'p>,
}

/// The intermediate result of the rules of one layer.
#[derive(Default)]
struct LayerTally<'p> {
    denial: Option<Denial<'p>>,
    has_allow: bool,
    allowed: bool,
    /// Whether an allow rule is in shadow mode.
    tries_allow: bool,
    /// Whether an allow rule in shadow mode matched.
    would_allow: bool,
    set: Vec<(&'p str, String)>,
}

impl<'p> LayerTally<'p> {
    /// Returns whether the request would be refused if the allow rules in shadow mode were enforced. Returns false if
    /// the layer's rules refuse it already.
    fn would_refuse(&self) -> bool {
        self.tries_allow && !self.has_allow && !self.would_allow
    }

    /// Returns the denial of the layer's deny and require rules, otherwise that of its allow rules.
    fn not_allowed(&self, layer: Layer) -> Option<Denial<'p>> {
        let (status, grpc_status, message) = NOT_ALLOWED;
        (self.has_allow && !self.allowed).then(|| Denial {
            cause: Cause::NotAllowed(layer),
            reply: Reply { status, grpc_status, message: message.to_owned() },
        })
    }
}

impl<'p, 'a> Tally<'p, 'a> {
    fn layer(&mut self, layer: Layer) -> &mut LayerTally<'p> {
        match layer {
            Layer::Enterprise => &mut self.enterprise,
            Layer::Domain => &mut self.domain,
        }
    }

    /// Runs the rules that may apply, until there are no more, or until fuel or memory is exhausted.
    fn run(&mut self, tables: &'p [RuleTable], part: &Part) {
        let (enterprise, domain) = part.allows;
        if part.watches {
            (self.enterprise.tries_allow, self.domain.tries_allow) = (enterprise, domain);
        } else {
            (self.enterprise.has_allow, self.domain.has_allow) = (enterprise, domain);
        }
        let mut places = self.machine.take_places();
        if part.candidates(&mut self.machine, &mut places) {
            self.run_each(places.iter().filter_map(|place| index::get(part.rules(), *place)?.get(tables)));
        } else {
            self.run_each(part.rules().iter().filter_map(|rule| rule.get(tables)));
        }
        self.machine.keep_places(places);
    }

    fn run_each(&mut self, rules: impl Iterator<Item = &'p RuleTable>) {
        for rule in rules {
            if self.machine.is_exhausted() {
                return;
            }
            self.add(rule);
        }
    }

    fn add(&mut self, rule: &'p RuleTable) {
        if !self.applies(rule) {
            return;
        }
        if let Effect::Require { fields, .. } = &rule.effect
            && fields.iter().all(|field| self.snapshot.context.contains(field))
        {
            return;
        }
        if rule.shadow {
            if matches!(rule.effect, Effect::Allow) {
                self.layer(rule.layer).would_allow = true;
            }
            self.decision.shadow.push(&rule.name);
            return;
        }
        self.decision.applied.push(&rule.name);
        self.carry_out(rule);
    }

    /// Returns whether the rule's condition holds. Errors count as the rule specifies.
    fn applies(&mut self, rule: &'p RuleTable) -> bool {
        let Some(condition) = rule.condition else { return true };
        match self.machine.condition(condition) {
            Ok(holds) => holds,
            Err(error) => {
                self.decision.errors.push((&rule.name, error.kind));
                let narrows = !matches!(rule.effect, Effect::Allow | Effect::Set { .. });
                rule.on_error == OnError::Deny && narrows
            }
        }
    }

    fn carry_out(&mut self, rule: &'p RuleTable) {
        match &rule.effect {
            Effect::Deny(reply) | Effect::Require { reply, .. } => {
                let denial = Denial { cause: Cause::Rule(&rule.name), reply: reply.clone() };
                self.layer(rule.layer).denial.get_or_insert(denial);
            }
            Effect::Allow => self.layer(rule.layer).allowed = true,
            Effect::Redact { fields } => {
                self.decision.redact.extend(fields.iter().map(|field| (field.as_str(), rule.name.as_str())));
            }
            Effect::Mask { fields, method } => {
                self.decision.mask.extend(fields.iter().map(|field| (field.as_str(), *method, rule.name.as_str())));
            }
            Effect::Audit => self.decision.audited.push(&rule.name),
            Effect::Set { fields } => {
                for (field, program) in fields {
                    match self.value(*program) {
                        Ok(value) => self.layer(rule.layer).set.push((field, value)),
                        Err(error) => self.decision.errors.push((&rule.name, error)),
                    }
                }
            }
        }
    }

    /// Returns the JSON text of a `set` expression's value.
    fn value(&mut self, program: ProgramIndex) -> Result<String, EvalErrorKind> {
        match self.machine.run(program) {
            Value::Error(error) => Err(error.kind),
            value => {
                let text = value.to_json().ok_or(EvalErrorKind::NoSuchOverload)?;
                self.machine.burn(fuel::text(text.len()))?;
                Ok(text)
            }
        }
    }

    fn finish(self) -> (Decision<'p>, Machine<'a>) {
        let Self { machine, mut decision, enterprise, domain, .. } = self;
        // The results of skipped rules are unknown.
        if !decision.unwatched {
            for (tally, layer) in [(&enterprise, Layer::Enterprise), (&domain, Layer::Domain)] {
                if tally.would_refuse() {
                    decision.shadow.push(Cause::NotAllowed(layer).as_str());
                }
            }
        }
        let not_allowed = enterprise.not_allowed(Layer::Enterprise).or(domain.not_allowed(Layer::Domain));
        decision.denial = enterprise.denial.or(domain.denial).or(not_allowed);
        // The enterprise's values come last, so that they override the domain's.
        decision.set = domain.set;
        decision.set.extend(enterprise.set);
        (decision, machine)
    }
}
