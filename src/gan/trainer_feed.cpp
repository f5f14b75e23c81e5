#include "gan/trainer_feed.h"

#include <algorithm>
#include <cstring>

#include "agon/error.h"

namespace agon {
namespace {

int small_integer(const Config& config, const char* key, int64_t least, int64_t most) {
  const int64_t value = config.integer(key);
  check(value >= least && value <= most, ErrorKind::usage, "{}: {} is {}; give {} to {}", config.where(key),
        key, value, least, most);
  return static_cast<int>(value);
}

LoaderOptions loader_options(const Config& config, int prefetch) {
  LoaderOptions options;
  options.batch_size = small_integer(config, "train.batch_size", 1, 1 << 20);
  options.seed = static_cast<uint64_t>(config.integer("seed"));
  options.flip = config.flag("data.flip");
  options.prefetch = prefetch;
  return options;
}

}  // namespace

DatasetPtr open_whole_data(const Config& config, const LogSink& log) {
  DatasetOptions options;
  options.height = small_integer(config, "data.height", 1, 1 << 16);
  options.width = small_integer(config, "data.width", 1, 1 << 16);
  options.channels = small_integer(config, "data.channels", 1, 3);
  options.epoch_size = static_cast<uint64_t>(small_integer(config, "data.count", 1, INT32_MAX));
  options.log = log;
  return open_dataset(config.string("data.spec"), options);
}

DatasetPtr open_data(const Config& config, Part part, const LogSink& log) {
  DatasetPtr all = open_whole_data(config, log);
  return config.flag("data.held_back") ? part_of(std::move(all), part) : all;
}

std::string describe_data(const Config& config, const Dataset& dataset) {
  return fmt::format("{}, {} images{} {}", config.string("data.spec"), dataset.size(),
                     dataset.unlimited() ? " an epoch" : "", dataset.shape().str());
}

Feed::Feed(const Config& config, const LogSink& log)
    : dataset_(open_data(config, Part::training, log)),
      loader_(dataset_, loader_options(config, batches_ahead)) {}

void Feed::fill(Program& program, const std::vector<GameInput>& inputs) {
  int draws = 0;
  for (const GameInput& input : inputs) draws = std::max(draws, input.draw + 1);
  for (int draw = 0; draw < draws; ++draw) {
    const Batch batch = loader_.next();
    for (const GameInput& input : inputs) {
      if (input.draw != draw) continue;
      const auto values =
          input.kind == GameInput::Kind::label ? std::as_bytes(batch.labels) : std::as_bytes(batch.images);
      const std::span<std::byte> target = program.input(input.name);
      check(values.size() == target.size(), ErrorKind::usage,
            "input '{}' of the game is {}, the data give {}; set data.height, data.width and data.channels "
            "to what "
            "the networks expect",
            input.name, input.shape.str(), loader_.batch_shape().str());
      std::memcpy(target.data(), values.data(), values.size());
    }
  }
}

size_t Feed::bytes() const {
  return static_cast<size_t>(loader_.batch_shape().numel()) * sizeof(float) * (batches_ahead + 1);
}

}  // namespace agon
