// Any header of the C library says which library it is.
#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "heap.h"

void chaos_return_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 2);
    // Set, they also no longer grow with what is freed.
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
#endif
}
