//! The `claims` parameter: what the client can handle, and what a resource has demanded of it.

use serde_json::Value;

use super::failure::Failure;

/// A `claims` parameter, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Capabilities that the client declares (`xms_cc`), as written.
    pub capabilities: Vec<String>,
    /// Whether a claim is essential: only a resource's challenge makes a client ask for one.
    pub answers_challenge: bool,
}

impl Claims {
    /// Reads the parameter; none asks for nothing.
    ///
    /// # Errors
    /// If it is no JSON object.
    pub fn parse(parameter: Option<&str>) -> Result<Self, Failure> {
        let Some(parameter) = parameter.filter(|text| !text.is_empty()) else { return Ok(Self::default()) };
        let asked: Value = serde_json::from_str(parameter).unwrap_or_default();
        if !asked.is_object() {
            let text = "Invalid request. The value of the input parameter 'claims' is not valid JSON.";
            return Err(Failure::invalid_request(9_002_313, text));
        }
        let of_token = asked["access_token"].as_object();
        let values = of_token.and_then(|claims| claims.get("xms_cc")).and_then(|claim| claim["values"].as_array());
        let capabilities = values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let answers_challenge = of_token.is_some_and(|claims| claims.values().any(|claim| claim["essential"] == true));
        Ok(Self { capabilities, answers_challenge })
    }
}

/// Whether somebody with these capabilities handles claims challenges.
pub fn handles_challenges<'a>(mut capabilities: impl Iterator<Item = &'a str>) -> bool {
    capabilities.any(|capability| capability.eq_ignore_ascii_case("cp1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declaring_a_capability_is_no_answer_to_a_challenge() {
        let declared = Claims::parse(Some(r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)).unwrap();
        assert!(!declared.answers_challenge && declared.capabilities == ["CP1"]);
        assert!(handles_challenges(declared.capabilities.iter().map(String::as_str)));
        let answer = r#"{"access_token":{"nbf":{"essential":true,"value":"1"},"xms_cc":{"values":["cp1"]}}}"#;
        assert!(Claims::parse(Some(answer)).unwrap().answers_challenge);
    }

    #[test]
    fn nothing_asks_for_nothing_and_anything_but_an_object_is_refused() {
        assert_eq!(Claims::parse(None), Ok(Claims::default()));
        for text in ["{", "[]", "cp1"] {
            assert!(Claims::parse(Some(text)).is_err(), "{text}");
        }
    }
}
