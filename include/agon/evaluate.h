#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agon/dataset.h"
#include "agon/feature_extractor.h"
#include "agon/metrics.h"
#include "agon/program.h"

namespace agon {

/// Gives `count` further generated images, u8 [count, height, width, channels].
using ImageSampler = std::function<Tensor(int64_t count)>;

/// Images of a program that Game::sampler() made (output "images" in [-1, 1]); each run draws with the next
/// step from `first_step` on, so the same program, weights and step give the same images.
ImageSampler image_sampler(std::shared_ptr<Program> program, uint64_t first_step = 0);

struct EvaluateOptions {
  int64_t samples = 10000;    ///< generated images
  int64_t reference = 50000;  ///< images of the data set at most, from its start
  int splits = 10;            ///< of the inception score
  bool kernel_distance = false;
  uint64_t seed = 0;                 ///< of the kernel distance's subsets
  std::filesystem::path cache = {};  ///< folder for the reference statistics; empty: keep none on disk
  std::function<void(double)> progress = {};  ///< told the share that is done, 0..1
};

/// Scores of one generator against one data set.
struct Evaluation {
  ExtractorInfo extractor;
  std::string reference;  ///< the data set's fingerprint
  int64_t samples = 0, reference_samples = 0;
  int splits = 0;
  MeanStd inception_score;
  double fid = 0;  ///< Frechet distance on the extractor's features
  std::optional<MeanStd> kernel_distance;
  std::vector<int64_t> generated_classes;    ///< how many samples the extractor takes for each class
  std::vector<std::string> class_names;      ///< of the data set, where the classes are its own
  std::optional<ConfusionMatrix> held_back;  ///< of the extractor on labelled images it did not train on
};

/// The report as a JSON object: `fid` and `inception_score` (and `kernel_distance`), each with `mean`, `std`
/// where there is one, `n`, `extractor` and `protocol`; `accuracy`, `recall` and `confusion` where a
/// classifier judges; `generated_classes`; `extractor` with its weights' hash.
std::string to_json(const Evaluation& evaluation, int indent = 2);

struct ReferenceStatistics;

/// Scores generators against one data set; what concerns the data set is computed once, on first use.
class Evaluator {
 public:
  Evaluator(std::shared_ptr<FeatureExtractor> extractor, DatasetPtr dataset, EvaluateOptions options = {});
  ~Evaluator();

  /// Throws Error(usage) where the samples do not suffice (two, and one per split).
  Evaluation evaluate(const ImageSampler& sampler);
  /// The inception score of the data set's own images: what a perfect generator would reach.
  MeanStd reference_inception_score();

 private:
  const ReferenceStatistics& reference();

  std::shared_ptr<FeatureExtractor> extractor_;
  DatasetPtr dataset_;
  EvaluateOptions options_;
  std::unique_ptr<const ReferenceStatistics> reference_;
};

}  // namespace agon
