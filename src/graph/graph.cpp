#include "agon/graph.h"

#include <algorithm>

#include "graph/infer.h"

namespace agon {

const Shape& Value::shape() const {
  return graph_->value(id_).shape;
}
DType Value::dtype() const {
  return graph_->value(id_).dtype;
}

Graph::Scope::Scope(Graph& graph, std::string_view name) : graph_(graph), length_(graph.scope_.size()) {
  if (!graph_.scope_.empty()) graph_.scope_ += '/';
  graph_.scope_ += name;
}
Graph::Scope::~Scope() {
  graph_.scope_.resize(length_);
}

Value Graph::leaf(Op op, std::string name, Shape shape, DType dtype, Attr attr) {
  const int id = value_count();
  values_.push_back({dtype, shape, static_cast<int>(nodes_.size()), 0});
  nodes_.push_back({op, {}, {id}, std::move(attr), {}, std::move(name)});
  return {this, id};
}

Value Graph::input(std::string name, Shape shape, DType dtype) {
  return leaf(Op::input, std::move(name), shape, dtype);
}
Value Graph::scalar(std::string name) {
  return leaf(Op::scalar, std::move(name), {}, DType::f32);
}

Value Graph::state(std::string name, Shape shape, DType dtype) {
  for (const Node& node : nodes_)
    check(node.op != Op::state || node.name != name, ErrorKind::usage, "graph: state '{}' exists already",
          name);
  return leaf(Op::state, std::move(name), shape, dtype);
}

Value Graph::constant(double value, Shape shape) {
  return leaf(Op::constant, scope_, shape, DType::f32, FillAttr{value});
}

Value Graph::random(Op op, Shape shape, int64_t stream, double p) {
  const uint32_t number = stream < 0 ? next_stream_ : static_cast<uint32_t>(stream);
  next_stream_ = std::max(next_stream_, number + 1);
  return leaf(op, scope_, shape, DType::f32, RandomAttr{number, p});
}
Value Graph::random_normal(Shape shape, int64_t stream) {
  return random(Op::random_normal, shape, stream, 0);
}
Value Graph::random_uniform(Shape shape, int64_t stream) {
  return random(Op::random_uniform, shape, stream, 0);
}
Value Graph::random_bernoulli(Shape shape, double p, int64_t stream) {
  return random(Op::random_bernoulli, shape, stream, p);
}

Value Graph::append(Op op, std::vector<Value> inputs, Attr attr, Shape target, DType dtype) {
  Node node{op, {}, {}, std::move(attr), {}, scope_};
  std::vector<ValueInfo> types;
  for (Value input : inputs) {
    check(input.valid() && &input.graph() == this, ErrorKind::usage, "{}: an operand is of another graph",
          name_of(op));
    node.inputs.push_back(input.id());
    types.push_back(value(input.id()));
  }
  const auto outputs = infer(op, types, node.attr, target, dtype);
  return adopt(std::move(node), outputs);
}

Value Graph::adopt(Node node, std::span<const ValueInfo> outputs) {
  node.outputs.clear();
  for (size_t i = 0; i < outputs.size(); ++i) {
    node.outputs.push_back(value_count());
    values_.push_back(
        {outputs[i].dtype, outputs[i].shape, static_cast<int>(nodes_.size()), static_cast<int>(i)});
  }
  nodes_.push_back(std::move(node));
  return {this, nodes_.back().outputs[0]};
}

Value Graph::port(Value value, int port) {
  return {this, producer(value.id()).outputs.at(static_cast<size_t>(port))};
}

void Graph::assign(Value state, Value value) {
  const Node& target = producer(state.id());
  check(target.op == Op::state, ErrorKind::usage, "assign: the target is no state but a {}",
        name_of(target.op));
  check(state.shape() == value.shape() && state.dtype() == value.dtype(), ErrorKind::usage,
        "assign: '{}' is {}, the value {}", target.name, state.shape().str(), value.shape().str());
  for (const auto& [assigned, _] : assignments_)
    check(assigned != state.id(), ErrorKind::usage, "assign: '{}' is assigned twice", target.name);
  assignments_.emplace_back(state.id(), value.id());
}

void Graph::output(std::string name, Value value) {
  for (const auto& [existing, _] : outputs_)
    check(existing != name, ErrorKind::usage, "output: '{}' exists already", name);
  outputs_.emplace_back(std::move(name), value.id());
}

}  // namespace agon
