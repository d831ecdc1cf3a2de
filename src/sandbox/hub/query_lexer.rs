//! The words of the query language.

/// A word, string, number or symbol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lexeme {
    Word(String),
    Text(String),
    Number(f64),
    Symbol(String),
}

/// Splits a query into its words.
///
/// # Errors
/// A phrase that names what cannot be in a query.
pub(super) fn split(query: &str) -> Result<Vec<Lexeme>, String> {
    let mut lexemes = Vec::new();
    let chars: Vec<char> = query.chars().collect();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let start = at;
        let run =
            |from: usize, keep: &dyn Fn(char) -> bool| from + chars[from..].iter().take_while(|c| keep(**c)).count();
        match first {
            ' ' | '\t' | '\r' | '\n' | ';' => at += 1,
            '\'' | '"' => {
                let (text, end) = quoted(&chars, at)?;
                lexemes.push(Lexeme::Text(text));
                at = end;
            }
            c if c.is_alphabetic() || c == '_' || c == '$' => {
                at = run(at, &|c| c.is_alphanumeric() || "_.$-".contains(c));
                lexemes.push(Lexeme::Word(chars[start..at].iter().collect()));
            }
            c if c.is_ascii_digit() || c == '-' => {
                at = run(at + 1, &|c| c.is_ascii_digit() || c == '.');
                let text: String = chars[start..at].iter().collect();
                lexemes.push(Lexeme::Number(text.parse().map_err(|_| format!("{text} is not a number"))?));
            }
            '!' | '<' | '>' | '=' => {
                at = run(at, &|c| "!<>=".contains(c));
                let symbol: String = chars[start..at].iter().collect();
                lexemes.push(Lexeme::Symbol(if symbol == "<>" { "!=".to_owned() } else { symbol }));
            }
            '(' | ')' | '[' | ']' | ',' | '*' => {
                at += 1;
                lexemes.push(Lexeme::Symbol(first.to_string()));
            }
            other => return Err(format!("unexpected character {other}")),
        }
    }
    Ok(lexemes)
}

/// The string that begins with the quote at `start`, and where it ends. A backslash escapes quotes and itself and brings
/// in characters by number.
fn quoted(chars: &[char], start: usize) -> Result<(String, usize), String> {
    let open = || "a string is not closed".to_owned();
    let (quote, mut at, mut text) = (chars[start], start + 1, String::new());
    loop {
        match *chars.get(at).ok_or_else(open)? {
            c if c == quote => return Ok((text, at + 1)),
            '\\' => {
                let escaped = *chars.get(at + 1).ok_or_else(open)?;
                at += 2;
                if escaped == 'u' {
                    let digits: String = chars.get(at..at + 4).ok_or_else(open)?.iter().collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    text.push(code.ok_or_else(|| format!("\\u{digits} is not a character"))?);
                    at += 4;
                } else {
                    text.push(unescaped(escaped).ok_or_else(|| format!("\\{escaped} means nothing"))?);
                }
            }
            c => {
                text.push(c);
                at += 1;
            }
        }
    }
}

fn unescaped(escaped: char) -> Option<char> {
    Some(match escaped {
        '\'' | '"' | '\\' | '/' => escaped,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        _ => return None,
    })
}
