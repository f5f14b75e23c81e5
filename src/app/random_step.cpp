#include "app/random_step.h"

#include <algorithm>
#include <span>

#include "agon/philox.h"
#include "agon/trainer.h"

#include "app/evaluation.h"

namespace agon::app {
namespace {

/// Images uniform in [-1, 1), classes uniform.
void fill_with_noise(Program& program, const GameInput& input, uint64_t seed, int64_t classes) {
  const std::span<std::byte> bytes = program.input(input.name);
  PhiloxStream random(seed, 0, static_cast<uint32_t>(input.draw));
  if (input.dtype == DType::i32) {
    for (int32_t& v : std::span(reinterpret_cast<int32_t*>(bytes.data()), bytes.size() / sizeof(int32_t)))
      v = static_cast<int32_t>(random.below(static_cast<uint32_t>(classes)));
  } else {
    for (float& v : std::span(reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)))
      v = 2 * random.uniform() - 1;
  }
}

}  // namespace

RandomStep::RandomStep(const Config& config, int64_t batch)
    : game_(config),
      batch_(batch),
      backend_(open_backend(config.string("device"))),
      store_(backend_->make_store()) {
  CompileOptions compile;
  compile.seed = static_cast<uint64_t>(config.integer("seed"));
  compile.precision = precision_of(config);
  compile.tuning_file = tuning_file();
  program_ = backend_->compile(game_.iteration(batch_), *store_, compile);
  game_.initialise(*store_, compile.seed);
  for (const GameInput& input : game_.inputs(batch_))
    fill_with_noise(*program_, input, compile.seed, std::max<int64_t>(2, config.integer("data.classes")));
}

void RandomStep::schedule(uint64_t step, uint64_t total) {
  for (const auto& [name, value] : game_.scalars(step, total)) program_->set_scalar(name, value);
}

}  // namespace agon::app
