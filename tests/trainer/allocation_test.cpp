#include <atomic>
#include <cstddef>

#include "agon/trainer.h"

#include "catch.h"
#include "support/scratch.h"

// Sanitizers bring their own malloc; elsewhere every allocation of the process, on any thread, passes here.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr size_t tensor_sized = 4096;
std::atomic<bool> counting{false};
std::atomic<int> large{0};

void note(size_t bytes) {
  if (bytes >= tensor_sized && counting.load(std::memory_order_relaxed)) ++large;
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* old, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) {
  note(bytes);
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  note(count * bytes);
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) {
  note(bytes);
  return __libc_realloc(old, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  note(bytes);
  return __libc_memalign(alignment, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  note(bytes);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** result, size_t alignment, size_t bytes) {
  note(bytes);
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : 12;
}
}

// Every step would pay for fresh pages, and memory would not be what was told before the first step.
TEST_CASE("a training step allocates nothing of a tensor's size") {
  Scratch scratch;
  agon::Config config = agon::Config::preset("dcgan-mnist");
  for (const char* setting : {"data.spec=glyphs", "data.count=128", "train.batch_size=8", "train.steps=30",
                              "log.every=5", "sample.every=1000", "checkpoint.every=1000", "sample.count=8"})
    config.set(setting);
  counting = true;
  agon::Tensor large_on_purpose(agon::DType::f32, {2000});
  counting = false;
  REQUIRE(large.exchange(0) > 0);  // the counter counts
  agon::TrainerHooks hooks;
  // The first steps fill caches; the last one samples and saves.
  hooks.step = [](const agon::StepEvent& event) { counting = event.step >= 5 && event.step < 29; };
  agon::Trainer(config, {scratch / "run", false, {}}, hooks).run();
  CHECK(large == 0);
}

#endif
