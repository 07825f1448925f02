/*
 * Preloaded into a process, this keeps a journal of what it does to the SQLite files of one directory: every write
 * with its bytes, every truncation, removal and sync. From that the state after a power loss can be made: see
 * power-loss.ts, which knows the same record. The journal itself survives kill -9, as it is in the page cache.
 *
 * POWER_LOSS_DIR      the directory, without a slash at its end
 * POWER_LOSS_JOURNAL  the journal's file
 * POWER_LOSS_FORGET   syncs of files with this ending are not noted: what a missing fsync would look like
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, UNLINK = 3, SYNC = 4 };

/* Before each record, little-endian as the machine. `covers`: a sync covers the records before this index. */
struct header {
  uint32_t type;
  uint32_t name_length;
  uint64_t offset;
  uint64_t data_length;
  uint64_t covers;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t records = 0;
static int journal = -1;

static int ends_with(const char *text, const char *ending) {
  size_t a = strlen(text), b = strlen(ending);
  return a >= b && strcmp(text + a - b, ending) == 0;
}

/* The name below the directory ("" for the directory itself) if the path is one to keep a journal of. */
static const char *watched(const char *path) {
  const char *dir = getenv("POWER_LOSS_DIR");
  if (dir == NULL) return NULL;
  size_t length = strlen(dir);
  if (strncmp(path, dir, length) != 0) return NULL;
  if (path[length] == '\0') return path + length;
  if (path[length] != '/') return NULL;
  const char *name = path + length + 1;
  /* The index of the WAL is made anew after a loss, and the lock file holds nothing. */
  if (strncmp(name, "events.db", 9) != 0 || ends_with(name, "-shm") || strstr(name, ".lock") != NULL) return NULL;
  return name;
}

static const char *watched_fd(int fd, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length <= 0) return NULL;
  buffer[length] = '\0';
  return watched(buffer);
}

/* Called with the lock held. A test must not go on with a journal that lacks something. */
static void note(uint32_t type, const char *name, uint64_t offset, const void *data, uint64_t length, uint64_t covers) {
  if (journal < 0) {
    const char *path = getenv("POWER_LOSS_JOURNAL");
    journal = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) abort();
  }
  struct header header = {type, (uint32_t)strlen(name), offset, length, covers};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)name, strlen(name)}, {(void *)data, length}};
  ssize_t expected = (ssize_t)(sizeof header + strlen(name) + length);
  if (syscall(SYS_writev, journal, parts, 3) != expected) abort();
  records += 1;
}

static ssize_t noted_write(int fd, const void *data, size_t length, off_t offset, int positioned) {
  char buffer[4096];
  const char *name = watched_fd(fd, buffer, sizeof buffer);
  if (name == NULL) {
    return positioned ? syscall(SYS_pwrite64, fd, data, length, offset) : syscall(SYS_write, fd, data, length);
  }
  pthread_mutex_lock(&lock);
  if (!positioned) offset = lseek(fd, 0, SEEK_CUR);
  ssize_t written =
      positioned ? syscall(SYS_pwrite64, fd, data, length, offset) : syscall(SYS_write, fd, data, length);
  if (written > 0) note(WRITE, name, (uint64_t)offset, data, (uint64_t)written, 0);
  pthread_mutex_unlock(&lock);
  return written;
}

ssize_t write(int fd, const void *data, size_t length) { return noted_write(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return noted_write(fd, data, length, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return noted_write(fd, data, length, at, 1); }

int ftruncate64(int fd, off64_t length) {
  char buffer[4096];
  const char *name = watched_fd(fd, buffer, sizeof buffer);
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_ftruncate, fd, length);
  if (name != NULL && result == 0) note(TRUNCATE, name, (uint64_t)length, "", 0, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
  const char *name = watched(path);
  pthread_mutex_lock(&lock);
  int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (name != NULL && result == 0) note(UNLINK, name, 0, "", 0, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

/* Without the lock while the disk works, so that threads meet as they do without this file. */
static int noted_sync(int fd, long number) {
  char buffer[4096];
  const char *name = watched_fd(fd, buffer, sizeof buffer);
  pthread_mutex_lock(&lock);
  uint64_t covers = records;
  pthread_mutex_unlock(&lock);
  int result = (int)syscall(number, fd);
  const char *forget = getenv("POWER_LOSS_FORGET");
  if (name != NULL && result == 0 && (forget == NULL || !ends_with(name, forget))) {
    pthread_mutex_lock(&lock);
    note(SYNC, name, 0, "", 0, covers);
    pthread_mutex_unlock(&lock);
  }
  return result;
}

int fsync(int fd) { return noted_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return noted_sync(fd, SYS_fdatasync); }
