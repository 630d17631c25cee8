//! The JSON Schemas, by two independent validators: the crate `jsonschema` and Python's package of the same name.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Answer, Run, Server, item};
use crate::tools::python;

const SHAPES: &[&str] =
    if cfg!(feature = "sqlite") { &["document", "video", "entry", "changes"] } else { &["document", "video", "entry"] };

fn schema(shape: &str) -> Value {
    serde_json::from_str(&Run::new(&["schema", shape]).without_key().finish().exits(0).stdout).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).unwrap();
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Text in many scripts, missing facts, a partial region, a failed one and one outside the table.
fn odd_server() -> Server {
    Server::start(|hit| match (hit.region(), hit.token()) {
        ("PL", Some(_)) => Answer::refusal(404, "notFound"),
        ("GB", _) => Answer::refusal(403, "for\u{17c}idden \u{1f3b5}"),
        (region, token) => {
            let mut unicode = item(&format!("-{region}_{}", token.unwrap_or("1")));
            unicode["snippet"]["title"] = json!("Za\u{17c}\u{f3}\u{142}\u{107} \u{1f3b5} \u{202e}\u{5d0}\n\0");
            unicode["snippet"]["tags"] = json!(["|", "\u{65e5}\u{672c}", ""]);
            unicode["snippet"]["liveBroadcastContent"] = json!("live");
            unicode["statistics"] = json!({"viewCount": "18446744073709551615"});
            let next = (region == "PL").then_some("next");
            let items = [unicode, item("shared"), json!({"id": "bare"})];
            Answer::json(&json!({"kind": "youtube#videoListResponse", "items": items, "nextPageToken": next}))
        }
    })
}

/// What the program prints in each shape.
fn printed() -> BTreeMap<&'static str, Vec<Value>> {
    let mut printed: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    let server = odd_server();
    let odd = |options: &str| Run::on(&server, &format!("-r US,PL,GB,XX -n 100 -q {options}"));
    let demo = |options: &str| Run::new(&options.split_whitespace().collect::<Vec<_>>()).without_key();
    for (run, exit) in [
        (odd(""), 3),
        (odd("--description --category Music"), 3),
        (demo("--demo=calm -r US,GB,PL -n 60"), 0),
        (demo("--demo -r US,xx --description --category 10"), 3),
        (demo("--demo=outage -r US,PL --retries 0"), 3),
        (demo("--demo=quota -r US,PL,NL,SE -c 1"), 4),
    ] {
        let mut run = run;
        run.command.args(["-q", "-o", "run.json", "-o", "videos.ndjson"]);
        let outcome = run.finish().exits(exit);
        printed.entry("document").or_default().extend(lines(&outcome.read("run.json")));
        printed.entry("video").or_default().extend(lines(&outcome.read("videos.ndjson")));
    }
    for (run, exit) in [(odd("--description"), 3), (demo("--demo=outage -r US,PL --retries 0 -q"), 3)] {
        let mut run = run;
        run.command.args(["-f", "ndjson", "--rows", "entries"]);
        printed.entry("entry").or_default().extend(lines(&run.finish().exits(exit).stdout));
    }
    let several = odd("--category all,Music -f ndjson").finish().exits(3).stdout;
    printed.entry("video").or_default().extend(lines(&several));
    // No video at all.
    printed.entry("document").or_default().push(demo("--demo=quota -r US --json -q").finish().exits(4).document());
    #[cfg(feature = "sqlite")]
    printed.insert("changes", changes());
    printed
}

#[cfg(feature = "sqlite")]
fn changes() -> Vec<Value> {
    let rounds = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |hit| {
        let round = rounds.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut left = item("left");
        left["snippet"]["title"] = json!("\u{105} \u{1f3b5}\u{202e}");
        let pages = [[left, item("a"), item("b")], [item("entered"), item("b"), item("a")]];
        assert_eq!(hit.region(), "US");
        Answer::json(&json!({"kind": "youtube#videoListResponse", "items": pages[round % 2]}))
    });
    let folder = TempDir::new().unwrap();
    let history = folder.path().join("h.db");
    let history = history.to_str().unwrap();
    let changes = || Run::new(&["changes", "-q", "-f", "json", "--store", history]).finish().exits(0).document();
    let run = || Run::on(&server, &format!("-r US -q --store {history}")).finish().exits(0);
    run();
    let none = changes();
    run();
    let some = changes();
    for list in ["entered", "left", "rose", "fell"] {
        assert_eq!(some["regions"][0][list].as_array().unwrap().len(), 1, "{list}");
    }
    vec![some, none]
}

/// The schema with all objects closed.
fn closed(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        if let Value::Object(members) = schema {
            // The values of `properties` and `$defs` are schemas under any name.
            if members.get("properties").is_some_and(Value::is_object) && members.contains_key("required") {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(close);
        }
    }
    close(&mut schema);
    schema
}

#[test]
fn what_is_printed_follows_its_schema_and_has_no_other_fields() {
    let printed = printed();
    assert!(printed["entry"].iter().any(|entry| entry["region_status"] == "partial"));
    for shape in SHAPES {
        let schema = schema(shape);
        assert!(!schema.to_string().contains("\"additionalProperties\":false"), "{shape}");
        let validators = [validator(&schema), validator(&closed(schema))];
        for instance in &printed[shape] {
            for validator in &validators {
                let errors: Vec<String> = validator
                    .iter_errors(instance)
                    .map(|error| format!("{}: {error}", error.instance_path()))
                    .collect();
                assert!(errors.is_empty(), "{shape}: {errors:?}\n{instance}");
            }
        }
    }
}

#[test]
fn a_missing_field_or_a_wrong_type_is_refused_and_a_new_field_is_not() {
    let printed = printed();
    for shape in SHAPES {
        let validator = validator(&schema(shape));
        // One that has an error, and every kind of move.
        let instance = printed[shape].iter().max_by_key(|instance| instance.to_string().len().min(20_000)).unwrap();
        assert!(validator.is_valid(instance));
        let mut wrong = 0;
        for pointer in objects(instance) {
            let with = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut changed = instance.clone();
                change(changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap());
                validator.is_valid(&changed)
            };
            let object = instance.pointer(&pointer).unwrap().as_object().unwrap();
            for name in object.keys() {
                let is_map = pointer.ends_with("/ranks") || pointer == "/ranks";
                let is_optional = is_map || name == "description";
                assert!(is_optional || !with(&|object| _ = object.remove(name)), "{shape} without {pointer}/{name}");
                let other = json!({"other": [true]});
                assert!(!with(&|object| _ = object.insert(name.clone(), other.clone())), "{shape} {pointer}/{name}");
                wrong += 1;
                if !is_map {
                    assert!(with(&|object| _ = object.insert("new".into(), other.clone())), "{shape} {pointer}/new");
                }
            }
        }
        assert!(wrong >= 9, "{shape}: {wrong}");
    }
}

/// Pointers to all objects in a value, but at most the first two of each list.
fn objects(value: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| objects(value).into_iter().map(|rest| format!("/{name}{rest}")).collect();
    let nested: Vec<Vec<String>> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| below(name, value)).collect(),
        Value::Array(items) => {
            items.iter().take(2).enumerate().map(|(index, item)| below(&index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    let own = value.is_object().then(String::new);
    own.into_iter().chain(nested.into_iter().flatten()).collect()
}

#[test]
fn the_names_of_the_schemas_are_theirs_alone() {
    let default: Value = serde_json::from_str(&Run::new(&["schema"]).finish().exits(0).stdout).unwrap();
    assert_eq!(default, schema("document"));
    for shape in ["document", "video", "entry", "changes"] {
        assert_eq!(schema(shape)["$id"], format!("urn:trendfetch:schema:1:{shape}"));
    }
    assert!(Run::new(&["schema", "row"]).finish().exits(2).stderr.contains("document, video, entry, changes"));
}

#[test]
fn python_validates_what_is_printed() {
    const VALIDATE: &str = r#"
import json, sys
from jsonschema import Draft202012Validator, FormatChecker
for shape in sys.argv[1:]:
    schema = json.load(open(f"{shape}.schema.json", encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    with open(f"{shape}.ndjson", encoding="utf-8") as lines:
        instances = [json.loads(line) for line in lines]
    assert len(instances) > 1, shape
    for instance in instances:
        validator.validate(instance)
        for name in schema["required"]:
            assert not validator.is_valid({key: value for key, value in instance.items() if key != name}), (shape, name)
            assert not validator.is_valid({**instance, name: {"other": 1}}), (shape, name)
        assert validator.is_valid({**instance, "new": 1}), shape
"#;
    let Some(python) = python(&["jsonschema"], "validation of the JSON Schemas with Python") else { return };
    let folder = TempDir::new().unwrap();
    for (shape, instances) in printed() {
        let instances: String = instances.iter().map(|instance| format!("{instance}\n")).collect();
        fs::write(folder.path().join(format!("{shape}.ndjson")), instances).unwrap();
        fs::write(folder.path().join(format!("{shape}.schema.json")), schema(shape).to_string()).unwrap();
    }
    let validated = Command::new(python).args(["-c", VALIDATE]).args(SHAPES).current_dir(&folder).output().unwrap();
    assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stderr));
}
