#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "agon/dataset.h"

namespace agon {

struct LoaderOptions {
  int batch_size = 64;
  uint64_t seed = 0;
  bool shuffle = true;  ///< another order every epoch
  bool flip = false;    ///< mirror every other image left to right, at random
  /// Random crops: the image is grown by this many pixels on every side (reflected, the edge not repeated),
  /// then a window of crop_height x crop_width (0: the image's own) is cut at random.
  int pad = 0;
  int crop_height = 0, crop_width = 0;
  int prefetch = 4;  ///< batches made ahead
  int threads = 1;   ///< that make them
};

/// Where a loader stands: all that a checkpoint needs to keep of it.
struct LoaderPosition {
  uint64_t epoch = 0;
  uint64_t batch = 0;  ///< within the epoch; always less than Loader::batches_per_epoch()
  bool operator==(const LoaderPosition&) const = default;
};

/// A batch in the loader's memory, valid until the next call of next() or seek().
struct Batch {
  std::span<const float> images;    ///< NHWC in [-1, 1] (x / 127.5 - 1), 64-byte aligned
  std::span<const int32_t> labels;  ///< one an image, -1 in unlabelled sets
  LoaderPosition position;          ///< the batch's own
};

/// Makes batches of a data set on threads of its own, some ahead of the one in use. A batch is a pure
/// function of the data set, the options but `prefetch` and `threads`, and the position: order and
/// augmentation are drawn by counter, the former from (seed, epoch), the latter from (seed, number of the
/// sample since the start). An epoch drops its last partial batch; every epoch of an unlimited set has images
/// of its own. Nothing of a batch's size is allocated after construction. One thread at a time may call a
/// loader.
class Loader {
 public:
  /// Throws Error(usage) for impossible options, such as a batch larger than the data set.
  Loader(DatasetPtr dataset, const LoaderOptions& options);
  /// Ends its threads; does not wait for more than the batches in the making.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The batch at position(), waiting for it where need be; the loader then stands at the next one. An error
  /// that the making of this batch met is thrown here, again at every call until seek().
  Batch next();

  /// Of the batch that next() will give.
  LoaderPosition position() const;
  /// Goes to a position: next() gives what an uninterrupted loader would give there. Throws Error(usage) for
  /// a batch beyond the epoch.
  void seek(const LoaderPosition& position);

  /// N, H, W, C of Batch::images.
  Shape batch_shape() const;
  uint64_t batches_per_epoch() const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace agon
