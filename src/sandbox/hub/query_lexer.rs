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
                let end = run(at + 1, &|c| c != first);
                if end >= chars.len() {
                    return Err("a string is not closed".to_owned());
                }
                lexemes.push(Lexeme::Text(chars[start + 1..end].iter().collect()));
                at = end + 1;
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
