#include <algorithm>
#include <dlfcn.h>
#include <nlohmann/json.hpp>

#include "agon/game.h"

#include "catch.h"
#include "cuda/device.h"

using namespace agon;

namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::unsupported);
    return error.what();
  }
  return {};
}

}  // namespace

// A step would spend its time on launches: the fusions of batch norm, statistics or gradient sums are lost.
TEST_CASE("an iteration of dcgan-64 is one graph of at most 105 kernels") {
  const auto backend = device("an iteration of dcgan-64 is one graph");
  if (!backend) return;
  const Game game(Config::preset("dcgan-64"));
  const auto store = backend->make_store();
  const auto program = backend->compile(game.iteration(64), *store, {});
  INFO(program->info().kernels << " kernels");
  CHECK(program->info().kernels <= 105);
  CHECK(program->info().arena_bytes < program->info().unplanned_bytes);
}

// Work beside the graph costs a launch each, and the time that the device waits for it.
TEST_CASE("a run launches the kernels of its graph and no others") {
  const auto backend = device("a run launches the kernels of its graph");
  void* runtime = ::dlopen(AGON_CUDART_NAME, RTLD_NOW | RTLD_NOLOAD);
  if (!backend || runtime == nullptr) return;
  auto* counters = reinterpret_cast<const char* (*)()>(::dlsym(runtime, "agon_simt_counters"));
  if (counters == nullptr) return;  // a GPU does not count
  const Game game(Config::preset("vanilla-gan"));
  const auto store = backend->make_store();
  const auto program = backend->compile(game.iteration(2), *store, {});
  game.initialise(*store, 1);
  for (const GameInput& input : game.inputs(2)) std::ranges::fill(program->input(input.name), std::byte{0});
  program->run(0);
  store->read("D.params");  // waits
  reinterpret_cast<void (*)()>(::dlsym(runtime, "agon_simt_clear_counters"))();
  program->run(1);
  store->read("D.params");
  int launches = 0;
  const auto counted = nlohmann::json::parse(counters());
  for (const auto& kernel : counted["kernels"]) launches += kernel["counters"]["launches"].get<int>();
  CHECK(launches == program->info().kernels);
}

// The kernels that take losses, penalties and updates in one pass would run in no training: chains of
// pointwise kernels and sums would do their work.
TEST_CASE("an iteration's losses, penalties and updates are one launch each, of their own kernels") {
  const auto backend = device("an iteration's losses");
  if (!backend) return;
  struct Expected {
    const char* preset;
    const char* optimizer;
    int losses, penalties, updates, clipped, averaged;
  };
  for (const Expected& want : {Expected{"dcgan-64", "adam", 3, 0, 2, 0, 0},
                               {"lsgan", "adam", 3, 0, 2, 0, 0},
                               {"dcgan-mnist", "adam", 3, 0, 2, 0, 1},
                               {"wgan", "rmsprop", 11, 0, 6, 5, 0},
                               {"wgan-gp", "adam", 11, 5, 6, 0, 1},
                               {"lenet", "adam", 1, 0, 1, 0, 0}}) {
    const Game game(Config::preset(want.preset));
    const auto store = backend->make_store();
    const auto program = backend->compile(game.iteration(4), *store, {});
    const auto count = [&](std::string_view op, std::string_view word = "") {
      return std::ranges::count_if(program->info().lines, [&](const std::string& line) {
        return line.starts_with(std::string(op) + ' ') && line.find(word) != std::string::npos;
      });
    };
    INFO(want.preset);
    CHECK(count("loss") == want.losses);
    CHECK(count("gradient_penalty") == want.penalties);
    CHECK(count(want.optimizer) == want.updates);
    CHECK(count(want.optimizer, ", clipped") == want.clipped);
    CHECK(count(want.optimizer, ", averaged") == want.averaged);
    for (const std::string_view word : {"softplus", "clamp", "sqrt sub", "log_softmax"})
      CHECK(count("elementwise", word) + count(word) == 0);
  }
}

// Batches would be overwritten while the device reads them, or records lost when nobody asks for them for
// long.
TEST_CASE("runs that are enqueued without waiting read their own inputs and scalars, and all are recorded") {
  const auto backend = device("runs that are enqueued without waiting");
  if (!backend) return;
  Graph g;
  const Value x = g.input("x", {3}), still = g.input("still", {3}), k = g.scalar("k");
  const Value state = g.state("total", {3});
  g.assign(state, state + x);
  g.output("sum", sum(x) * k + sum(still));
  g.output("count", sum(state));
  const auto store = backend->make_store();
  const auto program = backend->compile(g, *store, {});
  program->write("still", Tensor::of<float>({3}, std::vector<float>{100, 200, 300}));
  constexpr int runs = 300;  // more than the ring holds
  for (int i = 0; i < runs; ++i) {
    const auto value = static_cast<float>(i);
    if (i % 3 != 2) program->write("x", Tensor::of<float>({3}, std::vector<float>{value, 1, 2}));
    program->set_scalar("k", i);
    program->run(static_cast<uint64_t>(1000 + i));
  }
  const auto records = program->drain();
  REQUIRE(records.size() == runs);
  double count = 0;
  for (int i = 0; i < runs; ++i) {
    const int fed = i % 3 != 2 ? i : i - 1;  // an input that is not written keeps its values
    const StepRecord& record = records[static_cast<size_t>(i)];
    INFO(i);
    CHECK(record.step == static_cast<uint64_t>(1000 + i));
    CHECK(record.values[0] == static_cast<double>(static_cast<float>((fed + 3) * i + 600)));
    CHECK(record.values[1] == count);
    count += fed + 3;
  }
  CHECK(program->drain().empty());
  CHECK(store->read("total").as<float>()[1] == runs);
}

// Two programs of one store (training, sampling) would see different weights.
TEST_CASE("programs share the states of a store") {
  const auto backend = device("programs share the states of a store");
  if (!backend) return;
  const auto store = backend->make_store();
  Graph write, read;
  const Value w = write.state("w", {5});
  write.assign(w, w + 1.5);
  read.output("w", read.state("w", {5}) * 2);
  const auto writer = backend->compile(write, *store, {});
  const auto reader = backend->compile(read, *store, {});
  writer->run(0);
  writer->run(1);
  reader->run(0);
  CHECK(reader->read("w").as<float>()[4] == 6);
}

// The user would be told that an allocation failed, and have to guess the batch that fits.
TEST_CASE("a batch that does not fit is answered with what was asked, what is free and one that fits") {
  const auto backend = device("a batch that does not fit");
  if (!backend) return;
  const Game game(Config::preset("dcgan-64"));
  const auto arena = [&](int64_t batch) {
    const auto store = backend->make_store();
    return static_cast<double>(backend->compile(game.iteration(batch), *store, {})->info().arena_bytes);
  };
  const auto store = backend->make_store();
  constexpr int64_t batch = 1 << 18;
  const std::string line = message_of([&] { backend->compile(game.iteration(batch), *store, {}); });
  INFO(line);
  CHECK(line.find("bytes of device memory") != std::string::npos);
  CHECK(line.find("are free") != std::string::npos);
  CHECK(line.find("--device cpu") != std::string::npos);
  const auto at = line.find("a batch of ");
  REQUIRE(at != std::string::npos);
  const double fits = std::stod(line.substr(at + 11));
  const auto of = line.find(" of ", line.find("device memory, "));
  const double free = std::stod(line.substr(line.find("device memory, ") + 15));
  REQUIRE(of != std::string::npos);
  // Arenas grow by the image; the advice must neither be too large nor far too small.
  const double by_image = (arena(32) - arena(16)) / 16;
  CHECK(fits * by_image < free);
  CHECK(fits * by_image > 0.5 * free);
}

// A store of another backend would be read as device memory.
TEST_CASE("a store of another backend is refused") {
  const auto backend = device("a store of another backend");
  if (!backend) return;
  const auto other = open_backend("cpu")->make_store();
  Graph g;
  g.output("one", sum(g.constant(1, {2})));
  CHECK_THROWS_AS(backend->compile(g, *other, {}), Error);
}
