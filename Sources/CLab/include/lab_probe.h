#ifndef CHAOS_LAB_PROBE_H
#define CHAOS_LAB_PROBE_H

/// What the lab needs of a machine, in the order in which it is tried.
enum chaos_lab_need {
    CHAOS_NEED_NAMESPACES,
    CHAOS_NEED_IDENTITY,
    CHAOS_NEED_PRIVATE_MOUNTS,
    CHAOS_NEED_PROC,
    CHAOS_NEED_SYSCTL,
    CHAOS_NEED_SECOND_NETWORK,
    CHAOS_NEED_VETH,
    CHAOS_NEED_RULES,
    CHAOS_NEED_PACKETS,
    CHAOS_NEED_TRANSPARENT,
    CHAOS_NEED_HOSTNAME,
    /// Not needed, but good to know: the kernel's own network emulator.
    CHAOS_NEED_NETEM,
    /// Whether that draws from a seed that it is given (Linux 6.6).
    CHAOS_NEED_NETEM_SEED,
    CHAOS_NEED_COUNT,
};

/// What a try came to: 0, an errno, or -1 for what was not tried because something before it failed.
struct chaos_lab_finding {
    int errors[CHAOS_NEED_COUNT];
};

/// Tries everything in a process of its own, which leaves nothing behind. Returns 0, or an errno when
/// not even that process could be started; always ENOSYS off Linux.
int chaos_lab_probe(struct chaos_lab_finding *finding);

#endif
