#include "cuda/kernels/copy_plan.h"

namespace agon::cuda {
namespace {

struct Axis {
  int64_t extent, src, dst;
};

struct Axes {
  int rank = 0;
  Axis at[max_rank];
};

/// By dst's strides, the largest first; equal ones by src's.
Axes sorted(const CopyArgs& args) {
  Axes axes;
  for (int i = 0; i < args.rank; ++i) {
    if (args.extents[i] == 1) continue;
    const Axis axis{args.extents[i], args.src_strides[i], args.dst_strides[i]};
    int to = axes.rank++;
    for (; to > 0 && axes.at[to - 1].dst < axis.dst; --to) axes.at[to] = axes.at[to - 1];
    axes.at[to] = axis;
  }
  return axes;
}

Axes merged(const Axes& from) {
  Axes axes;
  for (int i = 0; i < from.rank; ++i) {
    const Axis& axis = from.at[i];
    if (axes.rank > 0) {
      Axis& outer = axes.at[axes.rank - 1];
      if (outer.src == axis.src * axis.extent && outer.dst == axis.dst * axis.extent) {
        outer = {outer.extent * axis.extent, axis.src, axis.dst};
        continue;
      }
    }
    axes.at[axes.rank++] = axis;
  }
  return axes;
}

/// The largest word, in bytes, that rows can be copied in.
int widest_word(const CopyArgs& args, const Axes& axes) {
  if (axes.rank == 0) return args.element_size;
  const Axis& row = axes.at[axes.rank - 1];
  if (row.src != 1 || row.dst != 1) return args.element_size;
  int word = 16;
  const auto divides = [&](int64_t elements) { return elements * args.element_size % word == 0; };
  const auto fits = [&] {
    bool all = divides(row.extent) && aligned(args.src, static_cast<size_t>(word)) &&
               aligned(args.dst, static_cast<size_t>(word));
    for (int i = 0; i + 1 < axes.rank; ++i) all = all && divides(axes.at[i].src) && divides(axes.at[i].dst);
    return all;
  };
  while (word > args.element_size && !fits()) word /= 2;
  return word;
}

int log2_of(int word) {
  int log = 0;
  while (1 << log < word) ++log;
  return log;
}

void take_axes(CopyPlan& plan, const Axes& axes, int elements_per_word) {
  plan.rank = axes.rank;
  for (int i = 0; i < axes.rank; ++i) {
    const bool row = i + 1 == axes.rank;
    const int64_t extent = row ? axes.at[i].extent / elements_per_word : axes.at[i].extent;
    plan.extents[i] = Divider(extent);
    plan.words *= static_cast<uint32_t>(extent);
    plan.src_strides[i] = row ? axes.at[i].src : axes.at[i].src / elements_per_word;
    plan.dst_strides[i] = row ? axes.at[i].dst : axes.at[i].dst / elements_per_word;
  }
}

/// Grows the box along `order` (innermost last) until its run in that order has `wanted` words. Only an axis
/// that is taken whole lets the run go on.
void grow(const Axes& axes, const int32_t* order, int64_t (&box)[max_rank], int64_t wanted, int64_t most) {
  int64_t run = 1, volume = 1;
  for (int i = 0; i < axes.rank; ++i) volume *= box[i];
  for (int k = axes.rank; k-- > 0 && run < wanted;) {
    const int axis = order[k];
    int64_t extent = ceil_div(wanted, run);
    extent = extent < box[axis] ? box[axis] : extent;
    extent = extent < axes.at[axis].extent ? extent : axes.at[axis].extent;
    while (extent > box[axis] && volume / box[axis] * extent > most) --extent;
    volume = volume / box[axis] * extent;
    box[axis] = extent;
    run *= extent;
    if (extent < axes.at[axis].extent) break;
  }
}

void plan_tiles(CopyPlan& plan, const Axes& axes) {
  int32_t by_dst[max_rank] = {};
  for (int i = 0; i < axes.rank; ++i) {
    by_dst[i] = i;
    int to = i;
    for (; to > 0 && axes.at[plan.order[to - 1]].src < axes.at[i].src; --to)
      plan.order[to] = plan.order[to - 1];
    plan.order[to] = i;
  }
  int64_t box[max_rank] = {1, 1, 1, 1, 1, 1};
  grow(axes, plan.order, box, 32, most_box_words);
  grow(axes, by_dst, box, 32, most_box_words);
  int64_t volume = 1;
  for (int i = 0; i < axes.rank; ++i) volume *= box[i];
  // Small boxes are lengthened along dst's run, so that a block has work.
  if (volume < 1024) grow(axes, by_dst, box, 1024 / volume * 32, 2048);

  int32_t place = 1;
  for (int k = axes.rank; k-- > 0;) {
    plan.place[plan.order[k]] = place;
    place *= static_cast<int32_t>(box[plan.order[k]]);
  }
  for (int i = 0; i < axes.rank; ++i) {
    plan.box[i] = Divider(box[i]);
    plan.boxes[i] = Divider(ceil_div(axes.at[i].extent, box[i]));
    plan.box_words *= plan.box[i].divisor;
    plan.box_count *= plan.boxes[i].divisor;
  }
}

}  // namespace

CopyPlan plan_copy(const CopyArgs& args) {
  CopyPlan plan;
  const int size = args.element_size;
  if (args.rank < 0 || args.rank > max_rank || (size != 1 && size != 2 && size != 4 && size != 8))
    return plan;
  int64_t numel = 1;
  for (int i = 0; i < args.rank; ++i) numel *= args.extents[i];
  if (numel >= int64_t{1} << 31) return plan;
  if (numel == 0) {
    plan.words = 0;
    plan.instance = 0;
    return plan;
  }
  const Axes axes = merged(sorted(args));
  bool crosses = axes.rank > 1 && axes.at[axes.rank - 1].dst == 1 && axes.at[axes.rank - 1].src > 1;
  bool unit = false;
  for (int i = 0; i < axes.rank; ++i) {
    unit = unit || axes.at[i].src == 1;
    crosses = crosses && axes.at[i].src > 0;
  }
  const bool tiles = crosses && unit && (args.instance < 0 || args.instance >= copy_row_instances);
  plan.word = tiles ? size : widest_word(args, axes);
  if (args.instance >= 0 && args.instance < copy_row_instances && plan.word > 1 << args.instance)
    plan.word = 1 << args.instance < size ? size : 1 << args.instance;
  plan.instance = log2_of(plan.word) + (tiles ? copy_row_instances : 0);
  if (args.instance >= 0 && args.instance != plan.instance) {
    plan.instance = -1;
    return plan;
  }
  take_axes(plan, axes, plan.word / size);
  if (tiles) plan_tiles(plan, axes);
  return plan;
}

}  // namespace agon::cuda
