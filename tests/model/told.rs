//! What an answer says, in the words of the model.

use serde_json::Value;
use tower_registration::testing::{Client, Reply, UI};
use uuid::Uuid;

use crate::reference::Said;

/// An answer to a request about a registration; a browser is led on to the page.
pub(crate) async fn of_registration(reply: &Reply, client: &mut Client, flow: Option<Uuid>) -> Said {
    let leads_to = |page: &str| reply.location().starts_with(&format!("{UI}/{page}?"));
    match reply.status() {
        302 | 303 if leads_to("sorry") => error_page(reply, client).await,
        302 | 303 if leads_to("sign-up") => match flow {
            None => Said::Page,
            Some(_) if !is(reply, flow) => Said::Replaced,
            Some(flow) => first(&client.show(&flow.to_string()).await),
        },
        303 => Said::Made,
        200 if reply.at("/identity/id").is_string() => Said::Made,
        200 if reply.at("/ui").is_object() => Said::Page,
        400 if reply.at("/ui").is_object() => first(reply),
        410 if reply.at("/use_flow_id").is_string() => Said::Replaced,
        status => Said::Failed(status),
    }
}

/// An answer to a request about a flow that proves an address.
pub(crate) async fn of_proof(reply: &Reply, client: &mut Client, flow: Option<Uuid>) -> Said {
    let leads_to = |page: &str| reply.location().starts_with(page);
    match reply.status() {
        303 if leads_to(&format!("{UI}/sorry?")) => error_page(reply, client).await,
        303 if leads_to(&format!("{UI}/verify?")) => match flow {
            None => Said::Page,
            Some(_) if !is(reply, flow) => Said::Replaced,
            Some(flow) => last(&client.show_verification(&flow.to_string()).await),
        },
        303 if reply.location_parameter("id").is_some() => Said::Replaced,
        200 | 400 if reply.at("/ui").is_object() => match flow {
            None => Said::Page,
            Some(_) => last(reply),
        },
        410 if reply.at("/use_flow_id").is_string() => Said::Replaced,
        status => Said::Failed(status),
    }
}

/// An answer to a link that was opened.
pub(crate) async fn of_link(reply: &Reply, client: &mut Client, flow: Uuid) -> Said {
    match of_proof(reply, client, None).await {
        Said::Page if is(reply, Some(flow)) => Said::Followed,
        Said::Page => Said::Replaced,
        other => other,
    }
}

fn is(reply: &Reply, flow: Option<Uuid>) -> bool {
    reply.location_parameter("flow") == flow.map(|flow| flow.to_string())
}

async fn error_page(reply: &Reply, client: &mut Client) -> Said {
    let id = reply.location_parameter("id").unwrap_or_default();
    let kept = client.get_json(&format!("/self-service/errors?id={id}")).await;
    Said::Failed(kept.at("/error/code").as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or_default())
}

/// The first message of a page, wherever it stands.
fn first(page: &Reply) -> Said {
    if page.status() != 200 && page.status() != 400 {
        return Said::Failed(page.status());
    }
    let json = page.json();
    let on_page = messages(&json["ui"]);
    let in_fields = json["ui"]["nodes"].as_array().into_iter().flatten().flat_map(messages);
    Said::Told(on_page.into_iter().chain(in_fields).next().unwrap_or_default())
}

/// The last message of a page: they pile up where an address is proved.
fn last(page: &Reply) -> Said {
    if page.status() != 200 && page.status() != 400 {
        return Said::Failed(page.status());
    }
    Said::Told(messages(&page.json()["ui"]).pop().unwrap_or_default())
}

fn messages(holder: &Value) -> Vec<u64> {
    let all = holder["messages"].as_array().into_iter().flatten();
    all.filter_map(|message| message["id"].as_u64()).collect()
}
