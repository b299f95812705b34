//! Unpredictable bytes. The host is asked for many at once, because a host call costs more than the bytes.

use std::cell::RefCell;

/// Number of secrets that one host call provides.
const COUNT: usize = 32;

thread_local! {
    static SECRETS: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// Returns unpredictable bytes that were not returned before; `None` if the host has no source of them.
pub(crate) fn take() -> Option<[u8; 16]> {
    SECRETS.with(|secrets| {
        let mut secrets = secrets.try_borrow_mut().ok()?;
        if secrets.is_empty() {
            let mut bytes = [[0; 16]; COUNT];
            getrandom::fill(bytes.as_flattened_mut()).ok()?;
            secrets.extend(bytes);
        }
        // The place of a secret that was taken is overwritten, so it is nowhere but at its user.
        let taken = secrets.last_mut().map(core::mem::take);
        secrets.pop();
        taken
    })
}
