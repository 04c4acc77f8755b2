#define _GNU_SOURCE
#include "guardian.h"
#include "process_table.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

int chaos_adopt_orphans(void) {
#if defined(__linux__)
    return prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? 0 : errno;
#else
    return ENOSYS;
#endif
}

static int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Pids that stay selected although a zombie's environment can no longer be read.
typedef struct {
    pid_t *list;
    int count, room;
} pid_list;

static void remember(pid_list *known, pid_t pid) {
    for (int i = 0; i < known->count; i++)
        if (known->list[i] == pid) return;
    if (known->count == known->room) {
        pid_t *larger = realloc(known->list, sizeof(pid_t) * (size_t)(known->room * 2 + 64));
        if (!larger) return;
        known->list = larger;
        known->room = known->room * 2 + 64;
    }
    known->list[known->count++] = pid;
}

static void forget(pid_list *known, pid_t pid) {
    for (int i = 0; i < known->count; i++)
        if (known->list[i] == pid) known->list[i] = known->list[--known->count];
}

int chaos_sweep(
    const char *marker, const pid_t *pids, int pid_count, int everything, int milliseconds_limit,
    void (*exited)(void *context, pid_t pid, int status), void *context
) {
    chaos_process_table *table = malloc(sizeof *table);
    if (!table) return -ENOMEM;
    pid_list known = {0};
    for (int i = 0; i < pid_count; i++) remember(&known, pids[i]);
    const pid_t self = getpid();
    const int64_t limit = milliseconds() + milliseconds_limit;
    int alive, reaped, pending;
    for (;;) {
        chaos_selection left = {
            .root = self, .everything = everything, .pids = known.list, .pid_count = known.count,
            .marker = marker,
        };
        if (chaos_table_read(table) < 0) table->count = 0;
        alive = chaos_table_select(table, &left);
        chaos_table_signal(table, SIGKILL);
        reaped = pending = 0;
        for (int i = 0; i < table->count; i++) {
            int status;
            pid_t pid = table->list[i].pid;
            if (!table->list[i].member) continue;
            remember(&known, pid);
            // One by one: a program that embeds chaos waits for its other children itself.
            if (table->list[i].parent != self) continue;
            if (waitpid(pid, &status, WNOHANG) <= 0) {
                pending++;
                continue;
            }
            forget(&known, pid);
            exited(context, pid, status);
            reaped++;
        }
        if ((alive + reaped + pending == 0) || milliseconds() > limit) break;
        poll(NULL, 0, 2);
    }
    free(known.list);
    free(table);
    return alive;
}
