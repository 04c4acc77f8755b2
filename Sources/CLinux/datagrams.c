#ifdef __linux__

#define _GNU_SOURCE
#include "include/datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

// How the kernel hands over what comes with a datagram: enough for an address, a count and an error.
#define CONTROL_SIZE 512

static const unsigned long long mapped = 0xffffULL << 32;

static int is_ipv4(const struct chaos_end *end) { return end->high == 0 && end->low >> 32 == 0xffff; }

static void write_address(const struct chaos_end *end, unsigned char *bytes) {
    for (int index = 0; index < 8; index++) {
        bytes[index] = (unsigned char)(end->high >> (56 - 8 * index));
        bytes[8 + index] = (unsigned char)(end->low >> (56 - 8 * index));
    }
}

static void read_address(const unsigned char *bytes, struct chaos_end *end) {
    end->high = end->low = 0;
    for (int index = 0; index < 8; index++) {
        end->high = end->high << 8 | bytes[index];
        end->low = end->low << 8 | bytes[8 + index];
    }
}

/// The same as the system's own structure, for a socket of a family.
static socklen_t write_end(
    const struct chaos_end *end, int is_ipv6, struct sockaddr_storage *storage) {
    memset(storage, 0, sizeof *storage);
    if (is_ipv6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(end->port);
        address->sin6_scope_id = end->scope;
        write_address(end, address->sin6_addr.s6_addr);
        return sizeof *address;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)storage;
    address->sin_family = AF_INET;
    address->sin_port = htons(end->port);
    address->sin_addr.s_addr = htonl((unsigned int)end->low);
    return sizeof *address;
}

static int read_end(const struct sockaddr_storage *storage, struct chaos_end *end) {
    memset(end, 0, sizeof *end);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)storage;
        end->low = mapped | ntohl(address->sin_addr.s_addr);
        end->port = ntohs(address->sin_port);
        return 0;
    }
    if (storage->ss_family != AF_INET6) return -1;
    const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)storage;
    read_address(address->sin6_addr.s6_addr, end);
    end->port = ntohs(address->sin6_port);
    end->scope = address->sin6_scope_id;
    return 0;
}

int chaos_datagram_end(const void *address, struct chaos_end *end) {
    struct sockaddr_storage storage;
    memset(&storage, 0, sizeof storage);
    sa_family_t family = ((const struct sockaddr *)address)->sa_family;
    if (family != AF_INET && family != AF_INET6) return -1;
    memcpy(
        &storage, address,
        family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    return read_end(&storage, end);
}

static void set(int socket, int level, int name, int value) {
    setsockopt(socket, level, name, &value, sizeof value);
}

int chaos_datagram_make(int is_ipv6, int buffer) {
    int descriptor = socket(
        is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    set(descriptor, SOL_SOCKET, SO_RCVBUF, buffer);
    set(descriptor, SOL_SOCKET, SO_SNDBUF, buffer);
    set(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
    // A socket of IPv6 has errors of both families.
    set(descriptor, IPPROTO_IP, IP_RECVERR, 1);
    if (is_ipv6) set(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
    return descriptor;
}

int chaos_datagram_bind(int socket, int is_ipv6, const struct chaos_end *end) {
    struct sockaddr_storage storage;
    socklen_t size = write_end(end, is_ipv6, &storage);
    return bind(socket, (struct sockaddr *)&storage, size) == 0 ? 0 : -errno;
}

int chaos_datagram_connect(int socket, int is_ipv6, const struct chaos_end *end) {
    struct sockaddr_storage storage;
    socklen_t size = write_end(end, is_ipv6, &storage);
    return connect(socket, (struct sockaddr *)&storage, size) == 0 ? 0 : -errno;
}

int chaos_datagram_disconnect(int socket) {
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return connect(socket, &nobody, sizeof nobody) == 0 ? 0 : -errno;
}

int chaos_datagram_name(int socket, struct chaos_end *end) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(socket, (struct sockaddr *)&storage, &size) != 0) return -errno;
    return read_end(&storage, end);
}

void chaos_datagram_tell_destination(int socket, int is_ipv6) {
    if (is_ipv6) set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    set(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

long chaos_datagram_receive(
    int socket, void *memory, unsigned long size, struct chaos_arrival *arrival) {
    struct sockaddr_storage storage;
    struct iovec piece = {.iov_base = memory, .iov_len = size};
    char control[CONTROL_SIZE] __attribute__((aligned(8)));
    struct msghdr message = {
        .msg_name = &storage, .msg_namelen = sizeof storage, .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof control,
    };
    ssize_t count;
    do count = recvmsg(socket, &message, 0);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    memset(arrival, 0, sizeof *arrival);
    read_end(&storage, &arrival->from);
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&arrival->overflow, CMSG_DATA(head), sizeof arrival->overflow);
        } else if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(head), sizeof info);
            arrival->to.high = 0;
            arrival->to.low = mapped | ntohl(info.ipi_addr.s_addr);
            arrival->knows_destination = 1;
        } else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(head), sizeof info);
            read_address(info.ipi6_addr.s6_addr, &arrival->to);
            arrival->to.scope = info.ipi6_ifindex;
            arrival->knows_destination = 1;
        }
    }
    return count;
}

int chaos_datagram_send(
    int socket, int is_ipv6, const void *memory, unsigned long size, const struct chaos_end *to,
    const struct chaos_end *source) {
    struct sockaddr_storage storage;
    struct iovec piece = {.iov_base = (void *)memory, .iov_len = size};
    char control[CONTROL_SIZE] __attribute__((aligned(8)));
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (to) {
        message.msg_name = &storage;
        message.msg_namelen = write_end(to, is_ipv6, &storage);
    }
    if (source) {
        memset(control, 0, sizeof control);
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        if (is_ipv4(source)) {
            struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl((unsigned int)source->low)};
            head->cmsg_level = IPPROTO_IP;
            head->cmsg_type = IP_PKTINFO;
            head->cmsg_len = CMSG_LEN(sizeof info);
            memcpy(CMSG_DATA(head), &info, sizeof info);
            message.msg_controllen = CMSG_SPACE(sizeof info);
        } else {
            struct in6_pktinfo info = {0};
            write_address(source, info.ipi6_addr.s6_addr);
            head->cmsg_level = IPPROTO_IPV6;
            head->cmsg_type = IPV6_PKTINFO;
            head->cmsg_len = CMSG_LEN(sizeof info);
            memcpy(CMSG_DATA(head), &info, sizeof info);
            message.msg_controllen = CMSG_SPACE(sizeof info);
        }
    }
    ssize_t count;
    do count = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : 0;
}

int chaos_datagram_take_error(int socket, struct chaos_end *to) {
    struct sockaddr_storage storage;
    char first;
    struct iovec piece = {.iov_base = &first, .iov_len = 1};
    char control[CONTROL_SIZE] __attribute__((aligned(8)));
    struct msghdr message = {
        .msg_name = &storage, .msg_namelen = sizeof storage, .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = control, .msg_controllen = sizeof control,
    };
    memset(&storage, 0, sizeof storage);
    memset(to, 0, sizeof *to);
    if (recvmsg(socket, &message, MSG_ERRQUEUE) < 0) return 0;
    read_end(&storage, to);
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        int is_error = (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR)
            || (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_RECVERR);
        if (!is_error) continue;
        struct sock_extended_err error;
        memcpy(&error, CMSG_DATA(head), sizeof error);
        return (int)error.ee_errno;
    }
    return EIO;
}

int chaos_watch_datagrams(int poller, int descriptor, unsigned long long tag) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = tag};
    return epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

#endif
