#pragma once
#include "cuda/kernels/conv_problem.h"

/// Where windows lie: the pixels of a tile's rows, the taps that meet any of them, and the pixels that a
/// tap meets.
namespace agon::cuda {

/// The parity class of an input gradient: pixels whose coordinates are `phase` modulo the stride. Within one
/// a strided window is a window of stride 1 over the taps that reach a pixel of y.
struct Phase {
  int at[3] = {0, 0, 0};
  __device__ Phase(const Problem& p, int index) {
    for (int axis = 2; axis >= 0; --axis) {
      at[axis] = index % p.stride[axis];
      index /= p.stride[axis];
    }
  }
};

/// Row `m` of a tile of result rows.
template <Form form>
__device__ inline Row find_row(const Problem& p, const Phase& phase, int m, int& result) {
  int extent[3], at[3];
  for (int axis = 0; axis < 3; ++axis)
    extent[axis] = form == Form::input_grad
                       ? (p.pixels[axis] - phase.at[axis] + p.stride[axis] - 1) / p.stride[axis]
                       : p.pixels[axis];
  const bool empty = extent[0] <= 0 || extent[1] <= 0 || extent[2] <= 0;
  const int inner = m % p.images_inner;
  int rest = m / p.images_inner;
  for (int axis = 2; axis >= 0; --axis) {
    at[axis] = rest % max(extent[axis], 1);
    rest /= max(extent[axis], 1);
  }
  const int image = rest * p.images_inner + inner;
  Row row;
  if (empty || image >= p.images) {
    result = -1;
    row.coordinate[0] = row.coordinate[1] = row.coordinate[2] = INT32_MIN / 2;
    row.source = 0;
    return row;
  }
  int source = image, pixel = image;
  for (int axis = 0; axis < 3; ++axis) {
    const int stride = p.stride[axis];
    row.coordinate[axis] = form == Form::input_grad ? at[axis] : at[axis] * stride - p.pad[axis];
    source = source * p.source[axis] + row.coordinate[axis];
    pixel =
        pixel * p.pixels[axis] + (form == Form::input_grad ? at[axis] * stride + phase.at[axis] : at[axis]);
  }
  row.source = source * p.source_row;
  result = pixel * p.result_row;
  return row;
}

__device__ inline bool meets(const Problem& p, const Row& row, const Tap& tap) {
  bool inside = true;
  for (int axis = 0; axis < 3; ++axis)
    inside &= static_cast<unsigned>(row.coordinate[axis] + tap.offset[axis]) <
              static_cast<unsigned>(p.source[axis]);
  return inside;
}

/// Tap `index` of the window; false if it reaches no pixel of this parity class.
template <Form form>
__device__ inline bool find_tap(const Problem& p, const Phase& phase, int index, Tap& tap) {
  int at[3], rest = index;
  for (int axis = 2; axis >= 0; --axis) {
    at[axis] = rest % p.kernel[axis];
    rest /= p.kernel[axis];
  }
  int source = 0;
  for (int axis = 0; axis < 3; ++axis) {
    int offset = at[axis] * p.dilation[axis];
    if constexpr (form == Form::input_grad) {
      offset = phase.at[axis] + p.pad[axis] - offset;
      if (offset % p.stride[axis] != 0) return false;
      offset /= p.stride[axis];
    }
    tap.offset[axis] = static_cast<short>(offset);
    source = source * p.source[axis] + offset;
  }
  tap.a = source * p.source_row;
  tap.b = index * p.tap_step;
  return true;
}

/// The pixels that a weight gradient's tile sums over: of `images` boxes at `low`, of `extent`.
struct Box {
  int low[3], extent[3];

  /// The pixels of y whose window meets x with any tap in [first, last].
  __device__ Box(const Problem& p, int first, int last) {
    for (int axis = 2; axis >= 0; --axis) {
      low[axis] = 0;
      extent[axis] = p.pixels[axis];
      if (first == last) {
        const int start = p.pad[axis] - first % p.kernel[axis] * p.dilation[axis];  // y * stride >= start
        const int end = p.source[axis] + start;                                     // y * stride < end
        low[axis] = start > 0 ? (start + p.stride[axis] - 1) / p.stride[axis] : 0;
        const int high = end > 0 ? (end + p.stride[axis] - 1) / p.stride[axis] : 0;
        extent[axis] = max(min(high, p.pixels[axis]) - low[axis], 0);
      }
      first /= p.kernel[axis];
      last /= p.kernel[axis];
    }
  }
  __device__ int pixels() const { return extent[0] * extent[1] * extent[2]; }
};

/// Elements from one pixel of a tensor to the next along each axis, and from image to image.
struct Pitches {
  int axis[3], image;

  __device__ Pitches(const int (&extent)[3], int row) {
    image = row;
    for (int i = 2; i >= 0; --i) {
      axis[i] = image;
      image *= extent[i];
    }
  }
  /// From every stride-th pixel to the next.
  __device__ Pitches times(const int (&stride)[3]) const {
    Pitches p = *this;
    for (int i = 0; i < 3; ++i) p.axis[i] *= stride[i];
    return p;
  }
};

/// Walks over the pixels of a Box in steps of one size, by mixed-radix addition, and over a tensor with them.
struct PixelCursor {
  int image, at[3];
  uint32_t offset;  ///< elements from the box's first pixel; of images that exist below 2^31

  __device__ PixelCursor(const Box& box, int start, int step_size, const Pitches& pitches) {
    offset = split(box, start, pitches, image, at);
    step_offset_ = split(box, step_size, pitches, step_image_, step_);
    for (int axis = 0; axis < 3; ++axis)
      carry_offset_[axis] = static_cast<uint32_t>(axis > 0 ? pitches.axis[axis - 1] : pitches.image) -
                            static_cast<uint32_t>(box.extent[axis] * pitches.axis[axis]);
  }
  __device__ void advance(const Box& box) {
    int carry = 0;
    offset += step_offset_;
    for (int axis = 2; axis >= 0; --axis) {
      at[axis] += step_[axis] + carry;
      carry = at[axis] >= box.extent[axis] ? 1 : 0;
      if (carry) at[axis] -= box.extent[axis], offset += carry_offset_[axis];
    }
    image += step_image_ + carry;
  }

 private:
  /// Takes `index` apart into an image and a pixel; returns its offset.
  __device__ static uint32_t split(const Box& box, int index, const Pitches& pitches, int& image,
                                   int (&digits)[3]) {
    uint32_t offset = 0;
    for (int axis = 2; axis >= 0; --axis) {
      const int extent = max(box.extent[axis], 1);
      digits[axis] = index % extent;
      index /= extent;
      offset += static_cast<uint32_t>(digits[axis] * pitches.axis[axis]);
    }
    image = index;
    return offset + static_cast<uint32_t>(image * pitches.image);
  }

  int step_image_, step_[3];
  uint32_t step_offset_, carry_offset_[3];
};

}  // namespace agon::cuda
