//! Answers of other shapes than the usual, all of them within what Azure's documentation leaves open.
