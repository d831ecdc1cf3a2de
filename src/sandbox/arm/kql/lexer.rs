//! Words, literals and signs of a query.

use serde_json::Value;

/// One piece of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name, a keyword, or an operator made of letters such as `!in~`.
    Word(String),
    /// A text or a number.
    Literal(Value),
    /// A sign.
    Sign(&'static str),
}

/// The longer signs first, since the shorter ones begin them.
const SIGNS: [&str; 19] =
    ["==", "=~", "!=", "!~", "<=", ">=", "<>", "|", ",", "(", ")", "[", "]", ".", "<", ">", "=", "*", ";"];

/// Takes a query apart.
///
/// # Errors
/// A sentence for the caller.
pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
            continue;
        } else if matches!(first, '\'' | '"' | '@') {
            quoted(rest)?
        } else if first.is_ascii_digit() || (first == '-' && rest[1..].starts_with(|next: char| next.is_ascii_digit()))
        {
            number(rest)?
        } else if let Some(length) = word(rest) {
            (Token::Word(rest[..length].to_owned()), &rest[length..])
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| format!("The sign '{first}' is not understood."))?;
            (Token::Sign(sign), &rest[sign.len()..])
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> Option<usize> {
    let negation = usize::from(text.starts_with('!'));
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut length = negation + text[negation..].find(|letter| !of_word(letter)).unwrap_or(text.len() - negation);
    if length == negation {
        return None;
    }
    // `in~` and the operators with a hyphen are one word; a hyphen elsewhere would be a minus.
    if text[negation..length].eq_ignore_ascii_case("in") && text[length..].starts_with('~') {
        length += 1;
    } else if text[..length].eq_ignore_ascii_case("project") && text[length..].starts_with('-') {
        let tail = &text[length + 1..];
        length += 1 + tail.find(|letter| !of_word(letter)).unwrap_or(tail.len());
    }
    Some(length)
}

fn number(text: &str) -> Result<(Token, &str), String> {
    let end = text[1..].find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.'));
    let (digits, rest) = text.split_at(end.map_or(text.len(), |end| end + 1));
    let value = digits.parse::<i64>().map(Value::from).or_else(|_| digits.parse::<f64>().map(Value::from));
    value.map(|value| (Token::Literal(value), rest)).map_err(|_| format!("'{digits}' is not a number."))
}

/// A text in single or double quotes; after `@` a backslash is itself and a doubled quote stands for one.
fn quoted(text: &str) -> Result<(Token, &str), String> {
    let verbatim = text.starts_with('@');
    let mut letters = text.char_indices().skip(usize::from(verbatim)).peekable();
    let Some((_, quote @ ('\'' | '"'))) = letters.next() else { return Err("'@' must begin a text.".to_owned()) };
    let mut value = String::new();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            if !(verbatim && letters.next_if(|(_, next)| *next == quote).is_some()) {
                return Ok((Token::Literal(Value::String(value)), &text[at + 1..]));
            }
            value.push(quote);
        } else if letter == '\\' && !verbatim {
            value.push(match letters.next() {
                Some((_, 'n')) => '\n',
                Some((_, 't')) => '\t',
                Some((_, other)) => other,
                None => break,
            });
        } else {
            value.push(letter);
        }
    }
    Err("A text is not closed.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_numbers_and_operators_of_letters_are_single_tokens() {
        let found = tokens("a !in~ ('x\\'y', @'c:\\', -1.5) // the end").unwrap();
        let word = |text: &str| Token::Word(text.to_owned());
        let literal = |value: Value| Token::Literal(value);
        let expected = [
            word("a"),
            word("!in~"),
            Token::Sign("("),
            literal("x'y".into()),
            Token::Sign(","),
            literal("c:\\".into()),
            Token::Sign(","),
            literal((-1.5).into()),
            Token::Sign(")"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["name == 'open", "a ~ b", "12abc", "@x"] {
            assert!(tokens(text).is_err(), "{text}");
        }
    }
}
