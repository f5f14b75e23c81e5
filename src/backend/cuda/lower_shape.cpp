#include "backend/cuda/layout.h"
#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

void lower_pad(Lowering& l, const Node& node) {
  const Shape &in = l.shape(node.inputs[0]), &out = l.shape(node.outputs[0]);
  kernel::PadArgs args;
  args.element_size = static_cast<int>(size_of(l.info(node.inputs[0]).dtype));
  args.rank = out.rank();
  extents(in, args.src_extents);
  extents(out, args.extents);
  extents(node.get<RangeAttr>().lo, args.lo);
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  l.emit(node, {out.str(), 0, static_cast<double>(l.bytes_of(node.inputs[0]) + l.bytes_of(node.outputs[0]))},
         &agon_cuda_table::pad, args, [=](const Frame& f, kernel::PadArgs& a) {
           a.src = f.at<void>(x);
           a.dst = f.at<void>(y);
         });
}

/// Source strides over the result's axes, and the first source element.
int64_t source_of(const Node& node, const Shape& in, const Shape& out, int64_t* strides) {
  int64_t rows[Shape::max_rank], from = 0;
  row_major(in, rows);
  if (node.op == Op::broadcast_to) {
    broadcast_strides(in, out, strides);
  } else if (node.op == Op::transpose) {
    const auto& axes = node.get<AxesAttr>().axes;
    for (size_t i = 0; i < axes.size(); ++i) strides[i] = rows[axes[i]];
  } else {
    std::copy_n(rows, in.rank(), strides);
    for (int i = 0; i < in.rank(); ++i) from += node.get<RangeAttr>().lo[i] * rows[i];
  }
  return from;
}

}  // namespace

void lower_copy(Lowering& l, const Node& node) {
  if (node.op == Op::pad) return lower_pad(l, node);
  const Shape &in = l.shape(node.inputs[0]), &out = l.shape(node.outputs[0]);
  kernel::CopyArgs args;
  args.element_size = static_cast<int>(size_of(l.info(node.inputs[0]).dtype));
  args.rank = out.rank();
  extents(out, args.extents);
  row_major(out, args.dst_strides);
  const int64_t from = source_of(node, in, out, args.src_strides) * args.element_size;
  const Ref x = l.get(node.inputs[0]) + from, y = l.put(node.outputs[0]);
  l.emit(node, {out.str(), 0, 2.0 * static_cast<double>(l.bytes_of(node.outputs[0]))}, &agon_cuda_table::copy,
         args, [=](const Frame& f, kernel::CopyArgs& a) {
           a.src = f.at<void>(x);
           a.dst = f.at<void>(y);
         });
}

/// Parts that were written in place need no copy; each of the others (leaves, parts used twice) takes one.
void lower_concat(Lowering& l, const Node& node) {
  const int whole = node.outputs[0];
  const Shape& shape = l.shape(whole);
  const int axis = node.get<AxesAttr>().axes[0];
  const Ref base = l.put_whole(whole);
  int64_t inner = static_cast<int64_t>(size_of(l.info(whole).dtype)), at = 0;
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int part = node.inputs[i];
    const Ref from = l.get(part), to = base + at;
    at += l.shape(part)[axis] * inner;
    if (from == to || l.shape(part).numel() == 0) continue;
    kernel::CopyArgs args;
    args.element_size = static_cast<int>(size_of(l.info(part).dtype));
    args.rank = shape.rank();
    extents(l.shape(part), args.extents);
    row_major(l.shape(part), args.src_strides);
    row_major(shape, args.dst_strides);
    l.touch(base);
    l.emit(node,
           {fmt::format("part {} of {}", i + 1, node.inputs.size()), 0,
            2.0 * static_cast<double>(l.bytes_of(part))},
           &agon_cuda_table::copy, args, [=](const Frame& f, kernel::CopyArgs& a) {
             a.src = f.at<void>(from);
             a.dst = f.at<void>(to);
           });
  }
}

}  // namespace agon::device
