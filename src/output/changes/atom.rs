//! A feed of what entered (Atom, RFC 4287).

use std::io;

use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use url::form_urlencoded::byte_serialize;

use crate::history::changes::{Entrance, Entrances};
use crate::model::category::{Category, ChartCategory};
use crate::model::region::Region;
use crate::model::video::video_url;
use crate::support::human::group_digits;

type Xml = Writer<Vec<u8>>;

/// A feed of what entered.
#[derive(Debug)]
pub struct Feed<'a> {
    pub entrances: &'a Entrances,
    /// The regions and the category that were requested; none are all regions, and the category fetched last.
    pub regions: &'a [Region],
    pub category: Option<ChartCategory>,
    pub top: Option<u32>,
    /// The time of a feed without any chart.
    pub now: Timestamp,
}

impl Feed<'_> {
    pub(super) fn to_xml(&self) -> io::Result<Vec<u8>> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let feed = xml.create_element("feed").with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
        feed.write_inner_content(|xml| {
            text(xml, "id", &self.id())?;
            text(xml, "title", &self.title())?;
            text(xml, "updated", &self.entrances.newest.unwrap_or(self.now).to_string())?;
            // An entry without a channel has this author.
            author(xml, "YouTube")?;
            text(xml, "generator", "trendfetch")?;
            self.entrances.list.iter().try_for_each(|entrance| entry(xml, entrance))
        })?;
        let mut bytes = xml.into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The same for the same request.
    fn id(&self) -> String {
        let category = self.category.map_or_else(|| "latest".to_owned(), ChartCategory::slug);
        let top = self.top.map_or_else(String::new, |top| format!(":{top}"));
        format!("urn:trendfetch:feed:{}:{category}{top}", self.region_codes("all"))
    }

    fn title(&self) -> String {
        let category = match self.category {
            Some(ChartCategory::One(category)) => format!(", {category}"),
            Some(ChartCategory::All) | None => String::new(),
        };
        format!("New on YouTube's charts: {}{category}", self.region_codes("all regions"))
    }

    fn region_codes(&self, all: &str) -> String {
        match self.regions {
            [] => all.to_owned(),
            regions => regions.iter().map(Region::code).collect::<Vec<_>>().join(","),
        }
    }
}

fn entry(xml: &mut Xml, entrance: &Entrance) -> io::Result<()> {
    let Entrance { moved, entered_at, .. } = entrance;
    xml.create_element("entry").write_inner_content(|xml| {
        text(xml, "id", &id(entrance))?;
        text(xml, "title", if moved.title.trim().is_empty() { "(no title)" } else { &moved.title })?;
        let link = [("rel", "alternate"), ("type", "text/html"), ("href", &video_url(&moved.video_id))];
        xml.create_element("link").with_attributes(link).write_empty()?;
        text(xml, "published", &entered_at.to_string())?;
        text(xml, "updated", &entered_at.to_string())?;
        if !moved.channel.trim().is_empty() {
            author(xml, &moved.channel)?;
        }
        xml.create_element("category").with_attribute(("term", entrance.region.code())).write_empty()?;
        text(xml, "summary", &summary(entrance))
    })?;
    Ok(())
}

/// A video that returns has another id than before. The source may be any text, and is encoded.
fn id(entrance: &Entrance) -> String {
    let Entrance { region, series, entered_at, moved } = entrance;
    let source: String = byte_serialize(series.source.as_bytes()).collect();
    let category = series.category_id.unwrap_or(0);
    format!("urn:trendfetch:entered:{source}:{category}:{region}:{}:{entered_at}", moved.video_id)
}

/// `Number 3 in Poland, Music; 12,345 views`
fn summary(entrance: &Entrance) -> String {
    let Entrance { region, series, moved, .. } = entrance;
    let category = series.category_id.map_or_else(String::new, |id| format!(", {}", Category::new(id)));
    let views = moved.views.map_or_else(String::new, |views| format!("; {} views", group_digits(views)));
    format!("Number {} in {}{category}{views}", moved.rank.unwrap_or_default(), region.name())
}

fn author(xml: &mut Xml, name: &str) -> io::Result<()> {
    xml.create_element("author").write_inner_content(|xml| text(xml, "name", name))?;
    Ok(())
}

fn text(xml: &mut Xml, name: &str, content: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(&allowed(content)))?;
    Ok(())
}

/// The text without characters that XML does not allow, not even escaped ("Extensible Markup Language 1.0", 2.2).
fn allowed(text: &str) -> String {
    let is_forbidden =
        |c: char| (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.replace(is_forbidden, "\u{fffd}")
}
