//! A host with users of its own: it decides what a user is, and signs them in by itself.
//!
//! The users live in a map of the host. They are created in the same commit as everything else of a registration:
//! whatever fails, there is a user and a used-up flow, or neither. A hook gives every user a first invoice, too.
//!
//! ```sh
//! cargo run --example own_users
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use tower_registration::hashing::verify;
use tower_registration::host::{CreateError, Hook, HookContext, HostError, Identities, Unit};
use tower_registration::identity::{Address, AddressState, Draft, Identity, IdentityId, Owner, Unique};
use tower_registration::memory::{Memory, transaction};
use tower_registration::methods::Password;
use tower_registration::{Registration, Schema, Secret, Stop, Style};

/// The host's users, by the e-mail address they sign in with.
#[derive(Clone, Default)]
struct Users(Arc<Mutex<HashMap<String, User>>>);

#[derive(Clone)]
struct User {
    identity: Identity,
    password_hash: String,
    invoices: Vec<String>,
}

impl Users {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, User>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Identities for Users {
    async fn owner(&self, of: &[Unique]) -> Result<Option<Owner>, HostError> {
        let found = |users: &mut HashMap<String, User>| {
            of.iter().find_map(|value| Some(Owner::new(users.get(value.value())?.identity.id(), value.clone())))
        };
        Ok(self.with(found))
    }

    async fn create(&self, unit: &mut dyn Unit, draft: &Draft) -> Result<Identity, CreateError> {
        let transaction = transaction(unit).ok_or_else(|| HostError::other("storage is in memory"))?;
        if !transaction.claim(&draft.unique(), draft.id()) {
            return Err(CreateError::Taken);
        }
        let password = draft.credentials().iter().find(|credential| credential.kind().as_str() == "password");
        let password = password.ok_or_else(|| HostError::other("everybody here has a password"))?;
        let email = password.identifiers().first().cloned().unwrap_or_default();
        let password_hash = password.config()["hashed_password"].as_str().unwrap_or_default().to_owned();
        let identity = draft.identity();
        let (users, user) = (self.clone(), User { identity: identity.clone(), password_hash, invoices: Vec::new() });
        transaction.when_committed(move || drop(users.with(|users| users.insert(email, user))));
        Ok(identity)
    }

    async fn identity(&self, id: IdentityId) -> Result<Option<Identity>, HostError> {
        let found = |user: &&User| user.identity.id() == id;
        Ok(self.with(|users| users.values().find(found).map(|user| user.identity.clone())))
    }

    async fn address(&self, address: &Address) -> Result<Option<(IdentityId, AddressState)>, HostError> {
        let user = self.with(|users| users.get(address.value()).cloned());
        Ok(user.and_then(|user| {
            let row = user.identity.verifiable_addresses().iter().find(|row| row.address() == address)?;
            Some((user.identity.id(), row.state()))
        }))
    }

    async fn address_changed(
        &self,
        unit: &mut dyn Unit,
        _: IdentityId,
        address: &Address,
        to: AddressState,
    ) -> Result<(), HostError> {
        let transaction = transaction(unit).ok_or_else(|| HostError::other("storage is in memory"))?;
        let (users, address) = (self.clone(), address.clone());
        let change = move |users: &mut HashMap<String, User>| {
            users.get_mut(address.value()).into_iter().for_each(|user| user.identity.set_address_state(&address, to));
        };
        transaction.when_committed(move || users.with(change));
        Ok(())
    }
}

/// Gives every new user a first invoice, in the same commit.
struct FirstInvoice(Users);

#[async_trait]
impl Hook for FirstInvoice {
    async fn in_commit(&self, _: &HookContext<'_>, unit: &mut dyn Unit, identity: &Identity) -> Result<(), Stop> {
        let transaction = transaction(unit).ok_or_else(|| HostError::other("storage is in memory"))?;
        let (users, id) = (self.0.clone(), identity.id());
        let invoice = move |user: &mut User| user.invoices.push("welcome: 0.00".to_owned());
        let add = move |users: &mut HashMap<String, User>| {
            users.values_mut().filter(|user| user.identity.id() == id).for_each(invoice);
        };
        transaction.when_committed(move || users.with(add));
        Ok(())
    }
}

/// The host's own sign-in: the hash is checked off the async threads, because it takes time and memory.
async fn sign_in(State(users): State<Users>, Form(form): Form<HashMap<String, String>>) -> (StatusCode, String) {
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let user = users.with(|users| users.get(&field("email").to_lowercase()).cloned());
    let Some(user) = user else { return (StatusCode::UNAUTHORIZED, "unknown\n".to_owned()) };
    let password = field("password").into();
    let known = tokio::task::spawn_blocking(move || verify(&user.password_hash, &password)).await;
    match known {
        Ok(Ok(true)) => (StatusCode::OK, format!("hello; your invoices: {}\n", user.invoices.join(", "))),
        _ => (StatusCode::UNAUTHORIZED, "unknown\n".to_owned()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    let site = format!("http://{}", listener.local_addr()?);

    let users = Users::default();
    let registration = Registration::builder(&site)
        .secret(Secret::random_until_restart()?)
        .schema(Schema::parse("person", include_str!("person.json"))?)
        .method(Password::new())
        .style(Style::Unified)
        .storage(Memory::new())
        .identities(users.clone())
        .hook(FirstInvoice(users.clone()))
        .registration_ui("/sign-up")
        .error_ui("/sorry")
        .default_return_url(format!("{site}/"))
        .build()?;
    let app = Router::new()
        .route("/", get(async || "the host's own page\n"))
        .route("/sign-in", post(sign_in))
        .with_state(users)
        // The layer takes exactly the routes of the registration; everything else stays the host's.
        .layer(registration.layer());

    println!("listening on {site}");
    println!("sign up with a flow of {site}/self-service/registration/api, then:");
    println!("  curl {site}/sign-in -d email=ada@example.org -d password=…");
    axum::serve(listener, app).await?;
    Ok(())
}
