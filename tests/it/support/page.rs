//! A page as a person sees it: text, links, and forms whose controls are found by label.

use scraper::{ElementRef, Html, Selector};

/// A page that was answered.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: String,
    pub status: u16,
    pub html: String,
}

/// A form, as it would be sent.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub method: String,
    pub fields: Vec<(String, String)>,
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).expect("a selector")
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    fn document(&self) -> Html {
        // A person without JavaScript sees what is inside.
        Html::parse_document(&self.html.replace("<noscript>", "").replace("</noscript>", ""))
    }

    /// All its words.
    pub fn text(&self) -> String {
        let document = self.document();
        document.select(&select("body")).map(words).collect()
    }

    /// The words of what a selector finds.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        self.document().select(&select(selector)).map(words).collect()
    }

    /// Where the first link with these words leads.
    pub fn link(&self, text: &str) -> Option<String> {
        let document = self.document();
        let found =
            document.select(&select("a[href]")).find(|link| words(*link).to_lowercase().contains(&text.to_lowercase()));
        found.and_then(|link| link.value().attr("href")).map(str::to_owned)
    }

    /// The form that has a button with these words, filled as the page fills it; the button's own name and value go along.
    pub fn form_with_button(&self, button: &str) -> Option<Form> {
        let document = self.document();
        let wanted = button.to_lowercase();
        for pressed in document.select(&select("button, input[type=submit]")) {
            let label = pressed.value().attr("aria-label").map_or_else(|| words(pressed), str::to_owned).to_lowercase();
            if label != wanted && pressed.value().attr("value").map(str::to_lowercase) != Some(wanted.clone()) {
                continue;
            }
            let owner = pressed.value().attr("form").map(str::to_owned);
            let form = match owner {
                Some(id) => document.select(&select("form")).find(|form| form.value().attr("id") == Some(id.as_str())),
                None => {
                    pressed.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "form")
                }
            };
            let Some(form) = form else { continue };
            let mut read = read_form(&document, form);
            if let Some(name) = pressed.value().attr("name") {
                read.fields.push((name.to_owned(), pressed.value().attr("value").unwrap_or_default().to_owned()));
            }
            if let Some(action) = pressed.value().attr("formaction") {
                read.action = action.to_owned();
            }
            return Some(read);
        }
        None
    }

    /// The anti-forgery token of a page with somebody signed in.
    pub fn csrf(&self) -> String {
        let form = self.form_with_button("Sign out").unwrap_or_else(|| panic!("nobody is signed in on {}", self.url));
        form.get("_csrf").expect("a token").to_owned()
    }

    /// A button with these words is there and can be pressed.
    pub fn can_press(&self, button: &str) -> bool {
        let document = self.document();
        document
            .select(&select("button, input[type=submit]"))
            .any(|found| words(found).eq_ignore_ascii_case(button) && found.value().attr("disabled").is_none())
    }

    /// The name of the control with this label.
    pub fn name_of(&self, label: &str) -> Option<String> {
        let document = self.document();
        let wanted = label.to_lowercase();
        for found in document.select(&select("label")) {
            if words(found).to_lowercase().trim_end_matches([' ', '*']) != wanted {
                continue;
            }
            let id = found.value().attr("for").unwrap_or_default();
            let control = document
                .select(&select("input, select, textarea"))
                .find(|control| control.value().attr("id") == Some(id));
            let inner = || found.select(&select("input, select, textarea")).next();
            if let Some(name) = control.or_else(inner).and_then(|control| control.value().attr("name")) {
                return Some(name.to_owned());
            }
        }
        None
    }

    /// The part of a form with this heading, as if it were all of the page.
    pub fn part(&self, heading: &str) -> Self {
        let document = self.document();
        let headed =
            |part: &ElementRef<'_>| part.select(&select("legend")).next().is_some_and(|own| words(own) == heading);
        let html = document.select(&select("fieldset")).find(headed).map(|part| part.html()).unwrap_or_default();
        Self { html, ..self.clone() }
    }

    /// Name and value of the radio button or check box with this label.
    pub fn entry(&self, label: &str) -> Option<(String, String)> {
        let document = self.document();
        let found = document.select(&select("label")).find(|found| words(*found) == label)?;
        let id = found.value().attr("for")?;
        let control = document.select(&select("input")).find(|control| control.value().attr("id") == Some(id))?;
        Some((control.value().attr("name")?.to_owned(), control.value().attr("value").unwrap_or("on").to_owned()))
    }

    /// The value of the option with these words in the select with this label.
    pub fn option(&self, label: &str, text: &str) -> Option<String> {
        let name = self.name_of(label)?;
        let document = self.document();
        let list = document.select(&select("select")).find(|list| list.value().attr("name") == Some(name.as_str()))?;
        let option = list
            .select(&select("option"))
            .find(|option| words(*option).to_lowercase().contains(&text.to_lowercase()))?;
        Some(option.value().attr("value").map_or_else(|| words(option), str::to_owned))
    }
}

fn read_form(document: &Html, form: ElementRef<'_>) -> Form {
    let id = form.value().attr("id");
    let mut fields = Vec::new();
    for control in document.select(&select("input, select, textarea")) {
        let inside = control.ancestors().any(|ancestor| ancestor.id() == form.id());
        let linked = id.is_some() && control.value().attr("form") == id;
        let Some(name) = control.value().attr("name") else { continue };
        if !(inside || linked) || control.value().attr("disabled").is_some() {
            continue;
        }
        if let Some(value) = value_of(control) {
            fields.push((name.to_owned(), value));
        }
    }
    Form {
        action: form.value().attr("action").unwrap_or_default().to_owned(),
        method: form.value().attr("method").unwrap_or("get").to_lowercase(),
        fields,
    }
}

fn value_of(control: ElementRef<'_>) -> Option<String> {
    let value = || control.value().attr("value").unwrap_or_default().to_owned();
    match (control.value().name(), control.value().attr("type")) {
        ("textarea", _) => Some(control.text().collect()),
        ("select", _) => {
            let options: Vec<ElementRef<'_>> = control.select(&select("option")).collect();
            let chosen =
                options.iter().find(|option| option.value().attr("selected").is_some()).or_else(|| options.first())?;
            Some(chosen.value().attr("value").map_or_else(|| words(*chosen), str::to_owned))
        }
        (_, Some("checkbox" | "radio")) => {
            control.value().attr("checked").map(|_| control.value().attr("value").unwrap_or("on").to_owned())
        }
        (_, Some("submit" | "button" | "image" | "reset" | "file")) => None,
        _ => Some(value()),
    }
}

impl Form {
    /// Sets a field, replacing what it had.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives a field one more value, as a check box of several does.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
