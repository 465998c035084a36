/* Records what a program does to the files below one folder, as a library that is loaded before all
 * others (LD_PRELOAD). tests/src/power says what becomes of the record.
 *
 * RECORD_FOLDER   the folder, as an absolute path
 * RECORD_TRACE    the file that the record is appended to
 * RECORD_BOOT     a file that is read in place of the kernel's name for this start of the machine
 * RECORD_KILL     after so many entries the process is killed (SIGKILL); 0 for never
 *
 * Every call that changes something runs under one lock together with its entry, so the order of
 * the entries is the order of the changes, and a kill falls between two of them. A sync has two
 * entries: what was changed before it began is durable when it has ended. The sync itself is not
 * done, it only lasts: no record depends on how quick the disk of the machine is. What the program
 * writes to its standard output is recorded as a note: what the world has been told.
 *
 * What is not modelled (shared writable mappings, synchronous files, holes and the like) ends the
 * program instead of giving a wrong record. Calls that do not go through the C library are not
 * seen; whoever reads the record compares its outcome with the real folder. */
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    OPEN = 1,
    WRITE,
    ZEROS,
    LENGTH,
    SYNC_BEGINS,
    SYNC_ENDS,
    RENAME,
    REMOVE,
    MAKE_FOLDER,
    LINK,
    NOTE,
};

enum open_flag { MAY_CREATE = 1, EMPTIES = 2 };

struct __attribute__((packed)) header {
    uint8_t kind;
    uint64_t handle;
    uint64_t number; /* offset, length, flags, or which sync */
    uint32_t octets; /* of the payload that follows; of the run of zeros, which has none */
};

#define MOST_DESCRIPTORS 65536
#define LONGEST_SYNC_MICROSECONDS 400

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t handles[MOST_DESCRIPTORS]; /* 0 where a descriptor is none of ours */
static uint64_t last_handle, last_sync, entries, kill_after, sync_state = 1;
static char folder[PATH_MAX];
static size_t folder_length;
static int trace = -1;

static void refuse(const char *what) {
    dprintf(2, "record: %s is not modelled\n", what);
    abort();
}

#define REAL(name) \
    static __typeof__(name) *real_##name; \
    if (!real_##name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static void begin(void) {
    const char *path = getenv("RECORD_FOLDER"), *to = getenv("RECORD_TRACE"), *when = getenv("RECORD_KILL");
    if (!path || !to || strlen(path) >= sizeof folder) refuse("a record without a folder and a trace");
    strcpy(folder, path);
    folder_length = strlen(folder);
    kill_after = when ? strtoull(when, NULL, 10) : 0;
    REAL(open64);
    trace = real_open64(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) refuse("a trace that cannot be written");
}

static void enter(void) {
    pthread_once(&once, begin);
    pthread_mutex_lock(&lock);
}

static void leave(void) {
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
}

static void add(enum kind kind, uint64_t handle, uint64_t number, const void *payload, size_t octets) {
    int error = errno;
    struct header header = {kind, handle, number, (uint32_t)octets};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)payload, kind == ZEROS ? 0 : octets}};
    ssize_t wanted = (ssize_t)(parts[0].iov_len + parts[1].iov_len);
    REAL(writev);
    if (octets > UINT32_MAX || real_writev(trace, parts, 2) != wanted) refuse("a trace that is cut short");
    if (++entries == kill_after) {
        /* Under the lock: no other thread can change anything any more. */
        kill(getpid(), SIGKILL);
        pause();
    }
    errno = error;
}

static void add_octets(uint64_t handle, uint64_t offset, const char *octets, size_t count) {
    int zeros = count > 0 && octets[0] == 0 && memcmp(octets, octets + 1, count - 1) == 0;
    add(zeros ? ZEROS : WRITE, handle, offset, octets, count);
}

/* The program is told which start of the machine this is. */
static const char *redirected(const char *path) {
    const char *boot = getenv("RECORD_BOOT");
    return boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? boot : path;
}

/* Takes `.`, `..` and needless slashes out of an absolute path. */
static void straighten(char *path) {
    char *to = path;
    for (const char *from = path; *from;) {
        const char *name = from + strspn(from, "/");
        size_t length = strcspn(name, "/");
        from = name + length;
        if (length == 2 && name[0] == '.' && name[1] == '.') {
            while (to > path && *--to != '/') {}
        } else if (length > 1 || (length == 1 && name[0] != '.')) {
            *to++ = '/';
            memmove(to, name, length);
            to += length;
        }
    }
    *to = 0;
}

/* The path from the folder, or NULL where it is not below it. The buffer has room for two paths. */
static const char *inside(int directory, const char *path, char *buffer) {
    size_t length = 0;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t read = readlink(directory == AT_FDCWD ? "/proc/self/cwd" : link, buffer, PATH_MAX - 1);
        if (read < 0) return NULL;
        length = (size_t)read;
    }
    snprintf(buffer + length, PATH_MAX, "/%s", path);
    straighten(buffer);
    if (strncmp(buffer, folder, folder_length) != 0) return NULL;
    if (buffer[folder_length] == 0) return "";
    return buffer[folder_length] == '/' ? buffer + folder_length + 1 : NULL;
}

static uint64_t handle_of(int descriptor) {
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS ? handles[descriptor] : 0;
}

static void set_handle(int descriptor, uint64_t handle) {
    if (descriptor >= MOST_DESCRIPTORS) {
        if (handle) refuse("so many open files");
    } else if (descriptor >= 0) {
        handles[descriptor] = handle;
    }
}

/* Takes note of a file that was opened. */
static void opened(int descriptor, const char *path, int flags) {
    set_handle(descriptor, 0);
    if (descriptor < 0 || !path) return;
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && (flags & (O_SYNC | O_DSYNC))) refuse("a synchronous file");
    if ((flags & O_TMPFILE) == O_TMPFILE) refuse("a file without a name");
    set_handle(descriptor, ++last_handle);
    uint64_t known = (flags & O_CREAT ? MAY_CREATE : 0) | (writes && (flags & O_TRUNC) ? EMPTIES : 0);
    add(OPEN, last_handle, known, path, strlen(path));
}

#define OPEN_CALL(name, parameters, arguments, directory) \
    int name parameters { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        REAL(name); \
        char buffer[PATH_MAX * 2]; \
        enter(); \
        path = redirected(path); \
        const char *path_inside = inside(directory, path, buffer); \
        int descriptor = real_##name arguments; \
        opened(descriptor, path_inside, flags); \
        leave(); \
        return descriptor; \
    }

OPEN_CALL(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN_CALL(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN_CALL(openat, (int directory, const char *path, int flags, ...), (directory, path, flags, mode), directory)
OPEN_CALL(openat64, (int directory, const char *path, int flags, ...), (directory, path, flags, mode), directory)

int creat(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

int close(int descriptor) {
    REAL(close);
    enter();
    set_handle(descriptor, 0);
    int result = real_close(descriptor);
    leave();
    return result;
}

int closedir(DIR *directory) {
    REAL(closedir);
    enter();
    set_handle(dirfd(directory), 0);
    int result = real_closedir(directory);
    leave();
    return result;
}

static int duplicated(int from, int to) {
    if (to >= 0) set_handle(to, handle_of(from));
    return to;
}

int dup(int from) {
    REAL(dup);
    enter();
    int result = duplicated(from, real_dup(from));
    leave();
    return result;
}

int dup2(int from, int to) {
    REAL(dup2);
    enter();
    int result = duplicated(from, real_dup2(from, to));
    leave();
    return result;
}

int dup3(int from, int to, int flags) {
    REAL(dup3);
    enter();
    int result = duplicated(from, real_dup3(from, to, flags));
    leave();
    return result;
}

#define FCNTL_CALL(name) \
    int name(int descriptor, int command, ...) { \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        REAL(name); \
        /* All others may wait, for a lock on a file. */ \
        if (command != F_DUPFD && command != F_DUPFD_CLOEXEC) return real_##name(descriptor, command, argument); \
        enter(); \
        int result = duplicated(descriptor, real_##name(descriptor, command, argument)); \
        leave(); \
        return result; \
    }

FCNTL_CALL(fcntl)
FCNTL_CALL(fcntl64)

/* Takes note of what was written at the file's position, which now stands behind it. */
static void written(int descriptor, const struct iovec *parts, ssize_t count, int64_t offset) {
    uint64_t handle = handle_of(descriptor);
    if (count <= 0 || (!handle && descriptor != 1)) return;
    size_t left = (size_t)count;
    if (handle && offset < 0) offset = lseek64(descriptor, 0, SEEK_CUR) - count;
    for (; left > 0; parts++) {
        size_t here = parts->iov_len < left ? parts->iov_len : left;
        if (handle) {
            add_octets(handle, (uint64_t)offset, parts->iov_base, here);
        } else {
            add(NOTE, 0, 0, parts->iov_base, here);
        }
        offset += (int64_t)here;
        left -= here;
    }
}

/* Whether a write must be recorded; all others do not wait for one another. */
static int is_recorded(int descriptor) {
    pthread_once(&once, begin);
    return descriptor == 1 || handle_of(descriptor);
}

#define WRITE_CALL(name, parameters, arguments, parts, offset) \
    ssize_t name parameters { \
        REAL(name); \
        if (!is_recorded(descriptor)) return real_##name arguments; \
        enter(); \
        ssize_t count = real_##name arguments; \
        written(descriptor, parts, count, offset); \
        leave(); \
        return count; \
    }

#define ONE_PART (&(struct iovec){(void *)octets, length})
WRITE_CALL(write, (int descriptor, const void *octets, size_t length), (descriptor, octets, length), ONE_PART, -1)
WRITE_CALL(writev, (int descriptor, const struct iovec *parts, int number), (descriptor, parts, number), parts, -1)
WRITE_CALL(pwrite, (int descriptor, const void *octets, size_t length, off_t at), (descriptor, octets, length, at),
           ONE_PART, at)
WRITE_CALL(pwrite64, (int descriptor, const void *octets, size_t length, off64_t at),
           (descriptor, octets, length, at), ONE_PART, at)
WRITE_CALL(pwritev, (int descriptor, const struct iovec *parts, int number, off_t at),
           (descriptor, parts, number, at), parts, at)
WRITE_CALL(pwritev64, (int descriptor, const struct iovec *parts, int number, off64_t at),
           (descriptor, parts, number, at), parts, at)

#define TRUNCATE_CALL(name, offset) \
    int name(int descriptor, offset length) { \
        REAL(name); \
        enter(); \
        int result = real_##name(descriptor, length); \
        if (result == 0 && handle_of(descriptor)) \
            add(LENGTH, handle_of(descriptor), (uint64_t)length, NULL, 0); \
        leave(); \
        return result; \
    }

TRUNCATE_CALL(ftruncate, off_t)
TRUNCATE_CALL(ftruncate64, off64_t)

#define TRUNCATE_PATH_CALL(name, offset) \
    int name(const char *path, offset length) { \
        int descriptor = open(path, O_WRONLY | O_CLOEXEC); \
        if (descriptor < 0) return -1; \
        int result = ftruncate64(descriptor, length), error = errno; \
        close(descriptor); \
        errno = error; \
        return result; \
    }

TRUNCATE_PATH_CALL(truncate, off_t)
TRUNCATE_PATH_CALL(truncate64, off64_t)

/* How long the next sync lasts, by a small generator of random numbers (xorshift). */
static useconds_t pause_of_sync(void) {
    sync_state ^= sync_state << 13;
    sync_state ^= sync_state >> 7;
    sync_state ^= sync_state << 17;
    return (useconds_t)(sync_state % LONGEST_SYNC_MICROSECONDS);
}

static int synced(int descriptor) {
    enter();
    uint64_t handle = handle_of(descriptor);
    uint64_t number = ++last_sync;
    useconds_t pause = pause_of_sync();
    if (handle) add(SYNC_BEGINS, handle, number, NULL, 0);
    leave();
    if (!handle) return 0;
    usleep(pause);
    enter();
    add(SYNC_ENDS, handle, number, NULL, 0);
    leave();
    return 0;
}

int fsync(int descriptor) { return synced(descriptor); }
int fdatasync(int descriptor) { return synced(descriptor); }

/* Promises nothing after a power failure, says its manual. */
int sync_file_range(int descriptor, off64_t offset, off64_t count, unsigned flags) {
    (void)descriptor, (void)offset, (void)count, (void)flags;
    return 0;
}

void sync(void) { refuse("sync"); }

int syncfs(int descriptor) {
    (void)descriptor;
    refuse("syncfs");
    return -1;
}

/* Takes note of a change of names; a second path where it has two. */
static void named(enum kind kind, const char *from, const char *to) {
    char both[PATH_MAX * 4];
    if (!from && !to) return;
    if (!from || (kind != REMOVE && kind != MAKE_FOLDER && !to)) refuse("a name that leaves the folder");
    int length = to ? snprintf(both, sizeof both, "%s%c%s", from, 0, to) : snprintf(both, sizeof both, "%s", from);
    add(kind, 0, 0, both, (size_t)length);
}

#define NAME_CALL(name, parameters, arguments, kind, directory) \
    int name parameters { \
        REAL(name); \
        char buffer[PATH_MAX * 2]; \
        enter(); \
        const char *path_inside = inside(directory, path, buffer); \
        int result = real_##name arguments; \
        if (result == 0) named(kind, path_inside, NULL); \
        leave(); \
        return result; \
    }

NAME_CALL(unlink, (const char *path), (path), REMOVE, AT_FDCWD)
NAME_CALL(rmdir, (const char *path), (path), REMOVE, AT_FDCWD)
NAME_CALL(remove, (const char *path), (path), REMOVE, AT_FDCWD)
NAME_CALL(unlinkat, (int directory, const char *path, int flags), (directory, path, flags), REMOVE, directory)
NAME_CALL(mkdir, (const char *path, mode_t mode), (path, mode), MAKE_FOLDER, AT_FDCWD)
NAME_CALL(mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode), MAKE_FOLDER, directory)

#define TWO_NAMES_CALL(name, parameters, arguments, kind, first, second) \
    int name parameters { \
        REAL(name); \
        char from_buffer[PATH_MAX * 2], to_buffer[PATH_MAX * 2]; \
        enter(); \
        const char *from_inside = inside(first, from, from_buffer), *to_inside = inside(second, to, to_buffer); \
        int result = real_##name arguments; \
        if (result == 0) named(kind, from_inside, to_inside); \
        leave(); \
        return result; \
    }

TWO_NAMES_CALL(rename, (const char *from, const char *to), (from, to), RENAME, AT_FDCWD, AT_FDCWD)
TWO_NAMES_CALL(renameat, (int first, const char *from, int second, const char *to), (first, from, second, to), RENAME,
               first, second)
TWO_NAMES_CALL(link, (const char *from, const char *to), (from, to), LINK, AT_FDCWD, AT_FDCWD)
TWO_NAMES_CALL(linkat, (int first, const char *from, int second, const char *to, int flags),
               (first, from, second, to, flags), LINK, first, second)

int renameat2(int first, const char *from, int second, const char *to, unsigned flags) {
    if (flags & ~(unsigned)RENAME_NOREPLACE) refuse("an exchange of names");
    REAL(renameat2);
    char from_buffer[PATH_MAX * 2], to_buffer[PATH_MAX * 2];
    enter();
    const char *from_inside = inside(first, from, from_buffer), *to_inside = inside(second, to, to_buffer);
    int result = real_renameat2(first, from, second, to, flags);
    if (result == 0) named(RENAME, from_inside, to_inside);
    leave();
    return result;
}

int symlinkat(const char *target, int directory, const char *path) {
    char buffer[PATH_MAX * 2];
    enter();
    if (inside(directory, path, buffer)) refuse("a symbolic link");
    leave();
    REAL(symlinkat);
    return real_symlinkat(target, directory, path);
}

int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

static void refuse_ours(int descriptor, const char *what) {
    if (is_recorded(descriptor) && handle_of(descriptor)) refuse(what);
}

#define MAP_CALL(name, offset) \
    void *name(void *address, size_t length, int protection, int flags, int descriptor, offset at) { \
        if (descriptor >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE)) \
            refuse_ours(descriptor, "a shared writable mapping"); \
        REAL(name); \
        return real_##name(address, length, protection, flags, descriptor, at); \
    }

MAP_CALL(mmap, off_t)
MAP_CALL(mmap64, off64_t)

#define ALLOCATE_CALL(name, parameters, arguments) \
    int name parameters { \
        refuse_ours(descriptor, "an allocation of room"); \
        REAL(name); \
        return real_##name arguments; \
    }

ALLOCATE_CALL(fallocate, (int descriptor, int mode, off_t at, off_t length), (descriptor, mode, at, length))
ALLOCATE_CALL(fallocate64, (int descriptor, int mode, off64_t at, off64_t length), (descriptor, mode, at, length))
ALLOCATE_CALL(posix_fallocate, (int descriptor, off_t at, off_t length), (descriptor, at, length))
ALLOCATE_CALL(posix_fallocate64, (int descriptor, off64_t at, off64_t length), (descriptor, at, length))

/* Copies inside the kernel: whoever may use them reads and writes where they are refused. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t length, unsigned flags) {
    (void)from, (void)from_at, (void)to, (void)to_at, (void)length, (void)flags;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t count) {
    (void)to, (void)from, (void)at, (void)count;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t count) { return sendfile64(to, from, at, count); }
