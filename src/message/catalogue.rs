//! The messages of the contract, each with its number and its words.
//!
//! One row a message. A text shows a fact of the message at `{name}`.

use super::{Message, MessageKind};

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $kind:ident $id:literal $text:literal;)+) => {
        $($(#[$doc])* pub const $name: Message = Message::new($id, MessageKind::$kind, $text);)+

        /// Every message of the contract that this version knows.
        pub const ALL: &[Message] = &[$($name),+];
    };
}

catalogue! {
    /// Label of a button that submits a credential or the profile.
    SIGN_UP = Info 1040001 "Sign up";
    /// Label of the button of a social provider.
    SIGN_UP_WITH = Info 1040002 "Sign up with {provider}";
    /// Label of the button that goes on to a social provider once more.
    SIGN_UP_CONTINUE = Info 1040003 "Continue";
    /// Label of the button that makes a security key.
    SIGN_UP_SECURITY_KEY = Info 1040004 "Sign up with security key";
    /// Shown when a code was sent.
    CODE_SENT = Info 1040005 "A code has been sent to the address(es) you provided. If you have not received a message, check the spelling of the address and retry the registration.";
    /// Label of the button that sends a code.
    SEND_CODE = Info 1040006 "Send sign up code";
    /// Label of the button that makes a passkey.
    SIGN_UP_PASSKEY = Info 1040007 "Sign up with passkey";
    /// Shown above the second of two steps.
    CHOOSE_CREDENTIAL = Info 1040009 "Please choose a credential to authenticate yourself with.";
    /// Label of the button back to the step before.
    BACK = Info 1040008 "Back";
    /// Label of the field that names a security key.
    KEY_NAME = Info 1050013 "Name of the security key";
    /// Label of the password field.
    PASSWORD = Info 1070001 "Password";
    /// Label of a trait: its title.
    TRAIT = Info 1070002 "{title}";
    /// Label of the field for an address to be proved.
    EMAIL = Info 1070007 "Email";
    /// Label of the button that sends another code.
    RESEND_CODE = Info 1070008 "Resend code";
    /// Label of a button or link that goes on.
    CONTINUE = Info 1070009 "Continue";
    /// Label of the field for a code that proves an address.
    VERIFICATION_CODE = Info 1070011 "Verification code";
    /// Label of the field for a code that completes a registration.
    REGISTRATION_CODE = Info 1070012 "Registration code";
    /// Label of the field for an address to be proved, where text messages are sent too.
    EMAIL_OR_PHONE = Info 1070018 "Email or phone number";
    /// Shown when a link was sent.
    VERIFY_LINK_SENT = Info 1080001 "An email containing a verification link has been sent to the email address you provided. If you have not received an email, check the spelling of the address and make sure to use the address you registered with.";
    /// Shown when an e-mail address is proved.
    VERIFIED_EMAIL = Success 1080002 "You successfully verified your email address.";
    /// Shown when a code was sent to an e-mail address.
    VERIFY_CODE_SENT = Info 1080003 "An email containing a verification code has been sent to the email address you provided. If you have not received an email, check the spelling of the address and make sure to use the address you registered with.";
    /// Shown when a code was sent to a phone.
    VERIFY_SMS_SENT = Info 1080004 "A text message containing a verification code has been sent to the phone number you provided. If you have not received a text message, check the spelling of the number and make sure to use the number you registered with.";
    /// Shown when a phone number is proved.
    VERIFIED_PHONE = Success 1080005 "You successfully verified your phone number.";
    /// A mistake in the words of the rule that was broken.
    INVALID = Error 4000001 "{reason}";
    /// A field that must be there is not.
    REQUIRED = Error 4000002 "Property {property} is missing.";
    /// A text is too short.
    MIN_LENGTH = Error 4000003 "length must be >= {min_length}, but got {actual_length}";
    /// A text does not match its pattern.
    PATTERN = Error 4000004 "does not match pattern {pattern}";
    /// A rule of the host refuses the password.
    PASSWORD_REFUSED = Error 4000005 "The password can not be used because {reason}.";
    /// An identifier belongs to another identity.
    TAKEN = Error 4000007 "An account with the same identifier (email, phone, username, ...) exists already.";
    /// No trait of the schema names the person.
    NO_IDENTIFIER = Error 4000009 "Could not find any login identifiers. Did you forget to set them? This could also be caused by a server misconfiguration.";
    /// A text is too long.
    MAX_LENGTH = Error 4000017 "length must be <= {max_length}, but got {actual_length}";
    /// A number is too small.
    MINIMUM = Error 4000018 "must be >= {minimum} but found {actual}";
    /// A number is not above its bound.
    EXCLUSIVE_MINIMUM = Error 4000019 "must be > {minimum} but found {actual}";
    /// A number is too large.
    MAXIMUM = Error 4000020 "must be <= {maximum} but found {actual}";
    /// A number is not below its bound.
    EXCLUSIVE_MAXIMUM = Error 4000021 "must be < {maximum} but found {actual}";
    /// A number is no multiple.
    MULTIPLE_OF = Error 4000022 "{actual} not multipleOf {base}";
    /// A list is too long.
    MAX_ITEMS = Error 4000023 "maximum {max_items} items allowed, but found {actual_items} items";
    /// A list is too short.
    MIN_ITEMS = Error 4000024 "minimum {min_items} items allowed, but found {actual_items} items";
    /// Two items of a list are equal.
    UNIQUE_ITEMS = Error 4000025 "items at index {index_a} and {index_b} are equal";
    /// A value has another type than its schema asks for.
    WRONG_TYPE = Error 4000026 "expected {allowed_types}, but got {actual_type}";
    /// An identifier of somebody who comes from a social provider belongs to another identity.
    TAKEN_LINK = Error 4000027 "An account with the same identifier (email, phone, username, ...) exists already. Please sign in to your existing account to link your social profile.";
    /// An identifier belongs to another identity, with the ways to sign in to it.
    TAKEN_HINTS = Error 4000028 "You tried signing in with {hint} which is already in use by another account.{ways}";
    /// A value is not the one that is asked for.
    CONST = Error 4000029 "must be equal to constant {expected}";
    /// An object or list is not the one that is asked for.
    CONST_COMPLEX = Error 4000030 "const failed";
    /// The password resembles an identifier.
    PASSWORD_TOO_SIMILAR = Error 4000031 "The password can not be used because it is too similar to the identifier.";
    /// The password is too short.
    PASSWORD_TOO_SHORT = Error 4000032 "The password must be at least {min_length} characters long, but got {actual_length}.";
    /// The password is too long.
    PASSWORD_TOO_LONG = Error 4000033 "The password must be at most {max_length} characters long, but got {actual_length}.";
    /// The password stands in a list of leaked ones.
    PASSWORD_BREACHED = Error 4000034 "The password has been found in data breaches and must no longer be used.";
    /// The traits are not those that the code was sent for.
    TRAITS_CHANGED = Error 4000036 "The provided traits do not match the traits previously associated with this flow.";
    /// No e-mail address.
    EMAIL_FORMAT = Error 4000040 "Enter a valid email address";
    /// No phone number.
    PHONE_FORMAT = Error 4000041 "Enter a valid phone number";
    /// Nobody claims the submission.
    NO_METHOD = Error 4010003 "Could not find a strategy to sign you up with. Did you fill out the form correctly?";
    /// Nobody claims the submission of a flow that proves an address.
    NO_VERIFY_METHOD = Error 4010006 "Could not find a strategy to verify your account with. Did you fill out the form correctly?";
    /// The identity is inactive.
    DISABLED = Error 4010011 "This account has been disabled. Please contact support for assistance.";
    /// Shown on the flow that replaces an expired one.
    FLOW_EXPIRED = Error 4040001 "The registration flow expired {minutes} minutes ago, please try again.";
    /// The code of a registration is not the right one.
    CODE_WRONG = Error 4040003 "The registration code is invalid or has already been used. Please try again.";
    /// The token of a link is not the right one.
    VERIFY_TOKEN_WRONG = Error 4070001 "The verification token is invalid or has already been used. Please retry the flow.";
    /// The address of this flow is proved.
    VERIFY_DONE = Error 4070002 "The request was already completed successfully and can not be retried.";
    /// Shown on the flow that replaces an expired one.
    VERIFY_EXPIRED = Error 4070005 "The verification flow expired {minutes} minutes ago, please try again.";
    /// The code that proves an address is not the right one.
    VERIFY_CODE_WRONG = Error 4070006 "The verification code is invalid or has already been used. Please try again.";
}

/// The message with this number.
pub(crate) fn find(id: u32) -> Option<Message> {
    ALL.iter().find(|known| known.id() == id).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_for_one_text() {
        let mut ids: Vec<u32> = ALL.iter().map(Message::id).collect();
        ids.sort_unstable();
        ids.dedup();

        assert_eq!(ids.len(), ALL.len());
    }
}
