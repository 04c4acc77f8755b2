#define _GNU_SOURCE
#include "lab_packets.h"

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_SIZE = 2048, BLOCK_SIZE = 1 << 16 };

static int bind_to(int socket_, unsigned int interface) {
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)interface,
    };
    return bind(socket_, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

int chaos_ring_open(struct chaos_ring *ring, unsigned int interface, unsigned int frames) {
    memset(ring, 0, sizeof *ring);
    // Nothing comes in before it is bound: protocol 0.
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return -errno;
    int version = TPACKET_V2, on = 1, error = 0;
    unsigned int per_block = BLOCK_SIZE / FRAME_SIZE;
    unsigned int blocks = (frames + per_block - 1) / per_block;
    struct tpacket_req request = {
        .tp_block_size = BLOCK_SIZE, .tp_block_nr = blocks, .tp_frame_size = FRAME_SIZE,
        .tp_frame_nr = blocks * per_block,
    };
    if (setsockopt(socket_, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0
        || setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0
        || setsockopt(socket_, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0)
        error = -errno;
    unsigned long size = (unsigned long)blocks * BLOCK_SIZE;
    void *memory = MAP_FAILED;
    if (!error) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket_, 0);
        if (memory == MAP_FAILED) error = -errno;
    }
    if (!error) error = bind_to(socket_, interface);
    if (error) {
        if (memory != MAP_FAILED) munmap(memory, size);
        close(socket_);
        return error;
    }
    ring->descriptor = socket_;
    ring->frame_size = FRAME_SIZE;
    ring->frame_count = request.tp_frame_nr;
    ring->memory = memory;
    ring->size = size;
    return 0;
}

static struct tpacket2_hdr *header(const struct chaos_ring *ring) {
    return (struct tpacket2_hdr *)(ring->memory + (unsigned long)ring->next * ring->frame_size);
}

int chaos_ring_next(struct chaos_ring *ring, struct chaos_frame *frame) {
    struct tpacket2_hdr *at = header(ring);
    unsigned int status = __atomic_load_n(&at->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER)) return 0;
    frame->bytes = (unsigned char *)at + at->tp_mac;
    frame->length = at->tp_snaplen;
    frame->is_unfinished = (status & TP_STATUS_CSUMNOTREADY) != 0;
    frame->is_cut = at->tp_snaplen < at->tp_len;
    return 1;
}

void chaos_ring_release(struct chaos_ring *ring) {
    __atomic_store_n(&header(ring)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->next = (ring->next + 1) % ring->frame_count;
}

static struct tpacket_stats statistics(int socket_) {
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof stats;
    getsockopt(socket_, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    return stats;
}

unsigned int chaos_ring_drops(struct chaos_ring *ring) {
    return statistics(ring->descriptor).tp_drops;
}

void chaos_ring_close(struct chaos_ring *ring) {
    if (!ring->memory) return;
    munmap(ring->memory, ring->size);
    close(ring->descriptor);
    ring->memory = NULL;
}

int chaos_sender_open(void) {
    // Protocol 0: nothing ever comes in.
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return socket_ < 0 ? -errno : socket_;
}

int chaos_frame_send(int sender, unsigned int interface, const void *bytes, unsigned long length) {
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)interface};
    ssize_t sent;
    do sent = sendto(
            sender, bytes, length, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

int chaos_witness_filter(int witness, const struct chaos_filter_step *steps, unsigned int count) {
    _Static_assert(sizeof(struct sock_filter) == sizeof(struct chaos_filter_step), "same layout");
    struct sock_fprog program = {
        .len = (unsigned short)count, .filter = (struct sock_filter *)(void *)steps,
    };
    return setsockopt(witness, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0
        ? -errno : 0;
}

int chaos_witness_open(
    unsigned int interface, const struct chaos_filter_step *steps, unsigned int count) {
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return -errno;
    int room = 4 << 20;
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    // The filter is there before the first frame can be.
    int error = chaos_witness_filter(socket_, steps, count);
    if (!error) error = bind_to(socket_, interface);
    if (error) {
        close(socket_);
        return error;
    }
    return socket_;
}

long chaos_witness_next(
    int witness, void *memory, unsigned long size, unsigned int *length, int *is_outgoing) {
    struct sockaddr_ll from;
    memset(&from, 0, sizeof from);
    struct iovec part = {memory, size};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
    };
    ssize_t got;
    do got = recvmsg(witness, &message, MSG_TRUNC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0) return errno == EAGAIN ? 0 : -errno;
    *length = (unsigned int)got;
    *is_outgoing = from.sll_pkttype == PACKET_OUTGOING;
    return (unsigned long)got < size ? got : (long)size;
}

void chaos_witness_count(int witness, unsigned int *come, unsigned int *missed) {
    struct tpacket_stats stats = statistics(witness);
    // The kernel counts those without room among all.
    *come = stats.tp_packets - stats.tp_drops;
    *missed = stats.tp_drops;
}

#endif
