//! Names of iCalendar as names of elements.
//!
//! Names here are ASCII. Letters, digits, `-`, `.` and `_` are the same in both, but for a digit, `-` or `.`
//! at the beginning. What cannot stand is written as `_x` with four hexadecimal digits and `_`.

use std::borrow::Cow;

/// Names of elements that mean something else where the type of a value stands.
const RESERVED: [&str; 6] = [
    "parameters",
    "latitude",
    "longitude",
    "code",
    "description",
    "data",
];

/// The element of a component, property or parameter.
pub(super) fn element_name(name: &str) -> Cow<'_, str> {
    let can_begin = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let can_stand =
        |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    if can_begin && name.bytes().all(can_stand) && !name.contains("_x") {
        return Cow::Borrowed(name);
    }
    let mut element = String::with_capacity(name.len() + 12);
    for (index, character) in name.char_indices() {
        let stands = match character {
            '_' => !name[index..].starts_with("_x"),
            _ if index == 0 => character.is_ascii_alphabetic(),
            _ => u8::try_from(character).is_ok_and(can_stand),
        };
        match stands {
            true => element.push(character),
            false => element.push_str(&escaped(character)),
        }
    }
    Cow::Owned(element)
}

/// The element of a value's type.
pub(super) fn type_element_name(type_name: &str) -> Cow<'_, str> {
    match type_name.chars().next() {
        Some(first) if RESERVED.contains(&type_name) => {
            Cow::Owned([&escaped(first), &type_name[first.len_utf8()..]].concat())
        }
        _ => element_name(type_name),
    }
}

fn escaped(character: char) -> String {
    format!("_x{:04x}_", u32::from(character))
}

/// The name that an element stands for.
pub(super) fn calendar_name(element: &str) -> Cow<'_, str> {
    if !element.contains("_x") {
        return Cow::Borrowed(element);
    }
    let mut name = String::with_capacity(element.len());
    let mut rest = element;
    while let Some(at) = rest.find("_x") {
        name.push_str(&rest[..at]);
        let digits = rest.get(at + 2..at + 6);
        let character = digits
            .filter(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
            .filter(|_| rest[at + 6..].starts_with('_'))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                name.push(character);
                rest = &rest[at + 7..];
            }
            None => {
                name.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    name.push_str(rest);
    Cow::Owned(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_stand_is_escaped() {
        for (name, element) in [
            ("x-foo", "x-foo"),
            ("x_foo", "x_foo"),
            ("item1.x", "item1.x"),
            ("1st", "_x0031_st"),
            ("-a", "_x002d_a"),
            ("a/b", "a_x002f_b"),
            ("a_x002f_b", "a_x005f_x002f_b"),
        ] {
            assert_eq!(element_name(name), element);
            assert_eq!(calendar_name(element), name);
        }
        assert_eq!(type_element_name("parameters"), "_x0070_arameters");
        assert_eq!(calendar_name("_x0070_arameters"), "parameters");
        assert_eq!(calendar_name("_xyz__x00"), "_xyz__x00");
    }

    proptest! {
        #[test]
        fn names_come_back(name in "[a-z0-9_./x-]{1,12}") {
            let (element, type_element) = (element_name(&name), type_element_name(&name));
            prop_assert_eq!(&*calendar_name(&element), &name);
            prop_assert_eq!(&*calendar_name(&type_element), &name);
        }
    }
}
