//! A page as a browser reads it, and its form as a browser posts it.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use tower_registration::testing::Reply;

/// A page that was read without an error.
pub(super) struct Document {
    pub(super) status: u16,
    pub(super) text: String,
    dom: RcDom,
}

impl Document {
    /// Reads a page; it must be one, and without a fault.
    pub(super) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{:?}", reply.body());
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        let options = ParseOpts::default();
        let dom = parse_document(RcDom::default(), options).from_utf8().one(text.as_bytes());
        assert!(dom.errors.borrow().is_empty(), "{:?}\n{text}", dom.errors.borrow());
        let page = Self { status: reply.status(), text, dom };
        page.check_ids();
        page
    }

    /// Every id stands once, and whatever names one finds it.
    fn check_ids(&self) {
        let ids: Vec<String> = self.all(|_| true).iter().filter_map(|node| attribute(node, "id")).collect();
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}\n{}", self.text);
        }
        let named = |name: &str| self.all(|_| true).iter().filter_map(|node| attribute(node, name)).collect::<Vec<_>>();
        let links = named("href").into_iter().filter_map(|href| href.strip_prefix('#').map(str::to_owned));
        for id in named("for").into_iter().chain(named("aria-describedby")).chain(named("aria-labelledby")).chain(links)
        {
            assert!(ids.contains(&id), "nothing is named {id}\n{}", self.text);
        }
    }

    /// All elements for which this holds, in the order of the page.
    pub(super) fn all(&self, holds: impl Fn(&Handle) -> bool) -> Vec<Handle> {
        let mut found = Vec::new();
        walk(&self.dom.document, &mut |node| {
            if matches!(node.data, NodeData::Element { .. }) && holds(node) {
                found.push(node.clone());
            }
        });
        found
    }

    /// All elements with this tag.
    pub(super) fn tags(&self, tag: &str) -> Vec<Handle> {
        self.all(|node| name(node) == tag)
    }

    /// All elements of this class.
    pub(super) fn class(&self, class: &str) -> Vec<Handle> {
        self.all(|node| attribute(node, "class").is_some_and(|all| all.split(' ').any(|own| own == class)))
    }

    /// The words of all elements of this class.
    pub(super) fn said(&self, class: &str) -> Vec<String> {
        self.class(class).iter().map(words).collect()
    }

    /// The words of the only element with this tag.
    pub(super) fn only(&self, tag: &str) -> String {
        let found = self.tags(tag);
        assert_eq!(found.len(), 1, "{tag}\n{}", self.text);
        words(&found[0])
    }

    /// The input, select or button with this name that is shown; the last, where there are several.
    pub(super) fn field(&self, field: &str) -> Handle {
        let named = |node: &Handle| attribute(node, "name").as_deref() == Some(field);
        let shown = |node: &Handle| attribute(node, "type").as_deref() != Some("hidden");
        let found = self.all(|node| named(node) && shown(node));
        found.last().cloned().unwrap_or_else(|| panic!("no field {field}\n{}", self.text))
    }

    /// The words of the label of a field.
    pub(super) fn label(&self, field: &str) -> String {
        let id = attribute(&self.field(field), "id");
        let labels = self.all(|node| name(node) == "label" && attribute(node, "for") == id);
        assert_eq!(labels.len(), 1, "{field}\n{}", self.text);
        words(&labels[0])
    }

    /// What is said about a field: hint and mistakes.
    pub(super) fn said_of(&self, field: &str) -> String {
        let Some(id) = attribute(&self.field(field), "aria-describedby") else { return String::new() };
        self.all(|node| attribute(node, "id").as_deref() == Some(id.as_str())).iter().map(words).collect()
    }

    /// Where the form is posted to.
    pub(super) fn action(&self) -> String {
        let forms = self.tags("form");
        assert_eq!(forms.len(), 1, "{}", self.text);
        assert_eq!(attribute(&forms[0], "method").as_deref(), Some("post"));
        attribute(&forms[0], "action").unwrap()
    }

    /// The names of everything that is filled in or pressed, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let controls = self.all(|node| matches!(name(node).as_str(), "input" | "select" | "button"));
        let shown = controls.iter().filter(|node| attribute(node, "type").as_deref() != Some("hidden"));
        shown.filter(|node| attribute(node, "hidden").is_none()).filter_map(|node| attribute(node, "name")).collect()
    }

    /// The pairs that a browser posts: what stands in the form, what is typed, and the button that is pressed. For a
    /// checkbox `on` is typed.
    pub(super) fn filled(&self, typed: &[(&str, &str)], button: (&str, &str)) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut used = Vec::new();
        for node in self.all(|node| matches!(name(node).as_str(), "input" | "select" | "button")) {
            let Some(own) = attribute(&node, "name") else { continue };
            let value = attribute(&node, "value").unwrap_or_default();
            let kind = attribute(&node, "type").unwrap_or_default();
            let given = typed.iter().find(|(name, _)| *name == own && kind != "hidden").map(|(_, value)| *value);
            used.extend(given.map(|_| own.clone()));
            match (name(&node).as_str(), kind.as_str()) {
                ("button", _) => {
                    if (own.as_str(), value.as_str()) == button {
                        used.push(own.clone());
                        pairs.push((own, value));
                    }
                }
                (_, "checkbox") => {
                    let on = given == Some("on") || given.is_none() && attribute(&node, "checked").is_some();
                    pairs.extend(on.then_some((own, value)));
                }
                ("select", _) => {
                    let chosen = options(&node).into_iter().find(|node| attribute(node, "selected").is_some());
                    let chosen = chosen.and_then(|node| attribute(&node, "value")).unwrap_or_default();
                    pairs.push((own, given.map_or(chosen, str::to_owned)));
                }
                _ => pairs.push((own, given.map_or(value, str::to_owned))),
            }
        }
        let names = typed.iter().map(|(name, _)| *name).chain([button.0]);
        names.for_each(|name| assert!(used.iter().any(|own| own == name), "no field {name}\n{}", self.text));
        pairs
    }
}

/// The choices of a select.
pub(super) fn options(select: &Handle) -> Vec<Handle> {
    let mut found = Vec::new();
    walk(select, &mut |node| {
        if name(node) == "option" {
            found.push(node.clone());
        }
    });
    found
}

fn walk(node: &Handle, see: &mut dyn FnMut(&Handle)) {
    see(node);
    node.children.borrow().iter().for_each(|child| walk(child, see));
}

/// The tag of an element; empty for anything else.
pub(super) fn name(node: &Handle) -> String {
    match &node.data {
        NodeData::Element { name, .. } => name.local.to_string(),
        _ => String::new(),
    }
}

/// All attributes of an element by name.
pub(super) fn attributes(node: &Handle) -> Vec<(String, String)> {
    let NodeData::Element { attrs, .. } = &node.data else { return Vec::new() };
    attrs.borrow().iter().map(|own| (own.name.local.to_string(), own.value.to_string())).collect()
}

pub(super) fn attribute(node: &Handle, name: &str) -> Option<String> {
    attributes(node).into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

/// The words below a node, with single blanks.
pub(super) fn words(node: &Handle) -> String {
    let mut text = String::new();
    walk(node, &mut |node| {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        }
    });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
