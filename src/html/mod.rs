//! Pages of the library's own: a sign-up that works before anybody writes a front end.
//!
//! Below the base URL there are four pages. A host that sets a URL of its own for one of them has that page, and the
//! library's is not there.
//!
//! | page | what it shows | in place of it |
//! |---|---|---|
//! | `/registration?flow=` | a registration; without a flow it begins one | [`registration_ui`](crate::Builder::registration_ui) |
//! | `/verification?flow=` | the proof of an address; without a flow it begins one | [`Verification::by_code`](crate::Verification::by_code) |
//! | `/error?id=` | an error | [`error_ui`](crate::Builder::error_ui) |
//! | `/registered` | that the person is signed up | [`default_return_url`](crate::Builder::default_return_url) |
//!
//! A form that comes while there is too much to do, or while a part of the host is away, is answered with a page that says
//! so; nothing of it is lost.
//!
//! ```
//! use tower_registration::html::Pages;
//!
//! let pages = Pages::new()
//!     .name("Ada's Bakery")
//!     .logo("/logo.svg")
//!     .accent("#b45309")
//!     .words("de", "title_registration = Werde Stammgast");
//! # let _ = pages;
//! ```
//!
//! They are drawn from the fields of the flow, so that every method, schema and message appears on them. They need no
//! JavaScript, and hold no script and no style inline: a strict content security policy goes with them. Browsers hold a
//! form to its `form-action` through all redirects that follow; the return URLs are listed in it, and the providers of
//! social sign-up, by their issuers. Where one of those leads on to yet another origin, as a provider whose sign-in page is
//! elsewhere does, that is added with [`Pages::allow_form_target`].
//!
//! # Languages
//!
//! English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Arabic and Japanese. The visitor's
//! `Accept-Language` decides, unless the host does: for one request by a [`Language`] in its extensions, for all by
//! [`Pages::languages`]. An entry is a line of a plain text, `key = words`; lines that begin with `#` are comments:
//!
//! | key | is |
//! |---|---|
//! | `1040001` | a message of the contract by its number; facts stand as `{name}` |
//! | `title_registration` and others of the English file | words of the pages |
//! | `traits.email` | the label of that field, in place of the title in the identity schema |
//! | `traits.size/xl` | the choice `xl` of that field |
//! | `own_…` | anything that a template of the host shows |
//!
//! # Templates
//!
//! [`Pages::template`] replaces one of `layout.html`, `form.html`, `field.html`, `registration.html`,
//! `verification.html`, `error.html` and `registered.html`, in the language of [minijinja](https://docs.rs/minijinja). Values are escaped.
//! They are checked when the service is built: each page is drawn once. A template finds:
//!
//! | name | holds |
//! |---|---|
//! | `site` | `name`, `logo`, `home`, `stylesheet` |
//! | `language` | `code`, `direction` |
//! | `text` | the words of the pages, by key |
//! | `page` | `title`, `action`, `notes`, `mistakes`, `hidden`, `user`, `sections`; on an error page `advice`, `again`, `id`, `reason`, `status` |
//!
//! A note is `kind`, `text`; a mistake `text`, and `field` and `label` where it belongs to a field; something hidden
//! `name`, `value`. A section is `group`, `fields`; a field `id`, `kind`, `name`, `label`, `value`, `required`,
//! `autocomplete`, `inputmode`, `hint`, `choices` (`value`, `label`, `chosen`), `mistakes`, `notes`; `said` where there is a
//! hint, a mistake or a note.

mod colour;
mod dictionary;
mod draw;
mod fields;
mod policy;
mod settings;
mod site;
mod style;
mod visitor;

pub use settings::Pages;
pub(crate) use site::{Asked, Own, Site};
pub use visitor::Language;
