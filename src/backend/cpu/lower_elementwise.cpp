#include <algorithm>
#include <array>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/elementwise.h"
#include "backend/cpu/lowering.h"
#include "graph/elementwise_program.h"

namespace agon::cpu {
namespace {

/// True for operands whose elements depend on the channel only, or on nothing.
bool per_channel(const Shape& operand, const Shape& space) {
  return operand.numel() == 1 || (operand.numel() == space[-1] && operand[-1] == space[-1]);
}

/// Blocked if some full-size operand lies blocked and all others are full-size or per channel.
Layout choose_layout(const Lowering& l, const Node& node, const Shape& space) {
  if (!can_block(space, DType::f32)) return Layout::plain;
  bool blocked = false;
  for (int id : node.inputs) {
    const Shape& shape = l.info(id).shape;
    if (l.info(id).dtype == DType::bf16) return Layout::plain;
    if (shape == space)
      blocked = blocked || l.has(id, Layout::blocked);
    else if (!per_channel(shape, space))
      return Layout::plain;
  }
  return blocked ? Layout::blocked : Layout::plain;
}

/// Strides over (N, C / 16, H * W, 16).
Strides blocked_strides(const Shape& operand, const Shape& space) {
  if (operand == space) return row_major({space[0], space[3] / 16, space[1] * space[2], 16});
  return operand.numel() == 1 ? Strides{} : Strides{0, 16, 0, 1};
}

/// Between f32 and bf16; between f32 and integers, which a training step does not repeat over large tensors.
void lower_cast(Lowering& l, const Node& node) {
  const DType from = l.info(node.inputs[0]).dtype, to = l.info(node.outputs[0]).dtype;
  const int64_t n = l.info(node.outputs[0]).shape.numel();
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  std::function<void(const Frame&)> run;
  if (from == DType::f32 && to == DType::bf16)
    run = [=](const Frame& f) { convert(f.at(x), n, f.at<bf16>(y)); };
  else if (from == DType::bf16 && to == DType::f32)
    run = [=](const Frame& f) { convert(f.at<bf16>(x), n, f.at(y)); };
  else if (from == DType::i32 && to == DType::f32)
    run = [=](const Frame& f) {
      for (int64_t i = 0; i < n; ++i) f.at(y)[i] = static_cast<float>(f.at<int32_t>(x)[i]);
    };
  else if (from == DType::f32 && to == DType::i32)
    run = [=](const Frame& f) {
      for (int64_t i = 0; i < n; ++i) f.at<int32_t>(y)[i] = static_cast<int32_t>(f.at(x)[i]);
    };
  else if (from == DType::u8 && to == DType::f32)
    run = [=](const Frame& f) {
      for (int64_t i = 0; i < n; ++i) f.at(y)[i] = static_cast<float>(f.at<uint8_t>(x)[i]);
    };
  else
    fail(ErrorKind::unsupported, "cpu: no cast from {} to {}", name_of(from), name_of(to));
  l.emit({"cast",
          node.name,
          fmt::format("{} to {}", name_of(from), name_of(to)),
          std::move(run),
          {},
          0,
          static_cast<double>(n) * static_cast<double>(size_of(from) + size_of(to))});
}

}  // namespace

void lower_elementwise(Lowering& l, const Node& node) {
  if (node.op == Op::cast) return lower_cast(l, node);
  const Shape space = l.info(node.outputs[0]).shape;
  const auto program = program_of(node);
  const Layout layout = choose_layout(l, node, space);
  const bool blocked = layout == Layout::blocked;
  const Shape extents = blocked ? Shape{space[0], space[3] / 16, space[1] * space[2], 16} : space;

  std::vector<ElementwiseOperand> from, to;
  std::vector<Ref> inputs, outputs;
  double bytes = 0;
  const auto is_narrow = [&](int id) { return l.info(id).dtype == DType::bf16; };
  for (int id : node.inputs) {
    const Shape& shape = l.info(id).shape;
    inputs.push_back(l.get(id, blocked && shape == space ? Layout::blocked : Layout::plain));
    from.push_back(
        {blocked ? blocked_strides(shape, space) : broadcast_strides(shape, space), is_narrow(id)});
    bytes += static_cast<double>(l.bytes_of(id));
  }
  std::vector<int> over = node.inputs;  // operands whose memory a result may take
  for (int id : node.outputs) {
    const auto taken =
        std::ranges::find_if(over, [&](int operand) { return l.can_put_over(id, operand, layout); });
    outputs.push_back(taken == over.end() ? l.put(id, layout) : l.put_over(id, *taken, layout));
    if (taken != over.end()) over.erase(taken);
    to.push_back({row_major(extents), is_narrow(id)});
    bytes += static_cast<double>(l.bytes_of(id));
  }
  l.emit({std::string(name_of(node.op)),
          node.name,
          fmt::format("{}: {}", describe(space, layout), summary(program)),
          [kernel = ElementwiseKernel(program, extents, from, to), inputs, outputs](const Frame& f) {
            std::array<const void*, ElementwisePlan::max_operands> in;
            std::array<void*, ElementwisePlan::max_operands> out;
            for (size_t i = 0; i < inputs.size(); ++i) in[i] = f.at<void>(inputs[i]);
            for (size_t i = 0; i < outputs.size(); ++i) out[i] = f.at<void>(outputs[i]);
            kernel.run(in.data(), out.data());
          },
          {},
          static_cast<double>(space.numel()) * static_cast<double>(program.code.size()),
          bytes});
}

}  // namespace agon::cpu
