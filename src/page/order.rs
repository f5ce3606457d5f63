//! The order of fields on a page, as the contract has it.

use serde_json::Value;

use super::{Field, Group};

/// Groups in their order; a group that is not listed comes before all of them.
const GROUPS: [&str; 9] = ["oidc", "saml", "default", "webauthn", "passkey", "code", "password", "captcha", "profile"];

/// Sorts the fields: by group, then by the position of their names. The fields of a method that goes on `alone` stay as
/// it gave them.
///
/// The second comparison is no total order: fields compare only within a group, or between the default and the
/// password group. The outcome therefore depends on how it is sorted, and clients see that of Go's stable sort:
/// insertion sort on blocks, then in-place merges. A sort of the standard library may refuse such a comparison.
pub(super) fn arrange(fields: &mut [Field], traits: &[String], alone: Option<&str>) {
    let keys = keys(traits);
    let stays = |field: &Field| alone == Some(field.group.as_str());
    fields.sort_by_key(|field| group_rank(&field.group));
    stable_sort(fields, |a, b| !stays(a) && is_before(a, b, &keys));
}

fn group_rank(group: &Group) -> usize {
    GROUPS.iter().position(|known| *known == group.as_str()).map_or(0, |at| at + 1)
}

/// The names that give positions: the first trait stands between the token and the password, the others behind.
fn keys(traits: &[String]) -> Vec<&str> {
    let mut keys = vec![super::TOKEN_FIELD];
    keys.extend(traits.first().map(String::as_str));
    keys.push("password");
    keys.extend(traits.iter().skip(1).map(String::as_str));
    keys.extend(["webauthn_remove", "webauthn_register_displayname", "webauthn_register"]);
    keys
}

fn is_before(a: &Field, b: &Field, keys: &[&str]) -> bool {
    let mixes = |a: &Group, b: &Group| (a, b) == (&Group::Default, &Group::Password);
    if a.group != b.group && !mixes(&a.group, &b.group) && !mixes(&b.group, &a.group) {
        return false;
    }
    let (at_a, at_b) = (position(&a.name, keys), position(&b.name, keys));
    at_a < at_b || at_a == at_b && printed(a.value.as_ref()) < printed(b.value.as_ref())
}

/// The first key that begins the name; buttons come last.
fn position(name: &str, keys: &[&str]) -> usize {
    match name {
        "method" => usize::MAX,
        _ => keys.iter().position(|key| name.starts_with(key)).unwrap_or(keys.len()),
    }
}

fn printed(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "<nil>".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => crate::message::shown(other),
    }
}

const BLOCK: usize = 20;

fn stable_sort(fields: &mut [Field], before: impl Fn(&Field, &Field) -> bool + Copy) {
    for block in fields.chunks_mut(BLOCK) {
        insertion_sort(block, before);
    }
    let mut size = BLOCK;
    while size < fields.len() {
        for pair in fields.chunks_mut(2 * size) {
            if pair.len() > size {
                merge(pair, size, before);
            }
        }
        size *= 2;
    }
}

fn insertion_sort(fields: &mut [Field], before: impl Fn(&Field, &Field) -> bool) {
    for from in 1..fields.len() {
        let mut at = from;
        while at > 0 && before(&fields[at], &fields[at - 1]) {
            fields.swap(at, at - 1);
            at -= 1;
        }
    }
}

/// Merges two sorted runs in place; the second begins at `middle`.
fn merge(fields: &mut [Field], middle: usize, before: impl Fn(&Field, &Field) -> bool + Copy) {
    let length = fields.len();
    if middle == 0 || middle == length {
        return;
    }
    if middle == 1 {
        let at = first(1, length, |at| !before(&fields[at], &fields[0]));
        return fields[..at].rotate_left(1);
    }
    if length - middle == 1 {
        let at = first(0, middle, |at| before(&fields[middle], &fields[at]));
        return fields[at..].rotate_right(1);
    }
    let half = length / 2;
    let sum = half + middle;
    let (low, high) = if middle > half { (sum - length, half) } else { (0, middle) };
    let start = first(low, high, |at| before(&fields[sum - 1 - at], &fields[at]));
    let end = sum - start;
    if start < middle && middle < end {
        fields[start..end].rotate_left(middle - start);
    }
    merge(&mut fields[..half], start, before);
    merge(&mut fields[half..], end - half, before);
}

/// The first index of `low..high` where `holds` is true, by bisection; `high` when there is none.
fn first(mut low: usize, mut high: usize, holds: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low + (high - low) / 2;
        match holds(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::InputKind;

    fn field(group: Group, name: &str) -> Field {
        Field::input(group, InputKind::Text, name)
    }

    fn arranged(mut fields: Vec<Field>, traits: &[&str]) -> Vec<String> {
        let keys: Vec<String> = traits.iter().map(|name| (*name).to_owned()).collect();
        arrange(&mut fields, &keys, None);
        fields.into_iter().map(|field| field.name).collect()
    }

    #[test]
    fn the_password_stands_behind_the_first_trait() {
        let fields = vec![
            field(Group::Default, "traits.name"),
            field(Group::Password, "method"),
            field(Group::Password, "password"),
            field(Group::Default, "traits.email"),
            field(Group::Default, "csrf_token"),
        ];

        let names = arranged(fields, &["traits.email", "traits.name"]);

        assert_eq!(names, ["csrf_token", "traits.email", "password", "traits.name", "method"]);
    }

    #[test]
    fn another_group_between_keeps_the_password_apart() {
        let fields = vec![
            field(Group::Password, "password"),
            field(Group::Other("code"), "method"),
            field(Group::Default, "traits.name"),
            field(Group::Default, "traits.email"),
        ];

        let names = arranged(fields, &["traits.email", "traits.name"]);

        assert_eq!(names, ["traits.email", "traits.name", "method", "password"]);
    }

    #[test]
    fn a_key_also_catches_longer_names() {
        let fields =
            vec![field(Group::Default, "traits.ntc"), field(Group::Default, "traits.n"), field(Group::Default, "x")];

        let names = arranged(fields, &["traits.n", "traits.ntc"]);

        assert_eq!(names, ["traits.ntc", "traits.n", "x"]);
    }

    #[test]
    fn merging_blocks_keeps_the_order_of_a_plain_stable_sort_within_one_group() {
        let names: Vec<String> = (0..97).map(|at| format!("traits.f{:02}", (at * 37) % 97)).collect();
        let mut keys = names.clone();
        keys.sort();
        let mut fields: Vec<Field> = names.iter().map(|name| field(Group::Default, name)).collect();

        arrange(&mut fields, &keys, None);

        assert_eq!(fields.into_iter().map(|field| field.name).collect::<Vec<_>>(), keys);
    }
}
