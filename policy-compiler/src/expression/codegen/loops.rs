//! Macros over lists and maps: bounded loops.
//!
//! ```text
//!         range
//!         jump-if-not-iterable end        an error stays as the result
//!         iter-begin i
//!         ...                             the accumulator: a value on the stack, or a list or map in a local
//! head:   iter-next i
//!         pop-jump-if-false done
//!         ...                             one element
//!         loop head
//! done:   ...
//! end:
//! ```

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};
use context_mesh_core::vm::op::Op;

use super::emit::{Emitter, Jump};
use crate::expression::cel::Problem;
use crate::expression::ir::{Loop, LoopResult, Node};

/// A loop that was begun.
struct Begun {
    iterator: u32,
    two: bool,
    not_iterable: Jump,
}

impl Emitter<'_> {
    pub(super) fn loop_over(&mut self, of: &Loop<Node>) -> Result<(), Problem> {
        self.node(&of.range)?;
        let not_iterable = self.jump(Op::JumpIfNotIterable);
        let iterator = self.take_slots(3);
        self.op(Op::IterBegin(iterator));
        self.house(of.first, iterator + 1);
        if let Some(second) = of.second {
            self.house(second, iterator + 2);
        }
        let begun = Begun { iterator, two: of.second.is_some(), not_iterable };
        match &of.result {
            LoopResult::All(body) => self.quantifier(&begun, body, true, Op::And(0), Op::JumpIfFalse)?,
            LoopResult::Exists(body) => self.quantifier(&begun, body, false, Op::Or(0), Op::JumpIfTrue)?,
            LoopResult::ExistsOne(body) => self.exists_one(&begun, body)?,
            LoopResult::List(body) => self.collect(&begun, of.filter.as_ref(), Collection::List(body))?,
            LoopResult::Map(body) => self.collect(&begun, of.filter.as_ref(), Collection::Map(body))?,
            LoopResult::Entries(body) => self.collect(&begun, of.filter.as_ref(), Collection::Entries(body))?,
        }
        self.land(&begun.not_iterable);
        self.free_slots(3);
        Ok(())
    }

    /// Begins an iteration. Returns its address, and the jump that leaves the loop.
    fn next(&mut self, begun: &Begun) -> (u32, Jump) {
        let head = self.here();
        self.op(if begun.two { Op::IterNext2(begun.iterator) } else { Op::IterNext(begun.iterator) });
        (head, self.jump(Op::PopJumpIfFalse))
    }

    fn constant(&mut self, constant: ScalarConstant) -> Result<(), Problem> {
        self.node(&Node::Constant(Constant::Scalar(constant)))
    }

    /// Compiles `all` and `exists`: the conditions are joined until one decides. An error is kept, but a later
    /// condition that decides overrides it.
    fn quantifier(
        &mut self,
        begun: &Begun,
        body: &Node,
        neutral: bool,
        join: Op,
        decided: fn(u32) -> Op,
    ) -> Result<(), Problem> {
        self.constant(ScalarConstant::Bool(neutral))?;
        let (head, done) = self.next(begun);
        self.node(body)?;
        self.op(join);
        let decided = self.jump(decided);
        self.op(Op::Loop(head));
        self.land(&done);
        self.land(&decided);
        Ok(())
    }

    /// Compiles `exists_one`: the number of matches is compared with one. The first error ends the loop.
    fn exists_one(&mut self, begun: &Begun, body: &Node) -> Result<(), Problem> {
        self.constant(ScalarConstant::Int(0))?;
        let (head, done) = self.next(begun);
        self.node(body)?;
        let failed = self.jump(Op::JumpIfError);
        let no = self.jump(Op::PopJumpIfFalse);
        self.constant(ScalarConstant::Int(1))?;
        self.op(Op::Add(0));
        self.land(&no);
        self.op(Op::Loop(head));
        // The error is on top of the number, and their sum is that error.
        let depth = self.depth();
        self.set_depth(depth + 1);
        self.land(&failed);
        self.op(Op::Add(0));
        self.land(&done);
        self.constant(ScalarConstant::Int(1))?;
        self.op(Op::Eq(0));
        Ok(())
    }

    /// Compiles the macros that build lists and maps. The first error ends the loop.
    fn collect(&mut self, begun: &Begun, filter: Option<&Node>, collection: Collection<'_>) -> Result<(), Problem> {
        let made = self.take_slots(1);
        self.op(if matches!(collection, Collection::List(_)) { Op::ListBegin(made) } else { Op::MapBegin(made) });
        let (head, done) = self.next(begun);
        let depth = self.depth();
        let filter = match filter {
            Some(filter) => {
                self.node(filter)?;
                Some((self.jump(Op::JumpIfError), self.jump(Op::PopJumpIfFalse)))
            }
            None => None,
        };
        self.put(begun, collection, made)?;
        if let Some((_, no)) = &filter {
            self.land(no);
        }
        self.op(Op::Loop(head));
        if let Some((failed, _)) = &filter {
            self.set_depth(depth + 1);
            self.land(failed);
            self.op(match collection {
                Collection::List(_) => Op::ListPush(made),
                Collection::Map(_) | Collection::Entries(_) => Op::MapPutAll(made),
            });
        }
        self.land(&done);
        self.op(Op::BuildEnd(made));
        self.free_slots(1);
        Ok(())
    }

    fn put(&mut self, begun: &Begun, collection: Collection<'_>, made: u32) -> Result<(), Problem> {
        match collection {
            Collection::List(value) => {
                self.node(value)?;
                self.op(Op::ListPush(made));
            }
            Collection::Map(value) => {
                self.op(Op::Load(begun.iterator + 1));
                self.node(value)?;
                self.op(Op::MapPut(made));
            }
            Collection::Entries(Node::Map(entries)) => {
                for entry in entries {
                    self.node(&entry.key)?;
                    self.node(&entry.value)?;
                    self.op(if entry.optional { Op::MapPutOptional(made) } else { Op::MapPut(made) });
                }
            }
            Collection::Entries(map) => {
                self.node(map)?;
                self.op(Op::MapPutAll(made));
            }
        }
        Ok(())
    }
}

/// The result of a loop.
#[derive(Clone, Copy)]
enum Collection<'n> {
    List(&'n Node),
    Map(&'n Node),
    Entries(&'n Node),
}
