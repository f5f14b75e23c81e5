#include <algorithm>

#include "backend/cuda/layout.h"
#include "backend/cuda/lowering.h"
#include "graph/elementwise_program.h"

namespace agon::device {
namespace {

kernel::ElementwiseInstruction kernel_instruction(const ElementwiseProgram::Instruction& from) {
  kernel::ElementwiseInstruction to;
  to.op = static_cast<kernel::ElementwiseOp>(static_cast<int>(from.op) - static_cast<int>(Op::neg));
  std::ranges::copy(from.operands, to.operands);
  to.activation = to_kernel(from.activation);
  to.lo = static_cast<float>(from.clamp.lo);
  to.hi = static_cast<float>(from.clamp.hi);
  return to;
}

}  // namespace

void lower_elementwise(Lowering& l, const Node& node) {
  const int first = node.outputs[0];
  if (l.virtual_values().contains(first)) {  // activation_grad (y, dy), computed by its readers
    Operand operand;
    operand.data = l.get(node.inputs[1]);
    operand.kind = kernel::PrologueKind::backward;
    operand.activation = node.get<Activation>();
    operand.z = l.get(node.inputs[0]);
    operand.channels = static_cast<int>(l.shape(first)[-1]);
    return l.put_virtual(first, operand);
  }
  const Shape& space = l.shape(first);
  const auto program = program_of(node);
  kernel::ElementwiseArgs args;
  args.rank = space.rank();
  extents(space, args.extents);
  args.input_count = static_cast<int>(node.inputs.size());
  args.output_count = static_cast<int>(node.outputs.size());
  args.code_count = static_cast<int>(program.code.size());
  check(args.input_count + args.output_count <= kernel::elementwise_max_operands &&
            args.code_count <= kernel::elementwise_max_code,
        ErrorKind::internal, "cuda: an elementwise program of {} operands and {} instructions",
        args.input_count + args.output_count, args.code_count);
  for (size_t i = 0; i < program.code.size(); ++i) args.code[i] = kernel_instruction(program.code[i]);

  std::vector<Ref> inputs, outputs;
  double bytes = 0;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const int id = node.inputs[i];
    kernel::ElementwiseInput& input = args.inputs[i];
    input.dtype = to_kernel(l.info(id).dtype);
    broadcast_strides(l.shape(id), space, input.strides);
    const double* value = l.constant(id);
    if (value != nullptr) input.value = static_cast<float>(*value);
    inputs.push_back(value != nullptr ? Ref{} : l.get(id));
    bytes += value != nullptr ? 0 : static_cast<double>(l.bytes_of(id));
  }
  std::vector<int> over = node.inputs;  // operands whose memory a result may take
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const int id = node.outputs[i];
    if (const auto sum = l.summed_outputs().find(id); sum.value >= 0) {
      args.outputs[i].temporary = program.outputs[i];
      args.outputs[i].sum = true;
      args.outputs[i].scale = static_cast<float>(sum.scale);
      outputs.push_back(l.put(sum.value));
      bytes += 4;
      continue;
    }
    args.outputs[i].dtype = to_kernel(l.info(id).dtype);
    args.outputs[i].temporary = program.outputs[i];
    const auto taken = std::ranges::find_if(over, [&](int operand) { return l.can_put_over(id, operand); });
    outputs.push_back(taken == over.end() ? l.put(id) : l.put_over(id, *taken));
    if (taken != over.end()) over.erase(taken);
    bytes += static_cast<double>(l.bytes_of(id));
  }
  const auto bind = [=](const Frame& f, kernel::ElementwiseArgs& a) {
    for (size_t i = 0; i < inputs.size(); ++i) a.inputs[i].data = f.at<void>(inputs[i]);
    for (size_t i = 0; i < outputs.size(); ++i) a.outputs[i].data = f.at<void>(outputs[i]);
  };
  l.emit(node,
         {fmt::format("{}: {}", space.str(), summary(program)),
          static_cast<double>(space.numel()) * static_cast<double>(program.code.size()), bytes},
         &agon_cuda_table::elementwise, &agon_cuda_table::elementwise_workspace, args, bind);
}

}  // namespace agon::device
