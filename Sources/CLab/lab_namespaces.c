#define _GNU_SOURCE
#include "lab_namespaces.h"

#include "lab_internal.h"
#include "lab_launcher.h"

#include <errno.h>

#ifdef __linux__

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int chaos_network_open(void) { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

int chaos_network_make(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }

int chaos_network_enter(int descriptor) {
    return setns(descriptor, CLONE_NEWNET) == 0 ? 0 : errno;
}

int chaos_file_cover(const char *with, const char *path) {
    return mount(with, path, NULL, MS_BIND, NULL) == 0 ? 0 : errno;
}

int chaos_file_uncover(const char *path) {
    return umount2(path, MNT_DETACH) == 0 ? 0 : errno;
}

unsigned int chaos_interface_index(const char *interface) { return if_nametoindex(interface); }

int chaos_offloads_disable(const char *interface) {
    // Scatter-gather goes last: segmentation needs it, and goes with it.
    const unsigned int commands[] = {
        ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM, ETHTOOL_SSG,
    };
    int socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return errno;
    int error = 0;
    for (unsigned i = 0; i < sizeof commands / sizeof commands[0] && error == 0; i++) {
        struct ethtool_value value = {.cmd = commands[i], .data = 0};
        struct ifreq request = {.ifr_data = (char *)&value};
        strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
        if (ioctl(socket_, SIOCETHTOOL, &request) < 0) error = errno;
    }
    close(socket_);
    return error;
}

int chaos_lab_is_privileged(void) {
    if (geteuid() != 0) return 0;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    if (syscall(SYS_capget, &header, data) < 0) return 0;
    const unsigned wanted =
        1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_SETPCAP;
    return (data[0].effective & wanted) == wanted;
}

// MARK: - For launcher and probe

pid_t chaos_clone_into_lab(int is_privileged) {
    long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | SIGCHLD;
    if (!is_privileged) flags |= CLONE_NEWUSER;
    return (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
}

int chaos_write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    ssize_t length = (ssize_t)strlen(text);
    int error = write(file, text, (size_t)length) == length ? 0 : errno ? errno : EIO;
    close(file);
    return error;
}

int chaos_keep_identity(uid_t user, gid_t group) {
    char text[64];
    // A group can be mapped by an ordinary user only where nobody can leave groups any more.
    int error = chaos_write_file("/proc/self/setgroups", "deny");
    if (error) return error;
    snprintf(text, sizeof text, "%u %u 1", user, user);
    error = chaos_write_file("/proc/self/uid_map", text);
    if (error) return error;
    snprintf(text, sizeof text, "%u %u 1", group, group);
    return chaos_write_file("/proc/self/gid_map", text);
}

int chaos_keep_mounts(void) {
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno;
}

int chaos_mount_proc(void) {
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0 : errno;
}

#else

int chaos_network_open(void) { errno = ENOSYS; return -1; }
int chaos_network_make(void) { return ENOSYS; }
int chaos_network_enter(int descriptor) { (void)descriptor; return ENOSYS; }
int chaos_file_cover(const char *with, const char *path) { (void)with; (void)path; return ENOSYS; }
int chaos_file_uncover(const char *path) { (void)path; return ENOSYS; }
int chaos_offloads_disable(const char *interface) { (void)interface; return ENOSYS; }
unsigned int chaos_interface_index(const char *interface) { (void)interface; return 0; }
int chaos_lab_is_privileged(void) { return 0; }

#endif
