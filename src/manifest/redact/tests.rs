use super::super::resources::resources;
use super::super::yaml::read;
use super::*;

fn redactor() -> Redactor {
    Redactor::new(b"a key for tests")
}

fn redacted(yaml: &str) -> Node {
    let node = read(yaml.as_bytes()).unwrap().remove(0);
    redactor().node(&node).unwrap_or(node)
}

fn text_at<'a>(node: &'a Node, pointer: &str) -> &'a str {
    node.pointer(pointer).and_then(Node::as_str).unwrap()
}

#[test]
fn ciphertext_of_sealed_secrets_is_redacted() {
    let node = redacted(
        "{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: a}, spec: {encryptedData: {password: AgBy3i4O}, \
         template: {metadata: {name: a}}}}",
    );
    assert!(text_at(&node, "/spec/encryptedData/password").starts_with("redacted:sealed:"));
    assert_eq!(text_at(&node, "/spec/template/metadata/name"), "a");
}

#[test]
fn values_of_a_core_secret_are_replaced_but_empty_ones() {
    let node = redacted(
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: hunter2, b: '', c: null}, data: {d: eA==}}",
    );
    assert!(text_at(&node, "/stringData/a").starts_with("redacted:secret:"));
    assert!(text_at(&node, "/data/d").starts_with("redacted:secret:"));
    assert_eq!(text_at(&node, "/stringData/b"), "");
    assert_eq!(text_at(&node, "/metadata/name"), "a");
    let other = redacted("{apiVersion: example.com/v1, kind: Secret, stringData: {a: hunter2}}");
    assert_eq!(text_at(&other, "/stringData/a"), "hunter2");
}

#[test]
fn a_secret_inside_other_objects_is_replaced_too() {
    let node =
        redacted("{kind: ResourceSet, spec: {resources: [{apiVersion: v1, kind: Secret, stringData: {a: hunter2}}]}}");
    assert!(text_at(&node, "/spec/resources/0/stringData/a").starts_with("redacted:secret:"));
}

#[test]
fn type_and_text_decide_the_digest() {
    let digest_of = |value: &str| {
        let node = redacted(&format!("{{apiVersion: v1, kind: Secret, data: {{a: {value}}}}}"));
        text_at(&node, "/data/a").to_owned()
    };
    assert_eq!(digest_of("true"), digest_of("True"));
    assert_eq!(digest_of("abc"), digest_of("'abc'"));
    let all =
        [digest_of("1"), digest_of("'1'"), digest_of("1.0"), digest_of("!x 1"), digest_of("true"), digest_of("'true'")];
    let distinct: std::collections::HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_ne!(Redactor::new(b"one").digest("secret", "str", "a"), Redactor::new(b"two").digest("secret", "str", "a"));
}

/// Credentials are put together here so that no scanner takes this file for a leak.
fn credentials() -> Vec<(&'static str, String)> {
    let letters = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2dE3f";
    vec![
        ("sops", format!("ENC[AES256_GCM,data:{letters},iv:x,tag:y,type:str]")),
        (
            "private-key",
            format!("-----BEGIN {} KEY-----\n{letters}\n-----END {} KEY-----", "RSA PRIVATE", "RSA PRIVATE"),
        ),
        ("age-key", format!("AGE-SECRET-KEY-1{}", "Q".repeat(58))),
        ("aws-key", format!("AK{}{}", "IA", "A2B3C4D5E6F7G2H3")),
        ("github-token", format!("gh{}_{letters}", 'p')),
        ("gitlab-token", format!("gl{}-{letters}", "pat")),
        ("slack-token", format!("xo{}-123456789012-{letters}", "xb")),
        ("slack-webhook", format!("https://hooks.{}/services/T0/B0/{letters}", "slack.com")),
        ("discord-webhook", format!("https://{}/api/webhooks/123456789012345678/{letters}{letters}", "discord.com")),
        ("telegram-token", format!("1234567890:{}{letters}", "AA")),
        ("cloudflare-token", format!("eyJh{}{letters}{letters}{letters}", "Ijoi")),
        ("jwt", format!("ey{}.eyJzdWIiOiIxMjM0NSJ9.{letters}", "JhbGciOiJIUzI1NiJ9")),
        ("basic-auth", format!("postgres://app:{letters}@db.example.com/app")),
        ("basic-auth", "postgres://app:pa$word@db.example.com/app".to_owned()),
        ("basic-auth", format!("https://{letters}@git.example.com/app")),
    ]
}

#[test]
fn every_credential_of_the_list_is_replaced() {
    for (rule, credential) in credentials() {
        let node = Node::mapping(None, vec![(Node::string("url"), Node::string(credential.as_str()))]);
        let redacted = redactor().node(&node).unwrap_or_else(|| panic!("{rule} is not seen"));
        let text = text_at(&redacted, "/url");
        assert!(text.starts_with(&format!("redacted:{rule}:")), "{rule}: {text}");
        assert!(redactor().text(&format!("fix {credential} again")).contains(&format!("redacted:{rule}:")));
    }
}

#[test]
fn only_the_lines_of_a_text_that_hold_a_credential_are_replaced() {
    let (_, token) = credentials().remove(4);
    let text = format!("first\nAuthorization: {token}\nlast\n");
    let redacted = redactor().lines(&text).unwrap();
    assert!(redacted.starts_with("first\nredacted:github-token:"));
    assert!(redacted.ends_with("\nlast\n"));
}

#[test]
fn assigned_secrets_in_texts_are_replaced() {
    let redacted = redactor().lines("host = db\nDB_PASSWORD=9fK2mQx71LpZ\nuser: me\n").unwrap();
    assert!(redacted.starts_with("host = db\nredacted:named:"));
    assert!(redactor().text("set --token=9fK2mQx71LpZ in the job").starts_with("set --token=redacted:named:"));
}

#[test]
fn a_credential_right_behind_a_word_of_another_script_is_replaced() {
    let (_, token) = credentials().remove(4);
    assert!(redactor().text(&format!("密码{token}密码")).starts_with("密码redacted:github-token:"));
}

#[test]
fn nothing_of_credentials_that_overlap_is_left() {
    let (_, token) = credentials().remove(4);
    let url = format!("https://user:pass@{token}");
    assert!(redactor().text(&url).starts_with("redacted:basic-auth:"));
    assert!(!redactor().text(&url).contains(&token[4..]));
    let two = format!("-----BEGIN PGP MESSAGE-----\nENC[A,data:\n-----END PGP MESSAGE-----\nkey={token}]\nlast");
    assert!(redactor().lines(&two).unwrap().ends_with("\nlast"));
    assert!(!redactor().lines(&two).unwrap().contains(&token));
}

#[test]
fn a_key_that_is_a_credential_is_replaced() {
    let (_, token) = credentials().remove(4);
    let node = Node::mapping(None, vec![(Node::string(token.as_str()), Node::string("x"))]);
    let redacted = redactor().node(&node).unwrap();
    assert!(redacted.as_mapping().unwrap().entries()[0].0.as_str().unwrap().starts_with("redacted:github-token:"));
}

#[test]
fn embedded_json_is_redacted_and_stays_json_if_it_is_canonical() {
    let inner = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"p":"hunter2"}}"#;
    let spaced = inner.replace(':', ": ");
    let annotate = |json: &str| {
        let annotations = vec![(Node::string("kubectl.kubernetes.io/last-applied-configuration"), Node::string(json))];
        redactor().node(&Node::mapping(None, annotations)).unwrap()
    };
    let key = "/kubectl.kubernetes.io~1last-applied-configuration";
    let canonical = annotate(&format!("{inner}\n"));
    let text = text_at(&canonical, key);
    assert!(text.contains("\"name\":\"a\"") && text.contains("\"redacted:secret:") && text.ends_with("}\n"), "{text}");
    assert!(text_at(&annotate(&spaced), key).starts_with("redacted:embedded:"));
}

#[test]
fn ordinary_data_is_untouched_and_shared() {
    let yaml = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: b}, spec: {image: 'ghcr.io/a/b:v1.2.3@sha256:\
                2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae', existingSecret: app-secret-1, password: '${PASSWORD_1}',\
                url: 'https://example.com/a?b=c', dsn: 'postgres://app:${PW}@db/app', env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s1, key: token}}}]}}";
    let resource = resources(yaml.as_bytes()).unwrap().remove(0);
    let (Node::Mapping(before), Node::Mapping(after)) = (&resource.data.clone(), redactor().resource(resource).data)
    else {
        panic!("not a mapping");
    };
    assert!(Arc::ptr_eq(before, &after));
}

#[test]
fn the_value_beside_a_name_counts_as_named() {
    let node =
        redacted("env: [{name: API_TOKEN, value: d41d8cd98f00b204e9800998ecf8427e}, {name: LEVEL, value: debug}]");
    assert!(text_at(&node, "/env/0/value").starts_with("redacted:named:"));
    assert_eq!(text_at(&node, "/env/1/value"), "debug");
}

#[test]
fn literals_of_generators_and_patches_of_secrets_are_replaced() {
    let node = redacted("secretGenerator: [{name: a, literals: [password=hunter2]}, x]");
    assert!(text_at(&node, "/secretGenerator/0/literals/0").starts_with("redacted:secret:"));
    assert_eq!(text_at(&node, "/secretGenerator/0/name"), "a");
    let node =
        redacted("patches: [{target: {kind: Secret}, patch: '[{op: add, path: /data/a, value: aHVudGVyMg==}]'}]");
    assert!(text_at(&node, "/patches/0/patch").starts_with("redacted:secret:"));
    let other = redacted("patches: [{target: {kind: ConfigMap}, patch: hunter2}]");
    assert_eq!(text_at(&other, "/patches/0/patch"), "hunter2");
}

#[test]
fn a_manifest_of_a_secret_in_a_text_is_replaced_as_a_whole() {
    let node = redacted("patch: |\n  kind: Secret\n  stringData:\n    password: hunter2\n");
    assert!(text_at(&node, "/patch").starts_with("redacted:embedded:"));
}
