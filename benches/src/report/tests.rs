//! Complete reports of a few figures. The expected files are in `src/report/expected`; `UPDATE_EXPECT=1` updates them.

#[path = "../../../policy-compiler/tests/it/support/golden.rs"]
mod golden;

use std::path::Path;

use super::*;

/// Returns a report in which most figures are missing, as after `bench --only`.
fn small() -> Report {
    let mut figures = Figures::default();
    for (chain, cpu) in [("none", 20.0), ("floor", 30.0), ("rules100", 65.0), ("rbac100", 41.5)] {
        figures.set_rounds(&format!("envoy.cpu_us.{chain}"), &[cpu - 1.0, cpu, cpu + 2.5]);
        figures.set(format!("envoy.p99_us.{chain}"), cpu * 20.0);
        if chain != "none" {
            figures.set_rounds(&format!("envoy.cpu_us_over_none.{chain}"), &[cpu - 21.0, cpu - 20.0, cpu - 17.0]);
        }
    }
    figures.set("envoy.cpu_us.rules10000", 900.0);
    figures.set("envoy.status.rules10000", 431.0);
    figures.set("envoy.cpu_us_over_none.rules10", 40.0);
    for (engine, cost) in [("context_mesh", 900.0), ("cel", 30_000.0)] {
        for (count, factor) in [(10, 1.0), (100, 10.0), (1000, 100.0)] {
            figures.set(format!("native.ns_per_decision.{engine}.{count}"), cost * factor);
        }
    }
    figures.set("envoy.p50_us.rules100", 120.25);
    figures.set("codec.encode_per_second", 1_234_567.8);
    Report {
        about: vec![("processor".to_owned(), "Some <CPU>, 2 cores".to_owned())],
        notes: vec!["rules10000: of 300 requests, 300 with 431 were refused".to_owned()],
        figures,
    }
}

fn check(name: &str, text: &str) {
    golden::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/expected").join(name), text);
}

#[test]
fn the_same_figures_are_rendered_as_text_json_and_a_page() {
    let report = small();
    check("small.txt", &text::render(&report));
    check("small.json", &report.figures.to_json());
    check("small.html", &html::render(&report));
}

#[test]
fn the_page_needs_no_other_file_and_escapes_texts() {
    let page = html::render(&small());
    assert!(page.contains("Some &lt;CPU&gt;, 2 cores"), "{page}");
    for outside in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_report_without_figures_is_still_a_page() {
    let page = html::render(&Report::default());
    assert!(page.ends_with("</html>\n") && !page.contains("<section>"), "{page}");
}

/// The other engines must not be built by the commands for everyday tasks.
#[test]
fn the_other_engines_are_no_part_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    assert!(read("Cargo.toml").contains("exclude = [\"benches/peers\"]"));
    for name in ["cedar-policy", "regorus"] {
        let package = format!("name = \"{name}\"");
        assert!(!read("Cargo.lock").contains(&package), "{name}");
        assert!(read("benches/peers/Cargo.lock").contains(&package), "{name}");
    }
}

#[test]
fn numbers_have_the_digits_that_count() {
    let cases = [
        (0.0, "0"),
        (0.057, "0.06"),
        (9.5, "9.50"),
        (9.0, "9"),
        (42.04, "42.0"),
        (1234.6, "1,235"),
        (-1_000_000.0, "-1,000,000"),
    ];
    for (value, expected) in cases {
        assert_eq!(number(value), expected);
    }
}
