//! How a dialect names services, parameters and columns of lists.

/// The words of one dialect. Names matter to the letter: the appliance ignores parameters that it does not know, and an
/// ignored filter returns everything.
#[derive(Debug)]
pub(super) struct Names {
    /// The path under which the services are.
    pub(super) root: &'static str,
    pub(super) filter: &'static str,
    pub(super) order: &'static str,
    pub(super) limit: &'static str,
    pub(super) offset: &'static str,
    /// Leaves out what rows inherit.
    pub(super) without_inherited: &'static str,
    pub(super) servers: ListNames,
    pub(super) views: ListNames,
    pub(super) zones: ListNames,
    pub(super) rows: ListNames,
    /// Columns that rows are chosen by.
    pub(super) server: &'static str,
    pub(super) view: &'static str,
    pub(super) zone: &'static str,
    pub(super) owner: &'static str,
    pub(super) record_type: &'static str,
}

/// The words for one kind of list.
#[derive(Debug)]
pub(super) struct ListNames {
    pub(super) list: &'static str,
    pub(super) count: &'static str,
    /// The column to page by: unique, and ordered by the appliance as a number.
    pub(super) id: &'static str,
}
