#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agon/config.h"
#include "agon/game.h"
#include "agon/log.h"
#include "agon/program.h"

/// Training of one game, and generation of images from what was trained.
///
/// A run's directory holds config.toml (everything resolved), metrics.jsonl (one object a line), samples/
/// (grids step-N.png) and checkpoints/ (step-N.safetensors).
namespace agon {

/// The value of the config key `precision`. Throws Error(usage) for a name that is none.
Precision precision_of(const Config& config);

/// Images from a generator's current weights. Image k of a seed is the same whatever is asked for beside it.
class Sampler {
 public:
  /// Compiles the game's sampler for `batch` images; averaged weights where the generator keeps them.
  Sampler(const Game& game, Backend& backend, Store& store, int64_t batch, uint64_t seed);
  ~Sampler();

  /// Images `first` .. `first + count - 1` as f32 [count, height, width, channels] in [-1, 1].
  Tensor images(uint64_t first, int64_t count);
  size_t bytes() const;  ///< memory of the compiled program

 private:
  std::unique_ptr<Program> program_;
  int64_t batch_;
};

/// What a run takes, known before its first step.
struct RunCost {
  std::vector<std::pair<std::string, int64_t>> parameters;  ///< of each network
  size_t state_bytes = 0;    ///< parameters, optimizer slots, statistics, averages
  size_t program_bytes = 0;  ///< activations and workspaces
  size_t loader_bytes = 0;   ///< batches read ahead

  size_t total_bytes() const { return state_bytes + program_bytes + loader_bytes; }
};

/// Numbers by name, in the order of metrics.jsonl.
using Metrics = std::vector<std::pair<std::string, double>>;

/// Told after each step.
struct StepEvent {
  uint64_t step = 0;  ///< finished iterations
  uint64_t total_steps = 0;
  double epoch = 0, total_epochs = 0;
  double images_per_s = 0;   ///< real images consumed a second of training, lately; 0 before it is known
  double seconds_left = -1;  ///< of training; negative before it is known
  bool logged = false;       ///< the step got a line in metrics.jsonl
  const Metrics& losses;     ///< "loss_<move>"
};

class Trainer;

/// What an application adds to training. Each may be empty.
struct TrainerHooks {
  std::function<void(const StepEvent&)> step;
  /// Scores the generator as it is; the numbers join the step's line in metrics.jsonl. The same weights must
  /// give the same numbers, or a resumed run differs from one that was never stopped.
  std::function<Metrics(Trainer&)> evaluate;
  std::function<void(const std::filesystem::path& grid)> sample;
  std::function<void(const std::filesystem::path& checkpoint)> checkpoint;
};

struct TrainerOptions {
  std::filesystem::path run;  ///< made if need be
  bool resume = false;  ///< go on from the newest whole checkpoint, or from the start if there is none yet
  LogSink log;          ///< remarks (a damaged checkpoint skipped, a file of the data set ignored)
  std::filesystem::path tuning_file{};  ///< see CompileOptions
};

/// Runs the iterations of a config's game on its data. Not thread-safe; several trainers may live in one
/// process.
///
/// The same config on the same backend and thread count gives the same weights bit for bit, however often the
/// process was killed and resumed in between.
class Trainer {
 public:
  /// Builds everything up to the first step. Throws Error(usage) for a config that cannot be run, Error(io)
  /// if another process trains in the directory or it cannot be written, Error(data) if the checkpoint is of
  /// another model or data set.
  Trainer(const Config& config, TrainerOptions options, TrainerHooks hooks = {});
  ~Trainer();

  const RunCost& cost() const;
  uint64_t step() const;  ///< finished iterations
  uint64_t total_steps() const;
  double epoch() const;
  double steps_per_epoch() const;
  double training_seconds() const;  ///< spent in steps, earlier processes of the run included
  std::string data_text() const;    ///< "mnist:DIR, 8,000 images 32x32x1"
  const Config& config() const;
  const Game& game() const;
  Backend& backend();
  Store& store();

  enum class Outcome { finished, stopped };
  /// Trains to the end, or until `stop` turns true; then finishes the step and writes a checkpoint. Throws
  /// Error(numeric) when a loss, gradient norm or weight is no longer finite, naming the step and the first
  /// bad tensor; the last good checkpoint stays.
  Outcome run(const std::atomic<bool>* stop = nullptr);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A run's newest whole checkpoint, loaded and ready to sample.
struct TrainedModel {
  Config config;
  Game game;
  std::shared_ptr<Backend> backend;
  std::unique_ptr<Store> store;
  uint64_t step = 0;

  /// `device` "" is the config's. Throws Error(io) if `run` is no run, Error(data) for a checkpoint of
  /// another model.
  static TrainedModel open(const std::filesystem::path& run, const std::string& device = {},
                           const LogSink& log = {});
};

}  // namespace agon
