#define _GNU_SOURCE
#include "guardian.h"

#include "guardian_descriptors.h"
#include "process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// Everything below runs in a forked child of a process with many threads: only calls that
// signal-safety(7) allows, no malloc, static memory. The pages are untouched in chaos itself, so
// they cost it nothing.

enum { SOCKET = 3 };

static struct {
    /// The pipe that the SIGCHLD handler writes to, so that poll wakes up.
    int wake[2];
    pid_t spawned[CHAOS_SPAWN_LIMIT];
    int spawned_count;
    char paths[CHAOS_PATH_LIMIT][CHAOS_PATH_SIZE];
    /// 0, or the time in milliseconds at which an orderly end becomes SIGKILL.
    int64_t deadline;
    chaos_process_table table;
    char payload[CHAOS_PAYLOAD_LIMIT + 1];
    char *strings[CHAOS_STRING_LIMIT + 2];
} guardian;

static int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_briefly(void) { poll(NULL, 0, 2); }

static void on_child(int signal) {
    (void)signal;
    int saved = errno;
    (void)!write(guardian.wake[1], "", 1);
    errno = saved;
}

// A failed write means that chaos is gone, which the next read tells as well.
static void tell(uint32_t kind, uint32_t id, int a, int b, uint32_t c) {
    chaos_message message = {kind, id, a, b, c, 0};
    chaos_guardian_send(SOCKET, &message, NULL, NULL, 0);
}

// MARK: - Reaping

static int position_of(pid_t pid) {
    for (int i = 0; i < guardian.spawned_count; i++)
        if (guardian.spawned[i] == pid) return i;
    return -1;
}

/// Reaps whoever ended, adopted orphans too. Returns false when there is no child left at all.
static bool reap(void) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0) return errno == EINTR;
        if (pid == 0) return true;
        int at = position_of(pid);
        if (at < 0) continue;
        guardian.spawned[at] = guardian.spawned[--guardian.spawned_count];
        tell(CHAOS_EVENT_EXITED, 0, pid, status, 0);
    }
}

static int select_all(void) {
    chaos_selection all = {.root = getpid(), .everything = true};
    if (chaos_table_read(&guardian.table) < 0) guardian.table.count = 0;
    return chaos_table_select(&guardian.table, &all);
}

static void signal_all(int signal) {
    select_all();
    chaos_table_signal(&guardian.table, signal);
    // Also without a readable /proc the processes that chaos asked for are known.
    for (int i = 0; i < guardian.spawned_count; i++) kill(guardian.spawned[i], signal);
}

/// Kills and reaps until nothing is left, then exits.
///
/// Killing a parent makes its children ours, so each pass finds what the one before could not. A
/// process that cannot be killed (another user's, or stuck in the kernel) is given up after half
/// a minute: better than a guardian that stays for ever.
static void finish(void) {
    int64_t limit = milliseconds() + 30000;
    do {
        signal_all(SIGKILL);
        if (!reap()) break;
        pause_briefly();
    } while (reap() && milliseconds() < limit);
    // Backwards, so that a directory goes after what was put into it.
    for (int i = CHAOS_PATH_LIMIT - 1; i >= 0; i--)
        if (guardian.paths[i][0] && unlink(guardian.paths[i]) < 0) rmdir(guardian.paths[i]);
    _exit(0);
}

// MARK: - Spawning

typedef struct {
    int step;
    int error;
} failure;

static void fail(int pipe, int step) {
    failure report = {step, errno};
    (void)!write(pipe, &report, sizeof report);
    _exit(127);
}

#if defined(__linux__)
/// Moves this process to where it is to run: a network namespace, a host name of its own, and another
/// file in place of /etc/hosts.
static void move_in(int pipe, int network, const char *name, const char *hosts) {
    if (network >= 0 && setns(network, CLONE_NEWNET) < 0) fail(pipe, CHAOS_STEP_NAMESPACE);
    if (name[0] && (unshare(CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0))
        fail(pipe, CHAOS_STEP_NAMESPACE);
    if (hosts[0]
        && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
            || mount(hosts, "/etc/hosts", NULL, MS_BIND, NULL) < 0))
        fail(pipe, CHAOS_STEP_NAMESPACE);
}

/// Sees to it that no capability comes back, whatever this process becomes.
static int bar_capabilities(void) {
    const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE
        | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // Who has no capabilities may not lock what he has no use for.
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 && errno != EPERM)
        return errno;
    for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
        prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
    return 0;
}

static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2];
    memset(none, 0, sizeof none);
    return syscall(SYS_capset, &header, none) < 0 ? errno : 0;
}
#else
static int bar_capabilities(void) { return 0; }
static int drop_capabilities(void) { return 0; }
#endif

int chaos_give_up_capabilities(void) {
    int error = bar_capabilities();
    return error ? error : drop_capabilities();
}

/// Becomes another user: "user group group…", the groups being all that the user is in.
static int become_user(char *numbers) {
    gid_t groups[CHAOS_GROUP_LIMIT];
    int count = 0;
    uid_t user = (uid_t)strtoul(numbers, &numbers, 10);
    gid_t group = (gid_t)strtoul(numbers, &numbers, 10);
    while (*numbers && count < CHAOS_GROUP_LIMIT)
        groups[count++] = (gid_t)strtoul(numbers, &numbers, 10);
    return setgroups(count, groups) < 0 || setgid(group) < 0 || setuid(user) < 0 ? errno : 0;
}

/// Dies with the guardian, also where that and chaos are killed in the same instant. The guardian
/// has one thread, so the trap of this call (it follows the thread) is none here.
static void die_with(pid_t parent) {
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
#else
    (void)parent;
#endif
}

static void become_program(
    const chaos_message *request, int pipe, const int *stdio, char **strings, char **arguments,
    char **environment, pid_t parent
) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    die_with(parent);
    if (request->a & CHAOS_SPAWN_SESSION) {
        if (setsid() < 0) fail(pipe, CHAOS_STEP_SESSION);
    } else if (setpgid(0, request->b) < 0) {
        fail(pipe, CHAOS_STEP_SESSION);
    }
#if defined(__linux__)
    move_in(
        pipe, request->a & CHAOS_SPAWN_NETWORK ? stdio[3] : -1, strings[2], strings[3]);
#endif
    for (int i = 0; i < 3; i++)
        if (dup2(stdio[i], i) < 0) fail(pipe, CHAOS_STEP_STDIO);
    if (chdir(strings[1]) < 0) fail(pipe, CHAOS_STEP_DIRECTORY);
    const int is_bare = request->a & CHAOS_SPAWN_BARE;
    if (is_bare && (errno = bar_capabilities())) fail(pipe, CHAOS_STEP_NAMESPACE);
    if (strings[4][0]) {
        if ((errno = become_user(strings[4]))) fail(pipe, CHAOS_STEP_USER);
        // The kernel forgets it when the user changes (prctl(2)).
        die_with(parent);
    }
    if (is_bare && (errno = drop_capabilities())) fail(pipe, CHAOS_STEP_NAMESPACE);
    execve(strings[0], arguments, environment);
    fail(pipe, CHAOS_STEP_PROGRAM);
}

/// Cuts the payload into strings. Returns their number, or -1 when there are too many.
static int split(uint32_t length) {
    int count = 0;
    for (uint32_t at = 0; at < length; at += (uint32_t)strlen(guardian.payload + at) + 1) {
        if (count == CHAOS_STRING_LIMIT) return -1;
        guardian.strings[count++] = guardian.payload + at;
    }
    return count;
}

static void spawn(const chaos_message *request, const int *stdio, int stdio_count) {
    const int first = CHAOS_SPAWN_STRINGS, has_network = (request->a & CHAOS_SPAWN_NETWORK) != 0;
    int pipe[2], count = split(request->length), words = (int)request->c;
    if (count < first + words || stdio_count != 3 + has_network
        || guardian.spawned_count == CHAOS_SPAWN_LIMIT)
        return tell(CHAOS_REPLY_SPAWNED, request->id, 0, E2BIG, CHAOS_STEP_LIMIT);
    if (guardian.deadline)
        return tell(CHAOS_REPLY_SPAWNED, request->id, 0, ESHUTDOWN, CHAOS_STEP_LIMIT);
    int error = chaos_pipe(pipe);
    if (error) return tell(CHAOS_REPLY_SPAWNED, request->id, 0, error, CHAOS_STEP_FORK);

    // The arguments need a null behind them where the environment begins.
    char **arguments = guardian.strings + first, **environment = arguments + words + 1;
    guardian.strings[count + 1] = NULL;
    for (int i = count; i > first + words; i--) guardian.strings[i] = guardian.strings[i - 1];
    guardian.strings[first + words] = NULL;

    pid_t self = getpid(), child = fork();
    if (child == 0)
        become_program(
            request, pipe[1], stdio, guardian.strings, arguments, environment, self);
    error = errno;
    close(pipe[1]);
    failure report = {0, 0};
    ssize_t got = 0;
    if (child > 0)
        do got = read(pipe[0], &report, sizeof report);
        while (got < 0 && errno == EINTR);
    close(pipe[0]);

    if (child < 0) return tell(CHAOS_REPLY_SPAWNED, request->id, 0, error, CHAOS_STEP_FORK);
    if (got == sizeof report) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return tell(
            CHAOS_REPLY_SPAWNED, request->id, 0, report.error, (uint32_t)report.step);
    }
    guardian.spawned[guardian.spawned_count++] = child;
    tell(CHAOS_REPLY_SPAWNED, request->id, child, 0, 0);
}

// MARK: - Signals

static int select_family(const chaos_message *request) {
    pid_t pid = request->a;
    chaos_selection family = {
        .root = getpid(), .pids = &pid, .pid_count = 1,
        .tag = request->length > 1 ? guardian.payload : NULL,
    };
    if (chaos_table_read(&guardian.table) < 0) return -1;
    return chaos_table_select(&guardian.table, &family);
}

/// Signals one process or a family. What forks while a family is killed or stopped is found by
/// repeating until a pass finds nothing new.
static void send_signal(const chaos_message *request) {
    int number = request->b, taken = 0;
    if (request->c == 0 || select_family(request) < 0) {
        // Only a child that was not reaped: its number cannot belong to anyone else.
        bool known = position_of(request->a) >= 0;
        int error = known && kill(request->a, number) == 0 ? 0 : known ? errno : ESRCH;
        return tell(CHAOS_REPLY_SIGNALLED, request->id, error == 0, error, 0);
    }
    taken = chaos_table_signal(&guardian.table, number);
    for (int pass = 0; pass < 100 && (number == SIGKILL || number == SIGSTOP); pass++) {
        int alive = select_family(request);
        int still = chaos_table_still(&guardian.table);
        if (alive <= 0 || (number == SIGSTOP && alive == still)) break;
        chaos_table_signal(&guardian.table, number);
        if (pass > 2) pause_briefly();
    }
    tell(CHAOS_REPLY_SIGNALLED, request->id, taken, taken > 0 ? 0 : ESRCH, 0);
}

// MARK: - Files to unlink

static int register_path(const char *path) {
    if (strlen(path) >= CHAOS_PATH_SIZE) return ENAMETOOLONG;
    for (int i = 0; i < CHAOS_PATH_LIMIT; i++) {
        if (guardian.paths[i][0]) continue;
        strcpy(guardian.paths[i], path);
        return 0;
    }
    return ENOSPC;
}

static int unregister_path(const char *path) {
    for (int i = 0; i < CHAOS_PATH_LIMIT; i++) {
        if (strcmp(guardian.paths[i], path) != 0) continue;
        guardian.paths[i][0] = 0;
        return 0;
    }
    return ENOENT;
}

// MARK: - The loop

static void obey(const chaos_message *request, const int *descriptors, int descriptor_count) {
    switch (request->kind) {
    case CHAOS_REQUEST_SPAWN: return spawn(request, descriptors, descriptor_count);
    case CHAOS_REQUEST_SIGNAL: return send_signal(request);
    case CHAOS_REQUEST_INSPECT: {
        int alive = select_family(request);
        return tell(
            CHAOS_REPLY_INSPECTED, request->id, alive < 0 ? 0 : alive,
            chaos_table_stopped(&guardian.table), (uint32_t)chaos_table_still(&guardian.table));
    }
    case CHAOS_REQUEST_REGISTER:
        return tell(CHAOS_REPLY_DONE, request->id, 0, register_path(guardian.payload), 0);
    case CHAOS_REQUEST_UNREGISTER:
        return tell(CHAOS_REPLY_DONE, request->id, 0, unregister_path(guardian.payload), 0);
    case CHAOS_REQUEST_QUIT:
        guardian.deadline = milliseconds() + request->a + 1;
        signal_all(SIGTERM);
        // A paused process takes the SIGTERM only once it runs again.
        signal_all(SIGCONT);
        return;
    }
}

static void read_request(void) {
    chaos_message request;
    int descriptors[CHAOS_DESCRIPTOR_LIMIT], count = 0;
    if (chaos_receive_with_descriptors(SOCKET, &request, sizeof request, descriptors, &count) <= 0
        || request.length > CHAOS_PAYLOAD_LIMIT
        || chaos_receive_exactly(SOCKET, guardian.payload, request.length) <= 0)
        finish();
    guardian.payload[request.length] = 0;
    obey(&request, descriptors, count);
    for (int i = 0; i < count; i++) close(descriptors[i]);
}

#if defined(__linux__)
/// Renames this process, its command line too: `pkill -9 -f 'chaos run'` is meant for chaos and
/// must not hit the one who cleans up after it. The arguments are this child's own copy.
static void rename_process(const char *name) {
    prctl(PR_SET_NAME, name);
    char text[1024];
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0) close(file);
    if (length <= 0) return;
    text[length] = 0;
    const char *at = strrchr(text, ')');
    // proc_pid_stat(5): the name is field 2, arg_start and arg_end are fields 48 and 49.
    unsigned long bounds[2] = {0, 0};
    for (int field = 2; at && field < 48; field++) at = strchr(at + 1, ' ');
    for (int i = 0; at && i < 2; i++) {
        for (at++; *at >= '0' && *at <= '9'; at++)
            bounds[i] = bounds[i] * 10 + (unsigned long)(*at - '0');
    }
    size_t room = bounds[1] - bounds[0], size = strlen(name) + 1;
    if (bounds[0] == 0 || bounds[1] <= bounds[0] || room < size) return;
    memset((char *)bounds[0], 0, room);
    memcpy((char *)bounds[0], name, size);
}
#endif

static void settle_in(int socket) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    // What a terminal or `kill` without -9 sends must not end the one who cleans up.
    const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU,
        SIGUSR1, SIGUSR2, SIGALRM};
    for (unsigned i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
    // A group of its own, so that Ctrl-C and `kill -9 -GROUP` pass it by; but chaos's session, as
    // only there can a wrapped command join the terminal's foreground group (setpgid(2)).
    setpgid(0, 0);
    (void)!chdir("/");
    dup2(socket, SOCKET);
    fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
    chaos_close_from(SOCKET + 1);
    // Holding chaos's output open would keep `chaos run | head` from ending.
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(null, i);
    if (null > SOCKET) close(null);
    chaos_pipe(guardian.wake);
    for (int i = 0; i < 2; i++) fcntl(guardian.wake[i], F_SETFL, O_NONBLOCK);
#if defined(__linux__)
    rename_process("chaos-guardian");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
    struct sigaction action = {.sa_flags = SA_RESTART | SA_NOCLDSTOP};
    action.sa_handler = on_child;
    sigaction(SIGCHLD, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void guard(int socket) {
    settle_in(socket);
    for (;;) {
        struct pollfd sources[2] = {
            {.fd = SOCKET, .events = POLLIN}, {.fd = guardian.wake[0], .events = POLLIN},
        };
        int wait = -1;
        if (guardian.deadline) {
            if (!reap()) finish();
            int64_t left = guardian.deadline - milliseconds();
            if (left <= 0) finish();
            wait = (int)left;
        }
        poll(sources, 2, wait);
        char drained[64];
        while (read(guardian.wake[0], drained, sizeof drained) > 0) {}
        reap();
        if (sources[0].revents) read_request();
    }
}

int chaos_guardian_start(int *socket, pid_t *pid) {
    int ends[2];
    int error = chaos_socket_pair(ends);
    if (error) return error;
    // No handler of chaos may run in the child before it has put its own in place.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        guard(ends[1]);
        _exit(0);
    }
    error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return error;
    }
    *socket = ends[0];
    *pid = child;
    return 0;
}
