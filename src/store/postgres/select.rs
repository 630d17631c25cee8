//! What is read: each question is one statement and one round trip, however many regions it is about.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::Postgres;
use super::columns::Parameter;
use super::errors::explain;
use crate::category::Category;
use crate::model::Status;
use crate::region::Region;
use crate::store::changes::{Fetch, Place};
use crate::store::interval::{Asked, PastRegion};
use crate::store::{
    Attempt, ChartFilter, KeptRun, KnownRegion, Period, Scope, ScopeRuns, Standing, StoreError, queries,
};

/// Charts with what is known of their videos: lists of run, region, source, and category or -1, one of each for each
/// chart.
const CHARTS: &str = "
    SELECT asked.nth, places.rank, places.video_id, videos.title, videos.channel, presence.first_seen_at,
           videos.category_id, counts.views, videos.thumbnail, videos.declared_language
    FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[])
         WITH ORDINALITY AS asked (run, region, source, category_id, nth)
    JOIN places ON places.run = asked.run AND places.region = asked.region
    LEFT JOIN counts ON counts.run = places.run AND counts.video_id = places.video_id
    JOIN videos ON videos.video_id = places.video_id
    JOIN presence ON presence.region = places.region AND presence.video_id = places.video_id
         AND presence.source = asked.source AND coalesce(presence.category_id, -1) = asked.category_id
    ORDER BY asked.nth, places.rank";

/// Who stood where: lists of run and region, and a depth for all.
const STANDINGS: &str = "
    SELECT asked.nth, places.rank, places.video_id
    FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS asked (run, region, nth)
    JOIN places ON places.run = asked.run AND places.region = asked.region AND places.rank <= $3
    ORDER BY asked.nth, places.rank";

impl Postgres {
    async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        self.within(self.session.client.query_typed(sql, parameters)).await
    }

    pub(super) async fn select_kept(&self) -> Result<Vec<KeptRun>, StoreError> {
        let kept = |row: &Row| {
            Ok(KeptRun {
                number: self.get::<i32>(row, 0)?.into(),
                id: self.get::<Uuid>(row, 1)?.to_string(),
                fetched_at: self.get(row, 2)?,
                left_old: self.get(row, 3)?,
            })
        };
        self.query(queries::KEPT, &[]).await?.iter().map(kept).collect()
    }

    pub(super) async fn select_past(&self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, StoreError> {
        let (category, depth) = (asked.category_id.map(i64::from), i64::from(asked.depth));
        let parameters: [Parameter<'_>; 4] =
            [(&asked.source, Type::TEXT), (&category, Type::INT8), (&depth, Type::INT8), (&since, Type::TIMESTAMPTZ)];
        let past = |row: &Row| {
            Ok(PastRegion {
                run_id: self.get::<Uuid>(row, 0)?.to_string(),
                fetched_at: self.get(row, 1)?,
                region: self.region(row, 2)?,
                is_answered: self.get(row, 3)?,
            })
        };
        self.query(queries::PAST, &parameters).await?.iter().map(past).collect()
    }

    pub(super) async fn select_regions(&self) -> Result<Vec<KnownRegion>, StoreError> {
        let known = |row: &Row| Ok(KnownRegion { region: self.region(row, 0)?, asked_at: self.get(row, 1)? });
        let rows = self.query(queries::REGIONS, &[]).await?;
        let mut regions: Vec<KnownRegion> = rows.iter().map(known).collect::<Result<_, StoreError>>()?;
        // Not by the collation of the database.
        regions.sort_unstable_by_key(|known| known.region);
        Ok(regions)
    }

    pub(super) async fn select_newest(&self, filter: &ChartFilter) -> Result<Vec<Fetch>, StoreError> {
        let codes: Vec<&str> = filter.regions.iter().map(Region::code).collect();
        let any_category = filter.category_id.is_none();
        let (category, most) = (filter.category_id.flatten().map(i64::from), i64::from(filter.most));
        let parameters: [Parameter<'_>; 6] = [
            (&filter.until, Type::TIMESTAMPTZ),
            (&filter.source, Type::TEXT),
            (&any_category, Type::BOOL),
            (&category, Type::INT8),
            (&most, Type::INT8),
            (&codes, Type::TEXT_ARRAY),
        ];
        let fetch = |row: &Row| {
            Ok(Fetch {
                region: self.region(row, 0)?,
                run_id: self.get::<Uuid>(row, 1)?.to_string(),
                number: self.get::<i32>(row, 2)?.into(),
                fetched_at: self.get(row, 3)?,
                scope: self.scope(row, 4)?,
                depth: self.number(row, 6)?,
            })
        };
        let sql = queries::NEWEST.replace("REGIONS", "SELECT unnest($6::text[])");
        self.query(&sql, &parameters).await?.iter().map(fetch).collect()
    }

    pub(super) async fn select_charts(&self, fetches: &[Fetch]) -> Result<Vec<Vec<Place>>, StoreError> {
        let (runs, codes) = runs_and_regions(fetches);
        let sources: Vec<&str> = fetches.iter().map(|fetch| &*fetch.scope.source).collect();
        let category = |fetch: &Fetch| fetch.scope.category_id.map_or(-1, i64::from);
        let categories: Vec<i64> = fetches.iter().map(category).collect();
        let parameters: [Parameter<'_>; 4] = [
            (&runs, Type::INT4_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&sources, Type::TEXT_ARRAY),
            (&categories, Type::INT8_ARRAY),
        ];
        let mut charts: Vec<Vec<Place>> = vec![Vec::new(); fetches.len()];
        for row in &self.query(CHARTS, &parameters).await? {
            let place = Place {
                rank: self.rank(row, 1)?,
                video_id: self.get(row, 2)?,
                title: self.get(row, 3)?,
                channel: self.get(row, 4)?,
                first_seen_at: self.get(row, 5)?,
                category: self.get::<Option<i64>>(row, 6)?.and_then(|id| u32::try_from(id).ok()).map(Category::new),
                views: self.get::<Option<i64>>(row, 7)?.and_then(|views| u64::try_from(views).ok()),
                thumbnail: self.get(row, 8)?,
                language: self.get(row, 9)?,
            };
            charts[self.index(row)?].push(place);
        }
        Ok(charts)
    }

    pub(super) async fn select_standings(
        &self,
        fetches: &[Fetch],
        depth: u32,
    ) -> Result<Vec<Vec<Standing>>, StoreError> {
        let (runs, codes) = runs_and_regions(fetches);
        let depth = i32::try_from(depth).unwrap_or(i32::MAX);
        let parameters: [Parameter<'_>; 3] =
            [(&runs, Type::INT4_ARRAY), (&codes, Type::TEXT_ARRAY), (&depth, Type::INT4)];
        let mut charts: Vec<Vec<Standing>> = vec![Vec::new(); fetches.len()];
        for row in &self.query(STANDINGS, &parameters).await? {
            let index = self.index(row)?;
            let (number, rank, video_id) = (fetches[index].number, self.rank(row, 1)?, self.get(row, 2)?);
            charts[index].push(Standing { number, rank, video_id });
        }
        Ok(charts)
    }

    pub(super) async fn select_scopes(&self, until: Timestamp) -> Result<Vec<ScopeRuns>, StoreError> {
        let scope = |row: &Row| {
            let runs = u64::try_from(self.get::<i64>(row, 2)?).unwrap_or(0);
            Ok(ScopeRuns { scope: self.scope(row, 0)?, runs, newest: self.get(row, 3)? })
        };
        self.query(queries::SCOPES, &[(&until, Type::TIMESTAMPTZ)]).await?.iter().map(scope).collect()
    }

    pub(super) async fn select_attempts(&self, period: &Period) -> Result<Vec<Attempt>, StoreError> {
        let Period { scope, since, until } = period;
        let category = scope.category_id.map(i64::from);
        let parameters: [Parameter<'_>; 4] = [
            (&scope.source, Type::TEXT),
            (&category, Type::INT8),
            (since, Type::TIMESTAMPTZ),
            (until, Type::TIMESTAMPTZ),
        ];
        let attempt = |row: &Row| {
            let (kind, message): (Option<String>, Option<String>) = (self.get(row, 7)?, self.get(row, 8)?);
            let status: &str = self.get(row, 5)?;
            Ok(Attempt {
                run_id: self.get::<Uuid>(row, 0)?.to_string(),
                number: self.get::<i32>(row, 1)?.into(),
                fetched_at: self.get(row, 2)?,
                depth: self.number(row, 3)?,
                region: self.region(row, 4)?,
                status: Status::find(status).ok_or_else(|| self.odd("a row of it has no known status"))?,
                videos: self.number(row, 6)?,
                error: kind.map(|kind| (kind, message.unwrap_or_default())),
                is_pruned: self.get(row, 9)?,
            })
        };
        let rows = self.query(queries::ATTEMPTS, &parameters).await?;
        let mut attempts: Vec<Attempt> = rows.iter().map(attempt).collect::<Result<_, StoreError>>()?;
        // Not by the collation of the database.
        attempts.sort_by(|one, other| {
            let (this, that) = ((one.fetched_at, &one.run_id), (other.fetched_at, &other.run_id));
            this.cmp(&that).then(one.region.cmp(&other.region))
        });
        Ok(attempts)
    }

    /// A column of an answer.
    fn get<'a, T: FromSql<'a>>(&self, row: &'a Row, column: usize) -> Result<T, StoreError> {
        row.try_get(column).map_err(|error| explain(&self.url, &error))
    }

    /// A count of ours.
    fn number(&self, row: &Row, column: usize) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.get::<i64>(row, column)?).unwrap_or(u32::MAX))
    }

    fn rank(&self, row: &Row, column: usize) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.get::<i32>(row, column)?).unwrap_or(0))
    }

    /// Which of the charts that were asked for a row belongs to; it is in the first column, counted from 1.
    fn index(&self, row: &Row) -> Result<usize, StoreError> {
        Ok(usize::try_from(self.get::<i64>(row, 0)? - 1).unwrap_or(0))
    }

    fn region(&self, row: &Row, column: usize) -> Result<Region, StoreError> {
        let code: &str = self.get(row, column)?;
        Region::new(code).ok_or_else(|| self.odd("a row of it names no region"))
    }

    /// Source and category, in two columns.
    fn scope(&self, row: &Row, column: usize) -> Result<Scope, StoreError> {
        let category_id = self.get::<Option<i64>>(row, column + 1)?.and_then(|id| u32::try_from(id).ok());
        Ok(Scope { source: self.get(row, column)?, category_id })
    }

    fn odd(&self, why: &'static str) -> StoreError {
        StoreError::new(&self.url, why, "delete what another program wrote there")
    }
}

fn runs_and_regions(fetches: &[Fetch]) -> (Vec<i32>, Vec<&str>) {
    let run = |fetch: &Fetch| i32::try_from(fetch.number).unwrap_or(0);
    (fetches.iter().map(run).collect(), fetches.iter().map(|fetch| fetch.region.code()).collect())
}
