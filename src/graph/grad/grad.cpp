#include <algorithm>

#include "graph/grad/vjp.h"

namespace agon {
namespace autodiff {

Rule::Rule(Graph& graph, int node, std::vector<Value> cotangents, std::vector<bool> wanted)
    : graph_(graph),
      op_(graph.node(node).op),
      attr_(graph.node(node).attr),
      cotangents_(std::move(cotangents)),
      given_(graph.node(node).inputs.size()),
      wanted_(std::move(wanted)) {
  for (int id : graph.node(node).inputs) inputs_.emplace_back(&graph, id);
  for (int id : graph.node(node).outputs) outputs_.emplace_back(&graph, id);
}

Value Rule::d(int i) const {
  return has(i) ? cotangents_[static_cast<size_t>(i)] : graph_.constant(0, out(i).shape());
}

void Rule::give(int i, Value cotangent) {
  // Copies: a graph's shapes move when it grows.
  const Shape from = cotangent.shape(), to = in(i).shape();
  if (!(from == to)) {
    if (from.numel() == to.numel()) {
      cotangent = reshape(cotangent, to);
    } else if (broadcast(from, to) == to) {
      cotangent = broadcast_to(cotangent, to);
    } else {
      std::vector<int> axes;
      const int extra = from.rank() - to.rank();
      for (int axis = 0; axis < from.rank(); ++axis)
        if (axis < extra || (to[axis - extra] == 1 && from[axis] != 1)) axes.push_back(axis);
      cotangent = reshape(reduce_sum(cotangent, axes), to);
    }
  }
  given_[static_cast<size_t>(i)] = cotangent;
}

namespace {

void apply(Rule& rule) {
  const Op op = rule.op();
  if (is_elementwise(op) || op == Op::cast) return elementwise(rule);
  switch (op) {
    case Op::reshape:
    case Op::transpose:
    case Op::broadcast_to:
    case Op::concat:
    case Op::slice:
    case Op::pad:
    case Op::reduce_sum:
    case Op::reduce_max:
    case Op::gather:
    case Op::scatter_add:
      return shape(rule);
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return contraction(rule);
    case Op::avg_pool:
    case Op::avg_pool_grad:
    case Op::max_pool:
    case Op::max_pool_grad:
    case Op::max_pool_take:
    case Op::resize:
    case Op::resize_grad:
      return window(rule);
    case Op::softmax:
    case Op::log_softmax:
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
    case Op::sample_norm:
    case Op::sample_norm_grad:
    case Op::spectral_norm:
      return normalisation(rule);
    case Op::loss:
      return loss(rule);
    case Op::gradient_penalty:
      return gradient_penalty(rule);
    default:
      fail(ErrorKind::internal, "grad: {} has no derivative", name_of(op));
  }
}

bool is_differentiable(Op op) {
  switch (op) {
    case Op::sign:
    case Op::greater:
    case Op::greater_equal:
    case Op::equal:
    case Op::stop_gradient:
    case Op::one_hot:
      return false;
    default:
      return true;
  }
}

/// Reverse sweep over the nodes that lie between `wrt` and `y`.
class Sweep {
 public:
  Sweep(Value y, Value dy, std::span<const Value> wrt);
  std::vector<Value> run();

 private:
  bool depends(int id) const {
    return id < static_cast<int>(depends_.size()) && depends_[static_cast<size_t>(id)];
  }
  void accumulate(int id, Value cotangent);
  void step(int node);

  Graph& graph_;
  Value y_;
  std::vector<Value> wrt_;
  std::vector<char> depends_;      ///< per value: reachable from wrt
  std::vector<Value> cotangents_;  ///< per value
};

Sweep::Sweep(Value y, Value dy, std::span<const Value> wrt)
    : graph_(y.graph()), y_(y), wrt_(wrt.begin(), wrt.end()) {
  const auto count = static_cast<size_t>(graph_.value_count());
  depends_.resize(count, 0);
  cotangents_.resize(count);
  for (Value v : wrt_) depends_[static_cast<size_t>(v.id())] = 1;
  const int last = graph_.value(y.id()).producer;
  for (int i = 0; i <= last; ++i) {
    const Node& node = graph_.node(i);
    if (!is_differentiable(node.op)) continue;
    if (std::ranges::any_of(node.inputs, [&](int id) { return depends(id); }))
      for (int id : node.outputs) depends_[static_cast<size_t>(id)] = is_float(graph_.value(id).dtype);
  }
  if (depends(y.id())) cotangents_[static_cast<size_t>(y.id())] = dy;
}

void Sweep::accumulate(int id, Value cotangent) {
  Value& sum = cotangents_[static_cast<size_t>(id)];
  sum = sum.valid() ? sum + cotangent : cotangent;
}

void Sweep::step(int index) {
  const Node& node = graph_.node(index);
  std::vector<Value> cotangents;
  bool any = false;
  for (int id : node.outputs) {
    cotangents.push_back(cotangents_[static_cast<size_t>(id)]);
    any = any || cotangents.back().valid();
  }
  std::vector<bool> wanted;
  for (int id : node.inputs) wanted.push_back(depends(id));
  if (!any || std::ranges::none_of(wanted, [](bool w) { return w; }) || !is_differentiable(node.op)) return;

  const Graph::Scope scope(graph_, "grad " + node.name);
  Rule rule(graph_, index, std::move(cotangents), std::move(wanted));
  const std::vector<int> inputs = node.inputs;
  apply(rule);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (rule.wants(static_cast<int>(i)) && rule.given()[i].valid()) accumulate(inputs[i], rule.given()[i]);
}

std::vector<Value> Sweep::run() {
  for (int i = graph_.value(y_.id()).producer; i >= 0; --i) step(i);
  std::vector<Value> result;
  for (Value v : wrt_) {
    Value cotangent = cotangents_[static_cast<size_t>(v.id())];
    result.push_back(cotangent.valid() ? cotangent : graph_.constant(0, v.shape()));
  }
  return result;
}

}  // namespace
}  // namespace autodiff

std::vector<Value> vjp(Value y, Value dy, std::span<const Value> wrt) {
  check(y.shape() == dy.shape(), ErrorKind::usage, "vjp: y is {}, its cotangent {}", y.shape().str(),
        dy.shape().str());
  return autodiff::Sweep(y, dy, wrt).run();
}

std::vector<Value> grad(Value loss, std::span<const Value> wrt) {
  check(loss.shape().numel() == 1, ErrorKind::usage, "grad: the loss is {}, not a scalar",
        loss.shape().str());
  return vjp(loss, loss.graph().constant(1, loss.shape()), wrt);
}

}  // namespace agon
