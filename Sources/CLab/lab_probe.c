#define _GNU_SOURCE
#include "lab_probe.h"

#include "lab_internal.h"
#include "lab_launcher.h"

#include <errno.h>

#ifdef __linux__

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// All of this runs in a child of a process that may have many threads: system calls only, no libnl.

/// A netlink request under construction.
typedef struct {
    struct nlmsghdr header;
    char content[240];
} request;

static void *extend(request *made, size_t size) {
    void *place = (char *)made + made->header.nlmsg_len;
    made->header.nlmsg_len += (unsigned)NLMSG_ALIGN(size);
    return place;
}

static struct rtattr *attribute(request *made, int type, const void *content, size_t size) {
    struct rtattr *attribute_ = extend(made, RTA_LENGTH(size));
    attribute_->rta_type = (unsigned short)type;
    attribute_->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size) memcpy(RTA_DATA(attribute_), content, size);
    return attribute_;
}

static request begin(int type, int flags) {
    request made;
    memset(&made, 0, sizeof made);
    made.header.nlmsg_len = NLMSG_HDRLEN;
    made.header.nlmsg_type = (unsigned short)type;
    made.header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
    return made;
}

/// Sends a request and returns the kernel's errno.
static int obey(const request *made) {
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (socket_ < 0) return errno;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } reply;
    memset(&reply, 0, sizeof reply);
    int error = 0;
    if (send(socket_, made, made->header.nlmsg_len, 0) < 0
        || recv(socket_, &reply, sizeof reply, 0) < (ssize_t)sizeof reply.header)
        error = errno;
    else if (reply.header.nlmsg_type == NLMSG_ERROR)
        error = -reply.error.error;
    close(socket_);
    return error;
}

static int try_veth(void) {
    request made = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    memset(extend(&made, sizeof(struct ifinfomsg)), 0, sizeof(struct ifinfomsg));
    struct rtattr *info = attribute(&made, IFLA_LINKINFO, NULL, 0);
    attribute(&made, IFLA_INFO_KIND, "veth", 5);
    info->rta_len = (unsigned short)((char *)&made + made.header.nlmsg_len - (char *)info);
    return obey(&made);
}

static int try_rule(int family) {
    request made = begin(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
    struct fib_rule_hdr *rule = extend(&made, sizeof *rule);
    memset(rule, 0, sizeof *rule);
    rule->family = (unsigned char)family;
    rule->action = FR_ACT_BLACKHOLE;
    unsigned priority = 100;
    attribute(&made, FRA_PRIORITY, &priority, sizeof priority);
    return obey(&made);
}

/// Whether any queue of this namespace has an attribute of netem's.
static int find_netem_attribute(int type) {
    request made = begin(RTM_GETQDISC, NLM_F_DUMP);
    made.header.nlmsg_flags &= (unsigned short)~NLM_F_ACK;
    memset(extend(&made, sizeof(struct tcmsg)), 0, sizeof(struct tcmsg));
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), found = 0;
    if (socket_ < 0) return 0;
    _Alignas(struct nlmsghdr) char reply[16384];
    ssize_t got = send(socket_, &made, made.header.nlmsg_len, 0) < 0
        ? 0 : recv(socket_, reply, sizeof reply, 0);
    int rest = (int)got;
    for (struct nlmsghdr *at = (void *)reply; got > 0 && NLMSG_OK(at, rest); at = NLMSG_NEXT(at, rest)) {
        if (at->nlmsg_type != RTM_NEWQDISC) continue;
        struct tcmsg *queue = NLMSG_DATA(at);
        struct rtattr *each = TCA_RTA(queue);
        int is_netem = 0;
        for (int size = (int)TCA_PAYLOAD(at); RTA_OK(each, size); each = RTA_NEXT(each, size)) {
            if (each->rta_type == TCA_KIND) is_netem = strcmp(RTA_DATA(each), "netem") == 0;
            if (each->rta_type != TCA_OPTIONS || !is_netem) continue;
            char *options = RTA_DATA(each);
            int length = (int)RTA_PAYLOAD(each) - (int)sizeof(struct tc_netem_qopt);
            struct rtattr *option = (void *)(options + sizeof(struct tc_netem_qopt));
            for (; RTA_OK(option, length); option = RTA_NEXT(option, length))
                if ((option->rta_type & 0x3fff) == type) found = 1;
        }
    }
    close(socket_);
    return found;
}

/// TCA_NETEM_PRNG_SEED, which headers older than Linux 6.6 lack.
enum { NETEM_SEED = 14 };

static int try_netem(void) {
    request made = begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
    struct tcmsg *queue = extend(&made, sizeof *queue);
    memset(queue, 0, sizeof *queue);
    queue->tcm_ifindex = 1;
    queue->tcm_parent = TC_H_ROOT;
    attribute(&made, TCA_KIND, "netem", 6);
    struct {
        struct tc_netem_qopt fixed;
        struct rtattr header;
        unsigned seed[2];
    } options;
    memset(&options, 0, sizeof options);
    options.fixed.limit = 1000;
    options.header.rta_type = NETEM_SEED;
    options.header.rta_len = RTA_LENGTH(sizeof options.seed);
    options.seed[0] = 1;
    attribute(&made, TCA_OPTIONS, &options, sizeof options);
    return obey(&made);
}

static int try_socket(int family, int type) {
    int socket_ = socket(family, type | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return errno;
    close(socket_);
    return 0;
}

static int try_transparent(void) {
    int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (socket_ < 0) return errno;
    int error = setsockopt(socket_, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on) < 0 ? errno : 0;
    close(socket_);
    return error;
}

static int try_hostname(void) {
    if (unshare(CLONE_NEWUTS) < 0) return errno;
    return sethostname("n1", 2) < 0 ? errno : 0;
}

/// Tries one thing after the other; what something that failed is needed for is not tried.
static void try_all(int is_privileged, uid_t user, gid_t group, struct chaos_lab_finding *found) {
    int *errors = found->errors;
    errors[CHAOS_NEED_NAMESPACES] = 0;
    errors[CHAOS_NEED_IDENTITY] = is_privileged ? 0 : chaos_keep_identity(user, group);
    if (errors[CHAOS_NEED_IDENTITY]) return;
    errors[CHAOS_NEED_PRIVATE_MOUNTS] = chaos_keep_mounts();
    errors[CHAOS_NEED_PROC] = chaos_mount_proc();
    errors[CHAOS_NEED_SYSCTL] = chaos_write_file("/proc/sys/net/ipv4/ip_forward", "1");
    errors[CHAOS_NEED_SECOND_NETWORK] = unshare(CLONE_NEWNET) < 0 ? errno : 0;
    errors[CHAOS_NEED_VETH] = try_veth();
    int rule = try_rule(AF_INET);
    errors[CHAOS_NEED_RULES] = rule ? rule : try_rule(AF_INET6);
    errors[CHAOS_NEED_PACKETS] = try_socket(AF_PACKET, SOCK_RAW);
    errors[CHAOS_NEED_TRANSPARENT] = try_transparent();
    errors[CHAOS_NEED_HOSTNAME] = try_hostname();
    errors[CHAOS_NEED_NETEM] = try_netem();
    if (errors[CHAOS_NEED_NETEM] == 0)
        errors[CHAOS_NEED_NETEM_SEED] = find_netem_attribute(NETEM_SEED) ? 0 : EOPNOTSUPP;
}

int chaos_lab_probe(struct chaos_lab_finding *found) {
    for (int i = 0; i < CHAOS_NEED_COUNT; i++) found->errors[i] = -1;
    int is_privileged = chaos_lab_is_privileged(), ends[2];
    uid_t user = geteuid();
    gid_t group = getegid();
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    // No handler of this process may run in the child.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = chaos_clone_into_lab(is_privileged);
    int error = errno;
    if (child == 0) {
        try_all(is_privileged, user, group, found);
        _exit(write(ends[1], found, sizeof *found) == sizeof *found ? 0 : 1);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        found->errors[CHAOS_NEED_NAMESPACES] = error;
        return 0;
    }
    struct chaos_lab_finding told;
    ssize_t got;
    do got = read(ends[0], &told, sizeof told);
    while (got < 0 && errno == EINTR);
    close(ends[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    if (got != sizeof told) return EIO;
    *found = told;
    return 0;
}

#else

int chaos_lab_probe(struct chaos_lab_finding *found) {
    for (int i = 0; i < CHAOS_NEED_COUNT; i++) found->errors[i] = -1;
    return ENOSYS;
}

#endif
