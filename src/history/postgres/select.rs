//! What is read: each question is one statement and one round trip, however many regions it is about.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::Postgres;
use super::columns::Parameter;
use super::errors::explain;
use crate::history::changes::Fetch;
use crate::history::min_interval::{Asked, PastRegion};
use crate::history::{
    Attempt, ChartFilter, ChartSeries, HistoryError, KeptRun, KnownRegion, Period, SeriesRuns, shared_sql,
};
use crate::model::Status;
use crate::model::region::Region;

impl Postgres {
    pub(super) async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, HistoryError> {
        self.within(self.session.client.query_typed(sql, parameters)).await
    }

    pub(super) async fn select_kept(&self) -> Result<Vec<KeptRun>, HistoryError> {
        let kept = |row: &Row| {
            Ok(KeptRun {
                number: self.get::<i32>(row, 0)?.into(),
                id: self.get::<Uuid>(row, 1)?.to_string(),
                fetched_at: self.get(row, 2)?,
                left_old: self.get(row, 3)?,
            })
        };
        self.query(shared_sql::KEPT, &[]).await?.iter().map(kept).collect()
    }

    pub(super) async fn select_past(&self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, HistoryError> {
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
        self.query(&translated(shared_sql::PAST), &parameters).await?.iter().map(past).collect()
    }

    pub(super) async fn select_regions(&self) -> Result<Vec<KnownRegion>, HistoryError> {
        let known = |row: &Row| Ok(KnownRegion { region: self.region(row, 0)?, asked_at: self.get(row, 1)? });
        let rows = self.query(shared_sql::REGIONS, &[]).await?;
        let mut regions: Vec<KnownRegion> = rows.iter().map(known).collect::<Result<_, HistoryError>>()?;
        // Not by the collation of the database.
        regions.sort_unstable_by_key(|known| known.region);
        Ok(regions)
    }

    pub(super) async fn select_newest(&self, filter: &ChartFilter) -> Result<Vec<Fetch>, HistoryError> {
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
                series: self.series(row, 4)?,
                depth: self.number(row, 6)?,
            })
        };
        let sql = translated(shared_sql::NEWEST).replace("REGIONS", "SELECT unnest($6::text[])");
        self.query(&sql, &parameters).await?.iter().map(fetch).collect()
    }

    pub(super) async fn select_series(&self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        let series = |row: &Row| {
            let runs = u64::try_from(self.get::<i64>(row, 2)?).unwrap_or(0);
            Ok(SeriesRuns { series: self.series(row, 0)?, runs, newest: self.get(row, 3)? })
        };
        self.query(shared_sql::SCOPES, &[(&until, Type::TIMESTAMPTZ)]).await?.iter().map(series).collect()
    }

    pub(super) async fn select_attempts(&self, period: &Period) -> Result<Vec<Attempt>, HistoryError> {
        let Period { series, since, until } = period;
        let category = series.category_id.map(i64::from);
        let parameters: [Parameter<'_>; 4] = [
            (&series.source, Type::TEXT),
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
        let rows = self.query(&translated(shared_sql::ATTEMPTS), &parameters).await?;
        let mut attempts: Vec<Attempt> = rows.iter().map(attempt).collect::<Result<_, HistoryError>>()?;
        // Not by the collation of the database.
        attempts.sort_by(|one, other| {
            let (this, that) = ((one.fetched_at, &one.run_id), (other.fetched_at, &other.run_id));
            this.cmp(&that).then(one.region.cmp(&other.region))
        });
        Ok(attempts)
    }

    /// A column of an answer.
    pub(super) fn get<'a, T: FromSql<'a>>(&self, row: &'a Row, column: usize) -> Result<T, HistoryError> {
        row.try_get(column).map_err(|error| explain(&self.url, &error))
    }

    /// A count of ours.
    fn number(&self, row: &Row, column: usize) -> Result<u32, HistoryError> {
        Ok(u32::try_from(self.get::<i64>(row, column)?).unwrap_or(u32::MAX))
    }

    fn region(&self, row: &Row, column: usize) -> Result<Region, HistoryError> {
        let code: &str = self.get(row, column)?;
        Region::new(code).ok_or_else(|| self.odd("a row of it names no region"))
    }

    /// Source and category, in two columns.
    fn series(&self, row: &Row, column: usize) -> Result<ChartSeries, HistoryError> {
        let category_id = self.get::<Option<i64>>(row, column + 1)?.and_then(|id| u32::try_from(id).ok());
        Ok(ChartSeries { source: self.get(row, column)?, category_id })
    }

    fn odd(&self, why: &'static str) -> HistoryError {
        HistoryError::new(&self.url, why, "delete what another program wrote there")
    }
}

/// What stands in a shared query for what each backend has in its own way. A subquery with an offset is not taken apart,
/// and so is asked for each run.
fn translated(sql: &str) -> String {
    let joined = "runs CROSS JOIN LATERAL (SELECT * FROM run_regions WHERE run_id = runs.id OFFSET 0) AS run_regions";
    sql.replace("RUNS_AND_REGIONS", joined)
}
