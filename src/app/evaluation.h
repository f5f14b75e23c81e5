#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "agon/evaluate.h"
#include "agon/log.h"
#include "agon/trainer.h"

namespace agon::app {

/// Scores the generators of one config: the classifier and the reference statistics are made on first use and
/// kept on disk for later runs on the same data.
class RunEvaluator {
 public:
  /// `say` is told what takes time.
  RunEvaluator(Config config, bool kernel_distance, LogSink say);
  ~RunEvaluator();

  Evaluation evaluate(Sampler& sampler, int64_t count);

 private:
  Evaluator& evaluator(int64_t count);

  Config config_;
  bool kernel_distance_;
  LogSink say_;
  int64_t count_ = 0;
  std::unique_ptr<Evaluator> evaluator_;
};

/// Writes evaluation.json of a run: the evaluation as JSON with the step it belongs to.
void write_evaluation(const std::filesystem::path& run, const Evaluation& evaluation, uint64_t step);

/// Where classifiers and statistics are kept: $AGON_CACHE, $XDG_CACHE_HOME/agon or ~/.cache/agon; empty where
/// none of them is known.
std::filesystem::path cache_folder();
/// What autotune measured on this machine; empty without a cache folder.
std::filesystem::path tuning_file();

}  // namespace agon::app
