#ifndef CHAOS_LAB_INTERNAL_H
#define CHAOS_LAB_INTERNAL_H

#ifdef __linux__

#include <sys/types.h>

/// Makes a child like fork(2), but in namespaces of its own (clone(2)); `is_privileged` leaves the user
/// namespace out. The calling process must have one thread, or do nothing in the child but system calls.
pid_t chaos_clone_into_lab(int is_privileged);

/// In the child: its user and group become themselves inside (user_namespaces(7)); 0, or the errno.
int chaos_keep_identity(uid_t user, gid_t group);

/// In the child: what is mounted stays inside; 0, or the errno.
int chaos_keep_mounts(void);

/// In the child: /proc shows the processes of the new namespace; 0, or the errno.
int chaos_mount_proc(void);

/// Writes a short text to a file; 0, or the errno.
int chaos_write_file(const char *path, const char *text);

#endif
#endif
