// libFuzzer's own loop, for programs with a `main` of their own
// (https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library).
#ifndef CHAOS_LIBFUZZER_H
#define CHAOS_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*check)(const uint8_t *start, size_t count));

#endif
