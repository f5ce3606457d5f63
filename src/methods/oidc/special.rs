//! What some providers say in a way of their own.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::trouble;
use crate::stop::{Failure, Stop};

/// The answers that claims are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'s> {
    /// The answer about the person.
    pub(super) answer: &'s Value,
    /// The second answer, where one was asked for.
    pub(super) more: Option<&'s Value>,
    /// The answer to the code.
    pub(super) tokens: &'s Value,
}

/// Finishes the claims that the rows of a kind began.
pub(super) type Finish = fn(&mut Map<String, Value>, Seen<'_>) -> Result<(), Stop>;

/// `updated_at` is a date.
pub(super) fn dated(said: &mut Map<String, Value>, _: Seen<'_>) -> Result<(), Stop> {
    if let Some(Value::String(date)) = said.get("updated_at") {
        let at = OffsetDateTime::parse(date, &Rfc3339);
        let at = at.map_err(|error| Failure::internal(error).with_reason("bad time format in updated_at"))?;
        said.insert("updated_at".to_owned(), at.unix_timestamp().into());
    }
    Ok(())
}

/// An address is only given away if it was proved.
pub(super) fn verified_where_given(said: &mut Map<String, Value>, _: Seen<'_>) -> Result<(), Stop> {
    if said.get("email").and_then(Value::as_str).is_some_and(|email| !email.is_empty()) {
        said.insert("email_verified".to_owned(), true.into());
    }
    Ok(())
}

/// The name has the number behind it that tells people of one name apart; the picture is named by its hash.
pub(super) fn discord(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    let text = |name: &str| seen.answer.get(name).and_then(Value::as_str);
    if let (Some(name), Some(number)) = (text("username"), text("discriminator")) {
        said.insert("name".to_owned(), format!("{name}#{number}").into());
    }
    if let (Some(id), Some(hash)) = (text("id"), text("avatar")) {
        let kind = if hash.starts_with("a_") { "gif" } else { "png" };
        said.insert("picture".to_owned(), format!("https://cdn.discordapp.com/avatars/{id}/{hash}.{kind}").into());
    }
    Ok(())
}

/// The primary address counts, and no other.
pub(super) fn github(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    let emails = seen.more.and_then(Value::as_array).into_iter().flatten();
    take_email(said, emails.into_iter().find(|email| email["primary"] == true));
    Ok(())
}

/// The primary address, or the last one where none is.
pub(super) fn github_app(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    let emails: Vec<&Value> = seen.more.and_then(Value::as_array).into_iter().flatten().collect();
    take_email(said, emails.iter().find(|email| email["primary"] == true).or(emails.last()).copied());
    Ok(())
}

fn take_email(said: &mut Map<String, Value>, email: Option<&Value>) {
    let parts = [("email", "email"), ("email_verified", "verified")];
    let found = parts.into_iter().filter_map(|(claim, name)| Some((claim.to_owned(), email?.get(name)?.clone())));
    said.extend(found.collect::<Vec<_>>());
}

/// Names stand by language, the picture in several sizes, the address in the second answer.
pub(super) fn linkedin(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    for (claim, name) in [("given_name", "firstName"), ("last_name", "lastName")] {
        let localized = seen.answer[name]["localized"].as_object();
        let text = localized.and_then(|by_language| by_language.values().next());
        said.extend(text.map(|text| (claim.to_owned(), text.clone())));
    }
    let sizes = seen.answer.pointer("/profilePicture/displayImage~/elements").and_then(Value::as_array);
    let size = sizes.and_then(|sizes| sizes.get(2).or(sizes.last()));
    let picture = size.and_then(|size| size.pointer("/identifiers/0/identifier"));
    said.extend(picture.map(|url| ("picture".to_owned(), url.clone())));
    let email = seen.more.and_then(|more| more.pointer("/elements/0/handle~/emailAddress"));
    said.extend(email.map(|email| ("email".to_owned(), email.clone())));
    Ok(())
}

/// It answers 200 whatever happens. Addresses there are proved.
pub(super) fn slack(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    if seen.answer["ok"] == false {
        return Err(trouble::upstream("The provider did not say who the person is."));
    }
    said.insert("email_verified".to_owned(), true.into());
    Ok(())
}

/// The address comes with the token; the gender is a number.
pub(super) fn vk(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    let people = seen.answer["response"].as_array();
    let Some(person) = people.and_then(|people| people.first()) else {
        return Err(trouble::upstream("VK did not return a user in the userinfo request."));
    };
    said.extend(seen.tokens.get("email").map(|email| ("email".to_owned(), email.clone())));
    let gender = match person["sex"].as_u64() {
        Some(1) => "female",
        Some(2) => "male",
        _ => return Ok(()),
    };
    said.insert("gender".to_owned(), gender.into());
    Ok(())
}

/// The picture is named by an id, unless there is none.
pub(super) fn yandex(said: &mut Map<String, Value>, seen: Seen<'_>) -> Result<(), Stop> {
    let empty = seen.answer["is_avatar_empty"] == true;
    if let Some(id) = seen.answer["default_avatar_id"].as_str().filter(|id| !id.is_empty() && !empty) {
        let url = format!("https://avatars.yandex.net/get-yapic/{id}/islands-200");
        said.insert("picture".to_owned(), url.into());
    }
    Ok(())
}
