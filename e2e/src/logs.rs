//! Shows the logs of a mesh if the test that owns it fails.

use std::path::Path;

use crate::envoy::tail;

/// The files of each Envoy's folder that show what happened.
const FILES: [&str; 3] = ["access.log", "application.log", "envoy.log"];

/// Prints the end of each log of each folder to stderr, if the current thread is panicking.
pub(crate) fn show_if_panicking<'a>(folders: impl Iterator<Item = (&'a str, &'a Path)>) {
    if !std::thread::panicking() {
        return;
    }
    for (service, folder) in folders {
        for file in FILES.map(|name| folder.join(name)).into_iter().filter(|file| file.exists()) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            eprintln!("---- {service}: the end of {name} ----\n{}", tail(&file));
        }
    }
}
