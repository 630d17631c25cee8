//! Reads the password file of PostgreSQL's own programs ("The Password File") as they do.

use std::fs;
use std::path::Path;

use crate::support::secret_file::is_open_to_others;

/// What a line must match: host, port, database and user.
pub(super) type Login<'a> = [&'a str; 4];

/// Returns `None` if the file has no such login, or, with a warning, if others may read the file.
pub(super) fn read(path: &Path, login: Login<'_>) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    if !file.is_file() || is_open_to_others(&file) {
        tracing::warn!(
            "the password file {} is ignored, since it is not a regular file that only its owner may read; use chmod 600",
            path.display()
        );
        return None;
    }
    // Other lines need not be UTF-8.
    find(&String::from_utf8_lossy(&fs::read(path).ok()?), login)
}

/// The password of the first line that matches.
fn find(text: &str, login: Login<'_>) -> Option<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.trim_end_matches('\r')).find_map(|line| {
        let mut rest = line;
        for value in login {
            rest = strip_field(rest, value)?;
        }
        Some(field(rest).0)
    })
}

/// Returns what comes after the first field of a line if that field is `*` or this value.
fn strip_field<'a>(line: &'a str, value: &str) -> Option<&'a str> {
    let (field, rest) = match line.strip_prefix("*:") {
        Some(rest) => (value.to_owned(), Some(rest)),
        None => field(line),
    };
    rest.filter(|_| field == value)
}

/// The first field of a line with its escapes resolved, and what comes after its colon.
fn field(line: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => return (field, Some(characters.as_str())),
            // A backslash at the end of a line stands for itself.
            '\\' => field.push(characters.next().unwrap_or('\\')),
            other => field.push(other),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_matches_counts() {
        let file = "# db:5432:trends:me:no\n\
                    db:5432:trends:you:yours\n\
                    db:5433:trends:me:other port\n\
                    db:5432:trends:me:s\\:e\\\\cret:what follows is ignored\r\n\
                    *:*:*:me:anywhere\n\
                    2001\\:db8\\:\\:1:5432:tr\\:ends:m\\\\e:colons\n\
                    short:5432\n\
                    last:5432:trends:me:end\\";
        let find = |host, port, database, user| find(file, [host, port, database, user]);
        assert_eq!(find("db", "5432", "trends", "me").as_deref(), Some("s:e\\cret"));
        assert_eq!(find("db", "5432", "trends", "you").as_deref(), Some("yours"));
        assert_eq!(find("db", "5433", "trends", "me").as_deref(), Some("other port"));
        assert_eq!(find("elsewhere", "1", "x", "me").as_deref(), Some("anywhere"));
        assert_eq!(find("2001:db8::1", "5432", "tr:ends", "m\\e").as_deref(), Some("colons"));
        assert_eq!(find("short", "5432", "trends", "you"), None);
        assert_eq!(find("db", "5432", "trends", "nobody"), None);
        assert_eq!(super::find("a:1:b:c:end\\", ["a", "1", "b", "c"]).as_deref(), Some("end\\"));
        assert_eq!(super::find("*:1:b:c:", ["a", "1", "b", "c"]).as_deref(), Some(""));
    }
}
