#pragma once
#include "cuda/kernels/device.cuh"
#include "cuda/kernels/shape.h"

/// How a strided copy runs.
namespace agon::cuda {

/// Axes in the order of dst's strides, the smallest last, merged where neither side tells them apart. Extents
/// and strides count words: elements, or runs of them along the last axis.
struct CopyPlan {
  int instance = -1;
  int word = 0;  ///< bytes
  int32_t rank = 0;
  uint32_t words = 1;
  Divider extents[max_rank];
  int64_t src_strides[max_rank] = {}, dst_strides[max_rank] = {};

  // Tiles: a box of words that is read in src's order and written in dst's.
  Divider box[max_rank], boxes[max_rank];  ///< extents of the box, and boxes along each axis
  int32_t order[max_rank] = {};            ///< axes by src's strides, the smallest last
  int32_t place[max_rank] = {};            ///< an axis' stride in the box as it is read
  uint32_t box_words = 1, box_count = 1;
};

constexpr int most_box_words = 4096;

/// Instances 0 .. 4 copy words of 1, 2, 4, 8, 16 bytes along rows, 5 .. 8 tiles of words of 1, 2, 4, 8 bytes.
constexpr int copy_row_instances = 5;

/// A plan whose instance is -1 where `args` is outside of the limits.
CopyPlan plan_copy(const CopyArgs& args);

}  // namespace agon::cuda
