//! What a host chooses about its pages.

/// The library's own pages, as a host wants them. Hand them to the builder: `.pages(Pages::new().name("Ada's Bakery"))`.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Pages {
    pub(super) name: String,
    pub(super) logo: String,
    pub(super) home: String,
    pub(super) accent: String,
    pub(super) languages: Vec<String>,
    pub(super) words: Vec<(String, String)>,
    pub(super) templates: Vec<(String, String)>,
    pub(super) form_targets: Vec<String>,
}

impl Pages {
    /// Pages without a name and a logo, in a quiet blue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the host's application, shown above every page and in its title.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the address of a picture that is shown beside the name: a path, or an absolute URL, whose origin the content
    /// security policy then allows for pictures.
    pub fn logo(mut self, url: impl Into<String>) -> Self {
        self.logo = url.into();
        self
    }

    /// Sets where the page "you are signed up" leads on to: a path, or an absolute URL.
    pub fn home(mut self, url: impl Into<String>) -> Self {
        self.home = url.into();
        self
    }

    /// Sets the colour of buttons and links, as `#rrggbb`. In light and in dark it is made darker or lighter as far as
    /// needed for words to be read on it.
    pub fn accent(mut self, colour: impl Into<String>) -> Self {
        self.accent = colour.into();
        self
    }

    /// Offers only these languages, by their codes; the first is the one for visitors who ask for none of them. Without,
    /// all are offered and English comes first.
    pub fn languages<I: Into<String>>(mut self, codes: impl IntoIterator<Item = I>) -> Self {
        self.languages = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds or changes entries of a language: the text of a file as the [module](crate::html) describes it. For a language that
    /// is not there yet it also says `name` and `direction` (`ltr` or `rtl`); what it leaves out is shown in English.
    pub fn words(mut self, language: impl Into<String>, file: impl Into<String>) -> Self {
        self.words.push((language.into(), file.into()));
        self
    }

    /// Replaces a template, or adds one that others include.
    pub fn template(mut self, name: impl Into<String>, source: impl Into<String>) -> Self {
        self.templates.push((name.into(), source.into()));
        self
    }

    /// Lets forms end at this origin too, such as `https://shop.example.org`: needed where a return URL leads on to it.
    pub fn allow_form_target(mut self, origin: impl Into<String>) -> Self {
        self.form_targets.push(origin.into());
        self
    }
}
