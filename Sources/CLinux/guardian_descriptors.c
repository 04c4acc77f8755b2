#define _GNU_SOURCE
#include "guardian_descriptors.h"

#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
enum { SEND_FLAGS = MSG_NOSIGNAL, RECEIVE_FLAGS = MSG_CMSG_CLOEXEC };
#else
// macOS: SIGPIPE is switched off per socket, and close-on-exec set after the fact.
enum { SEND_FLAGS = 0, RECEIVE_FLAGS = 0 };
#endif

int chaos_pipe(int ends[2]) {
#if defined(__linux__)
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
#else
    if (pipe(ends) != 0) return errno;
    for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 0;
#endif
}

int chaos_socket_pair(int ends[2]) {
#if defined(__linux__)
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 ? 0 : errno;
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return errno;
    for (int i = 0; i < 2; i++) {
        int on = 1;
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        setsockopt(ends[i], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    }
    return 0;
#endif
}

int chaos_receive_exactly(int socket, void *buffer, size_t size) {
    int ignored = 0;
    return chaos_receive_with_descriptors(socket, buffer, size, NULL, &ignored);
}

int chaos_receive_with_descriptors(
    int socket, void *buffer, size_t size, int *descriptors, int *descriptor_count
) {
    *descriptor_count = 0;
    for (size_t done = 0; done < size;) {
        struct iovec part = {(char *)buffer + done, size - done};
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(CHAOS_DESCRIPTOR_LIMIT * sizeof(int))];
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        if (descriptors) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
        }
        ssize_t got = recvmsg(socket, &message, RECEIVE_FLAGS);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0 ? 0 : -errno;
        done += (size_t)got;
        struct cmsghdr *header = descriptors ? CMSG_FIRSTHDR(&message) : NULL;
        if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            *descriptor_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(descriptors, CMSG_DATA(header), (size_t)*descriptor_count * sizeof(int));
            for (int i = 0; i < *descriptor_count; i++) fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
        }
    }
    return 1;
}

int chaos_guardian_receive(int socket, chaos_message *message) {
    return chaos_receive_exactly(socket, message, sizeof *message);
}

int chaos_guardian_send(
    int socket, const chaos_message *message, const void *payload, const int *descriptors,
    int descriptor_count
) {
    const size_t header = sizeof *message, total = header + message->length;
    for (size_t done = 0; done < total;) {
        struct iovec parts[2];
        int count = 0;
        if (done < header)
            parts[count++] = (struct iovec){(char *)message + done, header - done};
        if (message->length > 0) {
            size_t from = done > header ? done - header : 0;
            parts[count++] = (struct iovec){(char *)payload + from, message->length - from};
        }
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(CHAOS_DESCRIPTOR_LIMIT * sizeof(int))] = {0};
        struct msghdr envelope = {.msg_iov = parts, .msg_iovlen = count};
        // Descriptors travel with the first byte.
        if (done == 0 && descriptor_count > 0) {
            envelope.msg_control = control;
            envelope.msg_controllen = CMSG_SPACE((size_t)descriptor_count * sizeof(int));
            struct cmsghdr *rights = CMSG_FIRSTHDR(&envelope);
            rights->cmsg_level = SOL_SOCKET;
            rights->cmsg_type = SCM_RIGHTS;
            rights->cmsg_len = CMSG_LEN((size_t)descriptor_count * sizeof(int));
            memcpy(CMSG_DATA(rights), descriptors, (size_t)descriptor_count * sizeof(int));
        }
        ssize_t sent = sendmsg(socket, &envelope, SEND_FLAGS);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno;
        done += (size_t)sent;
    }
    return 0;
}

void chaos_close_from(int first) {
#if defined(SYS_close_range)
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0) return;
#endif
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1048576
        ? (int)limit.rlim_cur : 1048576;
    for (int descriptor = first; descriptor < end; descriptor++) close(descriptor);
}
