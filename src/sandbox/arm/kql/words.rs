//! A walk through the tokens of a query: names, lists and expressions.

use serde_json::Value;

use super::SortKey;
use super::expression::{Expression, Function, Operator, Relation, Step};
use super::lexer::Token;

/// The operators by which a query without a table may begin.
const OPERATORS: [&str; 12] = [
    "where",
    "project",
    "project-away",
    "extend",
    "order",
    "sort",
    "take",
    "limit",
    "top",
    "distinct",
    "count",
    "summarize",
];

/// What is left of a query.
#[derive(Debug)]
pub struct Words {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Words {
    /// At the first token.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self { tokens: tokens.into_iter().peekable() }
    }

    pub fn at_end(&mut self) -> bool {
        self.tokens.peek().is_none()
    }

    pub fn at_operator(&mut self) -> bool {
        OPERATORS.iter().any(|operator| self.at_word(operator))
    }

    /// Passes a sign if it comes next.
    pub fn skip(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(found) if *found == sign)).is_some()
    }

    /// Passes a word if it comes next.
    pub fn skip_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        found && self.tokens.next().is_some()
    }

    pub fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.skip(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    pub fn word(&mut self, word: &str) -> Result<(), String> {
        if self.skip_word(word) { Ok(()) } else { Err(self.unexpected(&format!("'{word}'"))) }
    }

    pub fn name(&mut self) -> Result<String, String> {
        match self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
            Some(Token::Word(name)) => Ok(name),
            _ => Err(self.unexpected("a name")),
        }
    }

    /// A number of rows.
    pub fn count(&mut self) -> Result<usize, String> {
        match self.tokens.next_if(|token| matches!(token, Token::Literal(Value::Number(_)))) {
            Some(Token::Literal(value)) => value
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .ok_or_else(|| format!("'{value}' is not a number of rows.")),
            _ => Err(self.unexpected("a number of rows")),
        }
    }

    /// Columns, each of which must exist.
    pub fn columns(&mut self, known: &[String]) -> Result<Vec<String>, String> {
        self.list(|words| {
            let name = words.name()?;
            if known.contains(&name) { Ok(name) } else { Err(unknown(&name)) }
        })
    }

    /// `name`, `name = expression` or an expression that has a name of its own.
    pub fn named_expressions(&mut self, known: &[String]) -> Result<Vec<(String, Expression)>, String> {
        self.list(|words| {
            let mut ahead = words.tokens.clone();
            let named = matches!((ahead.next(), ahead.next()), (Some(Token::Word(_)), Some(Token::Sign("="))));
            if named {
                let name = words.name()?;
                words.expect("=")?;
                return Ok((name, words.expression(known)?));
            }
            let expression = words.expression(known)?;
            let name = match &expression {
                // A property gets the names of its path, joined.
                Expression::Path(steps) => steps.iter().map(Step::label).collect::<Vec<_>>().join("_"),
                _ => "Column1".to_owned(),
            };
            Ok((name, expression))
        })
    }

    /// Keys of `order by`, downwards unless told otherwise.
    pub fn sort_keys(&mut self, known: &[String]) -> Result<Vec<SortKey>, String> {
        self.list(|words| {
            let by = words.operand(known)?;
            let ascending = words.skip_word("asc");
            let descending = !ascending;
            if descending {
                words.skip_word("desc");
            }
            let mut nothing_first = ascending;
            if words.skip_word("nulls") {
                nothing_first = words.skip_word("first");
                if !nothing_first {
                    words.word("last")?;
                }
            }
            Ok(SortKey { by, descending, nothing_first })
        })
    }

    /// A condition or a value.
    pub fn expression(&mut self, known: &[String]) -> Result<Expression, String> {
        let mut left = self.conjunction(known)?;
        while self.skip_word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction(known)?));
        }
        Ok(left)
    }

    fn conjunction(&mut self, known: &[String]) -> Result<Expression, String> {
        let mut left = self.comparison(known)?;
        while self.skip_word("and") {
            left = Expression::And(Box::new(left), Box::new(self.comparison(known)?));
        }
        Ok(left)
    }

    fn comparison(&mut self, known: &[String]) -> Result<Expression, String> {
        let left = self.operand(known)?;
        let Some((operator, list)) = self.operator() else { return Ok(left) };
        let others = if list {
            self.expect("(")?;
            let others = self.list(|words| words.operand(known))?;
            self.expect(")")?;
            others
        } else {
            vec![self.operand(known)?]
        };
        Ok(Expression::Compare(operator, Box::new(left), others))
    }

    /// The operator that comes next, if one does, and whether a list follows it.
    fn operator(&mut self) -> Option<(Operator, bool)> {
        let token = match self.tokens.peek()? {
            Token::Word(word) => word.to_ascii_lowercase(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Literal(_) => return None,
        };
        let bare = token.trim_start_matches('!');
        let relation = match bare {
            "==" | "=~" | "=" | "~" | "<>" | "in" | "in~" => Relation::Equal,
            "<" => Relation::Less,
            "<=" => Relation::LessOrEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterOrEqual,
            "contains" | "contains_cs" => Relation::Contains,
            "has" | "has_cs" => Relation::Has,
            "startswith" | "startswith_cs" => Relation::StartsWith,
            "endswith" | "endswith_cs" => Relation::EndsWith,
            _ => return None,
        };
        if token == "=" {
            return None;
        }
        self.tokens.next();
        let exact = matches!(bare, "==" | "=" | "<>" | "in") || bare.ends_with("_cs");
        let negated = token.starts_with('!') || token == "<>";
        Some((Operator { relation, negated, folds: !exact }, bare.starts_with("in")))
    }

    fn operand(&mut self, known: &[String]) -> Result<Expression, String> {
        if self.skip("(") {
            let inner = self.expression(known)?;
            return self.expect(")").map(|()| inner);
        }
        if let Some(Token::Literal(value)) = self.tokens.next_if(|token| matches!(token, Token::Literal(_))) {
            return Ok(Expression::Literal(value));
        }
        let name = self.name()?;
        match name.as_str() {
            "true" | "false" => Ok(Expression::Literal(Value::Bool(name == "true"))),
            _ if self.skip("(") => self.call(&name, known),
            _ if known.contains(&name) => self.path(name),
            _ => Err(unknown(&name)),
        }
    }

    fn call(&mut self, name: &str, known: &[String]) -> Result<Expression, String> {
        let (function, least, most) =
            Function::named(name).ok_or_else(|| format!("The function '{name}' is not supported."))?;
        let arguments = self.list(|words| words.expression(known))?;
        self.expect(")")?;
        if (least..=most).contains(&arguments.len()) {
            Ok(Expression::Call(function, arguments))
        } else {
            Err(format!("The function '{name}' does not take {} arguments.", arguments.len()))
        }
    }

    /// `.name`, `['name']` and `[0]` after a column.
    fn path(&mut self, column: String) -> Result<Expression, String> {
        let mut steps = vec![Step::Name(column)];
        loop {
            if self.skip(".") {
                steps.push(Step::Name(self.name()?));
            } else if self.skip("[") {
                steps.push(match self.tokens.next() {
                    Some(Token::Literal(Value::String(name))) => Step::Name(name),
                    Some(Token::Literal(index)) => {
                        let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                        Step::Index(index.ok_or("An index must be a whole number.")?)
                    }
                    _ => return Err("'[' must be followed by a text or a number.".to_owned()),
                });
                self.expect("]")?;
            } else {
                return Ok(Expression::Path(steps));
            }
        }
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut all = vec![one(self)?];
        while self.skip(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn at_word(&mut self, word: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn unexpected(&mut self, wanted: &str) -> String {
        match self.tokens.peek() {
            None => format!("The query ends where {wanted} should stand."),
            Some(Token::Word(found)) => format!("'{found}' stands where {wanted} should."),
            Some(Token::Sign(found)) => format!("'{found}' stands where {wanted} should."),
            Some(Token::Literal(found)) => format!("{found} stands where {wanted} should."),
        }
    }
}

fn unknown(column: &str) -> String {
    format!("The column '{column}' is not known.")
}
