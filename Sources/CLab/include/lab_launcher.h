#ifndef CHAOS_LAB_LAUNCHER_H
#define CHAOS_LAB_LAUNCHER_H

// How chaos gets into namespaces of its own, before it has a second thread.
//
//   launcher   what the user started; stays outside, has one thread, waits, passes signals on, and opens
//     |        sockets outside for those inside (the broker)
//   init       pid 1 of the new pid namespace: reaps, and its end is everybody's
//     |
//   chaos      goes on to main() as if it had been started inside
//
// A process that has threads cannot make a user namespace, and one that has made a pid namespace for its
// children can start no thread (clone(2)). So chaos executes itself again with a variable set, and what
// is here runs as a constructor of the program, before anything of Swift does.

/// The variable that asks for it: `run`, or `enter` for ``CHAOS_LAB_ENTER_*``.
#define CHAOS_LAB_REQUEST "CHAOS_LAB_REQUEST"
/// Where one may be inside: `BROKER:LAUNCHER:INIT`, the broker's descriptor, and the pids of launcher and
/// init as the outside knows them.
#define CHAOS_LAB_INSIDE "CHAOS_LAB_INSIDE"
/// For `enter`: the init's pid, a path of the network namespace as it is inside, and the node's name.
#define CHAOS_LAB_ENTER_INIT "CHAOS_LAB_ENTER_INIT"
#define CHAOS_LAB_ENTER_NETWORK "CHAOS_LAB_ENTER_NETWORK"
#define CHAOS_LAB_ENTER_NAME "CHAOS_LAB_ENTER_NAME"

/// What can be asked of the broker.
enum {
    /// A TCP socket that listens outside.
    CHAOS_BROKER_LISTEN = 1,
    /// A TCP socket that is being connected outside; it does not block, and may still be connecting.
    CHAOS_BROKER_CONNECT = 2,
};

/// Asks the broker for a socket of the outside at a numeric address. Blocks until the launcher answers.
/// Returns the descriptor, or the negative errno.
int chaos_broker_ask(int broker, int what, const char *host, unsigned short port);

/// Whether this process may make network namespaces without a user namespace of its own: it is root, and
/// has the capabilities that root usually has.
int chaos_lab_is_privileged(void);

#endif
