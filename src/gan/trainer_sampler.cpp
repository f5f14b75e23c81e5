#include <cstring>
#include <utility>

#include "agon/error.h"
#include "agon/trainer.h"

namespace agon {
namespace {

/// Keeps a sampler's noise apart from the training's, which shares its seed and stream numbers.
constexpr uint64_t sampler_key = 0x5A6D706C65720000;

}  // namespace

Sampler::Sampler(const Game& game, Backend& backend, Store& store, int64_t batch, uint64_t seed)
    : batch_(batch) {
  check(batch >= 1, ErrorKind::usage, "sample.count is {}; give at least 1", batch);
  check(!game.generator().empty(), ErrorKind::usage, "this game has no generator to sample from");
  CompileOptions options;
  options.seed = seed ^ sampler_key;
  program_ = backend.compile(game.sampler(batch), store, options);
}

Sampler::~Sampler() = default;

Tensor Sampler::images(uint64_t first, int64_t count) {
  check(count >= 1, ErrorKind::usage, "{} images asked for; give at least 1", count);
  Tensor result;
  size_t image_bytes = 0;
  // Run r of the program makes images r * batch .. (r + 1) * batch - 1.
  for (uint64_t k = first, end = first + static_cast<uint64_t>(count); k < end;) {
    const uint64_t run = k / static_cast<uint64_t>(batch_), within = k % static_cast<uint64_t>(batch_);
    program_->run(run);
    program_->drain();
    const Tensor batch = program_->read("images").to(DType::f32);
    if (k == first) {
      Shape shape = batch.shape();
      shape[0] = count;
      result = Tensor(DType::f32, shape);
      image_bytes = batch.bytes().size() / static_cast<size_t>(batch_);
    }
    const uint64_t taken = std::min(end - k, static_cast<uint64_t>(batch_) - within);
    std::memcpy(result.bytes().data() + (k - first) * image_bytes,
                batch.bytes().data() + within * image_bytes, taken * image_bytes);
    k += taken;
  }
  return result;
}

size_t Sampler::bytes() const {
  return program_->info().arena_bytes + program_->info().workspace_bytes;
}

}  // namespace agon
