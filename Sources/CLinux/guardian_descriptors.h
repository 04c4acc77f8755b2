// Sockets, pipes and descriptors as the guardian needs them on either end.

#ifndef CHAOS_GUARDIAN_DESCRIPTORS_H
#define CHAOS_GUARDIAN_DESCRIPTORS_H

#include <stddef.h>

/// A stream socket pair that no other program inherits. Returns 0 or an errno.
int chaos_socket_pair(int ends[2]);

/// Fills a buffer. Returns 1, 0 at the end of the stream, or minus an errno.
int chaos_receive_exactly(int socket, void *buffer, size_t size);

/// As above; stores up to three descriptors that came along and their number.
int chaos_receive_with_descriptors(
    int socket, void *buffer, size_t size, int *descriptors, int *descriptor_count);

/// Closes every descriptor from this one on.
void chaos_close_from(int first);

#endif
