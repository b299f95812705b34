//! The lines of the file: number, word, date, `retired`.

use std::fmt;

use context_mesh_core::limits::{MAX_WORD_BYTES, MAX_WORDS};
use jiff::Timestamp;

use super::{Entry, LineProblem, Lock, is_number, problem};

/// The head of a new file.
const HEAD: &str = "\
# The words of the mesh and their numbers in x-mesh-context. `policyc lock` keeps this file: check it in.
# A number never changes and is never used again. The date is that of the first release with the word.
";

const RETIRED: &str = "retired";

const LINE_HELP: &str = "a line is a number, a word, and where it was released the date, for example \
                         `7 tenant_id 2026-01-31T12:00:00Z`; `policyc lock` writes them";

/// Reads the file. Lines that contradict each other are not reported here; see [`Lock::problems`].
///
/// # Errors
/// Every line that cannot be read.
pub fn parse(text: &str) -> Result<Lock, Vec<LineProblem>> {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match entry(number, line) {
            Ok(entry) => entries.push(entry),
            Err(message) => problems.push(problem(number, message, help(line))),
        }
    }
    if let Some(entry) = entries.get(MAX_WORDS) {
        let help = "a mesh that needs more sends the rest as text: remove the words that matter least";
        problems.push(problem(entry.line, format!("there are more than {MAX_WORDS} words"), help));
    }
    if problems.is_empty() { Ok(Lock { entries }) } else { Err(problems) }
}

fn help(line: &str) -> &'static str {
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark)) {
        "keep the lines of both branches, remove the conflict markers, and run `policyc lock DIR`"
    } else {
        LINE_HELP
    }
}

fn entry(line: usize, text: &str) -> Result<Entry, String> {
    let (number, rest) = text.split_once(char::is_whitespace).ok_or("the line has no word")?;
    let number = number.parse().ok().filter(|number| is_number(*number));
    let number = number.ok_or("the line does not begin with the number of a word")?;
    let (word, rest) = word(rest.trim_start())?;
    let (mut released, mut retired) = (None, false);
    for part in rest.split_whitespace() {
        if part == RETIRED && !retired {
            retired = true;
        } else if released.is_none() && !retired {
            released = Some(date(part)?);
        } else {
            return Err(format!("`{part}` is not expected there"));
        }
    }
    Ok(Entry { word, number, released, retired, line })
}

/// Splits the text into the word at its beginning and the rest. A word that is not plain is in quotes.
fn word(text: &str) -> Result<(String, &str), String> {
    let (word, rest) = if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let word = values.next().and_then(Result::ok).ok_or("the word in quotes does not end")?;
        (word, text.get(values.byte_offset()..).unwrap_or_default())
    } else {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        (word.to_owned(), rest)
    };
    if (1..=MAX_WORD_BYTES).contains(&word.len()) {
        Ok((word, rest))
    } else {
        Err(format!("a word has 1 to {MAX_WORD_BYTES} bytes"))
    }
}

/// Reads a date of the file or of the command line.
pub(super) fn date(text: &str) -> Result<Timestamp, NotADate> {
    let date = text.parse::<Timestamp>().ok().filter(|date| date.as_millisecond() >= 0);
    date.ok_or_else(|| NotADate(text.to_owned()))
}

/// A text that is not a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotADate(String);

impl fmt::Display for NotADate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a date such as `2026-01-31T12:00:00Z`", self.0)
    }
}

impl std::error::Error for NotADate {}

impl From<NotADate> for String {
    fn from(error: NotADate) -> Self {
        error.to_string()
    }
}

fn is_plain(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
    !word.is_empty() && word.bytes().all(plain)
}

impl fmt::Display for Lock {
    /// Writes one word a line, sorted by word, so that branches that add words seldom touch the same lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| (&a.word, a.number).cmp(&(&b.word, b.number)));
        for Entry { word, number, released, retired, .. } in entries {
            match is_plain(word) {
                true => write!(f, "{number} {word}")?,
                false => write!(f, "{number} {}", serde_json::Value::from(word.as_str()))?,
            }
            if let Some(date) = released {
                write!(f, " {date}")?;
            }
            f.write_str(if *retired { " retired\n" } else { "\n" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = format!(
            "{HEAD}3 \"a \\\"b\\\" #\" 2026-01-31T12:00:00.5Z\n1 caller 2026-01-31T12:00:00Z\n2 tier\n9 zone 1970-01-01T00:00:00Z retired\n"
        );
        let lock = parse(&text).unwrap();
        assert_eq!(lock.to_string(), text);
        let words: Vec<&str> = lock.entries().iter().map(|entry| entry.word.as_str()).collect();
        assert_eq!(words, ["a \"b\" #", "caller", "tier", "zone"]);
        assert!(lock.entries().last().unwrap().retired);
        assert_eq!(lock.table().iter().map(|word| word.number).collect::<Vec<_>>(), [1, 3, 9]);
    }

    #[test]
    fn order_and_space_mean_nothing_to_the_reader() {
        let lock = parse("\n  9   z \t\n# note\n1 a  2026-01-31T12:00:00+01:00\r\n").unwrap();
        assert_eq!(lock.to_string(), format!("{HEAD}1 a 2026-01-31T11:00:00Z\n9 z\n"));
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        for (line, message) in [
            ("7", "the line has no word"),
            ("word 7", "the line does not begin with the number of a word"),
            ("0 word", "the line does not begin with the number of a word"),
            ("99999999 word", "the line does not begin with the number of a word"),
            ("-1 word", "the line does not begin with the number of a word"),
            ("7 \"word", "the word in quotes does not end"),
            ("7 \"\"", "a word has 1 to 128 bytes"),
            ("7 word today", "`today` is not a date such as `2026-01-31T12:00:00Z`"),
            ("7 word 1969-01-01T00:00:00Z", "`1969-01-01T00:00:00Z` is not a date such as `2026-01-31T12:00:00Z`"),
            ("7 word retired retired", "`retired` is not expected there"),
            ("7 word retired 2026-01-31T12:00:00Z", "`2026-01-31T12:00:00Z` is not expected there"),
        ] {
            let problems = parse(&format!("1 a\n{line}\n")).unwrap_err();
            assert_eq!(problems.len(), 1, "{line}");
            assert_eq!((problems[0].line, problems[0].message.as_str()), (1, message), "{line}");
        }
        let merge = parse("<<<<<<< ours\n1 a\n=======\n1 b\n>>>>>>> theirs\n").unwrap_err();
        assert!(merge.iter().all(|problem| problem.help.contains("both branches")), "{merge:?}");
    }
}
