#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agon/image.h"
#include "agon/log.h"

namespace agon {

/// Extents of every image of a data set.
struct ImageShape {
  int height = 0, width = 0, channels = 0;

  size_t bytes() const {
    return static_cast<size_t>(height) * static_cast<size_t>(width) * static_cast<size_t>(channels);
  }
  bool operator==(const ImageShape&) const = default;
  /// "32x32x3": height, width, channels.
  std::string str() const;
};

/// What a data set tells of itself.
struct DatasetTraits {
  ImageShape shape;
  uint64_t size = 0;                     ///< images; of an unlimited set, those of one epoch
  bool unlimited = false;                ///< every 64-bit index is an image (procedural sets)
  std::vector<std::string> class_names;  ///< empty: unlabelled
  std::string fingerprint;               ///< equal for equal content: what a resumed run compares
};

/// Images of one shape, by index, with or without labels. Immutable, hence safe to read from several threads.
class Dataset {
 public:
  explicit Dataset(DatasetTraits traits) : traits_(std::move(traits)) {}
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const ImageShape& shape() const { return traits_.shape; }
  uint64_t size() const { return traits_.size; }
  bool unlimited() const { return traits_.unlimited; }
  const std::vector<std::string>& class_names() const { return traits_.class_names; }
  bool labelled() const { return !traits_.class_names.empty(); }
  const std::string& fingerprint() const { return traits_.fingerprint; }

  /// Writes image `index` to `pixels` (HWC, shape().bytes() of them) and returns its label, -1 where there is
  /// none. Throws Error(usage) for an index or span out of range, Error(data or io) where a file proves to be
  /// bad.
  int32_t read(uint64_t index, std::span<uint8_t> pixels) const;
  /// The label alone.
  int32_t label(uint64_t index) const;

 protected:
  virtual void read_pixels(uint64_t index, std::span<uint8_t> pixels) const = 0;
  virtual int32_t read_label(uint64_t index) const = 0;

 private:
  void check_index(uint64_t index) const;

  DatasetTraits traits_;
};

using DatasetPtr = std::shared_ptr<const Dataset>;

struct DatasetOptions {
  /// Shape that is wanted; 0 keeps the set's own (28x28x1 for `glyphs`). Images of another size are resized
  /// to cover it with `filter` and cropped at the centre; grey and RGB are converted as in with_channels().
  int height = 0, width = 0, channels = 0;
  ResizeFilter filter = ResizeFilter::bicubic;
  uint64_t seed = 0;            ///< of procedural sets
  uint64_t epoch_size = 60000;  ///< size() of procedural sets
  uint64_t cache_bytes =
      uint64_t{4} << 30;  ///< memory for decoded images of a folder; those beyond are decoded anew
  LogSink log;            ///< remarks (files skipped, transparency met)
};

/// A kind of data SPEC ("kind:path").
struct DatasetKind {
  std::string name;   ///< "mnist"
  std::string usage;  ///< "mnist:DIR"
  std::string what;   ///< one line
};

/// mnist, cifar10, folder, glyphs.
const std::vector<DatasetKind>& dataset_kinds();

/// Opens `spec` ("glyphs", "mnist:DIR", "cifar10:DIR", "folder:DIR"). Throws Error(usage) for a wrong SPEC
/// (the nearest kind is suggested) or shape, Error(io) where a path is not there, Error(data) where files are
/// not what they should be.
DatasetPtr open_dataset(const std::string& spec, const DatasetOptions& options = {});

enum class Part {
  training,   ///< four fifths
  held_back,  ///< the other fifth
};

/// A view of the part of a data set. Of every five consecutive images one, drawn by `seed`, is held back, so
/// that sets sorted by class are split evenly; a last group of fewer than five goes to training.
DatasetPtr part_of(DatasetPtr dataset, Part part, uint64_t seed = 0);

/// Figures over the first `counted` images of a set.
struct DatasetSummary {
  uint64_t counted = 0;
  std::vector<uint64_t> per_class;      ///< images of each class; empty for an unlabelled set
  std::vector<double> mean, deviation;  ///< of each channel, pixels as 0..1
};
DatasetSummary summarise(const Dataset& dataset, uint64_t limit = UINT64_MAX);

/// Writes the first `count` images as PNG files: folder/CLASS/NNNNNN.png, or folder/NNNNNN.png without
/// labels.
void write_png_folder(const Dataset& dataset, uint64_t count, const std::filesystem::path& folder);

/// Writes the first `count` images as MNIST does: train-images-idx3-ubyte.gz (idx4 with a channel axis for
/// RGB) and, of a labelled set, train-labels-idx1-ubyte.gz. `mnist:folder` reads them.
void write_idx_folder(const Dataset& dataset, uint64_t count, const std::filesystem::path& folder);

}  // namespace agon
