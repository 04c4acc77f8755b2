#define _GNU_SOURCE
#include "process_table.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static chaos_process *find(chaos_process_table *table, pid_t pid) {
    int low = 0, high = table->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (table->list[middle].pid < pid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && table->list[low].pid == pid ? &table->list[low] : NULL;
}

// Insertion sort: /proc lists processes in order of pid already, so this is one pass. The
// library's qsort may call malloc.
static void sort(chaos_process_table *table) {
    for (int i = 1; i < table->count; i++) {
        chaos_process item = table->list[i];
        int j = i;
        for (; j > 0 && table->list[j - 1].pid > item.pid; j--) table->list[j] = table->list[j - 1];
        table->list[j] = item;
    }
}

static bool listed(const chaos_selection *selection, pid_t pid) {
    for (int i = 0; i < selection->pid_count; i++)
        if (selection->pids[i] == pid) return true;
    return false;
}

// Marks what descends from the root. A parent may have a higher pid than its child once pids have
// wrapped around, hence the repetition until nothing changes.
static void mark_descendants(chaos_process_table *table, pid_t root) {
    bool changed = true;
    while (changed) {
        changed = false;
        for (int i = 0; i < table->count; i++) {
            chaos_process *process = &table->list[i];
            if (process->descends || process->pid == root) continue;
            chaos_process *parent = find(table, process->parent);
            if (process->parent == root || (parent && parent->descends))
                process->descends = changed = true;
        }
    }
}

static bool starts_a_family(
    chaos_process_table *table, const chaos_process *process, const chaos_selection *selection
) {
    if (process->descends) {
        if (selection->everything) return true;
        if (listed(selection, process->pid) || listed(selection, process->session)) return true;
        if (selection->tag && chaos_environment_holds(table, process->pid, selection->tag))
            return true;
    }
#if !defined(__linux__)
    // Without subreapers an orphan descends from pid 1; its session is all that tells.
    if (listed(selection, process->session)) return true;
#endif
    return selection->marker && chaos_environment_holds(table, process->pid, selection->marker);
}

int chaos_table_select(chaos_process_table *table, const chaos_selection *selection) {
    for (int i = 0; i < table->count; i++)
        table->list[i].descends = table->list[i].member = false;
    mark_descendants(table, selection->root);

    pid_t self = getpid();
    for (int i = 0; i < table->count; i++) {
        chaos_process *process = &table->list[i];
        if (process->pid != self && process->pid != selection->root)
            process->member = starts_a_family(table, process, selection);
    }
    bool changed = true;
    while (changed) {
        changed = false;
        for (int i = 0; i < table->count; i++) {
            chaos_process *process = &table->list[i];
            if (process->member || process->pid == self) continue;
            chaos_process *parent = find(table, process->parent);
            if (parent && parent->member) process->member = changed = true;
        }
    }
    int alive = 0;
    for (int i = 0; i < table->count; i++)
        if (table->list[i].member && table->list[i].state != 'Z') alive++;
    return alive;
}

static int in_state(const chaos_process_table *table, const char *states) {
    int count = 0;
    for (int i = 0; i < table->count; i++)
        if (table->list[i].member && strchr(states, table->list[i].state)) count++;
    return count;
}

int chaos_table_stopped(const chaos_process_table *table) { return in_state(table, "T"); }

int chaos_table_still(const chaos_process_table *table) { return in_state(table, "TD"); }

int chaos_table_signal(const chaos_process_table *table, int signal) {
    int taken = 0;
    for (int i = 0; i < table->count; i++) {
        // A zombie leader may still have running threads, so it gets the signal as well, but a
        // dead process does not count as one that took it.
        if (!table->list[i].member) continue;
        if (kill(table->list[i].pid, signal) == 0 && table->list[i].state != 'Z') taken++;
    }
    return taken;
}

#if defined(__linux__)

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>

// What getdents64(2) writes. readdir(3) would allocate.
struct directory_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static int read_file(pid_t pid, const char *name, char *buffer, int size) {
    char path[64] = "/proc/", digits[16];
    int length = 6, count = 0;
    do {
        digits[count++] = (char)('0' + pid % 10);
        pid /= 10;
    } while (pid > 0);
    while (count > 0) path[length++] = digits[--count];
    while (*name) path[length++] = *name++;
    path[length] = 0;

    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    int total = 0;
    while (total < size) {
        ssize_t got = read(file, buffer + total, (size_t)(size - total));
        if (got <= 0) break;
        total += (int)got;
    }
    close(file);
    return total;
}

static const char *read_number(const char *text, pid_t *number) {
    while (*text == ' ') text++;
    long value = 0;
    bool negative = *text == '-';
    if (negative) text++;
    while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
    *number = (pid_t)(negative ? -value : value);
    return text;
}

// proc_pid_stat(5): pid (comm) state ppid pgrp session …; comm may hold anything, also ')'.
static bool read_process(pid_t pid, chaos_process *process) {
    char text[512];
    int length = read_file(pid, "/stat", text, sizeof text - 1);
    if (length <= 0) return false;
    text[length] = 0;
    const char *end = strrchr(text, ')');
    if (!end || end[1] != ' ' || !end[2]) return false;
    pid_t group;
    process->pid = pid;
    process->state = end[2];
    read_number(read_number(read_number(end + 3, &process->parent), &group), &process->session);
    return process->state != 'X';
}

// All of /proc and not the `children` files: those exist per thread, need CONFIG_PROC_CHILDREN,
// and are unreliable while processes come and go (proc_pid_task_children(5)).
int chaos_table_read(chaos_process_table *table) {
    table->count = 0;
    int directory = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return -1;
    _Alignas(struct directory_entry) char entries[8192];
    long got;
    while ((got = syscall(SYS_getdents64, directory, entries, sizeof entries)) > 0) {
        for (long at = 0; at < got;) {
            struct directory_entry *entry = (struct directory_entry *)(entries + at);
            at += entry->length;
            pid_t pid;
            if (*read_number(entry->name, &pid) || pid <= 0) continue;
            if (table->count == CHAOS_TABLE_LIMIT) break;
            if (read_process(pid, &table->list[table->count])) table->count++;
        }
    }
    close(directory);
    sort(table);
    return table->count;
}

bool chaos_environment_holds(chaos_process_table *table, pid_t pid, const char *entry) {
    int length = read_file(pid, "/environ", table->text, sizeof table->text - 1);
    if (length <= 0) return false;
    table->text[length] = 0;
    for (int at = 0; at < length; at += (int)strlen(table->text + at) + 1)
        if (strcmp(table->text + at, entry) == 0) return true;
    return false;
}

#elif defined(__APPLE__)

#include <sys/sysctl.h>

int chaos_table_read(chaos_process_table *table) {
    static struct kinfo_proc all[4096];
    int name[3] = {CTL_KERN, KERN_PROC, KERN_PROC_ALL};
    size_t size = sizeof all;
    table->count = 0;
    if (sysctl(name, 3, all, &size, NULL, 0) != 0) return -1;
    for (size_t i = 0; i < size / sizeof all[0] && table->count < CHAOS_TABLE_LIMIT; i++) {
        chaos_process *process = &table->list[table->count++];
        process->pid = all[i].kp_proc.p_pid;
        process->parent = all[i].kp_eproc.e_ppid;
        process->session = getsid(process->pid);
        char state = all[i].kp_proc.p_stat;
        process->state = state == SSTOP ? 'T' : state == SZOMB ? 'Z' : 'S';
    }
    sort(table);
    return table->count;
}

// Another process's environment is not for reading on current macOS.
bool chaos_environment_holds(chaos_process_table *table, pid_t pid, const char *entry) {
    (void)table, (void)pid, (void)entry;
    return false;
}

#endif
