#include <algorithm>
#include <atomic>
#include <memory>

#include "agon/error.h"

#include "data/kinds.h"
#include "io/file.h"
#include "io/image_codecs.h"

namespace agon {
namespace {

namespace fs = std::filesystem;

struct Listing {
  std::vector<fs::path> files;  ///< relative to the root, sorted
  std::vector<int32_t> labels;  ///< one a file, or none at all
  std::vector<std::string> class_names;
  uint64_t skipped = 0;  ///< files that are no images by their names
};

bool names_image(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::ranges::transform(suffix, suffix.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg";
}

/// All images below `root`; hidden files and folders are passed over. Where the images lie in two or more
/// folders right below the root, and none in the root itself, each such folder is a class.
Listing list_images(const fs::path& root) {
  Listing listing;
  for (fs::recursive_directory_iterator it(root), end; it != end; ++it) {
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory()) it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      if (names_image(it->path()))
        listing.files.push_back(it->path().lexically_relative(root));
      else
        ++listing.skipped;
    }
  }
  std::ranges::sort(listing.files, {}, [](const fs::path& p) { return p.generic_string(); });

  std::vector<std::string> folders;
  for (const fs::path& file : listing.files) {
    if (!file.has_parent_path()) return listing;
    folders.push_back(file.begin()->string());
  }
  listing.class_names = folders;
  std::ranges::sort(listing.class_names);
  const auto repeated = std::ranges::unique(listing.class_names);
  listing.class_names.erase(repeated.begin(), repeated.end());
  if (listing.class_names.size() < 2) {
    listing.class_names.clear();
    return listing;
  }
  for (const std::string& folder : folders)
    listing.labels.push_back(static_cast<int32_t>(std::ranges::lower_bound(listing.class_names, folder) -
                                                  listing.class_names.begin()));
  return listing;
}

/// The shape that all files share. Called only where the user left a part of the shape open.
ImageShape common_shape(const fs::path& root, const Listing& listing, bool size_matters) {
  ImageShape common{0, 0, 1};
  for (const fs::path& file : listing.files) {
    const ImageInfo info = read_image_info(root / file);
    common.channels = std::max(common.channels, info.channels);
    if (common.height == 0) {
      common.height = info.height;
      common.width = info.width;
    }
    check(!size_matters || (common.height == info.height && common.width == info.width), ErrorKind::usage,
          "{}: the images differ in size ({} is {}x{}, {} is {}x{}); say which height and width you want",
          root.string(), listing.files.front().string(), common.width, common.height, file.string(),
          info.width, info.height);
  }
  return common;
}

/// Decodes an image when it is first asked for and keeps it, fitted, as long as the cache has room.
class FolderDataset : public Dataset {
 public:
  FolderDataset(DatasetTraits traits, fs::path root, Listing listing, ResizeFilter filter,
                uint64_t cache_bytes)
      : Dataset(std::move(traits)),
        root_(std::move(root)),
        listing_(std::move(listing)),
        filter_(filter),
        cached_(std::min<uint64_t>(size(), cache_bytes / shape().bytes())),
        // Left uninitialised, so that the system gives memory only to slots in use.
        cache_(std::make_unique_for_overwrite<uint8_t[]>(cached_ * shape().bytes())),
        states_(std::make_unique<std::atomic<State>[]>(cached_)) {}

 protected:
  void read_pixels(uint64_t index, std::span<uint8_t> pixels) const override {
    if (index >= cached_) return decode(index, pixels);
    const std::span<uint8_t> slot(&cache_[index * pixels.size()], pixels.size());
    std::atomic<State>& state = states_[index];
    if (state.load(std::memory_order_acquire) == State::filled) {
      std::ranges::copy(slot, pixels.begin());
      return;
    }
    decode(index, pixels);
    // One thread may fill the slot; another that decoded the same image at the same time just goes on.
    State empty = State::empty;
    if (!state.compare_exchange_strong(empty, State::filling, std::memory_order_relaxed)) return;
    std::ranges::copy(pixels, slot.begin());
    state.store(State::filled, std::memory_order_release);
  }
  int32_t read_label(uint64_t index) const override {
    return listing_.labels.empty() ? -1 : listing_.labels[index];
  }

 private:
  enum class State : uint8_t { empty, filling, filled };

  void decode(uint64_t index, std::span<uint8_t> pixels) const {
    std::ranges::copy(fitted(read_image(root_ / listing_.files[index]), shape(), filter_).pixels,
                      pixels.begin());
  }

  fs::path root_;
  Listing listing_;
  ResizeFilter filter_;
  uint64_t cached_;
  std::unique_ptr<uint8_t[]> cache_;
  std::unique_ptr<std::atomic<State>[]> states_;
};

}  // namespace

DatasetPtr open_folder(const fs::path& root, const DatasetOptions& options) {
  check(fs::is_directory(root), ErrorKind::usage, "{}: is a file, not a folder of images", root.string());
  Listing listing = list_images(root);
  check(!listing.files.empty(), ErrorKind::data, "{}: holds no PNG or JPEG images (.png, .jpg, .jpeg)",
        root.string());

  uint64_t transparent = 0;
  uint32_t crc = 0;
  for (const fs::path& file : listing.files) {
    transparent += sniff_alpha(root / file);
    const std::string line = fmt::format("{} {}\n", file.generic_string(), fs::file_size(root / file));
    crc = crc32_of(std::as_bytes(std::span(line)), crc);
  }
  if (options.log && transparent > 0)
    options.log(fmt::format("{}: {} images have transparency; it is composited on white", root.string(),
                            transparent));
  if (options.log && listing.skipped > 0)
    options.log(
        fmt::format("{}: {} files are no .png, .jpg or .jpeg; passed over", root.string(), listing.skipped));

  const bool size_open = options.height == 0 || options.width == 0;
  const ImageShape own =
      size_open || options.channels == 0 ? common_shape(root, listing, size_open) : ImageShape{};
  const ImageShape wanted = wanted_shape(options, own);
  DatasetTraits traits{.shape = wanted,
                       .size = listing.files.size(),
                       .unlimited = false,
                       .class_names = listing.class_names,
                       .fingerprint = fmt::format("folder {} {} filter:{} crc32:{:08x}", listing.files.size(),
                                                  wanted.str(), static_cast<int>(options.filter), crc)};
  return std::make_shared<FolderDataset>(std::move(traits), root, std::move(listing), options.filter,
                                         options.cache_bytes);
}

}  // namespace agon
