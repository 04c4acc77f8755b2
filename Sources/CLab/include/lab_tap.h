#ifndef CHAOS_LAB_TAP_H
#define CHAOS_LAB_TAP_H

// A packet socket (packet(7)) that gets copies of what comes in at all interfaces, for captures: through a
// ring of blocks that the kernel fills with frames of any length (TPACKET_V3).

#ifdef __linux__

#include "lab_packets.h"

struct chaos_tap {
    int descriptor;
    unsigned int block_size;
    unsigned int block_count;
    /// The block that is read, how many of its frames were, and where the next one lies in it.
    unsigned int block;
    unsigned int taken;
    unsigned int offset;
    unsigned char *memory;
};

/// A frame as it lies in the ring.
struct chaos_tap_frame {
    /// Beginning with the Ethernet header; `kept` of `length` bytes are there.
    const unsigned char *bytes;
    unsigned int kept;
    unsigned int length;
    /// The interface at which it came in.
    unsigned int interface;
    /// When, in nanoseconds since 1970.
    unsigned long long time;
};

/// Opens a tap with so many bytes of memory, which is filled up to 10 ms at a time; 0, or the negative errno.
int chaos_tap_open(
    struct chaos_tap *tap, unsigned long size, const struct chaos_filter_step *steps,
    unsigned int count);

/// Gives a tap another filter; 0, or the negative errno.
int chaos_tap_filter(
    const struct chaos_tap *tap, const struct chaos_filter_step *steps, unsigned int count);

/// The next frame, or 0 where there is none. It stays where it is until the next call.
int chaos_tap_next(struct chaos_tap *tap, struct chaos_tap_frame *frame);

/// How many frames had no room since the last call (PACKET_STATISTICS).
unsigned int chaos_tap_drops(const struct chaos_tap *tap);

void chaos_tap_close(struct chaos_tap *tap);

/// The clock by which the kernel times frames, in nanoseconds since 1970 (CLOCK_REALTIME).
unsigned long long chaos_wall_clock(void);

#endif
#endif
