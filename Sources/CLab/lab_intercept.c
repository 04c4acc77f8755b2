#define _GNU_SOURCE
#include "lab_intercept.h"

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

static socklen_t make_address(const struct chaos_stand_in_end *end, struct sockaddr_storage *made) {
    memset(made, 0, sizeof *made);
    if (end->address_size == 4) {
        struct sockaddr_in *address = (struct sockaddr_in *)made;
        address->sin_family = AF_INET;
        address->sin_port = htons(end->port);
        memcpy(&address->sin_addr, end->address, 4);
        return sizeof *address;
    }
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)made;
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(end->port);
    memcpy(&address->sin6_addr, end->address, 16);
    return sizeof *address;
}

/// A socket of a node's family that may have anybody's address.
static int open_stand_in(const struct chaos_stand_in_end *end) {
    int is_ipv4 = end->address_size == 4, on = 1;
    int socket_ = socket(
        is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return -errno;
    int result = is_ipv4
        ? setsockopt(socket_, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on)
        : setsockopt(socket_, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof on);
    if (result == 0 && !is_ipv4)
        result = setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // Many connections may have the same port of the same node, as they do there.
    if (result == 0) result = setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (result == 0) result = setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_storage address;
    socklen_t size = make_address(end, &address);
    if (result == 0) result = bind(socket_, (struct sockaddr *)&address, size);
    if (result == 0) return socket_;
    int error = errno;
    close(socket_);
    return -error;
}

int chaos_stand_in_listen(
    const struct chaos_stand_in_end *place, const struct chaos_filter_step *steps, unsigned int count) {
    int socket_ = open_stand_in(place);
    if (socket_ < 0) return socket_;
    // The filter is there before anybody can be accepted.
    int error = chaos_witness_filter(socket_, steps, count);
    if (!error && listen(socket_, 4096) < 0) error = -errno;
    if (!error) return socket_;
    close(socket_);
    return error;
}

int chaos_stand_in_accept(int listener, struct chaos_stand_in_end *opener) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int socket_;
    do socket_ = accept4(
            listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (socket_ < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (socket_ < 0) return -errno;
    // It has inherited the gate, which it does not need.
    int none = 0;
    setsockopt(socket_, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *from = (const struct sockaddr_in *)&address;
        opener->address_size = 4;
        opener->port = ntohs(from->sin_port);
        memcpy(opener->address, &from->sin_addr, 4);
    } else {
        const struct sockaddr_in6 *from = (const struct sockaddr_in6 *)&address;
        opener->address_size = 16;
        opener->port = ntohs(from->sin6_port);
        memcpy(opener->address, &from->sin6_addr, 16);
    }
    return socket_;
}

int chaos_stand_in_dial(const struct chaos_stand_in_end *source, const struct chaos_stand_in_end *target) {
    int socket_ = open_stand_in(source);
    if (socket_ < 0) return socket_;
    struct sockaddr_storage address;
    socklen_t size = make_address(target, &address);
    if (connect(socket_, (struct sockaddr *)&address, size) == 0 || errno == EINPROGRESS)
        return socket_;
    int error = errno;
    close(socket_);
    return -error;
}

int chaos_stand_in_state(int socket_) {
    struct pollfd question = {.fd = socket_, .events = POLLOUT};
    if (poll(&question, 1, 0) <= 0) return 0;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return -error;
    return question.revents & POLLOUT ? 1 : -ECONNREFUSED;
}

void chaos_stand_in_reset(int socket_) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(socket_);
}

int chaos_openings_open(const struct chaos_filter_step *steps, unsigned int count) {
    // Nothing comes in before it is bound: protocol 0.
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (socket_ < 0) return -errno;
    int error = chaos_witness_filter(socket_, steps, count);
    struct sockaddr_ll everywhere = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    if (!error
        && (setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0
            || bind(socket_, (struct sockaddr *)&everywhere, sizeof everywhere) < 0))
        error = -errno;
    if (!error) return socket_;
    close(socket_);
    return error;
}

long chaos_openings_next(
    int socket_, void *memory, unsigned long size, unsigned int *interface) {
    struct sockaddr_ll from;
    memset(&from, 0, sizeof from);
    socklen_t length = sizeof from;
    ssize_t got;
    do got = recvfrom(
            socket_, memory, size, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? 0 : -errno;
    *interface = (unsigned int)from.sll_ifindex;
    return got;
}

#endif
