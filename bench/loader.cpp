// What it costs to make a batch: it must stay far below a training step, on one thread beside it.
#include "agon/loader.h"

#include <benchmark/benchmark.h>

#include "agon/philox.h"

namespace {

using namespace agon;

/// Random bytes in memory: the loader's own work and nothing of a reader's.
class Noise : public Dataset {
 public:
  explicit Noise(ImageShape shape)
      : Dataset(
            {.shape = shape, .size = 1024, .unlimited = false, .class_names = {}, .fingerprint = "noise"}),
        pixels_(1024 * shape.bytes()) {
    PhiloxStream random(1, 0, 0);
    for (uint8_t& pixel : pixels_) pixel = static_cast<uint8_t>(random.next());
  }

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    std::copy_n(&pixels_[index * pixels.size()], pixels.size(), pixels.begin());
  }
  int32_t read_label(uint64_t) const override { return -1; }

 private:
  std::vector<uint8_t> pixels_;
};

/// Time from batch to batch with nothing else to do: the making is the bottleneck.
void run(benchmark::State& state, DatasetPtr dataset, bool augment) {
  LoaderOptions options;
  options.flip = augment;
  options.pad = augment ? 4 : 0;
  Loader loader(std::move(dataset), options);
  for (int i = 0; i < 8; ++i) loader.next();
  for (auto _ : state) benchmark::DoNotOptimize(loader.next().images.data());
  state.SetItemsProcessed(state.iterations() * options.batch_size);
}

void memory(benchmark::State& state) {
  const auto size = static_cast<int>(state.range(0));
  run(state, std::make_shared<Noise>(ImageShape{size, size, 3}), state.range(1) != 0);
}

void glyphs(benchmark::State& state) {
  DatasetOptions options;
  options.height = options.width = static_cast<int>(state.range(0));
  options.channels = static_cast<int>(state.range(1));
  run(state, open_dataset("glyphs", options), false);
}

}  // namespace

BENCHMARK(memory)
    ->Name("loader/memory")
    ->ArgNames({"size", "augment"})
    ->ArgsProduct({{32, 64}, {0, 1}})
    ->UseRealTime();
BENCHMARK(glyphs)
    ->Name("loader/glyphs")
    ->ArgNames({"size", "channels"})
    ->ArgsProduct({{28, 64}, {1, 3}})
    ->UseRealTime();
