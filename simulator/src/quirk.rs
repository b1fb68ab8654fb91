//! Quirks: what nobody outside the vendor knows about the appliance, each with every answer that is plausible.
//!
//! There is no appliance to ask, so a client must live with all of them. The first answer is the one assumed.
//!
//! Beside them stand planted faults: answers that no appliance gives, by which a suite of tests shows that it can fail.

use std::fmt::Write as _;

use crate::error::Error;

/// One open question about the appliance and its possible answers.
#[derive(Debug)]
pub struct Quirk {
    /// The name used by `--quirk NAME=VALUE`.
    pub name: &'static str,
    /// The question, in a sentence.
    pub question: &'static str,
    /// The possible answers with what each means. The first one is the default.
    pub answers: &'static [(&'static str, &'static str)],
    /// Where the question comes from: a paragraph of the API page that the project keeps.
    pub source: &'static str,
}

impl Quirk {
    /// The answer that is assumed when none is chosen.
    #[must_use]
    pub fn default_answer(&self) -> &'static str {
        self.answers.first().map_or("", |(name, _)| name)
    }

    /// The answers other than the default one.
    pub fn other_answers(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.answers.iter().skip(1).map(|(name, _)| *name)
    }
}

macro_rules! quirks {
    (
        open { $($id:ident, $name:literal, $source:literal, $question:literal, [$($answer:literal => $meaning:literal),+ $(,)?];)+ }
        planted { $($planted:ident, $title:literal, $aim:literal, $what:literal, [$($choice:literal => $effect:literal),+ $(,)?];)+ }
    ) => {
        /// Names of the quirks and planted faults, for use in the program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum QuirkName { $($id,)+ $($planted),+ }

        const OPEN: &[Quirk] = &[
            $(Quirk { name: $name, question: $question, answers: &[$(($answer, $meaning)),+], source: $source }),+
        ];

        const PLANTED: &[Quirk] = &[
            $(Quirk { name: $title, question: $what, answers: &[$(($choice, $effect)),+], source: $aim }),+
        ];
    };
}

quirks! {
    open {
    AuthFailureBody, "auth-failure-body", "2.3, 9 #1", "What does the body of a 401 say?",
        ["json" => "an error object", "empty" => "nothing", "html" => "a web page"];
    ForbiddenCode, "forbidden-code", "2.3, 9 #1", "With which status is a service refused that the account may not use? (fault kind `forbidden`)",
        ["403" => "403 with {\"connected\":false}", "400" => "400 with an error object", "200" => "200 with {\"connected\":false}"];
    CnameConflict, "cname-conflict", "6.1, 9 #3", "Is a CNAME beside other types refused?",
        ["reject" => "400", "accept" => "stored, with a note in multistatus"];
    DuplicateAdd, "duplicate-add", "6.1, 9 #2, #4", "What does add_flag=new_only, or an add in v2, do with a row that is already there?",
        ["reject" => "400, \"DNS rr already exists\"", "edit" => "edits it", "accept-second" => "adds a second row"];
    DuplicateEdit, "duplicate-edit", "6.1, 9 #2", "May an edit make a row equal to another one?",
        ["reject" => "400, \"DNS rr already exists\"", "accept" => "two equal rows"];
    TxtStorage, "txt-storage", "4.5, 9 #6", "How is a TXT value stored?",
        ["as-sent" => "byte for byte", "quoted" => "in double quotes", "unquoted" => "quotes taken off, strings joined",
         "split-255" => "text beyond 255 bytes as quoted strings of at most 255 bytes", "cut-255" => "the first 255 bytes only",
         "reject-255" => "400 for more than 255 bytes"];
    CaaLayout, "caa-layout", "4.4, 9 #8", "Which columns hold the fields of a CAA value?",
        ["fields" => "one each", "packed" => "all in value1; separate ones are refused", "shown-packed" => "sent apart, shown in value1"];
    TlsaLayout, "tlsa-layout", "4.4, 9 #8", "Which columns hold the fields of a TLSA value?",
        ["fields" => "one each", "packed" => "all in value1; separate ones are refused", "shown-packed" => "sent apart, shown in value1"];
    SshfpLayout, "sshfp-layout", "4.4, 9 #8", "Which columns hold the fields of an SSHFP value?",
        ["fields" => "one each", "packed" => "all in value1; separate ones are refused", "shown-packed" => "sent apart, shown in value1"];
    UriLayout, "uri-layout", "4.4, 9 #8", "Which columns hold the fields of a URI value?",
        ["fields" => "one each", "packed" => "all in value1; separate ones are refused", "shown-packed" => "sent apart, shown in value1"];
    SvcbLayout, "svcb-layout", "4.4, 9 #8", "Which columns hold the fields of an SVCB or HTTPS value?",
        ["fields" => "priority, target, parameters", "packed" => "all in value1; separate ones are refused", "shown-packed" => "sent apart, shown in value1"];
    RrAllValue, "rr-all-value", "4.2", "What stands between the values in rr_all_value?",
        ["comma" => "a comma and a space", "space" => "a space"];
    ListLimit, "list-limit", "3.2, 9 #9", "How many rows does a list without `limit` give?",
        ["none" => "all", "100" => "100", "1000" => "1000"];
    PageCap, "page-cap", "3.2, 9 #9", "Is there a maximum of rows per list, whatever `limit` says?",
        ["none" => "no", "10" => "10 rows, silently", "100" => "100 rows, silently", "500" => "500 rows, silently"];
    V2EmptyList, "v2-empty-list", "6.2, 9 #5", "How does v2 say that a list is empty?",
        ["200" => "200 with no data", "204" => "204"];
    OffsetPastEnd, "offset-past-end", "3.2", "What does a list give when `offset` is beyond its end?",
        ["empty" => "an empty list", "error" => "400"];
    DeleteByName, "delete-by-name-on-smart", "7, 9 #11", "Does a delete by name work on a SMART?",
        ["deletes" => "yes", "connected-false" => "no: 200 with {\"connected\":false}, nothing happens"];
    CaseStorage, "case-storage", "4.5, 9 #14", "In which case are names stored?",
        ["lower" => "lower case", "as-sent" => "as sent"];
    TargetDot, "target-dot", "4.5", "Is the trailing dot of a target stored?",
        ["stripped" => "no", "kept" => "as sent"];
    AaaaStorage, "aaaa-storage", "4.5, 9 #15", "How is an IPv6 address stored?",
        ["expanded" => "eight groups of four digits", "compressed" => "as RFC 5952 writes it"];
    WhereUnknownColumn, "where-unknown-column", "3.1, 9 #17", "What does WHERE do with a column that is not there?",
        ["error" => "400", "ignored" => "the comparison counts as true"];
    WhereNameCase, "where-name-case", "3.1, 4.5, 9 #14", "Does WHERE compare names without regard to case?",
        ["insensitive" => "yes", "sensitive" => "no"];
    EmptyClassParameters, "empty-class-parameters", "5, 9 #18", "What does an edit with an empty rr_class_parameters do?",
        ["merge" => "nothing", "wipe" => "removes them all"];
    EmptyParameterValue, "empty-class-parameter-value", "5", "What does a class parameter with an empty value do?",
        ["stored" => "stored, empty", "deleted" => "the parameter is removed"];
    NoParentParameters, "no-parent-param", "5", "Is NO_PARENT_CLASS_PARAM=1 honoured?",
        ["honoured" => "inherited class parameters are left out", "ignored" => "they are shown all the same"];
    InheritedSource, "inherited-source", "5", "Do rows say where a class parameter comes from?",
        ["named" => "rr_class_parameters_inheritance_source names the container", "absent" => "that column is empty"];
    ParameterProperties, "class-parameter-properties", "5", "Do rows say whether a class parameter is set or inherited?",
        ["shown" => "in rr_class_parameters_properties", "absent" => "that column is empty"];
    SelectColumns, "select-columns", "3.1", "Must SELECT name the columns that WHERE and ORDERBY use?",
        ["lenient" => "no", "strict" => "yes, else 400"];
    Ids, "ids", "3.2, 4.2", "How do row ids compare, and do they rise?",
        ["numeric" => "as numbers; a new row has a higher id", "text" => "as text in WHERE and ORDERBY",
         "random" => "as numbers; a new row's id may be lower than others"];
    IdOnEdit, "id-stable-on-edit", "4.2, 8 #13", "Does a row keep its id when it is edited?",
        ["yes" => "yes", "no" => "no, ret_oid gives the new one"];
    SoaListed, "soa-listed", "4.2", "Do lists show the rows that every zone has?",
        ["yes" => "SOA and NS", "no" => "no SOA row", "no-apex" => "no SOA row and no NS rows of the apex"];
    TtlFloor, "ttl-floor", "4.5, 9 #7", "What is the lowest TTL that is stored?",
        ["0" => "0", "5" => "5; a lower one is raised", "60" => "60; a lower one is raised"];
    Delayed, "delayed", "4.6, 7", "Are changes pushed to the DNS server later?",
        ["none" => "no, unless --publish-delay is given", "publish" => "yes, after --publish-delay or 300 ms"];
    WriteStatus, "write-status", "6.1", "With which status are adds and edits confirmed?",
        ["201" => "201", "200" => "200"];
    DeleteStatus, "delete-status", "6.1", "How is a delete confirmed?",
        ["200" => "200 and an array", "204" => "204"];
    ErrorShape, "error-shape", "6.1", "What shape has an error?",
        ["object" => "an object", "array" => "an array of one object"];
    OrderbyId, "orderby-rr-id", "3.1", "Is ORDERBY=rr_id honoured?",
        ["honoured" => "yes", "ignored" => "no, rows come in some order of their own"];
    RetryAfter, "retry-after", "6.3, 9 #16", "What does Retry-After look like?",
        ["seconds" => "whole seconds", "date" => "an HTTP date", "absent" => "there is none"];
    NoView, "dnsview-none", "4.2", "What does dnsview_name say for no view?",
        ["#" => "#", "empty" => "nothing"];
    NameInEdit, "rr-name-in-edit", "1.6", "Does rr_name in an edit by rr_id rename the row?",
        ["kept" => "no", "renames" => "yes"];
    CheckValueDefault, "check-value-default", "1.6", "Without check_value, is a row with another value a new row for add and edit by name?",
        ["yes" => "yes", "no" => "no: the same name and type is the same row"];
    UrlLimit, "url-limit", "1.4", "How long may a request target be?",
        ["none" => "as long as you like", "8190" => "8,190 bytes; 414 beyond"];
    }
    planted {
    EmptyStatus, "empty-status", "6.1, 6.2", "With which status is a list or info answered that finds nothing?",
        ["right" => "as it should be: 204, or what `v2-empty-list` says", "200" => "200; in /rest with an empty array", "404" => "404"];
    ColumnType, "column-type", "6.1, 6.2", "Are ids and other numbers in columns and confirmations texts?",
        ["string" => "yes, as they should be", "number" => "no, JSON numbers"];
    CountType, "count-type", "6.1, 6.2", "Is the result of a count what it should be: a text in /rest, a number in v2?",
        ["right" => "yes", "swapped" => "no, the other way round"];
    V2ErrorShape, "v2-error-shape", "6.2", "What shape has an error in v2?",
        ["envelope" => "an envelope, as it should have", "array" => "the bare array of messages", "rest" => "an error object of /rest"];
    V2Extras, "v2-extras", "6.2", "What are the extras of a message in v2?",
        ["object" => "an object, as they should be", "array" => "an array, as PHP writes what is empty"];
    V2WriteStatus, "v2-write-status", "6.2", "With which status are adds confirmed in v2?",
        ["200" => "200, as they should be", "201" => "201, as in /rest"];
    }
}

/// All quirks: open questions with their plausible answers.
#[must_use]
pub fn quirks() -> &'static [Quirk] {
    OPEN
}

/// Answers that no appliance gives: by them a suite shows that it can fail. They are chosen like quirks.
#[must_use]
pub fn planted_faults() -> &'static [Quirk] {
    PLANTED
}

fn all() -> impl Iterator<Item = &'static Quirk> {
    OPEN.iter().chain(PLANTED)
}

/// The chosen answer to each quirk.
#[derive(Clone, Debug)]
pub struct Quirks {
    chosen: Vec<u8>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { chosen: vec![0; OPEN.len() + PLANTED.len()] }
    }
}

impl Quirks {
    /// Chooses an answer.
    ///
    /// # Errors
    /// [`Error::UnknownQuirk`] and [`Error::UnknownAnswer`].
    pub fn set(&mut self, name: &str, answer: &str) -> Result<(), Error> {
        let (index, quirk) = all()
            .enumerate()
            .find(|(_, quirk)| quirk.name == name)
            .ok_or_else(|| Error::UnknownQuirk(name.to_owned()))?;
        let answers = quirk.answers;
        let answer_index = answers
            .iter()
            .position(|(known, _)| *known == answer)
            .and_then(|position| u8::try_from(position).ok())
            .ok_or_else(|| Error::UnknownAnswer {
                quirk: name.to_owned(),
                answer: answer.to_owned(),
                known: answers.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
            })?;
        if let Some(chosen) = self.chosen.get_mut(index) {
            *chosen = answer_index;
        }
        Ok(())
    }

    /// The chosen answer, by the quirk's name; `None` for an unknown name.
    #[must_use]
    pub fn answer(&self, name: &str) -> Option<&'static str> {
        let index = all().position(|quirk| quirk.name == name)?;
        Some(self.at(index))
    }

    pub(crate) fn get(&self, name: QuirkName) -> &'static str {
        self.at(name as usize)
    }

    pub(crate) fn is(&self, name: QuirkName, answer: &str) -> bool {
        self.get(name) == answer
    }

    /// The answer as a number; `None` for answers such as "none".
    pub(crate) fn number(&self, name: QuirkName) -> Option<u64> {
        self.get(name).parse().ok()
    }

    fn at(&self, index: usize) -> &'static str {
        let chosen = self.chosen.get(index).copied().unwrap_or_default();
        all().nth(index).and_then(|quirk| quirk.answers.get(usize::from(chosen))).map_or("", |(name, _)| name)
    }
}

/// The text of `QUIRKS.md`.
#[must_use]
pub fn quirks_page() -> String {
    let mut page = String::from(
        "# Quirks\n\nWhat is not known about the appliance, or known from one source only. Each is a switch of the simulator\n\
         (`--quirk NAME=VALUE`); the first answer is the default. The numbers name paragraphs of the API page that the\n\
         simulator was written from. This page is generated: `solidserver-simulator --list-quirks`.\n\n\
         | Name | Question | Answers | Source |\n|---|---|---|---|\n",
    );
    push_rows(&mut page, OPEN);
    page.push_str(
        "\n## Planted faults\n\nWhat no appliance answers. They are switched on like quirks, so that a suite of tests can show that it\n\
         fails when it should; of the quirks above `error-shape=array` and `aaaa-storage=compressed` serve that too.\n\n\
         | Name | Question | Answers | Breaks |\n|---|---|---|---|\n",
    );
    push_rows(&mut page, PLANTED);
    page
}

fn push_rows(page: &mut String, quirks: &[Quirk]) {
    for quirk in quirks {
        let answers = quirk
            .answers
            .iter()
            .map(|(name, meaning)| format!("`{name}`: {meaning}"))
            .collect::<Vec<_>>()
            .join("<br>");
        // Writing into a String cannot fail.
        let _ = writeln!(page, "| `{}` | {} | {} | {} |", quirk.name, quirk.question, answers, quirk.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_program_point_at_their_own_row() {
        let quirks = Quirks::default();
        assert_eq!(quirks.get(QuirkName::AuthFailureBody), "json");
        assert_eq!(quirks.get(QuirkName::UrlLimit), "none");
        assert_eq!(OPEN[QuirkName::UrlLimit as usize].name, "url-limit");
        assert_eq!(OPEN[QuirkName::NoView as usize].name, "dnsview-none");
        assert_eq!(OPEN.len(), QuirkName::UrlLimit as usize + 1);
        assert_eq!(quirks.get(QuirkName::EmptyStatus), "right");
        assert_eq!(PLANTED[QuirkName::V2Extras as usize - OPEN.len()].name, "v2-extras");
    }

    #[test]
    fn names_are_unique_and_every_quirk_has_another_answer() {
        for (index, quirk) in all().enumerate() {
            assert!(quirk.answers.len() >= 2, "{}", quirk.name);
            assert!(all().take(index).all(|other| other.name != quirk.name), "{}", quirk.name);
        }
    }

    #[test]
    fn unknown_names_and_answers_are_refused() {
        let mut quirks = Quirks::default();
        assert!(matches!(quirks.set("no-such", "x"), Err(Error::UnknownQuirk(_))));
        let refused = quirks.set("ids", "roman").unwrap_err().to_string();
        assert!(refused.contains("numeric, text, random"), "{refused}");
        quirks.set("ids", "text").unwrap();
        assert_eq!(quirks.answer("ids"), Some("text"));
    }

    #[test]
    fn the_page_is_up_to_date() {
        let written = include_str!("../QUIRKS.md");
        assert_eq!(written, quirks_page(), "write it anew: solidserver-simulator --list-quirks > QUIRKS.md");
    }
}
