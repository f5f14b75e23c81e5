#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <unordered_map>

#include "graph/alias.h"
#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace agon {
namespace {

std::optional<double> fold(Op op, const Attr& attr, std::span<const double> x) {
  switch (op) {
    case Op::neg:
      return -x[0];
    case Op::abs:
      return std::abs(x[0]);
    case Op::exp:
      return std::exp(x[0]);
    case Op::log:
      return std::log(x[0]);
    case Op::sqrt:
      return std::sqrt(x[0]);
    case Op::rsqrt:
      return 1 / std::sqrt(x[0]);
    case Op::clamp:
      return std::clamp(x[0], std::get<ClampAttr>(attr).lo, std::get<ClampAttr>(attr).hi);
    case Op::add:
      return x[0] + x[1];
    case Op::sub:
      return x[0] - x[1];
    case Op::mul:
      return x[0] * x[1];
    case Op::div:
      return x[0] / x[1];
    case Op::maximum:
      return std::max(x[0], x[1]);
    case Op::minimum:
      return std::min(x[0], x[1]);
    case Op::greater:
      return x[0] > x[1] ? 1 : 0;
    case Op::greater_equal:
      return x[0] >= x[1] ? 1 : 0;
    case Op::equal:
      return x[0] == x[1] ? 1 : 0;
    case Op::where:
      return x[0] != 0 ? x[1] : x[2];
    case Op::reshape:
    case Op::broadcast_to:
    case Op::slice:
    case Op::transpose:
      return x[0];
    default:
      return std::nullopt;
  }
}

class Simplifier {
 public:
  explicit Simplifier(const Graph& graph) : rewriter_(graph) {}

  Graph run() {
    for (const Node& node : rewriter_.from().nodes()) visit(node);
    return rewriter_.finish();
  }

 private:
  const Graph& now() { return rewriter_.to(); }
  std::optional<double> constant(int id) {
    const Node& producer = now().producer(id);
    return producer.op == Op::constant ? std::optional(producer.get<FillAttr>().value) : std::nullopt;
  }
  int make_constant(double value, const Shape& shape);
  const Shape& shape(int id) { return now().value(id).shape; }
  bool is(int id, double value) { return constant(id) == value; }

  void visit(const Node& old);
  void peel_broadcasts(Node& node, const Shape& result);
  int identity(const Node& node, const Shape& result);
  int constant_result(const Node& node, const Shape& result);
  int regroup(Node& node, const Shape& result);
  int known(const Node& node, std::span<const ValueInfo> types);
  void remember(const Node& node);
  static size_t hash(const Node& node);

  Rewriter rewriter_;
  std::unordered_multimap<size_t, int> seen_;  // hash -> node index in the new graph
};

int Simplifier::make_constant(double value, const Shape& shape) {
  Node node{Op::constant, {}, {}, FillAttr{value}, {}, {}};
  const ValueInfo type{DType::f32, shape};
  if (const int index = known(node, {&type, 1}); index >= 0) return now().node(index).outputs[0];
  seen_.emplace(hash(node), static_cast<int>(now().nodes().size()));
  return rewriter_.to().adopt(node, {&type, 1}).id();
}

/// Elementwise kernels broadcast by themselves, so an explicit broadcast of an operand is dropped where
/// another operand still gives the result its shape.
void Simplifier::peel_broadcasts(Node& node, const Shape& result) {
  if (!is_elementwise(node.op) || node.inputs.size() < 2) return;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Node& producer = now().producer(node.inputs[i]);
    const bool fill = producer.op == Op::constant && shape(node.inputs[i]).numel() > 1;
    if (producer.op != Op::broadcast_to && !fill) continue;
    Shape others;
    for (size_t j = 0; j < node.inputs.size(); ++j)
      if (j != i) others = broadcast(others, shape(node.inputs[j]));
    const Shape source = fill ? Shape{} : shape(producer.inputs[0]);
    if (!(broadcast(others, source) == result)) continue;
    node.inputs[i] = fill ? make_constant(producer.get<FillAttr>().value, {}) : producer.inputs[0];
  }
}

/// The operand that the node merely repeats, or -1.
int Simplifier::identity(const Node& node, const Shape& result) {
  const auto& in = node.inputs;
  auto same = [&](int id) { return shape(id) == result ? id : -1; };
  switch (node.op) {
    case Op::stop_gradient:
      return in[0];
    case Op::reshape:
    case Op::broadcast_to:
      return same(in[0]);
    case Op::reduce_sum:
    case Op::reduce_max:
      return same(in[0]);
    case Op::add:
      return is(in[1], 0) ? same(in[0]) : is(in[0], 0) ? same(in[1]) : -1;
    case Op::sub:
      return is(in[1], 0) ? same(in[0]) : -1;
    case Op::mul:
      return is(in[1], 1) ? same(in[0]) : is(in[0], 1) ? same(in[1]) : -1;
    case Op::div:
      return is(in[1], 1) ? same(in[0]) : -1;
    case Op::neg:
      return now().producer(in[0]).op == Op::neg ? now().producer(in[0]).inputs[0] : -1;
    case Op::where:
      if (auto mask = constant(in[0])) return same(*mask != 0 ? in[1] : in[2]);
      return -1;
    default:
      return -1;
  }
}

/// A constant equal to the node's result, or -1.
int Simplifier::constant_result(const Node& node, const Shape& result) {
  if (node.outputs.size() != 1 || node.inputs.empty()) return -1;
  std::vector<double> values;
  for (int id : node.inputs) {
    const auto value = constant(id);
    if (!value) return -1;
    values.push_back(*value);
  }
  if (node.op == Op::reduce_sum)
    return make_constant(
        values[0] * static_cast<double>(shape(node.inputs[0]).numel()) / static_cast<double>(result.numel()),
        result);
  const auto value = fold(node.op, node.attr, values);
  return value && std::isfinite(*value) ? make_constant(*value, result) : -1;
}

/// Chains that shorten: reshape of reshape, (x * a) * b with constants.
int Simplifier::regroup(Node& node, const Shape& result) {
  if (node.inputs.empty()) return -1;
  const Node& producer = now().producer(node.inputs[0]);
  if (node.op == Op::reshape && producer.op == Op::reshape) {
    node.inputs[0] = producer.inputs[0];
    return shape(node.inputs[0]) == result ? node.inputs[0] : -1;
  }
  if (node.op == Op::mul && producer.op == Op::mul) {
    const auto outer = constant(node.inputs[1]), inner = constant(producer.inputs[1]);
    const int source = producer.inputs[0];
    // A constant may also raise the rank; then the result's shape would be lost with it.
    if (outer && inner && shape(source) == result) {
      node.inputs = {source, make_constant(*outer * *inner, {})};
    }
  }
  return -1;
}

size_t Simplifier::hash(const Node& node) {
  size_t h = static_cast<size_t>(node.op) * 1000003u + node.attr.index();
  for (int id : node.inputs) h = h * 1000003u + static_cast<size_t>(id);
  return h;
}

int Simplifier::known(const Node& node, std::span<const ValueInfo> types) {
  auto [first, last] = seen_.equal_range(hash(node));
  for (; first != last; ++first) {
    const Node& other = now().node(first->second);
    if (other.op != node.op || other.inputs != node.inputs || !(other.attr == node.attr) ||
        other.outputs.size() != types.size())
      continue;
    const ValueInfo& info = now().value(other.outputs[0]);
    if (info.shape == types[0].shape && info.dtype == types[0].dtype) return first->second;
  }
  return -1;
}

void Simplifier::visit(const Node& old) {
  Node node = rewriter_.mapped(old);
  const auto types = rewriter_.types(old);
  const Shape& result = types[0].shape;
  const bool leaf_with_identity = old.op == Op::input || old.op == Op::state || old.op == Op::scalar;
  if (leaf_with_identity || !in_place(old).empty()) return rewriter_.copy(old);

  peel_broadcasts(node, result);
  int same = regroup(node, result);
  if (same < 0) same = identity(node, result);
  if (same < 0) same = constant_result(node, result);
  if (same >= 0) return rewriter_.bind(old.outputs[0], same);

  int index = known(node, types);
  if (index < 0) {
    index = static_cast<int>(now().nodes().size());
    seen_.emplace(hash(node), index);
    rewriter_.to().adopt(node, types);
  }
  for (size_t i = 0; i < old.outputs.size(); ++i)
    rewriter_.bind(old.outputs[i], now().node(index).outputs[i]);
}

}  // namespace

Graph simplify(const Graph& graph) {
  return Simplifier(graph).run();
}

}  // namespace agon
