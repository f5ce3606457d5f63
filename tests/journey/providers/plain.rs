//! Providers without ID tokens: where they are, what they answer, and what becomes of it.

use serde_json::{Value, json};
use tower_registration::methods::oidc::{Provider, ProviderKind};

use super::{it, token};

/// A provider that has no ID tokens: what it is asked, and what becomes of its answers.
pub(super) struct Plain {
    pub(super) provider: Provider,
    pub(super) page: &'static str,
    pub(super) token: &'static str,
    pub(super) answers: Vec<(&'static str, Value)>,
    pub(super) claims: Value,
}

pub(super) fn plain() -> Vec<Plain> {
    let mut all = Vec::new();
    let github_user = json!({ "login": "octocat", "id": 583231, "avatar_url": "https://a/1", "html_url": "https://github.com/octocat",
        "name": "The Octocat", "blog": "https://github.blog", "updated_at": "2024-01-22T12:12:52Z" });
    let emails = json!([{ "email": "other@github.com", "primary": false, "verified": true },
        { "email": "octocat@github.com", "primary": true, "verified": true }]);
    let mut granted = token();
    granted["scope"] = "user:email,read:user".into();
    all.push(Plain {
        provider: it(ProviderKind::GitHub).scope("user:email"),
        page: "https://github.com/login/oauth/authorize",
        token: "https://github.com/login/oauth/access_token",
        answers: vec![
            ("https://github.com/login/oauth/access_token", granted),
            ("https://api.github.com/user/emails", emails.clone()),
            ("https://api.github.com/user", github_user.clone()),
        ],
        claims: json!({ "iss": "https://github.com/login/oauth/access_token", "sub": "583231", "name": "The Octocat",
            "nickname": "octocat", "website": "https://github.blog", "picture": "https://a/1",
            "profile": "https://github.com/octocat", "updated_at": 1_705_925_572, "email": "octocat@github.com",
            "email_verified": true }),
    });
    all.push(Plain {
        provider: it(ProviderKind::GitHubApp),
        page: "https://github.com/login/oauth/authorize",
        token: "https://github.com/login/oauth/access_token",
        answers: vec![
            // By a form, as GitHub answers those who do not ask for JSON.
            (
                "https://github.com/login/oauth/access_token",
                "access_token=the-access-token&scope=&token_type=bearer".into(),
            ),
            ("https://api.github.com/user/emails", json!([{ "email": "only@github.com", "primary": false }])),
            ("https://api.github.com/user", json!({ "login": "octocat", "id": 583231 })),
        ],
        claims: json!({ "iss": "https://github.com/login/oauth/access_token", "sub": "583231", "nickname": "octocat",
            "email": "only@github.com" }),
    });
    all.push(Plain {
        provider: it(ProviderKind::GitLab).scope("openid"),
        page: "https://gitlab.com/oauth/authorize",
        token: "https://gitlab.com/oauth/token",
        answers: vec![
            ("https://gitlab.com/oauth/token", token()),
            (
                "https://gitlab.com/oauth/userinfo",
                json!({ "iss": "https://gitlab.com", "sub": "7", "nickname": "ada", "email": "a@b.c" }),
            ),
        ],
        claims: json!({ "iss": "https://gitlab.com", "sub": "7", "nickname": "ada", "email": "a@b.c" }),
    });
    let mut granted = token();
    granted["scope"] = "identify email".into();
    all.push(Plain {
        provider: it(ProviderKind::Discord).scope("identify").scope("email"),
        page: "https://discord.com/api/v9/oauth2/authorize",
        token: "https://discord.com/api/v9/oauth2/token",
        answers: vec![
            ("https://discord.com/api/v9/oauth2/token", granted),
            ("https://discord.com/api/v9/users/@me", json!({ "id": "80351110224678912", "username": "Nelly", "discriminator": "1337",
                "avatar": "8342729096ea3675442027381ff50dfe", "verified": true, "email": "nelly@discord.com", "locale": "en-US" })),
        ],
        claims: json!({ "iss": "https://discord.com/api/v9/oauth2/", "sub": "80351110224678912", "name": "Nelly#1337",
            "nickname": "Nelly", "preferred_username": "Nelly", "email": "nelly@discord.com", "email_verified": true,
            "picture": "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png",
            "locale": "en-US" }),
    });
    let mut granted = token();
    granted["scope"] = "identity.basic,identity.email".into();
    all.push(Plain {
        provider: it(ProviderKind::Slack).scope("identity.basic"),
        page: "https://slack.com/oauth/authorize",
        token: "https://slack.com/api/oauth.access",
        answers: vec![
            ("https://slack.com/api/oauth.access", granted),
            ("https://slack.com/api/users.identity", json!({ "ok": true, "user": { "name": "Sonny", "id": "U0G9QF9C6",
                "email": "sonny@example.org", "image_512": "https://s/512" }, "team": { "id": "T0G9PQBBK" } })),
        ],
        claims: json!({ "iss": "https://slack.com/oauth/", "sub": "U0G9QF9C6", "name": "Sonny", "nickname": "Sonny",
            "preferred_username": "Sonny", "email": "sonny@example.org", "email_verified": true, "picture": "https://s/512",
            "team": "T0G9PQBBK" }),
    });
    all.extend(more_plain());
    all
}

fn more_plain() -> Vec<Plain> {
    let mut spotify = token();
    spotify["scope"] = "user-read-email".into();
    let mut vk = token();
    vk["email"] = "vk@example.org".into();
    vec![
        Plain {
            provider: it(ProviderKind::Spotify).scope("user-read-email"),
            page: "https://accounts.spotify.com/authorize",
            token: "https://accounts.spotify.com/api/token",
            answers: vec![
                ("https://accounts.spotify.com/api/token", spotify),
                (
                    "https://api.spotify.com/v1/me",
                    json!({ "id": "smedjan", "display_name": "Ada", "email": "a@b.c",
                    "images": [{ "url": "https://i/1" }], "external_urls": { "spotify": "https://open.spotify.com/user/smedjan" } }),
                ),
            ],
            claims: json!({ "iss": "https://accounts.spotify.com/api/token", "sub": "smedjan", "name": "Ada", "nickname": "Ada",
                "picture": "https://i/1", "profile": "https://open.spotify.com/user/smedjan", "email": "a@b.c" }),
        },
        Plain {
            provider: it(ProviderKind::Vk),
            page: "https://oauth.vk.com/authorize",
            token: "https://oauth.vk.com/access_token",
            answers: vec![
                ("https://oauth.vk.com/access_token", vk),
                (
                    "https://api.vk.com/method/users.get?fields=photo_200,nickname,bdate,sex&v=5.103&access_token=the-access-token",
                    json!({ "response": [{ "id": 210700286, "first_name": "Lindsey", "last_name": "Stirling", "sex": 1,
                        "photo_200": "https://p/200", "bdate": "21.9.1986" }] }),
                ),
            ],
            claims: json!({ "iss": "https://api.vk.com/method/users.get", "sub": "210700286", "given_name": "Lindsey",
                "family_name": "Stirling", "picture": "https://p/200", "birthdate": "21.9.1986", "gender": "female",
                "email": "vk@example.org" }),
        },
        Plain {
            provider: it(ProviderKind::Yandex),
            page: "https://oauth.yandex.com/authorize",
            token: "https://oauth.yandex.com/token",
            answers: vec![
                ("https://oauth.yandex.com/token", token()),
                (
                    "https://login.yandex.ru/info?format=json&oauth_token=the-access-token",
                    json!({ "id": "1000034426", "login": "ivan",
                    "first_name": "Ivan", "last_name": "Ivanov", "default_email": "test@yandex.ru", "default_avatar_id": "131652443",
                    "is_avatar_empty": false, "sex": "male", "real_name": "Ivan Ivanov" }),
                ),
            ],
            claims: json!({ "iss": "https://login.yandex.ru/info", "sub": "1000034426", "nickname": "ivan", "given_name": "Ivan",
                "family_name": "Ivanov", "name": "Ivan Ivanov", "gender": "male", "email": "test@yandex.ru",
                "picture": "https://avatars.yandex.net/get-yapic/131652443/islands-200" }),
        },
        Plain {
            provider: it(ProviderKind::Patreon),
            page: "https://www.patreon.com/oauth2/authorize",
            token: "https://www.patreon.com/api/oauth2/token",
            answers: vec![
                ("https://www.patreon.com/api/oauth2/token", token()),
                (
                    "https://www.patreon.com/api/oauth2/v2/identity?fields[user]=first_name,last_name,url,full_name,email,image_url",
                    json!({ "data": { "id": "123", "attributes": { "email": "p@example.org", "full_name": "Platform Team",
                        "first_name": "Platform", "last_name": "Team", "image_url": "https://i/p", "url": "https://www.patreon.com/x" } } }),
                ),
            ],
            claims: json!({ "iss": "https://www.patreon.com/", "sub": "123", "name": "Platform Team", "given_name": "Platform",
                "family_name": "Team", "last_name": "Team", "email": "p@example.org", "picture": "https://i/p",
                "profile": "https://www.patreon.com/x" }),
        },
        Plain {
            provider: it(ProviderKind::Lark),
            page: "https://passport.feishu.cn/suite/passport/oauth/authorize",
            token: "https://passport.feishu.cn/suite/passport/oauth/token",
            answers: vec![
                ("https://passport.feishu.cn/suite/passport/oauth/token", token()),
                (
                    "https://passport.feishu.cn/suite/passport/oauth/userinfo",
                    json!({ "open_id": "ou-1", "name": "Zhang",
                    "avatar_url": "https://a/z", "email": "z@example.org", "mobile": "+86130xxxx0000" }),
                ),
            ],
            claims: json!({ "iss": "https://passport.feishu.cn/suite/passport/oauth/userinfo", "sub": "ou-1", "name": "Zhang",
                "nickname": "Zhang", "picture": "https://a/z", "email": "z@example.org", "phone_number": "+86130xxxx0000" }),
        },
        Plain {
            provider: it(ProviderKind::DingTalk),
            page: "https://login.dingtalk.com/oauth2/auth",
            token: "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
            answers: vec![
                (
                    "https://api.dingtalk.com/v1.0/oauth2/userAccessToken",
                    json!({ "accessToken": "the-access-token", "expireIn": 7200 }),
                ),
                (
                    "https://api.dingtalk.com/v1.0/contact/users/me",
                    json!({ "nick": "zhangsan", "avatarUrl": "https://a/d",
                    "openId": "123", "email": "z@dingtalk.com" }),
                ),
            ],
            claims: json!({ "iss": "https://api.dingtalk.com/v1.0/contact/users/me", "sub": "123", "nickname": "zhangsan",
                "name": "zhangsan", "picture": "https://a/d", "email": "z@dingtalk.com" }),
        },
        Plain {
            provider: it(ProviderKind::Amazon).scope("profile"),
            page: "https://www.amazon.com/ap/oa",
            token: "https://api.amazon.com/auth/o2/token",
            answers: vec![
                ("https://api.amazon.com/auth/o2/token", token()),
                (
                    "https://api.amazon.com/user/profile",
                    json!({ "user_id": "amzn1.account.K2", "email": "m@example.com",
                    "name": "Mork Hashimoto", "postal_code": "98052" }),
                ),
            ],
            claims: json!({ "iss": "https://api.amazon.com/auth/o2/token", "sub": "amzn1.account.K2", "name": "Mork Hashimoto",
                "email": "m@example.com", "zoneinfo": "98052" }),
        },
        Plain {
            provider: it(ProviderKind::LinkedIn).scope("r_liteprofile").scope("r_emailaddress"),
            page: "https://www.linkedin.com/oauth/v2/authorization",
            token: "https://www.linkedin.com/oauth/v2/accessToken",
            answers: vec![
                ("https://www.linkedin.com/oauth/v2/accessToken", token()),
                (
                    "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))",
                    json!({ "elements": [{ "handle~": { "emailAddress": "ding@example.org" } }] }),
                ),
                (
                    "https://api.linkedin.com/v2/me?projection=",
                    json!({ "id": "REDACTED", "firstName": { "localized": { "en_US": "Tina" } },
                    "lastName": { "localized": { "en_US": "Belcher" } }, "profilePicture": { "displayImage~": { "elements": [
                        { "identifiers": [{ "identifier": "https://i/100" }] }, { "identifiers": [{ "identifier": "https://i/200" }] },
                        { "identifiers": [{ "identifier": "https://i/400" }] }, { "identifiers": [{ "identifier": "https://i/800" }] }] } } }),
                ),
            ],
            claims: json!({ "iss": "https://login.linkedin.com/", "sub": "REDACTED", "given_name": "Tina", "last_name": "Belcher",
                "picture": "https://i/400", "email": "ding@example.org" }),
        },
    ]
}
