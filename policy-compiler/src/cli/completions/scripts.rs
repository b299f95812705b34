//! The scripts for shells: what clap knows of commands and options, and around it a call of `policyc __complete` for the
//! names that only the tree knows.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::super::Cli;

/// Asks for names first, and leaves everything else to clap's function.
const BASH: &str = r#"
_policyc_names() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "$line")")
    done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        _policyc "$@"
        return
    fi
    # The path of a folder goes on.
    if [[ "${COMPREPLY[0]}" == */ ]]; then
        compopt -o nospace 2>/dev/null || true
    fi
}
"#;

const ZSH: &str = r#"
_policyc() {
    local -a names
    names=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    names=("${(@)names:#}")
    if (( ! $#names )); then
        _policyc_commands_and_options "$@"
    elif [[ "$names[1]" == */ ]]; then
        compadd -S '' -- "${names[@]}"
    else
        compadd -- "${names[@]}"
    fi
}
"#;

const FISH: &str = r#"
function __fish_policyc_names
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    $words[1] __complete -- $words[2..-1] "$begun" 2>/dev/null | string replace -r '^--[a-z-]+=' ''
end
complete -c policyc -n 'count (__fish_policyc_names) >/dev/null' -f -a '(__fish_policyc_names)'
# Where an option takes a value, fish asks only for this option.
for option in service domain field
    complete -c policyc -n 'count (__fish_policyc_names) >/dev/null' -l $option -r -f -a '(__fish_policyc_names)'
end
"#;

/// Returns the script for a shell.
pub(super) fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "policyc", &mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match shell {
        Shell::Bash => {
            let (functions, registration) = split_at_last(&text, "\nif [[ \"${BASH_VERSINFO[0]}\"");
            format!("{functions}{BASH}{}", registration.replace("complete -F _policyc ", "complete -F _policyc_names "))
        }
        Shell::Zsh => {
            let text = text.replace("\n_policyc() {\n", "\n_policyc_commands_and_options() {\n");
            let (functions, registration) = split_at_last(&text, "\nif [ \"$funcstack[1]\"");
            format!("{functions}{ZSH}{registration}")
        }
        Shell::Fish => format!("{text}{FISH}"),
        _ => text,
    }
}

/// Splits a text before the last place with this text. If there is none, the second part is empty.
fn split_at_last<'t>(text: &'t str, at: &str) -> (&'t str, &'t str) {
    text.rfind(at).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}
