#pragma once
#include <vector>

#include "agon/graph.h"

namespace agon::autodiff {

/// What a node's adjoint rule sees: the node's operands and results, the cotangents of its results, and which
/// operands' cotangents are asked for.
class Rule {
 public:
  Rule(Graph& graph, int node, std::vector<Value> cotangents, std::vector<bool> wanted);

  Op op() const { return op_; }
  template <class T>
  const T& attr() const {
    return std::get<T>(attr_);
  }
  Value in(int i) const { return inputs_[static_cast<size_t>(i)]; }
  Value out(int i = 0) const { return outputs_[static_cast<size_t>(i)]; }
  size_t arity() const { return inputs_.size(); }
  bool wants(int i) const { return wanted_[static_cast<size_t>(i)]; }
  /// True if result i has a cotangent.
  bool has(int i) const { return cotangents_[static_cast<size_t>(i)].valid(); }
  /// The cotangent of result i; a zero constant if it has none.
  Value d(int i = 0) const;
  Graph& graph() const { return graph_; }

  /// Hands over the cotangent of operand i, summed down to its shape where the op broadcast it.
  void give(int i, Value cotangent);
  const std::vector<Value>& given() const { return given_; }

 private:
  Graph& graph_;
  Op op_;
  Attr attr_;
  std::vector<Value> inputs_, outputs_, cotangents_, given_;
  std::vector<bool> wanted_;
};

void elementwise(Rule& rule);
void shape(Rule& rule);
void contraction(Rule& rule);
void window(Rule& rule);
void normalisation(Rule& rule);
void loss(Rule& rule);
void gradient_penalty(Rule& rule);

}  // namespace agon::autodiff
