use super::dotenv::Dotenv;
use super::*;

const KEY: &str = "YOUTUBE_API_KEY";
const REGIONS: &str = "TRENDFETCH_REGIONS";
const STORE: &str = "TRENDFETCH_STORE";

fn parse(text: impl AsRef<[u8]>) -> Dotenv {
    Dotenv::parse(text.as_ref())
}

/// The value of TRENDFETCH_STORE in a file that has no other of our names.
#[track_caller]
fn store(text: impl AsRef<[u8]>) -> Option<String> {
    let found = parse(text);
    assert_eq!((&found.broken, &found.warnings), (&vec![], &vec![]));
    assert!(found.values.len() <= 1);
    found.values.into_iter().next().map(|(name, value)| {
        assert_eq!(name, STORE);
        value
    })
}

#[test]
fn values_are_literal() {
    for (text, value) in [
        ("TRENDFETCH_STORE=a", "a"),
        ("TRENDFETCH_STORE=a\n", "a"),
        ("TRENDFETCH_STORE=a\r\n", "a"),
        ("\u{feff}TRENDFETCH_STORE=a\n", "a"),
        ("  TRENDFETCH_STORE \t=\t a b, c \t\n", "a b, c"),
        ("export TRENDFETCH_STORE=a", "a"),
        ("\texport \t TRENDFETCH_STORE = a", "a"),
        ("TRENDFETCH_STORE=\"a\"", "a"),
        ("TRENDFETCH_STORE= ' a ' ", " a "),
        ("TRENDFETCH_STORE='a\"b'", "a\"b"),
        ("TRENDFETCH_STORE=\"a'b\"", "a'b"),
        ("TRENDFETCH_STORE=it's", "it's"),
        ("TRENDFETCH_STORE=a\"b\"", "a\"b\""),
        // Neither escapes nor variables, in any kind of quotes.
        ("TRENDFETCH_STORE=pa$$w0rd$HOME${HOME}$(id)`id`", "pa$$w0rd$HOME${HOME}$(id)`id`"),
        ("TRENDFETCH_STORE=\"$HOME\\n\\$\"", "$HOME\\n\\$"),
        ("TRENDFETCH_STORE='$HOME\\'", "$HOME\\"),
        ("TRENDFETCH_STORE=a=b", "a=b"),
        ("TRENDFETCH_STORE=zażółć", "zażółć"),
        // A comment begins after a blank.
        ("TRENDFETCH_STORE=a # b", "a"),
        ("TRENDFETCH_STORE=a\t#b", "a"),
        ("TRENDFETCH_STORE=a#b", "a#b"),
        ("TRENDFETCH_STORE=#a", "#a"),
        ("TRENDFETCH_STORE='a # b' # c", "a # b"),
        ("# TRENDFETCH_STORE=a\n\n \t\n  # x\nTRENDFETCH_STORE=b", "b"),
    ] {
        assert_eq!(store(text).as_deref(), Some(value), "{text}");
    }
}

#[test]
fn empty_values_are_ignored_and_the_last_one_counts() {
    for empty in ["TRENDFETCH_STORE=", "TRENDFETCH_STORE= ", "TRENDFETCH_STORE=''\n", "TRENDFETCH_STORE= # a", "", "\n"]
    {
        assert_eq!(store(empty), None, "{empty}");
    }
    assert_eq!(store("TRENDFETCH_STORE=\nTRENDFETCH_STORE=a\nTRENDFETCH_STORE=\n").as_deref(), Some("a"));
    let found = parse("TRENDFETCH_STORE=a\nTRENDFETCH_STORE=b\n");
    assert_eq!(found.values, [(STORE, "b".to_owned())]);
    assert!(found.warnings[0].contains("line 2") && found.warnings.len() == 1, "{:?}", found.warnings);
}

#[test]
fn other_names_are_ignored_and_may_have_several_lines() {
    let text = "TRENDFETCH_BASE_URL=https://example.org\nPATH=/x\nMY_TRENDFETCH_STORE=x\ntrendfetch_store=x\n\
        PEM=\"-----BEGIN X-----\nTRENDFETCH\n=x\n\"\nA.B-c=1\nTRENDFETCH_STORE=a\n";
    assert_eq!(store(text).as_deref(), Some("a"));
    // Latin-1, but not in a value that is needed.
    assert_eq!(store(b"# caf\xe9\nCAFE=caf\xe9\nTRENDFETCH_STORE=a # caf\xe9\n").as_deref(), Some("a"));
}

#[test]
fn an_error_gives_the_line_number_and_not_the_value() {
    for (text, name, line, says) in [
        ("YOUTUBE_API_KEY\n", KEY, 1, "no '='"),
        ("\n\nYOUTUBE_API_KEY: secret", KEY, 3, "no '='"),
        ("YOUTUBE_API_KEY secret # = x", KEY, 1, "not a name"),
        ("export YOUTUBE_API_KEY", KEY, 1, "no '='"),
        ("set YOUTUBE_API_KEY=secret", KEY, 1, "not a name"),
        ("$env:YOUTUBE_API_KEY = \"secret\"", KEY, 1, "not a name"),
        ("\"YOUTUBE_API_KEY\"=secret", KEY, 1, "not a name"),
        ("TRENDFETCH_REGIONS+=secret", REGIONS, 1, "not a name"),
        ("TRENDFETCH_REGIONS='secret", REGIONS, 1, "not closed"),
        ("A=1\r\nTRENDFETCH_REGIONS=\"secret'\r\n", REGIONS, 2, "not closed"),
        ("TRENDFETCH_REGIONS=\"secret\"x", REGIONS, 1, "after its closing quote"),
        ("TRENDFETCH_REGIONS=\"secret\"#x", REGIONS, 1, "after its closing quote"),
        ("TRENDFETCH_STORE=\"secret\nx\"", STORE, 1, "line break"),
        ("A=\"1\n2\n\"\nTRENDFETCH_STORE=sec\0ret", STORE, 4, "control character"),
        ("TRENDFETCH_STORE=sec\rret", STORE, 1, "control character"),
    ] {
        let found = parse(text);
        let [(broken, why)] = &found.broken[..] else { panic!("{text}: {found:?}") };
        assert_eq!(*broken, name, "{text}");
        assert!(why.starts_with(&format!("line {line} of .env, for {name}, ")) && why.contains(says), "{text}: {why}");
        assert!(!why.contains("secret") && found.values.is_empty() && found.warnings.is_empty(), "{text}: {found:?}");
    }
    let latin1 = parse(b"TRENDFETCH_STORE=caf\xe9");
    assert!(latin1.broken[0].1.contains("UTF-8"), "{latin1:?}");
}

#[test]
fn utf16_is_recognized() {
    let encoded = |text: &str, order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in ["\u{feff}", ""] {
            let found = parse(encoded(&format!("{mark}A=1\r\nTRENDFETCH_STORE=secret\r\n"), order));
            let (name, why) = &found.broken[0];
            assert!(*name == STORE && why.contains("line 2") && why.contains("UTF-16"), "{found:?}");
            assert!(found.values.is_empty() && !why.contains("secret"));
            let others = parse(encoded(&format!("{mark}A=1\r\nB=2\r\n"), order));
            assert!(others.broken.is_empty() && others.warnings[0].contains("UTF-16"), "{others:?}");
        }
    }
}

#[test]
fn other_unreadable_lines_are_one_warning() {
    let found = parse("TRENDFETCH_REGIONS=PL\nnonsense\nA='open\nTRENDFETCH_STORE='a'\nB='\n");
    assert_eq!(found.values, [(REGIONS, "PL".to_owned()), (STORE, "a".to_owned())]);
    assert!(found.broken.is_empty());
    let [warning] = &found.warnings[..] else { panic!("{found:?}") };
    assert!(warning.starts_with("3 line(s) of .env") && warning.contains("line 2"), "{warning}");
    // A quote that is closed several lines below does not swallow a line with one of our names.
    let found = parse("A='open\nTRENDFETCH_STORE=a\nB='\n");
    assert_eq!(found.values, [(STORE, "a".to_owned())]);
}

#[test]
fn the_environment_takes_precedence_over_dotenv() {
    let env = |variables: &[(&str, &str)], dotenv: &str| {
        Env::join(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())), parse(dotenv))
    };
    let found = env(&[(STORE, "real"), (REGIONS, "")], "TRENDFETCH_STORE=a\nTRENDFETCH_REGIONS=b");
    assert_eq!((found.get(STORE), found.get(REGIONS)), (Ok(Some("real")), Ok(Some("b"))));

    let broken = "TRENDFETCH_STORE='a";
    assert!(env(&[], broken).check().unwrap_err().0.contains(STORE));
    assert!(env(&[(STORE, "")], broken).check().is_err());
    let overridden = env(&[(STORE, "real")], broken);
    assert_eq!(overridden.check(), Ok(()));
    assert!(overridden.warnings()[0].contains("line 1 of .env"), "{:?}", overridden.warnings());
}

proptest::proptest! {
    #[test]
    fn any_bytes_can_be_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20)) {
        let bytes = pieces.concat();
        let found = parse(&bytes);
        for (_, value) in &found.values {
            assert!(!value.is_empty() && String::from_utf8_lossy(&bytes).contains(value));
        }
    }
}

const PIECES: &[&[u8]] = &[
    b"TRENDFETCH_STORE",
    b"YOUTUBE_API_KEY=",
    b"export ",
    b"=",
    b"\"",
    b"'",
    b"#",
    b" ",
    b"\t",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xfe",
    "é".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\\",
    b"$A",
];
