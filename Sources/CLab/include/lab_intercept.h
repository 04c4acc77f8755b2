#ifndef CHAOS_LAB_INTERCEPT_H
#define CHAOS_LAB_INTERCEPT_H

// TCP sockets that stand in for nodes (IP_TRANSPARENT, ip(7); IPV6_TRANSPARENT), and the SYNs that call for them.

#ifdef __linux__

#include "lab_packets.h"

/// An end of a connection: 4 or 16 bytes of an address, and a port.
struct chaos_stand_in_end {
    unsigned char address[16];
    unsigned int address_size;
    unsigned short port;
};

/// Opens a packet socket that sees what comes in at any interface and passes the filter; -errno where it
/// cannot.
int chaos_openings_open(const struct chaos_filter_step *steps, unsigned int count);

/// Takes the next frame: its length, 0 where there is none, or the negative errno. Tells the interface.
long chaos_openings_next(int socket, void *memory, unsigned long size, unsigned int *interface);

/// Opens a socket that listens in a node's place and accepts what passes the filter; -errno where it
/// cannot.
int chaos_stand_in_listen(
    const struct chaos_stand_in_end *place, const struct chaos_filter_step *steps, unsigned int count);

/// Accepts a connection, and tells who opened it; -EAGAIN where there is none.
int chaos_stand_in_accept(int listener, struct chaos_stand_in_end *opener);

/// Begins to connect in a node's place: the descriptor, or the negative errno. A port of 0 is any.
int chaos_stand_in_dial(const struct chaos_stand_in_end *source, const struct chaos_stand_in_end *target);

/// Whether a socket that was dialled is connected: 1, 0 where that is not known yet, or the negative errno.
int chaos_stand_in_state(int socket);

/// Closes with a reset (RST).
void chaos_stand_in_reset(int socket);

#endif
#endif
