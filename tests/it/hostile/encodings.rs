//! Texts in every encoding: UTF-8, and UTF-16 with a mark, are read; the rest is unparsable, never guessed.

use super::raw::RawRepo;
use super::scan_raw;

#[test]
fn utf_8_and_marked_utf_16_are_read_and_all_else_is_unparsable() {
    let text = |name: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: {name}}}\ndata: grün 密码 😀\n");
    let utf16 = |name: &str, mark: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{}", text(name)).encode_utf16().flat_map(unit).collect()
    };
    let utf32 = |mark: &str, unit: fn(u32) -> [u8; 4]| -> Vec<u8> {
        format!("{mark}{}", text("wide")).chars().flat_map(|character| unit(character.into())).collect()
    };
    let mark = "\u{feff}";
    let latin: Vec<u8> = "apiVersion: v1\nkind: A\nmetadata: {name: gr\u{fc}n}\n".chars().map(|c| c as u8).collect();
    let mut odd = utf16("odd", mark, u16::to_le_bytes);
    odd.push(b'a');
    let mut lone = utf16("lone", mark, u16::to_le_bytes);
    lone.extend(0xd800_u16.to_le_bytes());
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("a-utf-8.yaml", text("plain").into_bytes()),
        ("b-utf-8-mark.yaml", format!("{mark}{}", text("marked")).into_bytes()),
        ("c-utf-16-le.yaml", utf16("little", mark, u16::to_le_bytes)),
        ("d-utf-16-be.yaml", utf16("big", mark, u16::to_be_bytes)),
        ("e-utf-16-le-unmarked.yaml", utf16("none", "", u16::to_le_bytes)),
        ("f-utf-16-be-unmarked.yaml", utf16("none", "", u16::to_be_bytes)),
        ("g-utf-32-le.yaml", utf32(mark, u32::to_le_bytes)),
        ("h-utf-32-be.yaml", utf32(mark, u32::to_be_bytes)),
        ("i-latin-1.yaml", latin),
        ("j-cut-character.yaml", [text("cut").as_bytes(), b"x: \xe5\xaf"].concat()),
        ("k-overlong.yaml", [text("overlong").as_bytes(), b"x: \xc0\xaf\n"].concat()),
        ("l-surrogate.yaml", [text("surrogate").as_bytes(), b"x: \xed\xa0\x80\n"].concat()),
        ("m-odd.yaml", odd),
        ("n-lone-surrogate.yaml", lone),
        ("o-utf-7.yaml", b"+ZeVnLIqe-: +AAA-\n".to_vec()),
        ("p-ebcdic.yaml", vec![0x81, 0x7a, 0x40, 0xf1, 0x15]),
        ("q-mark-alone.yaml", mark.as_bytes().to_vec()),
        ("r-utf-16-mark-alone.yaml", vec![0xff, 0xfe]),
    ];
    let files: Vec<(&[u8], &[u8])> = files.iter().map(|(name, bytes)| (name.as_bytes(), bytes.as_slice())).collect();
    let scanned = scan_raw(RawRepo::with_files(&files));
    scanned.succeeded("1 commits, 4 created, 0 modified (0 moves), 0 deleted, 4 alive, 11 unparsable");
    let expected = [
        "CREATED A plain in a-utf-8.yaml",
        "CREATED A marked in b-utf-8-mark.yaml",
        "CREATED A little in c-utf-16-le.yaml",
        "CREATED A big in d-utf-16-be.yaml",
    ];
    assert_eq!(scanned.events(), expected);
    let failures = scanned.failures();
    let letters: String = failures.iter().map(|failure| &failure[..1]).collect();
    assert_eq!(letters, "efghijklmnp", "{failures:#?}");
    let answer =
        scanned.server.query("{ resources(filter: {kind: {eq: \"A\"}}) { nodes { content(pointer: \"/data\") } } }");
    for resource in answer["resources"]["nodes"].as_array().unwrap() {
        assert_eq!(resource["content"], "grün 密码 😀");
    }
}
