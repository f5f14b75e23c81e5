#include <numeric>

#include "agon/dataset.h"

#include "catch.h"
#include "io/atomic_file.h"
#include "io/file.h"
#include "io/gzip.h"
#include "support/refusals.h"
#include "support/scratch.h"
#include "support/shared_data.h"

using namespace agon;

namespace {

std::string be32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
          static_cast<char>(v)};
}

/// Values 0, 1, 2, ... for images; for labels i mod 10.
std::string idx_images(uint32_t count, uint32_t height, uint32_t width) {
  std::string file = be32(0x803) + be32(count) + be32(height) + be32(width);
  for (uint32_t i = 0; i < count * height * width; ++i) file += static_cast<char>(i);
  return file;
}
std::string idx_labels(uint32_t count) {
  std::string file = be32(0x801) + be32(count);
  for (uint32_t i = 0; i < count; ++i) file += static_cast<char>(i % 10);
  return file;
}

std::string packed(const std::string& text) {
  const auto bytes = gzip(std::as_bytes(std::span(text)));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string spec(const Scratch& folder) {
  return "mnist:" + folder.path().string();
}

}  // namespace

// Were an image, its rows or its label off by one, a conditional model would learn wrong digits.
TEST_CASE("IDX images and labels are read, packed or plain, under the usual names") {
  for (const std::string prefix : {"train-", "t10k-", ""})
    for (const bool gz : {false, true}) {
      Scratch folder;
      const std::string images = idx_images(12, 3, 4), labels = idx_labels(12);
      const std::string infix = prefix.empty() ? "-12-idx" : "-idx";
      write_file(folder / (prefix + "images" + infix + "3-ubyte" + (gz ? ".gz" : "")),
                 gz ? packed(images) : images);
      write_file(folder / (prefix + "labels" + infix + "1-ubyte" + (gz ? ".gz" : "")),
                 gz ? packed(labels) : labels);
      const DatasetPtr set = open_dataset(spec(folder));
      CHECK(set->size() == 12);
      CHECK(set->shape() == ImageShape{3, 4, 1});
      CHECK(set->class_names().size() == 10);
      std::vector<uint8_t> pixels(12), expected(12);
      CHECK(set->read(11, pixels) == 1);
      std::iota(expected.begin(), expected.end(), uint8_t{11 * 12});
      CHECK(pixels == expected);
      CHECK(set->label(7) == 7);
      error_of(ErrorKind::usage, [&] { set->read(12, pixels); });
      error_of(ErrorKind::usage, [&] { set->read(0, std::span(pixels).first(11)); });
    }
}

// Were t10k taken before train, a user would train on the test images without knowing.
TEST_CASE("train goes before t10k, a named file before both, and a choice is never guessed") {
  Scratch folder;
  write_file(folder / "t10k-images-idx3-ubyte", idx_images(2, 2, 2));
  write_file(folder / "train-images.idx3-ubyte", idx_images(3, 2, 2));
  CHECK(open_dataset(spec(folder))->size() == 3);
  CHECK(open_dataset(spec(folder) + "/t10k-images-idx3-ubyte")->size() == 2);
  Scratch other;
  write_file(other / "images-2-idx3-ubyte", idx_images(2, 2, 2));
  write_file(other / "images-3-idx3-ubyte", idx_images(3, 2, 2));
  CHECK(mentions(error_of(ErrorKind::usage, [&] { open_dataset(spec(other)); }), "name one, such as mnist:"));
}

// Were a missing labels file an error or a silent matter, unlabelled sets would be unusable or surprising.
TEST_CASE("IDX images without labels are an unlabelled set, with a remark") {
  Scratch folder;
  write_file(folder / "train-images-idx3-ubyte", idx_images(3, 2, 2));
  std::string remark;
  DatasetOptions options;
  options.log = [&](const std::string& line) { remark = line; };
  const DatasetPtr set = open_dataset(spec(folder), options);
  CHECK(!set->labelled());
  CHECK(set->label(0) == -1);
  CHECK(mentions(remark, "no labels file"));
}

// Were a damaged file accepted, training would run on garbage; each refusal names the file and the remedy.
TEST_CASE("truncated, wrong and inconsistent IDX files give one clear line") {
  Scratch folder;
  const auto images = folder / "train-images-idx3-ubyte", labels = folder / "train-labels-idx1-ubyte";
  const auto refused = [&](const std::string& image_bytes, const std::string& label_bytes,
                           const std::string& words) {
    write_file(images, image_bytes);
    write_file(labels, label_bytes);
    const std::string message = error_of(ErrorKind::data, [&] { open_dataset(spec(folder)); });
    INFO(message);
    CHECK(mentions(message, words));
    CHECK(mentions(message, folder.path().string()));
  };
  const std::string good = idx_images(4, 3, 3), good_labels = idx_labels(4);
  refused(good.substr(0, 40), good_labels,
          "truncated IDX file: the header promises 36 values, the file holds 24");
  refused(good.substr(0, 10), good_labels, "truncated IDX file");
  refused("", good_labels, "truncated IDX file");
  refused(good + "x", good_labels, "too long");
  refused("P5 3 3 255 " + good, good_labels, "no IDX file (magic 50352033)");
  refused(be32(0x803) + be32(~0u) + be32(~0u) + be32(~0u), good_labels, "truncated");
  refused(be32(0x803) + be32(0) + be32(3) + be32(3), idx_labels(0), "holds no images");
  refused(good, idx_labels(5), "5 labels for the 4 images");
  refused(good, good_labels.substr(0, 10), "truncated");
  std::string wild = good_labels;
  wild.back() = 10;
  refused(good, wild, "label 10 of image 3 is out of range (0 to 9)");
  refused(good_labels, good_labels, "not images");
  refused(good, good, "not labels");
  refused(packed(good).substr(0, packed(good).size() - 9), good_labels, "truncated gzip");
  std::string spoilt = packed(good);
  spoilt[spoilt.size() - 6] ^= 1;
  refused(spoilt, good_labels, "damaged gzip");
  write_file(images, be32(0xd03) + be32(1) + be32(1) + be32(1) + be32(0));
  CHECK(mentions(error_of(ErrorKind::unsupported, [&] { open_dataset(spec(folder)); }), "0x0d"));
  Scratch empty;
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec(empty)); }), "no IDX images file"));
}

// Were members after the first dropped, files packed by parallel compressors would come out short.
TEST_CASE("gzip files of several members are read whole, and bombs are stopped") {
  Scratch folder;
  write_file(folder / "two.gz", packed("hello ") + packed("world"));
  const auto bytes = read_maybe_gzip(folder / "two.gz");
  CHECK(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == "hello world");
  write_file(folder / "bomb.gz", packed(std::string(1 << 22, 'a')));
  CHECK(read_maybe_gzip(folder / "bomb.gz").size() == 1 << 22);
  CHECK(mentions(error_of(ErrorKind::data, [&] { read_maybe_gzip(folder / "bomb.gz", 1 << 20); }),
                 "grows beyond"));
}

// Were the conversion wrong, presets of 32x32 or RGB could not train on MNIST.
TEST_CASE("real MNIST digits are read, also resized and as RGB") {
  const auto folder = shared_data("mnist", "real MNIST digits are read, also resized and as RGB");
  if (!folder) return;
  const DatasetPtr set = open_dataset("mnist:" + folder->string());
  CHECK(set->size() == 8000);
  CHECK(set->shape() == ImageShape{28, 28, 1});
  // The test split starts with 7, 2, 1, 0, 4.
  const int32_t first[] = {7, 2, 1, 0, 4};
  for (uint64_t i = 0; i < 5; ++i) CHECK(set->label(i) == first[i]);
  const DatasetSummary summary = summarise(*set);
  CHECK(std::accumulate(summary.per_class.begin(), summary.per_class.end(), uint64_t{0}) == 8000);
  CHECK(summary.mean[0] == Approx(0.1307).margin(0.005));
  CHECK(summary.deviation[0] == Approx(0.308).margin(0.005));

  DatasetOptions options;
  options.height = options.width = 32;
  options.channels = 3;
  const DatasetPtr large = open_dataset("mnist:" + folder->string(), options);
  CHECK(large->shape() == ImageShape{32, 32, 3});
  CHECK(large->fingerprint() != set->fingerprint());
  CHECK(summarise(*large, 500).mean[2] == Approx(summarise(*set, 500).mean[0]).margin(0.002));
}
