//! The providers, one entry each. What an entry cannot say stands in [`super::special`].

use super::kinds::{
    DISCOVERED, Endpoints, Info, Issuer, Kind, Login, PLAIN, Pkce, ProviderKind, STANDARD, Source, TokenIn,
};
use super::special;

pub(super) const GENERIC: Kind = Kind { needs_issuer: true, ..DISCOVERED };

/// Every kind.
pub(super) static ALL: [Kind; 25] = [
    GENERIC,
    Kind {
        is: ProviderKind::Amazon,
        word: "amazon",
        endpoints: Endpoints::At("https://www.amazon.com/ap/oa", "https://api.amazon.com/auth/o2/token"),
        source: Source::Info(Info {
            at: "https://api.amazon.com/user/profile",
            by: TokenIn::Header("x-amz-access-token"),
            issuer: Issuer::Is("https://api.amazon.com/auth/o2/token"),
            rows: &[("sub", "/user_id"), ("name", "/name"), ("email", "/email"), ("zoneinfo", "/postal_code")],
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Apple,
        word: "apple",
        issuer: Some("https://appleid.apple.com"),
        endpoints: Endpoints::At("https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token"),
        login: Login::Fields,
        submitted_keys: Some("https://appleid.apple.com/auth/keys"),
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::Auth0,
        word: "auth0",
        needs_issuer: true,
        endpoints: Endpoints::Below("/authorize", "/oauth/token"),
        takes_options: true,
        source: Source::Info(Info { at: "/userinfo", finish: Some(special::dated), ..STANDARD }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::DingTalk,
        word: "dingtalk",
        endpoints: Endpoints::At(
            "https://login.dingtalk.com/oauth2/auth",
            "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
        ),
        params: &[("prompt", "consent")],
        login: Login::DingTalk,
        source: Source::Info(Info {
            at: "https://api.dingtalk.com/v1.0/contact/users/me",
            by: TokenIn::Header("x-acs-dingtalk-access-token"),
            issuer: Issuer::Is("https://api.dingtalk.com/v1.0/contact/users/me"),
            rows: &[
                ("sub", "/openId"),
                ("nickname", "/nick"),
                ("name", "/nick"),
                ("picture", "/avatarUrl"),
                ("email", "/email"),
            ],
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Discord,
        word: "discord",
        endpoints: Endpoints::At(
            "https://discord.com/api/v9/oauth2/authorize",
            "https://discord.com/api/v9/oauth2/token",
        ),
        params: &[("prompt", "none")],
        granted: Some(' '),
        source: Source::Info(Info {
            at: "https://discord.com/api/v9/users/@me",
            issuer: Issuer::Is("https://discord.com/api/v9/oauth2/"),
            rows: &[
                ("sub", "/id"),
                ("nickname", "/username"),
                ("preferred_username", "/username"),
                ("email", "/email"),
                ("email_verified", "/verified"),
                ("locale", "/locale"),
            ],
            finish: Some(special::discord),
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Facebook,
        word: "facebook",
        issuer: Some("https://www.facebook.com"),
        endpoints: Endpoints::At("https://facebook.com/dialog/oauth", "https://graph.facebook.com/oauth/access_token"),
        openid: true,
        takes_options: true,
        source: Source::Info(Info {
            at: "https://graph.facebook.com/me?fields=id,name,first_name,last_name,middle_name,email,picture,birthday,gender",
            by: TokenIn::Proved,
            issuer: Issuer::Is("https://graph.facebook.com/me"),
            rows: &[
                ("sub", "/id"),
                ("name", "/name"),
                ("given_name", "/first_name"),
                ("family_name", "/last_name"),
                ("middle_name", "/middle_name"),
                ("nickname", "/name"),
                ("preferred_username", "/name"),
                ("picture", "/picture/data/url"),
                ("email", "/email"),
                ("gender", "/gender"),
                ("birthdate", "/birthday"),
            ],
            finish: Some(special::verified_where_given),
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind { is: ProviderKind::GitHub, word: "github", granted: Some(','), ..github(Some("user:email")) },
    Kind { is: ProviderKind::GitHubApp, word: "github-app", ..github(None) },
    Kind {
        is: ProviderKind::GitLab,
        word: "gitlab",
        base: Some("https://gitlab.com"),
        endpoints: Endpoints::Below("/oauth/authorize", "/oauth/token"),
        takes_options: true,
        source: Source::Info(Info { at: "/oauth/userinfo", ..STANDARD }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Google,
        word: "google",
        issuer: Some("https://accounts.google.com"),
        submitted_keys: Some("https://www.googleapis.com/oauth2/v3/certs"),
        also_issuers: &["accounts.google.com"],
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::Lark,
        word: "lark",
        endpoints: Endpoints::At(
            "https://passport.feishu.cn/suite/passport/oauth/authorize",
            "https://passport.feishu.cn/suite/passport/oauth/token",
        ),
        login: Login::Fields,
        source: Source::Info(Info {
            at: "https://passport.feishu.cn/suite/passport/oauth/userinfo",
            issuer: Issuer::Is("https://passport.feishu.cn/suite/passport/oauth/userinfo"),
            rows: &[
                ("sub", "/open_id"),
                ("name", "/name"),
                ("nickname", "/name"),
                ("picture", "/avatar_url"),
                ("email", "/email"),
                ("phone_number", "/mobile"),
            ],
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Line,
        word: "line",
        issuer: Some("https://access.line.me"),
        token_params: &[("id_token_key_type", "JWK")],
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::LinkedIn,
        word: "linkedin",
        endpoints: Endpoints::At(
            "https://www.linkedin.com/oauth/v2/authorization",
            "https://www.linkedin.com/oauth/v2/accessToken",
        ),
        source: Source::Info(Info {
            at: "https://api.linkedin.com/v2/me?projection=(id,firstName,lastName,profilePicture(displayImage~:playableStreams))",
            issuer: Issuer::Is("https://login.linkedin.com/"),
            rows: &[("sub", "/id")],
            more: Some((
                "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))",
                Some("r_emailaddress"),
            )),
            finish: Some(special::linkedin),
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::LinkedInV2,
        word: "linkedin_v2",
        issuer: Some("https://www.linkedin.com/oauth"),
        source: Source::Discovered,
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::Microsoft,
        word: "microsoft",
        endpoints: Endpoints::At(
            "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
            "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        ),
        source: Source::Microsoft,
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::NetId,
        word: "netid",
        issuer: Some("https://broker.netid.de/"),
        endpoints: Endpoints::At("https://broker.netid.de/authorize", "https://broker.netid.de/token"),
        source: Source::InfoBesideToken(Info { at: "https://broker.netid.de/userinfo", ..STANDARD }),
        ..DISCOVERED
    },
    Kind {
        is: ProviderKind::Patreon,
        word: "patreon",
        endpoints: Endpoints::At(
            "https://www.patreon.com/oauth2/authorize",
            "https://www.patreon.com/api/oauth2/token",
        ),
        params: &[("prompt", "none")],
        source: Source::Info(Info {
            at: "https://www.patreon.com/api/oauth2/v2/identity?fields[user]=first_name,last_name,url,full_name,email,image_url",
            issuer: Issuer::Is("https://www.patreon.com/"),
            rows: &[
                ("sub", "/data/id"),
                ("name", "/data/attributes/full_name"),
                ("given_name", "/data/attributes/first_name"),
                ("family_name", "/data/attributes/last_name"),
                ("last_name", "/data/attributes/last_name"),
                ("profile", "/data/attributes/url"),
                ("email", "/data/attributes/email"),
                ("picture", "/data/attributes/image_url"),
            ],
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Salesforce,
        word: "salesforce",
        needs_issuer: true,
        endpoints: Endpoints::Below("/services/oauth2/authorize", "/services/oauth2/token"),
        takes_options: true,
        source: Source::Info(Info { at: "/services/oauth2/userinfo", finish: Some(special::dated), ..STANDARD }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Slack,
        word: "slack",
        endpoints: Endpoints::At("https://slack.com/oauth/authorize", "https://slack.com/api/oauth.access"),
        granted: Some(','),
        source: Source::Info(Info {
            at: "https://slack.com/api/users.identity",
            issuer: Issuer::Is("https://slack.com/oauth/"),
            rows: &[
                ("sub", "/user/id"),
                ("name", "/user/name"),
                ("nickname", "/user/name"),
                ("preferred_username", "/user/name"),
                ("email", "/user/email"),
                ("picture", "/user/image_512"),
                ("team", "/team/id"),
            ],
            finish: Some(special::slack),
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Spotify,
        word: "spotify",
        endpoints: Endpoints::At("https://accounts.spotify.com/authorize", "https://accounts.spotify.com/api/token"),
        granted: Some(' '),
        source: Source::Info(Info {
            at: "https://api.spotify.com/v1/me",
            issuer: Issuer::Is("https://accounts.spotify.com/api/token"),
            rows: &[
                ("sub", "/id"),
                ("name", "/display_name"),
                ("nickname", "/display_name"),
                ("picture", "/images/0/url"),
                ("profile", "/external_urls/spotify"),
                ("birthdate", "/birthdate"),
                ("email", "/email"),
            ],
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::UaePass,
        word: "uaepass",
        base: Some("https://id.uaepass.ae"),
        endpoints: Endpoints::Below("/idshub/authorize", "/idshub/token"),
        params: &[("acr_values", "urn:safelayer:tws:policies:authentication:level:low")],
        login: Login::Header,
        pkce: Pkce::Force,
        source: Source::Info(Info {
            at: "/idshub/userinfo",
            issuer: Issuer::Base,
            rows: &[
                ("sub", "/sub"),
                ("name", "/fullnameEN"),
                ("given_name", "/firstnameEN"),
                ("last_name", "/lastnameEN"),
                ("email", "/email"),
            ],
            raw: true,
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind {
        is: ProviderKind::Vk,
        word: "vk",
        endpoints: Endpoints::At("https://oauth.vk.com/authorize", "https://oauth.vk.com/access_token"),
        source: Source::Info(Info {
            at: "https://api.vk.com/method/users.get?fields=photo_200,nickname,bdate,sex&v=5.103",
            by: TokenIn::Query("access_token"),
            issuer: Issuer::Is("https://api.vk.com/method/users.get"),
            rows: &[
                ("sub", "/response/0/id"),
                ("given_name", "/response/0/first_name"),
                ("family_name", "/response/0/last_name"),
                ("nickname", "/response/0/nickname"),
                ("picture", "/response/0/photo_200"),
                ("birthdate", "/response/0/bdate"),
            ],
            finish: Some(special::vk),
            ..STANDARD
        }),
        ..PLAIN
    },
    Kind { is: ProviderKind::X, word: "x", pkce: Pkce::Never, source: Source::X, ..PLAIN },
    Kind {
        is: ProviderKind::Yandex,
        word: "yandex",
        endpoints: Endpoints::At("https://oauth.yandex.com/authorize", "https://oauth.yandex.com/token"),
        source: Source::Info(Info {
            at: "https://login.yandex.ru/info?format=json",
            by: TokenIn::Query("oauth_token"),
            issuer: Issuer::Is("https://login.yandex.ru/info"),
            rows: &[
                ("sub", "/id"),
                ("name", "/real_name"),
                ("given_name", "/first_name"),
                ("family_name", "/last_name"),
                ("nickname", "/login"),
                ("email", "/default_email"),
                ("gender", "/sex"),
                ("birthdate", "/birthday"),
            ],
            finish: Some(special::yandex),
            ..STANDARD
        }),
        ..PLAIN
    },
];

/// GitHub, which tells addresses apart from the rest; an app of it always may see them.
const fn github(emails_with: Option<&'static str>) -> Kind {
    Kind {
        endpoints: Endpoints::At(
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
        ),
        source: Source::Info(Info {
            at: "https://api.github.com/user",
            issuer: Issuer::Is("https://github.com/login/oauth/access_token"),
            rows: &[
                ("sub", "/id"),
                ("name", "/name"),
                ("nickname", "/login"),
                ("website", "/blog"),
                ("picture", "/avatar_url"),
                ("profile", "/html_url"),
                ("updated_at", "/updated_at"),
            ],
            more: Some(("https://api.github.com/user/emails", emails_with)),
            finish: Some(match emails_with {
                Some(_) => special::github,
                None => special::github_app,
            }),
            ..STANDARD
        }),
        ..PLAIN
    }
}
