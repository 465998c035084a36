//! The little HTML that mails carry.

/// Appends text so that nothing in it is markup; line ends become breaks.
pub fn push_text(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push_str("<br>\n"),
            character if character.is_control() => html.push(' '),
            character => html.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut html = String::new();
        push_text(
            &mut html,
            "<script>alert('x' & \"y\")</script>\nnext\u{0}line",
        );
        assert_eq!(
            html,
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;<br>\nnext line"
        );
    }
}
