//! A list of names in one buffer.

use core::fmt;

/// A list of names, in order. All are stored in one buffer, because every request makes several such lists.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// The end of each name.
    ends: Vec<usize>,
}

impl Names {
    /// Returns an empty list with capacity for this number of names and of bytes in total.
    pub fn with_capacity(names: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(names) }
    }

    /// Appends a name.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// Returns all names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    /// Returns whether the list contains the name.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|known| known == name)
    }

    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<'n> FromIterator<&'n str> for Names {
    fn from_iter<I: IntoIterator<Item = &'n str>>(names: I) -> Self {
        let mut list = Self::default();
        names.into_iter().for_each(|name| list.push(name));
        list
    }
}

impl<const N: usize> PartialEq<[&str; N]> for Names {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_may_be_anything() {
        let names: Names = ["b", "", "a\n", "b"].into_iter().collect();
        assert_eq!(names, ["b", "", "a\n", "b"]);
        assert_eq!((names.len(), names.contains("a\n"), names.contains("a")), (4, true, false));
        assert!(Names::default().is_empty());
        assert_eq!(format!("{names:?}"), r#"["b", "", "a\n", "b"]"#);
    }
}
