//! Where prose, and anything without a grammar here, may be cut: at headings, else paragraphs.

use crate::cut::{Break, Cut, Outline};

/// Break depths: a paragraph is a better end than a line, a line than a sentence.
const PARAGRAPH: u32 = 0;
const LINE: u32 = 1;
const SENTENCE: u32 = 2;

/// Levels of headings in Markdown.
const HEADING_LEVELS: usize = 6;

pub(crate) fn outline(path: &str, text: &str) -> Outline {
    let is_markdown = [".md", ".markdown", ".mdx"].iter().any(|ending| path.ends_with(ending));
    let mut outline = Outline::default();
    let mut headings: Vec<(usize, &str)> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut after_blank = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let depth = if after_blank { PARAGRAPH } else { LINE };
        outline.breaks.push(Break { at, depth });
        let marker =
            ["```", "~~~"].into_iter().find(|marker| line.trim_start().starts_with(marker));
        match (fence, marker) {
            (None, Some(opening)) => fence = Some(opening),
            (Some(opening), Some(closing)) if opening == closing => fence = None,
            // A `#` inside of a code block is a comment, not a heading.
            (Some(_), _) => {}
            (None, None) => {
                if is_markdown && let Some((level, title)) = heading(line) {
                    headings.retain(|(above, _)| *above < level);
                    headings.push((level, title));
                    let titles: Vec<_> = headings.iter().map(|(_, title)| *title).collect();
                    outline.cuts.push(Cut { at, name: Some(titles.join("::")) });
                }
            }
        }
        for (end, _) in line.match_indices(". ") {
            outline.breaks.push(Break { at: at + end + 2, depth: SENTENCE });
        }
        after_blank = line.trim().is_empty();
        at += line.len();
    }
    outline
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let is_heading = (1..=HEADING_LEVELS).contains(&level) && title.starts_with([' ', '\t']);
    let title = title.trim().trim_end_matches('#').trim_end();
    (is_heading && !title.is_empty()).then_some((level, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        outline(path, text).cuts.into_iter().filter_map(|cut| cut.name).collect()
    }

    #[test]
    fn sections_carry_the_path_of_their_headings() {
        let text = "# Guide\n\n## Install #\ntext\n### Linux\n## Use\n#hashtag\n";
        let expected = ["Guide", "Guide::Install", "Guide::Install::Linux", "Guide::Use"];
        assert_eq!(names("docs/guide.md", text), expected);
    }

    #[test]
    fn a_comment_in_a_code_block_is_not_a_heading() {
        let text = "# Guide\n```sh\n# not this\n~~~\n```\n## Use\n";
        assert_eq!(names("guide.md", text), ["Guide", "Guide::Use"]);
        assert_eq!(names("guide.yaml", text), [""; 0]);
    }
}
