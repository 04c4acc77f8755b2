// The guardian: a forked child of chaos that parents every process chaos starts, and ends them
// when chaos ends, however that happens.
//
// It is forked, not re-executed, so that it works the same inside a test process that embeds
// chaos. It is tied to chaos by a stream socket that carries requests one way and replies and
// events the other; when the socket closes, it kills every descendant, unlinks the files that
// were registered, and exits.

#ifndef CHAOS_GUARDIAN_H
#define CHAOS_GUARDIAN_H

#include <stdint.h>
#include <sys/types.h>

/// The largest payload of a request in bytes: Linux's usual limit on arguments and environment.
#define CHAOS_PAYLOAD_LIMIT 2097152
/// Strings in the arguments and environment of one process.
#define CHAOS_STRING_LIMIT 32768
/// Processes started and alive at one time.
#define CHAOS_SPAWN_LIMIT 4096
/// Files to unlink at the end.
#define CHAOS_PATH_LIMIT 1024
/// The longest path to unlink, with its final NUL: a socket's path is shorter still.
#define CHAOS_PATH_SIZE 512

/// What a message on the guardian's socket is about.
enum {
    /// a: flags, b: process group to join or 0, c: number of arguments. The payload is a sequence
    /// of NUL-ended strings: program, working directory, host name, hosts file, user, arguments,
    /// environment. The user is empty, or numbers: user, group, all groups. Carries three descriptors, with CHAOS_SPAWN_NETWORK a fourth: the network
    /// namespace.
    CHAOS_REQUEST_SPAWN = 1,
    /// a: pid, b: signal, c: 1 for the whole family. The payload is the family's tag or empty.
    CHAOS_REQUEST_SIGNAL = 2,
    /// a: pid. The payload is the family's tag or empty.
    CHAOS_REQUEST_INSPECT = 3,
    /// The payload is a path, NUL-ended.
    CHAOS_REQUEST_REGISTER = 4,
    CHAOS_REQUEST_UNREGISTER = 5,
    /// a: milliseconds between SIGTERM and SIGKILL.
    CHAOS_REQUEST_QUIT = 6,

    /// a: pid or 0, b: errno, c: the step that failed.
    CHAOS_REPLY_SPAWNED = 101,
    /// a: number of processes signalled, b: errno.
    CHAOS_REPLY_SIGNALLED = 102,
    /// a: processes alive, b: of these stopped, c: of these standing still.
    CHAOS_REPLY_INSPECTED = 103,
    /// b: errno.
    CHAOS_REPLY_DONE = 104,
    /// a: pid, b: wait status. Unasked for; its id is 0.
    CHAOS_EVENT_EXITED = 105,
};

/// Flags of a spawn request.
enum {
    CHAOS_SPAWN_SESSION = 1,
    /// In a network namespace of its own.
    CHAOS_SPAWN_NETWORK = 2,
    /// Without capabilities, as root too.
    CHAOS_SPAWN_BARE = 4,
};

/// How many strings of a spawn request stand before the arguments.
#define CHAOS_SPAWN_STRINGS 5
/// How many groups a user is in at most.
#define CHAOS_GROUP_LIMIT 256
/// How many descriptors a request carries at most.
#define CHAOS_DESCRIPTOR_LIMIT 4

/// The step at which a spawn failed.
enum {
    CHAOS_STEP_LIMIT = 1,
    CHAOS_STEP_FORK = 2,
    CHAOS_STEP_SESSION = 3,
    CHAOS_STEP_STDIO = 4,
    CHAOS_STEP_DIRECTORY = 5,
    CHAOS_STEP_PROGRAM = 6,
    CHAOS_STEP_NAMESPACE = 7,
    CHAOS_STEP_USER = 8,
};

/// What every message begins with.
typedef struct {
    uint32_t kind;
    uint32_t id;
    int32_t a;
    int32_t b;
    uint32_t c;
    /// Bytes of payload that follow.
    uint32_t length;
} chaos_message;

/// Forks a guardian. Stores chaos's end of the socket and the guardian's pid.
/// Returns 0 or an errno.
int chaos_guardian_start(int *socket, pid_t *guardian);

/// Sends one request. Blocks while the guardian is busy. Returns 0 or an errno.
int chaos_guardian_send(
    int socket, const chaos_message *message, const void *payload, const int *descriptors,
    int descriptor_count);

/// Receives one reply or event; they have no payload. Blocks. Returns 1, 0 at the end, or minus
/// an errno.
int chaos_guardian_receive(int socket, chaos_message *message);

/// Makes this process adopt the orphans among its descendants, so that the guardian's children
/// come to chaos if the guardian is killed. Returns 0 or an errno; ENOSYS off Linux.
int chaos_adopt_orphans(void);

/// Kills and reaps what a dead guardian left to this process: the given processes, their sessions
/// and descendants, and every process with the marker in its environment; with `everything`, all
/// descendants of this process. Gives up after `milliseconds`. Calls `exited` for each child
/// reaped. Returns how many of them were still alive at the end, or minus an errno.
int chaos_sweep(
    const char *marker, const pid_t *pids, int pid_count, int everything, int milliseconds,
    void (*exited)(void *context, pid_t pid, int status), void *context);

/// Gives up all capabilities of this process for good (capabilities(7)); root too gets none back by
/// executing a program. Returns 0 or an errno; does nothing off Linux.
int chaos_give_up_capabilities(void);

/// A pipe whose ends no other program inherits. Returns 0 or an errno.
int chaos_pipe(int ends[2]);

#endif
