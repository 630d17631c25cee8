//! Aligned columns of text for a terminal, by the display width of each character.

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};

/// The width of a table that goes into a file or a pipe, so that its content depends on nothing else.
pub(super) const WIDTH: usize = 80;

/// The width of a table on a terminal.
pub(super) fn width_of(term: &Term) -> usize {
    if term.is_term() { usize::from(term.size().1).clamp(40, 160) } else { WIDTH }
}

pub(super) struct TextColumn {
    pub title: &'static str,
    pub align: Alignment,
}

pub(super) const fn left(title: &'static str) -> TextColumn {
    TextColumn { title, align: Alignment::Left }
}

pub(super) const fn right(title: &'static str) -> TextColumn {
    TextColumn { title, align: Alignment::Right }
}

const GAP: &str = "  ";

/// Lines of at most `width` characters: the headings, then the rows. If a line is too long, the column with the index
/// `shrinks` is truncated first, then the last one.
pub(super) fn align(columns: &[TextColumn], rows: &[Vec<String>], width: usize, shrinks: usize) -> Vec<String> {
    let cell_width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max();
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| measure_text_width(column.title).max(cell_width(index).unwrap_or(0)))
        .collect();
    for index in [shrinks, columns.len() - 1] {
        let total: usize = widths.iter().sum::<usize>() + GAP.len() * (columns.len() - 1);
        let surplus = total.saturating_sub(width);
        widths[index] = widths[index].saturating_sub(surplus).max(12.min(widths[index]));
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells
            .zip(columns.iter().zip(&widths))
            .map(|(cell, (column, width))| {
                pad_str(&truncate_str(cell, *width, "…"), *width, column.align, None).into_owned()
            })
            .collect();
        cells.join(GAP).trim_end().to_owned()
    };
    let headings = line(&mut columns.iter().map(|column| column.title));
    std::iter::once(headings).chain(rows.iter().map(|row| line(&mut row.iter().map(String::as_str)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let rows = vec![vec!["日本語の題名".to_owned(), "1".to_owned()], vec!["plain".to_owned(), "22".to_owned()]];
        assert_eq!(
            align(&[left("Title"), right("N")], &rows, 80, 0),
            ["Title          N", "日本語の題名   1", "plain         22"]
        );
    }

    #[test]
    fn the_shrinking_column_is_truncated_first() {
        let rows = vec![vec!["x".repeat(100), "tail".to_owned()]];
        let lines = align(&[left("Title"), left("T")], &rows, 40, 0);
        assert!(lines.iter().all(|line| measure_text_width(line) <= 40), "{lines:?}");
        assert!(lines[1].ends_with("…  tail"));
    }
}
