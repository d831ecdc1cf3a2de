//! What Entra's AADSTS numbers mean here, and what helps.
//!
//! Source: Microsoft's reference of Entra authentication and authorization error codes. Text from Entra is never matched,
//! since it is translated and changes; the numbers stay.

/// What can be done about a refusal. Decides what the program does; the words for people stand beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The sign-in has ended as a whole: nothing but a new one helps.
    SignInAgain,
    /// Entra wants to ask the person something (second factor, which account).
    Interact,
    /// The person has to consent to the resource.
    Consent,
    /// An administrator of the tenant has to allow it.
    AskAdministrator,
    /// The tenant or the registration does not know the resource asked for.
    ResourceUnknown,
    /// A setting of the registration or of this program is wrong.
    ChangeSetting,
    /// The flow went wrong: a new sign-in starts clean.
    StartOver,
    /// Entra is in trouble: later.
    Later,
}

/// One AADSTS number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The number.
    pub code: u32,
    /// What happened, as a sentence.
    pub words: &'static str,
    /// What to do, as a sentence.
    pub advice: &'static str,
    /// What to do, for the program.
    pub remedy: Remedy,
}

/// The platform of the redirect URI is *Single-page application*, and no `Origin` was sent.
pub(super) const SPA_WITHOUT_ORIGIN: u32 = 9_002_327;
/// An `Origin` was sent, and the redirect URI is not of a single-page application.
pub(super) const ORIGIN_WITHOUT_SPA: u32 = 9_002_326;
/// A secret is wanted.
pub(super) const SECRET_MISSING: u32 = 7_000_218;
/// A secret was sent for a client that has none.
pub(super) const SECRET_UNWANTED: u32 = 700_025;

/// The meaning of `code`, if it is one that this program knows.
#[must_use]
pub fn meaning(code: u32) -> Option<&'static Meaning> {
    TABLE.iter().find(|meaning| meaning.code == code)
}

/// The first code that is known, else the first.
#[must_use]
pub fn telling(codes: &[u32]) -> Option<u32> {
    codes.iter().copied().find(|code| meaning(*code).is_some()).or(codes.first().copied())
}

const fn row(code: u32, remedy: Remedy, words: &'static str, advice: &'static str) -> Meaning {
    Meaning { code, words, advice, remedy }
}

const SIGN_IN: &str = "Sign in again.";
const MULTI_FACTOR: &str = "Sign in again; Entra will ask for it.";
const POLICY: &str =
    "Ask an administrator of the tenant which rule of conditional access applies; trying again does not help.";
const RESTART: &str = "Start the sign-in again from this program. If it happens again, report it with the code.";

#[rustfmt::skip]
static TABLE: &[Meaning] = {
    use Remedy::{AskAdministrator, ChangeSetting, Consent, Interact, Later, ResourceUnknown, SignInAgain, StartOver};
    &[
        row(16_000, Interact, "Several accounts are signed in, and Entra cannot tell which one to use.", "Sign in again and choose the account."),
        row(50_011, ChangeSetting, "The redirect URI is not one of the registration.", "Add the redirect URI to the registration, letter for letter."),
        row(50_020, AskAdministrator, "The account belongs to another directory and is no guest of this one.", "Sign in with another account, or have the account invited."),
        row(50_057, AskAdministrator, "The account is disabled.", "Ask an administrator of the tenant, or sign in with another account."),
        row(50_058, Interact, "Nobody is signed in with Microsoft in this browser.", SIGN_IN),
        row(50_072, Interact, "The account must be enrolled for a second factor.", MULTI_FACTOR),
        row(50_074, Interact, "A second factor is needed.", MULTI_FACTOR),
        row(50_076, Interact, "A second factor is needed.", MULTI_FACTOR),
        row(50_078, Interact, "The second factor has expired.", MULTI_FACTOR),
        row(50_079, Interact, "The account must be enrolled for a second factor.", MULTI_FACTOR),
        row(50_105, AskAdministrator, "The account is not assigned to this application.", "Ask an administrator to assign the account to the enterprise application."),
        row(50_147, StartOver, "Entra found the code challenge (PKCE) malformed.", RESTART),
        row(50_173, SignInAgain, "The sign-in was revoked, for example because the password was changed.", SIGN_IN),
        row(50_194, ChangeSetting, "The registration is for one tenant only, but the sign-in went through a shared address.", "Set REACT_APP_AAD_APP_TENANT_ID to the tenant's id, or make the registration multitenant."),
        row(50_196, Later, "Entra saw the same request too often and refuses it for a while.", "Wait some minutes, then sign in again."),
        row(53_000, AskAdministrator, "Conditional access demands a compliant device.", POLICY),
        row(53_001, AskAdministrator, "Conditional access demands a device joined to the domain.", POLICY),
        row(53_003, AskAdministrator, "Conditional access blocks this sign-in.", POLICY),
        row(54_005, StartOver, "The authorization code was used already.", RESTART),
        row(65_001, Consent, "Nobody has consented yet to this use of the account.", "Sign in again and consent."),
        row(65_004, Consent, "Consent was declined.", "Without it the program cannot act. Sign in again and accept."),
        row(70_000, Interact, "Entra no longer accepts this sign-in.", SIGN_IN),
        row(70_008, SignInAgain, "The sign-in has expired.", SIGN_IN),
        row(70_011, StartOver, "Entra found the scope malformed.", RESTART),
        row(70_043, SignInAgain, "The tenant's rule on how often to sign in has ended the sign-in.", SIGN_IN),
        row(90_002, ChangeSetting, "The tenant does not exist.", "Check REACT_APP_AAD_APP_TENANT_ID, and that AZURE_CLOUD names the right cloud."),
        row(90_006, Later, "Entra is in trouble.", "Try again in some minutes."),
        row(90_024, Later, "Entra is in trouble.", "Try again in some minutes."),
        row(90_033, Later, "Entra is in trouble.", "Try again in some minutes."),
        row(90_072, AskAdministrator, "The account belongs to another directory and is no guest of this one.", "Sign in with another account, or have the account invited."),
        row(90_094, AskAdministrator, "An administrator of the tenant must consent first.", "Ask an administrator to grant the application's permissions."),
        row(90_095, AskAdministrator, "An administrator of the tenant must approve a request first.", "Send the request that Entra offers, and sign in again when it is granted."),
        row(500_011, ResourceUnknown, "The tenant does not know the service.", "Sign in to the tenant of the application; one that never used IoT Central does not know it."),
        row(500_112, ChangeSetting, "The redirect URI is not the one that the sign-in began with.", "Set REACT_APP_AAD_APP_REDIRECT_URI to the redirect URI of the registration, letter for letter."),
        row(500_113, ChangeSetting, "The registration has no redirect URI.", "Add the redirect URI to the registration, letter for letter."),
        row(501_481, StartOver, "The code verifier (PKCE) does not match.", RESTART),
        row(530_032, AskAdministrator, "A rule of conditional access blocks this sign-in.", POLICY),
        row(650_052, ResourceUnknown, "The tenant has no subscription to the service.", "Sign in to the tenant of the application; one that never used IoT Central does not know it."),
        row(650_057, ResourceUnknown, "The registration does not list the service among its permissions.", "Add the permission user_impersonation of the service to the registration."),
        row(700_005, StartOver, "The code was issued by another tenant than the one it was redeemed at.", RESTART),
        row(700_016, ChangeSetting, "The tenant does not know the client id.", "Check REACT_APP_AAD_APP_CLIENT_ID and REACT_APP_AAD_APP_TENANT_ID, and whether the registration is multitenant."),
        row(700_022, StartOver, "The scope names more than one service.", RESTART),
        row(SECRET_UNWANTED, ChangeSetting, "A client secret was sent, but the redirect URI is of a platform without one.", "Set AAD_APP_PLATFORM to the platform of the redirect URI."),
        row(700_082, SignInAgain, "The sign-in has expired because it was not used.", SIGN_IN),
        row(700_084, SignInAgain, "The sign-in has expired: with a single-page application registration it lasts 24 hours.", SIGN_IN),
        row(900_023, ChangeSetting, "The tenant is neither an id nor a domain that Entra knows.", "Check REACT_APP_AAD_APP_TENANT_ID."),
        row(900_144, StartOver, "The request lacks a parameter.", RESTART),
        row(7_000_215, ChangeSetting, "The client secret is wrong.", "Set AAD_APP_CLIENT_SECRET to the secret's value (not its id)."),
        row(SECRET_MISSING, ChangeSetting, "Entra wants a client secret.", "Set AAD_APP_PLATFORM to the platform of the redirect URI."),
        row(7_000_222, ChangeSetting, "The client secret has expired.", "Make a new secret in the registration and set AAD_APP_CLIENT_SECRET to it."),
        row(9_002_313, StartOver, "Entra found the request malformed.", RESTART),
        row(9_002_325, StartOver, "Entra wants a code challenge (PKCE) for this redirect URI.", RESTART),
        row(ORIGIN_WITHOUT_SPA, ChangeSetting, "The redirect URI is not registered as a single-page application.", "Set AAD_APP_PLATFORM to the platform of the redirect URI."),
        row(SPA_WITHOUT_ORIGIN, ChangeSetting, "The redirect URI is registered as a single-page application.", "Set AAD_APP_PLATFORM to the platform of the redirect URI."),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn words_and_advice_are_sentences() {
        for row in TABLE {
            assert!(row.words.ends_with('.') && row.advice.ends_with('.'), "{}", row.code);
        }
    }

    #[test]
    fn a_known_code_tells_more_than_an_unknown_one_before_it() {
        assert_eq!(telling(&[1, 700_084]), Some(700_084));
        assert_eq!(telling(&[1, 2]), Some(1));
        assert_eq!(telling(&[]), None);
    }
}
