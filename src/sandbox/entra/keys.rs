//! The key with which the simulated Entra signs: JSON web tokens with RS256, and the key set that clients check them by.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use aws_lc_rs::{digest, error::Unspecified};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An RSA key pair of 2048 bits. `Debug` shows the key id only.
pub struct SigningKey {
    pair: KeyPair,
    kid: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// The key of all directories that begin in this process: making one takes longer than all else that a sandbox begins
    /// with.
    ///
    /// # Errors
    /// If the cryptographic library cannot make one.
    pub fn of_this_process() -> Result<Arc<Self>, Unspecified> {
        static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Ok(Arc::clone(key));
        }
        let made = Arc::new(Self::generate()?);
        Ok(Arc::clone(KEY.get_or_init(|| made)))
    }

    /// A new key.
    ///
    /// # Errors
    /// If the cryptographic library cannot make one.
    pub fn generate() -> Result<Self, Unspecified> {
        Ok(Self::from_pair(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// The key saved by [`Self::to_pkcs8`]; `None` if it is none.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        KeyPair::from_pkcs8(der).ok().map(Self::from_pair)
    }

    /// For saving.
    ///
    /// # Errors
    /// If the cryptographic library cannot encode it.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, Unspecified> {
        Ok(self.pair.as_der()?.as_ref().to_vec())
    }

    fn from_pair(pair: KeyPair) -> Self {
        let thumbprint = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        Self { kid: URL_SAFE_NO_PAD.encode(&thumbprint.as_ref()[..20]), pair }
    }

    /// A signed token with these claims.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid, "x5t": self.kid });
        let mut token =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signed = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signed)
            .expect("a 2048-bit key signs into a buffer of its modulus length");
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signed));
        token
    }

    /// The claims of a token that this key signed.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        unverified_claims(token)
    }

    /// The key set of the discovery document's `jwks_uri`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [{
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
        }] })
    }
}

/// The claims of a token, whoever signed it.
#[must_use]
pub fn unverified_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_verifies_until_a_letter_of_it_changes() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({ "oid": "1" }));
        assert_eq!(key.verify(&token).unwrap()["oid"], "1");
        let other = SigningKey::generate().unwrap();
        assert!(other.verify(&token).is_none());
        assert!(key.verify(&token.replacen("ey", "ez", 1)).is_none());
    }

    #[test]
    fn a_saved_key_is_the_same_key() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert!(again.verify(&key.sign(&json!({}))).is_some());
        assert_eq!(key.jwks(), again.jwks());
    }
}
