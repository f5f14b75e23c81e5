#include "backend/cpu/kernels/elementwise.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/block_ops.h"
#include "backend/cpu/kernels/parallel.h"

namespace agon::cpu {
namespace {

/// Walks the points [start, start + count) of a block in pieces of the innermost axis, calling
/// piece(offset of the operand, offset in the tile, length).
template <class Piece>
void walk(const ElementwisePlan& plan, const Strides& strides, int64_t start, int64_t count,
          const Piece& piece) {
  const int last = plan.nest.extents.rank() - 1;
  std::array<int64_t, Shape::max_rank> index{};
  int64_t offset = 0, rest = start;
  for (int axis = last; axis >= plan.block_axis; --axis) {
    const auto a = static_cast<size_t>(axis);
    index[a] = rest % plan.nest.extents[axis];
    rest /= plan.nest.extents[axis];
    offset += index[a] * strides[a];
  }
  const auto inner = static_cast<size_t>(last);
  for (int64_t done = 0; done < count;) {
    const int64_t length = std::min(plan.nest.extents[last] - index[inner], count - done);
    piece(offset, done, length);
    done += length;
    offset += length * strides[inner];
    index[inner] += length;
    for (int axis = last;
         axis > plan.block_axis && index[static_cast<size_t>(axis)] == plan.nest.extents[axis]; --axis) {
      const auto a = static_cast<size_t>(axis);
      offset += strides[a - 1] - index[a] * strides[a];
      index[a] = 0;
      ++index[a - 1];
    }
  }
}

float as_float(float value) {
  return value;
}
float as_float(bf16 value) {
  return from_bf16(value.bits);
}

void move(const float* from, int64_t count, float* to) {
  std::copy_n(from, count, to);
}
void move(const bf16* from, int64_t count, float* to) {
  convert_tile(from, count, to);
}
void move(const float* from, int64_t count, bf16* to) {
  convert_tile(from, count, to);
}

template <class T>
void load(const ElementwisePlan& plan, int operand, const T* base, int64_t start, int64_t count,
          float* tile) {
  const Strides& strides = plan.nest.operands[static_cast<size_t>(operand)];
  const int64_t step = strides[static_cast<size_t>(plan.nest.extents.rank() - 1)];
  walk(plan, strides, start, count, [=](int64_t from, int64_t to, int64_t length) {
    if (step == 0)
      std::fill_n(tile + to, length, as_float(base[from]));
    else if (step == 1)
      move(base + from, length, tile + to);
    else
      for (int64_t i = 0; i < length; ++i) tile[to + i] = as_float(base[from + i * step]);
  });
}

/// Fills [period, size) with copies of [0, period).
void repeat(float* tile, int64_t period, int64_t size) {
  for (int64_t filled = period; filled < size; filled *= 2)
    std::copy_n(tile, std::min(filled, size - filled), tile + filled);
}

/// Between the instructions of a chain no memory is asked for; this keeps it busy. Beyond the array it does
/// nothing.
void fetch(const std::byte* next, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(next + i);
}

template <class T>
void store(const ElementwisePlan& plan, int operand, T* base, int64_t start, int64_t count,
           const float* tile) {
  const Strides& strides = plan.nest.operands[static_cast<size_t>(operand)];
  const int64_t step = strides[static_cast<size_t>(plan.nest.extents.rank() - 1)];
  walk(plan, strides, start, count, [=](int64_t to, int64_t from, int64_t length) {
    if (step == 1)
      move(tile + from, length, base + to);
    else
      for (int64_t i = 0; i < length; ++i) move(tile + from + i, 1, base + to + i * step);
  });
}

}  // namespace

void ElementwiseKernel::run_tiles(const void* const* inputs, void* const* outputs, int64_t begin,
                                  int64_t end) const {
  const int operands = plan_.inputs + plan_.outputs;
  const int64_t per_block = (plan_.block_size + plan_.tile_size - 1) / plan_.tile_size;
  const int64_t first = begin / per_block;
  alignas(64) std::array<float, ElementwisePlan::scratch_size> scratch;
  std::array<std::byte*, ElementwisePlan::max_operands> block;
  std::array<int64_t, ElementwisePlan::max_operands> size;  // bytes of an element
  std::array<float*, ElementwisePlan::max_operands + ElementwisePlan::max_tiles> slot;
  std::array<const std::byte*, ElementwisePlan::max_tiles> loaded;
  std::array<int64_t, Shape::max_rank> index{};

  const auto tile = [&](int t) { return scratch.data() + t * plan_.tile_size; };
  const auto at = [](int i) { return static_cast<size_t>(i); };
  for (int i = 0; i < plan_.tiles; ++i) slot[at(plan_.tile_slot(i))] = tile(i);
  std::fill_n(loaded.begin(), plan_.tiles, nullptr);
  int64_t rest = first;
  for (int axis = plan_.block_axis - 1; axis >= 0; --axis) {
    index[at(axis)] = rest % plan_.nest.extents[axis];
    rest /= plan_.nest.extents[axis];
  }
  for (int i = 0; i < operands; ++i) {
    // Inputs are only read through these.
    block[at(i)] =
        static_cast<std::byte*>(i < plan_.inputs ? const_cast<void*>(inputs[i]) : outputs[i - plan_.inputs]);
    size[at(i)] = plan_.narrow[at(i)] ? sizeof(bf16) : sizeof(float);
    for (size_t axis = 0; axis < at(plan_.block_axis); ++axis)
      block[at(i)] += index[axis] * plan_.nest.operands[at(i)][axis] * size[at(i)];
  }

  int64_t position = begin % per_block;
  for (int64_t unit = begin; unit < end; ++unit) {
    const int64_t start = position * plan_.tile_size;
    const int64_t count = std::min(plan_.tile_size, plan_.block_size - start);
    // Those of bf16 operands are not used.
    for (int i = 0; i < operands; ++i) slot[at(i)] = reinterpret_cast<float*>(block[at(i)]) + start;
    for (const auto& input : plan_.loads) {
      const std::byte* base = block[at(input.operand)];
      const auto load_part = [&](int64_t from, int64_t length) {
        if (plan_.narrow[at(input.operand)])
          load(plan_, input.operand, reinterpret_cast<const bf16*>(base), from, length, tile(input.tile));
        else
          load(plan_, input.operand, reinterpret_cast<const float*>(base), from, length, tile(input.tile));
      };
      if (plan_.tile_size % input.period != 0 && plan_.tile_size != plan_.block_size) {
        load_part(start, count);
      } else if (loaded[at(input.tile)] != base) {
        load_part(0, std::min(input.period, plan_.tile_size));
        repeat(tile(input.tile), input.period, plan_.tile_size);
        loaded[at(input.tile)] = base;
      }
    }
    if (plan_.prefetch)
      for (int i = 0; i < operands; ++i)
        fetch(block[at(i)] + (start + count) * size[at(i)], plan_.tile_size * size[at(i)]);
    for (const auto& [instruction, pass, y, x] : plan_.steps) {
      const float *x0 = slot[at(x[0])], *x1 = slot[at(x[1])], *x2 = slot[at(x[2])];
      if (pass != nullptr)
        pass(x0, x1, x2, slot[at(x[3])], count, static_cast<float>(instruction.activation.alpha),
             slot[at(y)]);
      else
        evaluate_block(instruction, x0, x1, x2, count, slot[at(y)]);
    }
    for (const auto& [operand, from] : plan_.stores) {
      if (plan_.narrow[at(operand)])
        store(plan_, operand, reinterpret_cast<bf16*>(block[at(operand)]), start, count, slot[at(from)]);
      else
        store(plan_, operand, reinterpret_cast<float*>(block[at(operand)]), start, count, slot[at(from)]);
    }

    if (++position < per_block) continue;
    position = 0;
    for (int axis = plan_.block_axis - 1; axis >= 0; --axis) {
      const int64_t extent = plan_.nest.extents[axis];
      const bool wraps = ++index[at(axis)] == extent;
      for (int i = 0; i < operands; ++i) {
        const int64_t stride = plan_.nest.operands[at(i)][at(axis)];
        block[at(i)] += (wraps ? stride - extent * stride : stride) * size[at(i)];
      }
      if (!wraps) break;
      index[at(axis)] = 0;
    }
  }
}

void ElementwiseKernel::run(const void* const* inputs, void* const* outputs) const {
  const int64_t total = plan_.nest.extents.numel();
  if (total == 0) return;
  const int64_t units = plan_.blocks * ((plan_.block_size + plan_.tile_size - 1) / plan_.tile_size);
  // A thread is worth starting for about this many element operations.
  const int64_t points = 32768 / static_cast<int64_t>(plan_.steps.size() + 1);
  parallel_ranges(units, std::max<int64_t>(1, points / plan_.tile_size),
                  [&](int64_t begin, int64_t end, int) { run_tiles(inputs, outputs, begin, end); });
}

}  // namespace agon::cpu
