#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "agon/game.h"
#include "agon/philox.h"
#include "agon/program.h"

#include "allocations.h"
#include "backend/cpu/onednn.h"
#include "catch.h"

using namespace agon;

namespace {

void fill_inputs(const Game& game, int64_t batch, Program& program) {
  PhiloxStream random(3, 0, 9);
  for (const GameInput& input : game.inputs(batch)) {
    if (input.dtype != DType::f32) continue;
    Tensor values(input.dtype, input.shape);
    for (float& v : values.as<float>()) v = random.uniform() * 2 - 1;
    program.write(input.name, values);
  }
}

void play(const Game& game, Program& program, uint64_t step) {
  for (const auto& [name, value] : game.scalars(step, 100)) program.set_scalar(name, value);
  program.run(step);
}

/// What this processor computes in; says so where bf16 is not among them.
std::vector<Precision> precisions(const char* test) {
  const std::string reason = cpu::against_bf16(dnnl::get_effective_cpu_isa());
  if (reason.empty()) return {Precision::f32, Precision::bf16};
  std::printf("skipped: %s: in bf16: %s\n", test, reason.c_str());
  return {Precision::f32};
}

}  // namespace

// Were a step to allocate tensors, its time would depend on the allocator and memory would creep up over a
// run.
TEST_CASE("a training step on the cpu allocates no tensor") {
  if (!can_count_allocations()) {
    std::puts("skipped: a training step on the cpu allocates no tensor: a sanitizer owns malloc");
    return;
  }
  const size_t before_any = large_allocations();
  const std::vector<char> probe(8192);
  REQUIRE(large_allocations() > before_any);
  for (const Precision precision : precisions("a training step on the cpu allocates no tensor"))
    for (const std::string preset : {"dcgan-cifar10", "wgan-gp", "sngan", "wgan", "vanilla-gan"}) {
      INFO(preset << (precision == Precision::bf16 ? " in bf16" : ""));
      const Game game(Config::preset(preset));
      auto backend = open_backend("cpu");
      auto store = backend->make_store();
      auto program = backend->compile(game.iteration(4), *store, {.precision = precision});
      game.initialise(*store, 1);
      fill_inputs(game, 4, *program);
      for (uint64_t step = 0; step < 2; ++step) play(game, *program, step);
      const size_t before = large_allocations();
      for (uint64_t step = 2; step < 5; ++step) play(game, *program, step);
      CHECK(large_allocations() == before);
      const auto records = program->drain();
      CHECK(records.size() == 5);
      CHECK(std::ranges::all_of(records.back().values, [](double v) { return std::isfinite(v); }));
    }
}

// Were the order of sums or of threads to leak in, a run could not be repeated or resumed bitwise.
TEST_CASE("the same seed gives bitwise the same weights on the cpu") {
  const Game game(Config::preset("dcgan-cifar10"));
  auto backend = open_backend("cpu");
  for (const Precision precision : precisions("the same seed gives bitwise the same weights on the cpu")) {
    std::vector<Tensor> results;
    for (int run = 0; run < 2; ++run) {
      auto store = backend->make_store();
      auto program = backend->compile(game.iteration(8), *store, {.precision = precision});
      game.initialise(*store, 1);
      fill_inputs(game, 8, *program);
      for (uint64_t step = 0; step < 3; ++step) play(game, *program, step);
      results.push_back(store->read("G.params"));
    }
    CHECK(std::ranges::equal(results[0].bytes(), results[1].bytes()));
  }
}

// Were bf16 fed into what must be f32, or the wrong way round, the first steps would already go elsewhere.
TEST_CASE("the first steps in bf16 are those in f32, to the accuracy of bf16") {
  const auto both = precisions("the first steps in bf16 are those in f32, to the accuracy of bf16");
  if (both.size() < 2) return;
  for (const std::string preset : {"dcgan-cifar10", "wgan-gp", "sngan", "lsgan", "dcgan-mnist"}) {
    const Game game(Config::preset(preset));
    auto backend = open_backend("cpu");
    std::vector<std::vector<double>> first;
    std::vector<std::string> names;
    for (const Precision precision : both) {
      auto store = backend->make_store();
      auto program = backend->compile(game.iteration(8), *store, {.precision = precision});
      game.initialise(*store, 1);
      fill_inputs(game, 8, *program);
      play(game, *program, 0);
      names = program->scalar_names();
      first.push_back(program->drain()[0].values);
    }
    for (size_t i = 0; i < names.size(); ++i) {
      INFO(preset << " " << names[i]);
      CHECK(std::abs(first[1][i] - first[0][i]) < 0.05 * std::max(1.0, std::abs(first[0][i])));
    }
  }
}

// Were the plan not to share memory, a step of dcgan-64 would take three times the memory.
TEST_CASE("the arena is far smaller than its buffers together") {
  const Game game(Config::preset("dcgan-cifar10"));
  auto backend = open_backend("cpu");
  auto store = backend->make_store();
  const auto info = backend->compile(game.iteration(8), *store, {})->info();
  CHECK(info.arena_bytes < info.unplanned_bytes / 2);
}
