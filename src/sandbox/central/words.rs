//! The words of filters and queries.

/// A word, a sign, or a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub quoted: bool,
}

const SIGNS: &str = "()=,*!<>";
const PAIRS: [&str; 4] = ["!=", "<>", "<=", ">="];

/// Splits a text. A quote inside a string is written twice.
///
/// # Errors
/// A sentence on a string that has no end.
pub(super) fn split(text: &str) -> Result<Vec<Word>, String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    while let Some(&first) = chars.get(at) {
        if first.is_whitespace() {
            at += 1;
        } else if first == '"' || first == '\'' {
            let (text, end) = string(&chars, at + 1, first)?;
            words.push(Word { text, quoted: true });
            at = end;
        } else {
            let end = at + length(&chars[at..], first);
            words.push(Word { text: chars[at..end].iter().collect(), quoted: false });
            at = end;
        }
    }
    Ok(words)
}

fn length(rest: &[char], first: char) -> usize {
    if SIGNS.contains(first) {
        let pair: String = rest.iter().take(2).collect();
        return if PAIRS.contains(&pair.as_str()) { 2 } else { 1 };
    }
    let is_end = |c: &char| c.is_whitespace() || SIGNS.contains(*c) || *c == '"' || *c == '\'';
    rest.iter().position(is_end).unwrap_or(rest.len())
}

/// The string that begins at `at`, and where what follows it begins.
fn string(chars: &[char], mut at: usize, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    loop {
        match (chars.get(at), chars.get(at + 1)) {
            (None, _) => return Err("A string is not closed.".to_owned()),
            (Some(c), Some(next)) if *c == quote && *next == quote => {
                text.push(quote);
                at += 2;
            }
            (Some(c), _) if *c == quote => return Ok((text, at + 1)),
            (Some(c), _) => {
                text.push(*c);
                at += 1;
            }
        }
    }
}
