//! A repository on the emulator, in the two forms in which GitHub tells it.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

/// URLs that every repository has, under its own.
const URLS: &str = "forks keys collaborators teams hooks issue_events events assignees branches tags blobs git_tags git_refs trees \
     statuses languages stargazers contributors subscribers subscription commits git_commits comments issue_comment contents compare \
     merges archive downloads issues pulls milestones notifications labels releases deployments";

#[derive(Clone, Debug)]
pub struct Repo {
    pub id: u64,
    pub owner: String,
    pub name: String,
    /// Its page elsewhere, where git finds it with `.git` behind; None: on the emulator, which serves no git.
    pub page: Option<String>,
    /// Full names it had before.
    pub former: Vec<String>,
    pub description: Option<String>,
    pub topics: Vec<String>,
    pub language: Option<String>,
    pub languages: Vec<(String, u64)>,
    pub license: Option<String>,
    pub default_branch: String,
    pub stars: u64,
    pub forks: u64,
    pub watchers: u64,
    pub issues: u64,
    pub pull_requests: u64,
    pub size_kb: u64,
    /// Seconds since 1970; so below.
    pub created_at: i64,
    pub pushed_at: i64,
    pub updated_at: i64,
    pub is_archived: bool,
    pub is_fork: bool,
    pub is_template: bool,
    pub is_private: bool,
    /// Deleted, or made private for those who cannot see it.
    pub is_gone: bool,
    /// Taken away for a legal reason.
    pub is_taken_down: bool,
}

impl Repo {
    /// A small home cluster with the topic `kubesearch`.
    pub fn new(id: u64, full_name: &str) -> Self {
        let (owner, name) = full_name.split_once('/').unwrap();
        let created_at = 1_600_000_000 + i64::try_from(id).unwrap();
        Self {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            page: None,
            former: Vec::new(),
            description: Some("My home cluster".to_owned()),
            topics: vec!["kubesearch".to_owned()],
            language: Some("YAML".to_owned()),
            languages: vec![("YAML".to_owned(), 90_000), ("Shell".to_owned(), 1_000)],
            license: Some("MIT".to_owned()),
            default_branch: "main".to_owned(),
            stars: id,
            forks: 2,
            watchers: 3,
            issues: 4,
            pull_requests: 5,
            size_kb: 600,
            created_at,
            pushed_at: created_at + 1_000,
            updated_at: created_at + 2_000,
            is_archived: false,
            is_fork: false,
            is_template: false,
            is_private: false,
            is_gone: false,
            is_taken_down: false,
        }
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    fn page(&self, web: &str) -> String {
        self.page.clone().unwrap_or_else(|| format!("{web}/{}", self.full_name()))
    }

    pub fn node_id(&self) -> String {
        format!("R_kgDO{:08}", self.id)
    }

    fn owner(&self, web: &str) -> Value {
        let (html, api) = (format!("{web}/{}", self.owner), format!("{web}/api/users/{}", self.owner));
        let mut owner = json!({
            "login": self.owner, "id": 7, "node_id": "U_kgDO00000007", "type": "User", "site_admin": false,
            "html_url": html, "url": api, "avatar_url": format!("{html}.png"), "gravatar_id": "",
            "repos_url": format!("{api}/repos"),
        });
        for name in "followers following gists starred subscriptions organizations events received_events".split(' ') {
            let path = if name == "organizations" { "orgs" } else { name };
            owner[format!("{name}_url")] = json!(format!("{api}/{path}"));
        }
        owner
    }

    /// An item of a search.
    pub fn item(&self, web: &str) -> Value {
        let full_name = self.full_name();
        let (html, api) = (self.page(web), format!("{web}/api/repos/{full_name}"));
        let license =
            |id: &String| json!({ "key": id.to_lowercase(), "name": id, "spdx_id": id, "url": null, "node_id": "L" });
        let mut item = json!({
            "id": self.id, "node_id": self.node_id(), "name": self.name, "full_name": full_name,
            "owner": self.owner(web),
            "private": self.is_private, "visibility": if self.is_private { "private" } else { "public" },
            "html_url": html, "url": api, "description": self.description, "homepage": null, "mirror_url": null,
            "git_url": format!("git:{}.git", &html[5..]), "ssh_url": format!("git@github.example:{full_name}.git"),
            "clone_url": format!("{html}.git"), "svn_url": html,
            "fork": self.is_fork, "archived": self.is_archived, "disabled": false, "is_template": self.is_template,
            "created_at": written(self.created_at), "updated_at": written(self.updated_at),
            "pushed_at": written(self.pushed_at), "size": self.size_kb,
            "has_issues": true, "has_projects": false, "has_pages": false, "has_wiki": false, "has_downloads": true,
            "has_discussions": false, "score": 1.0,
        });
        let more = json!({
            "stargazers_count": self.stars, "watchers_count": self.stars, "watchers": self.stars,
            "forks_count": self.forks, "forks": self.forks,
            "open_issues_count": self.issues + self.pull_requests, "open_issues": self.issues + self.pull_requests,
            "language": self.language, "topics": self.topics, "default_branch": self.default_branch,
            "license": self.license.as_ref().map(license),
        });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        for name in URLS.split_whitespace() {
            item[format!("{name}_url")] = json!(format!("{api}/{name}"));
        }
        item
    }

    /// The answer of `/repos/OWNER/NAME`.
    pub fn full(&self, web: &str) -> Value {
        let mut full = self.item(web);
        full.as_object_mut().unwrap().shift_remove("score");
        full["subscribers_count"] = json!(self.watchers);
        full["network_count"] = json!(self.forks);
        full
    }

    /// All that a GraphQL query of ours can name; a selection takes its part.
    pub fn node(&self, web: &str) -> Value {
        let topics: Vec<Value> = self.topics.iter().map(|topic| json!({ "topic": { "name": topic } })).collect();
        let language = |(name, size): &(String, u64)| json!({ "size": size, "node": { "name": name } });
        let languages: Vec<Value> = self.languages.iter().map(language).collect();
        json!({
            "__typename": "Repository", "id": self.node_id(), "databaseId": self.id, "nameWithOwner": self.full_name(),
            "url": self.page(web), "description": self.description,
            "licenseInfo": self.license.as_ref().map(|id| json!({ "spdxId": id })),
            "primaryLanguage": self.language.as_ref().map(|name| json!({ "name": name })),
            "repositoryTopics": { "nodes": topics }, "defaultBranchRef": { "name": self.default_branch },
            "createdAt": written(self.created_at), "pushedAt": written(self.pushed_at),
            "updatedAt": written(self.updated_at), "isArchived": self.is_archived, "isFork": self.is_fork,
            "isTemplate": self.is_template, "isPrivate": self.is_private, "stargazerCount": self.stars,
            "forkCount": self.forks, "watchers": { "totalCount": self.watchers }, "issues": { "totalCount": self.issues },
            "pullRequests": { "totalCount": self.pull_requests }, "diskUsage": self.size_kb,
            "languages": { "edges": languages },
        })
    }
}

fn written(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339_opts(SecondsFormat::Secs, true)
}
