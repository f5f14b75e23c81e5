#include "agon/evaluate.h"

#include "agon/image.h"

#include "metrics/feature_pass.h"
#include "metrics/reference.h"

namespace agon {

ImageSampler image_sampler(std::shared_ptr<Program> program, uint64_t first_step) {
  struct State {
    std::shared_ptr<Program> program;
    uint64_t step;
    Tensor batch{DType::u8, {0, 0, 0, 0}};  // images of the last run
    int64_t used = 0;                       // of them
  };
  auto state = std::make_shared<State>(State{std::move(program), first_step});
  return [state](int64_t count) {
    Tensor result;
    for (int64_t done = 0; done < count;) {
      if (state->used == state->batch.shape()[0]) {
        state->program->run(state->step++);
        const Tensor images = state->program->read("images").to(DType::f32);
        state->batch = Tensor(DType::u8, images.shape());
        to_bytes(images.as<float>(), state->batch.as<uint8_t>());
        state->used = 0;
      }
      Shape shape = state->batch.shape();
      const int64_t taken = std::min(count - done, shape[0] - state->used), size = shape.numel() / shape[0];
      shape[0] = count;
      if (done == 0) result = Tensor(DType::u8, shape);
      const auto part = state->batch.as<uint8_t>().subspan(static_cast<size_t>(state->used * size),
                                                           static_cast<size_t>(taken * size));
      std::copy(part.begin(), part.end(), result.as<uint8_t>().begin() + done * size);
      state->used += taken;
      done += taken;
    }
    return result;
  };
}

Evaluator::Evaluator(std::shared_ptr<FeatureExtractor> extractor, DatasetPtr dataset, EvaluateOptions options)
    : extractor_(std::move(extractor)), dataset_(std::move(dataset)), options_(std::move(options)) {
  check(options_.samples >= 2 && options_.splits >= 1 && options_.samples >= options_.splits,
        ErrorKind::usage, "evaluation: {} samples are too few for {} splits", options_.samples,
        options_.splits);
}

Evaluator::~Evaluator() = default;

const ReferenceStatistics& Evaluator::reference() {
  if (!reference_)
    reference_ =
        std::make_unique<const ReferenceStatistics>(reference_statistics(*extractor_, *dataset_, options_));
  return *reference_;
}

MeanStd Evaluator::reference_inception_score() {
  return reference().inception_score;
}

Evaluation Evaluator::evaluate(const ImageSampler& sampler) {
  const ReferenceStatistics& real = reference();
  const FeaturePass generated = run_feature_pass(
      *extractor_, options_.samples, [&](int64_t, int64_t count) { return sampler(count); },
      options_.kernel_distance, options_.progress);

  Evaluation result;
  result.extractor = extractor_->info();
  result.reference = dataset_->fingerprint();
  result.samples = options_.samples;
  result.reference_samples = real.gaussian.n;
  result.splits = options_.splits;
  result.inception_score = inception_score(generated.logits, options_.splits);
  result.fid = frechet_distance(generated.moments.gaussian(), real.gaussian);
  if (options_.kernel_distance) {
    const int64_t subset = std::min<int64_t>({1000, options_.samples, real.gaussian.n});
    result.kernel_distance = kernel_distance(generated.features, real.features, {100, subset, options_.seed});
  }
  result.generated_classes.resize(static_cast<size_t>(result.extractor.classes));
  for (int32_t c : predict(generated.logits)) ++result.generated_classes[static_cast<size_t>(c)];
  if (static_cast<int64_t>(dataset_->class_names().size()) == result.extractor.classes)
    result.class_names = dataset_->class_names();
  result.held_back = extractor_->held_back();
  return result;
}

}  // namespace agon
