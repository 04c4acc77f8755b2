// Which processes there are, who their parents are, and which of them belong to one node.
//
// The functions touch nothing but the table they are given: no malloc, no locks, no stdio. The
// guardian calls them in a forked child of a process with many threads, where only
// async-signal-safe calls are allowed (signal-safety(7)).

#ifndef CHAOS_PROCESS_TABLE_H
#define CHAOS_PROCESS_TABLE_H

#include <stdbool.h>
#include <sys/types.h>

/// Linux lets a machine have up to 4 million processes; a table that is full only means that a
/// later pass finds the rest, because every caller repeats until nothing is left.
#define CHAOS_TABLE_LIMIT 32768

/// One process as it was when the table was read.
typedef struct {
    pid_t pid;
    pid_t parent;
    pid_t session;
    /// As in /proc/PID/stat: R S D running or asleep, T stopped, Z zombie.
    char state;
    bool descends;
    bool member;
} chaos_process;

/// A snapshot of the machine's processes, sorted by pid. About one megabyte: never on a stack.
typedef struct {
    int count;
    chaos_process list[CHAOS_TABLE_LIMIT];
    /// Scratch space for the files read.
    char text[262144];
} chaos_process_table;

/// What `chaos_table_select` looks for.
typedef struct {
    /// Only this process's descendants are considered, unless a marker names them.
    pid_t root;
    /// Select everything that descends from the root.
    bool everything;
    /// Select these processes, their sessions and all their descendants.
    const pid_t *pids;
    int pid_count;
    /// Select every descendant of the root whose environment holds this `NAME=value`, and
    /// everything that descends from one. Null for none.
    const char *tag;
    /// As the tag, but wherever the process stands: unique to a run. Null for none.
    const char *marker;
} chaos_selection;

/// Reads the machine's processes. Returns their number, or -1 where that is not possible.
int chaos_table_read(chaos_process_table *table);

/// Marks the members of a selection. Returns how many are alive, zombies not counted.
int chaos_table_select(chaos_process_table *table, const chaos_selection *selection);

/// How many selected processes are stopped.
int chaos_table_stopped(const chaos_process_table *table);

/// How many selected processes run no code of theirs once they have got SIGSTOP: the stopped ones,
/// and those in an uninterruptible wait, which take the signal before they run again. A parent
/// whose vfork(2) child was stopped before execve(2) waits like that until the child goes on.
int chaos_table_still(const chaos_process_table *table);

/// Sends a signal to every selected process but this one. Returns how many took it.
int chaos_table_signal(const chaos_process_table *table, int signal);

/// Whether a process's environment, as it was when the program started, holds `NAME=value`.
bool chaos_environment_holds(chaos_process_table *table, pid_t pid, const char *entry);

#endif
