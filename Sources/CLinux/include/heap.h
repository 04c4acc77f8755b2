#ifndef CHAOS_HEAP_H
#define CHAOS_HEAP_H

/// Has memory that is free given back to the system. By itself glibc keeps a heap per thread, up to eight
/// for each processor, and each as large as it once was: under connections that come and go, a run of
/// hours would seem to leak (mallopt(3)). Nothing happens with other libraries.
void chaos_return_freed_memory(void);

#endif
