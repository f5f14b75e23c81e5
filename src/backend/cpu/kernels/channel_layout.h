#pragma once
#include <cstdint>

namespace agon::cpu {

/// Where the elements of a tensor with channels lie: element (image n, channel c, pixel p) is at
///   ((n * channels / block + c / block) * pixels + p) * block + c % block.
/// block = channels is NHWC (and any rows x channels matrix), block = 16 is oneDNN's nChw16c. `channels` must
/// be a multiple of `block`.
struct ChannelLayout {
  int64_t images = 1, channels = 1, pixels = 1, block = 1;

  int64_t count() const { return images * pixels; }  ///< elements of one channel
  int64_t size() const { return images * pixels * channels; }

  static ChannelLayout rows(int64_t rows, int64_t channels) { return {1, channels, rows, channels}; }
  static ChannelLayout blocked16(int64_t images, int64_t pixels, int64_t channels) {
    return {images, channels, pixels, 16};
  }
};

}  // namespace agon::cpu
