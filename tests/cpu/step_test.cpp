#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "agon/game.h"
#include "agon/philox.h"
#include "agon/program.h"

#include "allocations.h"
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
  for (const std::string preset : {"dcgan-cifar10", "wgan-gp", "sngan", "wgan", "vanilla-gan"}) {
    INFO(preset);
    const Game game(Config::preset(preset));
    auto backend = open_backend("cpu");
    auto store = backend->make_store();
    auto program = backend->compile(game.iteration(4), *store, {});
    game.initialise(*store, 1);
    fill_inputs(game, 4, *program);
    for (uint64_t step = 0; step < 2; ++step) play(game, *program, step);
    const size_t before = large_allocations();
    for (uint64_t step = 2; step < 5; ++step) play(game, *program, step);
    CHECK(large_allocations() == before);
    CHECK(program->drain().size() == 5);
  }
}

// Were the order of sums or of threads to leak in, a run could not be repeated or resumed bitwise.
TEST_CASE("the same seed gives bitwise the same weights on the cpu") {
  const Game game(Config::preset("dcgan-cifar10"));
  auto backend = open_backend("cpu");
  std::vector<Tensor> results;
  for (int run = 0; run < 2; ++run) {
    auto store = backend->make_store();
    auto program = backend->compile(game.iteration(8), *store, {});
    game.initialise(*store, 1);
    fill_inputs(game, 8, *program);
    for (uint64_t step = 0; step < 3; ++step) play(game, *program, step);
    results.push_back(store->read("G.params"));
  }
  CHECK(std::ranges::equal(results[0].bytes(), results[1].bytes()));
}

// Were the plan not to share memory, a step of dcgan-64 would take three times the memory.
TEST_CASE("the arena is far smaller than its buffers together") {
  const Game game(Config::preset("dcgan-cifar10"));
  auto backend = open_backend("cpu");
  auto store = backend->make_store();
  const auto info = backend->compile(game.iteration(8), *store, {})->info();
  CHECK(info.arena_bytes < info.unplanned_bytes / 2);
}
