#include <thread>

#include "agon/dataset.h"

#include "catch.h"
#include "io/atomic_file.h"
#include "support/image_files.h"
#include "support/refusals.h"
#include "support/scratch.h"
#include "support/shared_data.h"

using namespace agon;

namespace {

void put(const std::filesystem::path& path, int height, int width, int channels, uint8_t value) {
  Image image(height, width, channels);
  std::ranges::fill(image.pixels, value);
  make_folder(path.parent_path());
  write_png(path, image);
}

DatasetOptions sized(int height, int width, int channels) {
  DatasetOptions options;
  options.height = height;
  options.width = width;
  options.channels = channels;
  return options;
}

int first_pixel(const Dataset& set, uint64_t index) {
  std::vector<uint8_t> pixels(set.shape().bytes());
  set.read(index, pixels);
  return pixels[0];
}

}  // namespace

// Were classes not numbered by sorted names, a label would mean another class on another file system.
TEST_CASE("a folder per class gives labels in the order of the names") {
  Scratch folder;
  put(folder / "zebra/1.png", 8, 8, 3, 10);
  put(folder / "ant/deep/2.PNG", 8, 8, 3, 20);
  put(folder / "ant/1.png", 8, 8, 3, 30);
  put(folder / ".hidden/1.png", 8, 8, 3, 40);
  write_file(folder / "ant/readme.txt", "not an image");
  std::string remark;
  DatasetOptions options;
  options.log = [&](const std::string& line) { remark += line; };
  const DatasetPtr set = open_dataset("folder:" + folder.path().string(), options);
  REQUIRE(set->size() == 3);
  CHECK(set->shape() == ImageShape{8, 8, 3});
  CHECK(set->class_names() == std::vector<std::string>{"ant", "zebra"});
  CHECK((set->label(0) == 0 && set->label(1) == 0 && set->label(2) == 1));
  CHECK((first_pixel(*set, 0) == 30 && first_pixel(*set, 1) == 20 && first_pixel(*set, 2) == 10));
  CHECK(mentions(remark, "1 files are no .png"));
}

// Were any tree taken for classes, a single folder of photographs would become a set of one class.
TEST_CASE("a flat folder, a single subfolder or a mixed tree is unlabelled") {
  Scratch flat, single, mixed;
  put(flat / "a.png", 4, 4, 1, 1);
  put(single / "images/a.png", 4, 4, 1, 1);
  put(mixed / "x/a.png", 4, 4, 1, 1);
  put(mixed / "y/a.png", 4, 4, 1, 1);
  put(mixed / "b.png", 4, 4, 1, 1);
  for (const Scratch* folder : {&flat, &single, &mixed}) {
    const DatasetPtr set = open_dataset("folder:" + folder->path().string());
    CHECK(!set->labelled());
    CHECK(set->label(0) == -1);
    CHECK(set->shape().channels == 1);
  }
}

// Were sizes or channels mixed silently, rows of one image would run into the next.
TEST_CASE("images of all kinds come out in the one shape asked for") {
  Scratch folder;
  put(folder / "a-grey-tall.png", 30, 10, 1, 100);
  put(folder / "b-rgb-wide.png", 9, 31, 3, 150);
  write_jpeg(folder / "c.jpeg", 16, 16, JCS_GRAYSCALE, std::vector<JSAMPLE>(256, 200));
  write_png_kind(folder / "d-16bit-alpha.png",
                 {.width = 1,
                  .height = 1,
                  .depth = 16,
                  .colour_type = PNG_COLOR_TYPE_RGBA,
                  .palette = {},
                  .transparency = {}},
                 {50, 50, 50, 50, 50, 50, 255, 255});
  std::string remark;
  for (int channels : {1, 3}) {
    DatasetOptions options = sized(12, 14, channels);
    options.log = [&](const std::string& line) { remark = line; };
    const DatasetPtr set = open_dataset("folder:" + folder.path().string(), options);
    CHECK(set->shape() == ImageShape{12, 14, channels});
    std::vector<uint8_t> pixels(set->shape().bytes());
    const int values[] = {100, 150, 200, 50};
    for (uint64_t i = 0; i < 4; ++i) {
      set->read(i, pixels);
      for (uint8_t p : pixels) CHECK(std::abs(p - values[i]) <= 1);
    }
    CHECK(mentions(remark, "1 images have transparency"));
  }
  // No size asked for: nothing to choose one by.
  const std::string message =
      error_of(ErrorKind::usage, [&] { open_dataset("folder:" + folder.path().string()); });
  CHECK(mentions(message, "differ in size (a-grey-tall.png is 10x30, b-rgb-wide.png is 31x9)"));
}

// Were the cache's limit or its filling wrong, images beyond it would be missing or mixed up.
TEST_CASE("images are the same from the cache, beyond it, and read by several threads at once") {
  Scratch folder;
  for (int i = 0; i < 24; ++i) put(folder / fmt::format("{:02}.png", i), 16, 16, 1, static_cast<uint8_t>(i));
  for (uint64_t cache_bytes : {uint64_t{0}, uint64_t{10 * 256}, uint64_t{1} << 20}) {
    DatasetOptions options = sized(16, 16, 1);
    options.cache_bytes = cache_bytes;
    const DatasetPtr set = open_dataset("folder:" + folder.path().string(), options);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        std::vector<uint8_t> pixels(256);
        for (int i = 0; i < 24 * 6; ++i) {
          const int index = (i * (t + 5)) % 24;
          set->read(static_cast<uint64_t>(index), pixels);
          for (uint8_t p : pixels) wrong += p != index;
        }
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
  }
}

// Were bad folders reported late or vaguely, a long run would die in its first epoch.
TEST_CASE("a folder without images or with a text file named .png gives one clear line at once") {
  Scratch folder;
  const auto spec = "folder:" + folder.path().string();
  write_file(folder / "notes.txt", "hello");
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec); }), "holds no PNG or JPEG images"));
  put(folder / "good.png", 8, 8, 3, 1);
  write_file(folder / "bad.png", "just words");
  CHECK(mentions(error_of(ErrorKind::data, [&] { open_dataset(spec, sized(8, 8, 3)); }),
                 "bad.png: is a text file, not a PNG or JPEG"));
  CHECK(mentions(error_of(ErrorKind::usage, [&] { open_dataset(spec + "/notes.txt"); }),
                 "is a file, not a folder"));
  CHECK(mentions(error_of(ErrorKind::io, [&] { open_dataset(spec + "/none"); }), "does not exist"));
}

// Were photographs of other sizes refused or cut badly, the lesion set could not be used at 64x64.
TEST_CASE("real photographs are read by class and resized") {
  const auto path = shared_data("lesions", "real photographs are read by class and resized");
  if (!path) return;
  const DatasetPtr set = open_dataset("folder:" + path->string(), sized(64, 64, 3));
  CHECK(set->size() == 442);
  CHECK(set->class_names() == std::vector<std::string>{"melanoma", "nevus"});
  const DatasetSummary summary = summarise(*set, 20);
  CHECK(summary.per_class == std::vector<uint64_t>{20, 0});
  CHECK(summary.mean[0] > summary.mean[2]);  // skin is red rather than blue
}
