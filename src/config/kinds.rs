//! The kinds of values that keys take. Each says what is wrong with a value and what it expected instead.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;
use url::Url;

use super::problem::nearest;
use super::values::Raw;

/// Levels of a log filter; `off` is one to [`EnvFilter`].
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Any text, empty too.
pub(super) fn text(raw: &Raw) -> Result<String, String> {
    match raw {
        Raw::Text(text) | Raw::Untyped(text) => Ok(text.clone()),
        other => Err(format!("{other} is no string; write it in quotes")),
    }
}

/// A text that is not empty.
pub(super) fn name(raw: &Raw) -> Result<String, String> {
    match text(raw)? {
        text if text.trim().is_empty() => Err("the value is empty; expected a name".to_owned()),
        text => Ok(text),
    }
}

/// A whole number of a range.
pub(super) fn number(range: RangeInclusive<u64>) -> impl Fn(&Raw) -> Result<u64, String> {
    move |raw| {
        let (least, most) = (range.start(), range.end());
        let expected = format!("expected a whole number from {least} to {most}");
        let number = match raw {
            Raw::Integer(number) => Some(i128::from(*number)),
            Raw::Untyped(text) => text.trim().parse().ok(),
            _ => None,
        };
        match (number, raw) {
            (Some(number), _) => {
                let number = u64::try_from(number).ok().filter(|number| range.contains(number));
                number.ok_or_else(|| format!("{raw} is out of range; {expected}"))
            }
            (None, Raw::Untyped(text)) if text.is_empty() => Err(format!("the value is empty; {expected}")),
            (None, Raw::Text(text)) if text.parse::<u64>().is_ok() => {
                Err(format!("{raw} is a string; {expected}, without quotes"))
            }
            (None, _) => Err(format!("{raw} is no whole number; {expected}")),
        }
    }
}

/// True or false.
pub(super) fn truth(raw: &Raw) -> Result<bool, String> {
    match raw {
        Raw::Truth(truth) => Ok(*truth),
        Raw::Untyped(text) if text.trim() == "true" => Ok(true),
        Raw::Untyped(text) if text.trim() == "false" => Ok(false),
        Raw::Text(text) if matches!(text.as_str(), "true" | "false") => {
            Err(format!("{raw} is a string; expected true or false, without quotes"))
        }
        _ => Err(format!("{raw} is no truth value; expected true or false")),
    }
}

/// Some texts, none of them empty. A variable separates them by line breaks or semicolons.
pub(super) fn list(raw: &Raw) -> Result<Vec<String>, String> {
    let texts: Vec<&str> = match raw {
        Raw::Texts(texts) => texts.iter().map(|text| text.trim()).collect(),
        Raw::Untyped(text) => text.split(['\n', ';']).map(str::trim).filter(|text| !text.is_empty()).collect(),
        _ => return Err(format!("{raw} is no list; expected strings in brackets, such as [\"a\", \"b\"]")),
    };
    match texts.iter().any(|text| text.is_empty()) {
        true => Err(format!("{raw} holds an empty string")),
        false => Ok(texts.into_iter().map(str::to_owned).collect()),
    }
}

/// A cron text with seconds; `None` when it is empty.
pub(super) fn cron(raw: &Raw) -> Result<Option<String>, String> {
    let text = text(raw)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let parser = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Required).build();
    match parser.parse(text.trim()) {
        Ok(_) => Ok(Some(text.trim().to_owned())),
        Err(error) => {
            let expected = "expected six fields, second minute hour day month weekday, such as \"0 30 3 * * *\"";
            Err(format!("{text:?} is no cron text ({error}); {expected}"))
        }
    }
}

/// A path; `None` when it is empty.
pub(super) fn path(raw: &Raw) -> Result<Option<PathBuf>, String> {
    match text(raw)? {
        text if text.is_empty() => Ok(None),
        text if text == "~" || text.starts_with("~/") => {
            Err(format!("{text:?} begins with ~, which only a shell understands; expected a path from the root"))
        }
        text if text.contains('\0') => Err(format!("{text:?} is no path")),
        text => Ok(Some(PathBuf::from(text))),
    }
}

/// An IP address with a port.
pub(super) fn address(raw: &Raw) -> Result<SocketAddr, String> {
    let expected = "expected an IP address with a port, such as 127.0.0.1:8080 or [::]:8080";
    match text(raw) {
        Ok(text) if text.is_empty() => Err(format!("the value is empty; {expected}")),
        Ok(text) => text.trim().parse().map_err(|_| format!("{text:?} is no address to listen on; {expected}")),
        Err(_) => Err(format!("{raw} is no address to listen on; {expected}")),
    }
}

/// The URL of an HTTP server; `None` when it is empty. One with a user name or password is not repeated.
pub(super) fn http_url(raw: &Raw) -> Result<Option<Url>, String> {
    let expected = "expected one such as http://localhost:8123";
    let text = text(raw).map_err(|_| format!("{raw} is no URL; {expected}"))?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.contains('@') {
        return Err(
            "a URL here holds no user name and password; set clickhouse.user and clickhouse.password".to_owned()
        );
    }
    let url = match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => url,
        // `localhost:8123` reads as scheme and path.
        Ok(url) if url.has_host() => {
            return Err(format!("{text:?} has the scheme {:?}; {expected}, ClickHouse's HTTP interface", url.scheme()));
        }
        _ => return Err(format!("{text:?} is no URL; {expected}")),
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("a URL here ends before ? and #; {expected}"));
    }
    Ok(Some(url))
}

/// What is logged: directives as `EnvFilter` has them, separated by commas.
pub(super) fn log_filter(raw: &Raw) -> Result<String, String> {
    let text = text(raw)?;
    let parses = |directives: &str| EnvFilter::builder().parse(directives).is_ok();
    // A misspelt level alone is taken for the name of a module, and would log nothing.
    let is_misspelt = |directive: &str| {
        let word = directive.to_lowercase();
        !LEVELS.contains(&word.as_str()) && !word.contains(['=', ':', '[']) && level(&word).is_some()
    };
    let mut directives = text.split(',').filter(|directive| !directive.is_empty());
    let wrong = directives.find(|directive| !parses(directive) || is_misspelt(directive));
    let Some(wrong) = wrong else { return Ok(text) };
    let expected = format!("expected a level ({}) or target=level", LEVELS.join(", "));
    Err(match level(wrong.rsplit('=').next().unwrap_or(wrong)) {
        Some(level) => format!("{wrong:?} is no log directive; {expected}; did you mean {level:?}?"),
        None => format!("{wrong:?} is no log directive; {expected}"),
    })
}

/// The level that was meant by a word that is none.
fn level(word: &str) -> Option<&'static str> {
    let word = word.trim();
    let longer = LEVELS.into_iter().find(|level| level.len() > 3 && word.to_lowercase().starts_with(level));
    longer.or_else(|| nearest(word, LEVELS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Raw {
        Raw::Untyped(text.to_owned())
    }

    #[test]
    fn numbers_of_files_have_no_quotes_and_those_of_variables_cannot_have_them() {
        let kind = number(1..=10);
        assert_eq!(kind(&given("7")), Ok(7));
        assert_eq!(kind(&Raw::Integer(10)), Ok(10));
        for wrong in
            [Raw::Text("7".to_owned()), Raw::Integer(0), Raw::Integer(-1), given("1e1"), given("99999999999999999999")]
        {
            assert!(kind(&wrong).unwrap_err().contains("whole number from 1 to 10"), "{wrong:?}");
        }
    }

    #[test]
    fn a_level_that_is_misspelt_is_no_module() {
        for valid in ["", "warn", "WARN,kubestats=info", "hyper", "h2::codec=trace", "off", "[span{a=1}]=debug"] {
            assert_eq!(log_filter(&given(valid)).as_deref(), Ok(valid), "{valid}");
        }
        for (wrong, meant) in
            [("warning", "warn"), ("kubestats=inf", "info"), ("info,debgu", "debug"), ("eror", "error")]
        {
            let message = log_filter(&given(wrong)).unwrap_err();
            assert!(message.contains(&format!("did you mean \"{meant}\"?")), "{message}");
        }
        assert!(log_filter(&given("a=b=c")).is_err());
    }

    #[test]
    fn urls_are_those_of_http_without_credentials() {
        let taken = ["http://localhost:8123", "https://clickhouse.example.org/", "http://[::1]:8123/path"];
        assert!(taken.iter().all(|url| http_url(&given(url)) == Ok(Some(Url::parse(url).unwrap()))));
        assert_eq!(http_url(&given("")), Ok(None));
        for wrong in
            ["localhost:8123", "tcp://localhost:9000", "http://", "8123", "http://host/?user=a", "http://host/#a"]
        {
            assert!(http_url(&given(wrong)).unwrap_err().contains("http://localhost:8123"), "{wrong}");
        }
        let message = http_url(&given("http://me:secret@host")).unwrap_err();
        assert!(message.contains("clickhouse.password") && !message.contains("secret"), "{message}");
    }
}
