#ifndef CHAOS_DATAGRAMS_H
#define CHAOS_DATAGRAMS_H

// UDP sockets (udp(7), ip(7), ipv6(7)): what Swift's Glibc module does not show, and control messages,
// which Swift cannot read safely.

#ifdef __linux__

/// One end of a datagram: an IPv6 address in two halves, most significant first, or an IPv4 address
/// mapped into one (RFC 4291, 2.5.5.2), and a port.
struct chaos_end {
    unsigned long long high;
    unsigned long long low;
    /// The interface of a link-local address, or 0.
    unsigned int scope;
    unsigned short port;
};

/// Reads a socket address of the system; -1 for another family than those of the Internet.
int chaos_datagram_end(const void *address, struct chaos_end *end);

/// Makes a UDP socket that does not block, reports errors of what it sent and how much it lost for want
/// of memory, and has room for `buffer` bytes or as much as the system allows. Returns the negative
/// errno where it cannot.
int chaos_datagram_make(int is_ipv6, int buffer);

/// Binds or connects a socket; 0, or the negative errno.
int chaos_datagram_bind(int socket, int is_ipv6, const struct chaos_end *end);
int chaos_datagram_connect(int socket, int is_ipv6, const struct chaos_end *end);

/// Takes a socket's peer away (connect(2), AF_UNSPEC); 0, or the negative errno.
int chaos_datagram_disconnect(int socket);

/// Where a socket is bound; 0, or the negative errno.
int chaos_datagram_name(int socket, struct chaos_end *end);

/// Asks the kernel to tell to which of the machine's addresses each datagram was sent.
void chaos_datagram_tell_destination(int socket, int is_ipv6);

/// What came with a datagram.
struct chaos_arrival {
    struct chaos_end from;
    /// To which address it was sent, if the kernel was asked to tell; its port is 0.
    struct chaos_end to;
    int knows_destination;
    /// How many datagrams the socket has lost so far for want of memory.
    unsigned int overflow;
};

/// Receives a datagram (recvmsg(2)): its size, or the negative errno.
long chaos_datagram_receive(int socket, void *memory, unsigned long size, struct chaos_arrival *arrival);

/// Sends a datagram (sendmsg(2)); `to` is null on a connected socket, `source` null for whichever
/// address the system takes. Returns 0 or the negative errno.
int chaos_datagram_send(
    int socket, int is_ipv6, const void *memory, unsigned long size, const struct chaos_end *to,
    const struct chaos_end *source);

/// Takes one error of what was sent from the socket's queue (ip(7), IP_RECVERR): the errno, with where
/// it had been sent; 0 where there is none.
int chaos_datagram_take_error(int socket, struct chaos_end *to);

/// Reports what comes to a socket once per change until it is closed, errors too; 0, or -1 and errno.
int chaos_watch_datagrams(int poller, int descriptor, unsigned long long tag);

#endif
#endif
