//! Lenient reading of JSON: a field of another type counts as missing, and of a repeated field the last one counts, as in
//! jq, Python and browsers.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Defines structs that are read from a JSON object. serde's derive would refuse an object that repeats a field.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? { $($key:literal => $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name $(<$life>)? {
            $(pub $field: $type,)*
        }

        impl<'de> FromAnyJson<'de> for $name $(<$life>)? {
            fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
                let mut read = Self::default();
                while let Some(Lenient(Text(name))) = object.next_key()? {
                    match name.as_deref() {
                        $(Some($key) => read.$field = object.next_value::<Lenient<_>>()?.0,)*
                        _ => drop(object.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(read)
            }
            fn selector(description: bool) -> String {
                let members = [$(member::<$type>($key, description),)*];
                members.into_iter().flatten().collect::<Vec<_>>().join(",")
            }
        }
    )*};
}

/// One member of a selector, with its own members.
pub(super) fn member<'de, T: FromAnyJson<'de>>(name: &str, description: bool) -> Option<String> {
    match (name, T::selector(description)) {
        ("description", _) if !description => None,
        // All sizes: an unused one costs few bytes, whereas one that the API does not know would fail the request.
        ("thumbnails", _) => Some(name.to_owned()),
        (_, members) if members.is_empty() => Some(name.to_owned()),
        (_, members) => Some(format!("{name}({members})")),
    }
}

pub(super) use objects;

#[derive(Default)]
pub(super) struct Text<'a>(pub Option<Cow<'a, str>>);
#[derive(Default)]
pub(super) struct Count(pub Option<u64>);
#[derive(Default)]
pub(super) struct Flag(pub Option<bool>);

/// A value that can be read from any JSON type. Unexpected types yield a default.
pub(super) trait FromAnyJson<'de>: Default {
    /// The value for an unexpected type.
    fn other() -> Self {
        Self::default()
    }
    fn text(_: Cow<'de, str>) -> Self {
        Self::other()
    }
    fn number(_: u64) -> Self {
        Self::other()
    }
    fn flag(_: bool) -> Self {
        Self::other()
    }
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        skip_rest(list)?;
        Ok(Self::other())
    }
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::other())
    }
    /// The members of an object that are read, as in [`member`]. Empty for other types.
    fn selector(_description: bool) -> String {
        String::new()
    }
}

/// Reads the rest of a list and keeps nothing.
pub(super) fn skip_rest<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> FromAnyJson<'de> for Text<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Text(Some(text))
    }
}

impl<'de> FromAnyJson<'de> for Count {
    fn text(text: Cow<'de, str>) -> Self {
        Count(text.parse().ok())
    }
    fn number(number: u64) -> Self {
        Count(Some(number))
    }
}

impl<'de> FromAnyJson<'de> for Flag {
    fn flag(flag: bool) -> Self {
        Flag(Some(flag))
    }
}

/// For objects whose absence matters.
impl<'de, T: FromAnyJson<'de>> FromAnyJson<'de> for Option<T> {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::object(object).map(Some)
    }
    fn selector(description: bool) -> String {
        T::selector(description)
    }
}

/// Deserializes `T` from any JSON value.
pub(super) struct Lenient<T>(pub T);

impl<'de, T: FromAnyJson<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData)).map(Lenient)
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: FromAnyJson<'de>> Visitor<'de> for LenientVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }
    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::number(number))
    }
    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::other())
    }
    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::other())
    }
    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::flag(flag))
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}
