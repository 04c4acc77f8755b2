#ifndef CHAOS_LAB_NAMESPACES_H
#define CHAOS_LAB_NAMESPACES_H

// System calls on namespaces, which Swift's Glibc module does not show. All concern the calling thread only.

/// Opens the calling thread's network namespace; -1 and errno where it cannot.
int chaos_network_open(void);

/// Moves the calling thread into a network namespace of its own (unshare(2)); 0, or the errno.
int chaos_network_make(void);

/// Moves the calling thread into a network namespace (setns(2)); 0, or the errno.
int chaos_network_enter(int descriptor);

/// Shows one file in place of another to all processes of the mount namespace (mount(2), MS_BIND); 0, or
/// the errno.
int chaos_file_cover(const char *with, const char *path);

/// Takes that back; 0, or the errno.
int chaos_file_uncover(const char *path);

/// Switches segmentation and checksums off that a network card would do (ethtool(8): tx, sg, tso, gso), so
/// that each packet that leaves an interface is whole and as long as one on a wire; 0, or the errno.
int chaos_offloads_disable(const char *interface);

/// The index of an interface in the calling thread's namespace, or 0.
unsigned int chaos_interface_index(const char *interface);

#endif
