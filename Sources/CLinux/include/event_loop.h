#ifndef CHAOS_EVENT_LOOP_H
#define CHAOS_EVENT_LOOP_H

// What an event loop needs of Linux and Swift's Glibc module does not show. Headers of the system are
// kept out: Swift would take their types for ours.

#ifdef __linux__

/// What epoll_ctl(2) calls EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and EPOLLRDHUP.
enum chaos_events {
    CHAOS_IN = 0x001,
    CHAOS_OUT = 0x004,
    CHAOS_ERR = 0x008,
    CHAOS_HUP = 0x010,
    CHAOS_RDHUP = 0x2000,
};

/// An event of a descriptor that was registered with this tag.
struct chaos_event {
    unsigned int events;
    unsigned long long tag;
};

/// How many events one wait reports at most.
#define CHAOS_EVENTS_MAX 256

/// Names the calling thread, in at most 15 bytes (pthread_setname_np(3)), and gives it the nice value of
/// the process: Dispatch gives its threads another one, which those that they start inherit.
void chaos_begin_thread(const char *name);

/// Makes an epoll instance (epoll_create1(2)); -1 and errno where it cannot.
int chaos_poller_make(void);

/// Makes a timer of the monotonic clock (timerfd_create(2)); -1 and errno where it cannot.
int chaos_timer_make(void);

/// Lets a timer expire once, at that many nanoseconds of the monotonic clock.
void chaos_timer_set(int timer, unsigned long long nanoseconds);

/// Makes a counter that wakes a poller (eventfd(2)); -1 and errno where it cannot.
int chaos_signal_make(void);

/// Makes a counter readable, and takes back what made it so.
void chaos_signal_raise(int descriptor);
void chaos_signal_clear(int descriptor);

/// Takes a connection from a listening socket; the new socket does not block and is not inherited
/// (accept4(2)). Returns -1 and sets errno where there is none.
int chaos_accept(int listener);

/// Reports reading, writing and ends of a socket once per change, until it is closed (epoll_ctl(2),
/// EPOLLET). Returns 0, or -1 and sets errno.
int chaos_watch(int poller, int descriptor, unsigned long long tag);

/// The same, for what is only read.
int chaos_watch_input(int poller, int descriptor, unsigned long long tag);

/// The same, for a listening socket that several pollers watch: a connection wakes one of them that
/// waits, not all (EPOLLEXCLUSIVE).
int chaos_watch_listener(int poller, int descriptor, unsigned long long tag);

/// Reports nothing more of a socket (EPOLL_CTL_DEL).
void chaos_forget(int poller, int descriptor);

/// Waits for events (epoll_wait(2)), or only looks; returns their number, or -1 and sets errno.
int chaos_wait(int poller, struct chaos_event *events, int is_patient);

#endif
#endif
