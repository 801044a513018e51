/*
 * Preloaded into the writer of the store's tests. While the file named by SLIPWAY_FAULT exists, calls on files
 * whose path contains "slipway.db" fail: its first character says which, 's' syncs with EIO (nothing is
 * synced), 'f' writes with ENOSPC.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int faulty(int fd, char kind) {
  const char *control = getenv("SLIPWAY_FAULT");
  if (control == NULL) return 0;
  int saved = errno;
  char wanted = 0;
  int file = open(control, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    if (read(file, &wanted, 1) != 1) wanted = 0;
    close(file);
  }
  errno = saved;
  if (wanted != kind) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "slipway.db") != NULL;
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fsync");
  if (faulty(fd, 's')) { errno = EIO; return -1; }
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = dlsym(RTLD_NEXT, "fdatasync");
  if (faulty(fd, 's')) { errno = EIO; return -1; }
  return real(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (real == NULL) real = dlsym(RTLD_NEXT, "pwrite64");
  if (faulty(fd, 'f')) { errno = ENOSPC; return -1; }
  return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
