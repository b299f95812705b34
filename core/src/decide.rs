//! Runs the rules that apply to a request and says what they decide together.
//!
//! Every rule sees the same snapshot, so their order carries no meaning beyond reporting. Precedence: a deny
//! of the enterprise, a deny of the domain, then each layer's allow rules (if a layer has any, one must
//! match), then the default: the request continues.
//!
//! A condition that ends with a CEL error is neither true nor false. With `onError: deny` a deny, require or
//! redact rule then applies; an allow or set rule never does. With `onError: ignore` no rule applies.
//!
//! Running out of fuel or memory is no error of the data, and nothing absorbs it: the request is refused. Audit and shadow
//! rules run after all others, on a share of their own; when that is used up, the rest of them is left out.

use bumpalo::Bump;

use crate::artifact::VerifiedProgram;
use crate::cause::{Cause, MeshCause};
use crate::fuel::{self, Fuel};
use crate::index::{ProgramIndex, RuleIndex};
use crate::limits::MAX_WATCHING_FUEL;
use crate::tables::{Effect, Layer, MaskMethod, OnError, Reply, RuleTable};
use crate::vm::{EvalErrorKind, Machine, Scratch, Snapshot, Value};

/// Answer to a request that no allow rule of a layer matches: HTTP status, gRPC status and text.
pub const NOT_ALLOWED: (u16, u8, &str) = (403, 7, "no rule allows this request");

/// What the rules decide together.
#[derive(Debug, Default)]
pub struct Decision<'p> {
    /// Why the request is refused, if it is.
    pub denial: Option<Denial<'p>>,
    /// Names of the rules with an effect that applied: those that decide, then those that watch, in the order of the artifact.
    pub applied: Vec<&'p str>,
    /// Names of the shadow rules that would have applied. Where allow rules are in shadow and the request would be refused with them, the
    /// name of that cause.
    pub shadow: Vec<&'p str>,
    /// Fields to take out of the context, each with the rule that says so. Of several rules the first counts.
    pub redact: Vec<(&'p str, &'p str)>,
    /// Fields whose values show less, with the method and the rule. Of several rules the strictest method counts, of equal ones
    /// the first. A field that is taken out is not masked.
    pub mask: Vec<(&'p str, MaskMethod, &'p str)>,
    /// Names of the audit rules that applied.
    pub audited: Vec<&'p str>,
    /// Fields to give new values, with their JSON texts. A later entry wins over an earlier one.
    pub set: Vec<(&'p str, String)>,
    /// Rules whose condition or value ended with an error.
    pub errors: Vec<(&'p str, EvalErrorKind)>,
    /// Whether audit and shadow rules were left out, because their share of the fuel or memory was used up.
    pub unwatched: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial<'p> {
    /// What refuses it.
    pub cause: Cause<'p>,
    /// What to answer.
    pub reply: Reply,
}

/// Decides. `rules` are indices into the artifact's rules, as in its entry tables.
pub fn decide<'p: 'a, 'a>(
    program: &'p VerifiedProgram,
    rules: &[RuleIndex],
    snapshot: Snapshot<'a>,
    arena: &'a Bump,
) -> Decision<'p> {
    decide_reusing(program, rules, snapshot, arena, &mut Scratch::new(), &Fuel::default())
}

/// As [`decide`], with memory that stays from decision to decision, and with the fuel that the request has left.
pub fn decide_reusing<'p: 'a, 'a>(
    program: &'p VerifiedProgram,
    rules: &[RuleIndex],
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
    let known = |index: &RuleIndex| index.get(&program.tables().rules);
    let rules = || rules.iter().filter_map(known);
    tally.machine.refill(fuel.left());
    tally.run(rules().filter(|rule| !watches(rule)));
    let exhausted = tally.machine.is_exhausted();
    let left = tally.machine.refill(MAX_WATCHING_FUEL);
    fuel.settle(left);
    if exhausted {
        fuel.exhaust();
    } else {
        tally.run(rules().filter(|rule| watches(rule)));
        tally.decision.unwatched = tally.machine.is_exhausted();
    }
    let (mut decision, machine) = tally.finish();
    if exhausted {
        // Before every other reason: what else the rules said is not all that they would have said.
        decision.denial = Some(Denial { cause: Cause::Mesh(MeshCause::Budget), reply: fuel::refusal() });
    }
    *scratch = machine.into_scratch().recycle();
    decision
}

/// Whether a rule changes nothing: it is only reported.
fn watches(rule: &RuleTable) -> bool {
    rule.shadow || matches!(rule.effect, Effect::Audit)
}

/// What is known after some of the rules.
struct Tally<'p, 'a> {
    machine: Machine<'a>,
    snapshot: Snapshot<'a>,
    decision: Decision<'p>,
    enterprise: LayerTally<'p>,
    domain: LayerTally<'p>,
}

/// What the rules of one layer said so far.
#[derive(Default)]
struct LayerTally<'p> {
    denial: Option<Denial<'p>>,
    has_allow: bool,
    allowed: bool,
    /// Whether an allow rule is in shadow.
    tries_allow: bool,
    /// Whether one in shadow matched.
    would_allow: bool,
    set: Vec<(&'p str, String)>,
}

impl<'p> LayerTally<'p> {
    /// Whether the request would be refused if the allow rules in shadow were enforced. One that the layer's rules refuse already is
    /// not named again.
    fn would_refuse(&self) -> bool {
        self.tries_allow && !self.has_allow && !self.would_allow
    }

    /// The denial of the layer's deny and require rules, else of its allow rules.
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

    /// Runs rules until there are no more, or until something ran out.
    fn run(&mut self, rules: impl Iterator<Item = &'p RuleTable>) {
        for rule in rules {
            self.add(rule);
            if self.machine.is_exhausted() {
                return;
            }
        }
    }

    fn add(&mut self, rule: &'p RuleTable) {
        if matches!(rule.effect, Effect::Allow) {
            let layer = self.layer(rule.layer);
            if rule.shadow {
                layer.tries_allow = true;
            } else {
                layer.has_allow = true;
            }
        }
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

    /// Whether the rule's condition holds, with its errors taken as the rule says.
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

    /// The JSON text of a `set` expression's value.
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
        // Of rules that were left out, nobody knows what they would have said.
        if !decision.unwatched {
            for (tally, layer) in [(&enterprise, Layer::Enterprise), (&domain, Layer::Domain)] {
                if tally.would_refuse() {
                    decision.shadow.push(Cause::NotAllowed(layer).as_str());
                }
            }
        }
        let not_allowed = enterprise.not_allowed(Layer::Enterprise).or(domain.not_allowed(Layer::Domain));
        decision.denial = enterprise.denial.or(domain.denial).or(not_allowed);
        // The enterprise's values come last, so that they win.
        decision.set = domain.set;
        decision.set.extend(enterprise.set);
        (decision, machine)
    }
}
