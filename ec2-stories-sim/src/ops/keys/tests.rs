use ssh_key::{HashAlg, PrivateKey, PublicKey};

use super::*;
use crate::ops::testing::Bench;

/// Made with `ssh-keygen -t rsa -b 2048`.
const RSA_PUBLIC: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDFa31RkPBt/JfdhtcOOaHIoHyJUAFuFqPiVPT1twyt4X9/LpPnfslYNmYJDOiYfWNQFTTLjFgma8wCffIMn01+RQT9OfGE2MAFX/jGNdrow182tf5yEVwsQv8DGjI4rGz8Oz92/io+8kZcGVrKKMFE6Q3mSaA4QqSUixZ9/h+UduVE0wuo4ZmPd4WYxiueHms+GeoNcZJPq/LrLVo/ysdFakaqXnyrbhyd0cKDg8zw9iStQKWVEYnLv8U26uqqo09e8J011frJM+Gz+UJIHXJGdB+v82Gnk1TqeSdsIpji8Zj4dlvpBR/6fFBIOW+IxHNc7ejBUkGIE7EERniSbf4t";
/// Of the same key: `ssh-keygen -e -m PKCS8 | openssl pkey -pubin -outform DER | openssl md5 -c`.
const RSA_MD5: &str = "a7:ed:5b:8e:22:8e:85:4a:2b:71:14:32:e3:dd:ab:91";

fn import(bench: &mut Bench, name: &str, line: &str) -> Result<ImportKeyPairResponse, ApiError> {
    let material = BASE64_STANDARD.encode(line).replace('+', "%2B").replace('=', "%3D");
    bench.call(import_key_pair, &format!("KeyName={name}&PublicKeyMaterial={material}"))
}

#[test]
fn an_ed25519_pair_is_real_and_its_public_half_is_kept() {
    let mut bench = Bench::new();
    let made = bench.call(create_key_pair, "KeyName=k&KeyType=ed25519").unwrap();
    let private = PrivateKey::from_openssh(&*made.key_material.unwrap()).unwrap();
    let shown =
        bench.call(describe_key_pairs, "KeyName.1=k&IncludePublicKey=true").unwrap().key_pairs.remove(0);
    let public = PublicKey::from_openssh(shown.public_key.as_deref().unwrap()).unwrap();
    assert_eq!(private.public_key().key_data(), public.key_data());
    let fingerprint = BASE64_STANDARD.encode(public.fingerprint(HashAlg::Sha256).as_bytes());
    assert_eq!(made.key_fingerprint, Some(fingerprint));
    assert_eq!(shown.key_type.as_deref(), Some("ed25519"));
}

#[test]
fn an_rsa_pair_is_the_default_and_a_pem_that_is_shown_once() {
    let mut bench = Bench::new();
    let made = bench.call(create_key_pair, "KeyName=k").unwrap();
    assert!(!format!("{made:?}").contains("PRIVATE KEY"));
    let pem = made.key_material.unwrap();
    assert!(
        pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n")
            && pem.ends_with("-----END RSA PRIVATE KEY-----\n")
    );
    let fingerprint = made.key_fingerprint.unwrap();
    assert_eq!(fingerprint.split(':').count(), 20, "SHA-1 in hexadecimal: {fingerprint}");
    let shown = bench.call(describe_key_pairs, "").unwrap().key_pairs.remove(0);
    assert_eq!((shown.key_fingerprint, shown.public_key), (Some(fingerprint), None));
}

#[test]
fn an_imported_rsa_key_has_the_md5_of_its_der() {
    let mut bench = Bench::new();
    let reply = import(&mut bench, "k", &format!("{RSA_PUBLIC} someone@somewhere\n")).unwrap();
    assert_eq!(reply.key_fingerprint.as_deref(), Some(RSA_MD5));
}

#[test]
fn what_is_no_public_key_is_refused() {
    let mut bench = Bench::new();
    assert_eq!(import(&mut bench, "k", "ssh-rsa nonsense").unwrap_err().code, "InvalidKey.Format");
    assert_eq!(bench.refusal(import_key_pair, "KeyName=k&PublicKeyMaterial=!"), "InvalidKey.Format");
}

#[test]
fn a_name_is_taken_once_and_a_pair_deleted_twice() {
    let mut bench = Bench::new();
    let made = bench.call(create_key_pair, "KeyName=k&KeyType=ed25519").unwrap();
    assert_eq!(bench.refusal(create_key_pair, "KeyName=k&KeyType=ed25519"), "InvalidKeyPair.Duplicate");
    assert_eq!(import(&mut bench, "k", RSA_PUBLIC).unwrap_err().code, "InvalidKeyPair.Duplicate");
    let gone = bench.call(delete_key_pair, "KeyName=k").unwrap();
    assert_eq!(gone.key_pair_id, made.key_pair_id);
    assert_eq!(bench.call(delete_key_pair, "KeyName=k").unwrap().r#return, Some(true));
    assert_eq!(bench.refusal(describe_key_pairs, "KeyName.1=k"), "InvalidKeyPair.NotFound");
}

#[test]
fn types_and_formats_that_ec2_does_not_know_are_refused() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(create_key_pair, "KeyName=k&KeyType=dsa"), "InvalidParameterValue");
    assert_eq!(bench.refusal(create_key_pair, "KeyName=k&KeyFormat=der"), "InvalidParameterValue");
}
