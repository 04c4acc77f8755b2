#define _GNU_SOURCE
#include "lab_tap.h"

#ifdef __linux__

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// A block holds several frames of the greatest length that there are.
enum { TAP_BLOCK_SIZE = 1 << 19, TAP_FILL_TIME = 10 };

int chaos_tap_open(
    struct chaos_tap *tap, unsigned long size, const struct chaos_filter_step *steps,
    unsigned int count) {
    memset(tap, 0, sizeof *tap);
    // Nothing comes in before it is bound: protocol 0.
    int socket_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return -errno;
    int version = TPACKET_V3, on = 1, error = 0;
    struct tpacket_req3 request = {
        .tp_block_size = TAP_BLOCK_SIZE, .tp_block_nr = (unsigned)(size / TAP_BLOCK_SIZE),
        .tp_frame_size = 2048, .tp_retire_blk_tov = TAP_FILL_TIME,
    };
    request.tp_frame_nr = request.tp_block_nr * (TAP_BLOCK_SIZE / request.tp_frame_size);
    if (setsockopt(socket_, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0
        || setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0
        || setsockopt(socket_, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) < 0)
        error = -errno;
    void *memory = MAP_FAILED;
    size = (unsigned long)request.tp_block_nr * TAP_BLOCK_SIZE;
    if (!error) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, socket_, 0);
        if (memory == MAP_FAILED) error = -errno;
    }
    if (!error) error = chaos_witness_filter(socket_, steps, count);
    if (!error) {
        // All interfaces of this namespace.
        struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
        if (bind(socket_, (struct sockaddr *)&address, sizeof address) < 0) error = -errno;
    }
    if (error) {
        if (memory != MAP_FAILED) munmap(memory, size);
        close(socket_);
        return error;
    }
    tap->descriptor = socket_;
    tap->block_size = TAP_BLOCK_SIZE;
    tap->block_count = request.tp_block_nr;
    tap->memory = memory;
    return 0;
}

int chaos_tap_filter(
    const struct chaos_tap *tap, const struct chaos_filter_step *steps, unsigned int count) {
    return chaos_witness_filter(tap->descriptor, steps, count);
}

static struct tpacket_block_desc *block_of(const struct chaos_tap *tap) {
    return (struct tpacket_block_desc *)(tap->memory + (unsigned long)tap->block * tap->block_size);
}

int chaos_tap_next(struct chaos_tap *tap, struct chaos_tap_frame *frame) {
    for (;;) {
        struct tpacket_block_desc *block = block_of(tap);
        unsigned int status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
        if (!(status & TP_STATUS_USER)) return 0;
        if (tap->taken < block->hdr.bh1.num_pkts) {
            if (tap->taken == 0) tap->offset = block->hdr.bh1.offset_to_first_pkt;
            struct tpacket3_hdr *at =
                (struct tpacket3_hdr *)((unsigned char *)block + tap->offset);
            const struct sockaddr_ll *from =
                (const void *)((unsigned char *)at + TPACKET_ALIGN(sizeof *at));
            frame->bytes = (unsigned char *)at + at->tp_mac;
            frame->kept = at->tp_snaplen;
            frame->length = at->tp_len;
            frame->interface = (unsigned int)from->sll_ifindex;
            frame->time = at->tp_sec * 1000000000ull + at->tp_nsec;
            tap->taken++;
            tap->offset += at->tp_next_offset;
            return 1;
        }
        __atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        tap->block = (tap->block + 1) % tap->block_count;
        tap->taken = 0;
    }
}

unsigned int chaos_tap_drops(const struct chaos_tap *tap) {
    struct tpacket_stats_v3 stats = {0};
    socklen_t size = sizeof stats;
    getsockopt(tap->descriptor, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
    return stats.tp_drops;
}

unsigned long long chaos_wall_clock(void) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

void chaos_tap_close(struct chaos_tap *tap) {
    if (!tap->memory) return;
    munmap(tap->memory, (unsigned long)tap->block_size * tap->block_count);
    close(tap->descriptor);
    tap->memory = NULL;
}

#endif
