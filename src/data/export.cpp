#include <algorithm>

#include "agon/dataset.h"
#include "agon/error.h"

#include "io/atomic_file.h"
#include "io/gzip.h"

namespace agon {
namespace {

void check_count(const Dataset& dataset, uint64_t count) {
  check(count > 0 && (dataset.unlimited() || count <= dataset.size()), ErrorKind::usage,
        "data: {} images asked for; the set has {}", count, dataset.size());
}

std::vector<std::byte> idx_header(std::initializer_list<uint64_t> extents) {
  std::vector<std::byte> header{std::byte{0}, std::byte{0}, std::byte{8},
                                static_cast<std::byte>(extents.size())};
  for (uint64_t extent : extents)
    for (int shift : {24, 16, 8, 0}) header.push_back(static_cast<std::byte>(extent >> shift));
  return header;
}

}  // namespace

void write_png_folder(const Dataset& dataset, uint64_t count, const std::filesystem::path& folder) {
  check_count(dataset, count);
  make_folder(folder);
  for (const std::string& name : dataset.class_names()) make_folder(folder / name);
  const ImageShape& shape = dataset.shape();
  Image image(shape.height, shape.width, shape.channels);
  for (uint64_t i = 0; i < count; ++i) {
    const int32_t label = dataset.read(i, image.pixels);
    const auto parent = label < 0 ? folder : folder / dataset.class_names()[static_cast<size_t>(label)];
    write_file(parent / fmt::format("{:06}.png", i), encode_png(image), /*durable=*/false);
  }
}

void write_idx_folder(const Dataset& dataset, uint64_t count, const std::filesystem::path& folder) {
  check_count(dataset, count);
  check(count <= UINT32_MAX, ErrorKind::usage, "data: an IDX file holds at most {} images", UINT32_MAX);
  make_folder(folder);
  const ImageShape& shape = dataset.shape();
  const auto height = static_cast<uint64_t>(shape.height), width = static_cast<uint64_t>(shape.width);
  const bool grey = shape.channels == 1;
  auto images = grey ? idx_header({count, height, width}) : idx_header({count, height, width, 3});
  auto labels = idx_header({count});
  std::vector<uint8_t> pixels(shape.bytes());
  for (uint64_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<std::byte>(dataset.read(i, pixels)));
    const auto bytes = std::as_bytes(std::span(pixels));
    images.insert(images.end(), bytes.begin(), bytes.end());
  }
  write_file(folder / fmt::format("train-images-idx{}-ubyte.gz", grey ? 3 : 4), gzip(images));
  if (dataset.labelled()) write_file(folder / "train-labels-idx1-ubyte.gz", gzip(labels));
}

}  // namespace agon
