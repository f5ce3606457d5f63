//! The keys of the provider, and what it signs with them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaEncoding};
use ring::{hmac, rsa};
use serde_json::{Value, json};

/// A key that everybody knows: making one takes long, and nothing is protected by it.
const RSA: &str = "\
    MIIEogIBAAKCAQEAtcd+uwJwqFkz4KvGSeBDWBdMXx7Zs3DyWV0OdOK8ZR9/rOHQJab5GmwqaqXfOPVNsb+nU1ywEQhxvGpbUTXN\
    5haR1L9/mUrvsuCT8uR/YO31zx92eok9mtIm97sdRQKVk+VMbtTdy6TdoLYz6l1wDrmRF/N+ys3G6hBZ27UN5rjrcPPz1RVVU87E\
    0kH7ofMoQwno6DO5uztb//FP2Kcs8PWrrQZbz+4Qo2Dwf6QwCiayor451oaXM8giMmfDh6hQjmGI0fTXT3bqmN5XG7wSc7SHo17n\
    J7LgeO2XHS5P9kudWdmmX7JLhaahbRgFtjmaPefDgLcezTIY6o8sRDyXBQIDAQABAoIBAAduZE3SfZ+f32KZ1JHS8pOp+xMy9ZOV\
    YALxOiCGDjYl6lJeWUEGnZ8dW/12gNe8EyN+doo84+G+YLio4Mkrwo6hWh58rgOH0yySyNmU4fQ0jug+HMKmjo7Ouo1Fi0GYsy1C\
    XGLqb5OBCOg9qpy/sU+BhUfIMyrXeABe4R2JbKkPRUe8cBPX86x4YjYYL1gPd2O+m8as/CBYJm5CPPs+KU6ijjtZy2i2KyLLnJAS\
    zh1elVWHpXauT30soOoM7essdpVLortdT3RNhbG0n1V7XaNkWMbz1jzraeRAmM5AxbzcW9Vt2x6JasYdemU2jm705u/IHignEXAL\
    dK0JYPEBDv0CgYEA/HLRT3iixxsrUGpPnK/uSMxOj6yimv10m5w0WbV27RkQahouUh1Yb98bYqCFiS5quXHRDZXfElqz+r4eS7QM\
    FKsLgJzcgQMyHirG6q81Mbnh28qNIuDVp7xi6HO3iYZGUiaSuxp7necCznelZq84jabVs9gN+LxtAZY2wCofNlcCgYEAuFYqTdEP\
    nnNjdzExTl/IT58FIBvvo7V9NP4wlPwsI+akFdiTnq8AqQopUJwTrhy8+YBvl7m477/44PNTHymLTRWVfjjlTcdXZYrtL5vCDmNO\
    iIrebBAEHtbVIPb0Amac13bV6EVPXJNrQI9TOimqeyFLMILsJLeNYpye3za4LAMCgYAYP5MZVhYUl+h+Lef9vexec7lsFYH87zF/\
    LO7eWw7UUV8BQgiG/Kic/kosHA0XkyzPKT6SVn35zlqRUCeqz92FMrTFIswPXFY5DZTTwAaVAyzNptQNsJj1JqQ9fbf4brxccbYQ\
    YMfU7/aWDGoHxfbhrE/EmZEl/jteNqaFqMYcuwKBgC5CuYUj5TaPoLOl7cjMctnAf6nKOP6tqkllTU3mZzFvTViKLKnTI2hIu4uW\
    T74PSkGXQOoj2syYMd5KUl7srx/ePdEaeDlnwIAkOFgNT8sKkwfjSeR2tIIEyiHmt9/uXogYM6CB3GPQP0dJcMqU8ErMVTFMefTQ\
    97N6uMgt1FR/AoGAeaBmA5oUkjfaHuIsd9tBOJHySS1KBimHYLfu+ELnC9XOqf6qbJcmZ+vro/B/ikoydpmLsQRPku3LHu++g7ta\
    vP+YjaZKcq/D6N8q0Vc35wNXShffbMDbfzxwbgoMKRnOZ1g0DS0BH5piNvCnz9e6X+yjL7KlxoEAS1v+A3sKi4Q=";

/// Keys of both kinds.
pub(super) struct SigningKeys {
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

impl SigningKeys {
    /// The RSA key that is always the same, and a new one on a curve. Nothing when there is no randomness.
    pub(super) fn new() -> Option<Self> {
        let random = SystemRandom::new();
        let rsa = RsaKeyPair::from_der(&STANDARD.decode(RSA).ok()?).ok()?;
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).ok()?;
        Some(Self { rsa, ec })
    }

    /// The public keys, as a set.
    pub(super) fn set(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = rsa::PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let point = self.ec.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        json!({ "keys": [
            { "kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": part(&public.n), "e": part(&public.e) },
            { "kty": "EC", "kid": "ec", "use": "sig", "alg": "ES256", "crv": "P-256", "x": part(x), "y": part(y) },
        ] })
    }

    /// A token with this header and these claims, signed as the header says: `RS256`, `ES256`, or, as an attacker would,
    /// `HS256` with the public RSA key for a secret. With every other algorithm the signature is empty.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signed = self.signature(header["alg"].as_str().unwrap_or_default(), message.as_bytes()).unwrap_or_default();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match algorithm {
            "RS256" | "RS384" | "RS512" => {
                let rule: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signed = vec![0; self.rsa.public().modulus_len()];
                self.rsa.sign(rule, &random, message, &mut signed).ok()?;
                Some(signed)
            }
            "ES256" => Some(self.ec.sign(&random, message).ok()?.as_ref().to_vec()),
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.rsa.public().as_ref());
                Some(hmac::sign(&key, message).as_ref().to_vec())
            }
            _ => None,
        }
    }
}
