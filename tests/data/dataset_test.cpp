#include "agon/dataset.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "support/refusals.h"
#include "support/scratch.h"

using namespace agon;

namespace {

DatasetPtr glyph_set(uint64_t epoch_size, int channels = 1) {
  DatasetOptions options;
  options.height = options.width = 12;
  options.channels = channels;
  options.epoch_size = epoch_size;
  return open_dataset("glyphs", options);
}

std::vector<uint8_t> pixels_of(const Dataset& set, uint64_t index) {
  std::vector<uint8_t> pixels(set.shape().bytes());
  set.read(index, pixels);
  return pixels;
}

}  // namespace

// Were a wrong SPEC answered vaguely, the user would not know what to type.
TEST_CASE("a wrong data SPEC gives one line that says what to write") {
  CHECK(mentions(error_of(ErrorKind::usage, [] { open_dataset("mnits:x"); }), "did you mean 'mnist'"));
  CHECK(mentions(error_of(ErrorKind::usage, [] { open_dataset("glyph"); }), "did you mean 'glyphs'"));
  CHECK(mentions(error_of(ErrorKind::usage, [] { open_dataset("spreadsheet:x"); }),
                 "known: glyphs, mnist, cifar10, folder"));
  CHECK(mentions(error_of(ErrorKind::usage, [] { open_dataset("mnist"); }), "write mnist:DIR"));
  CHECK(mentions(error_of(ErrorKind::usage, [] { open_dataset("glyphs:x"); }), "leave 'x' away"));
  CHECK(mentions(error_of(ErrorKind::io, [] { open_dataset("mnist:/no/such/folder"); }), "does not exist"));
  Scratch folder;
  CHECK(mentions(error_of(ErrorKind::usage, [&] { open_dataset(folder.path().string()); }),
                 "write folder:" + folder.path().string()));
}

// Were the parts to overlap or to miss images, held-back metrics would be measured on training images.
TEST_CASE("the two parts of a set are disjoint and whole, for every size and seed") {
  for (uint64_t size : {5u, 6u, 9u, 10u, 128u})
    for (uint64_t seed : {0u, 1u}) {
      const DatasetPtr whole = glyph_set(size);
      const DatasetPtr training = part_of(whole, Part::training, seed),
                       held = part_of(whole, Part::held_back, seed);
      CHECK(held->size() == size / 5);
      CHECK(training->size() + held->size() == size);
      CHECK(training->fingerprint() != held->fingerprint());
      std::set<std::vector<uint8_t>> in_whole, in_parts;
      for (uint64_t i = 0; i < size; ++i) in_whole.insert(pixels_of(*whole, i));
      // The whole is unlimited, so the last group of fewer than five may reach into the next epoch.
      for (uint64_t i = 0; i < size / 5 * 4; ++i) in_parts.insert(pixels_of(*training, i));
      for (uint64_t i = 0; i < held->size(); ++i) in_parts.insert(pixels_of(*held, i));
      CHECK(in_parts.size() == size / 5 * 5);
      CHECK(std::ranges::includes(in_whole, in_parts));
    }
  error_of(ErrorKind::usage, [] { part_of(glyph_set(4), Part::training); });
}

// Were the split not a fixed function of the seed, a resumed run would train on held-back images.
TEST_CASE("the parts of a finite set depend on the seed alone and cover the last group") {
  Scratch folder;
  write_idx_folder(*glyph_set(23), 23, folder.path());
  const DatasetPtr whole = open_dataset("mnist:" + folder.path().string());
  REQUIRE(whole->size() == 23);
  const auto held = [&](uint64_t seed) {
    std::vector<std::vector<uint8_t>> images;
    for (uint64_t i = 0; i < 4; ++i) images.push_back(pixels_of(*part_of(whole, Part::held_back, seed), i));
    return images;
  };
  CHECK(held(3) == held(3));
  CHECK(held(3) != held(4));
  const DatasetPtr training = part_of(whole, Part::training, 3);
  REQUIRE(training->size() == 19);
  std::set<std::vector<uint8_t>> all;
  for (uint64_t i = 0; i < 19; ++i) all.insert(pixels_of(*training, i));
  for (const auto& image : held(3)) all.insert(image);
  CHECK(all.size() == 23);
  CHECK(training->label(18) == whole->label(22));
}

// Were an export to change a pixel or a label, a set made by `agon data make` would not be the one it shows.
TEST_CASE("sets survive the way to IDX files and PNG folders and back") {
  for (int channels : {1, 3}) {
    const DatasetPtr set = glyph_set(40, channels);
    Scratch idx, png;
    write_idx_folder(*set, 40, idx.path());
    const DatasetPtr from_idx = open_dataset("mnist:" + idx.path().string());
    REQUIRE((from_idx->size() == 40 && from_idx->shape() == set->shape()));
    for (uint64_t i = 0; i < 40; ++i) {
      CHECK(pixels_of(*from_idx, i) == pixels_of(*set, i));
      CHECK(from_idx->label(i) == set->label(i));
    }
    write_png_folder(*set, 40, png.path());
    const DatasetPtr from_png = open_dataset("folder:" + png.path().string());
    REQUIRE((from_png->size() == 40 && from_png->shape() == set->shape()));
    std::multiset<std::vector<uint8_t>> written, read;
    for (uint64_t i = 0; i < 40; ++i) {
      auto image = pixels_of(*set, i), back = pixels_of(*from_png, i);
      image.push_back(static_cast<uint8_t>(set->label(i)));
      back.push_back(
          static_cast<uint8_t>(std::stoi(from_png->class_names()[static_cast<size_t>(from_png->label(i))])));
      written.insert(image);
      read.insert(back);
    }
    CHECK(written == read);
  }
}

// Were an export to a full disk or an unwritable folder to crash or half-succeed, the user would not know it.
TEST_CASE("exports to a full disk or an unwritable folder give one clear line") {
  Scratch folder;
  std::string full, closed;
  {
    FullDisk disk(64);
    full = error_of(ErrorKind::io, [&] { write_idx_folder(*glyph_set(100), 100, folder.path()); });
  }
  CHECK(mentions(full, "free some space"));
  CHECK(folder.entries() == 0);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  {
    WithoutRoot nobody;
    closed = error_of(ErrorKind::io, [&] { write_png_folder(*glyph_set(100), 100, folder / "out"); });
  }
  CHECK(mentions(closed, "may write to"));
}

// Were the statistics wrong, `agon data info` would mislead.
TEST_CASE("a summary counts classes and takes mean and deviation per channel") {
  Scratch folder;
  std::filesystem::create_directories(folder / "a");
  std::filesystem::create_directories(folder / "b");
  Image red(1, 2, 3);
  red.pixels = {255, 0, 51, 0, 0, 51};
  write_png(folder / "a/1.png", red);
  write_png(folder / "a/2.png", red);
  write_png(folder / "b/1.png", red);
  const DatasetSummary summary = summarise(*open_dataset("folder:" + folder.path().string()));
  CHECK(summary.counted == 3);
  CHECK(summary.per_class == std::vector<uint64_t>{2, 1});
  CHECK(summary.mean[0] == Approx(0.5));
  CHECK(summary.deviation[0] == Approx(0.5));
  CHECK(summary.mean[1] == 0.0);
  CHECK(summary.mean[2] == Approx(0.2));
  CHECK(summary.deviation[2] == Approx(0.0).margin(1e-9));
}
