//! The names of the traits in the order of the document, which is the order of their fields.

use super::document::Ordered;

/// The leaves of the schema: only what literally says `"type": "object"` and has properties is entered, so a reference
/// is one leaf. A dot inside a name is escaped.
pub(super) fn keys(document: &Ordered) -> Vec<String> {
    let mut keys = Vec::new();
    collect(document, "", &mut keys);
    keys
}

fn collect(schema: &Ordered, name: &str, keys: &mut Vec<String>) {
    let is_object = schema.get("type").is_some_and(|kind| kind.is_text("object"));
    let properties = schema.get("properties").filter(|_| is_object).map(Ordered::members);
    match properties {
        Some(properties) => {
            for (key, property) in properties {
                let key = key.replace('.', "\\.");
                let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                collect(property, &name, keys);
            }
        }
        None if name.is_empty() => {}
        None => keys.push(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_documents() {
        let text = r##"{ "type": "object", "properties": { "traits": { "type": "object", "properties": {
            "z": {}, "a": { "type": "object", "properties": { "y": {}, "b": {} } }, "r": { "$ref": "#/x" }, "d.t": {} } } } }"##;

        let keys = keys(&serde_json::from_str(text).unwrap());

        assert_eq!(keys, ["traits.z", "traits.a.y", "traits.a.b", "traits.r", "traits.d\\.t"]);
    }
}
