#include "allocations.h"

#include <atomic>
#include <cerrno>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool can_count_allocations() {
  return false;
}
size_t large_allocations() {
  return 0;
}

#else

namespace {
std::atomic<size_t> count{0};
void note(size_t size) {
  if (size >= 4096) ++count;
}
}  // namespace

bool can_count_allocations() {
  return true;
}
size_t large_allocations() {
  return count;
}

// glibc's own names for the functions that are replaced here.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}
void* calloc(size_t n, size_t size) {
  note(n * size);
  return __libc_calloc(n, size);
}
void* realloc(void* old, size_t size) {
  note(size);
  return __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
int posix_memalign(void** result, size_t alignment, size_t size) {
  *result = memalign(alignment, size);
  return *result ? 0 : ENOMEM;
}
}

#endif
