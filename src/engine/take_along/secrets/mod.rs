//! Leaves secrets out of what is taken along, whether or not the application has masked them.
//!
//! Pure, and the only place that decides it. A secret is told by the name that it stands under, by the name that stands
//! beside it (`"path": "wifi.password"`), or by how it is written (`SharedAccessKey=…`, `?sig=…`, `Bearer …`). What cannot
//! be told from a secret is left out: who sets things up again has to enter secrets anyhow, and one that leaked is lost. The
//! names of the fields stay, so that it shows what has to be entered.

mod names;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What stands in a secret's place.
pub(super) const MASK: &str = "(left out)";

/// JSON without secrets, and where there were some.
#[derive(Debug, PartialEq)]
pub(super) struct Cleaned {
    pub(super) items: Vec<Value>,
    /// Paths of fields, without the positions in lists.
    pub(super) left_out: BTreeSet<String>,
}

/// Leaves out the secrets of a family's items.
pub(super) fn left_out_of(items: Vec<Value>) -> Cleaned {
    let mut cleaner = Cleaner::default();
    let items = items.into_iter().map(|item| cleaner.clean(item, "", Suspicion::None)).collect();
    Cleaned { items, left_out: cleaner.left_out }
}

/// What is held of a value because of where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspicion {
    /// Its own names and words decide.
    None,
    /// It is how somebody signs in: a bare text is a secret, and so is what is called `value`.
    SignIn,
    /// Every text and number in it is a secret.
    All,
}

#[derive(Default)]
struct Cleaner {
    left_out: BTreeSet<String>,
}

impl Cleaner {
    fn clean(&mut self, value: Value, path: &str, suspicion: Suspicion) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.object(fields, path, suspicion)),
            Value::Array(items) => items.into_iter().map(|item| self.clean(item, path, suspicion)).collect(),
            Value::String(text) if suspicion == Suspicion::None => Value::String(self.text(text, path)),
            Value::String(_) => self.mask(path),
            Value::Number(_) if suspicion == Suspicion::All => self.mask(path),
            // Switches and absent values tell nothing.
            other => other,
        }
    }

    fn object(&mut self, fields: Map<String, Value>, path: &str, suspicion: Suspicion) -> Map<String, Value> {
        let labelled = fields.iter().any(|(name, label)| names::is_label(name) && names_a_secret(label));
        let webhook = fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("webhook"));
        let mut clean = Map::new();
        for (name, value) in fields {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let given = (labelled || suspicion == Suspicion::SignIn) && names::is_given_value(&name);
            let value = match value {
                Value::String(text) if suspicion != Suspicion::All && names::is_connection_string(&name) => {
                    self.replaced(text, &path, |text| Some(text::connection_string(text)))
                }
                // Long options are cut into pieces, which tell nothing each by itself.
                Value::String(text)
                    if names::is_container_options(&name) && serde_json::from_str::<Value>(&text).is_err() =>
                {
                    self.mask(&path)
                }
                Value::String(address) if webhook && name == "url" => {
                    self.replaced(address, &path, |address| Some(text::address(address)))
                }
                // A field of a way to sign in that is not the secret itself: `containerName`, `clientId`.
                Value::String(text) if suspicion == Suspicion::SignIn && !given && !names_one(&name) => {
                    Value::String(self.text(text, &path))
                }
                value if given || suspicion == Suspicion::All || names::is_secret(&name) => {
                    self.clean(value, &path, Suspicion::All)
                }
                value if names::holds_secrets(&name) => self.clean(value, &path, Suspicion::All),
                value if names::is_sign_in(&name) => self.clean(value, &path, Suspicion::SignIn),
                value => self.clean(value, &path, suspicion),
            };
            clean.insert(name, value);
        }
        clean
    }

    /// A text that stands nowhere in particular. One that is JSON itself, as the options of a container are, is taken for that.
    fn text(&mut self, text: String, path: &str) -> String {
        if text.trim_start().starts_with(['{', '['])
            && let Ok(inner) = serde_json::from_str::<Value>(&text)
        {
            let clean = self.clean(inner.clone(), path, Suspicion::None);
            return if clean == inner { text } else { clean.to_string() };
        }
        match text::without_secrets(&text) {
            Some(clean) => {
                self.left_out.insert(path.to_owned());
                clean
            }
            None => text,
        }
    }

    fn replaced(&mut self, text: String, path: &str, clean: impl Fn(&str) -> Option<String>) -> Value {
        match clean(&text).filter(|clean| *clean != text) {
            Some(clean) => {
                self.left_out.insert(path.to_owned());
                Value::String(clean)
            }
            None => Value::String(text),
        }
    }

    fn mask(&mut self, path: &str) -> Value {
        self.left_out.insert(path.to_owned());
        Value::String(MASK.to_owned())
    }
}

/// `wifi.password`, `X-Api-Key`: what stands beside it is one.
fn names_a_secret(label: &Value) -> bool {
    label.as_str().and_then(|label| label.rsplit(['.', '/', '*']).next()).is_some_and(names_one)
}

fn names_one(name: &str) -> bool {
    names::is_secret(name) || names::is_sign_in(name)
}
