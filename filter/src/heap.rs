//! The allocator. A request makes some dozens of small allocations that live for microseconds, and for these the general
//! allocator does much work: it looks for a place of the right size, and joins free ones.
//!
//! Here, sizes up to 1 KiB are rounded up to multiples of 16 bytes, and each multiple has a list of free blocks: allocating
//! takes the first one, freeing puts it back. Blocks are cut from pieces that the general allocator provides, and keep
//! their size for ever, so a list is as long as the largest number of blocks that were in use at once.
#![expect(unsafe_code, reason = "an allocator is unsafe code; no other module manages memory")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::ptr::null_mut;
use std::alloc::System;

/// Sizes are rounded up to multiples of this. It is also the alignment of every block.
const STEP: usize = 16;
/// Number of lists.
const LISTS: usize = 64;
/// Size of the pieces from which blocks are cut.
const PIECE: usize = 16 * 1024;

/// A free block.
struct Free {
    next: *mut Free,
}

struct Heap {
    /// The first free block of each size.
    free: [Cell<*mut Free>; LISTS],
    /// The rest of the newest piece.
    rest: Cell<*mut u8>,
    rest_bytes: Cell<usize>,
}

// SAFETY: the target has no threads; see the condition of the module.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap =
    Heap { free: [const { Cell::new(null_mut()) }; LISTS], rest: Cell::new(null_mut()), rest_bytes: Cell::new(0) };

/// Returns the number of the list for blocks of this layout. `None`: the general allocator manages it.
fn number(layout: Layout) -> Option<usize> {
    let number = layout.size().wrapping_sub(1).wrapping_div(STEP);
    (number < LISTS && layout.align() <= STEP).then_some(number)
}

impl Heap {
    /// Cuts a block off the newest piece. The rest of a piece that is too small for it is never used.
    #[cold]
    #[inline(never)]
    fn cut(&self, number: usize) -> *mut u8 {
        let size = number.wrapping_add(1).wrapping_mul(STEP);
        if self.rest_bytes.get() < size {
            let Ok(layout) = Layout::from_size_align(PIECE, STEP) else { return null_mut() };
            // SAFETY: the size is not zero.
            let piece = unsafe { System.alloc(layout) };
            if piece.is_null() {
                return piece;
            }
            self.rest.set(piece);
            self.rest_bytes.set(PIECE);
        }
        let block = self.rest.get();
        self.rest.set(block.wrapping_add(size));
        self.rest_bytes.set(self.rest_bytes.get().wrapping_sub(size));
        block
    }
}

// None of these is inlined: there are thousands of calls, and each copy would be larger than a call.
//
// SAFETY: a block is in use or in the list of its size, and never both: `alloc` takes it out, `dealloc` puts it back.
// Blocks do not overlap, are at least as large as the layout, and aligned to `STEP`.
unsafe impl GlobalAlloc for Heap {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((number, list)) = number(layout).and_then(|number| Some((number, self.free.get(number)?))) else {
            // SAFETY: the caller keeps the conditions.
            return unsafe { System.alloc(layout) };
        };
        let first = list.get();
        if first.is_null() {
            return self.cut(number);
        }
        // SAFETY: a block in a list is free, and `dealloc` wrote its `next`.
        list.set(unsafe { (*first).next });
        first.cast()
    }

    #[inline(never)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(list) = number(layout).and_then(|number| self.free.get(number)) else {
            // SAFETY: `alloc` passed the same layout to the general allocator.
            return unsafe { System.dealloc(block, layout) };
        };
        let block = block.cast::<Free>();
        // SAFETY: the block is no longer in use, and large enough and aligned for a pointer.
        unsafe { block.write(Free { next: list.get() }) };
        list.set(block);
    }

    #[inline(never)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees a size that is not zero and does not overflow when it is rounded up.
        let wanted = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (number(layout), number(wanted)) {
            // SAFETY: the block is one of the general allocator, with this layout.
            (None, None) => unsafe { System.realloc(block, layout, new_size) },
            (old, new) if old == new => block,
            _ => {
                // SAFETY: the new block is another one, and both are as large as the smaller size.
                unsafe {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        block.copy_to_nonoverlapping(moved, layout.size().min(new_size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}
