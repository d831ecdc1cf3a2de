//! The file that says what a zip is, what is in it and what is not.

use std::fmt::Write;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::by_hand::{BY_HAND, ByHand, NOT_TAKEN};
use super::{File, Luggage, Words};
use crate::azure::central::Family;
use crate::azure::error::AzureError;

/// Letters on a line.
const WIDTH: usize = 100;
const MOMENT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

pub(super) fn write(luggage: &Luggage, files: &[File]) -> String {
    let mut text = String::new();
    let at = luggage.read_at.to_offset(time::UtcOffset::UTC);
    let at = at.format(MOMENT).unwrap_or_else(|_| at.to_string());
    let person = &luggage.person;
    paragraph(&mut text, "", "How an IoT Central application is set up, to be taken along when it is left.");
    text.push('\n');
    paragraph(&mut text, "", &format!("Application:  https://{}", luggage.host));
    paragraph(&mut text, "", &format!("Read:         {at}"));
    paragraph(
        &mut text,
        "",
        &format!("By:           {} ({}), with this person's rights", person.name, person.username),
    );
    paragraph(&mut text, "", &format!("Made by:      IoTC Migrator {}", env!("CARGO_PKG_VERSION")));

    heading(&mut text, "What is in it");
    paragraph(&mut text, "", "One file a family, each a JSON array of everything that the application's API lists.");
    text.push('\n');
    for file in files {
        of_file(&mut text, file, luggage.without_progress);
    }
    refused(&mut text, luggage);

    heading(&mut text, "What was left out on purpose");
    list(&mut text, &NOT_TAKEN);
    fields(&mut text, files);

    heading(&mut text, "What has no API and must be noted by hand");
    list(&mut text, &BY_HAND);
    text
}

fn of_file(text: &mut String, file: &File, without_progress: usize) {
    let words = Words::of(file.family);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:<28}{:>6}  {}", words.file, file.count, words.title);
    paragraph(text, "    ", words.about);
    if file.family == Family::Jobs && without_progress > 0 {
        paragraph(text, "    ", &format!("{without_progress} of them without progress, which could not be read."));
    }
}

/// Families that this person was not shown.
fn refused(text: &mut String, luggage: &Luggage) {
    let refused: Vec<(Words, &AzureError)> = luggage
        .families
        .iter()
        .filter_map(|(family, found)| Some((Words::of(*family), found.as_ref().err()?)))
        .collect();
    if refused.is_empty() {
        return;
    }
    heading(text, "What could not be read, and is not in it");
    for (words, error) in refused {
        paragraph(text, "", &format!("{} (there is no {})", words.title, words.file));
        paragraph(text, "    ", &error.to_string());
        if let Some(hint) = &error.hint {
            paragraph(text, "    ", hint);
        }
    }
}

/// Where secrets were left out.
fn fields(text: &mut String, files: &[File]) {
    let with_secrets: Vec<&File> = files.iter().filter(|file| !file.left_out.is_empty()).collect();
    if with_secrets.is_empty() {
        return;
    }
    text.push('\n');
    paragraph(text, "", &format!("Fields in which \"{}\" stands for a secret:", super::secrets::MASK));
    for file in with_secrets {
        paragraph(text, "", Words::of(file.family).file);
        for field in &file.left_out {
            paragraph(text, "    ", field);
        }
    }
}

fn list(text: &mut String, entries: &[ByHand]) {
    for entry in entries {
        paragraph(text, "", entry.what);
        paragraph(text, "    ", entry.note);
    }
}

fn heading(text: &mut String, words: &str) {
    let _ = write!(text, "\n{words}\n{}\n\n", "-".repeat(words.len()));
}

/// Words from anywhere, on lines of a readable length. What would break a line, or hide on one, is none of them.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    let clean: String = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut length = 0;
    for word in clean.split(' ') {
        let long = word.chars().count();
        if length > 0 && length + 1 + long > WIDTH {
            text.push('\n');
            length = 0;
        }
        let before = if length == 0 { indent } else { " " };
        text.push_str(before);
        text.push_str(word);
        length += before.len() + long;
    }
    text.push('\n');
}
