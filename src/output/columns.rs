//! Aligned columns of text for a terminal, by the display width of each character.

use std::borrow::Cow;

use console::{Alignment, Term, measure_text_width, pad_str};

/// The width of text that goes into a file or a pipe, so that its content depends on nothing else.
pub(super) const WIDTH: usize = 80;

/// The width of text on this terminal, or [`WIDTH`] if it is none.
pub(super) fn width_of(term: &Term) -> usize {
    if term.is_term() { usize::from(term.size().1) } else { WIDTH }
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

/// A column that may be truncated, by its index, and the width at which it is still useful. A column whose width is 0 is
/// left out as a whole.
pub(super) type Shrink = (usize, usize);

/// The cells of the headings and of each row, padded to the width of their column. Joined, they take at most `width`
/// characters: columns are truncated in the order of `shrinks`, and if that is not enough, from the right. What is
/// left over goes to the columns in the same order.
pub(super) fn fit(columns: &[TextColumn], rows: &[Vec<String>], width: usize, shrinks: &[Shrink]) -> Vec<Vec<String>> {
    let headings: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    let lines = || std::iter::once(&headings).chain(rows);
    let mut widths = vec![0; columns.len()];
    for line in lines() {
        for (widest, cell) in widths.iter_mut().zip(line) {
            *widest = measure_text_width(cell).max(*widest);
        }
    }
    shrink(&mut widths, width, shrinks);
    let pad = |(cell, (column, width)): (&String, (&TextColumn, &usize))| {
        pad_str(&truncated(cell, *width), *width, column.align, None).into_owned()
    };
    lines().map(|line| line.iter().zip(columns.iter().zip(&widths)).map(pad).collect()).collect()
}

/// Reduces the widths until a line has at most `width` characters.
fn shrink(widths: &mut [usize], width: usize, shrinks: &[Shrink]) {
    let total = |widths: &[usize]| {
        let columns = widths.iter().filter(|width| **width > 0).count();
        widths.iter().sum::<usize>() + GAP.len() * columns.saturating_sub(1)
    };
    let natural = widths.to_vec();
    for &(index, useful) in shrinks {
        let surplus = total(widths).saturating_sub(width);
        widths[index] = match (surplus, useful) {
            (1.., 0) => 0,
            _ => widths[index].saturating_sub(surplus).max(useful.min(widths[index])),
        };
    }
    for index in (0..widths.len()).rev() {
        widths[index] = widths[index].saturating_sub(total(widths).saturating_sub(width));
    }
    for &(index, _) in shrinks {
        let left_over = width.saturating_sub(total(widths));
        if widths[index] > 0 {
            widths[index] = widths[index].saturating_add(left_over).min(natural[index]);
        }
    }
}

/// A line of cells.
pub(super) fn join(cells: &[String]) -> String {
    let shown: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
    shown.join(GAP).trim_end().to_owned()
}

/// The text, or as much of it as fits before an ellipsis.
///
/// console's `truncate_str` adds up the widths of single characters, but a sequence can be wider: an emoji with a
/// variation selector takes two columns.
fn truncated(text: &str, width: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= width {
        return Cow::Borrowed(text);
    }
    let Some(width) = width.checked_sub(1) else { return Cow::Borrowed("") };
    let ends: Vec<usize> = text.char_indices().map(|(start, character)| start + character.len_utf8()).collect();
    let kept = ends.partition_point(|end| measure_text_width(&text[..*end]) <= width);
    let end = kept.checked_sub(1).map_or(0, |last| ends[last]);
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines in which the column with the index `shrinks` is truncated first, then the last one.
    fn align(columns: &[TextColumn], rows: &[Vec<String>], width: usize, shrinks: usize) -> Vec<String> {
        let shrinks = [(shrinks, 12), (columns.len() - 1, 12)];
        fit(columns, rows, width, &shrinks).iter().map(|cells| join(cells)).collect()
    }

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
    #[test]
    fn no_text_is_wider_than_asked() {
        let texts = [
            "日本語の題名がとても長い場合",
            "❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}",
            "🇵🇱🇵🇱🇵🇱🇵🇱🇵🇱🇵🇱",
            "👩🏽👩🏽👩🏽👩🏽👩🏽👩🏽👩🏽",
            "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
            "→→→→→→→→→→→→→→→",
            "ﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺ",
            "क्षत्रियक्षत्रियक्षत्रियक्षत्रिय",
            "plain and rather long text",
        ];
        for text in texts {
            for width in 0..measure_text_width(text) + 2 {
                let cut = truncated(text, width);
                assert!(measure_text_width(&cut) <= width, "{text} {width}: {cut}");
                // A character of two columns may leave one free, beside the ellipsis.
                assert!(measure_text_width(&cut) + 2 >= width.min(measure_text_width(text)), "{text} {width}: {cut}");
            }
            let rows = [vec!["1".to_owned(), text.to_owned(), text.to_owned()]];
            for width in 1..60 {
                for line in align(&[right("#"), left("Title"), left("Channel")], &rows, width, 1) {
                    assert!(measure_text_width(&line) <= width, "{width}: {line:?}");
                }
            }
        }
        assert_eq!(truncated("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
    }
}
