//! The commands and their flags as tables, from clap.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use super::{assert_page, cell};
use crate::cli::Arguments;

/// As it is typed: `--flag VALUE`, `-f`.
fn typed(argument: &Arg) -> String {
    let value = argument.get_value_names().filter(|_| argument.get_action().takes_values());
    let value = value.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    if argument.is_positional() {
        return format!("`{}`", value.unwrap_or_else(|| argument.get_id().to_string().to_uppercase()));
    }
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    let long = argument.get_long().map(|long| format!("`--{long}{value}`"));
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    long.into_iter().chain(short).collect::<Vec<_>>().join(", ")
}

fn row(argument: &Arg) -> String {
    let variable = argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut meaning = cell(&help);
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !words.is_empty() {
        write!(meaning, ": {}", words.join(", ")).unwrap();
    }
    let default: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !default.is_empty() && argument.get_action().takes_values() {
        write!(meaning, ". Default: `{}`", default.join(",")).unwrap();
    }
    let required = if argument.is_required_set() { " (required)" } else { "" };
    format!("| {}{required} | {variable} | {meaning} |\n", typed(argument))
}

fn section(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let mut text = format!("## `solidserver-operator {}`\n", command.get_name());
    for paragraph in about.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let paragraph = cell(paragraph);
        let end = if paragraph.ends_with('.') { "" } else { "." };
        write!(text, "\n{paragraph}{end}\n").unwrap();
    }
    let mut arguments = command.get_arguments().filter(|argument| !argument.is_hide_set()).peekable();
    if arguments.peek().is_none() {
        text.push_str("\nIt has no flags.\n");
        return text;
    }
    text.push_str("\n| flag | environment variable | meaning |\n|---|---|---|\n");
    text.extend(arguments.map(row));
    text
}

#[test]
fn the_page_of_flags_is_what_the_commands_say() {
    let commands = Arguments::command();
    let sections: Vec<String> = commands.get_subcommands().map(section).collect();
    assert!(sections.len() >= 6, "{}", sections.len());
    assert_page("flags.md", "src/cli", &sections.join("\n"));
}

#[test]
fn every_flag_says_what_it_does() {
    let commands = Arguments::command();
    for command in commands.get_subcommands() {
        for argument in command.get_arguments() {
            let (name, flag) = (command.get_name(), argument.get_id());
            assert!(argument.get_help().is_some(), "{flag} of {name} is not explained");
        }
    }
}
