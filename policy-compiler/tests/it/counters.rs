//! Checks that `docs/counters.md` explains every counter, and no other.

use context_mesh_core::pipeline::Counter;

#[test]
fn the_page_explains_every_counter() {
    let page = include_str!("../../../docs/counters.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let first = rows.map(|row| row.split('|').nth(1).unwrap_or_default());
    let explained: Vec<&str> =
        first.flat_map(|names| names.split(',').map(|name| name.trim().trim_matches('`'))).collect();
    for counter in Counter::ALL {
        let count = explained.iter().filter(|name| **name == counter.as_str()).count();
        assert_eq!(count, 1, "{}", counter.as_str());
    }
    for name in explained {
        assert!(Counter::ALL.iter().any(|counter| counter.as_str() == name), "there is no counter `{name}`");
    }
}
