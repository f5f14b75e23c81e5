#include "metrics/graph_extractor.h"

#include "agon/image.h"

#include "catch.h"

using namespace agon;

namespace {

/// Features: the pixels as the network sees them. Logits: twice them.
GraphExtractor pixels_as_features(int64_t batch, const ImageShape& shape) {
  Graph graph;
  const Value x = graph.input("x", {batch, shape.height, shape.width, shape.channels});
  const auto d = static_cast<int64_t>(shape.bytes());
  graph.output("features", reshape(x, {batch, d}));
  graph.output("logits", reshape(x * 2.0, {batch, d}));
  const auto backend = open_backend("reference");
  const std::shared_ptr<Store> store = backend->make_store();
  return GraphExtractor({"pixels", "none", "none", d, d}, backend, store, graph);
}

}  // namespace

// Were the last partial batch dropped or mixed up, some images would not be scored.
TEST_CASE("a graph extractor gives every image's features, whatever the batch") {
  Tensor images(DType::u8, {7, 2, 2, 1});
  for (size_t i = 0; i < 28; ++i) images.as<uint8_t>()[i] = static_cast<uint8_t>(9 * i);
  for (int64_t batch : {1, 3, 7, 16}) {
    const Features result = pixels_as_features(batch, {2, 2, 1}).extract(images);
    REQUIRE(result.features.shape() == Shape{7, 4});
    for (size_t i = 0; i < 28; ++i) {
      CHECK(result.features.as<double>()[i] == Approx(9.0 * static_cast<double>(i) / 127.5 - 1).margin(1e-6));
      CHECK(result.logits.as<double>()[i] == Approx(2 * result.features.as<double>()[i]));
    }
  }
}

// Were images of another size cut or misread, every score of them would be wrong without a word.
TEST_CASE("images are resized and converted to what the network takes") {
  Tensor images(DType::u8, {2, 4, 6, 3});
  for (size_t i = 0; i < 144; ++i)
    images.as<uint8_t>()[i] = static_cast<uint8_t>(i < 72 ? 30 : (i * 37) % 256);
  const Tensor fit = fit_images(images, {2, 3, 1});
  REQUIRE(fit.shape() == Shape{2, 2, 3, 1});
  for (size_t i = 0; i < 6; ++i) CHECK(fit.as<uint8_t>()[i] == 30);
  Image second(4, 6, 3);
  std::copy_n(images.as<uint8_t>().begin() + 72, 72, second.pixels.begin());
  const Image want = resize(with_channels(second, 1), 2, 3, ResizeFilter::bilinear);
  CHECK(std::equal(want.pixels.begin(), want.pixels.end(), fit.as<uint8_t>().begin() + 6));
  CHECK_THROWS_AS(fit_images(Tensor(DType::f32, {1, 2, 2, 1}), {2, 2, 1}), Error);
  CHECK_THROWS_AS(fit_images(Tensor(DType::u8, {1, 2, 2, 2}), {2, 2, 1}), Error);
}
