#include <algorithm>

#include "backend/cpu/kernels/batch_norm.h"
#include "backend/cpu/kernels/index.h"
#include "backend/cpu/kernels/reduce.h"
#include "backend/cpu/kernels/shape.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {
namespace {

/// What a strided copy moves: `extents` elements from `source` (at `from` elements) to `target` (at `to`).
struct Box {
  Shape extents;
  Strides source{}, target{};
  int64_t from = 0, to = 0;
};

Box box_of(const Node& node, const Shape& in, const Shape& out) {
  Box box{out, {}, row_major(out), 0, 0};
  const Strides rows = row_major(in);
  switch (node.op) {
    case Op::transpose: {
      const auto& axes = node.get<AxesAttr>().axes;
      for (size_t i = 0; i < axes.size(); ++i) box.source[i] = rows[static_cast<size_t>(axes[i])];
      return box;
    }
    case Op::broadcast_to:
      box.source = broadcast_strides(in, out);
      return box;
    case Op::slice:
      box.source = rows;
      for (int i = 0; i < in.rank(); ++i)
        box.from += node.get<RangeAttr>().lo[i] * rows[static_cast<size_t>(i)];
      return box;
    case Op::pad:
      box.extents = in;
      box.source = rows;
      for (int i = 0; i < in.rank(); ++i)
        box.to += node.get<RangeAttr>().lo[i] * box.target[static_cast<size_t>(i)];
      return box;
    default:
      fail(ErrorKind::internal, "cpu: {} is no strided copy", name_of(node.op));
  }
}

void lower_copy(Lowering& l, const Node& node) {
  const Shape &in = l.info(node.inputs[0]).shape, &out = l.info(node.outputs[0]).shape;
  const Box box = box_of(node, in, out);
  const Ref x = l.get(node.inputs[0]) + box.from * 4, y = l.put(node.outputs[0]);
  const bool zero_first = node.op == Op::pad;
  const int64_t n = out.numel();
  l.emit({std::string(name_of(node.op)),
          node.name,
          out.str(),
          [kernel = CopyKernel(box.extents, box.source, box.target), x, y, zero_first, n,
           to = box.to](const Frame& f) {
            if (zero_first) fill(f.at(y), n, 0);
            kernel.run(f.at(x), f.at(y) + to);
          },
          {},
          0,
          4.0 * static_cast<double>(box.extents.numel() + n)});
}

/// Sums of bf16 are over all but the channels.
void lower_narrow_sum(Lowering& l, const Node& node) {
  const Shape in = l.info(node.inputs[0]).shape;
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  const Ref scratch = l.scratch(batch_norm_scratch_bytes(in[-1]));
  l.emit({"reduce_sum",
          node.name,
          in.str(),
          [=, layout = ChannelLayout::rows(in.numel() / in[-1], in[-1])](const Frame& f) {
            channel_sum(layout, f.at<bf16>(x), f.at(y), f.at<void>(scratch));
          },
          {},
          static_cast<double>(in.numel()),
          static_cast<double>(l.bytes_of(node.inputs[0]))});
}

/// Sums over whole images, or over all but the channels, read blocked memory as it lies.
bool lower_blocked_sum(Lowering& l, const Node& node) {
  const Shape in = l.info(node.inputs[0]).shape;
  auto axes = node.get<AxesAttr>().axes;
  std::ranges::sort(axes);
  const bool per_channel = axes == std::vector<int>{0, 1, 2};
  const bool per_image = axes == std::vector<int>{1, 2, 3};
  if (l.resident(node.inputs[0]) != Layout::blocked || node.op != Op::reduce_sum ||
      !(per_channel || per_image))
    return false;
  const Ref x = l.get(node.inputs[0], Layout::blocked), y = l.put(node.outputs[0]);
  Step step{"reduce_sum",
            node.name,
            describe(in, Layout::blocked),
            {},
            {},
            static_cast<double>(in.numel()),
            4.0 * static_cast<double>(in.numel())};
  if (per_channel) {
    const auto layout = ChannelLayout::blocked16(in[0], in[1] * in[2], in[3]);
    const Ref scratch = l.scratch(batch_norm_scratch_bytes(in[3]));
    step.run = [=](const Frame& f) { channel_sum(layout, f.at(x), f.at(y), f.at<void>(scratch)); };
  } else {
    const std::vector<int> inner{1};
    step.run = [kernel = ReduceKernel(Reduction::sum, {in[0], in.numel() / in[0]}, inner), x,
                y](const Frame& f) { kernel.run(f.at(x), f.at(y)); };
  }
  l.emit(std::move(step));
  return true;
}

void lower_reduce(Lowering& l, const Node& node) {
  if (l.info(node.inputs[0]).dtype == DType::bf16) return lower_narrow_sum(l, node);
  if (lower_blocked_sum(l, node)) return;
  const Shape& in = l.info(node.inputs[0]).shape;
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  const auto kind = node.op == Op::reduce_sum ? Reduction::sum : Reduction::max;
  l.emit({std::string(name_of(node.op)),
          node.name,
          in.str(),
          [kernel = ReduceKernel(kind, in, node.get<AxesAttr>().axes), x, y](const Frame& f) {
            kernel.run(f.at(x), f.at(y));
          },
          {},
          static_cast<double>(in.numel()),
          4.0 * static_cast<double>(in.numel())});
}

}  // namespace

void lower_shape(Lowering& l, const Node& node) {
  const Shape in = l.info(node.inputs[0]).shape, out = l.info(node.outputs[0]).shape;
  Step step{std::string(name_of(node.op)),
            node.name,
            out.str(),
            {},
            {},
            0,
            4.0 * static_cast<double>(in.numel() + out.numel())};
  switch (node.op) {
    case Op::transpose:
    case Op::broadcast_to:
    case Op::slice:
    case Op::pad:
      return lower_copy(l, node);
    case Op::reduce_sum:
    case Op::reduce_max:
      return lower_reduce(l, node);
    case Op::gather: {
      const Ref table = l.get(node.inputs[0]), index = l.get(node.inputs[1]), y = l.put(node.outputs[0]);
      step.run = [=](const Frame& f) {
        gather(f.at(table), in[0], in[1], f.at<int32_t>(index), out[0], f.at(y));
      };
      return l.emit(std::move(step));
    }
    case Op::scatter_add: {
      const Ref index = l.get(node.inputs[0]), values = l.get(node.inputs[1]), y = l.put(node.outputs[0]);
      step.run = [=](const Frame& f) {
        scatter_add(f.at<int32_t>(index), f.at(values), in[0], out[1], out[0], f.at(y));
      };
      return l.emit(std::move(step));
    }
    case Op::one_hot: {
      const Ref index = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
      step.run = [=](const Frame& f) { one_hot(f.at<int32_t>(index), in.numel(), out[-1], f.at(y)); };
      return l.emit(std::move(step));
    }
    case Op::softmax:
    case Op::log_softmax: {
      const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
      const auto kernel = node.op == Op::softmax ? softmax : log_softmax;
      step.run = [=](const Frame& f) { kernel(f.at(x), in.numel() / in[-1], in[-1], f.at(y)); };
      return l.emit(std::move(step));
    }
    default:
      fail(ErrorKind::internal, "cpu: no lowering for {}", name_of(node.op));
  }
}

}  // namespace agon::cpu
