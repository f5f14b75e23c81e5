#include "agon/loader.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "catch.h"
#include "count_allocations.h"
#include "support/refusals.h"

using namespace agon;

namespace {

/// Image i is filled so that every byte tells index, row, column and channel apart; label i. Image `bad`
/// throws.
class Probe : public Dataset {
 public:
  explicit Probe(uint64_t size, ImageShape shape = {4, 6, 3}, bool unlimited = false,
                 uint64_t bad = ~uint64_t{0})
      : Dataset({.shape = shape,
                 .size = size,
                 .unlimited = unlimited,
                 .class_names = {"x"},
                 .fingerprint = "probe"}),
        bad_(bad) {}

  static uint8_t value(uint64_t index, int row, int column, int channel) {
    return static_cast<uint8_t>(index * 53 + static_cast<uint64_t>(row * 31 + column * 7 + channel * 3));
  }

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    check(index != bad_, ErrorKind::data, "image {} is bad", index);
    size_t at = 0;
    for (int y = 0; y < shape().height; ++y)
      for (int x = 0; x < shape().width; ++x)
        for (int c = 0; c < shape().channels; ++c) pixels[at++] = value(index, y, x, c);
  }
  int32_t read_label(uint64_t index) const override { return static_cast<int32_t>(index); }

 private:
  uint64_t bad_;
};

struct Copy {
  std::vector<float> images;
  std::vector<int32_t> labels;
  LoaderPosition position;

  explicit Copy(const Batch& batch)
      : images(batch.images.begin(), batch.images.end()),
        labels(batch.labels.begin(), batch.labels.end()),
        position(batch.position) {}
  bool operator==(const Copy&) const = default;
};

std::vector<Copy> take(Loader& loader, int count) {
  std::vector<Copy> batches;
  for (int i = 0; i < count; ++i) batches.emplace_back(loader.next());
  return batches;
}

LoaderOptions augmented() {
  LoaderOptions options;
  options.batch_size = 8;
  options.seed = 42;
  options.flip = true;
  options.pad = 2;
  return options;
}

}  // namespace

// Were an image to come twice in an epoch, or the order to repeat, training would see less of the data than
// it says.
TEST_CASE("an epoch has every image at most once, in an order of its own, without the partial batch") {
  for (uint64_t size : {1u, 2u, 10u, 63u, 64u, 65u, 1000u}) {
    LoaderOptions options;
    options.batch_size = size < 8 ? 1 : 8;
    Loader loader(std::make_shared<Probe>(size), options);
    REQUIRE(loader.batches_per_epoch() == size / static_cast<uint64_t>(options.batch_size));
    std::set<std::vector<int32_t>> orders;
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      std::vector<int32_t> order;
      for (uint64_t b = 0; b < loader.batches_per_epoch(); ++b) {
        const Batch batch = loader.next();
        CHECK(batch.position == LoaderPosition{epoch, b});
        order.insert(order.end(), batch.labels.begin(), batch.labels.end());
      }
      const std::set<int32_t> seen(order.begin(), order.end());
      CHECK(seen.size() == order.size());
      CHECK((*seen.begin() >= 0 && *seen.rbegin() < static_cast<int32_t>(size)));
      orders.insert(order);
    }
    if (size >= 10) CHECK(orders.size() == 4);
  }
}

// Were some places favoured, some images would be trained on more, or be dropped with the partial batch
// always.
TEST_CASE("shuffling sends every image to every place equally often") {
  LoaderOptions options;
  options.batch_size = 10;
  Loader loader(std::make_shared<Probe>(10, ImageShape{1, 1, 1}), options);
  constexpr int epochs = 4000;
  int counts[10][10] = {};
  for (int epoch = 0; epoch < epochs; ++epoch) {
    const Batch batch = loader.next();
    for (size_t place = 0; place < 10; ++place) ++counts[place][batch.labels[place]];
  }
  double chi_square = 0;
  for (const auto& row : counts)
    for (int count : row) chi_square += (count - epochs / 10.0) * (count - epochs / 10.0) / (epochs / 10.0);
  // 81 degrees of freedom: mean 81, deviation 12.7.
  CHECK(chi_square < 81 + 5 * 12.7);
  CHECK(chi_square > 81 - 5 * 12.7);
}

// Were shuffle = false to change the order, evaluations would pair images with the wrong files.
TEST_CASE("without shuffling the order is the data set's, and pixels are x / 127.5 - 1") {
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = false;
  Loader loader(std::make_shared<Probe>(10), options);
  CHECK(loader.batch_shape() == Shape{4, 4, 6, 3});
  for (int32_t first : {0, 4, 0}) {
    const Batch batch = loader.next();
    CHECK(reinterpret_cast<uintptr_t>(batch.images.data()) % 64 == 0);
    REQUIRE(batch.images.size() == 4 * 72);
    size_t at = 0;
    for (int32_t i = 0; i < 4; ++i) {
      CHECK(batch.labels[static_cast<size_t>(i)] == first + i);
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 6; ++x)
          for (int c = 0; c < 3; ++c) {
            const int byte = Probe::value(static_cast<uint64_t>(first + i), y, x, c);
            CHECK(batch.images[at++] == static_cast<float>(byte) / 127.5f - 1.0f);
          }
    }
  }
}

// Were batches to depend on threads or timing, the same seed would not give the same run.
TEST_CASE("batches do not depend on the number of threads or the prefetch") {
  const auto set = std::make_shared<Probe>(37);
  std::vector<Copy> expected;
  for (auto [threads, prefetch] : {std::pair{1, 1}, {1, 4}, {3, 2}, {4, 9}}) {
    LoaderOptions options = augmented();
    options.threads = threads;
    options.prefetch = prefetch;
    Loader loader(set, options);
    const auto batches = take(loader, 19);
    if (expected.empty()) expected = batches;
    CHECK(batches == expected);
  }
  LoaderOptions other = augmented();
  other.seed = 43;
  Loader loader(set, other);
  CHECK(take(loader, 19) != expected);
}

// Were a position to miss anything, a resumed run would drift from the one that was killed.
TEST_CASE("after seek the next batches equal those of an uninterrupted loader, bit for bit") {
  const auto set = std::make_shared<Probe>(37);
  LoaderOptions options = augmented();
  options.threads = 2;
  Loader whole(set, options);
  std::vector<LoaderPosition> positions;
  std::vector<Copy> batches;
  for (int i = 0; i < 14; ++i) {
    positions.push_back(whole.position());
    batches.emplace_back(whole.next());
    CHECK(batches.back().position == positions.back());
  }
  for (size_t start = 0; start < positions.size(); ++start) {
    Loader fresh(set, options);
    fresh.seek(positions[start]);
    CHECK(fresh.position() == positions[start]);
    for (size_t i = start; i < positions.size(); ++i) CHECK(Copy(fresh.next()) == batches[i]);
    // And one that has been elsewhere before.
    whole.seek(positions[start]);
    CHECK(Copy(whole.next()) == batches[start]);
  }
  error_of(ErrorKind::usage, [&] { whole.seek({0, 4}); });
  error_of(ErrorKind::usage, [&] { whole.seek({~uint64_t{0}, 0}); });
}

// Were an unlimited set to repeat its first epoch, it would be no more than a finite one.
TEST_CASE("every epoch of an unlimited set has images of its own") {
  LoaderOptions options;
  options.batch_size = 5;
  Loader loader(std::make_shared<Probe>(10, ImageShape{1, 1, 1}, true), options);
  std::set<int32_t> seen;
  for (int i = 0; i < 6; ++i)
    for (int32_t label : loader.next().labels) seen.insert(label);
  CHECK(seen.size() == 30);
  CHECK(*seen.rbegin() == 29);
}

// Were flips not mirrors, or always or never taken, augmentation would hurt or do nothing.
TEST_CASE("a flip mirrors about half of the images left to right") {
  LoaderOptions options;
  options.batch_size = 50;
  options.shuffle = false;
  options.flip = true;
  Loader loader(std::make_shared<Probe>(50), options);
  int flipped = 0;
  for (int epoch = 0; epoch < 8; ++epoch) {
    const Batch batch = loader.next();
    for (size_t i = 0; i < 50; ++i) {
      bool plain = true, mirrored = true;
      for (int x = 0; x < 6; ++x)
        for (int c = 0; c < 3; ++c) {
          const float v = batch.images[i * 72 + static_cast<size_t>(x * 3 + c)];
          plain &= v == static_cast<float>(Probe::value(i, 0, x, c)) / 127.5f - 1.0f;
          mirrored &= v == static_cast<float>(Probe::value(i, 0, 5 - x, c)) / 127.5f - 1.0f;
        }
      CHECK(plain != mirrored);
      flipped += mirrored;
    }
  }
  CHECK((flipped > 150 && flipped < 250));
}

// Were crops off by one or padded wrongly, images would have seams or lose an edge.
TEST_CASE("a random crop is a window of the image, grown by reflection") {
  LoaderOptions options;
  options.batch_size = 20;
  options.shuffle = false;
  options.pad = 2;
  options.crop_height = 5;
  options.crop_width = 3;
  Loader loader(std::make_shared<Probe>(20, ImageShape{4, 6, 1}), options);
  CHECK(loader.batch_shape() == Shape{20, 5, 3, 1});
  const auto mirror = [](int at, int size) { return at < 0 ? -at : at < size ? at : 2 * size - 2 - at; };
  std::set<std::pair<int, int>> offsets;
  for (int epoch = 0; epoch < 20; ++epoch) {
    const Batch batch = loader.next();
    for (size_t i = 0; i < 20; ++i) {
      int matches = 0;
      for (int top = -2; top <= 1; ++top)
        for (int left = -2; left <= 5; ++left) {
          bool same = true;
          for (int y = 0; y < 5; ++y)
            for (int x = 0; x < 3; ++x)
              same &=
                  batch.images[i * 15 + static_cast<size_t>(y * 3 + x)] ==
                  static_cast<float>(Probe::value(i, mirror(top + y, 4), mirror(left + x, 6), 0)) / 127.5f -
                      1.0f;
          if (same) offsets.insert({top, left});
          matches += same;
        }
      CHECK(matches >= 1);
    }
  }
  CHECK(offsets.size() == 4 * 8);
}

// Were a worker's error lost, next() would wait for ever or hand out garbage.
TEST_CASE("an error in a worker surfaces at its batch, stays, and seek gets past it") {
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = false;
  options.threads = 2;
  Loader loader(std::make_shared<Probe>(16, ImageShape{4, 6, 3}, false, 9), options);
  CHECK(loader.next().labels[0] == 0);
  CHECK(loader.next().labels[0] == 4);
  for (int i = 0; i < 3; ++i) CHECK(error_of(ErrorKind::data, [&] { loader.next(); }) == "image 9 is bad");
  CHECK(loader.position() == LoaderPosition{0, 2});
  loader.seek({0, 3});
  CHECK(loader.next().labels[0] == 12);
}

// Were the ring reallocated or the batch in use overwritten, memory would grow or images change under the
// trainer.
TEST_CASE("the loader lives in a fixed ring, leaves the batch in use alone and allocates nothing large") {
  LoaderOptions options = augmented();
  options.batch_size = 16;
  options.threads = 2;
  options.prefetch = 3;
  DatasetOptions glyph_options;
  glyph_options.height = glyph_options.width = 40;
  glyph_options.channels = 3;
  Loader loader(open_dataset("glyphs", glyph_options), options);
  std::set<const float*> places;
  for (int i = 0; i < 8; ++i) places.insert(loader.next().images.data());
  const size_t before = large_allocations();
  CHECK(before > 0);  // the counter works: the scratch images were counted
  for (int i = 0; i < 40; ++i) {
    const Batch batch = loader.next();
    float sum = 0, again = 0;
    for (float v : batch.images) sum += v;
    if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    for (float v : batch.images) again += v;
    if (sum != again) FAIL("the batch in use was overwritten");
    places.insert(batch.images.data());
  }
  CHECK(large_allocations() == before);
  CHECK(places.size() == 4);
}

// Were shutdown not clean, a run could hang or crash at its end, whatever the workers are doing.
TEST_CASE("loaders end cleanly at any moment") {
  const auto set = std::make_shared<Probe>(64);
  for (int i = 0; i < 60; ++i) {
    LoaderOptions options = augmented();
    options.threads = 1 + i % 4;
    options.prefetch = 1 + i % 3;
    Loader loader(set, options);
    for (int b = 0; b < i % 7; ++b) loader.next();
    if (i % 5 == 0) loader.seek({static_cast<uint64_t>(i), 1});
  }
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // whose allocators end the program instead
// Were an allocation that cannot be had to crash, a mistyped batch size would look like a bug in Agon.
TEST_CASE("a ring of batches larger than the machine's memory gives one clear line") {
  LoaderOptions options;
  options.batch_size = 1 << 30;
  const auto set = std::make_shared<Probe>(uint64_t{1} << 31, ImageShape{256, 256, 3});
  CHECK(mentions(error_of(ErrorKind::io, [&] { Loader(set, options); }), "use a smaller batch"));
}
#endif

// Were impossible options accepted, the first batch would read past the end of an image or never come.
TEST_CASE("impossible loader options are refused") {
  const auto set = std::make_shared<Probe>(16);
  const auto refused = [&](auto change, const std::string& words) {
    LoaderOptions options;
    options.batch_size = 4;
    change(options);
    CHECK(mentions(error_of(ErrorKind::usage, [&] { Loader(set, options); }), words));
  };
  refused([](LoaderOptions& o) { o.batch_size = 17; },
          "a batch of 17 images from a data set of 16; choose a smaller");
  refused([](LoaderOptions& o) { o.batch_size = 0; }, "a batch of 0");
  refused([](LoaderOptions& o) { o.prefetch = 0; }, "at least 1");
  refused([](LoaderOptions& o) { o.threads = -1; }, "at least 1");
  refused([](LoaderOptions& o) { o.pad = 4; }, "pad of 4");
  refused([](LoaderOptions& o) { o.crop_width = 7; }, "a crop of 7x4 from images of 6x4");
  refused([](LoaderOptions& o) { o.crop_height = -1; }, "a crop of");
}
