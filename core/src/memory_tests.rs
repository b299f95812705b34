//! Cases for the memory, on stores that behave like shared data and on one that interferes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::*;
use crate::host::VersionChanged;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Shared data as Envoy has it: versions, compare-and-set, no delete.
#[derive(Default)]
struct Store {
    values: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    reads: Cell<usize>,
    /// So many writes that come next meet another worker's.
    interferences: Cell<usize>,
}

impl SharedMemory for Store {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        self.reads.set(self.reads.get() + 1);
        self.values.borrow().get(key).map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let mut values = self.values.borrow_mut();
        let entry = values.entry(key.to_owned()).or_default();
        if self.interferences.get() > 0 {
            self.interferences.set(self.interferences.get() - 1);
            entry.1 += 1;
            return Err(VersionChanged);
        }
        if entry.1 > 0 && version.is_some_and(|version| version != entry.1) {
            return Err(VersionChanged);
        }
        *entry = (value.to_vec(), entry.1 + 1);
        Ok(())
    }
}

impl Store {
    fn reads_during<T>(&self, action: impl FnOnce() -> T) -> (T, usize) {
        let before = self.reads.get();
        let result = action();
        (result, self.reads.get() - before)
    }
}

fn record(tenant: &str) -> Record {
    let mut context = Context::new();
    context.insert_string("tenant", tenant).unwrap();
    context.insert("custom", "{ \"big\": 12345678901234567890, \"one\": 1.0 }").unwrap();
    Record { context, withheld: Names::from_iter(["user_id"]), issued_at_ms: 1_800_000_000_123 }
}

fn trace(id: u128) -> TraceKey {
    TraceKey::Trace(id)
}

/// `count` traces that share one set of the memory.
fn colliding(memory: &Memory, count: usize) -> Vec<TraceKey> {
    let set = |trace: &TraceKey| {
        let mut slots: Vec<String> = memory.slots_of(trace).collect();
        slots.sort();
        slots
    };
    let wanted = set(&trace(0));
    (0..).map(trace).filter(|trace| set(trace) == wanted).take(count).collect()
}

#[test]
fn a_record_comes_back_until_it_expires() {
    let (store, memory) = (Store::default(), Memory::new(64, 1000));
    for key in [trace(1), TraceKey::RequestId("1".to_owned())] {
        assert_eq!(memory.recall(&store, &key, 5000), None);
        memory.remember(&store, [&key], 5000, &record("acme")).unwrap();
        assert_eq!(memory.recall(&store, &key, 5999), Some(record("acme")));
        assert_eq!(memory.recall(&store, &key, 6000), None);
    }
}

#[test]
fn the_common_case_reads_one_slot() {
    let (store, memory) = (Store::default(), Memory::new(64, 1000));
    let (_, reads) = store.reads_during(|| memory.remember(&store, [&trace(1)], 0, &record("a")).unwrap());
    assert_eq!(reads, 1);
    let (found, reads) = store.reads_during(|| memory.recall(&store, &trace(1), 1));
    assert_eq!((found, reads), (Some(record("a")), 1));
    let (found, reads) = store.reads_during(|| memory.recall(&store, &trace(2), 1));
    assert_eq!((found, reads), (None, 1));
}

#[test]
fn a_newer_record_of_the_trace_takes_the_place_of_the_older() {
    let (store, memory) = (Store::default(), Memory::new(64, 1000));
    memory.remember(&store, [&trace(1)], 0, &record("old")).unwrap();
    memory.remember(&store, [&trace(1)], 10, &record("new")).unwrap();
    assert_eq!(memory.recall(&store, &trace(1), 1005), Some(record("new")));
    assert_eq!(store.values.borrow().len(), 1);
}

#[test]
fn colliding_traces_share_a_set_and_the_oldest_makes_room() {
    let (store, memory) = (Store::default(), Memory::new(64, 1000));
    let traces = colliding(&memory, 5);
    for (now, key) in (0..).zip(&traces) {
        memory.remember(&store, [key], now, &record(&format!("{key:?}"))).unwrap();
    }
    assert_eq!(store.values.borrow().len(), 4);
    assert_eq!(memory.recall(&store, &traces[0], 10), None);
    for key in &traces[1..] {
        assert_eq!(memory.recall(&store, key, 10), Some(record(&format!("{key:?}"))));
    }
}

#[test]
fn an_expired_slot_is_taken_before_a_live_one() {
    let (store, memory) = (Store::default(), Memory::new(4, 1000));
    let traces = colliding(&memory, 5);
    for (now, key) in [0, 500, 500, 500].into_iter().zip(&traces) {
        memory.remember(&store, [key], now, &record("a")).unwrap();
    }
    memory.remember(&store, [&traces[4]], 1200, &record("b")).unwrap();
    for key in &traces[1..] {
        assert!(memory.recall(&store, key, 1300).is_some());
    }
}

#[test]
fn an_older_record_further_on_is_never_found_after_a_newer_one() {
    let (store, memory) = (Store::default(), Memory::new(4, 1000));
    let traces: Vec<TraceKey> = (0..12).map(trace).collect();
    let mut newest: HashMap<&TraceKey, u64> = HashMap::new();
    // Every order of eviction and return that 2000 steps of a simple generator bring.
    let mut state = 7_u64;
    for now in 0..2000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let now = now * 40;
        let key = &traces[usize::try_from(state >> 33).unwrap() % traces.len()];
        if state >> 62 == 0 {
            memory.remember(&store, [key], now, &record(&now.to_string())).unwrap();
            newest.insert(key, now);
        } else if let Some(found) = memory.recall(&store, key, now) {
            assert_eq!(found, record(&newest[key].to_string()));
        }
    }
}

#[test]
fn interference_is_met_with_a_new_try() {
    let memory = Memory::new(4, 1000);
    for (interferences, expected) in [(1, Ok(())), (2, Ok(())), (3, Err(MemoryError::Busy))] {
        let store = Store::default();
        store.interferences.set(interferences);
        assert_eq!(memory.remember(&store, [&trace(1)], 0, &record("a")), expected);
        assert_eq!(memory.recall(&store, &trace(1), 1).is_some(), expected.is_ok());
    }
}

#[test]
fn another_workers_record_is_not_overwritten_unseen() {
    /// Between a read and the write of the first worker, a second one writes the same slot.
    struct Between {
        inner: Store,
        memory: Memory,
        done: Cell<bool>,
    }
    impl SharedMemory for Between {
        fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
            self.inner.get(key)
        }
        fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
            if !self.done.replace(true) {
                self.memory.remember(&self.inner, [&trace(2)], 5000, &record("second")).unwrap();
            }
            self.inner.set(key, value, version)
        }
    }
    let memory = Memory::new(1, 1000);
    let store = Between { inner: Store::default(), memory, done: Cell::new(true) };
    memory.remember(&store, [&trace(0)], 0, &record("expired")).unwrap();
    store.done.set(false);
    memory.remember(&store, [&trace(1)], 5000, &record("first")).unwrap();
    // One slot: the second try of the first worker saw the second's record and took its place knowingly.
    assert_eq!(memory.recall(&store.inner, &trace(1), 5001), Some(record("first")));
    assert_eq!(store.inner.values.borrow().values().next().unwrap().1, 3);
}

#[test]
fn rubbish_in_a_slot_is_a_miss_and_is_overwritten() {
    let memory = Memory::new(1, 1000);
    let key = memory.slots_of(&trace(1)).next().unwrap();
    let valid = with_head(&trace(1), 1000, &encode_body(&record("acme")).unwrap()).unwrap();
    let mut rubbish: Vec<Vec<u8>> = (0..valid.len()).map(|length| valid[..length].to_vec()).collect();
    rubbish.push([valid.as_slice(), &[0]].concat());
    rubbish.push(vec![0xFF; 100]);
    rubbish.push(vec![FORMAT; MAX_RECORD_BYTES + 1]);
    // Expires later than anybody could have written it: it would never make room.
    rubbish.push(with_head(&trace(1), u64::MAX, &encode_body(&record("stuck")).unwrap()).unwrap());
    rubbish.push(with_head(&trace(2), u64::MAX, &encode_body(&record("stuck")).unwrap()).unwrap());
    for bytes in rubbish {
        let store = Store::default();
        store.set(&key, &bytes, None).unwrap();
        assert_eq!(memory.recall(&store, &trace(1), 1), None, "{bytes:?}");
        memory.remember(&store, [&trace(1)], 1, &record("new")).unwrap();
        assert_eq!(memory.recall(&store, &trace(1), 2), Some(record("new")));
    }
}

#[test]
fn a_worker_with_a_slower_clock_still_recalls() {
    let (store, memory) = (Store::default(), Memory::new(64, 1000));
    memory.remember(&store, [&trace(1)], 100_000, &record("a")).unwrap();
    assert!(memory.recall(&store, &trace(1), 99_990).is_some());
}

#[test]
fn limits_are_errors() {
    let store = Store::default();
    assert_eq!(Memory::new(0, 1000).remember(&store, [&trace(1)], 0, &record("a")), Err(MemoryError::Disabled));
    assert_eq!(Memory::new(4, 0).remember(&store, [&trace(1)], 0, &record("a")), Err(MemoryError::Disabled));
    assert_eq!(Memory::new(0, 1000).recall(&store, &trace(1), 0), None);
    let long = Record { withheld: Names::from_iter(["x".repeat(MAX_FIELD_NAME_BYTES + 1).as_str()]), ..record("a") };
    let many = Record { withheld: Names::from_iter(["x"; MAX_CONTEXT_FIELDS + 1]), ..record("a") };
    for record in [long, many] {
        assert_eq!(Memory::new(4, 1000).remember(&store, [&trace(1)], 0, &record), Err(MemoryError::TooLarge));
    }
    assert!(store.values.borrow().is_empty());
}

#[test]
fn keys_are_bounded_by_the_slots() {
    for slots in [1, 2, 3, 4, 64, 100, MAX_MEMORY_SLOTS, u32::MAX] {
        let memory = Memory::new(slots, 1);
        for id in 0..200 {
            for key in memory.slots_of(&trace(id)) {
                let slot = key.strip_prefix(&format!("context-mesh/2/{}/", memory.slots)).unwrap();
                assert!(slot.parse::<u32>().unwrap() < memory.slots, "{key}");
            }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// The same as [`Store`], for threads.
    #[derive(Default)]
    struct Shared(Mutex<HashMap<String, (Vec<u8>, u32)>>);

    impl SharedMemory for Shared {
        fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
            self.0.lock().unwrap().get(key).map(|(value, version)| (value.clone(), Some(*version)))
        }

        fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
            let mut values = self.0.lock().unwrap();
            let entry = values.entry(key.to_owned()).or_default();
            if entry.1 > 0 && version.is_some_and(|version| version != entry.1) {
                return Err(VersionChanged);
            }
            *entry = (value.to_vec(), entry.1 + 1);
            Ok(())
        }
    }

    #[test]
    fn traces_of_many_threads_never_mix() {
        let (store, memory) = (Shared::default(), Memory::new(32, 1000));
        let found: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4_u128)
                .map(|worker| {
                    let (store, memory) = (&store, &memory);
                    scope.spawn(move || {
                        let mut found = 0;
                        for step in 0..1000_u128 {
                            let id = (worker << 64) | (step % 20);
                            let _ = memory.remember(store, [&trace(id)], 0, &record(&id.to_string()));
                            for other in [id, ((worker ^ 1) << 64) | (step % 20)] {
                                if let Some(recalled) = memory.recall(store, &trace(other), 1) {
                                    assert_eq!(recalled, record(&other.to_string()));
                                    found += 1;
                                }
                            }
                        }
                        found
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert!(found > 300, "{found}");
        assert!(store.0.lock().unwrap().len() <= 32);
    }

    proptest! {
        #[test]
        fn random_bytes_behind_a_valid_head_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..60)) {
            let (store, memory) = (Store::default(), Memory::new(1, 1000));
            let key = memory.slots_of(&trace(1)).next().unwrap();
            let mut bytes = with_head(&trace(1), 1000, &encode_body(&Record::default()).unwrap()).unwrap();
            bytes.truncate(26);
            bytes.extend(tail);
            store.set(&key, &bytes, None).unwrap();
            if let Some(record) = memory.recall(&store, &trace(1), 0) {
                for (_, text) in record.context.iter() {
                    prop_assert_eq!(crate::context::json::check(text), Ok(()));
                }
            }
        }
    }
}
