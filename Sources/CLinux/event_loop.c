#ifdef __linux__

#define _GNU_SOURCE
#include "include/event_loop.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

_Static_assert(
    (int)CHAOS_IN == (int)EPOLLIN && (int)CHAOS_OUT == (int)EPOLLOUT && (int)CHAOS_ERR == (int)EPOLLERR
        && (int)CHAOS_HUP == (int)EPOLLHUP && (int)CHAOS_RDHUP == (int)EPOLLRDHUP,
    "events are numbered as the kernel numbers them");

void chaos_begin_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
    setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, (id_t)getpid()));
}

int chaos_poller_make(void) { return epoll_create1(EPOLL_CLOEXEC); }

int chaos_timer_make(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

void chaos_timer_set(int timer, unsigned long long nanoseconds) {
    struct itimerspec setting = {
        .it_value = {
            .tv_sec = (time_t)(nanoseconds / 1000000000),
            .tv_nsec = (long)(nanoseconds % 1000000000),
        },
    };
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL);
}

int chaos_signal_make(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void chaos_signal_raise(int descriptor) { eventfd_write(descriptor, 1); }

void chaos_signal_clear(int descriptor) {
    eventfd_t value;
    eventfd_read(descriptor, &value);
}

int chaos_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

static int watch(int poller, int descriptor, unsigned long long tag, unsigned int events) {
    struct epoll_event event = {.events = events | EPOLLET, .data.u64 = tag};
    return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

int chaos_watch(int poller, int descriptor, unsigned long long tag) {
    return watch(poller, descriptor, tag, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

int chaos_watch_input(int poller, int descriptor, unsigned long long tag) {
    return watch(poller, descriptor, tag, EPOLLIN);
}

int chaos_watch_listener(int poller, int descriptor, unsigned long long tag) {
    return watch(poller, descriptor, tag, EPOLLIN | EPOLLEXCLUSIVE);
}

void chaos_forget(int poller, int descriptor) { epoll_ctl(poller, EPOLL_CTL_DEL, descriptor, NULL); }

int chaos_wait(int poller, struct chaos_event *events, int is_patient) {
    struct epoll_event raw[CHAOS_EVENTS_MAX];
    int count = epoll_wait(poller, raw, CHAOS_EVENTS_MAX, is_patient ? -1 : 0);
    for (int index = 0; index < count; index++) {
        events[index].events = raw[index].events;
        events[index].tag = raw[index].data.u64;
    }
    return count;
}

#endif
