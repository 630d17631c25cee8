//! Reads the history. Each query is one statement and one round trip, however many regions it covers, and each type is
//! read from its columns by name.

use std::fmt::Display;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::row::RowIndex;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::Postgres;
use super::columns::Parameter;
use super::errors::explain;
use crate::history::{
    AbsentChart, ChartFilter, ChartRef, ChartSeries, HistoryError, KeptRun, Period, RegionAttempt, RequestedRegion,
    SeriesRuns, shared_sql,
};
use crate::model::category::Category;
use crate::model::region::Region;
use crate::model::{ChartId, Status};

impl Postgres {
    pub(super) async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, HistoryError> {
        self.with_timeout(self.session.client.query_typed(sql, parameters)).await
    }

    pub(super) async fn select_kept_runs(&self) -> Result<Vec<KeptRun>, HistoryError> {
        let run = |row: &Row| {
            Ok(KeptRun {
                number: self.get::<i32>(row, "number")?.into(),
                id: self.get::<Uuid>(row, "id")?.to_string(),
                fetched_at: self.get(row, "fetched_at")?,
                left_expired: self.get(row, "left_expired")?,
            })
        };
        self.query(shared_sql::KEPT_RUNS, &[]).await?.iter().map(run).collect()
    }

    pub(super) async fn select_requested_regions(&self) -> Result<Vec<RequestedRegion>, HistoryError> {
        let requested =
            |row: &Row| Ok(RequestedRegion { region: self.region(row)?, requested_at: self.get(row, "requested_at")? });
        let rows = self.query(shared_sql::REQUESTED_REGIONS, &[]).await?;
        let mut regions: Vec<RequestedRegion> = rows.iter().map(requested).collect::<Result<_, HistoryError>>()?;
        // The database may sort by another collation.
        regions.sort_unstable_by_key(|requested| requested.region);
        Ok(regions)
    }

    pub(super) async fn select_newest_charts(&self, filter: &ChartFilter) -> Result<Vec<ChartRef>, HistoryError> {
        let codes: Vec<&str> = filter.regions.iter().map(Region::code).collect();
        let any_category = filter.category_id.is_none();
        let (category, limit) = (filter.category_id.flatten().map(i64::from), i64::from(filter.limit));
        let parameters: [Parameter<'_>; 6] = [
            (&filter.until, Type::TIMESTAMPTZ),
            (&filter.source, Type::TEXT),
            (&any_category, Type::BOOL),
            (&category, Type::INT8),
            (&limit, Type::INT8),
            (&codes, Type::TEXT_ARRAY),
        ];
        let chart = |row: &Row| {
            Ok(ChartRef {
                region: self.region(row)?,
                run_id: self.get::<Uuid>(row, "run_id")?.to_string(),
                number: self.get::<i32>(row, "number")?.into(),
                fetched_at: self.get(row, "fetched_at")?,
                series: self.chart_series(row)?,
                max_results: self.saturating_u32(row, "max_results")?,
            })
        };
        self.query(&adapted(shared_sql::NEWEST_CHARTS), &parameters).await?.iter().map(chart).collect()
    }

    pub(super) async fn select_series(&self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        let series = |row: &Row| {
            let runs = u64::try_from(self.get::<i64>(row, "runs")?).unwrap_or(0);
            Ok(SeriesRuns { series: self.chart_series(row)?, runs, newest: self.get(row, "newest")? })
        };
        self.query(shared_sql::SERIES, &[(&until, Type::TIMESTAMPTZ)]).await?.iter().map(series).collect()
    }

    pub(super) async fn select_region_attempts(&self, period: &Period) -> Result<Vec<RegionAttempt>, HistoryError> {
        let Period { source, categories, since, until } = period;
        let categories: Vec<i64> = categories.iter().map(|id| id.map_or(-1, i64::from)).collect();
        let parameters: [Parameter<'_>; 4] = [
            (source, Type::TEXT),
            (since, Type::TIMESTAMPTZ),
            (until, Type::TIMESTAMPTZ),
            (&categories, Type::INT8_ARRAY),
        ];
        let attempt = |row: &Row| {
            let error_kind: Option<String> = self.get(row, "error_kind")?;
            let error_message: Option<String> = self.get(row, "error_message")?;
            Ok(RegionAttempt {
                run_id: self.get::<Uuid>(row, "run_id")?.to_string(),
                number: self.get::<i32>(row, "number")?.into(),
                fetched_at: self.get(row, "fetched_at")?,
                category_id: self.category_id(row)?,
                max_results: self.saturating_u32(row, "max_results")?,
                region: self.region(row)?,
                status: self.status(row)?,
                videos: self.saturating_u32(row, "videos")?,
                error: error_kind.map(|kind| (kind, error_message.unwrap_or_default())),
                is_pruned: self.get(row, "pruned")?,
            })
        };
        let rows = self.query(&adapted(shared_sql::REGION_ATTEMPTS), &parameters).await?;
        let mut attempts: Vec<RegionAttempt> = rows.iter().map(attempt).collect::<Result<_, HistoryError>>()?;
        // The database may sort by another collation.
        attempts.sort_by(|one, other| {
            let run = one.fetched_at.cmp(&other.fetched_at).then_with(|| one.run_id.cmp(&other.run_id));
            run.then(one.region.cmp(&other.region))
        });
        Ok(attempts)
    }

    pub(super) async fn select_absent_charts(
        &self,
        source: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AbsentChart>, HistoryError> {
        let parameters: [Parameter<'_>; 3] =
            [(&source, Type::TEXT), (&since, Type::TIMESTAMPTZ), (&until, Type::TIMESTAMPTZ)];
        let absent = |row: &Row| {
            let category = self.category_id(row)?.map(Category::new);
            let chart = ChartId { region: self.region(row)?, category };
            Ok(AbsentChart { chart, requested_at: self.get(row, "requested_at")? })
        };
        self.query(&adapted(shared_sql::ABSENT_CHARTS), &parameters).await?.iter().map(absent).collect()
    }

    pub(super) fn get<'a, T: FromSql<'a>>(
        &self,
        row: &'a Row,
        column: impl RowIndex + Display,
    ) -> Result<T, HistoryError> {
        row.try_get(column).map_err(|error| explain(&self.url, &error))
    }

    pub(super) fn chart_series(&self, row: &Row) -> Result<ChartSeries, HistoryError> {
        Ok(ChartSeries { source: self.get(row, "source")?, category_id: self.category_id(row)? })
    }

    fn category_id(&self, row: &Row) -> Result<Option<u32>, HistoryError> {
        Ok(self.get::<Option<i64>>(row, "category_id")?.and_then(|id| u32::try_from(id).ok()))
    }

    /// A loaded document may hold any number.
    pub(super) fn saturating_u32(&self, row: &Row, column: &str) -> Result<u32, HistoryError> {
        Ok(u32::try_from(self.get::<i64>(row, column)?).unwrap_or(u32::MAX))
    }

    pub(super) fn region(&self, row: &Row) -> Result<Region, HistoryError> {
        let code: &str = self.get(row, "region")?;
        Region::new(code).ok_or_else(|| self.invalid_row("a row of it names no region"))
    }

    pub(super) fn status(&self, row: &Row) -> Result<Status, HistoryError> {
        let status: &str = self.get(row, "status")?;
        Status::find(status).ok_or_else(|| self.invalid_row("a row of it has no known status"))
    }

    fn invalid_row(&self, why: &'static str) -> HistoryError {
        HistoryError::new(&self.url, why, "delete what another program wrote there")
    }
}

/// Replaces the placeholders of a shared query. PostgreSQL does not merge a subquery with an offset into the query around
/// it, so that it looks up the regions of each run.
pub(super) fn adapted(sql: &str) -> String {
    let regions_of_run = "SELECT * FROM region_results WHERE run = runs.number OFFSET 0";
    sql.replace("{RUNS_AND_REGIONS}", &format!("runs CROSS JOIN LATERAL ({regions_of_run}) AS region_results"))
        .replace("{REGIONS}", "SELECT unnest($6::text[])")
        .replace("{CATEGORIES}", "SELECT unnest($4::bigint[])")
        .replace("{RUNS}", "SELECT unnest($1::integer[])")
        .replace("{RUN_IDS}", "SELECT unnest($1::uuid[])")
}
