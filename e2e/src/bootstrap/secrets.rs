//! The files that tell Envoy where its certificates are, and when to read them again.

use std::path::Path;

use super::{Common, values_of};
use crate::error::{Context as _, Result};
use crate::template::render;

const SECRETS: [(&str, &str); 2] = [
    ("certificate.yaml", include_str!("../../../envoy-configs/sds/certificate.yaml")),
    ("authority.yaml", include_str!("../../../envoy-configs/sds/authority.yaml")),
];

/// Writes the files of `SDS_DIR` for the Envoy that `common` describes. `folder` is the path of that folder on this
/// machine, which differs from its path in a container.
///
/// # Errors
/// The folder cannot be written, or a value contains a control character.
pub fn write_secrets(common: &Common<'_>, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).context(format_args!("cannot make `{}`", folder.display()))?;
    for (name, template) in SECRETS {
        let file = folder.join(name);
        std::fs::write(&file, render(template, &values_of(common))?)
            .context(format_args!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}
