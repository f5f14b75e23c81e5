#include "agon/classifier.h"

#include <algorithm>

#include "agon/loader.h"

#include "io/file.h"
#include "metrics/cache_file.h"
#include "metrics/feature_pass.h"
#include "metrics/fitted_dataset.h"
#include "metrics/graph_extractor.h"
#include "metrics/lenet.h"

namespace agon {
namespace {

constexpr int64_t images_per_run = 128;

/// Runs the training game; the weights end up in `store`.
void train(const Game& game, Backend& backend, Store& store, const DatasetPtr& dataset,
           const ClassifierOptions& options) {
  Loader loader(dataset, {.batch_size = options.batch_size, .seed = options.seed, .pad = 2});
  const auto program = backend.compile(game.iteration(options.batch_size), store, {.seed = options.seed});
  const auto images = program->input("real"), labels = program->input("label");
  for (int64_t step = 0; step < options.steps; ++step) {
    const Batch batch = loader.next();
    std::ranges::copy(std::as_bytes(batch.images), images.begin());
    std::ranges::copy(std::as_bytes(batch.labels), labels.begin());
    for (const auto& [name, value] :
         game.scalars(static_cast<uint64_t>(step), static_cast<uint64_t>(options.steps)))
      program->set_scalar(name, value);
    program->run(static_cast<uint64_t>(step));
    program->drain();
    if (options.progress)
      options.progress(static_cast<double>(step + 1) / static_cast<double>(options.steps));
  }
}

std::string hash_of(std::span<const NamedTensor> weights) {
  uint32_t crc = 0;
  for (const NamedTensor& weight : weights) crc = crc32_of(weight.tensor.to(DType::f32).bytes(), crc);
  return fmt::format("crc32:{:08x}", crc);
}

ConfusionMatrix judge(FeatureExtractor& network, const Dataset& dataset, int64_t count) {
  const FeaturePass pass = run_feature_pass(
      network, count, [&](int64_t first, int64_t n) { return read_images(dataset, first, n); }, false, {});
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(dataset.label(static_cast<uint64_t>(i)));
  ConfusionMatrix matrix(static_cast<int>(dataset.class_names().size()));
  matrix.add(labels, predict(pass.logits));
  return matrix;
}

}  // namespace

Classifier::Classifier(std::unique_ptr<FeatureExtractor> network, ConfusionMatrix held_back)
    : network_(std::move(network)), held_back_(std::move(held_back)) {}

std::shared_ptr<Classifier> train_classifier(std::shared_ptr<Backend> backend, DatasetPtr dataset,
                                             const ClassifierOptions& options) {
  check(dataset->labelled(), ErrorKind::usage,
        "classifier: the data set has no labels; give one with classes (folders of classes, mnist, cifar10)");
  const ImageShape shape = lenet::input_shape(dataset->shape());
  const auto classes = static_cast<int64_t>(dataset->class_names().size());
  const Game game = lenet::game(shape, classes);
  const std::shared_ptr<Store> store = backend->make_store();
  game.initialise(*store, options.seed);

  const DatasetPtr held_back = part_of(dataset, Part::held_back, options.seed);
  const std::string protocol = fmt::format("lenet-{} pil-bilinear v/127.5-1", shape.str());
  const CacheFile cache(options.cache, "classifier",
                        {{"dataset", dataset->fingerprint()},
                         {"protocol", protocol},
                         {"backend", std::string(backend->name())},
                         {"steps", std::to_string(options.steps)},
                         {"batch_size", std::to_string(options.batch_size)},
                         {"seed", std::to_string(options.seed)}});
  const auto cached = cache.read();
  if (cached)
    game.import_network(*store, "C", cached->tensors);
  else
    train(game, *backend, *store, fitted(part_of(dataset, Part::training, options.seed), shape), options);

  const std::vector<NamedTensor> weights = game.export_network(*store, "C");
  if (!cached) cache.write(weights);
  auto network = std::make_unique<GraphExtractor>(
      ExtractorInfo{"lenet", protocol, hash_of(weights), lenet::features, classes}, backend, store,
      game.evaluator("C", images_per_run));
  const ConfusionMatrix judgement =
      judge(*network, *held_back, std::min(options.judged, static_cast<int64_t>(held_back->size())));
  return std::make_shared<Classifier>(std::move(network), judgement);
}

std::shared_ptr<Classifier> default_extractor(std::shared_ptr<Backend> backend, DatasetPtr dataset,
                                              const ClassifierOptions& options) {
  if (!dataset->labelled()) {
    const ImageShape shape = lenet::input_shape(dataset->shape());
    DatasetOptions digits;
    digits.height = shape.height;
    digits.width = shape.width;
    digits.channels = shape.channels;
    dataset = open_dataset("glyphs", digits);
  }
  return train_classifier(std::move(backend), std::move(dataset), options);
}

}  // namespace agon
