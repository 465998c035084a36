//! Principals, the rows that make their names and addresses unique, and what hangs on them.

use super::{
    super::{Store, keys, principals::unique_keys, record},
    finding::{Finding, Mending, Related, Remedy, as_read, shown},
};
use crate::{
    backend::{Entry, Expect, Key, KeyRange, Operation, Page, ReadError},
    model::{
        AuditEntry, Collection, CollectionId, CollectionKind, Credential, GroupMeeting, Principal,
        PrincipalId, SchedulingLogEntry,
    },
};

const UNIQUE: &str = "name or address";

impl Store {
    pub(super) async fn judge_principal(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let related = |entry: &Entry| match record::decode::<Principal>(&entry.value, "principal") {
            Ok(principal) => {
                let mut keys: Vec<Key> = unique_keys(&principal).into_iter().collect();
                keys.extend(principal.home.map(keys::collection));
                keys
            }
            Err(_) => Vec::new(),
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let principal = match record::decode::<Principal>(&row.value, "principal") {
            Ok(principal) => principal,
            Err(error) => return Ok(vec![Finding::unreadable("principal", key, &error)]),
        };
        Ok(judge_principal(key, &row, &principal, &rows))
    }

    pub(super) async fn judge_unique(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let related = |entry: &Entry| {
            let id = record::decode::<PrincipalId>(&entry.value, UNIQUE);
            id.map(keys::principal).into_iter().collect()
        };
        let Some((row, rows)) = self.with_related(key, related).await? else {
            return Ok(Vec::new());
        };
        let Some(holder) = rows.first() else {
            let finding = Finding::new(UNIQUE, format!("{} leads to nothing", shown(key)));
            return Ok(vec![finding.mended_by_removing(key, &row, Vec::new())]);
        };
        let is_right = match Related::<Principal>::value(holder.as_ref()) {
            Related::Missing => false,
            // That is reported by itself.
            Related::Unreadable => true,
            Related::Is(principal, _) => unique_keys(&principal).contains(key),
        };
        if is_right {
            return Ok(Vec::new());
        }
        let id = record::decode::<PrincipalId>(&row.value, UNIQUE)?;
        let finding = Finding::new(UNIQUE, format!("{} leads to somebody else", shown(key)));
        let holder = as_read(&keys::principal(id), holder.as_ref());
        Ok(vec![finding.mended_by_removing(key, &row, vec![holder])])
    }

    pub(super) async fn judge_credential(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let id = PrincipalId(keys::single_id(key).unwrap_or(0));
        let Some((row, rows)) = self
            .with_related(key, |_| vec![keys::principal(id)])
            .await?
        else {
            return Ok(Vec::new());
        };
        let mut findings = Vec::new();
        if let Err(error) = record::decode::<Credential>(&row.value, "credential") {
            findings.push(Finding::unreadable("credential", key, &error));
        }
        if rows[0].is_none() {
            findings.push(Finding::new(
                "credential",
                format!("{} is nobody's", shown(key)),
            ));
        }
        Ok(findings)
    }

    /// The directory's revision is that of its log's newest entry.
    pub(super) async fn judge_directory(&self) -> Result<Vec<Finding>, ReadError> {
        let newest = Page {
            rows: 1,
            octets: usize::MAX,
            reverse: true,
        };
        for _ in 0..super::ROUNDS {
            let before = self.backend().get(&keys::directory()).await?;
            let log = KeyRange::prefix(keys::directory_log());
            let page = self.backend().scan(log, newest).await?;
            let row = self.backend().get(&keys::directory()).await?;
            if before != row {
                continue;
            }
            let last = page
                .rows
                .first()
                .and_then(|(key, _)| keys::log_position(key));
            if row.map(|row| row.revision) == last.map(|(revision, _)| revision) {
                return Ok(Vec::new());
            }
            let detail = "its log does not end with its newest change".to_owned();
            return Ok(vec![new_directory_log(Finding::new("directory", detail))]);
        }
        Ok(Vec::new())
    }

    pub(super) async fn judge_directory_entry(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let Some(row) = self.backend().get(key).await? else {
            return Ok(Vec::new());
        };
        let read = record::decode::<PrincipalId>(&row.value, "directory log");
        let finding = read
            .err()
            .map(|error| Finding::unreadable("directory", key, &error));
        Ok(finding.map(new_directory_log).into_iter().collect())
    }

    /// Nothing follows from an entry of the audit, and it follows from nothing: one that cannot be read is lost.
    pub(super) async fn judge_audit(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let is_place = keys::audit_owner(key).is_some();
        self.judge_log_of::<AuditEntry>("audit", key, is_place)
            .await
    }

    /// The same holds of an entry of a scheduling log.
    pub(super) async fn judge_scheduling_log(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        let is_place = keys::scheduling_log_of(key).is_some();
        self.judge_log_of::<SchedulingLogEntry>("scheduling log", key, is_place)
            .await
    }

    /// A row that outlived its group or its meeting does no harm: it is forgotten when it is met.
    pub(super) async fn judge_group_meeting(&self, key: &Key) -> Result<Vec<Finding>, ReadError> {
        const WHAT: &str = "meeting of a group";
        let Some(row) = self.backend().get(key).await? else {
            return Ok(Vec::new());
        };
        let finding = match (
            keys::group_of_meeting(key),
            record::decode(&row.value, WHAT),
        ) {
            (Some(group), Ok(GroupMeeting { home, uid }))
                if keys::group_meeting(group, home, &uid) == *key =>
            {
                return Ok(Vec::new());
            }
            (_, Err(error)) => Finding::unreadable(WHAT, key, &error),
            _ => Finding::new(WHAT, format!("{} is another meeting's", shown(key))),
        };
        Ok(vec![finding.mended_by_removing(key, &row, Vec::new())])
    }

    async fn judge_log_of<T: record::Row>(
        &self,
        what: &'static str,
        key: &Key,
        is_place: bool,
    ) -> Result<Vec<Finding>, ReadError> {
        let Some(row) = self.backend().get(key).await? else {
            return Ok(Vec::new());
        };
        if !is_place {
            let detail = format!("{} is no place in it", shown(key));
            return Ok(vec![Finding::new(what, detail)]);
        }
        let read = record::decode::<T>(&row.value, what);
        let unreadable = |error| {
            Finding::unreadable(what, key, &error).mended_by_removing(key, &row, Vec::new())
        };
        Ok(read.err().map(unreadable).into_iter().collect())
    }
}

/// Whoever knows the directory from before reads it anew.
fn new_directory_log(mut finding: Finding) -> Finding {
    finding.mending = Some(Mending {
        what: "the directory's log was begun anew".to_owned(),
        remedy: Remedy::NewLog {
            log: keys::directory_log(),
            // Nobody has this identity.
            entry: record::encode(&PrincipalId(0)),
            operations: vec![Operation::Put(keys::directory(), bytes::Bytes::new())],
        },
    });
    finding
}

fn judge_principal(
    key: &Key,
    row: &Entry,
    principal: &Principal,
    rows: &[Option<Entry>],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let id = principal.id;
    let name = &principal.name;
    if *key != keys::principal(id) {
        findings.push(Finding::new(
            "principal",
            format!("{name:?} stands in another's row"),
        ));
        return findings;
    }
    let unique = unique_keys(principal);
    for (unique, entry) in unique.iter().zip(rows) {
        let place = String::from_utf8_lossy(&unique[1..]).into_owned();
        match Related::<PrincipalId>::value(entry.as_ref()) {
            Related::Is(holder, _) if holder == id => {}
            Related::Is(..) => findings.push(Finding::new(
                UNIQUE,
                format!("{place:?} of {name:?} belongs to somebody else, too"),
            )),
            Related::Missing | Related::Unreadable => {
                let expect = vec![
                    Expect::Revision(key.clone(), row.revision),
                    as_read(unique, entry.as_ref()),
                ];
                let operations = vec![Operation::Put(unique.clone(), record::encode(&id))];
                let finding = Finding::new(UNIQUE, format!("{place:?} does not lead to {name:?}"));
                findings.push(finding.mended_by("it does now", expect, operations));
            }
        }
    }
    if let Some(home) = principal.home
        && !is_home_of(home, id, rows[unique.len()].as_ref())
    {
        findings.push(Finding::new("principal", format!("{name:?} has no home")));
    }
    findings
}

fn is_home_of(home: CollectionId, owner: PrincipalId, entry: Option<&Entry>) -> bool {
    match Related::<Collection>::value(entry) {
        Related::Is(header, _) => {
            header.id == home
                && header.kind == CollectionKind::Home
                && header.owner == owner
                && !header.is_detached()
        }
        Related::Missing | Related::Unreadable => false,
    }
}
