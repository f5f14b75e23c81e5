#include "metrics/graph_extractor.h"

#include <algorithm>

#include "agon/image.h"

namespace agon {
namespace {

Shape input_shape(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (node.op == Op::input && node.name == "x") return graph.value(node.outputs[0]).shape;
  fail(ErrorKind::internal, "feature extractor: its graph has no input \"x\"");
}

/// Copies the first rows of `from` behind the first `at` rows of `to` (both [n, columns]).
void put_rows(const Tensor& from, int64_t rows, const Tensor& to, int64_t at) {
  const Tensor values = from.to(DType::f64);
  const int64_t columns = to.shape()[1];
  const auto part = values.as<double>().first(static_cast<size_t>(rows * columns));
  std::copy(part.begin(), part.end(), to.as<double>().begin() + at * columns);
}

}  // namespace

Tensor fit_images(const Tensor& images, const ImageShape& shape) {
  check(images.dtype() == DType::u8 && images.shape().rank() == 4, ErrorKind::usage,
        "images must be u8 [n, height, width, channels], not {} {}", name_of(images.dtype()),
        images.shape().str());
  const int64_t n = images.shape()[0];
  const ImageShape own{static_cast<int>(images.shape()[1]), static_cast<int>(images.shape()[2]),
                       static_cast<int>(images.shape()[3])};
  if (own == shape) return images;
  check(own.channels == 1 || own.channels == 3, ErrorKind::usage, "images of {} channels; 1 or 3 are needed",
        own.channels);
  Tensor result(DType::u8, {n, shape.height, shape.width, shape.channels});
  for (int64_t i = 0; i < n; ++i) {
    Image image(own.height, own.width, own.channels);
    const auto from = images.as<uint8_t>().subspan(static_cast<size_t>(i) * own.bytes(), own.bytes());
    std::copy(from.begin(), from.end(), image.pixels.begin());
    image = with_channels(image, shape.channels);
    if (image.height != shape.height || image.width != shape.width)
      image = resize(image, shape.height, shape.width, ResizeFilter::bilinear);
    std::copy(image.pixels.begin(), image.pixels.end(),
              result.as<uint8_t>().begin() + i * static_cast<int64_t>(shape.bytes()));
  }
  return result;
}

void normalise(std::span<const uint8_t> pixels, std::span<float> values) {
  for (size_t i = 0; i < pixels.size(); ++i) values[i] = static_cast<float>(pixels[i]) / 127.5f - 1;
}

GraphExtractor::GraphExtractor(ExtractorInfo info, std::shared_ptr<Backend> backend,
                               std::shared_ptr<Store> store, const Graph& graph)
    : info_(std::move(info)), backend_(std::move(backend)), store_(std::move(store)) {
  const Shape x = input_shape(graph);
  batch_ = x[0];
  shape_ = {static_cast<int>(x[1]), static_cast<int>(x[2]), static_cast<int>(x[3])};
  program_ = backend_->compile(graph, *store_, {});
}

Features GraphExtractor::extract(const Tensor& images) {
  const Tensor pixels = fit_images(images, shape_);
  const int64_t n = pixels.shape()[0];
  Features result{Tensor(DType::f64, {n, info_.features}), Tensor(DType::f64, {n, info_.classes})};
  Tensor x(DType::f32, {batch_, shape_.height, shape_.width, shape_.channels});
  for (int64_t at = 0; at < n; at += batch_) {
    const int64_t rows = std::min(batch_, n - at);
    const size_t count = static_cast<size_t>(rows) * shape_.bytes();
    normalise(pixels.as<uint8_t>().subspan(static_cast<size_t>(at) * shape_.bytes(), count),
              x.as<float>().first(count));
    program_->write("x", x);
    program_->run(0);
    put_rows(program_->read("features"), rows, result.features, at);
    put_rows(program_->read("logits"), rows, result.logits, at);
  }
  return result;
}

}  // namespace agon
