//! The values of one event as a predicate asks for them.

/// An event: fields with values. A field may have several values; a test of it passes where one of them does.
pub trait Values {
    /// Whether one of the field's values passes; names are compared without regard to ASCII letter case.
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool;

    /// Whether one value of any field passes.
    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool;
}

impl<N: AsRef<str>, V: AsRef<str>> Values for [(N, Option<V>)] {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.iter()
            .filter(|(name, _)| name.as_ref().eq_ignore_ascii_case(field))
            .filter_map(|(_, value)| value.as_ref())
            .any(|value| passes(value.as_ref()))
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.iter()
            .filter_map(|(_, value)| value.as_ref())
            .any(|value| passes(value.as_ref()))
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> Values for [(N, Option<V>); COUNT] {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.as_slice().any(field, passes)
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.as_slice().any_field(passes)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> Values for Vec<(N, Option<V>)> {
    fn any(&self, field: &str, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.as_slice().any(field, passes)
    }

    fn any_field(&self, passes: &mut dyn FnMut(&str) -> bool) -> bool {
        self.as_slice().any_field(passes)
    }
}
