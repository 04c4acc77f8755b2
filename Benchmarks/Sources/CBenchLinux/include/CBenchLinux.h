// What Swift's module of glibc leaves out.
#ifndef CHAOS_BENCH_LINUX_H
#define CHAOS_BENCH_LINUX_H

#include <spawn.h>
#include <sys/epoll.h>

// Has a spawned program start without the descriptors from 3 on; returns an error number or 0.
int bench_close_inherited(posix_spawn_file_actions_t *actions);

#endif
