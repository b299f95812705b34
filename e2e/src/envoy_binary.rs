//! Finds Envoy, in the order of `install-envoy.sh`.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The version that the mesh is tested with.
pub const ENVOY_VERSION: &str = "1.40.0";

/// Returns `$ENVOY`, otherwise `envoy` on the PATH, otherwise the one that `install-envoy.sh` put into `.tools` of the
/// checkout.
///
/// # Errors
/// There is none, or `$ENVOY` is not an executable file.
pub fn find() -> Result<PathBuf> {
    find_in(env::var_os("ENVOY").as_deref(), env::var_os("PATH").as_deref(), &checkout())
}

/// Returns the root of the checkout that this crate was built from.
fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

fn find_in(envoy: Option<&OsStr>, path: Option<&OsStr>, checkout: &Path) -> Result<PathBuf> {
    if let Some(chosen) = envoy.filter(|chosen| !chosen.is_empty()) {
        let chosen = PathBuf::from(chosen);
        let problem = || {
            Error::new(format!(
                "`$ENVOY` is `{}`, which is not an executable file; correct it or unset it",
                chosen.display()
            ))
        };
        return if is_executable(&chosen) { Ok(chosen) } else { Err(problem()) };
    }
    let on_path = path.into_iter().flat_map(env::split_paths).map(|folder| folder.join("envoy"));
    let installed = checkout.join(".tools/envoy").join(ENVOY_VERSION).join("envoy/_bin/envoy");
    on_path
        .chain([installed])
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| Error::new("no Envoy found; run `e2e/install-envoy.sh`, or set `$ENVOY` to an Envoy binary"))
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn executable(file: &Path) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "#!/bin/sh\n").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_variable_comes_before_the_path_and_the_path_before_the_checkout() {
        let home = tempfile::tempdir().unwrap();
        let chosen = home.path().join("mine/my-envoy");
        let on_path = home.path().join("bin/envoy");
        let installed = home.path().join(".tools/envoy/1.40.0/envoy/_bin/envoy");
        for file in [&chosen, &on_path, &installed] {
            executable(file);
        }
        let path = on_path.parent().map(Path::as_os_str);
        assert_eq!(find_in(Some(chosen.as_os_str()), path, home.path()).unwrap(), chosen);
        assert_eq!(find_in(None, path, home.path()).unwrap(), on_path);
        assert_eq!(find_in(None, None, home.path()).unwrap(), installed);
    }

    #[test]
    fn none_at_all_says_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        assert!(find_in(None, None, home.path()).unwrap_err().to_string().contains("install-envoy.sh"));
    }

    #[test]
    fn a_wrong_variable_is_not_passed_over() {
        let home = tempfile::tempdir().unwrap();
        let error = find_in(Some(OsStr::new("/no/envoy")), None, home.path()).unwrap_err();
        assert!(error.to_string().contains("`/no/envoy`"), "{error}");
    }
}
