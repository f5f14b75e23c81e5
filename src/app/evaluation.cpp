#include "app/evaluation.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "agon/classifier.h"
#include "agon/error.h"
#include "agon/image.h"

#include "gan/trainer_feed.h"
#include "io/atomic_file.h"

namespace agon::app {
namespace {

namespace fs = std::filesystem;

Tensor to_bytes(const Tensor& images) {
  Tensor bytes(DType::u8, images.shape());
  agon::to_bytes(images.as<float>(), bytes.as<uint8_t>());
  return bytes;
}

/// Devices for tests are too slow to train a classifier on.
std::string extractor_device(const Config& config) {
  const std::string device = config.string("device");
  return device == "reference" || device == "simt" ? "cpu" : device;
}

}  // namespace

RunEvaluator::RunEvaluator(Config config, bool kernel_distance, LogSink say)
    : config_(std::move(config)), kernel_distance_(kernel_distance), say_(std::move(say)) {}
RunEvaluator::~RunEvaluator() = default;

Evaluator& RunEvaluator::evaluator(int64_t count) {
  if (evaluator_ && count == count_) return *evaluator_;
  ClassifierOptions classifier;
  classifier.cache = cache_folder();
  if (say_) say_("evaluation: with the data set's classifier, trained the first time and cached");
  const DatasetPtr all = open_whole_data(config_);
  auto extractor = default_extractor(open_backend(extractor_device(config_)), all, classifier);
  EvaluateOptions options;
  options.samples = count;
  options.kernel_distance = kernel_distance_;
  options.cache = cache_folder();
  evaluator_ =
      std::make_unique<Evaluator>(std::move(extractor), open_data(config_, Part::held_back), options);
  count_ = count;
  return *evaluator_;
}

Evaluation RunEvaluator::evaluate(Sampler& sampler, int64_t count) {
  uint64_t next = 0;
  return evaluator(count).evaluate([&](int64_t more) {
    const Tensor images = sampler.images(next, more);
    next += static_cast<uint64_t>(more);
    return to_bytes(images);
  });
}

void write_evaluation(const fs::path& run, const Evaluation& evaluation, uint64_t step) {
  auto json = nlohmann::ordered_json::parse(to_json(evaluation));
  json["step"] = step;
  write_file(run / "evaluation.json", json.dump(2) + "\n");
}

fs::path cache_folder() {
  if (const char* own = std::getenv("AGON_CACHE")) return own;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return fs::path(xdg) / "agon";
  if (const char* home = std::getenv("HOME"); home && *home) return fs::path(home) / ".cache" / "agon";
  return {};
}

fs::path tuning_file() {
  const fs::path folder = cache_folder();
  return folder.empty() ? folder : folder / "kernels.json";
}

}  // namespace agon::app
