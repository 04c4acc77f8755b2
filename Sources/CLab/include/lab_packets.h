#ifndef CHAOS_LAB_PACKETS_H
#define CHAOS_LAB_PACKETS_H

// Packet sockets (packet(7)): frames in through a ring that is shared with the kernel, frames out one by one.

#ifdef __linux__

/// Where frames of one interface come in.
struct chaos_ring {
    int descriptor;
    unsigned int frame_size;
    unsigned int frame_count;
    unsigned int next;
    unsigned char *memory;
    unsigned long size;
};

/// A frame as it lies in the ring.
struct chaos_frame {
    /// Beginning with the Ethernet header.
    unsigned char *bytes;
    unsigned int length;
    /// Whether its checksums are still to be computed, which a card would have done.
    int is_unfinished;
    /// Whether it was longer than there is room.
    int is_cut;
};

/// Opens a ring on an interface, with room for so many frames of 2048 bytes; 0, or the negative errno.
/// What this machine itself sends over the interface does not come in.
int chaos_ring_open(struct chaos_ring *ring, unsigned int interface, unsigned int frames);

/// The next frame, or 0 where there is none. It stays where it is until it is released.
int chaos_ring_next(struct chaos_ring *ring, struct chaos_frame *frame);
void chaos_ring_release(struct chaos_ring *ring);

/// How many frames had no room since the last call (PACKET_STATISTICS).
unsigned int chaos_ring_drops(struct chaos_ring *ring);

void chaos_ring_close(struct chaos_ring *ring);

/// Opens a socket that only sends; -errno where it cannot.
int chaos_sender_open(void);

/// Sends a frame with its Ethernet header over an interface; 0, or the negative errno.
int chaos_frame_send(int sender, unsigned int interface, const void *bytes, unsigned long length);

/// One instruction of a packet filter (`struct sock_filter`, linux/filter.h).
struct chaos_filter_step {
    unsigned short code;
    unsigned char if_true;
    unsigned char if_false;
    unsigned int value;
};

/// Opens a socket that sees copies of frames that come in from an interface and go out over it, those
/// that the filter lets through; -errno where it cannot.
int chaos_witness_open(unsigned int interface, const struct chaos_filter_step *steps, unsigned int count);

/// Gives a witness another filter; 0, or the negative errno.
int chaos_witness_filter(int witness, const struct chaos_filter_step *steps, unsigned int count);

/// Takes the next copy: how many bytes were kept, 0 where there is none, or the negative errno. Tells the
/// frame's whole length, and whether it went out rather than came in.
long chaos_witness_next(
    int witness, void *memory, unsigned long size, unsigned int *length, int *is_outgoing);

/// How many copies have come since the last call, and how many had no room beside them
/// (PACKET_STATISTICS).
void chaos_witness_count(int witness, unsigned int *come, unsigned int *missed);

#endif
#endif
