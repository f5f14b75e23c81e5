#include "agon/dataset.h"

#include "catch.h"
#include "io/atomic_file.h"
#include "support/refusals.h"
#include "support/scratch.h"
#include "support/shared_data.h"

using namespace agon;

namespace {

/// Records with red = label, green = 100 + label, blue = the pixel's index mod 256.
std::string batch(std::initializer_list<int> labels) {
  std::string file;
  for (int label : labels) {
    file += static_cast<char>(label);
    file.append(1024, static_cast<char>(label)).append(1024, static_cast<char>(100 + label));
    for (int i = 0; i < 1024; ++i) file += static_cast<char>(i);
  }
  return file;
}

}  // namespace

// Were planes read as pixels, every colour image would be scrambled.
TEST_CASE("CIFAR-10 batches are read in order, planes turned to pixels") {
  Scratch folder;
  write_file(folder / "data_batch_2.bin", batch({5}));
  write_file(folder / "data_batch_10.bin", batch({6}));
  write_file(folder / "data_batch_1.bin", batch({3, 9}));
  write_file(folder / "test_batch.bin", batch({1, 1, 1, 1}));
  const DatasetPtr set = open_dataset("cifar10:" + folder.path().string());
  REQUIRE(set->size() == 4);
  CHECK(set->shape() == ImageShape{32, 32, 3});
  std::vector<int32_t> labels;
  for (uint64_t i = 0; i < 4; ++i) labels.push_back(set->label(i));
  CHECK(labels == std::vector<int32_t>{3, 9, 5, 6});
  CHECK(set->class_names()[3] == "cat");
  std::vector<uint8_t> pixels(3072);
  set->read(1, pixels);
  for (size_t i = 0; i < 1024; ++i)
    CHECK((pixels[3 * i] == 9 && pixels[3 * i + 1] == 109 && pixels[3 * i + 2] == (i & 255)));
  CHECK(open_dataset("cifar10:" + (folder / "test_batch.bin").string())->size() == 4);
  write_file(folder / "batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  CHECK(open_dataset("cifar10:" + folder.path().string())->class_names()[9] == "j");
}

// Were a cut batch or a CIFAR-100 file read, all later records would be shifted garbage.
TEST_CASE("truncated CIFAR-10 batches and labels out of range give one clear line") {
  Scratch folder;
  const auto spec = "cifar10:" + folder.path().string();
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec); }), "no CIFAR-10 batches"));
  write_file(folder / "data_batch_1.bin", batch({1, 2}).substr(0, 5000));
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec); }), "5000 bytes are no multiple"));
  write_file(folder / "data_batch_1.bin", "");
  error_of(ErrorKind::data, [&] { open_dataset(spec); });
  write_file(folder / "data_batch_1.bin", batch({1, 10}));
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec); }),
                 "label 10 of record 1 is out of range"));
  write_file(folder / "data_batch_1.bin", batch({1}));
  write_file(folder / "batches.meta.txt", "cat\ndog\n");
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec); }), "2 class names"));
}

// Were the real files not accepted as they are, the colour presets could not train.
TEST_CASE("real CIFAR-10 images are read") {
  const auto folder = shared_data("cifar10", "real CIFAR-10 images are read");
  if (!folder) return;
  const DatasetPtr set = open_dataset("cifar10:" + folder->string());
  CHECK(set->size() == 10000);
  const DatasetSummary summary = summarise(*set);
  CHECK(summary.per_class == std::vector<uint64_t>(10, 1000));
  // The published means of CIFAR-10's channels.
  CHECK(summary.mean[0] == Approx(0.4914).margin(0.01));
  CHECK(summary.mean[1] == Approx(0.4822).margin(0.01));
  CHECK(summary.mean[2] == Approx(0.4465).margin(0.01));
}
