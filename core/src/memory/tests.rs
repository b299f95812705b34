//! Cases for the memory: several workers on one store, as in a proxy.

use super::*;
use crate::context::Context;
use crate::testing::FakeHost;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const LIMITS: Limits = Limits { slots: 1024, bytes: 64 << 20, grace_ms: 5000, ttl_ms: 60_000 };

/// A proxy whose workers remember for the service `a`.
struct Proxy {
    host: FakeHost,
    workers: Vec<Memory>,
    limits: Limits,
    now_ms: u64,
}

impl Proxy {
    fn new(workers: usize) -> Self {
        let workers = (0..workers).map(|_| Memory::new("a")).collect();
        Self { host: FakeHost::default(), workers, limits: LIMITS, now_ms: 1_000_000 }
    }

    fn access(&self) -> Access<'_> {
        Access { store: &self.host, randomness: &self.host, now_ms: self.now_ms, limits: self.limits }
    }

    fn arrive(&self, worker: usize, tenant: &str, ids: &[&str], tickets: &[Ticket]) -> Remembered {
        let record = record(tenant);
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        self.workers[worker].remember(self.access(), &Arrival { record: &record, ids: &ids, tickets })
    }

    /// Remembers a request. Returns its number and its ticket.
    fn request(&self, worker: usize, tenant: &str, ids: &[&str]) -> (RequestNumber, Ticket) {
        let remembered = self.arrive(worker, tenant, ids, &[]);
        assert_eq!(remembered.error, None);
        (remembered.number.unwrap(), remembered.ticket.unwrap())
    }

    fn end(&self, worker: usize, number: RequestNumber) {
        self.workers[worker].end(number, self.now_ms, self.limits.grace_ms);
    }

    fn tick(&self) {
        self.workers.iter().for_each(|worker| worker.tick(self.access()));
    }

    /// Advances the time by this number of milliseconds, with the ticks of a proxy.
    fn after(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while self.now_ms < until {
            self.now_ms = (self.now_ms + u64::from(TICK_MS)).min(until);
            self.tick();
        }
    }

    fn recall_on(&self, worker: usize, tickets: &[Ticket], ids: &[&str], on_ambiguous: OnAmbiguous) -> Recall {
        let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        let wanted = Wanted { tickets, ids: &ids, on_ambiguous };
        let fuel = Fuel::default();
        self.workers[worker].recall(self.access(), &wanted, &fuel)
    }

    /// Returns what every worker recalls, in short form. All of them must recall the same.
    fn recall(&self, tickets: &[Ticket], ids: &[&str]) -> String {
        let found: Vec<String> = (0..self.workers.len())
            .map(|worker| short(&self.recall_on(worker, tickets, ids, OnAmbiguous::Agree)))
            .collect();
        assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
        found[0].clone()
    }

    fn bytes_held(&self) -> usize {
        self.host.memory.borrow().values().map(|(value, _)| value.len()).sum()
    }
}

/// Returns a context with this tenant, and a region that depends on its first letter. An empty tenant is no context.
fn record(tenant: &str) -> Record {
    let mut context = Context::new();
    if !tenant.is_empty() {
        context.insert_string("tenant", tenant).unwrap();
        context.insert_string("plan", tenant.get(..1).unwrap()).unwrap();
    }
    context.insert_string("caller", "c").unwrap();
    Record { context, issued_at_ms: 7, ..Record::default() }
}

fn short(recall: &Recall) -> String {
    let fields = |record: &Record| {
        let fields = record.context.iter().filter(|(name, _)| *name != "caller");
        fields.map(|(name, value)| format!("{name}={value}").replace('"', "")).collect::<Vec<_>>().join(" ")
    };
    match recall {
        Recall::Found { record, by: RecalledBy::Ticket } => format!("ticket: {}", fields(record)),
        Recall::Found { record, by: RecalledBy::Id(id) } => format!("id {id}: {}", fields(record)),
        Recall::Ambiguous { agreed: Some(record), id } => format!("id {id} agreed: {}", fields(record)),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_ticket_recalls_its_own_request_at_every_worker() {
    let proxy = Proxy::new(3);
    let requests: Vec<_> = (0..60).map(|n| proxy.request(n % 3, &format!("t{n}"), &["trace"])).collect();
    for (n, (_, ticket)) in requests.iter().enumerate() {
        assert_eq!(proxy.recall(&[*ticket], &["trace"]), format!("ticket: tenant=t{n} plan=t"));
    }
}

#[test]
fn a_request_is_remembered_while_it_is_open_and_for_its_grace() {
    let mut proxy = Proxy::new(2);
    let (number, ticket) = proxy.request(0, "t1", &["trace"]);
    proxy.after(10 * 60 * 60 * 1000);
    assert_eq!(proxy.recall(&[ticket], &[]), "ticket: tenant=t1 plan=t", "a stream of hours");
    let held = proxy.bytes_held();
    proxy.end(0, number);
    proxy.after(4900);
    assert_eq!(proxy.recall(&[], &["trace"]), "id 0: tenant=t1 plan=t");
    proxy.after(100);
    assert_eq!(proxy.recall(&[ticket], &["trace"]), "Dead", "and no id is asked");
    assert_eq!(proxy.recall(&[], &["trace"]), "Missing");
    assert!(proxy.bytes_held() < held, "what is over takes no bytes");
}

#[test]
fn ids_of_several_requests_recall_what_these_agree_on() {
    // The tenants of the requests with the id, and what the id recalls.
    let cases: [(&[&str], &str); 7] = [
        (&["t1"], "id 0: tenant=t1 plan=t"),
        (&["t1", "t1", "t1"], "id 0: tenant=t1 plan=t"),
        (&["t1", "t2"], "id 0 agreed: plan=t"),
        (&["t1", "t1", "t2", "t3"], "id 0 agreed: plan=t"),
        (&["t1", "x1"], "id 0 agreed: "),
        (&["t1", ""], "id 0 agreed: "),
        (&[""], "NoContext"),
    ];
    for (tenants, expected) in cases {
        for workers in [1, 2] {
            let proxy = Proxy::new(workers);
            for (n, tenant) in tenants.iter().enumerate() {
                proxy.request(n % workers, tenant, &["trace"]);
            }
            assert_eq!(proxy.recall(&[], &["trace"]), expected, "{tenants:?} at {workers}");
            let nothing = proxy.recall_on(0, &[], &["trace"], OnAmbiguous::Nothing);
            if expected.contains("agreed") {
                assert_eq!(nothing, Recall::Ambiguous { agreed: None, id: 0 }, "{tenants:?}");
            }
        }
    }
}

#[test]
fn of_equal_contexts_at_several_workers_the_oldest_represents_all() {
    for times in [[9, 5, 7], [5, 9, 7], [7, 9, 5]] {
        let proxy = Proxy::new(3);
        for (worker, issued_at_ms) in times.into_iter().enumerate() {
            let record = Record { issued_at_ms, ..record("t1") };
            let arrival = Arrival { record: &record, ids: &[b"trace".to_vec()], tickets: &[] };
            assert_eq!(proxy.workers[worker].remember(proxy.access(), &arrival).error, None);
        }
        for worker in 0..3 {
            let Recall::Found { record, .. } = proxy.recall_on(worker, &[], &["trace"], OnAmbiguous::Agree) else {
                panic!("{times:?}: nothing recalled at {worker}");
            };
            assert_eq!(record.issued_at_ms, 5, "{times:?} at {worker}");
        }
    }
}

#[test]
fn an_id_with_more_contexts_than_are_listed_recalls_nothing() {
    let mut proxy = Proxy::new(2);
    let requests: Vec<_> = (0..12).map(|n| proxy.request(n % 2, &format!("t{n}"), &["trace"])).collect();
    assert_eq!(proxy.recall(&[], &["trace"]), "Ambiguous { agreed: None, id: 0 }");
    for (n, (number, _)) in requests.iter().enumerate().skip(2) {
        proxy.end(n % 2, *number);
    }
    proxy.after(5000);
    assert_eq!(proxy.recall(&[], &["trace"]), "id 0 agreed: plan=t");
}

#[test]
fn on_a_miss_or_ambiguity_the_next_id_is_asked() {
    let proxy = Proxy::new(2);
    proxy.request(0, "t1", &["trace", "one"]);
    proxy.request(1, "t2", &["trace", "two", "other"]);
    assert_eq!(proxy.recall(&[], &["unknown", "two"]), "id 1: tenant=t2 plan=t");
    assert_eq!(proxy.recall(&[], &["trace", "one"]), "id 1: tenant=t1 plan=t");
    assert_eq!(proxy.recall(&[], &["trace", "unknown"]), "id 0 agreed: plan=t");
    assert_eq!(proxy.recall(&[], &["unknown"]), "Missing");
    assert_eq!(proxy.recall(&[], &[]), "NoId");
}

#[test]
fn two_tickets_recall_only_where_one_request_came_after_the_other() {
    let mut proxy = Proxy::new(2);
    let (first_number, first) = proxy.request(0, "t1", &[]);
    let (_, other) = proxy.request(1, "t2", &[]);
    let second = proxy.arrive(1, "t3", &[], &[first]).ticket.unwrap();
    let empty = proxy.arrive(1, "", &[], &[first]).ticket.unwrap();
    assert_eq!(proxy.recall(&[first, first], &[]), "ticket: tenant=t1 plan=t");
    assert_eq!(proxy.recall(&[first, other], &["trace"]), "Conflict");
    assert_eq!(proxy.recall(&[first, second], &[]), "ticket: tenant=t3 plan=t");
    assert_eq!(proxy.recall(&[second, first], &[]), "ticket: tenant=t3 plan=t");
    assert_eq!(proxy.recall(&[second, first, other], &[]), "Conflict");
    assert_eq!(proxy.recall(&[first, empty], &[]), "NoContext");
    proxy.end(0, first_number);
    proxy.after(5000);
    assert_eq!(proxy.recall(&[first, second], &[]), "ticket: tenant=t3 plan=t", "the first is over");
    assert_eq!(proxy.recall(&[first, other], &[]), "Conflict");
    assert_eq!(proxy.recall(&[first], &[]), "Dead");
}

#[test]
fn tickets_of_another_memory_are_ids_and_nothing_else() {
    let (proxy, other) = (Proxy::new(2), Proxy::new(1));
    // The numbers of the memories differ.
    other.host.secrets.set(100);
    let (_, theirs) = other.request(0, "x", &[]);
    let (_, unknown) = other.request(0, "x", &[]);
    proxy.request(0, "t1", &["trace"]);
    assert_eq!(proxy.recall(&[unknown], &["trace"]), "Dead");
    proxy.arrive(1, "t2", &["trace"], &[theirs]);
    assert_eq!(proxy.recall(&[theirs], &["trace"]), "ticket: tenant=t2 plan=t");
    assert_eq!(proxy.recall(&[theirs, unknown], &["trace"]), "Conflict");
    let (_, own) = proxy.request(0, "t3", &[]);
    assert_eq!(proxy.recall(&[theirs, own], &[]), "ticket: tenant=t3 plan=t", "its own counts");
    proxy.arrive(0, "t4", &["trace"], &[theirs]);
    assert_eq!(proxy.recall(&[theirs], &[]), "id 0 agreed: plan=t");
}

#[test]
fn what_found_no_room_is_known_to_be_lost() {
    let mut proxy = Proxy::new(1);
    // One slot for each part, and a quarter of the parts is reserved for other workers.
    proxy.limits.slots = 128;
    let fit: Vec<_> = (0..96).map(|n| proxy.request(0, &format!("t{n}"), &["trace", &n.to_string()])).collect();
    let lost = proxy.arrive(0, "x", &["mine"], &[]);
    assert_eq!((lost.error, lost.number.is_some()), (Some(MemoryError::Full), true));
    assert_eq!(proxy.recall(&[lost.ticket.unwrap()], &["0"]), "Lost");
    assert_eq!(proxy.recall(&[], &["mine"]), "Lost");
    proxy.arrive(0, "x", &["0"], &[]);
    assert_eq!(proxy.recall(&[], &["0"]), "Ambiguous { agreed: None, id: 0 }", "it lives, and nobody knows it");
    let empty = proxy.arrive(0, "", &["none"], &[]);
    assert_eq!(empty.error, None, "no context needs no slot");
    // Another worker has room.
    proxy.workers.push(Memory::new("a"));
    assert_eq!(proxy.arrive(1, "y", &["theirs"], &[]).error, None);
    assert_eq!(proxy.recall(&[], &["theirs"]), "id 0: tenant=y plan=y");
    proxy.end(0, fit[5].0);
    proxy.after(5000);
    assert_eq!(proxy.arrive(0, "z", &["late"], &[]).error, None);
    assert_eq!(proxy.recall(&[], &["late"]), "id 0: tenant=z plan=z");
    assert_eq!(proxy.recall(&[fit[5].1], &[]), "Dead", "its slot has another record");
}

#[test]
fn bytes_are_limited_as_well_as_slots() {
    let mut proxy = Proxy::new(1);
    proxy.limits = Limits { slots: 1 << 20, bytes: 8 << 20, ..LIMITS };
    let mut held = 0;
    let large = |n: usize| {
        let mut record = record(&format!("t{n}"));
        record.context.insert_string("large", &"x".repeat(10_000)).unwrap();
        record
    };
    for n in 0..2000 {
        let arrival = Arrival { record: &large(n), ids: &[n.to_string().into_bytes()], tickets: &[] };
        held += usize::from(proxy.workers[0].remember(proxy.access(), &arrival).error.is_none());
    }
    assert_eq!(held, 96 * 6, "six records for each part that it may take");
    assert!(proxy.bytes_held() < 8 << 20);
    let mut huge = large(0);
    huge.withheld = (0..100).map(|_| "x").collect();
    proxy.limits.bytes = 128 * 1000;
    let arrival = Arrival { record: &huge, ids: &[], tickets: &[] };
    assert_eq!(proxy.workers[0].remember(proxy.access(), &arrival).error, Some(MemoryError::TooLarge));
}

#[test]
fn without_secrets_nothing_is_remembered_and_nothing_recalled() {
    let proxy = Proxy::new(1);
    proxy.host.no_secrets.set(true);
    assert_eq!(proxy.arrive(0, "t1", &["trace"], &[]), Remembered::nothing());
    assert_eq!(proxy.recall(&[], &["trace"]), "Missing");
    assert!(proxy.host.memory.borrow().is_empty());
}

#[test]
fn a_worker_that_is_gone_leaves_its_part_to_others() {
    let mut proxy = Proxy::new(1);
    let (_, lost) = proxy.request(0, "t1", &["trace"]);
    proxy.workers[0] = Memory::new("a");
    assert_eq!(
        proxy.recall(&[lost], &[]),
        "ticket: tenant=t1 plan=t",
        "the virtual machine is new, the record is there"
    );
    proxy.request(0, "t2", &["trace"]);
    assert_eq!(proxy.recall(&[], &["trace"]), "id 0 agreed: plan=t");
    let held = proxy.bytes_held();
    proxy.after(140_000);
    assert_eq!(proxy.recall(&[], &["trace"]), "id 0: tenant=t2 plan=t", "the other worker emptied it");
    assert_eq!(proxy.recall(&[lost], &[]), "Dead");
    assert!(proxy.bytes_held() < held);
    let keys = proxy.host.memory.borrow().len();
    proxy.workers.push(Memory::new("a"));
    proxy.request(1, "t3", &["trace"]);
    assert_eq!(proxy.host.memory.borrow().len(), keys, "and a third one has its part");
    assert_eq!(proxy.recall(&[], &["trace"]), "id 0 agreed: plan=t");
}

#[test]
fn however_often_workers_are_replaced_there_is_a_part_for_each() {
    let mut proxy = Proxy::new(2);
    for n in 0..300 {
        proxy.workers = (0..2).map(|_| Memory::new("a")).collect();
        for worker in 0..2 {
            let (_, ticket) = proxy.request(worker, &format!("t{n}"), &["trace"]);
            assert!(proxy.recall(&[ticket], &[]).starts_with("ticket"));
        }
        proxy.after(20_000);
    }
    assert!(proxy.host.memory.borrow().len() < 100, "{}", proxy.host.memory.borrow().len());
}

#[test]
fn a_worker_that_lost_its_part_says_that_its_requests_are_lost() {
    let mut proxy = Proxy::new(2);
    proxy.request(0, "t1", &["trace"]);
    proxy.request(1, "t2", &["trace"]);
    // It hangs for so long that the other worker empties its part.
    for _ in 0..10 {
        proxy.now_ms += 15_000;
        proxy.workers[1].tick(proxy.access());
    }
    assert_eq!(short(&proxy.recall_on(1, &[], &["trace"], OnAmbiguous::Agree)), "id 0: tenant=t2 plan=t");
    proxy.tick();
    assert_eq!(proxy.recall(&[], &["trace"]), "Ambiguous { agreed: None, id: 0 }");
    let (_, ticket) = proxy.request(0, "t3", &["new"]);
    assert_eq!(proxy.recall(&[ticket], &[]), "ticket: tenant=t3 plan=t");
}

#[test]
fn services_of_one_proxy_have_memories_of_their_own() {
    let mut proxy = Proxy::new(1);
    let (_, ticket) = proxy.request(0, "t1", &["trace"]);
    proxy.workers.push(Memory::new("b"));
    let recall = |tickets: &[Ticket]| short(&proxy.recall_on(1, tickets, &["trace"], OnAmbiguous::Agree));
    assert_eq!(recall(&[ticket]), "Dead");
    assert_eq!(recall(&[]), "Missing");
}

#[test]
fn other_limits_leave_what_is_remembered_where_it_is() {
    let mut proxy = Proxy::new(1);
    let requests: Vec<_> = (0..20).map(|n| proxy.request(0, &format!("t{n}"), &[])).collect();
    proxy.limits.slots = 128;
    assert_eq!(proxy.arrive(0, "x", &[], &[]).error, None, "in a part of its own");
    proxy.limits.slots = 1 << 20;
    for (n, (_, ticket)) in requests.iter().enumerate() {
        assert_eq!(proxy.recall(&[*ticket], &[]), format!("ticket: tenant=t{n} plan=t"));
    }
}

#[test]
fn whatever_stands_in_shared_data_nothing_wrong_is_recalled() {
    let proxy = Proxy::new(1);
    let (_, ticket) = proxy.request(0, "t1", &["trace"]);
    let keys: Vec<String> = proxy.host.memory.borrow().keys().cloned().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in &keys {
        for junk in [&b""[..], b"junk", &[0; 100], &[4; 100], &[0xFF; 2000]] {
            let known = proxy.host.memory.borrow().get(key).cloned().unwrap();
            proxy.host.memory.borrow_mut().insert(key.clone(), (junk.to_vec(), 9));
            for (tickets, ids) in [(&[ticket][..], &[][..]), (&[], &["trace"][..])] {
                // A worker that knows the memory, and one that does not.
                for memory in [&proxy.workers[0], &Memory::new("a")] {
                    let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
                    let wanted = Wanted { tickets, ids: &ids, on_ambiguous: OnAmbiguous::Agree };
                    let found = short(&memory.recall(proxy.access(), &wanted, &Fuel::default()));
                    let right = found.contains("tenant=t1");
                    assert!(right || !found.contains("tenant"), "{key} {junk:?}: {found}");
                }
            }
            proxy.host.memory.borrow_mut().insert(key.clone(), known);
        }
    }
}

#[test]
fn remembering_reads_nothing_and_recalling_by_ticket_one_value() {
    let proxy = Proxy::new(1);
    let (_, ticket) = proxy.request(0, "t1", &["trace"]);
    let before = proxy.host.reads.get();
    for n in 0..100 {
        proxy.request(0, &format!("t{n}"), &["trace", &n.to_string()]);
    }
    // Eight slots are the share of a part, so it took more parts.
    assert!(proxy.host.reads.get() - before <= 13, "{}", proxy.host.reads.get() - before);
    let before = proxy.host.reads.get();
    proxy.recall(&[ticket], &["trace"]);
    assert_eq!(proxy.host.reads.get() - before, 1);
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Arrive { worker: usize, tenant: usize, id: usize },
        End { request: usize },
        Wait { ms: u64 },
        Crash { worker: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0..3_usize, 0..4_usize, 0..3_usize).prop_map(|(worker, tenant, id)| Step::Arrive { worker, tenant, id }),
            4 => (0..40_usize).prop_map(|request| Step::End { request }),
            3 => (0..4000_u64).prop_map(|ms| Step::Wait { ms }),
            1 => (0..3_usize).prop_map(|worker| Step::Crash { worker }),
        ];
        prop::collection::vec(step, 1..60)
    }

    struct Live {
        worker: usize,
        number: RequestNumber,
        ticket: Ticket,
        tenant: String,
        id: usize,
        ended_ms: Option<u64>,
        /// Its worker is gone: whether it is recalled is undefined.
        orphan: bool,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// A ticket recalls its own context as long as its request lives. An id never recalls a field on which its live
        /// requests differ.
        #[test]
        fn nobody_gets_anothers_context(steps in steps()) {
            let mut proxy = Proxy::new(3);
            let mut all: Vec<Live> = Vec::new();
            for step in steps {
                match step {
                    Step::Arrive { worker, tenant, id } => {
                        let tenant = ["", "t1", "t2", "x1"][tenant].to_owned();
                        let (number, ticket) = proxy.request(worker, &tenant, &[&id.to_string()]);
                        all.push(Live { worker, number, ticket, tenant, id, ended_ms: None, orphan: false });
                    }
                    Step::End { request } => {
                        let count = all.len().max(1);
                        if let Some(live) = all.get_mut(request % count)
                            && live.ended_ms.is_none() && !live.orphan {
                            live.ended_ms = Some(proxy.now_ms);
                            proxy.workers[live.worker].end(live.number, proxy.now_ms, 5000);
                        }
                    }
                    Step::Wait { ms } => proxy.after(ms),
                    Step::Crash { worker } => {
                        proxy.workers[worker] = Memory::new("a");
                        all.iter_mut().filter(|live| live.worker == worker).for_each(|live| live.orphan = true);
                    }
                }
                for live in &all {
                    let found = proxy.recall(&[live.ticket], &[&live.id.to_string()]);
                    let own = if live.tenant.is_empty() { "NoContext".to_owned() } else {
                        format!("ticket: tenant={} plan={}", live.tenant, live.tenant.get(..1).unwrap())
                    };
                    let over = live.ended_ms.is_some_and(|ended| proxy.now_ms >= ended + 5000);
                    if live.orphan {
                        prop_assert!(found == own || found == "Dead", "{found}");
                    } else if over && !live.tenant.is_empty() {
                        prop_assert_eq!(found, "Dead");
                    } else {
                        prop_assert_eq!(found, own);
                    }
                }
                for id in 0..3 {
                    let is_live = |live: &&Live| live.id == id && !live.orphan
                        && live.ended_ms.is_none_or(|ended| proxy.now_ms < ended + 5000);
                    let found = proxy.recall(&[], &[&id.to_string()]);
                    for live in all.iter().filter(is_live) {
                        let wrong_tenant = found.contains("tenant=") && !found.contains(&format!("tenant={} ", live.tenant));
                        let plan = live.tenant.get(..1).unwrap_or("-");
                        let wrong_plan = found.contains("plan=") && !found.contains(&format!("plan={plan}"));
                        prop_assert!(!wrong_tenant && !wrong_plan, "{} got {found}", live.tenant);
                    }
                }
            }
        }
    }
}

#[test]
fn no_two_records_and_no_two_buckets_share_a_key() {
    let keys = Keys::new("a");
    let numbers = [0, 1, 11, 111, 1111];
    let mut all: Vec<String> = numbers.iter().map(|slot| keys.slot(*slot)).collect();
    all.extend(numbers.iter().flat_map(|unit| numbers.map(|bucket| keys.ids(*unit, bucket))));
    all.push(keys.directory());
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), count), (31, 31));
    assert_eq!(keys.ids(1, 11), "context-mesh/4/a/ids/1/11");
}
