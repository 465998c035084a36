//! What stands behind the question mark of a URL: `name=value&...`, percent-encoded.

use percent_encoding::percent_decode_str;

/// A query, read.
pub(crate) struct Query(Vec<(String, String)>);

/// Why a parameter has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueryFault {
    /// It is not there.
    Missing,
    /// It is there more than once.
    Repeated,
}

impl Query {
    /// Reads a query. What is not percent-encoded UTF-8 is no parameter.
    pub fn of(text: Option<&str>) -> Query {
        let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
        let parameter = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Some((decoded(name)?, decoded(value)?))
        };
        let parameters = text.unwrap_or_default().split('&');
        Query(parameters.filter_map(parameter).collect())
    }

    /// The value of a parameter that may stand there once.
    pub fn single(&self, name: &str) -> Result<&str, QueryFault> {
        let mut values = self.0.iter().filter(|(found, _)| found == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(QueryFault::Missing),
            (Some(_), Some(_)) => Err(QueryFault::Repeated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        use QueryFault::{Missing, Repeated};
        let query = "action=attachment%2Dadd&rid=M,20111022T160000&rid2=&flag&rid3=%ff&a=1&a=2&=x";
        let query = Query::of(Some(query));
        let cases = [
            ("action", Ok("attachment-add")),
            ("rid", Ok("M,20111022T160000")),
            ("rid2", Ok("")),
            ("flag", Ok("")),
            ("rid3", Err(Missing)),
            ("a", Err(Repeated)),
            ("Action", Err(Missing)),
        ];
        for (name, expected) in cases {
            assert_eq!(query.single(name), expected, "{name}");
        }
        assert_eq!(Query::of(None).single("action"), Err(Missing));
    }
}
