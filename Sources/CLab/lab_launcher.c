#define _GNU_SOURCE
#include "lab_launcher.h"

#include "lab_internal.h"

#include <errno.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: - The broker's questions

typedef struct {
    int what;
    unsigned short port;
    char host[64];
} question;

static int send_with_descriptor(int socket_, const void *bytes, size_t length, int descriptor) {
    struct iovec part = {(void *)bytes, length};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
    }
    ssize_t sent;
    do sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

int chaos_broker_ask(int broker, int what, const char *host, unsigned short port) {
    question asked = {.what = what, .port = port};
    if (strlen(host) >= sizeof asked.host) return -EINVAL;
    strcpy(asked.host, host);
    int error = send_with_descriptor(broker, &asked, sizeof asked, -1);
    if (error) return -error;
    int answer = -EIO;
    struct iovec part = {&answer, sizeof answer};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
        .msg_controllen = sizeof control,
    };
    ssize_t got;
    do got = recvmsg(broker, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    if (got != sizeof answer) return -ECONNRESET;
    if (answer < 0) return answer;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS) return -EIO;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

/// Opens what was asked for; the descriptor, or the negative errno.
static int open_outside(const question *asked) {
    char service[8];
    snprintf(service, sizeof service, "%u", asked->port);
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *found = NULL;
    if (getaddrinfo(asked->host, service, &hints, &found) != 0) return -EINVAL;
    int socket_ =
        socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    int error = socket_ < 0 ? errno : 0;
    if (!error && asked->what == CHAOS_BROKER_LISTEN) {
        int on = 1;
        setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(socket_, found->ai_addr, found->ai_addrlen) < 0 || listen(socket_, 4096) < 0)
            error = errno;
    } else if (!error && connect(socket_, found->ai_addr, found->ai_addrlen) < 0
               && errno != EINPROGRESS) {
        error = errno;
    }
    freeaddrinfo(found);
    if (error && socket_ >= 0) close(socket_);
    return error ? -error : socket_;
}

/// Answers one question; 0 when nobody asks any more.
static int answer(int broker) {
    question asked;
    ssize_t got = recv(broker, &asked, sizeof asked, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return 1;
    if (got != sizeof asked) return 0;
    asked.host[sizeof asked.host - 1] = 0;
    int descriptor = open_outside(&asked);
    int code = descriptor < 0 ? descriptor : 0;
    send_with_descriptor(broker, &code, sizeof code, descriptor);
    if (descriptor >= 0) close(descriptor);
    return 1;
}

// MARK: - Three processes

static void complain(const char *what, int error) {
    fprintf(stderr, "chaos: the lab cannot be entered: %s: %s\n", what, strerror(error));
    fprintf(stderr, "hint: 'chaos doctor' tells what this machine lacks\n");
    _exit(69);
}

static void must(int error, const char *what) {
    if (error) complain(what, error);
}

/// What ended a process, as an exit code that shells would give.
static int shell_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Signals that the launcher passes on and init takes.
static sigset_t passed_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD};
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) sigaddset(&set, numbers[i]);
    return set;
}

/// Stays outside until the lab has ended, and ends as chaos did.
static void launch(pid_t init, int broker) {
    prctl(PR_SET_NAME, "chaos-lab");
    sigset_t set = passed_signals();
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    for (;;) {
        struct pollfd sources[2] = {
            {.fd = signals, .events = POLLIN}, {.fd = broker, .events = POLLIN},
        };
        if (poll(sources, 2, -1) < 0 && errno != EINTR) break;
        if (sources[1].revents && !answer(broker)) {
            close(broker);
            broker = -1;
        }
        struct signalfd_siginfo news;
        while (read(signals, &news, sizeof news) == sizeof news) {
            if (news.ssi_signo == SIGCHLD) {
                int status;
                if (waitpid(init, &status, WNOHANG) == init) _exit(shell_code(status));
                continue;
            }
            // What a terminal sends goes to its whole foreground group, chaos included.
            if (news.ssi_code <= 0) kill(init, (int)news.ssi_signo);
        }
    }
    kill(init, SIGKILL);
    _exit(70);
}

/// Reaps until chaos has ended; then the kernel ends everybody else in the namespace.
static void reap(pid_t chaos) {
    prctl(PR_SET_NAME, "chaos-lab-init");
    // A group of its own: Ctrl-C is not for it.
    setpgid(0, 0);
    sigset_t set = passed_signals();
    for (;;) {
        siginfo_t news;
        int number = sigwaitinfo(&set, &news);
        if (number > 0 && number != SIGCHLD) kill(chaos, number);
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == chaos) _exit(shell_code(status));
        if (pid < 0 && errno == ECHILD) _exit(70);
    }
}

/// Goes inside; returns in the process that goes on as chaos.
static void go_inside(int broker, int is_privileged, uid_t user, gid_t group, const sigset_t *before) {
    // Outlives the launcher by nothing. Whoever kills this process has killed the whole namespace.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int pids[2];
    if (recv(broker, pids, sizeof pids, 0) != sizeof pids) _exit(69);
    if (!is_privileged) must(chaos_keep_identity(user, group), "mapping this user");
    must(chaos_keep_mounts(), "private mounts");
    must(chaos_mount_proc(), "mounting /proc");
    pid_t chaos = fork();
    if (chaos < 0) complain("starting a process", errno);
    if (chaos > 0) {
        close(broker);
        reap(chaos);
    }
    sigprocmask(SIG_SETMASK, before, NULL);
    char text[64];
    snprintf(text, sizeof text, "%d:%d:%d", broker, pids[0], pids[1]);
    setenv(CHAOS_LAB_INSIDE, text, 1);
}

static void begin_lab(void) {
    int is_privileged = chaos_lab_is_privileged();
    uid_t user = geteuid();
    gid_t group = getegid();
    int broker[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, broker) < 0)
        complain("a socket pair", errno);
    sigset_t set = passed_signals(), before;
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t init = chaos_clone_into_lab(is_privileged);
    if (init < 0) complain("namespaces", errno);
    if (init == 0) {
        close(broker[0]);
        return go_inside(broker[1], is_privileged, user, group, &before);
    }
    close(broker[1]);
    int pids[2] = {getpid(), init};
    send(broker[0], pids, sizeof pids, MSG_NOSIGNAL);
    launch(init, broker[0]);
}

// MARK: - Entering a lab that lives

static void enter(pid_t init, const char *name, int flag) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", init, name);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0) complain(path, errno);
    if (setns(space, flag) < 0) complain(path, errno);
    close(space);
}

/// Makes a group the terminal's foreground one, also from the background.
static void give_terminal(pid_t group) {
    void (*before)(int) = signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, group);
    signal(SIGTTOU, before);
}

/// Waits for a child, and does for it what a shell does for a job (credentials(7)): shells name the group of
/// the terminal when they end, and in a pid namespace only a group that began there has a number.
static int await_child(pid_t child, int has_terminal) {
    if (has_terminal) {
        setpgid(child, child);
        give_terminal(child);
    }
    int status;
    for (;;) {
        if (waitpid(child, &status, has_terminal ? WUNTRACED : 0) < 0) {
            if (errno != EINTR) _exit(70);
        } else if (WIFSTOPPED(status)) {
            // Ctrl-Z: whoever started this program has the terminal until it goes on.
            give_terminal(getpgrp());
            raise(SIGSTOP);
            give_terminal(child);
            kill(-child, SIGCONT);
        } else {
            if (has_terminal) give_terminal(getpgrp());
            return status;
        }
    }
}

/// Becomes a process of a node's namespaces and goes on with main(), which then executes a command.
static void enter_lab(void) {
    const char *text = getenv(CHAOS_LAB_ENTER_INIT), *network = getenv(CHAOS_LAB_ENTER_NETWORK);
    const char *name = getenv(CHAOS_LAB_ENTER_NAME);
    pid_t init = text ? (pid_t)atoi(text) : 0;
    if (init <= 1 || !network || !name) complain("no lab is named", EINVAL);
    if (!chaos_lab_is_privileged()) enter(init, "user", CLONE_NEWUSER);
    // The pid namespace is for children only, so it can be entered while /proc is still the old one.
    enter(init, "pid", CLONE_NEWPID);
    char folder[4096];
    if (!getcwd(folder, sizeof folder)) strcpy(folder, "/");
    enter(init, "mnt", CLONE_NEWNS);
    if (chdir(folder) < 0 && chdir("/") < 0) complain(folder, errno);
    int space = open(network, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) < 0) complain(network, errno);
    close(space);
    if (unshare(CLONE_NEWUTS) < 0 || sethostname(name, strlen(name)) < 0) complain(name, errno);
    // A child is in the pid namespace; this process waits for it.
    int has_terminal = tcgetpgrp(STDIN_FILENO) == getpgrp();
    sigset_t set = passed_signals(), before;
    sigdelset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t child = fork();
    if (child < 0) complain("starting a process", errno);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (has_terminal) {
            setpgid(0, 0);
            give_terminal(getpid());
        }
        return;
    }
    // The terminal tells the command itself; what is sent to this process alone, it passes on.
    const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    for (unsigned i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
    _exit(shell_code(await_child(child, has_terminal)));
}

/// Runs before main(), while there is one thread.
__attribute__((constructor)) static void chaos_lab_begin(void) {
    const char *request = getenv(CHAOS_LAB_REQUEST);
    if (!request) return;
    int enters = strcmp(request, "enter") == 0;
    unsetenv(CHAOS_LAB_REQUEST);
    if (enters)
        enter_lab();
    else
        begin_lab();
}

#else

int chaos_broker_ask(int broker, int what, const char *host, unsigned short port) {
    (void)broker; (void)what; (void)host; (void)port;
    return -ENOSYS;
}

#endif
