#pragma once
#include <cstddef>

/// Calls of operator new, on any thread of this test program, for blocks of at least 4 KiB.
size_t large_allocations();
