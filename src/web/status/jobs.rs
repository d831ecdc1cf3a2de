//! `/migrations/jobs`: jobs in IoT Central that tell devices to move, read when somebody asks for them. *Migration status* loads
//! them by itself; without a script they are a page.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;

use crate::azure::central::{Job, JobStatus};
use crate::azure::cloud::Cloud;
use crate::engine::central_jobs::{JobsOf, Maker, MoveJob};
use crate::identity::{SignedInUser, sign_in_url};
use crate::ids::Subdomain;
use crate::web::components::Kind;
use crate::web::errors::PageError;
use crate::web::migration::plan_view::Link;
use crate::web::moment::Moment;
use crate::web::new::Trouble;
use crate::web::shell::Shell;
use crate::web::state::Web;
use crate::web::{paths, render};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    reload: Option<String>,
}

#[derive(Template)]
#[template(path = "status/jobs_page.html")]
struct JobsPage {
    shell: Shell,
    view: JobsView,
}

#[derive(Template)]
#[template(path = "status/jobs_fragment.html")]
struct JobsFragment {
    view: JobsView,
}

/// What is shown of them.
#[derive(Debug)]
struct JobsView {
    rows: Vec<Row>,
    /// How many applications were read.
    read: usize,
    /// Applications that could not be read.
    unread: Vec<(String, Trouble)>,
    /// Why there may be more applications.
    incomplete: Option<Trouble>,
    /// Where the browser is sent to sign in and come back.
    sign_in: String,
}

/// A job.
#[derive(Debug)]
struct Row {
    name: String,
    /// Its id, and its page in IoT Central.
    link: Link,
    app: Link,
    maker: &'static str,
    kind: Kind,
    /// The migration it is of, with its page.
    migration: Option<(String, String)>,
    status: String,
    progress: Option<String>,
    start: Option<Moment>,
    end: Option<Moment>,
}

pub(super) async fn jobs(
    State(web): State<Web>,
    Query(asked): Query<Asked>,
    user: SignedInUser,
    shell: Shell,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let person = &user.person.id;
    let tokens = web.identity.tokens(person);
    let (apps, incomplete) = web.surveyor.applications(person, tokens, asked.reload.is_some()).await;
    let jobs = web.engine.move_jobs(person, apps).await?;
    let view = JobsView::new(jobs, incomplete, web.azure.cloud());
    let mut answer = match render::is_htmx(&headers) {
        true => render::page(&JobsFragment { view })?,
        false => render::page(&JobsPage { shell, view })?,
    };
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("hx-request"));
    Ok(answer)
}

impl JobsView {
    fn new(all: Vec<JobsOf>, incomplete: Option<Trouble>, cloud: &Cloud) -> Self {
        let (mut rows, mut unread, mut read) = (Vec::new(), Vec::new(), 0);
        for JobsOf { app, jobs } in all {
            match jobs {
                Ok(jobs) => {
                    read += 1;
                    let link = Link { text: app.name, href: cloud.central_app_link(&app.subdomain) };
                    rows.extend(jobs.into_iter().map(|job| Row::new(job, &app.subdomain, &link, cloud)));
                }
                Err(error) => unread.push((app.name, Trouble::from(&error))),
            }
        }
        let back = crate::identity::LocalPath::parse(paths::MIGRATIONS).unwrap_or_default();
        Self { rows, read, unread, incomplete, sign_in: sign_in_url(&back) }
    }

    fn needs_sign_in(&self) -> bool {
        self.unread.iter().map(|(_, trouble)| trouble).chain(&self.incomplete).any(|trouble| trouble.sign_in)
    }
}

impl Row {
    fn new(MoveJob { job, maker }: MoveJob, app: &Subdomain, link: &Link, cloud: &Cloud) -> Self {
        let (words, kind, migration) = match maker {
            Maker::Migration(id, name) => ("This program", Kind::Info, Some((name, paths::migration(&id.to_string())))),
            Maker::AnotherCopy => ("This program, elsewhere", Kind::Neutral, None),
            Maker::OriginalTool => ("Original tool", Kind::Neutral, None),
        };
        Self {
            link: Link { text: job.id.to_string(), href: cloud.central_job_link(app, &job.id) },
            app: link.clone(),
            maker: words,
            kind,
            migration,
            status: status(&job.status),
            progress: progress(&job),
            start: job.start.map(Moment::from),
            end: job.end.map(Moment::from),
            name: job.display_name,
        }
    }
}

/// IoT Central's word.
fn status(status: &JobStatus) -> String {
    match status {
        JobStatus::Pending => "pending".to_owned(),
        JobStatus::Running => "running".to_owned(),
        JobStatus::Complete => "completed".to_owned(),
        JobStatus::Stopped => "stopped".to_owned(),
        JobStatus::Cancelled => "cancelled".to_owned(),
        JobStatus::Failed => "failed".to_owned(),
        JobStatus::Unknown(word) => word.clone(),
    }
}

fn progress(job: &Job) -> Option<String> {
    let progress = job.progress?;
    let counts = [(progress.completed, "completed"), (progress.failed, "failed"), (progress.pending, "pending")];
    let counted = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let words: Vec<String> = counted.chain([format!("{} in all", progress.total)]).collect();
    Some(words.join(", "))
}
