//! Files with expected output. `UPDATE_EXPECT=1` updates them; read the difference before committing it. The tests of
//! the library use this module too.

use std::fs;
use std::path::Path;

/// Most lines of a difference that are shown.
const SHOWN_LINES: usize = 12;

/// Checks that the file at `path` has this text, or writes it.
///
/// # Panics
/// If it has another text.
#[track_caller]
pub(crate) fn check(path: &Path, found: &str) {
    if let Err(difference) = compare(path, found) {
        panic!("{difference}");
    }
}

/// Compares as [`check`] does, for a test that reports several files at once.
pub(crate) fn compare(path: &Path, found: &str) -> Result<(), String> {
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, found).unwrap();
        return Ok(());
    }
    let same = expected.split('\n').zip(found.split('\n')).take_while(|(expected, found)| expected == found).count();
    let shown = |text: &str| text.split('\n').skip(same).take(SHOWN_LINES).collect::<Vec<_>>().join("\n");
    let (line, path) = (same + 1, path.display());
    Err(format!(
        "{path}, line {line}: expected\n{}\nfound\n{}\nUPDATE_EXPECT=1 accepts this",
        shown(&expected),
        shown(found)
    ))
}
