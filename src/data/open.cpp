#include <functional>

#include "agon/error.h"

#include "core/nearest.h"
#include "data/kinds.h"

namespace agon {

const std::vector<DatasetKind>& dataset_kinds() {
  static const std::vector<DatasetKind> kinds{
      {"glyphs", "glyphs", "digits drawn on the fly, any size, grey or RGB, unlimited; nothing to download"},
      {"mnist", "mnist:DIR",
       "IDX files (.gz or not): MNIST, Fashion-MNIST, KMNIST; train before t10k; or one images file"},
      {"cifar10", "cifar10:DIR", "CIFAR-10 binary batches data_batch_*.bin; or one .bin file"},
      {"folder", "folder:DIR", "PNG and JPEG images, a folder per class or any tree"},
  };
  return kinds;
}

DatasetPtr open_dataset(const std::string& spec, const DatasetOptions& options) {
  const size_t colon = spec.find(':');
  const std::string kind = spec.substr(0, colon);
  const std::string path = colon == std::string::npos ? "" : spec.substr(colon + 1);
  if (kind == "glyphs") {
    check(path.empty(), ErrorKind::usage, "data '{}': glyphs are drawn, not read; leave '{}' away", spec,
          path);
    return open_glyphs(options);
  }
  std::vector<std::string> names;
  for (const DatasetKind& known : dataset_kinds()) names.push_back(known.name);
  if (colon == std::string::npos && std::filesystem::is_directory(spec))
    fail(ErrorKind::usage, "data '{}': is a folder without a kind; write folder:{}", spec, spec);
  check(std::ranges::find(names, kind) != names.end(), ErrorKind::usage, "data '{}': unknown kind '{}'{}",
        spec, kind, suggestion(kind, names));
  check(!path.empty(), ErrorKind::usage, "data '{}': the path is missing; write {}:DIR", spec, kind);
  check(std::filesystem::exists(path), ErrorKind::io, "data '{}': {} does not exist", spec, path);
  if (kind == "mnist") return open_idx(path, options);
  if (kind == "cifar10") return open_cifar10(path, options);
  return open_folder(path, options);
}

ImageShape wanted_shape(const DatasetOptions& options, const ImageShape& own) {
  const ImageShape wanted{options.height ? options.height : own.height,
                          options.width ? options.width : own.width,
                          options.channels ? options.channels : own.channels};
  constexpr int limit = 1 << 14;
  check(wanted.height > 0 && wanted.width > 0 && wanted.height <= limit && wanted.width <= limit,
        ErrorKind::usage, "data: images of {}x{} asked for; 1 to {} pixels are possible", wanted.width,
        wanted.height, limit);
  check(wanted.channels == 1 || wanted.channels == 3, ErrorKind::usage,
        "data: {} channels asked for; 1 (grey) or 3 (RGB) are possible", wanted.channels);
  return wanted;
}

Image fitted(const Image& image, const ImageShape& wanted, ResizeFilter filter) {
  // Fewer channels first, more channels last: the resize then does the least work.
  const int early = std::min(image.channels, wanted.channels);
  return with_channels(resize_and_crop(with_channels(image, early), wanted.height, wanted.width, filter),
                       wanted.channels);
}

}  // namespace agon
