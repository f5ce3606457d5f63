//! The fields of a page as a form: what goes along unseen, and sections with what the person fills in and presses.
//!
//! 1. A section is what belongs to one method. First come the traits, then the methods that ask for something, then those
//!    that are only a button, last the way back: the first button of a form is the one that Enter presses.
//! 2. Items of a list, `traits.tags.0`, go under the name of the list, which is how forms send them.
//! 3. A field that no schema knows and that only carries a message is not drawn; the summary says it.

use std::collections::{BTreeSet, HashMap};

use minijinja::{Value, context};
use serde_json::Value as Json;

use super::dictionary::Words;
use crate::form::as_text;
use crate::message::{Message, MessageKind};
use crate::page::{Action, Field, Group, InputKind, Script};

/// A form, in the values that templates show.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) hidden: Vec<Value>,
    pub(super) sections: Vec<Value>,
    pub(super) mistakes: Vec<Value>,
    /// The name that a password manager keeps the password under.
    pub(super) user: Option<String>,
    /// What the page loads, for buttons that call it.
    pub(super) scripts: Vec<Script>,
}

/// Lays out the fields of a page.
pub(super) fn lay_out(fields: &[Field], words: &Words) -> Form {
    let drawer = Drawer::new(fields, words);
    let mut form = Form::default();
    for (at, field) in fields.iter().enumerate().filter(|(at, _)| drawer.places[*at] != Place::Seen) {
        if drawer.places[at] == Place::Unseen {
            form.hidden.extend(drawer.hidden(at));
        }
        form.mistakes.extend(drawer.mistakes(field).into_iter().map(|text| context! { text }));
    }
    let mut buttons = 0;
    for group in drawer.groups() {
        let other = buttons > 0 && *group != Group::Profile;
        let mut own = 0;
        let mut drawn = Vec::new();
        for (at, field) in drawer.seen().filter(|(_, field)| field.group == *group) {
            let rank = match (is_button(field), buttons, own) {
                (true, 0, _) => "first",
                // Providers are equals.
                (true, ..) if *group == Group::Oidc => "",
                (true, _, 0) if *group != Group::Profile => "",
                _ => "plain",
            };
            if is_button(field) {
                (buttons, own) = (buttons + 1, own + 1);
            }
            let label = drawer.label(field);
            let linked = drawer.mistakes(field).into_iter();
            form.mistakes.extend(linked.map(|text| context! { text, field => id(at), label => label.as_str() }));
            drawn.push(drawer.draw(at, field, label.as_str(), rank));
        }
        form.sections.push(context! { group => group.as_str(), other, fields => drawn });
    }
    form.user = drawer.user_name();
    form.scripts = fields.iter().filter_map(script).cloned().collect();
    form
}

/// The script that the page loads for a field.
fn script(field: &Field) -> Option<&Script> {
    match field.action.as_deref() {
        Some(Action::Load(script)) => Some(script),
        _ => None,
    }
}

/// The function of the page's script that a button calls.
fn function(field: &Field) -> &'static str {
    match field.action.as_deref() {
        Some(Action::Call { function, .. }) => function,
        _ => "",
    }
}

fn id(at: usize) -> String {
    format!("field-{at}")
}

fn is_button(field: &Field) -> bool {
    matches!(field.kind, InputKind::Submit | InputKind::Anchor | InputKind::Button)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Seen,
    Unseen,
    Nowhere,
}

struct Drawer<'a> {
    fields: &'a [Field],
    words: &'a Words,
    /// The list that each field is an item of.
    lists: Vec<Option<usize>>,
    places: Vec<Place>,
}

impl<'a> Drawer<'a> {
    fn new(fields: &'a [Field], words: &'a Words) -> Self {
        let names: HashMap<&str, usize> =
            fields.iter().enumerate().map(|(at, field)| (field.name.as_str(), at)).collect();
        let list = |field: &Field| {
            let (list, at) = field.name.rsplit_once('.').filter(|_| field.label.is_none())?;
            let is_item = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
            names.get(list).copied().filter(|_| is_item)
        };
        let lists: Vec<Option<usize>> = fields.iter().map(list).collect();
        let places = (0..fields.len()).map(|at| place(fields, at, lists[at].is_some())).collect();
        Self { fields, words, lists, places }
    }

    fn seen(&self) -> impl Iterator<Item = (usize, &'a Field)> {
        self.fields.iter().enumerate().filter(|(at, _)| self.places[*at] == Place::Seen)
    }

    /// The groups in the order of their sections.
    fn groups(&self) -> Vec<&'a Group> {
        let mut groups: Vec<&Group> = Vec::new();
        for (_, field) in self.seen() {
            if !groups.contains(&&field.group) {
                groups.push(&field.group);
            }
        }
        let holds = |group: &Group, what: fn(&Field) -> bool| {
            self.seen().any(|(_, field)| field.group == *group && what(field))
        };
        groups.sort_by_cached_key(|group| match group {
            Group::Default => 0,
            // The first of two steps leads on by it.
            Group::Profile if holds(group, |field| field.name == "method") => 1,
            Group::Profile => 3,
            group if holds(group, |field| !is_button(field)) => 1,
            _ => 2,
        });
        groups
    }

    /// What goes along unseen under the name of a field: nothing, its value, or the items of a list.
    fn hidden(&self, at: usize) -> Vec<Value> {
        let own = &self.fields[at];
        let items = self.fields.iter().zip(&self.lists).filter(|(_, list)| **list == Some(at));
        let items: Vec<&Field> = items.map(|(field, _)| field).collect();
        let values = if items.is_empty() { vec![own] } else { items };
        // A trait without a value is left out; the page's script fills in other fields.
        let filled = own.name.starts_with("traits.");
        let values = values.into_iter().filter(|field| field.value.is_some() || !filled);
        let text = |field: &Field| field.value.as_ref().map(as_text).unwrap_or_default().into_owned();
        values.map(|field| context! { name => own.name.as_str(), value => text(field) }).collect()
    }

    /// Password managers look for a name beside a password; on the second of two steps it goes along unseen.
    fn user_name(&self) -> Option<String> {
        let asked = self.seen().any(|(_, field)| field.kind == InputKind::Password);
        let unseen = |field: &&Field| field.kind == InputKind::Hidden && field.name.starts_with("traits.");
        let names_person = |field: &&Field| matches!(field.autocomplete, Some("email" | "tel"));
        let traits = || self.fields.iter().filter(unseen).filter(|field| field.value.is_some());
        let name = traits().find(names_person).or_else(|| traits().next())?;
        name.value.as_ref().filter(|_| asked).map(|name| as_text(name).into_owned())
    }

    fn mistakes(&self, field: &Field) -> Vec<String> {
        self.told(field, |kind| kind == MessageKind::Error)
    }

    fn told(&self, field: &Field, which: impl Fn(MessageKind) -> bool) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let messages = field.messages.iter().filter(|message| which(message.kind()));
        messages.map(|message| self.words.message(message)).filter(|text| seen.insert(text.clone())).collect()
    }

    /// The host's own words for the field, else its label, else the end of its name.
    fn label(&self, field: &Field) -> String {
        let own = self.words.get(&field.name).filter(|_| field.name.starts_with("traits.")).map(str::to_owned);
        let labelled = || field.label.as_ref().map(|label: &Message| self.words.message(label));
        own.or_else(labelled).unwrap_or_else(|| last(&field.name).replace('_', " "))
    }

    fn draw(&self, at: usize, field: &Field, label: &str, rank: &str) -> Value {
        let text = field.value.as_ref().map(as_text).unwrap_or_default();
        let is_select = !field.options.is_empty();
        let (kind, inputmode, hint) = match field.kind {
            InputKind::Anchor | InputKind::Submit | InputKind::Button | InputKind::Checkbox if !is_select => {
                (field.kind.as_str(), "", "")
            }
            _ if is_select => ("select", "", ""),
            InputKind::Tel => ("tel", "tel", "hint_tel"),
            InputKind::Email => ("email", "email", ""),
            InputKind::Url => ("url", "url", ""),
            InputKind::Number => ("number", "decimal", ""),
            // What browsers have for this sends no time zone, which the schema asks for.
            InputKind::DateTime => ("text", "", "hint_date_time"),
            InputKind::Text if field.autocomplete == Some("one-time-code") => ("text", "numeric", ""),
            other => (other.as_str(), "", ""),
        };
        let value = match field.kind {
            InputKind::Password => "",
            InputKind::Anchor => followed(&text),
            _ => &text,
        };
        let autocomplete =
            field.autocomplete.or_else(|| purpose(field)).or(purpose_of_kind(field.kind)).unwrap_or_default();
        let hint = if hint.is_empty() { "" } else { self.words.get(hint).unwrap_or_default() };
        let mistakes = self.mistakes(field);
        let notes = self.told(field, |kind| kind != MessageKind::Error);
        context! {
            id => id(at),
            kind,
            rank,
            label,
            value,
            inputmode,
            autocomplete,
            hint,
            trigger => function(field),
            name => field.name.as_str(),
            required => field.required,
            chosen => field.value == Some(Json::Bool(true)) || text == "true",
            verbatim => matches!(kind, "email" | "url" | "password") || matches!(autocomplete, "one-time-code" | "username"),
            choices => self.choices(field, &text),
            said => !(hint.is_empty() && mistakes.is_empty() && notes.is_empty()),
            mistakes,
            notes,
        }
    }

    fn choices(&self, field: &Field, chosen: &str) -> Vec<Value> {
        let choice = |value: &Json| {
            let value = as_text(value).into_owned();
            let label = self.words.get(&format!("{}/{value}", field.name)).unwrap_or(&value).to_owned();
            context! { chosen => field.value.is_some() && value == chosen, value, label }
        };
        field.options.iter().map(choice).collect()
    }
}

/// Where a field stands on the page.
fn place(fields: &[Field], at: usize, is_item: bool) -> Place {
    let field = &fields[at];
    let bare = field.group == Group::Default && field.label.is_none() && !field.name.starts_with("traits.");
    let is_twin = |other: &Field| {
        is_button(other) && (&other.name, &other.value, &other.group) == (&field.name, &field.value, &field.group)
    };
    match field.kind {
        InputKind::Hidden => Place::Unseen,
        InputKind::Script => Place::Nowhere,
        InputKind::Text if bare || is_item => Place::Nowhere,
        // Pages made for the contract know some buttons twice.
        _ if is_button(field) && fields[..at].iter().any(is_twin) => Place::Nowhere,
        _ => Place::Seen,
    }
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Where a link may lead: not into a script.
fn followed(url: &str) -> &str {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let harmless = url.starts_with('/') || url.contains("://");
    match scheme.as_deref() {
        Some("javascript" | "data" | "vbscript" | "blob" | "file") => "",
        _ if harmless => url,
        _ => "",
    }
}

/// What a text of the person's is for, by the usual names of traits: browsers and aids for cognition fill it in.
fn purpose(field: &Field) -> Option<&'static str> {
    let asks = matches!(field.kind, InputKind::Text | InputKind::Date | InputKind::Tel | InputKind::Url);
    let name = last(&field.name).to_ascii_lowercase().replace(['_', '-'], "");
    let purpose = match name.as_str() {
        "username" | "login" => "username",
        "name" | "fullname" => "name",
        "first" | "firstname" | "givenname" => "given-name",
        "last" | "lastname" | "surname" | "familyname" => "family-name",
        "nickname" => "nickname",
        "company" | "organization" | "organisation" => "organization",
        "jobtitle" => "organization-title",
        "street" | "streetaddress" => "street-address",
        "city" | "town" => "address-level2",
        "state" | "province" => "address-level1",
        "zip" | "zipcode" | "postcode" | "postalcode" => "postal-code",
        "country" => "country",
        "countryname" => "country-name",
        "birthday" | "birthdate" | "dateofbirth" => "bday",
        "phone" | "phonenumber" | "tel" | "mobile" => "tel",
        "website" | "homepage" | "url" => "url",
        "language" | "locale" => "language",
        _ => return None,
    };
    (asks && field.name.starts_with("traits.")).then_some(purpose)
}

/// What a field is for by its kind alone.
fn purpose_of_kind(kind: InputKind) -> Option<&'static str> {
    match kind {
        InputKind::Email => Some("email"),
        InputKind::Tel => Some("tel"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::Pages;
    use crate::html::dictionary::Dictionary;

    fn drawn(field: Field) -> String {
        let dictionary = Dictionary::new(&Pages::new()).unwrap();
        format!("{:?}", lay_out(&[field], dictionary.best([]).unwrap()).sections)
    }

    #[test]
    fn a_password_is_never_drawn_whoever_kept_it() {
        let kept = |kind| Field::input(Group::Password, kind, "password").value("hunter2");

        assert!(drawn(kept(InputKind::Text)).contains("hunter2"));
        assert!(!drawn(kept(InputKind::Password)).contains("hunter2"));
    }

    #[test]
    fn a_link_leads_to_a_place_and_not_into_a_script() {
        let link = |url: &str| drawn(Field::input(Group::Code, InputKind::Anchor, "continue").value(url));

        for url in ["https://example.org/x", "/welcome", "myapp://callback"] {
            assert!(link(url).contains(url), "{url}");
        }
        for url in ["javascript:alert(1)//x://", "JavaScript://x/%0aalert(1)", "data:text/html,x://", "x:y"] {
            assert!(!link(url).contains(url), "{url}");
        }
    }

    #[test]
    fn a_thousand_traits_are_laid_out_in_no_time() {
        let trait_field =
            |at: usize| Field::input(Group::Default, InputKind::Hidden, format!("traits.t{at}")).value("x");
        let item = |at: usize| Field::input(Group::Default, InputKind::Text, format!("traits.t0.{at}")).value("x");
        let fields: Vec<Field> = (0..1_000).map(trait_field).chain((0..1_000).map(item)).collect();
        let dictionary = Dictionary::new(&Pages::new()).unwrap();
        let begun = std::time::Instant::now();

        let form = lay_out(&fields, dictionary.best([]).unwrap());

        assert_eq!(form.hidden.len(), 999 + 1_000);
        assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
    }
}
