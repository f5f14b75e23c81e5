#pragma once
#include <cstddef>

/// Blocks of at least 4 KiB that any thread of this test program has asked malloc, calloc, realloc,
/// aligned_alloc, memalign or posix_memalign for, libraries included.
size_t large_allocations();

/// False under sanitizers, which own malloc.
bool can_count_allocations();
