//! A file system of which is known what is durable: see the model in `power`'s own words.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use storage::testing::SeededEntropy;

use super::{
    trace::{Change, Entry},
    versions::{Time, Versions},
};

/// What survives or not as one.
const PAGE_OCTETS: usize = 4096;

/// The folder that was recorded.
const ROOT: usize = 0;

/// The octets of a page; `None` where all are zero.
type Page = Option<Arc<[u8; PAGE_OCTETS]>>;

/// A file or folder, whatever its names: where it stands in [`Disk::nodes`].
type Node = usize;

/// How much of what was not synced is there after a power failure, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survival {
    /// Of the pages, and of the lengths of files.
    pub pages: u64,
    /// Of the changes of names.
    pub names: u64,
}

#[derive(Clone)]
enum Content {
    Folder,
    File {
        pages: BTreeMap<u64, Versions<Page>>,
        length: Versions<u64>,
    },
}

/// In which folder, under which name.
type Place = (Node, String);

/// A change of names that is not durable yet; all of it happens or nothing.
#[derive(Clone)]
struct Naming {
    time: Time,
    places: Vec<(Place, Option<Node>)>,
    /// The folders whose sync is missing.
    unsynced: Vec<Node>,
}

/// The files below a folder: as a program sees them, and what of it is durable.
#[derive(Clone)]
pub struct Disk {
    nodes: Vec<Content>,
    /// As a program sees them.
    names: BTreeMap<Place, Node>,
    /// As they are for certain, and since when: a later change may be durable before an earlier one.
    durable_names: BTreeMap<Place, (Time, Option<Node>)>,
    pending: Vec<Naming>,
    handles: HashMap<u64, Node>,
    /// The syncs that are under way, by their numbers: of what, and since when.
    syncs: HashMap<u64, (Node, Time)>,
    time: Time,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk {
            nodes: vec![Content::Folder],
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            handles: HashMap::new(),
            syncs: HashMap::new(),
            time: 0,
        }
    }
}

impl Disk {
    /// Does what a trace says.
    ///
    /// # Errors
    /// Says in words what of it cannot be: then the trace is incomplete.
    pub fn apply(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        self.time += 1;
        match entry {
            Entry::Change(change) => self.change(change),
            Entry::SyncBegins(sync) => {
                let node = self.handle(sync.handle)?;
                self.syncs.insert(sync.number, (node, self.time));
                Ok(())
            }
            Entry::SyncEnds(sync) => {
                let begun = self.syncs.remove(&sync.number);
                let (node, begun) = begun.ok_or("a sync ended that never began")?;
                self.sync(node, begun);
                Ok(())
            }
            Entry::Note(_) => Ok(()),
        }
    }

    /// The program has ended: its files are closed, and its syncs will not end.
    pub fn end_life(&mut self) {
        self.handles.clear();
        self.syncs.clear();
    }

    /// The path of what a handle stands for, as far as it has one.
    pub fn path_of(&self, handle: u64) -> Option<String> {
        let mut node = *self.handles.get(&handle)?;
        let mut path = String::new();
        while node != ROOT {
            let ((folder, name), _) = self.names.iter().find(|(_, named)| **named == node)?;
            path.insert_str(0, name);
            path.insert(0, '/');
            node = *folder;
        }
        Some(path)
    }

    fn handle(&self, handle: u64) -> Result<Node, String> {
        let node = self.handles.get(&handle).copied();
        node.ok_or_else(|| format!("handle {handle} was never opened"))
    }

    /// The folder and the name that a path ends with.
    fn place(&self, path: &str) -> Result<Place, String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.node(folder)?, name.to_owned()))
    }

    fn node(&self, path: &str) -> Result<Node, String> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        parts.try_fold(ROOT, |folder, name| {
            let found = self.names.get(&(folder, name.to_owned()));
            found.copied().ok_or_else(|| format!("{path} is not there"))
        })
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Open {
                handle,
                path,
                may_create,
                empties,
            } => self.open(*handle, path, *may_create, *empties)?,
            Change::Write {
                handle,
                offset,
                octets,
            } => self.write(*handle, *offset, octets)?,
            Change::Zeros {
                handle,
                offset,
                count,
            } => self.write(*handle, *offset, &vec![0; *count as usize])?,
            Change::Length { handle, octets } => {
                let node = self.handle(*handle)?;
                self.set_length(node, *octets)?;
            }
            Change::Rename(from, to) => {
                let (node, from, to) = (self.node(from)?, self.place(from)?, self.place(to)?);
                self.set_names(vec![(from, None), (to, Some(node))]);
            }
            Change::Remove(path) => {
                self.node(path)?;
                self.set_names(vec![(self.place(path)?, None)]);
            }
            Change::MakeFolder(path) => {
                let place = self.place(path)?;
                let node = self.new_node(Content::Folder);
                self.set_names(vec![(place, Some(node))]);
            }
            Change::Link(from, to) => {
                let (node, to) = (self.node(from)?, self.place(to)?);
                self.set_names(vec![(to, Some(node))]);
            }
        }
        Ok(())
    }

    fn new_node(&mut self, content: Content) -> Node {
        self.nodes.push(content);
        self.nodes.len() - 1
    }

    fn open(
        &mut self,
        handle: u64,
        path: &str,
        may_create: bool,
        empties: bool,
    ) -> Result<(), String> {
        let node = match self.node(path) {
            Ok(node) => node,
            Err(_) if may_create => {
                let place = self.place(path)?;
                let node = self.new_node(Content::File {
                    pages: BTreeMap::new(),
                    length: Versions::new(0),
                });
                self.set_names(vec![(place, Some(node))]);
                node
            }
            Err(missing) => return Err(missing),
        };
        self.handles.insert(handle, node);
        if empties {
            self.set_length(node, 0)?;
        }
        Ok(())
    }

    fn set_names(&mut self, places: Vec<(Place, Option<Node>)>) {
        for (place, node) in &places {
            match node {
                Some(node) => self.names.insert(place.clone(), *node),
                None => self.names.remove(place),
            };
        }
        let mut unsynced: Vec<Node> = places.iter().map(|((folder, _), _)| *folder).collect();
        unsynced.dedup();
        self.pending.push(Naming {
            time: self.time,
            places,
            unsynced,
        });
    }

    fn write(&mut self, handle: u64, offset: u64, octets: &[u8]) -> Result<(), String> {
        let (node, time) = (self.handle(handle)?, self.time);
        let Content::File { pages, length } = &mut self.nodes[node] else {
            return Err("a folder was written to".to_owned());
        };
        let mut rest = octets;
        let mut at = offset;
        while !rest.is_empty() {
            let within = (at % PAGE_OCTETS as u64) as usize;
            let (here, behind) = rest.split_at(rest.len().min(PAGE_OCTETS - within));
            change_page(pages, at / PAGE_OCTETS as u64, time, |page| {
                page[within..within + here.len()].copy_from_slice(here);
            });
            at += here.len() as u64;
            rest = behind;
        }
        if at > *length.newest() && !octets.is_empty() {
            length.push(time, at);
        }
        Ok(())
    }

    fn set_length(&mut self, node: Node, octets: u64) -> Result<(), String> {
        let time = self.time;
        let Content::File { pages, length } = &mut self.nodes[node] else {
            return Err("a folder was given a length".to_owned());
        };
        if octets < *length.newest() {
            let within = (octets % PAGE_OCTETS as u64) as usize;
            let boundary = octets / PAGE_OCTETS as u64;
            let cut: Vec<u64> = pages.range(boundary..).map(|(number, _)| *number).collect();
            for number in cut {
                let kept = if number == boundary { within } else { 0 };
                change_page(pages, number, time, |page| page[kept..].fill(0));
            }
        }
        if octets != *length.newest() {
            length.push(time, octets);
        }
        Ok(())
    }

    /// A sync that began at `begun` has ended.
    fn sync(&mut self, node: Node, begun: Time) {
        match &mut self.nodes[node] {
            Content::File { pages, length } => {
                pages.values_mut().for_each(|page| page.sync(begun));
                length.sync(begun);
            }
            Content::Folder => {
                for naming in &mut self.pending {
                    if naming.time <= begun {
                        naming.unsynced.retain(|folder| *folder != node);
                    }
                }
                let synced = self
                    .pending
                    .extract_if(.., |naming| naming.unsynced.is_empty());
                for naming in synced {
                    set_durable(&mut self.durable_names, &naming);
                }
            }
        }
    }

    /// What may be found after the power failed now: all of it durable.
    pub fn after_power_failure(&self, random: &SeededEntropy, survival: Survival) -> Disk {
        let mut found = self.durable_names.clone();
        for naming in &self.pending {
            if random.next() % 100 < survival.names {
                set_durable(&mut found, naming);
            }
        }
        let names = found
            .into_iter()
            .filter_map(|(place, (_, node))| Some((place, node?)));
        let names: BTreeMap<Place, Node> = names.collect();
        let nodes = self.nodes.iter().map(|content| match content {
            Content::Folder => Content::Folder,
            Content::File { pages, length } => {
                let length = *length.survivor(random, survival.pages);
                let pages = pages.iter().filter_map(|(number, page)| {
                    let page = page.survivor(random, survival.pages).clone()?;
                    Some((*number, Versions::new(cut_page(page, *number, length)?)))
                });
                Content::File {
                    pages: pages.collect(),
                    length: Versions::new(length),
                }
            }
        });
        Disk {
            nodes: nodes.collect(),
            durable_names: names
                .iter()
                .map(|(place, node)| (place.clone(), (0, Some(*node))))
                .collect(),
            names,
            time: self.time,
            ..Disk::default()
        }
    }

    /// Makes real files of it, in a folder that is there and empty.
    ///
    /// # Errors
    /// As the system says.
    pub fn write_to(&self, folder: &Path) -> io::Result<()> {
        self.write_folder(ROOT, folder)
    }

    fn write_folder(&self, node: Node, path: &Path) -> io::Result<()> {
        for (name, node) in self.entries(node) {
            let path = path.join(name);
            match &self.nodes[node] {
                Content::Folder => {
                    fs::create_dir(&path)?;
                    self.write_folder(node, &path)?;
                }
                Content::File { pages, length } => {
                    let file = fs::File::create_new(path)?;
                    for (number, page) in pages {
                        if let Some(page) = page.newest() {
                            file.write_all_at(&page[..], number * PAGE_OCTETS as u64)?;
                        }
                    }
                    file.set_len(*length.newest())?;
                }
            }
        }
        Ok(())
    }

    fn entries(&self, folder: Node) -> impl Iterator<Item = (&String, Node)> {
        let from = (folder, String::new());
        let all = self.names.range(from..(folder + 1, String::new()));
        all.map(|((_, name), node)| (name, *node))
    }

    /// Compares it, as a program sees it, with a real folder: both are the same where the trace
    /// tells of everything that happened to the folder.
    ///
    /// # Errors
    /// Says in words what is different.
    pub fn compare(&self, folder: &Path) -> Result<(), String> {
        self.compare_folder(ROOT, folder)
            .map_err(|error| format!("the record does not lead to what is there: {error}"))
    }

    fn compare_folder(&self, node: Node, path: &Path) -> Result<(), String> {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let mut there = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            there.push(name.to_string_lossy().into_owned());
        }
        there.sort_unstable();
        let expected: Vec<&String> = self.entries(node).map(|(name, _)| name).collect();
        if there.iter().ne(expected.iter().copied()) {
            let path = path.display();
            return Err(format!("{path} has {there:?} instead of {expected:?}"));
        }
        for (name, node) in self.entries(node) {
            let path = path.join(name);
            match &self.nodes[node] {
                Content::Folder => self.compare_folder(node, &path)?,
                Content::File { pages, length } => {
                    let real = fs::read(&path).map_err(|error| error.to_string())?;
                    if real != octets_of(pages, *length.newest()) {
                        return Err(format!("{} has other octets", path.display()));
                    }
                }
            }
        }
        Ok(())
    }
}

fn set_durable(names: &mut BTreeMap<Place, (Time, Option<Node>)>, naming: &Naming) {
    for (place, node) in &naming.places {
        let durable = names.entry(place.clone()).or_insert((0, None));
        if durable.0 <= naming.time {
            *durable = (naming.time, *node);
        }
    }
}

fn change_page(
    pages: &mut BTreeMap<u64, Versions<Page>>,
    number: u64,
    time: Time,
    change: impl FnOnce(&mut [u8; PAGE_OCTETS]),
) {
    let versions = pages.entry(number).or_insert(Versions::new(None));
    let mut page = versions
        .newest()
        .as_deref()
        .copied()
        .unwrap_or([0; PAGE_OCTETS]);
    change(&mut page);
    let page = page.iter().any(|octet| *octet != 0).then(|| Arc::new(page));
    versions.push(time, page);
}

/// The page of a file of this length; `None` where it lies behind it.
fn cut_page(page: Arc<[u8; PAGE_OCTETS]>, number: u64, length: u64) -> Option<Page> {
    let start = number * PAGE_OCTETS as u64;
    let kept = length.checked_sub(start).filter(|kept| *kept > 0)?;
    if kept >= PAGE_OCTETS as u64 {
        return Some(Some(page));
    }
    let mut cut = *page;
    cut[kept as usize..].fill(0);
    Some(Some(Arc::new(cut)))
}

fn octets_of(pages: &BTreeMap<u64, Versions<Page>>, length: u64) -> Vec<u8> {
    let mut octets = vec![0; length as usize];
    for (number, page) in pages {
        let start = (*number as usize) * PAGE_OCTETS;
        if let (Some(page), Some(place)) = (page.newest(), octets.get_mut(start..)) {
            let count = place.len().min(PAGE_OCTETS);
            place[..count].copy_from_slice(&page[..count]);
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::{super::trace::Sync, *};

    const EVERYTHING: Survival = Survival {
        pages: 100,
        names: 100,
    };
    const NOTHING: Survival = Survival { pages: 0, names: 0 };
    const SOMETHING: Survival = Survival {
        pages: 50,
        names: 50,
    };

    fn open(handle: u64, path: &str, empties: bool) -> Entry<'_> {
        Entry::Change(Change::Open {
            handle,
            path,
            may_create: true,
            empties,
        })
    }

    fn write(handle: u64, offset: u64, octets: &[u8]) -> Entry<'_> {
        Entry::Change(Change::Write {
            handle,
            offset,
            octets,
        })
    }

    fn sync(handle: u64) -> [Entry<'static>; 2] {
        let sync = Sync { handle, number: 1 };
        [Entry::SyncBegins(sync), Entry::SyncEnds(sync)]
    }

    fn disk<'a>(entries: impl IntoIterator<Item = Entry<'a>>) -> Disk {
        let mut disk = Disk::default();
        for entry in entries {
            disk.apply(&entry).unwrap();
        }
        disk
    }

    /// The names in the recorded folder, each with its first octet and its length.
    fn summary(disk: &Disk) -> String {
        let file = |(name, node): (&String, Node)| match &disk.nodes[node] {
            Content::Folder => format!("{name}/"),
            Content::File { pages, length } => {
                let octets = octets_of(pages, *length.newest());
                let first = octets.first().map_or('-', |octet| char::from(*octet));
                format!("{name}={first}{}", octets.len())
            }
        };
        disk.entries(ROOT).map(file).collect::<Vec<_>>().join(" ")
    }

    /// All that may be found, by trying often.
    fn found(disk: &Disk, survival: Survival) -> BTreeSet<String> {
        let random = SeededEntropy::new(3);
        (0..300)
            .map(|_| summary(&disk.after_power_failure(&random, survival)))
            .collect()
    }

    fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
        texts.map(str::to_owned).into()
    }

    #[test]
    fn a_file_and_its_name_are_synced_apart() {
        let written = [open(1, "a", false), write(1, 0, b"xyz")];
        let neither = disk(written);
        assert_eq!(found(&neither, NOTHING), set([""]));
        assert_eq!(found(&neither, EVERYTHING), set(["a=x3"]));
        assert_eq!(
            found(&neither, SOMETHING),
            set(["", "a=-0", "a=x3", "a=\x003"])
        );
        let file = disk(written.into_iter().chain(sync(1)));
        assert_eq!(found(&file, SOMETHING), set(["", "a=x3"]));
        let name = disk(
            written
                .into_iter()
                .chain([open(2, "", false)])
                .chain(sync(2)),
        );
        assert_eq!(found(&name, NOTHING), set(["a=-0"]));
        let both = [open(2, "", false)]
            .into_iter()
            .chain(sync(2))
            .chain(sync(1));
        assert_eq!(
            found(&disk(written.into_iter().chain(both)), NOTHING),
            set(["a=x3"])
        );
    }

    #[test]
    fn a_rename_is_whole_or_not_there() {
        let before = [
            open(1, "old", false),
            write(1, 0, b"o"),
            open(2, "new", false),
            write(2, 0, b"nn"),
            open(3, "", false),
        ];
        let before = before
            .into_iter()
            .chain(sync(1))
            .chain(sync(2))
            .chain(sync(3));
        let renamed = before.chain([Entry::Change(Change::Rename("new", "old"))]);
        let renamed: Vec<_> = renamed.collect();
        let pending = disk(renamed.iter().copied());
        assert_eq!(found(&pending, SOMETHING), set(["new=n2 old=o1", "old=n2"]));
        let durable = disk(renamed.into_iter().chain(sync(3)));
        assert_eq!(found(&durable, NOTHING), set(["old=n2"]));
    }

    #[test]
    fn a_removal_may_be_forgotten_and_a_length_too() {
        let start = [open(1, "a", false), write(1, 0, b"abc"), open(2, "", false)];
        let start = start.into_iter().chain(sync(1)).chain(sync(2));
        let cut = Entry::Change(Change::Length {
            handle: 1,
            octets: 1,
        });
        let cut = disk(start.clone().chain([cut]));
        assert_eq!(found(&cut, SOMETHING), set(["a=a1", "a=a3"]));
        let removed = disk(start.chain([Entry::Change(Change::Remove("a"))]));
        assert_eq!(found(&removed, SOMETHING), set(["", "a=a3"]));
        assert_eq!(summary(&removed), "");
    }

    /// Each covers what was there when it began, in whatever order they end.
    #[test]
    fn syncs_of_one_file_may_overlap() {
        let [first, second] = [1, 2].map(|number| Sync { handle: 1, number });
        let named = [open(1, "a", false), open(2, "", false)];
        let mut overlapping = disk(named.into_iter().chain(sync(2)).chain([
            write(1, 0, b"a"),
            Entry::SyncBegins(first),
            write(1, 0, b"b"),
            Entry::SyncBegins(second),
            write(1, 0, b"c"),
            Entry::SyncEnds(second),
        ]));
        assert_eq!(found(&overlapping, SOMETHING), set(["a=b1", "a=c1"]));
        overlapping.apply(&Entry::SyncEnds(first)).unwrap();
        assert_eq!(found(&overlapping, SOMETHING), set(["a=b1", "a=c1"]));
    }

    #[test]
    fn what_is_in_a_folder_goes_with_it() {
        let entries = [
            Entry::Change(Change::MakeFolder("d")),
            open(1, "d/a", false),
            open(2, "d", false),
        ];
        let mut unnamed = disk(entries.into_iter().chain(sync(2)));
        assert_eq!(found(&unnamed, NOTHING), set([""]));
        unnamed.apply(&open(3, "", false)).unwrap();
        sync(3)
            .iter()
            .for_each(|entry| unnamed.apply(entry).unwrap());
        let left = unnamed.after_power_failure(&SeededEntropy::new(1), NOTHING);
        assert!(left.node("d/a").is_ok());
    }

    #[test]
    fn files_are_what_the_trace_says() {
        let folder = tempfile::tempdir().unwrap();
        let long = [7; PAGE_OCTETS + 10];
        let entries = [
            Entry::Change(Change::MakeFolder("d")),
            open(1, "d/a", false),
            write(1, 100, &long),
            open(2, "b", true),
        ];
        let mut whole = disk(entries);
        whole.write_to(folder.path()).unwrap();
        let octets = fs::read(folder.path().join("d/a")).unwrap();
        assert_eq!(octets, [vec![0; 100], long.to_vec()].concat());
        whole.compare(folder.path()).unwrap();
        whole.apply(&write(1, 5000, b"other")).unwrap();
        whole.compare(folder.path()).unwrap_err();
        whole.apply(&write(9, 0, b"x")).unwrap_err();
        whole.apply(&sync(1)[1]).unwrap_err();
    }
}
