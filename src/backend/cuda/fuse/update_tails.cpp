#include "backend/cuda/fuse/update_tails.h"

#include <algorithm>

namespace agon::device {
namespace {

/// A program that is average + (value - average) * weight, perhaps of a value that it clamps first.
struct Average {
  bool clips = false;
  int average = -1, weight = -1;  ///< operands of the node
};

/// True if `made` is `op` of the operands `a` and `b`; either order where the op does not care.
bool is(const ElementwiseProgram::Instruction& made, Op op, int a, int b) {
  const auto& [first, second, third] = made.operands;
  return made.op == op && ((first == a && second == b) || (op != Op::sub && first == b && second == a));
}

/// `value` is the operand whose average it has to be. An average of -1 stands for "no".
Average average_in(const Node& node, int value) {
  const auto* program = std::get_if<ElementwiseProgram>(&node.attr);
  if (program == nullptr) return {};
  const int inputs = static_cast<int>(node.inputs.size());
  const auto& code = program->code;
  const bool clips = code.size() == 4 && code[0].op == Op::clamp && code[0].operands[0] == value;
  const size_t at = clips ? 1 : 0;
  if (inputs != 3 || code.size() != at + 3) return {};
  if (program->outputs != (clips ? std::vector{0, 3} : std::vector{2})) return {};
  const int first = inputs + static_cast<int>(at);  // the temporary of instruction `at`
  const int now = clips ? inputs : value;
  for (int average = 0; average < inputs; ++average)
    for (int weight = 0; weight < inputs; ++weight)
      if (average != value && weight != value && average != weight && is(code[at], Op::sub, now, average) &&
          is(code[at + 1], Op::mul, first, weight) && is(code[at + 2], Op::add, average, first + 1))
        return {clips, average, weight};
  return {};
}

}  // namespace

void UpdateTails::take(const Node& node, int index, std::string what) {
  made_.insert(node.outputs[0]);
  notes_.emplace_back(index, "fused into the optimizer: " + std::move(what));
}

UpdateTails::UpdateTails(const Graph& graph, const Uses& uses, const Placement& placement) {
  const int end = static_cast<int>(graph.nodes().size());
  for (const Node& optimizer : graph.nodes()) {
    if (optimizer.op != Op::adam && optimizer.op != Op::rmsprop && optimizer.op != Op::sgd) continue;
    int parameters = optimizer.outputs[0];
    Tail tail;
    if (const int reader = uses.sole(parameters); reader >= 0 && reader < end)
      if (const Node& node = graph.node(reader); node.op == Op::clamp) {
        const auto& [lo, hi] = node.get<ClampAttr>();
        tail.clipped = node.outputs[0];
        tail.lo = lo;
        tail.hi = hi;
        take(node, reader, "clipping");
        parameters = tail.clipped;
      }
    for (int reader : uses.of(parameters)) {
      if (reader >= end) continue;
      const Node& node = graph.node(reader);
      if (node.op == Op::cast && graph.value(node.outputs[0]).dtype == DType::bf16 && tail.narrow < 0) {
        tail.narrow = node.outputs[0];
        take(node, reader, "bf16 copy");
        continue;
      }
      const auto own = std::ranges::find(node.inputs, parameters) - node.inputs.begin();
      const Average found = average_in(node, static_cast<int>(own));
      if (found.average < 0 || tail.average >= 0) continue;
      // The update of the average moves up to the optimizer, so nothing else may look at the average.
      const int average = node.inputs[static_cast<size_t>(found.average)],
                weight = node.inputs[static_cast<size_t>(found.weight)], averaged = node.outputs.back();
      if (graph.producer(weight).op != Op::scalar || placement.state_home(averaged) != average ||
          uses.sole(average) != reader || !(graph.value(average).shape == graph.value(parameters).shape) ||
          (found.clips && (tail.clipped >= 0 || uses.sole(parameters) != reader)))
        continue;
      if (found.clips) {
        const auto& [lo, hi] = node.get<ElementwiseProgram>().code[0].clamp;
        tail.clipped = node.outputs[0];
        tail.lo = lo;
        tail.hi = hi;
      }
      tail.average = average;
      tail.averaged = averaged;
      tail.weight = weight;
      take(node, reader, found.clips ? "clipping and average" : "average");
    }
    tails_[optimizer.outputs[0]] = tail;
  }
}

}  // namespace agon::device
