//! Letters and passwords travel encrypted, to the right server, or not at all.

use secrecy::SecretString;
use tower_registration::host::Courier;
use tower_registration::smtp::{SmtpBuilder, SmtpCourier};

use super::certificates::Certificates;
use super::office::{FROM, letter, told};
use super::peer::{Mood, Offers, Peer};

const NAME: &str = "mail.example.org";

/// A server with this certificate, by STARTTLS or from the first byte.
async fn server(certificates: &Certificates, implicit: bool) -> Peer {
    Peer::with(Offers { tls: Some(certificates.acceptor()), implicit, auth: "PLAIN LOGIN", unicode: true }).await
}

/// A courier that looks for a server of this name at the peer, and trusts this authority.
fn courier(peer: &Peer, authority: &Certificates, implicit: bool) -> SmtpBuilder {
    let scheme = if implicit { "smtps" } else { "smtp" };
    let uri = format!("{scheme}://ada:hunter2@{}/?server_name={NAME}", peer.address);
    SmtpCourier::from_uri(&uri, FROM).unwrap().root_certificate(authority.authority.clone())
}

/// Says why a letter cannot be delivered for now.
async fn refused(courier: SmtpBuilder) -> String {
    let error = courier.build().unwrap().deliver(&letter().await).await.unwrap_err();
    assert!(!error.is_for_good(), "{error:?}");
    told(&error)
}

/// Nothing went over in clear but what must: no password, no address, no letter.
fn nothing_was_told(peer: &Peer) {
    let said = peer.said();
    let harmless = |line: &String| ["EHLO", "STARTTLS", "QUIT"].iter().any(|verb| line.starts_with(verb));
    assert!(said.iter().all(harmless) && peer.received().is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_letter_travels_encrypted_and_signed_in() {
    for implicit in [false, true] {
        let certificates = Certificates::for_name(NAME);
        let peer = server(&certificates, implicit).await;

        courier(&peer, &certificates, implicit).build().unwrap().deliver(&letter().await).await.unwrap();

        let received = peer.received().remove(0);
        assert!(received.encrypted && received.taken, "{received:?}");
        assert_eq!(received.user.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn a_server_that_offers_no_starttls_gets_no_letter_and_no_password() {
    let peer = Peer::with(Offers { auth: "PLAIN LOGIN", ..Offers::default() }).await;

    let why = refused(courier(&peer, &Certificates::for_name(NAME), false)).await;

    assert!(why.contains("STARTTLS"), "{why}");
    nothing_was_told(&peer);
}

#[tokio::test]
async fn a_refused_starttls_is_not_gone_without() {
    let certificates = Certificates::for_name(NAME);
    let peer = server(&certificates, false).await;
    peer.becomes(Mood::Says("STARTTLS", "454 4.7.0 not now"));

    let why = refused(courier(&peer, &certificates, false)).await;

    assert!(why.contains("454"), "{why}");
    nothing_was_told(&peer);
}

#[tokio::test]
async fn what_is_said_in_clear_behind_starttls_ends_the_connection() {
    let certificates = Certificates::for_name(NAME);
    let peer = server(&certificates, false).await;
    peer.becomes(Mood::Injects);

    let why = refused(courier(&peer, &certificates, false)).await;

    assert!(why.contains("in clear"), "{why}");
    nothing_was_told(&peer);
}

#[tokio::test]
async fn a_server_that_agrees_to_tls_and_speaks_none_gets_nothing() {
    let certificates = Certificates::for_name(NAME);
    let peer = server(&certificates, false).await;
    peer.becomes(Mood::NoTls);

    let why = refused(courier(&peer, &certificates, false)).await;

    assert!(why.contains("no TLS"), "{why}");
    nothing_was_told(&peer);
}

#[tokio::test]
async fn another_servers_certificate_is_refused() {
    for implicit in [false, true] {
        let certificates = Certificates::for_name("other.example.org");
        let peer = server(&certificates, implicit).await;

        let why = refused(courier(&peer, &certificates, implicit)).await;

        assert!(why.contains("NotValidForName"), "{why}");
        nothing_was_told(&peer);
    }
}

#[tokio::test]
async fn a_certificate_that_has_run_out_is_refused() {
    for implicit in [false, true] {
        let certificates = Certificates::expired(NAME);
        let peer = server(&certificates, implicit).await;

        let why = refused(courier(&peer, &certificates, implicit)).await;

        assert!(why.contains("Expired"), "{why}");
        nothing_was_told(&peer);
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    for implicit in [false, true] {
        let peer = server(&Certificates::for_name(NAME), implicit).await;

        let why = refused(courier(&peer, &Certificates::for_name(NAME), implicit)).await;

        assert!(why.contains("UnknownIssuer") || why.contains("BadSignature"), "{why}");
        nothing_was_told(&peer);
    }
}

#[tokio::test]
async fn any_certificate_will_do_only_where_that_is_asked_for() {
    let peer = server(&Certificates::expired("other.example.org"), false).await;
    let courier = courier(&peer, &Certificates::for_name(NAME), false).danger_accept_any_certificate();

    courier.build().unwrap().deliver(&letter().await).await.unwrap();

    assert!(peer.received()[0].encrypted);
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_gets_the_couriers() {
    let (own, clients) = (Certificates::for_name(NAME), Certificates::for_name("courier.example.org"));
    let strict = Offers { tls: Some(own.acceptor_for(&clients)), auth: "PLAIN", ..Offers::default() };
    let peer = Peer::with(strict).await;
    let known = courier(&peer, &own, false);
    let known = known.client_certificate(clients.certificate.clone(), SecretString::from(clients.key.clone()));

    let _ = refused(courier(&peer, &own, false)).await;
    nothing_was_told(&peer);
    known.build().unwrap().deliver(&letter().await).await.unwrap();

    assert!(peer.received()[0].encrypted);
}

#[tokio::test]
async fn a_wrong_password_is_tried_again_and_no_letter_is_sent_without() {
    let certificates = Certificates::for_name(NAME);
    let peer = server(&certificates, false).await;
    let courier = courier(&peer, &certificates, false).credentials("ada", SecretString::from("hunter3"));

    let why = refused(courier).await;

    assert!(why.contains("535 5.7.8") && !why.contains("hunter"), "{why}");
    assert!(peer.received().is_empty() && !peer.said().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_server_without_a_known_way_to_sign_in_gets_no_letter() {
    for auth in ["", "CRAM-MD5 GSSAPI"] {
        let certificates = Certificates::for_name(NAME);
        let tls = Some(certificates.acceptor());
        let peer = Peer::with(Offers { tls, auth, ..Offers::default() }).await;

        let why = refused(courier(&peer, &certificates, false)).await;

        assert!(why.contains("way to sign in"), "{why}");
        nothing_was_told(&peer);
    }
}

#[tokio::test]
async fn a_server_that_knows_only_login_is_signed_in_to_by_it() {
    let certificates = Certificates::for_name(NAME);
    let tls = Some(certificates.acceptor());
    let peer = Peer::with(Offers { tls, auth: "LOGIN", ..Offers::default() }).await;

    courier(&peer, &certificates, false).build().unwrap().deliver(&letter().await).await.unwrap();

    assert_eq!(peer.received()[0].user.as_deref(), Some("ada"));
    assert!(peer.said().contains(&"AUTH LOGIN\r\n".to_owned()));
}

#[tokio::test]
async fn in_clear_a_password_goes_only_where_plain_was_chosen() {
    let peer = Peer::with(Offers { auth: "PLAIN", ..Offers::default() }).await;
    let uri = format!("smtp://ada:hunter2@{}/?disable_starttls=true", peer.address);

    SmtpCourier::from_uri(&uri, FROM).unwrap().build().unwrap().deliver(&letter().await).await.unwrap();

    let received = peer.received().remove(0);
    assert!(!received.encrypted && received.user.as_deref() == Some("ada"));
}
